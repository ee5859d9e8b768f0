"""How well a mouth follows a voice: shift and correlation of two curves, and closures where they are due."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Curve = NDArray[np.float64]
"""`(N,)` one value a frame; NaN where there is nothing to see."""

REACH = 0.6
"""Seconds by which sound and mouth may be apart and still be found."""
LEAST = 25
"""Frames that both curves must have at a shift, or it is not judged."""
WINDOW, SPAN, TRUSTED = 8.0, 20.0, 0.3
"""For `drift`: seconds of a window, seconds from the first usable window's middle to the last's, and the
correlation from which on a window is usable."""
EARLY_OR_LATE = 0.08
"""Seconds that a closure may be off (two frames at 25 a second; the tolerance of the network's own tests)."""
CLOSED = 0.02
"""Gap of the inner lips, in eye distances, below which lips always count as closed: what trackers see of
closed lips (measured on the bundled portrait: 0.004 to 0.012)."""
CLOSED_SHARE = 0.25
"""Lips also count as closed below this share of the wide openings of the same span (95th percentile)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """How one curve follows another.

    Attributes:
        offset: seconds by which the first comes after the second where they agree best; None: nowhere.
        best: Pearson correlation there, -1..1.
        at_zero: correlation as they are.
    """

    offset: float | None
    best: float
    at_zero: float


def fit(mouth: Curve, voice: Curve, rate: float) -> Fit:
    """Shift of two curves at `rate` frames a second, to a fraction of a frame.

    The correlation of each whole shift is computed over the frames that both have; a parabola through the
    highest and its neighbours says where between frames it lies. Curves that do not vary fit nowhere.
    """
    reach = max(1, round(REACH * rate))
    shifts = np.arange(-reach, reach + 1)
    values = np.array([correlation(mouth, voice, int(s)) for s in shifts])
    # A highest value at the end of the range is a slope, not an agreement.
    peaks = 1 + np.flatnonzero((values[1:-1] >= values[:-2]) & (values[1:-1] >= values[2:]))
    k = int(peaks[np.argmax(values[peaks])]) if len(peaks) else reach
    if values[k] <= 0:
        return Fit(offset=None, best=0.0, at_zero=float(values[reach]))
    left, middle, right = values[k - 1 : k + 2]
    bend = left - 2 * middle + right
    between = 0.5 * (left - right) / bend if bend < 0 else 0.0
    offset = (float(shifts[k]) + float(between)) / rate
    return Fit(offset=offset, best=float(values[k]), at_zero=float(values[reach]))


def drift(mouth: Curve, voice: Curve, rate: float) -> float | None:
    """Seconds by which the offset of two curves grows in a second; None where too little is there to tell.

    A line through the offsets of overlapping windows, each weighted by the square of its correlation.
    """
    window, step = round(WINDOW * rate), round(WINDOW * rate / 2)
    middles: list[float] = []
    offsets: list[float] = []
    weights: list[float] = []
    for begin in range(0, min(len(mouth), len(voice)) - window + 1, step):
        found = fit(mouth[begin : begin + window], voice[begin : begin + window], rate)
        if found.offset is not None and found.best >= TRUSTED:
            middles.append((begin + window / 2) / rate)
            offsets.append(found.offset)
            weights.append(found.best)  # polyfit squares it
    if len(middles) < 4 or middles[-1] - middles[0] < SPAN:
        return None
    return float(np.polyfit(middles, offsets, 1, w=weights)[0])


def correlation(mouth: Curve, voice: Curve, shift: int = 0) -> float:
    """Pearson correlation of mouth[n + shift] with voice[n]; 0 where there is too little to tell."""
    a, b = (mouth[shift:], voice) if shift >= 0 else (mouth, voice[-shift:])
    n = min(len(a), len(b))
    a, b = a[:n], b[:n]
    both = np.isfinite(a) & np.isfinite(b)
    if both.sum() < LEAST:
        return 0.0
    a, b = a[both] - a[both].mean(), b[both] - b[both].mean()
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / size if size > 1e-9 else 0.0


def closed_at(mouth: Curve, times: NDArray[np.float64], rate: float) -> NDArray[np.bool_]:
    """Whether the lips were closed near each of `times` (seconds); times without a face are left out.

    Args:
        mouth: gap of the inner lips over the distance of the eyes.
        times: moments at which they should be, from the curve's first frame on.
        rate: frames a second of the curve.
    """
    seen = mouth[np.isfinite(mouth)]
    if not len(seen):
        return np.zeros(0, bool)
    limit = max(CLOSED, CLOSED_SHARE * float(np.percentile(seen, 95)))
    around = max(1, round(EARLY_OR_LATE * rate))
    found: list[bool] = []
    for time in times.tolist():
        middle = round(time * rate)
        part = mouth[max(0, middle - around) : middle + around + 1]
        part = part[np.isfinite(part)]
        if len(part):
            found.append(bool(part.min() <= limit))
    return np.array(found, bool)


def onsets(curve: Curve, threshold: float) -> NDArray[np.int64]:
    """Frames at which a curve rises above a threshold."""
    above = curve > threshold
    return np.flatnonzero(above & ~np.concatenate([[False], above[:-1]]))
