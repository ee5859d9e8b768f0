"""Probe functions with one fault each."""

from __future__ import annotations

import time

from lipsync_core.contracts import Ready, Unavailable


def slow(context):
    time.sleep(0.25)
    return Ready()


def raises(context):
    raise KeyError("CUDA_HOME")


def a_bool(context):
    return True


def no_hint(context):
    return Unavailable(reason="something is missing", hint="")


def lacks(context):
    """A good one, that says no."""
    return Unavailable(reason="no person is trained", hint="lipsync train")
