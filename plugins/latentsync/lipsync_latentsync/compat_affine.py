"""The original's alignment and paste-back as plain functions: what a comparison with it needs.

The engine does its own: smoothed landmarks instead of a smoothed translation, the frame's edge repeated
instead of grey, and pixels outside the mouth left alone. In fp32 throughout, where the original rounds
matrices to fp16 by default. Facts: bytedance/LatentSync as of 2025-06.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch
from torch.nn.functional import grid_sample

from lipsync_latentsync.spec import TEMPLATE, template_scale

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipsync_core.records import Image

    Three = NDArray[np.float32]
    """`(3, 2)`: left brow, right brow, nose."""
    Affine = NDArray[np.float32]
    """`(2, 3)`: frame -> aligned face."""

_GREY = 127.0
_KEPT = 0.2
"""Of the earlier frames' residual."""


def template(resolution: int) -> Three:
    """Where the three points come to lie."""
    return np.array(TEMPLATE, np.float32) * np.float32(template_scale(resolution))


class Alignment:
    """The frames of one shot, in order; the original carries its smoothing over cuts, a new object does not.

    Args:
        resolution: 256 or 512.
        smooth: as the original does.
    """

    def __init__(self, resolution: int, smooth: bool = True) -> None:
        self._template, self._smooth = template(resolution), smooth
        self._residual: NDArray[np.float32] | None = None

    def matrix(self, points: Three) -> Affine:
        """Procrustes with the ratio of spreads as scale, in fp32."""
        (centre, spread, source), (to, wide, target) = map(_standardised, (points, self._template))
        u, _, vt = np.linalg.svd(source.T @ target)
        v = vt.T
        if np.linalg.det(v @ u.T) < 0:
            v[:, -1] *= -1
        turned = wide / spread * (v @ u.T)
        shift = to - turned @ centre
        if self._smooth:
            residual = target[2] - source[2]
            if self._residual is not None:
                share = np.float32(_KEPT)
                residual = share * self._residual + (np.float32(1) - share) * residual
            self._residual = residual
            shift = shift + residual
        return np.concatenate([turned, shift[:, None]], 1).astype(np.float32)


def _standardised(points: Three) -> tuple[NDArray[np.float32], np.float32, Three]:
    """Centre, unbiased standard deviation over all six numbers, and the points without both."""
    centre = points.mean(0, dtype=np.float32)
    spread = np.float32((points - centre).std(ddof=1, dtype=np.float32))
    return centre, spread, (points - centre) / spread


def warped(
    picture: NDArray[np.float32], matrix: Affine, size: tuple[int, int], fill: float
) -> NDArray[np.float32]:
    """A picture `(C, H, W)` through a matrix into `(C, height, width)`, mixed with `fill` beyond its edge."""
    width, height = size
    back = np.linalg.inv(np.vstack([matrix, [0, 0, 1]]).astype(np.float64))
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    h, w = picture.shape[1:]
    places = np.stack([
        (back[n, 0] * x + back[n, 1] * y + back[n, 2]) * 2 / (side - 1) - 1
        for n, side in enumerate((w, h))
    ], -1)  # fmt: skip
    grid = torch.from_numpy(places.astype(np.float32))[None]
    source = torch.from_numpy(np.concatenate([picture, np.ones((1, h, w), np.float32)]))[None]
    found = grid_sample(source, grid, "bilinear", "zeros", align_corners=True)[0].numpy()
    made: NDArray[np.float32] = found[:-1] + (1 - found[-1:]) * np.float32(fill)
    return made


def aligned(frame: Image, matrix: Affine, resolution: int) -> Image:
    """`(height, width, 3)`: the aligned face of 3:4, cut off to whole levels."""
    scale = template_scale(resolution)
    planes = np.moveaxis(frame, 2, 0).astype(np.float32)
    made = warped(planes, matrix, (int(75 * scale), int(100 * scale)), _GREY)
    return np.ascontiguousarray(np.moveaxis(made, 0, 2)).astype(np.uint8)


def restored(frame: Image, face: NDArray[np.float32], matrix: Affine) -> Image:
    """The frame with a face over its whole quadrilateral.

    Args:
        frame: `(H, W, 3)` RGB.
        face: `(3, height, width)` of the aligned size, -1..1.
        matrix: frame -> aligned face.
    """
    size = frame.shape[1], frame.shape[0]
    back = cv2.invertAffineTransform(matrix.astype(np.float64)).astype(np.float32)
    new = np.clip(warped(face, back, size, _GREY) / 2 + 0.5, 0, 1) * np.float32(255)
    inside = warped(np.ones((1, *face.shape[1:]), np.float32), back, size, 0.0)[0]
    inside = cv2.erode(inside, np.ones((2, 2), np.uint8))
    new = inside[..., None] * np.moveaxis(new, 0, 2)
    edge = int(inside.sum() ** 0.5) // 20
    soft = cv2.erode(inside, np.ones((2 * edge, 2 * edge), np.uint8))
    blur = 2 * edge + 1
    sigma = 0.3 * ((blur - 1) / 2 - 1) + 0.8
    soft = cv2.GaussianBlur(soft, (blur, blur), sigma, borderType=cv2.BORDER_REFLECT_101)[..., None]
    return np.asarray(soft * new + (1 - soft) * frame, np.float32).astype(np.uint8)
