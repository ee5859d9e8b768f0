"""How the mouth and the skin around it look, in a few numbers a frame: what `faces.covering` compares.

Colours are counted against the skin between and below the eyes of the same frame, so light that changes for
the whole face changes nothing. Needs landmarks that outline the lips (68 or more).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from lipsync_core.faces.crops import cut
from lipsync_core.faces.schemes import convert
from lipsync_core.records import Image, Points, Scheme

EYES = 24.0
"""Pixels between the eyes in the small picture of the face that is measured."""
_SIZE, _ORIGIN = (64, 80), (32.0, 16.0)
"""Its width and height, and where the middle of the eyes lies."""
_BLUR = 5
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
    left, right = p[36:42].mean(0), p[42:48].mean(0)
    across = right - left
    # A similarity: the eyes level and `EYES` apart, their middle at the origin.
    a, b = across * EYES / max(float(across @ across), 1e-6)
    turn = np.array([[a, b], [-b, a]])
    matrix = np.column_stack([turn, np.array(_ORIGIN) - turn @ ((left + right) / 2)])
    patch = cut(image, matrix, _SIZE)
    at = np.rint(_WEIGHTS @ (p @ turn.T + matrix[:, 2])).astype(int)
    x, y = np.clip(at[:, 0], 0, _SIZE[0] - 1), np.clip(at[:, 1], 0, _SIZE[1] - 1)
    grey = cv2.cvtColor(patch, cv2.COLOR_RGB2GRAY)
    steep = cv2.add(
        cv2.convertScaleAbs(cv2.Sobel(grey, cv2.CV_16S, 1, 0)),
        cv2.convertScaleAbs(cv2.Sobel(grey, cv2.CV_16S, 0, 1)),
    )
    colour = cv2.blur(patch, (_BLUR, _BLUR))[y, x].astype(np.float64) + _DARK
    edges = cv2.blur(steep, (_BLUR, _BLUR))[y, x].astype(np.float64)
    skin = np.median(colour[_ENDS[2] :], axis=0)
    rgb = np.log(colour / skin)
    red, blue = rgb[:, 0] - rgb[:, 1], rgb[:, 2] - rgb[:, 1]
    cells = np.column_stack([rgb.mean(1), red, blue, edges / skin.mean()])
    around = slice(_ENDS[0], _ENDS[2])
    look = np.zeros((), LOOK)
    look["cells"] = cells[:MEASURED]
    look["red"], look["blue"] = np.median(red[around]), np.median(blue[around])
    look["lips"] = np.median(red[: _ENDS[0]]) - np.median(red[around])
    return look
