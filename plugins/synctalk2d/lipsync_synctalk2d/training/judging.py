"""How good a network is on footage that it never saw: errors around the mouth, in levels of 255."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from lipsync_synctalk2d.pictures import RIM
from lipsync_synctalk2d.training.items import batch, distant

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipsync_synctalk2d.network import FaceNetwork
    from lipsync_synctalk2d.training.compute import Compute
    from lipsync_synctalk2d.training.dataset import Dataset
    from lipsync_synctalk2d.training.items import Batch
    from lipsync_synctalk2d.training.syncnet import SyncNetwork

    Pictures = NDArray[np.float32]

SHOWN = 8
"""Moments on a sheet."""
_AT_A_TIME = 4
_SEED = 1
"""References and other sounds are the same in every epoch and for everybody."""


def judge_faces(
    network: FaceNetwork, dataset: Dataset, held: NDArray[np.int64], compute: Compute
) -> dict[str, float]:
    """Paint what is held out, each beside another held-out moment as the reference.

    Returns:
        Mean absolute errors inside the mouths' boxes, in levels: `mouth_error` of what was painted,
        `copy_error` of the reference itself, `deaf_error` of what is painted with another moment's sound (no
        more than `mouth_error` means that it does not listen); and `picture_error` of the whole picture.
    """
    references, others = _beside(held)
    sums = dict.fromkeys(("mouth_error", "copy_error", "deaf_error", "picture_error"), 0.0)
    for at in range(0, len(held), _AT_A_TIME):
        part = slice(at, at + _AT_A_TIME)
        step = batch(dataset, held[part], references[part], others[part])
        copied, truth, made, deaf = _views(network, step, compute)
        boxes = dataset.mouths[held[part]]
        sums["mouth_error"] += _in_boxes(made, truth, boxes)
        sums["copy_error"] += _in_boxes(copied, truth, boxes)
        sums["deaf_error"] += _in_boxes(deaf, truth, boxes)
        sums["picture_error"] += float(np.abs(made - truth).mean((1, 2, 3)).sum())
    return {name: 255 * total / len(held) for name, total in sums.items()}


def views(
    network: FaceNetwork, dataset: Dataset, held: NDArray[np.int64], compute: Compute
) -> Pictures:
    """`(n, 4, side, side, 3)` RGB 0..1 of held-out moments: reference, truth, painted, with other sound."""
    references, others = _beside(held)
    at = np.linspace(0, len(held) - 1, min(SHOWN, len(held))).round().astype(int)
    step = batch(dataset, held[at], references[at], others[at])
    stacked = np.stack(_views(network, step, compute), 1)
    return np.ascontiguousarray(stacked[:, :, ::-1].transpose(0, 1, 3, 4, 2))


def _beside(held: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    drawn = np.random.default_rng(_SEED)
    return distant(held, held, drawn), distant(held, held, drawn)


def _views(
    network: FaceNetwork, step: Batch, compute: Compute
) -> tuple[Pictures, Pictures, Pictures, Pictures]:
    """BGR: the reference, the truth, what is painted, what is painted with the other sound."""
    network.eval()
    made = _painted(network, step.pictures, step.sound, compute)
    deaf = _painted(network, step.pictures, step.other, compute)
    return step.pictures[:, :3].numpy(), step.truth.numpy(), made, deaf


def judge_pairs(
    network: SyncNetwork, dataset: Dataset, held: NDArray[np.int64], compute: Compute
) -> dict[str, float]:
    """`told_apart`: share of held-out pictures that agree better with their own sound than with another's."""
    others = distant(held, held, np.random.default_rng(_SEED))
    right = 0
    network.eval()
    for at in range(0, len(held), _AT_A_TIME):
        part = slice(at, at + _AT_A_TIME)
        step = compute.placed(batch(dataset, held[part], held[part], others[part]))
        with compute.memory(), torch.inference_mode(), compute.precision():
            own = network.agreement(step.truth, step.sound)
            other = network.agreement(step.truth, step.other)
        right += int((own > other).sum())
    return {"told_apart": right / len(held)}


def _painted(
    network: FaceNetwork, pictures: torch.Tensor, sound: torch.Tensor, compute: Compute
) -> Pictures:
    with compute.memory(), torch.inference_mode(), compute.precision():
        made = network(compute.put(pictures), compute.put(sound))
    array: Pictures = made.float().cpu().numpy()
    return array


def _in_boxes(made: Pictures, truth: Pictures, boxes: NDArray[np.float32]) -> float:
    """Sum over pictures of the mean error in each one's box, which is in pixels of the crop with its rim."""
    total = 0.0
    for one, other, box in zip(made, truth, boxes - RIM, strict=True):
        x0, y0, x1, y1 = np.clip(box, 0, one.shape[-1]).round().astype(int)
        part = np.abs(one - other)[:, y0:y1, x0:x1]
        total += float(part.mean()) if part.size else 0.0
    return total
