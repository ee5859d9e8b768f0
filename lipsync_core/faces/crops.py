"""Crops: one affine matrix frame -> crop for every kind, cutting with it, and its inverse.

Pixel centres have integer coordinates. A crop larger than the frame repeats the frame's edge.
"""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from lipsync_core.faces.schemes import convert
from lipsync_core.faces.turns import rotations
from lipsync_core.records import Image, Matrix, Points, Scheme
from lipsync_core.specs import AlignedCrop, BoxCrop, CropSpec, LandmarkCrop, Margins, NativeCrop

__all__ = ["cut", "invert", "place", "transform"]


Box = NDArray[np.float64]
"""`(N, 4)`: x0, y0, x1, y1."""


Settings = Mapping[str, bool | int | float | str]
"""Options of a plugin by their keys."""


def place(
    spec: CropSpec,
    boxes: Box,
    landmarks: Points,
    scheme: Scheme,
    extent: Box | None = None,
    settings: Settings | None = None,
    quarters: NDArray[np.int64] | None = None,
) -> tuple[NDArray[np.float64], tuple[int, int]]:
    """Matrices for N faces of one track.

    Boxes lie along the axes of the face, as nearly as quarter turns allow.

    Args:
        spec: what the plugin wants.
        boxes: `(N, 4)` detector boxes.
        landmarks: `(N, K, 2 or 3)` in `scheme`, frame pixels.
        scheme: scheme of `landmarks`.
        extent: `(M, 4)` landmark bounding boxes of the WHOLE track in its shot, as its face is upright, so
            that a native crop has one size however the frames are split into chunks; default: of these N.
        settings: options that the plugin runs with, which may move the crop; default: none does.
        quarters: `(N,)` how the faces are turned (`faces.turns`); default: all are upright.

    Returns:
        `(N, 2, 3)` matrices frame -> crop, and the crop's (width, height).
    """
    points = convert(landmarks, scheme, spec.scheme)
    if isinstance(spec, AlignedCrop):
        return np.stack([_aligned(spec, p) for p in points.astype(np.float64)]), spec.size
    if quarters is None or not quarters.any():
        return _upright(spec, np.asarray(boxes, np.float64), points, extent, settings or {}, 0.0)
    turns = rotations(quarters)
    points, boxes = points.copy(), np.asarray(boxes, np.float64).reshape(-1, 2, 2)
    points[..., :2] = np.einsum("nij,nkj->nki", turns, points[..., :2])
    corners = np.einsum("nij,nkj->nki", turns, boxes)
    boxes = np.concatenate([corners.min(1), corners.max(1)], 1)
    # A turned face hangs from no edge of the picture: its crop repeats whichever it passes.
    top = np.where(quarters == 0, 0.0, -np.inf)
    matrices, size = _upright(spec, boxes, points, extent, settings or {}, top)
    matrices[:, :, :2] = matrices[:, :, :2] @ turns
    return matrices, size


def _upright(
    spec: NativeCrop | BoxCrop | LandmarkCrop,
    boxes: Box,
    points: Points,
    extent: Box | None,
    settings: Settings,
    top: float | NDArray[np.float64],
) -> tuple[NDArray[np.float64], tuple[int, int]]:
    """Matrices for upright faces; `top` is the picture's upper edge, where it counts."""
    if isinstance(spec, NativeCrop):
        return _native(spec, points, extent)
    if isinstance(spec, BoxCrop):
        wide = _widen(boxes, spec.margins)
        return _to_size(_square(wide) if spec.square else wide, spec.size), spec.size
    return _to_size(_landmark_box(spec, points, settings, top), spec.size), spec.size


def bounding(points: Points) -> Box:
    """`(N, 4)` bounding boxes of `(N, K, 2 or 3)` landmarks."""
    xy = np.asarray(points[..., :2], np.float64)
    return np.concatenate([xy.min(1), xy.max(1)], 1)


