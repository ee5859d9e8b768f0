"""Feather blender: a soft mask over what the generator repainted, and colours matched at its rim."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from lipsync_core.contracts import Blender, OpenContext
from lipsync_core.faces.crops import invert, is_translation
from lipsync_core.records import BlendInput, Image, Matrix, Patch, Points
from lipsync_core.specs import Region

Mask = NDArray[np.float32]

_MOUTH = tuple(range(48, 60))
_LOWER = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 35, 33, 31)
_FACE = (*range(17), 26, 24, 19, 17)
_OUTLINES: dict[Region, tuple[int, ...]] = {"mouth": _MOUTH, "lower_face": _LOWER, "face": _FACE}
"""Points of the 68 whose hull is repainted, per region."""
_GROW: dict[Region, float] = {"mouth": 0.35, "lower_face": 0.04, "face": 0.06, "crop": 0.0}
"""By which share of the mouth's (or face's) width the hull is widened."""
_FEATHER = 0.07
"""Softness of the mask's rim, as a share of the face's width."""
_CROP_RIM = 0.06
"""For crops that are repainted whole and were resampled: their rim fades over this share of the side."""
_MAX_GAIN = 1.35
"""The match never changes contrast by more than this: a wrong mouth must not become a strange one."""


class FeatherBlender(Blender):
    """Soft mask, colour match, nothing outside the mask touched."""

    def open(self, context: OpenContext) -> None:
        """Read the options."""
        self._match = bool(context.options.get("match", True))

    def blend(self, given: BlendInput) -> Patch | None:
        """See `Blender.blend`; landmarks are iBUG's 68."""
        frame, crop, matrix = given.frame, given.crop, given.matrix
        landmarks, region, strength = given.landmarks, given.region, given.strength
        if strength <= 0:
            return None
        if region == "crop" and is_translation(matrix):
            return self._copied(frame, crop, matrix, strength)
        box = _extent(frame, crop, matrix, landmarks, region)
        if box is None:
            return None
        x0, y0, x1, y1 = box
        back = invert(matrix)
        back[:, 2] -= (x0, y0)
        size = (x1 - x0, y1 - y0)
        made = _warped(crop, back, size)
        mask = _mask(crop, back, size, landmarks[:, :2] - np.array([x0, y0]), region)
        old = frame[y0:y1, x0:x1].astype(np.float32)
        new = made.astype(np.float32)
        if self._match:
            new = _matched(new, old, mask)
        alpha = (mask * np.float32(strength))[..., None]
        mixed = np.clip(np.rint(old + (new - old) * alpha), 0, 255).astype(np.uint8)
        return Patch(x=x0, y=y0, image=mixed)

    @staticmethod
    def _copied(frame: Image, crop: Image, matrix: Matrix, strength: float) -> Patch | None:
        """A crop at the frame's own pixels goes back as it is."""
        x, y = round(-matrix[0, 2]), round(-matrix[1, 2])
        h, w = frame.shape[:2]
        x0, y0 = max(x, 0), max(y, 0)
        x1, y1 = min(x + crop.shape[1], w), min(y + crop.shape[0], h)
        if x1 <= x0 or y1 <= y0:
            return None
        part = crop[y0 - y : y1 - y, x0 - x : x1 - x]
        if strength < 1.0:
            under = frame[y0:y1, x0:x1]
            part = np.asarray(cv2.addWeighted(part, strength, under, 1.0 - strength, 0.0), np.uint8)
        return Patch(x=x0, y=y0, image=np.ascontiguousarray(part))


