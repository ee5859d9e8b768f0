"""One contract case: a name that is a promise, and the check of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lipsync_core.conformance.bench import Bench


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A requirement of the contract.

    Attributes:
        name: the promise in words.
        run: returns when it holds; raises `Fault` or `NotApplicable` otherwise.
    """

    name: str
    run: Callable[[Bench], None]
