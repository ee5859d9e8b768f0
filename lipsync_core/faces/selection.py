"""Which face of each frame is to speak, how strongly, and why not where it is not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from lipsync_core.errors import UsageError
from lipsync_core.faces.analysis import Analysis
from lipsync_core.faces.covering import free
from lipsync_core.faces.plausibility import bowed, inside, reliable, standing
from lipsync_core.faces.pose import carrying
from lipsync_core.faces.smoothing import gaussian, runs

FADE = 4
"""Frames over which the new mouth comes and goes where a face is found or lost inside a shot."""

Reason = Literal[
    "",
    "no face",
    "too small",
    "turned away",
    "head bowed",
    "landmarks unreliable",
    "mouth covered",
    "silence clip",
]
REASONS: tuple[Reason, ...] = get_args(Reason)
"""Why a frame passes through; the last one is for edit lists alone."""
DOUBTS = frozenset[Reason]({"head bowed", "landmarks unreliable", "mouth covered"})
"""Those that come from checks, which can be switched off."""
_TOLD = 8
"""Frames on either side that have a say in which reason is told."""
_BRIEF = 5
"""Frames whose median says whether a mouth is covered: what is before it stays for longer than two."""
_HIDING = 4
"""Frames around a covered mouth that are covered with it: only every second one is looked at."""
_DOUBTED = 2
"""Frames around a doubtful one that are doubted with it: what is wrong there has begun before it shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceChoice:
    """Per frame of the target.

    Attributes:
        rows: `(frames,)` int64 position in `Analysis.rows`, or -1.
        strength: `(frames,)` float32, 0 passes the frame through.
        reasons: `(frames,)` int8 index into `REASONS`, 0 where strength > 0.
        quarters: `(frames,)` int8 how the face is turned (`faces.turns`), 0 where the frame passes through.
    """

    rows: NDArray[np.int64]
    strength: NDArray[np.float32]
    reasons: NDArray[np.int8]
    quarters: NDArray[np.int8]


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceRule:
    """The parsed form of `--face`: `largest`, `center`, `id:N` or `point:x,y` (pixels)."""

    kind: Literal["largest", "center", "id", "point"]
    track: int = -1
    point: tuple[float, float] = (0.0, 0.0)

    @classmethod
    def parse(cls, text: str) -> FaceRule:
        """Read a rule.

        Raises:
            UsageError: the text is none of the four forms.
        """
        kind, _, value = text.partition(":")
        try:
            if kind == "id":
                return cls(kind="id", track=int(value))
            if kind == "point":
                x, y = (float(v) for v in value.split(","))
                return cls(kind="point", point=(x, y))
            if kind in ("largest", "center") and not value:
                return cls(kind="largest" if kind == "largest" else "center")
        except ValueError:
            pass
        raise UsageError(
            f"--face '{text}' is not understood.",
            "Use largest, center, id:N (see `lipsync faces INPUT`) or point:x,y in pixels.",
        )


def choose(
    analysis: Analysis, rule: FaceRule, size: tuple[int, int], *, checks: bool = True
) -> FaceChoice:
    """Apply a rule, shot by shot.

    Args:
        analysis: faces of the target.
        rule: which face.
        size: width and height of the frames.
        checks: pass frames through whose landmarks are doubtful or whose mouth is covered.

    Raises:
        UsageError: `id:N` names a track that does not exist.
    """
    rows = np.full(analysis.frames, -1, np.int64)
    table = analysis.rows
    if rule.kind == "id" and not np.any(table["track"] == rule.track):
        raise UsageError(
            f"There is no face with id {rule.track} in this target.",
            "`lipsync faces INPUT` draws all ids on a contact sheet.",
        )
    for start, stop in analysis.shots:
        lo, hi = np.searchsorted(table["frame"], [start, stop])
        _choose_in_shot(table, int(lo), int(hi), rule, size, rows)
    strength, reasons = _strength(table, rows, analysis.shots, checks)
    quarters = np.zeros(analysis.frames, np.int8)
    quarters[strength > 0] = table["quarter"][rows[strength > 0]]
    return FaceChoice(rows=rows, strength=strength, reasons=reasons, quarters=quarters)


def _choose_in_shot(
    table: NDArray[np.void],
    lo: int,
    hi: int,
    rule: FaceRule,
    size: tuple[int, int],
    rows: NDArray[np.int64],
) -> None:
    """Fill `rows` for one shot: the best track, then others that speak while it is away."""
    part = table[lo:hi]
    ids = np.unique(part["track"])
    scores = {int(i): _score(part[part["track"] == i], rule, size) for i in ids}
    taken: set[int] = set()
    lead = None
    for track in sorted(scores, key=lambda i: (-scores[i], i)):
        if scores[track] <= 0:
            continue
        at = lo + np.flatnonzero(part["track"] == track)
        frames = table["frame"][at]
        large = float(np.median(table["width"][at]))
        # A second track of a shot is the same person found again only if it is about as large.
        if lead is not None and (large < 0.5 * lead or taken.intersection(frames.tolist())):
            continue
        lead = large if lead is None else lead
        taken.update(frames.tolist())
        rows[frames] = at


