"""Hands each scorer its crops and sound, span by span, in one walk over the frames."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lipsync_core.contracts import Scorer, ScoreStream
from lipsync_core.media.sound import read_mono
from lipsync_core.media.sound_info import SoundInfo
from lipsync_core.records import Samples
from lipsync_core.specs import ScorerSpec
from lipsync_core.targets.placement import canvas_for, place_on
from lipsync_core.targets.target import Target, TargetFrame

BATCH = 16
"""Crops handed over at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """What one scorer said of one unbroken span.

    Attributes:
        start: seconds from the video's first frame.
        crops: how many it was given.
        rate: crops a second.
        figures: its figures.
        curves: its curves, one value for each crop.
    """

    start: float
    crops: int
    rate: float
    figures: dict[str, float]
    curves: dict[str, NDArray[np.float32]] = field(default_factory=dict)


class SoundCursor:
    """Mono sound read once from beginning to end; silence beyond both.

    Args:
        sound: what to read; of a path, its default track.
        sample_rate: Hz wanted.
        lead: seconds from the video's first frame to the sound's first sample (negative: it is earlier), as a
            rule `SoundInfo.lead`.
    """

    def __init__(self, sound: SoundInfo | Path, sample_rate: int, lead: Fraction) -> None:
        self._pieces: Iterator[Samples] = read_mono(sound, sample_rate)
        self._rate = sample_rate
        self._place = round(lead * sample_rate)
        self._held: Samples = np.zeros(0, np.float32)

    def until(self, begin: int, end: int) -> Samples:
        """Samples `begin` to `end`, counted from the video's first frame; calls never go back."""
        while self._place + len(self._held) < end:
            piece = next(self._pieces, None)
            if piece is None:
                break
            self._held = np.concatenate([self._held, piece])
            early = min(max(0, begin - self._place), len(self._held))
            self._held, self._place = self._held[early:], self._place + early
        out = np.zeros(max(0, end - begin), np.float32)
        a, b = max(begin, self._place), min(end, self._place + len(self._held))
        if b > a:
            out[a - begin : b - begin] = self._held[a - self._place : b - self._place]
        return out


class Feed:
    """One scorer and its spans.

    Args:
        spec: of the scorer.
        scorer: open.
        target: where crops are cut.
        sound: at the spec's sample rate.
    """

    def __init__(
        self, spec: ScorerSpec, scorer: Scorer, target: Target, sound: SoundCursor
    ) -> None:
        self.spec = spec
        self.found: list[Span] = []
        self._scorer, self._target, self._sound = scorer, target, sound
        self._stream: ScoreStream | None = None
        self._begin = Fraction(0)
        self._crops = self._heard = 0
        self._waiting: list[TargetFrame] = []

    def take(self, frame: TargetFrame) -> None:
        """The next frame of the present span, or the first of a new one."""
        info = frame.picture.info
        if self._stream is None:
            self._stream, self._begin, self._crops, self._heard = (
                self._scorer.stream(), info.time, 0, 0,
            )  # fmt: skip
        # A crop for each tick of the scorer's clock that this frame is the nearest to.
        until = info.time + info.duration / 2 - self._begin
        count = -(-until * self.spec.frame_rate // 1) - self._crops - len(self._waiting)
        self._waiting += [frame] * max(0, int(count))
        if len(self._waiting) >= BATCH:
            self._push()

    def end(self) -> None:
        """The span is over."""
        if self._stream is None:
            return
        self._push()
        stream, self._stream = self._stream, None
        if self._crops >= self.spec.least:
            told = stream.finish()
            self.found.append(
                Span(
                    start=float(self._begin),
                    crops=self._crops,
                    rate=self.spec.frame_rate,
                    figures=dict(told.figures),
                    curves=dict(told.curves),
                )
            )

    def _push(self) -> None:
        if not self._waiting or self._stream is None:
            return
        distinct = list(dict.fromkeys(id(f) for f in self._waiting))
        frames = {id(f): f for f in self._waiting}
        placed = place_on(self.spec.crop, self._target, [frames[i] for i in distinct])
        canvases = [canvas_for(frames[i], n, [placed]) for n, i in enumerate(distinct)]
        which = [distinct.index(id(f)) for f in self._waiting]
        crops = placed.only(which).cut([canvases[n] for n in which])
        self._crops += len(self._waiting)
        self._waiting = []
        origin = round(self._begin * self.spec.sample_rate)
        heard = self._crops * self.spec.sample_rate // self.spec.frame_rate
        samples = self._sound.until(origin + self._heard, origin + heard)
        self._heard = heard
        self._stream.push(crops, samples)


def together(spec: ScorerSpec, found: list[Span]) -> dict[str, float]:
    """The figures of all spans as one; empty where there is none."""
    told: dict[str, float] = {}
    for measure in spec.measures:
        able = [s for s in found if measure.key in s.figures]
        if not able:
            continue
        weight = np.array([s.crops for s in able], np.float64)
        values = np.array([s.figures[measure.key] for s in able])
        if measure.better == "count":
            told[measure.key] = float(values.sum())
        elif measure.better == "nearer to 0":
            told[measure.key] = _weighted_median(values, weight)
        else:
            told[measure.key] = float(values @ weight / weight.sum())
    return told


def _weighted_median(values: NDArray[np.float64], weight: NDArray[np.float64]) -> float:
    order = np.argsort(values)
    reached = np.cumsum(weight[order])
    return float(values[order][np.searchsorted(reached, reached[-1] / 2)])
