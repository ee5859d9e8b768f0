"""Life for a still picture: the eyes blink, the head sways a little, and head and brows go with the voice.

A pure function of time and emphasis: any frame can be made without the ones before it, so a run that was
stopped continues with the same pictures. It moves finished frames, so whoever made the new mouth saw the
picture as it is. Displacement is zero at the picture's border.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from lipsync_core.faces.blink import MESH, close, closure, eye_of, smooth
from lipsync_core.faces.crops import transform
from lipsync_core.faces.turns import to_upright, turned, turned_back

if TYPE_CHECKING:
    from fractions import Fraction

    from numpy.typing import NDArray

    from lipsync_core.faces.spline import Plane
    from lipsync_core.records import Image, Points

STEP = 8
"""Pixels between the places where the sway is computed; it is smooth, so the rest is interpolated."""
BEGIN = 1.5
"""Seconds in which the sway grows from nothing: the first frame is the picture as it is."""

# Sway: amplitude and angular frequency of two sines each. Degrees; shares of the eye distance.
TILT = ((0.9, 1.1), (0.5, 2.7))
ACROSS = ((0.020, 0.8), (0.012, 2.1))
DOWN = ((0.018, 1.5), (0.010, 3.3))
NOD, LIFT = 0.055, 0.05
"""Eye distances by which the face comes down in a full nod, and the brows go up. A nod of 2 degrees moves a
face by about 3.5 mm; eyes are 63 mm apart."""
BROWS = {
    478: ((70, 63, 105, 66, 107), (336, 296, 334, 293, 300)),
    68: ((17, 18, 19, 20, 21), (22, 23, 24, 25, 26)),
}
UPPER_LID = {478: (159, 386), 68: (37, 44)}
"""Points of the brows and of the lids below them, by the number of landmarks."""


@dataclass(frozen=True, slots=True)
class Head:
    """Where the head is: distance of the eyes, forehead and chin, in pixels."""

    eyes: float
    top: NDArray[np.float64]
    chin: NDArray[np.float64]

    @classmethod
    def of(cls, landmarks: Points) -> Head:
        """From points of any scheme (5, 68 or 478)."""
        xy = landmarks[:, :2].astype(np.float64)
        if len(xy) >= MESH:
            left, right = xy[[33, 133]].mean(axis=0), xy[[362, 263]].mean(axis=0)
            return cls(float(np.linalg.norm(right - left)), xy[10], xy[152])
        if len(xy) == 68:
            left, right = xy[36:42].mean(axis=0), xy[42:48].mean(axis=0)
            chin = xy[8]
        else:
            left, right = xy[0], xy[1]
            middle = (left + right) / 2
            # The chin lies about 1.7 times as far below the eyes as the mouth.
            chin = middle + 1.7 * (xy[3:5].mean(axis=0) - middle)
        top = (left + right) / 2 - 0.75 * (chin - (left + right) / 2)
        return cls(float(np.linalg.norm(right - left)), top, chin)


class IdleMotion:
    """A still picture that blinks, sways, nods and lifts its brows.

    Args:
        image: `(H, W, 3)` uint8 RGB.
        landmarks: `(K, 2 or 3)` of its face. With 478 points the eyes blink, else they do not.
        seed: other seeds blink and sway at other times.
        quarter: how the face is turned (`faces.turns`): it blinks and sways along its own axes.
    """

    def __init__(self, image: Image, landmarks: Points, seed: int = 0, quarter: int = 0) -> None:
        self._quarter = quarter
        self._upright = to_upright(quarter, image.shape[1], image.shape[0])
        self._image = np.ascontiguousarray(turned(image, quarter))
        self._landmarks = transform(np.asarray(landmarks, np.float32), self._upright)
        image = self._image
        self._seed = seed
        self._head = Head.of(self._landmarks)
        self._phases = np.random.default_rng([seed, 1]).uniform(0, 2 * np.pi, 6)
        self._pivot = self._head.chin + np.array([0.0, 0.9 * self._head.eyes])
        self._eyes = [
            eye
            for side in (0, 1)
            if (eye := eye_of(self._landmarks, side, self._head.eyes, image.shape[:2])) is not None
        ]
        self._prepare_sway()

    def at(
        self,
        time: Fraction,
        emphasis: NDArray[np.float32] | None = None,
        image: Image | None = None,
    ) -> Image:
        """A frame of the picture at a time.

        Args:
            time: seconds.
            emphasis: `(2,)` how far head and brows go with the voice, 0..1; default: not at all.
            image: the picture with a new mouth, `(H, W, 3)` uint8; default: as it was given.

        Returns:
            `(H, W, 3)` uint8, a new array.
        """
        seconds = float(time)
        shut = closure(seconds, self._seed)
        shown = self._image if image is None else turned(image, self._quarter)
        if shut > 0 and self._eyes:
            open_eyes, shown = shown, shown.copy()
            for eye in self._eyes:
                close(shown, open_eyes, eye, shut)
        nod, lift = (0.0, 0.0) if emphasis is None else emphasis.tolist()
        moved = self._sway(shown, seconds, nod, lift)
        return turned_back(moved, self._quarter) if self._quarter else moved

    def _prepare_sway(self) -> None:
        height, width = self._image.shape[:2]
        rows, columns = -(-height // STEP) + 1, -(-width // STEP) + 1
        y, x = np.mgrid[0:rows, 0:columns] * float(STEP)
        nodes = np.stack([x, y], -1).reshape(-1, 2)
        weight = self._weight(nodes).reshape(rows, columns)
        moving = np.argwhere(weight > 0)
        if len(moving) == 0:
            self._box = (0, 0, 0, 0)
            return
        # Only the rectangle that moves is fetched; the rest of the picture is copied.
        top, left = np.maximum(moving.min(axis=0) - 1, 0) * STEP
        bottom, right = (moving.max(axis=0) + 2) * STEP
        self._box = (int(left), int(top), int(min(right, width)), int(min(bottom, height)))
        x0, y0, x1, y1 = self._box
        self._nodes = nodes.reshape(rows, columns, 2)[
            y0 // STEP : -(-y1 // STEP) + 1, x0 // STEP : -(-x1 // STEP) + 1
        ]
        places = self._nodes.reshape(-1, 2)
        self._node_weight = self._weight(places)[:, None]
        self._node_brows = self._brows(places) * self._head.eyes * LIFT
        self._x = np.arange(x0, x1, dtype=np.float32)
        self._y = np.arange(y0, y1, dtype=np.float32)[:, None]

    def _weight(self, points: Plane) -> NDArray[np.float64]:
        """`(N,)` share of the head's movement: 1 on the face, 0 far away, below, and at the edge."""
        eyes, chin = self._head.eyes, self._head.chin
        middle = (self._head.top + chin) / 2
        radius = np.hypot(*((points - middle) / (np.array([2.3, 2.5]) * eyes)).T)
        weight = smooth((1.45 - radius) / 0.75)
        weight *= 1 - smooth((points[:, 1] - (chin[1] + 0.1 * eyes)) / (1.1 * eyes))
        last = np.array(self._image.shape[1::-1]) - 1.0
        border = np.minimum(points, last - points).min(axis=1)
        weight *= smooth((border - 1) / (0.8 * eyes))
        return np.asarray(weight)

    def _brows(self, points: Plane) -> NDArray[np.float64]:
        """`(N,)` share of the brows' movement: 1 on them, 0 at the lids; 0 where their place is not known."""
        weight = np.zeros(len(points))
        for side, ids in enumerate(BROWS.get(len(self._landmarks), ())):
            brow = self._landmarks[list(ids), :2].astype(np.float64)
            lid = float(self._landmarks[UPPER_LID[len(self._landmarks)][side], 1])
            x, y = points.T
            height = np.interp(x, brow[:, 0], brow[:, 1])
            below = smooth((lid - y) / np.maximum(lid - height, 1.0))
            above = np.exp(-((np.maximum(height - y, 0) / (0.4 * self._head.eyes)) ** 2))
            out = np.maximum(brow[0, 0] - x, x - brow[-1, 0])
            beside = np.exp(-((np.maximum(out, 0) / (0.2 * self._head.eyes)) ** 2))
            weight = np.maximum(weight, below * above * beside)
        return weight

    def _displacement(self, seconds: float, nod: float, lift: float) -> NDArray[np.float64]:
        """`(N, 2)` to add to the nodes to find where their pixels come from."""
        angle, across, down = (
            sum(a * np.sin(w * seconds + self._phases[2 * i + j]) for j, (a, w) in enumerate(part))
            for i, part in enumerate((TILT, ACROSS, DOWN))
        )
        begun = float(smooth(np.array(seconds / BEGIN)))
        angle, across, down = angle * begun, across * begun, down * begun
        points = self._nodes.reshape(-1, 2)
        c, s = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
        arm = points - self._pivot
        turning = arm @ np.array([[c, -s], [s, c]]) - arm
        moved = (
            turning - np.array([across, down + NOD * nod]) * self._head.eyes
        ) * self._node_weight
        moved[:, 1] += lift * self._node_brows
        return np.asarray(moved)

    def _sway(self, image: Image, seconds: float, nod: float, lift: float) -> Image:
        x0, y0, x1, y1 = self._box
        out = image.copy()
        if x1 > x0 and y1 > y0:
            field = self._displacement(seconds, nod, lift)
            planes = field.reshape(self._nodes.shape).astype(np.float32)
            map_x, map_y = (_enlarge(planes[..., k], x1 - x0, y1 - y0) for k in (0, 1))
            map_x += self._x
            map_y += self._y
            out[y0:y1, x0:x1] = cv2.remap(
                image, map_x, map_y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
            )
        return out


def _enlarge(plane: NDArray[np.float32], width: int, height: int) -> NDArray[np.float32]:
    """Values at every STEP-th pixel to values at every pixel, linear."""
    scale = np.array([[STEP, 0, 0], [0, STEP, 0]], np.float64)
    return np.asarray(
        cv2.warpAffine(plane, scale, (width, height), borderMode=cv2.BORDER_REPLICATE), np.float32
    )
