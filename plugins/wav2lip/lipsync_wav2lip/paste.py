"""A blender without any softness: the whole crop as a hard rectangle, as the original script pastes it."""

from __future__ import annotations

import cv2
import numpy as np

from lipsync_core.contracts import Blender, OpenContext
from lipsync_core.faces.crops import invert
from lipsync_core.records import BlendInput, Image, Matrix, Patch


class RectanglePaste(Blender):
    """No mask, no colour match, no rim; see the module."""

    def open(self, context: OpenContext) -> None:
        """Nothing to load."""

    def blend(self, given: BlendInput) -> Patch | None:
        """See `Blender.blend`; landmarks and region are not looked at.

        An upright crop is resized to whole pixels, bilinearly; a turned one is warped and cut at its edge.
        """
        frame, crop, matrix, strength = given.frame, given.crop, given.matrix, given.strength
        if strength <= 0:
            return None
        upright = matrix[0, 1] == 0 and matrix[1, 0] == 0
        patch = _resized(frame, crop, matrix) if upright else _warped(frame, crop, matrix)
        if patch is None or strength >= 1:
            return patch
        y, x = patch.y, patch.x
        under = frame[y : y + patch.image.shape[0], x : x + patch.image.shape[1]]
        mixed = cv2.addWeighted(patch.image, strength, under, 1.0 - strength, 0.0)
        return Patch(x=x, y=y, image=np.asarray(mixed, np.uint8))


def _resized(frame: Image, crop: Image, matrix: Matrix) -> Patch | None:
    """The crop at the frame's size, its edges on the pixels that are nearest."""
    h, w = crop.shape[:2]
    corners = np.array([[-0.5, -0.5], [w - 0.5, h - 0.5]])
    back = invert(matrix)
    ends = np.rint(corners @ back[:, :2].T + back[:, 2] + 0.5).astype(int)
    (x1, y1), (x2, y2) = ends.tolist()
    size = (max(1, x2 - x1), max(1, y2 - y1))
    image = crop if size == (w, h) else np.asarray(cv2.resize(crop, size), np.uint8)
    left, top = max(0, -x1), max(0, -y1)
    right, bottom = min(size[0], frame.shape[1] - x1), min(size[1], frame.shape[0] - y1)
    if right <= left or bottom <= top:
        return None
    part = np.ascontiguousarray(image[top:bottom, left:right])
    return Patch(x=x1 + left, y=y1 + top, image=part)


def _warped(frame: Image, crop: Image, matrix: Matrix) -> Patch | None:
    h, w = crop.shape[:2]
    back = invert(matrix)
    corners = np.array([[0, 0], [w, 0], [0, h], [w, h]]) - 0.5
    seen = corners @ back[:, :2].T + back[:, 2]
    x1, y1 = np.maximum(np.floor(seen.min(0)).astype(int), 0).tolist()
    x2, y2 = np.minimum(
        np.ceil(seen.max(0)).astype(int) + 1, [frame.shape[1], frame.shape[0]]
    ).tolist()
    if x2 <= x1 or y2 <= y1:
        return None
    back[:, 2] -= (x1, y1)
    size = (x2 - x1, y2 - y1)
    image = cv2.warpAffine(crop, back, size, borderMode=cv2.BORDER_REPLICATE)
    whole = np.ones((h, w), np.uint8)
    inside = cv2.warpAffine(whole, back, size, flags=cv2.INTER_NEAREST)[..., None] > 0
    return Patch(x=x1, y=y1, image=np.where(inside, image, frame[y1:y2, x1:x2]).astype(np.uint8))
