"""Cases for scorers: the declared figures, whatever the pieces, and no memory of other stretches."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import cast

import numpy as np
from numpy.typing import NDArray

from lipsync_core.contracts import Scorer
from lipsync_core.records import Samples
from lipsync_core.specs import ScorerSpec
from lipsync_core.testing import inputs
from lipsync_core.testing.bench import Bench
from lipsync_core.testing.case import Case
from lipsync_core.testing.verdict import demand

_FRAMES = 40
"""Crops of the stretch that is scored, unless the scorer wants more at the least."""
_SAME = 1e-3
"""Difference of a figure that batch sizes may make."""


def _material(bench: Bench) -> tuple[NDArray[np.uint8], Samples]:
    spec = cast(ScorerSpec, bench.spec)
    count = max(_FRAMES, spec.least)
    few = inputs.crops(spec.crop, 8).images
    images = few[np.arange(count) % len(few)]
    samples = inputs.voice(spec.sample_rate, count / spec.frame_rate)
    return images, samples


def _scored(
    bench: Bench, images: NDArray[np.uint8], samples: Samples, step: int = 0
) -> Mapping[str, float]:
    """Scored in one push, or `step` crops at a time with their sound."""
    spec = cast(ScorerSpec, bench.spec)
    stream = cast(Scorer, bench.shared()).stream()
    step = step or len(images)
    for start in range(0, len(images), step):
        a, b = (
            int(n * spec.sample_rate / spec.frame_rate)
            for n in (start, min(start + step, len(images)))
        )
        stream.push(images[start : start + step].copy(), samples[a:b].copy())
    return stream.finish()


def declared_figures(bench: Bench) -> None:
    """A talking portrait, and silence."""
    spec = cast(ScorerSpec, bench.spec)
    images, samples = _material(bench)
    for sound in (samples, np.zeros_like(samples)):
        found = _scored(bench, images, sound)
        wanted = {measure.key for measure in spec.measures}
        demand(
            set(found) == wanted,
            f"finish gave {sorted(found)}, the spec declares {sorted(wanted)}: make them agree.",
        )
        broken = [key for key, value in found.items() if not math.isfinite(value)]
        demand(not broken, f"{', '.join(broken)} is not finite: say a number in every case.")


def any_pieces(bench: Bench) -> None:
    """One push or many."""
    images, samples = _material(bench)
    whole, pieces = _scored(bench, images, samples), _scored(bench, images, samples, step=7)
    for key, value in whole.items():
        demand(
            abs(pieces[key] - value) <= _SAME * max(1.0, abs(value)),
            f"{key} is {value:.5g} in one push and {pieces[key]:.5g} in pieces: keep what the next push "
            "needs.",
        )


def forgets(bench: Bench) -> None:
    """The same stretch before and after another."""
    images, samples = _material(bench)
    before = dict(_scored(bench, images, samples))
    _scored(bench, images[::-1], samples[::-1])
    demand(
        dict(_scored(bench, images, samples)) == before,
        "the same stretch got other figures after another one: begin anew in stream().",
    )


CASES: tuple[Case, ...] = (
    Case(name="gives the declared figures", run=declared_figures),
    Case(name="gives the same in any pieces", run=any_pieces),
    Case(name="forgets earlier stretches", run=forgets),
)