def _score(part: NDArray[np.void], rule: FaceRule, size: tuple[int, int]) -> float:
    """How well a track fits the rule; 0 or less excludes it."""
    box = part["box"].astype(np.float64)
    centre = (box[:, :2] + box[:, 2:]) / 2
    if rule.kind == "id":
        return float(part["track"][0] == rule.track)
    if rule.kind == "point":
        p = np.array(rule.point)
        inside = ((box[:, :2] <= p) & (p <= box[:, 2:])).all(1)
        return float(inside.sum())
    if rule.kind == "center":
        away = np.linalg.norm((centre - np.array(size) / 2) / max(size), axis=1)
        return float(len(part) * (1.0 - away.mean()))
    return float(((box[:, 2:] - box[:, :2]).prod(1)).sum())


def _strength(
    table: NDArray[np.void],
    rows: NDArray[np.int64],
    shots: list[tuple[int, int]],
    checks: bool,
) -> tuple[NDArray[np.float32], NDArray[np.int8]]:
    has = rows >= 0
    own = table[np.where(has, rows, 0)] if len(table) else np.zeros(len(rows), table.dtype)
    size, turned = carrying(*(own[name].astype(np.float64) for name in ("yaw", "pitch", "width")))
    checked = _checked(own, has, shots) if checks else {}
    # Where several hold, the first is told: a bow is a pitch too, and a turned mouth looks unlike itself.
    parts = {"too small": size, "head bowed": np.ones(len(rows)), "turned away": turned} | checked
    strength = np.where(has, np.prod(list(parts.values()), 0), 0.0).astype(np.float32)
    reasons = np.zeros(len(rows), np.int8)
    for start, stop in shots:
        for a, b in runs(start + np.flatnonzero(has[start:stop]).astype(np.int64)):
            frames = start + np.flatnonzero(has[start:stop])[a:b]
            strength[frames] = gaussian(strength[frames], 1.5)
            ramp = np.minimum(1.0, (np.arange(len(frames)) + 1) / (FADE + 1))
            if frames[0] > start:
                strength[frames] *= ramp
            if frames[-1] < stop - 1:
                strength[frames] *= ramp[::-1]
            reasons[frames] = _told({name: part[frames] for name, part in parts.items()})
    strength[strength < 0.02] = 0.0
    reasons[~has] = REASONS.index("no face")
    reasons[strength > 0] = 0
    return strength, reasons


def _told(parts: Mapping[str, NDArray[np.float64]]) -> NDArray[np.int8]:
    """The reason that leaves least of the new mouth around each frame: one for a span, not many in turn."""
    around = [_around(part, _TOLD, np.mean) for part in parts.values()]
    names = np.array([REASONS.index(name) for name in parts], np.int8)
    return np.asarray(names[np.argmin(around, axis=0)], np.int8)


def _checked(
    own: NDArray[np.void], has: NDArray[np.bool_], shots: list[tuple[int, int]]
) -> dict[str, NDArray[np.float64]]:
    """What of the new mouth each doubt leaves, 0..1."""
    score, below, pitch, misfit, jump, covered = (
        own[name].astype(np.float64)
        for name in ("score", "below_nose", "pitch", "misfit", "jump", "covered")
    )
    bow = np.zeros(len(own))
    for track in np.unique(own["track"][has]):
        mine = has & (own["track"] == track)
        score[mine] /= max(float(np.median(score[mine])), 1e-6)
        bow[mine] = bowed(below[mine], pitch[mine])
    agreed = inside(own["box"].astype(np.float64), own["extent"].astype(np.float64))
    trusted = np.where(has, reliable(misfit, jump, score, agreed), 1.0)
    upright = np.where(has, standing(bow, below), 1.0)
    covered[~has] = 0.0
    for start, stop in shots:
        upright[start:stop] = _around(upright[start:stop], _DOUBTED, np.min)
        trusted[start:stop] = _around(trusted[start:stop], _DOUBTED, np.min)
        lasting = _around(covered[start:stop], _BRIEF // 2, np.median)
        covered[start:stop] = _around(lasting, _HIDING, np.max)
    return {
        "head bowed": upright,
        "mouth covered": free(covered),
        "landmarks unreliable": trusted,
    }


def _around(
    values: NDArray[np.float64], reach: int, of: Callable[..., NDArray[np.float64]]
) -> NDArray[np.float64]:
    """Least, mean or the like of each value and `reach` on either side; the ends repeat."""
    if not len(values):
        return values
    padded = np.pad(values, reach, mode="edge")
    around = [padded[n : n + len(values)] for n in range(2 * reach + 1)]
    return np.asarray(of(around, axis=0), np.float64)
