"""What counts as a generator's failure: errors, shortage of memory, unusable pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lipsync_core.contracts import Unavailable
from lipsync_core.errors import Cancelled, GenerationFailed, LipsyncError, OutOfMemory, UsageError

Phase = Literal["probe", "open", "prepare", "generate", "check"]

MAX_FAILED_SHOTS = 2
"""A generator that failed in this many shots is not tried in later ones."""
_BLACK, _DARK = 4.0, 16.0
"""Mean levels: an output under the first is black, unless the crop it was made from is under the
second (a night scene stays one)."""
_MEMORY_ERRORS = ("OutOfMemoryError", "CUDAOutOfMemoryError", "MemoryError")


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A try that failed: which generator, in which phase, in which shot (None: before any), why."""

    generator: str
    phase: Phase
    shot: int | None
    reason: str
    hint: str = ""

    @classmethod
    def at_probe(cls, generator: str, why: Unavailable) -> Attempt:
        """A generator that cannot run here."""
        return cls(generator=generator, phase="probe", shot=None, reason=why.reason, hint=why.hint)

    @classmethod
    def of(cls, generator: str, shot: int | None, error: StageFailure | OutOfMemory) -> Attempt:
        """What an error that moves the chain on says of a generator."""
        if isinstance(error, StageFailure):
            return cls(
                generator=generator,
                phase=error.phase,
                shot=shot,
                reason=error.reason,
                hint=error.hint,
            )
        return cls(
            generator=generator,
            phase="generate",
            shot=shot,
            reason=error.message,
            hint="Use a smaller target or another device.",
        )

    def __str__(self) -> str:
        return f"{self.generator} ({self.phase}): {self.reason}"

    def as_dict(self) -> dict[str, object]:
        """For the report."""
        return asdict(self)


class StageFailure(Exception):
    """A generator failed in `phase`; the chain moves on. Never shown to the user as it is."""

    def __init__(self, phase: Phase, reason: str, hint: str = "") -> None:
        super().__init__(reason)
        self.phase: Phase = phase
        self.reason = reason
        self.hint = hint


def guarded(phase: Phase, call: Callable[[], NDArray[np.uint8] | object]) -> object:
    """Call into a generator; whatever it raises becomes a `StageFailure` or `OutOfMemory`.

    Raises:
        StageFailure: anything that speaks against this generator.
        OutOfMemory: it ran out of memory.
        UsageError: the user's mistake, as it is.
        Cancelled: as it is.
    """
    try:
        return call()
    except (UsageError, Cancelled, OutOfMemory):
        raise
    except LipsyncError as error:
        raise StageFailure(phase, error.message, error.hint) from error
    except Exception as error:
        if out_of_memory(error):
            raise OutOfMemory(f"out of memory: {error}") from error
        text = " ".join(str(error).split())[:300]
        raise StageFailure(phase, f"{type(error).__name__}: {text}") from error


def out_of_memory(error: BaseException) -> bool:
    """Whether an error of any library says that memory ran out."""
    return type(error).__name__ in _MEMORY_ERRORS or "out of memory" in str(error).lower()


def checked(output: object, crops: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """What a generator gave, if it can be used.

    Args:
        output: what `generate` returned.
        crops: `(N, H, W, 3)` what it was given.

    Raises:
        StageFailure: wrong count, size or dtype, NaN, or black pictures.
    """
    if not isinstance(output, np.ndarray):
        raise StageFailure("check", f"it gave a {type(output).__name__} instead of an array")
    if output.shape != crops.shape:
        raise StageFailure("check", f"it gave shape {output.shape} instead of {crops.shape}")
    if output.dtype != np.uint8:
        bad = np.issubdtype(output.dtype, np.floating) and not np.isfinite(output).all()
        what = "NaN or infinite values" if bad else f"dtype {output.dtype} instead of uint8"
        raise StageFailure("check", f"it gave {what}")
    made, given = output.mean(axis=(1, 2, 3)), crops.mean(axis=(1, 2, 3))
    if np.any((made < _BLACK) & (given > _DARK)):
        raise StageFailure("check", "it gave black pictures")
    return output


def failed(attempts: list[Attempt], shot: int) -> GenerationFailed:
    """The error for a shot that no generator of the chain could make; it tells all tries."""
    told = "; ".join(map(str, attempts))
    return GenerationFailed(
        f"No generator produced usable frames for shot {shot}. Tried: {told}.",
        "Omit --strict to let the embedded default take over, or run `lipsync doctor`.",
    )