def _extent(
    frame: Image, crop: Image, matrix: Matrix, landmarks: Points, region: Region
) -> tuple[int, int, int, int] | None:
    """The rectangle of the frame that the mask can reach, clipped; None when it is empty."""
    h, w = crop.shape[:2]
    corners = np.array([[0, 0], [w - 1, 0], [0, h - 1], [w - 1, h - 1]], np.float64)
    back = invert(matrix)
    seen = corners @ back[:, :2].T + back[:, 2]
    low, high = seen.min(0), seen.max(0)
    if region != "crop":
        hull = _hull(landmarks, region)
        reach = 3.0 * _softness(landmarks)
        low, high = np.maximum(low, hull.min(0) - reach), np.minimum(high, hull.max(0) + reach)
    x0, y0 = np.maximum(np.floor(low).astype(int), 0)
    x1, y1 = np.minimum(np.ceil(high).astype(int) + 1, [frame.shape[1], frame.shape[0]])
    return (int(x0), int(y0), int(x1), int(y1)) if x1 > x0 and y1 > y0 else None


def _softness(landmarks: Points) -> float:
    return max(1.0, _FEATHER * float(np.linalg.norm(landmarks[16, :2] - landmarks[0, :2])))


def _hull(landmarks: Points, region: Region) -> NDArray[np.float32]:
    points = landmarks[list(_OUTLINES[region]), :2].astype(np.float32)
    ends = (48, 54) if region == "mouth" else (0, 16)
    wide = float(np.linalg.norm(landmarks[ends[1], :2] - landmarks[ends[0], :2]))
    hull = cv2.convexHull(points)[:, 0]
    outward = hull - hull.mean(0)
    length = np.maximum(np.linalg.norm(outward, axis=1, keepdims=True), 1e-6)
    return np.asarray(hull + outward / length * _GROW[region] * wide, np.float32)


def _mask(
    crop: Image, back: Matrix, size: tuple[int, int], landmarks: Points, region: Region
) -> Mask:
    """`(h, w)` in 0..1: soft at the hull's rim, 0 where the crop does not reach."""
    h, w = crop.shape[:2]
    rim = max(1, round(_CROP_RIM * min(h, w)))
    inside = np.zeros((h, w), np.float32)
    inside[rim : h - rim, rim : w - rim] = 1.0
    soft = cv2.blur(inside, (2 * rim + 1, 2 * rim + 1))
    mask = cv2.warpAffine(soft, back, size, flags=cv2.INTER_LINEAR)
    if region != "crop":
        area = np.zeros((size[1], size[0]), np.float32)
        hull = np.round(_hull(landmarks, region) * 16).astype(np.int32)
        cv2.fillConvexPoly(area, hull, 1.0, cv2.LINE_AA, 4)
        mask = mask * cv2.GaussianBlur(area, (0, 0), _softness(landmarks))
    return np.asarray(mask, np.float32)


def _warped(crop: Image, back: Matrix, size: tuple[int, int]) -> Image:
    grows = float(np.sqrt(abs(np.linalg.det(back[:, :2])))) >= 1.0
    flag = cv2.INTER_CUBIC if grows else cv2.INTER_AREA
    if not grows:  # warpAffine cannot average areas: blur by what a target pixel covers
        scale = 1.0 / float(np.sqrt(abs(np.linalg.det(back[:, :2]))))
        crop = cv2.GaussianBlur(crop, (0, 0), 0.5 * scale).astype(np.uint8)
        flag = cv2.INTER_LINEAR
    return np.asarray(
        cv2.warpAffine(crop, back, size, flags=flag, borderMode=cv2.BORDER_REPLICATE), np.uint8
    )


def _matched(new: NDArray[np.float32], old: NDArray[np.float32], mask: Mask) -> NDArray[np.float32]:
    """Give `new` the mean and spread of `old` in the rim of the mask, where both show the same skin."""
    rim = mask * (1.0 - mask)
    total = float(rim.sum())
    if total < 1.0:
        return new
    share = (rim / total)[..., None]
    mean_new, mean_old = (new * share).sum((0, 1)), (old * share).sum((0, 1))
    spread_new = np.sqrt(((new - mean_new) ** 2 * share).sum((0, 1)))
    spread_old = np.sqrt(((old - mean_old) ** 2 * share).sum((0, 1)))
    gain = np.clip((spread_old + 2.0) / (spread_new + 2.0), 1 / _MAX_GAIN, _MAX_GAIN)
    return np.asarray((new - mean_new) * gain + mean_old, np.float32)
