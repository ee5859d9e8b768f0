"""The part of a frame that is being worked on: only its pixels are converted, changed and given back.

It is shown with its face upright, so that nothing that looks at it or paints on it knows of turned faces.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lipsync_core.faces.crops import cut, invert
from lipsync_core.faces.turns import rotations, to_upright, turned, turned_back
from lipsync_core.media.picture import Picture
from lipsync_core.records import Image, Matrix, Patch, Points

Window = tuple[int, int, int, int]
"""x0, y0, x1, y1 in frame pixels, inside the frame."""


class Canvas:
    """A window of a picture, painted on step by step.

    Args:
        picture: the frame.
        window: the part of it that crops and patches can reach; its sides lie at even pixels.
        quarter: how the face in it is turned (`faces.turns`).

    Attributes:
        image: `(h, w, 3)` RGB of the window as it is now, its face upright.
    """

    def __init__(self, picture: Picture, window: Window, quarter: int = 0) -> None:
        self._picture = picture
        self._window = window
        self._quarter = quarter
        self._back = invert(_into(window, quarter))
        self.image: Image = turned(picture.region(*window), quarter)
        self._before: Image | None = None

    def local(self, matrix: Matrix) -> Matrix:
        """A matrix frame -> crop as one canvas -> crop."""
        return _after(matrix, self._back)

    def cut(self, matrix: Matrix, size: tuple[int, int]) -> Image:
        """A crop, from the window that it alone would need.

        So it does not depend on what else is placed on the frame: resampling rounds by where pixels lie.

        Args:
            matrix: frame -> crop; all that it reaches lies in this canvas.
            size: width and height of the crop.
        """
        video = self._picture.video
        own = window_around([(matrix, size)], (video.width, video.height))
        into = _into(self._window, self._quarter)
        # The corner pixels of its window, in this canvas.
        ends = np.array([[own[0], own[1]], [own[2] - 1, own[3] - 1]]) @ into[:, :2].T + into[:, 2]
        (x0, y0), (x1, y1) = ends.min(0).astype(int), ends.max(0).astype(int) + 1
        back = invert(_into(own, self._quarter))
        return cut(self.image[y0:y1, x0:x1], _after(matrix, back), size)

    def points(self, landmarks: Points) -> Points:
        """Landmarks in canvas pixels."""
        into = _into(self._window, self._quarter)
        moved = landmarks.copy()
        moved[:, :2] = landmarks[:, :2] @ into[:, :2].T + into[:, 2]
        return moved

    def paste(self, patch: Patch | None) -> None:
        """Paint a patch that is given in canvas pixels; what lies outside is cut off."""
        if patch is None:
            return
        h, w = self.image.shape[:2]
        x0, y0 = max(patch.x, 0), max(patch.y, 0)
        x1 = min(patch.x + patch.image.shape[1], w)
        y1 = min(patch.y + patch.image.shape[0], h)
        if x1 > x0 and y1 > y0:
            if self._before is None:
                self._before = self.image.copy()
            part = patch.image[y0 - patch.y : y1 - patch.y, x0 - patch.x : x1 - patch.x]
            self.image[y0:y1, x0:x1] = part

    def picture(self) -> Picture:
        """The frame with what was painted; pixels that did not change cost and change nothing."""
        if self._before is None:
            return self._picture
        before, now = (turned_back(image, self._quarter) for image in (self._before, self.image))
        return self._picture.repainted(self._window[0], self._window[1], before, now)


def _into(window: Window, quarter: int) -> Matrix:
    """2x3 from the frame to a canvas of this window and quarter."""
    x0, y0, x1, y1 = window
    into = to_upright(quarter, x1 - x0, y1 - y0)
    into[:, 2] -= rotations(np.array(quarter)) @ (x0, y0)
    return into


def _after(matrix: Matrix, first: Matrix) -> Matrix:
    """The map that does `first`, then `matrix`."""
    return np.column_stack(
        [matrix[:, :2] @ first[:, :2], matrix[:, :2] @ first[:, 2] + matrix[:, 2]]
    )


def window_around(
    placed: Sequence[tuple[Matrix, tuple[int, int]]], frame: tuple[int, int]
) -> Window:
    """The smallest window in which all crops can be cut and pasted as if from the whole frame.

    Args:
        placed: matrix frame -> crop and (width, height) of each crop.
        frame: width and height of the frame, even.

    Returns:
        Even sides, as chroma samples want them.
    """
    lows, highs = [], []
    for matrix, (width, height) in placed:
        corners = np.array([[0, 0], [width, 0], [0, height], [width, height]], np.float64)
        back = invert(matrix)
        seen: NDArray[np.float64] = corners @ back[:, :2].T + back[:, 2]
        # Interpolation looks at two pixels beyond, of the crop's size where that is the smaller one.
        reach = 3.0 + 3.0 * float(np.sqrt(abs(np.linalg.det(back[:, :2]))))
        lows.append(seen.min(0) - reach)
        highs.append(seen.max(0) + reach)
    low, high = np.floor(np.min(lows, 0) / 2), np.ceil(np.max(highs, 0) / 2)
    x0, y0 = (2 * np.clip(low.astype(int), 0, np.array(frame) // 2 - 1)).tolist()
    x1, y1 = np.clip(2 * high.astype(int), [x0 + 2, y0 + 2], frame).tolist()
    return x0, y0, x1, y1
