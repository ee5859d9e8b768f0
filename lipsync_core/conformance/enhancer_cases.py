"""Cases for enhancers: same count, same size, no memory, inputs untouched."""

from __future__ import annotations

from typing import cast

import numpy as np

from lipsync_core.conformance import inputs
from lipsync_core.conformance.bench import Bench
from lipsync_core.conformance.case import Case
from lipsync_core.conformance.verdict import demand, demand_pictures
from lipsync_core.contracts import Enhancer
from lipsync_core.records import Crops
from lipsync_core.specs import EnhancerSpec


def _crops(bench: Bench, count: int) -> Crops:
    return inputs.crops(cast(EnhancerSpec, bench.spec).crop, count)


def count_and_size(bench: Bench) -> None:
    """One crop and several, also of a face that is cut off."""
    enhancer = cast(Enhancer, bench.shared())
    spec = cast(EnhancerSpec, bench.spec)
    for crops in (_crops(bench, 1), _crops(bench, 5), inputs.cut_off_crops(spec.crop, 2)):
        demand_pictures(enhancer.enhance(crops), crops.images, "what enhance returned")


def keeps_inputs(bench: Bench) -> None:
    """The crops are the engine's."""
    crops = _crops(bench, 2)
    images, points = crops.images.copy(), crops.landmarks.copy()
    cast(Enhancer, bench.shared()).enhance(crops)
    demand(
        np.array_equal(crops.images, images) and np.array_equal(crops.landmarks, points),
        "enhance changed the crops it was given: work on a copy, the engine mixes both.",
    )


def forgets(bench: Bench) -> None:
    """The same crops before and after others give the same."""
    enhancer = cast(Enhancer, bench.shared())
    crops = _crops(bench, 4)
    first, other = inputs.piece(crops, 0, 2), inputs.piece(crops, 2, 4)
    before = np.array(enhancer.enhance(first))
    enhancer.enhance(other)
    demand(
        np.array_equal(np.asarray(enhancer.enhance(first)), before),
        "the same crops came out differently after others: keep no state between calls.",
    )


CASES: tuple[Case, ...] = (
    Case(name="gives as many crops as it gets, same size", run=count_and_size),
    Case(name="leaves its inputs as they are", run=keeps_inputs),
    Case(name="forgets earlier calls", run=forgets),
)
