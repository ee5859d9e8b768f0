"""Cases for scorers: the declared figures, whatever the pieces, and no memory of other spans."""

from __future__ import annotations

import math
from typing import cast

import numpy as np

from lipsync_core.conformance import inputs
from lipsync_core.conformance.bench import Bench
from lipsync_core.conformance.case import Case
from lipsync_core.conformance.verdict import demand
from lipsync_core.contracts import Scorer
from lipsync_core.records import Crops, Samples, Scores
from lipsync_core.specs import ScorerSpec

_FRAMES = 40
"""Crops of the span that is scored, unless the scorer wants more at the least."""
_SAME = 1e-3
"""Difference of a figure that batch sizes may make."""


def _material(bench: Bench) -> tuple[Crops, Samples]:
    spec = cast(ScorerSpec, bench.spec)
    count = max(_FRAMES, spec.least)
    crops = bench.kept("crops", lambda: inputs.crops(spec.crop, count))
    return crops, inputs.voice(spec.sample_rate, count / spec.frame_rate)


def _whole(bench: Bench) -> Scores:
    """Of the talking portrait in one push, which several cases compare with."""
    return bench.kept("whole", lambda: _scored(bench, *_material(bench)))


def _scored(bench: Bench, crops: Crops, samples: Samples, step: int = 0) -> Scores:
    """Scored in one push, or `step` crops at a time with their sound."""
    spec = cast(ScorerSpec, bench.spec)
    stream = cast(Scorer, bench.shared()).stream()
    step = step or len(crops)
    for start in range(0, len(crops), step):
        stop = min(start + step, len(crops))
        a, b = (int(n * spec.sample_rate / spec.frame_rate) for n in (start, stop))
        stream.push(inputs.piece(crops, start, stop), samples[a:b].copy())
    return stream.finish()


def declared_figures(bench: Bench) -> None:
    """A talking portrait, and silence."""
    spec = cast(ScorerSpec, bench.spec)
    crops, samples = _material(bench)
    for found in (_whole(bench), _scored(bench, crops, np.zeros_like(samples))):
        demand(isinstance(found, Scores), f"finish gave a {type(found).__name__}: return Scores.")
        wanted = {measure.key for measure in spec.measures}
        needed = {measure.key for measure in spec.measures if not measure.optional}
        demand(
            needed <= set(found.figures) <= wanted,
            f"finish gave {sorted(found.figures)}, the spec declares {sorted(wanted)}: make them agree.",
        )
        broken = [key for key, value in found.figures.items() if not math.isfinite(value)]
        demand(not broken, f"{', '.join(broken)} is not finite: say a number in every case.")
        for name, curve in found.curves.items():
            demand(
                curve.shape == (len(crops),),
                f"the curve {name} has shape {curve.shape} for {len(crops)} crops: one value for each.",
            )


def any_pieces(bench: Bench) -> None:
    """One push or many."""
    crops, samples = _material(bench)
    whole, pieces = _whole(bench), _scored(bench, crops, samples, step=7)
    for key, value in whole.figures.items():
        other = pieces.figures.get(key)
        demand(
            other is not None and abs(other - value) <= _SAME * max(1.0, abs(value)),
            f"{key} is {value:.5g} in one push and {other} in pieces: keep what the next push needs.",
        )


def forgets(bench: Bench) -> None:
    """The same span before and after another."""
    crops, samples = _material(bench)
    before = dict(_whole(bench).figures)
    _scored(bench, inputs.piece(crops, 0, len(crops) // 2), samples[::-1].copy())
    demand(
        dict(_scored(bench, crops, samples).figures) == before,
        "the same span got other figures after another one: begin anew in stream().",
    )


CASES: tuple[Case, ...] = (
    Case(name="gives the declared figures", run=declared_figures),
    Case(name="forgets earlier spans", run=forgets),
    Case(name="gives the same in any pieces", run=any_pieces),
)
