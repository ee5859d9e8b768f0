"""How OpenMP's threads wait. Imports nothing: it must be settled before torch is there."""

from __future__ import annotations

import os

__all__ = ["wait_quietly"]


def wait_quietly() -> None:
    """Let OpenMP's threads sleep while they wait; call it before torch is imported.

    By default they wait actively and take the cores from decoder and encoder. What the user has set stays.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
