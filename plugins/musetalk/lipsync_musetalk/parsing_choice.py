"""Decides what the blender `parsing` works with, for the probe and for `open`. Loads nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

from lipsync_core.contracts import Ready, Unavailable
from lipsync_core.machine.packages import installed
from lipsync_core.weights.remedy import remedy
from lipsync_musetalk.spec import PARSING, PARSING_FILE

if TYPE_CHECKING:
    from pathlib import Path

    from lipsync_core.contracts import OpenContext, ProbeContext, ProbeResult

Mode = Literal["raw", "neck", "jaw", "ellipse"]
_WITHOUT = "--option parsing.mode=ellipse needs neither weights nor torch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cheeks:
    """Of the mode "jaw": how far from the middle of 512 columns the skin is taken with room to spare.

    Attributes:
        left: columns to the left.
        right: columns to the right.
    """

    left: int = 90
    right: int = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What a run uses.

    Attributes:
        mode: shape of the mask.
        cheeks: of the mode "jaw".
        softness: width of the rim, as a share of the parsed square.
        compat: the original's arithmetic.
        weights: of the network; None for the mode that needs none.
    """

    mode: Mode
    cheeks: Cheeks
    softness: float
    compat: bool
    weights: Path | None


def choose(context: OpenContext) -> Choice | Unavailable:
    """What `context` runs with on this computer, or why it cannot."""
    mode = cast(Mode, str(context.options.get("mode", "jaw")))
    weights = None if mode == "ellipse" else context.weights.get(PARSING_FILE)
    if mode != "ellipse" and weights is None:
        return Unavailable(
            reason=f"its weights are not here: {PARSING_FILE}",
            hint=f"{remedy(PARSING.name, PARSING.weights)}; or: {_WITHOUT}.",
        )
    if mode != "ellipse" and not installed("torch"):
        return Unavailable(
            reason="the package 'torch' is not installed",
            hint=f'pip install "lipsync-musetalk[runtime]"; or: {_WITHOUT}.',
        )
    return Choice(
        mode=mode,
        cheeks=Cheeks(left=_whole(context, "left_cheek"), right=_whole(context, "right_cheek")),
        softness=float(context.options.get("softness", 0.05)),
        compat=bool(context.options.get("compat", False)),
        weights=weights,
    )


def probe(context: ProbeContext) -> ProbeResult:
    """Ready with the mode and the file, or what is missing."""
    chosen = choose(context.context)
    if isinstance(chosen, Unavailable):
        return chosen
    if chosen.weights is None:
        return Ready(detail="an ellipse, without a network")
    return Ready(detail=f"{chosen.mode}, {chosen.weights.name} on {context.context.device}")


def _whole(context: OpenContext, key: str) -> int:
    return int(context.options.get(key, 90))
