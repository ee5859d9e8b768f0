"""How the mouth and the skin around it look, in a few numbers a frame: what `faces.covering` compares.

Colours are counted against the skin between and below the eyes of the same frame, so light that changes for
the whole face changes nothing. Needs landmarks that outline the lips (68 or more).
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lipsync_core.faces.schemes import convert
from lipsync_core.records import Image, Points, Scheme

EYES = 24.0
"""Pixels between the eyes in the small picture of the face that is measured."""
_SIZE, _ORIGIN = (64, 80), (32.0, 16.0)
"""Its width and height, and where the middle of the eyes lies."""
_BLUR, _FINE = 5, 3
"""Pixels over which a cell is averaged; for the redness of lips, which are three pixels thin, fewer."""
_DARK = 8.0
"""Grey levels added before ratios are taken: noise of dark pixels must not look like colour."""

Cell = tuple[tuple[int, float], ...]
"""A place in the face: points of the 68 and their shares."""

_LIPS: tuple[Cell, ...] = (
    *(((51, 0.5), (62, 0.5)), ((57, 0.5), (66, 0.5)), ((49, 0.5), (61, 0.5))),
    *(((53, 0.5), (63, 0.5)), ((59, 0.5), (67, 0.5)), ((55, 0.5), (65, 0.5))),
)
_NEAR: tuple[Cell, ...] = (
    *(((33, 0.5), (51, 0.5)), ((32, 0.5), (50, 0.5)), ((34, 0.5), (52, 0.5))),
    ((57, 0.6), (8, 0.4)),
)
"""Skin that a mouth cannot move without: between nose and upper lip, and below the lower one."""
_FAR: tuple[Cell, ...] = (
    *(
        ((31, 0.5), (48, 0.5)),
        ((35, 0.5), (54, 0.5)),
        ((48, 0.6), (4, 0.4)),
        ((54, 0.6), (12, 0.4)),
    ),
    *(
        ((48, 0.65), (6, 0.35)),
        ((54, 0.65), (10, 0.35)),
        ((48, 0.6), (3, 0.4)),
        ((54, 0.6), (13, 0.4)),
    ),
    *(((58, 0.6), (7, 0.4)), ((56, 0.6), (9, 0.4)), ((57, 0.3), (8, 0.7))),
)
"""Cheeks and chin."""
_UPPER: tuple[Cell, ...] = (
    *(((27, 1.0),), ((28, 1.0),), ((21, 0.5), (22, 0.5))),
    *(
        ((41, 0.8), (48, 0.2)),
        ((46, 0.8), (54, 0.2)),
        ((40, 0.8), (31, 0.2)),
        ((47, 0.8), (35, 0.2)),
    ),
)
"""Skin that a mask leaves free; the median of these is what colours are counted against."""
_CELLS = (*_LIPS, *_NEAR, *_FAR, *_UPPER)
_ENDS = np.cumsum([len(_LIPS), len(_NEAR), len(_FAR)]).tolist()
_WEIGHTS = np.zeros((len(_CELLS), 68))
for _n, _cell in enumerate(_CELLS):
    for _point, _share in _cell:
        _WEIGHTS[_n, _point] = _share

MEASURED = _ENDS[1]
"""Cells whose four numbers are kept: the lips and the skin near them."""
LOOK = np.dtype([("cells", "f2", (MEASURED, 4)), ("lips", "f2"), ("red", "f2"), ("blue", "f2")])
"""Of each cell: brightness, red and blue over green (logarithms against the upper face) and the strength of
its edges; how much redder than the skin around them the lips are; red and blue over green of that skin."""


def looks(image: Image, points: Points, scheme: Scheme) -> NDArray[np.void]:
    """`(N,)` of dtype `LOOK`: the faces of one picture; zeros where the scheme has no lips.

    Args:
        image: `(H, W, 3)` uint8 RGB.
        points: `(N, K, 2 or 3)` landmarks in its pixels.
        scheme: of the landmarks.
    """
    found = np.zeros(len(points), LOOK)
    if scheme == "5":
        return found
    for n, p in enumerate(np.asarray(convert(points, scheme, "68"), np.float64)):
        found[n] = _look(image, p)
    return found


def _look(image: Image, p: NDArray[np.float64]) -> NDArray[np.void]:
    patch, at = _patch(image, p)
    x, y = np.clip(at[:, 0], 0, _SIZE[0] - 1), np.clip(at[:, 1], 0, _SIZE[1] - 1)
    grey = cv2.cvtColor(patch, cv2.COLOR_RGB2GRAY)
    steep = np.abs(cv2.Sobel(grey, cv2.CV_16S, 1, 0)) + np.abs(cv2.Sobel(grey, cv2.CV_16S, 0, 1))
    colour = cv2.blur(patch, (_BLUR, _BLUR))[y, x] + _DARK
    edges = cv2.blur(steep, (_BLUR, _BLUR))[y, x]
    skin = _middle(colour[_ENDS[2] :])
    rgb = np.log(colour / skin)
    red, blue = rgb[:, 0] - rgb[:, 1], rgb[:, 2] - rgb[:, 1]
    cells = np.stack([rgb.sum(1) / 3.0, red, blue, edges / (skin.sum() / 3.0)], 1)
    around = slice(_ENDS[0], _ENDS[2])
    look = np.zeros((), LOOK)
    look["cells"] = cells[:MEASURED]
    look["red"], look["blue"] = _middle(red[around]), _middle(blue[around])
    lips = slice(0, _ENDS[0])
    fine = np.log(cv2.blur(patch, (_FINE, _FINE))[y[lips], x[lips]] + _DARK)
    thin = fine[:, 0] - fine[:, 1] - float(np.log(skin[0] / skin[1]))
    look["lips"] = _middle(thin) - look["red"]
    return look


def _patch(image: Image, p: NDArray[np.float64]) -> tuple[Image, NDArray[np.int64]]:
    """A small picture of the face, its eyes level and `EYES` apart, and where the cells lie in it."""
    left, right = p[36:42].mean(0), p[42:48].mean(0)
    middle, across = (left + right) / 2, right - left
    distance = max(float(np.hypot(*across)), 1e-6)
    # All that the small picture shows, for any tilt.
    reach = max(np.hypot(*_ORIGIN), np.hypot(_SIZE[0] - _ORIGIN[0], _SIZE[1] - _ORIGIN[1]))
    reach = int(reach * distance / EYES) + 4
    x0, y0 = (max(int(v) - reach, 0) for v in middle)
    part = image[y0 : max(int(middle[1]) + reach, y0 + 2), x0 : max(int(middle[0]) + reach, x0 + 2)]
    half, factor = part, 1.0
    # Halving averages, and is ten times as fast as any other averaging resize.
    while distance / factor >= 2 * EYES and min(half.shape[:2]) >= 4:
        size = (half.shape[1] // 2, half.shape[0] // 2)
        even = half[: 2 * size[1], : 2 * size[0]]
        half, factor = (
            np.asarray(cv2.resize(even, size, interpolation=cv2.INTER_AREA), np.uint8),
            2 * factor,
        )
    a, b = across * EYES / distance**2
    turn = np.array([[a, b], [-b, a]])
    shift = np.array(_ORIGIN) - turn @ middle
    at = np.rint(_WEIGHTS @ p @ turn.T + shift).astype(int)
    # Pixel k of a halved picture has its centre at factor * k + (factor - 1) / 2.
    shift += turn @ (np.array([x0, y0]) + (factor - 1) / 2)
    matrix = np.column_stack([turn * factor, shift])
    patch = cv2.warpAffine(
        half, matrix, _SIZE, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(patch, np.uint8), at


def _middle(values: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """The median along the first axis; numpy's own takes ten times as long for so few."""
    return np.asarray(np.sort(values, axis=0)[len(values) // 2])