def cut(image: Image, matrix: Matrix, size: tuple[int, int]) -> Image:
    """One crop `(h, w, 3)`; an integer translation copies pixels, anything else is resampled.

    Strong shrinking averages first, so that a large face gives no moire.
    """
    if is_translation(matrix):
        return _copy(image, round(-matrix[0, 2]), round(-matrix[1, 2]), size)
    scale = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    source, m = image, np.array(matrix, np.float64)
    if scale < 0.5:
        source, m = _halved(image, m, int(1.0 / (2.0 * scale)) + 1, size)
    flag = cv2.INTER_LINEAR if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(
        cv2.warpAffine(source, m, size, flags=flag, borderMode=cv2.BORDER_REPLICATE), np.uint8
    )


def transform(points: Points, matrix: Matrix) -> Points:
    """Points `(..., K, 2 or 3)` through a 2x3 matrix; depth is scaled like the plane."""
    moved = np.asarray(points, np.float64).copy()
    moved[..., :2] = points[..., :2] @ matrix[:, :2].T + matrix[:, 2]
    if moved.shape[-1] == 3:
        moved[..., 2] *= np.sqrt(abs(np.linalg.det(matrix[:, :2])))
    return moved.astype(np.float32)


def invert(matrix: Matrix) -> Matrix:
    """Crop -> frame."""
    return np.asarray(cv2.invertAffineTransform(np.asarray(matrix, np.float64)), np.float64)


def is_translation(matrix: Matrix) -> bool:
    """Whether a crop made with it is a plain copy of frame pixels."""
    return bool(np.array_equal(matrix[:, :2], np.eye(2)) and np.all(matrix[:, 2] % 1 == 0))


def _native(
    spec: NativeCrop, points: Points, extent: Box | None
) -> tuple[NDArray[np.float64], tuple[int, int]]:
    own = bounding(points)
    span = _widen(own if extent is None else extent, spec.margins)
    wide = _widen(own, spec.margins)
    step = spec.multiple
    size = np.ceil((span[:, 2:] - span[:, :2]).max(0) / step).astype(int) * step
    corner = np.round((wide[:, :2] + wide[:, 2:]) / 2 - size / 2)
    matrices = np.zeros((len(points), 2, 3))
    matrices[:, 0, 0] = matrices[:, 1, 1] = 1.0
    matrices[:, :, 2] = -corner
    return matrices, (int(size[0]), int(size[1]))


def _landmark_box(
    spec: LandmarkCrop, points: Points, settings: Settings, top: float | NDArray[np.float64]
) -> Box:
    moved: dict[str, float] = {
        shift.moves: float(settings.get(shift.key, 0.0)) for shift in spec.shifts
    }
    chosen = points[:, list(spec.points)] if spec.points else points
    box = bounding(chosen)
    if spec.middle is not None:
        middle = points[:, spec.middle, 1].astype(np.float64)
        most = np.abs(box[:, 3] - middle) / 4  # the top moves twice as far
        middle += np.clip(moved.get("middle", 0.0), -most, most)
        box[:, 1] = np.maximum(top, 2.0 * middle - box[:, 3])
    if spec.square:
        box[:, 3] = box[:, 1] + (box[:, 2] - box[:, 0])
    box = _pushed(_widen(box, spec.margins), moved)
    return _square(box) if spec.grown else box


def _pushed(box: Box, moved: Mapping[str, float]) -> Box:
    """The box with its sides moved outwards, by a quarter of its own size at the most."""
    left, top, right, bottom = (moved.get(side, 0.0) for side in ("left", "top", "right", "bottom"))
    most = np.tile(box[:, 2:] - box[:, :2], (1, 2)) / 4
    pushed: Box = box + np.clip([-left, -top, right, bottom], -most, most)
    return pushed


