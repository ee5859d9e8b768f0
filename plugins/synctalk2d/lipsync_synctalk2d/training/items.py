"""Batches: which moments a step shows, what the network sees of them. The same step always shows the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from lipsync_synctalk2d import pictures
from lipsync_synctalk2d.training.state import PHASES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipsync_synctalk2d.training.dataset import Dataset

HELD_SHARE = 0.1
"""Of the footage that is never learnt from."""
MOST_HELD = 128
"""Moments that are judged after each epoch, evenly spread over what is held out."""
BLOCK, MOST_BLOCKS = 500, 8
"""What is held out lies in blocks, one for so many moments: at the end of a recording alone people often do
what they did not do before."""
GAP = 16
"""Moments on both sides of a block that are in neither part: neighbours hear the same sound."""
APART = 10
"""Moments by which the sound of another moment is away at the least: 0.4 s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Numbers of the moments that are learnt from, and of those that are held out."""

    learnt: NDArray[np.int64]
    held: NDArray[np.int64]


def split(count: int) -> Split:
    """Blocks in the middle of equal parts of the footage are held out."""
    blocks = min(MOST_BLOCKS, max(1, count // BLOCK))
    length = max(4, round(count * HELD_SHARE)) // blocks
    gap = min(GAP, count // 20)
    kind = np.zeros(count, np.int8)  # 0 learnt, 1 in neither, 2 held out
    for k in range(blocks):
        start = int(count * (2 * k + 1) / (2 * blocks)) - length // 2
        kind[max(0, start - gap) : start + length + gap] = 1
        kind[start : start + length] = 2
    held = np.flatnonzero(kind == 2)
    spread = np.linspace(0, len(held) - 1, min(len(held), MOST_HELD)).round().astype(int)
    return Split(learnt=np.flatnonzero(kind == 0), held=held[spread])


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Tensors of a step.

    Attributes:
        pictures: `(N, 6, side, side)` BGR: another moment, then this one with the lower face black.
        truth: `(N, 3, side, side)` BGR.
        sound: `(N, *shape)` of this moment.
        other: `(N, *shape)` of a moment at least `APART` away.
    """

    pictures: torch.Tensor
    truth: torch.Tensor
    sound: torch.Tensor
    other: torch.Tensor


class Batches:
    """The steps of an epoch.

    Args:
        dataset: what is learnt from.
        learnt: which moments of it.
        size: of a batch.
        seed: of the order, and of what stands beside each moment.
    """

    def __init__(self, dataset: Dataset, learnt: NDArray[np.int64], size: int, seed: int) -> None:
        self._dataset, self._learnt, self._seed = dataset, learnt, seed
        self._size = min(size, len(learnt))
        self.steps = len(learnt) // self._size

    def at(self, phase: str, epoch: int, step: int) -> Batch:
        """The batch of a step; it depends on the arguments alone."""
        place = PHASES.index(phase)
        order = np.random.default_rng([self._seed, place, epoch]).permutation(self._learnt)
        chosen = order[step * self._size : (step + 1) * self._size]
        drawn = np.random.default_rng([self._seed, place, epoch, step + 1])
        references = drawn.choice(self._learnt, len(chosen))
        return batch(self._dataset, chosen, references, distant(chosen, self._learnt, drawn))


def distant(
    chosen: NDArray[np.int64], among: NDArray[np.int64], drawn: np.random.Generator
) -> NDArray[np.int64]:
    """For each moment one that is at least `APART` away, or the farthest where there is none."""
    found = []
    for moment in chosen.tolist():
        away = np.abs(among - moment)
        able = among[away >= min(APART, int(away.max()))]
        found.append(int(drawn.choice(able)))
    return np.array(found, np.int64)


def batch(
    dataset: Dataset,
    chosen: NDArray[np.int64],
    references: NDArray[np.int64],
    others: NDArray[np.int64],
) -> Batch:
    """Tensors for these moments, with these references and these moments' sound as the other."""
    crops = dataset.crops(chosen)
    seen = pictures.network_pictures(crops, dataset.crops(references))
    return Batch(
        pictures=torch.from_numpy(seen),
        truth=torch.from_numpy(np.ascontiguousarray(pictures.inner_pictures(crops))),
        sound=torch.from_numpy(dataset.sound(chosen)),
        other=torch.from_numpy(dataset.sound(others)),
    )