def _aligned(spec: AlignedCrop, points: NDArray[np.float64]) -> Matrix:
    """The similarity that turns and moves the groups' means best to the reference points (Umeyama 1991)."""
    source = np.array([points[list(g), :2].mean(0) for g in spec.groups])
    target = np.array(spec.reference, np.float64)
    cs, ct = source.mean(0), target.mean(0)
    u, d, vt = np.linalg.svd((target - ct).T @ (source - cs))
    sign = np.diag([1.0, np.sign(np.linalg.det(u @ vt))])
    rotation = u @ sign @ vt
    spread = max(((source - cs) ** 2).sum(), 1e-12)
    if spec.scale == "spread":
        scale = np.sqrt(((target - ct) ** 2).sum() / spread)
    else:
        scale = (d * np.diag(sign)).sum() / spread
    return np.concatenate([scale * rotation, (ct - scale * rotation @ cs)[:, None]], 1)


def _widen(box: Box, m: Margins) -> Box:
    w, h = box[:, 2] - box[:, 0], box[:, 3] - box[:, 1]
    return np.stack(
        [
            box[:, 0] - m.left * w,
            box[:, 1] - m.top * h,
            box[:, 2] + m.right * w,
            box[:, 3] + m.bottom * h,
        ],
        1,
    )


def _square(box: Box) -> Box:
    centre, half = (
        (box[:, :2] + box[:, 2:]) / 2,
        (box[:, 2:] - box[:, :2]).max(1, keepdims=True) / 2,
    )
    return np.concatenate([centre - half, centre + half], 1)


def _to_size(box: Box, size: tuple[int, int]) -> NDArray[np.float64]:
    """Axis-aligned box -> crop; half a pixel off so that box edges meet crop edges."""
    scale = np.array(size, np.float64) / np.maximum(box[:, 2:] - box[:, :2], 1e-6)
    matrices = np.zeros((len(box), 2, 3))
    matrices[:, 0, 0], matrices[:, 1, 1] = scale[:, 0], scale[:, 1]
    matrices[:, :, 2] = -box[:, :2] * scale + (scale - 1.0) / 2.0
    return matrices


def _copy(image: Image, x: int, y: int, size: tuple[int, int]) -> Image:
    h, w = image.shape[:2]
    x1, y1 = x + size[0], y + size[1]
    ix0, iy0, ix1, iy1 = max(x, 0), max(y, 0), min(x1, w), min(y1, h)
    if ix0 >= ix1 or iy0 >= iy1:  # wholly outside: there is only edge to repeat
        rows, cols = np.clip(np.arange(y, y1), 0, h - 1), np.clip(np.arange(x, x1), 0, w - 1)
        return np.ascontiguousarray(image[rows][:, cols])
    inner = image[iy0:iy1, ix0:ix1]
    if (ix0, iy0, ix1, iy1) == (x, y, x1, y1):
        return np.ascontiguousarray(inner)
    return np.asarray(
        cv2.copyMakeBorder(inner, iy0 - y, y1 - iy1, ix0 - x, x1 - ix1, cv2.BORDER_REPLICATE),
        np.uint8,
    )


def _halved(
    image: Image, matrix: Matrix, factor: int, size: tuple[int, int]
) -> tuple[Image, Matrix]:
    """The part of the frame under the crop, area-averaged by `factor`, and the matrix from there."""
    corners = np.array([[0, 0], [size[0], 0], [0, size[1]], [size[0], size[1]]], np.float64)
    back = invert(matrix)
    seen = corners @ back[:, :2].T + back[:, 2]
    h, w = image.shape[:2]
    x0, y0 = np.clip(np.floor(seen.min(0)).astype(int) - 2 * factor, 0, [w - 1, h - 1])
    x1, y1 = np.clip(np.ceil(seen.max(0)).astype(int) + 2 * factor, [x0 + 1, y0 + 1], [w, h])
    part = image[y0:y1, x0:x1]
    small = (max(1, part.shape[1] // factor), max(1, part.shape[0] // factor))
    fx, fy = part.shape[1] / small[0], part.shape[0] / small[1]
    m = matrix.copy()
    m[:, 2] += matrix[:, :2] @ [x0 + (fx - 1) / 2, y0 + (fy - 1) / 2]
    m[:, 0] *= fx
    m[:, 1] *= fy
    return np.asarray(cv2.resize(part, small, interpolation=cv2.INTER_AREA), np.uint8), m
