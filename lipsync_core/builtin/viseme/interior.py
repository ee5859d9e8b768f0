"""Paints the inside of the mouth between the new inner lips: hollow, tongue, teeth, shadow.

Layers are textures in the mouth's own frontal plane; the pose of the head puts them in the picture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from lipsync_core.builtin.viseme.canonical import smoothstep
from lipsync_core.builtin.viseme.layers import fill, smooth_curve
from lipsync_core.builtin.viseme.pose import JAW, LIP_DROP, PUCKER, TONGUE, TUCK, UP
from lipsync_core.builtin.viseme.teeth import LINE, resized

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipsync_core.builtin.viseme.layers import Moved
    from lipsync_core.builtin.viseme.teeth import Sheet, Texture
    from lipsync_core.builtin.viseme.tone import Light

    Layer = NDArray[np.float32]
    """`(H, W, 4)` RGB times alpha, and alpha 0..1."""

HOLLOW, HOLLOW_DEEP = 0.42, 0.16
"""Brightness of the mouth's lining near the lips and in the throat, over that of the lit tongue."""
AGAIN = 0.7
"""How many times more on average."""
TONGUE_BACK, TONGUE_FRONT = 0.5, 0.95
"""Brightness of the tongue at its back and at its tip."""
ARCH_FROM, ARCH_TO, ARCH_DARK = 0.25, 0.95, 0.35
"""The rows of teeth turn away from the light: shares of the mouth's half width between which they darken,
and to what."""
TEETH_FROM, TEETH_FULL = 0.02, 0.075
"""Openings (eye distances) between which teeth come out of the shadow: a mouth that is barely open
shows a dark line, not a grey one."""
LINE_PIXELS = 2.0
"""Openings below this are painted in part only: the soft edge alone is a pixel wide."""
SEAM = 0.4
"""Opacity of the line between closed lips whose own edge was hidden by an open mouth."""
TONGUE_REST, TONGUE_RISE = -0.215, 0.15
"""Place of the tongue against the lower jaw, and how far it rises for t, n and l, in eye distances."""
JAW_SHARE = 0.9
"""Fall of the lower teeth over that of the lower lip."""
LOWER_TEETH = 0.082
"""The lower teeth end this much minus 0.071 below the line of closed lips."""
LOWER_LIT = 0.62
"""Light on the lower teeth over that on the upper ones, whose shadow they stand in."""
TOOTH_EDGES = np.array([0.0, 0.19, 0.36, 0.52, 0.66, 0.78, 0.88])
"""Where teeth meet, as shares of the mouth's half width."""
TOOTH_LENGTHS = np.array([1.0, 0.97, 1.0, 0.9, 0.82, 0.75])


class Interior:
    """The layers of one person's mouth, ready at one resolution."""

    def __init__(self, sheet: Sheet, light: Light, upper_teeth: Texture) -> None:
        self._sheet = sheet
        width, height = sheet.size
        y, x = np.mgrid[0:height, 0:width].astype(np.float64)
        x = (x + 0.5 - width / 2) / sheet.resolution / sheet.canonical.half_width
        y = (y + 0.5 - height * LINE) / sheet.resolution
        self._hollow = _hollow(x, y, light.flesh)
        self._tongue = _tongue(x, y, light.flesh, sheet.resolution)
        self._lower = _lower_teeth(x, y, LOWER_LIT * light.white, sheet)
        texture = resized(upper_teeth, sheet.size).astype(np.float32)
        texture[..., :3] *= _arch(x)[..., None]
        self._upper = _premultiplied(texture[..., :3], texture[..., 3] / np.float32(255))

    def paint(
        self,
        moved: Moved,
        pose: NDArray[np.float64],
        values: NDArray[np.float64],
        strength: float,
        gain: NDArray[np.float64],
    ) -> None:
        """Paint into `moved.image`.

        Args:
            moved: the warped region with the new inner lips.
            pose: `(4, 2)` head pose, canonical -> pixels of `moved`'s region.
            values: `(8,)` articulation.
            strength: 0..1 how opaque.
            gain: `(3,)` how much brighter this frame is than the track, by channel.
        """
        opening = moved.opening / moved.scale
        # Lips that meet show a line, as dark as the mouth's inside that can no longer be seen.
        visible = float(smoothstep(np.array(moved.opening), 0.2, LINE_PIXELS))
        strength *= max(visible, SEAM * moved.pulled)
        if strength < 0.01:
            return
        edge = np.concatenate([smooth_curve(moved.upper), smooth_curve(moved.lower)[-2:0:-1]])
        box = _box(edge, int(0.08 * moved.scale) + 3, moved.region.width, moved.region.height)
        if box is None:
            return
        x0, y0, x1, y1 = box
        mask = fill(edge - [x0, y0], y1 - y0, x1 - x0).astype(np.float32) / np.float32(255)
        local = pose.copy()
        local[3] -= [x0, y0]
        inside = self._layers(local, values, opening, (x1 - x0, y1 - y0))
        inside *= _shadow(mask, moved.scale, opening)[..., None] * gain.astype(np.float32)
        soft = cv2.GaussianBlur(mask, (0, 0), max(0.6, 0.012 * moved.scale))
        alpha = (np.clip(soft * 1.7 - 0.2, 0, 1) * strength)[..., None]
        below = moved.image[y0:y1, x0:x1]
        below[:] = np.clip(below + alpha * (inside - below) + 0.5, 0, 255).astype(np.uint8)

    def _layers(
        self,
        pose: NDArray[np.float64],
        values: NDArray[np.float64],
        opening: float,
        size: tuple[int, int],
    ) -> NDArray[np.float32]:
        # The jaw takes its teeth and the tongue along; the lower lip goes further down on its own.
        jaw = JAW_SHARE * LIP_DROP * values[JAW]
        tongue = float(values[TONGUE])
        shown = float(smoothstep(np.array(opening), TEETH_FROM, TEETH_FULL))
        # Lips pushed forward (oo) hide the teeth, unless they are bared as well (sh).
        shown *= 1 - 0.75 * float(np.clip(values[PUCKER] - values[UP], 0, 1))
        # f and v: the upper teeth rest on the lower lip, however small the gap.
        shown = max(shown, 0.8 * float(np.clip(values[TUCK], 0, 1)))
        picture = self._fetch(self._hollow, pose, size, border=cv2.BORDER_REPLICATE)
        rest = jaw + TONGUE_REST - TONGUE_RISE * tongue
        self._over(picture, self._tongue, pose, rest, 1.0)
        self._over(picture, self._lower, pose, jaw + LOWER_TEETH, shown)
        self._over(picture, self._upper, pose, 0.0, shown)
        if tongue > 0.75:
            # th: the tip lies on the edge of the upper teeth.
            tip = min(1.0, 4 * (tongue - 0.75))
            self._over(picture, self._tongue, pose, jaw + TONGUE_REST + 0.02, tip, narrow=0.7)
            self._over(picture, self._upper, pose, 0.0, shown)
        return picture

    def _over(
        self,
        picture: NDArray[np.float32],
        layer: Layer,
        pose: NDArray[np.float64],
        drop: float,
        opacity: float,
        narrow: float = 1.0,
    ) -> None:
        size = (picture.shape[1], picture.shape[0])
        placed = self._fetch(layer, pose, size, drop=drop, narrow=narrow)
        picture *= 1 - opacity * placed[..., 3:]
        picture += opacity * placed[..., :3]

    def _fetch(
        self,
        layer: NDArray[np.float32],
        pose: NDArray[np.float64],
        size: tuple[int, int],
        drop: float = 0.0,
        narrow: float = 1.0,
        border: int = cv2.BORDER_CONSTANT,
    ) -> NDArray[np.float32]:
        matrix = self._sheet.place(pose, drop, narrow)
        return np.asarray(
            cv2.warpAffine(layer, matrix, size, flags=cv2.INTER_LINEAR, borderMode=border),
            np.float32,
        )


def _premultiplied(colour: NDArray[np.float32], alpha: NDArray[np.float32]) -> Layer:
    return np.ascontiguousarray(np.dstack([colour * alpha[..., None], alpha]), np.float32)


def _box(
    edge: NDArray[np.float64], pad: int, width: int, height: int
) -> tuple[int, int, int, int] | None:
    low = np.maximum(np.floor(edge.min(axis=0)).astype(int) - pad, 0)
    high = np.minimum(np.ceil(edge.max(axis=0)).astype(int) + pad, [width, height])
    if (high - low < 2).any():
        return None
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def _shadow(mask: NDArray[np.float32], scale: float, opening: float) -> NDArray[np.float32]:
    """Light falls in from the front: dark near the lips, most under the upper one."""
    wide = cv2.GaussianBlur(mask, (0, 0), max(0.8, 0.045 * scale))
    down = np.array([[1, 0, 0], [0, 1, 0.03 * scale]])
    wide = cv2.warpAffine(wide, down, (mask.shape[1], mask.shape[0]))
    lit = np.clip(1.25 * wide, 0, 1)
    return np.asarray(0.45 + 0.55 * lit * min(1.0, 0.5 + opening / 0.12), np.float32)


def _arch(x: NDArray[np.float64]) -> NDArray[np.float32]:
    """Light on a row of teeth, by place across the mouth."""
    away = smoothstep(np.abs(x), ARCH_FROM, ARCH_TO)
    return np.asarray(1 - (1 - ARCH_DARK) * away, np.float32)


def _hollow(
    x: NDArray[np.float64], y: NDArray[np.float64], flesh: NDArray[np.float64]
) -> NDArray[np.float32]:
    """The lining: darkest in the middle, where one looks into the throat, and at the corners."""
    throat = np.exp(-((x / 0.55) ** 2) - (((y - 0.12) / 0.16) ** 2))
    corner = 1 - 0.45 * np.clip(np.abs(x), 0, 1) ** 2
    light = (HOLLOW + (HOLLOW_DEEP - HOLLOW) * throat) * corner
    # Light that comes back from a hollow has met its lining several times, and took on its colour each time.
    deep = flesh * (flesh / max(float(flesh.max()), 1.0)) ** AGAIN
    return np.asarray(light[..., None] * deep, np.float32)


def _tongue(
    x: NDArray[np.float64], y: NDArray[np.float64], flesh: NDArray[np.float64], resolution: float
) -> Layer:
    """A dome with a furrow and a wet highlight, dark towards its back; its top is 0.11 above y = 0.26."""
    dome = np.clip(4 * (1 - np.hypot(x / 0.62, (y - 0.26) / 0.15)), 0, 1)
    alpha = np.where(y > 0.26, np.clip(6 * (0.62 - np.abs(x)), 0, 1), dome).astype(np.float32)
    soft = np.asarray(cv2.GaussianBlur(alpha, (0, 0), max(0.03 * resolution, 0.4)), np.float32)
    shade = TONGUE_BACK + (TONGUE_FRONT - TONGUE_BACK) * smoothstep(y, 0.10, 0.26)
    shade *= 1 - 0.12 * np.exp(-((x / 0.06) ** 2)) * smoothstep(y, 0.12, 0.2)
    shade *= 1 - 0.4 * np.clip(np.abs(x) / 0.62, 0, 1) ** 2
    wet = 0.10 * np.exp(-(((x + 0.14) / 0.16) ** 2) - ((y - 0.20) / 0.025) ** 2)
    colour = flesh * (shade + wet)[..., None]
    return _premultiplied(colour.astype(np.float32), soft)


def _lower_teeth(
    x: NDArray[np.float64], y: NDArray[np.float64], colour: NDArray[np.float64], sheet: Sheet
) -> Layer:
    """A row of teeth whose upper edge is 0.07 above y = 0."""
    k = np.clip(np.searchsorted(TOOTH_EDGES, np.abs(x)) - 1, 0, len(TOOTH_LENGTHS) - 1)
    left, right = TOOTH_EDGES[k], TOOTH_EDGES[k + 1]
    inside = np.clip((np.abs(x) - left) / (right - left), 0, 1)
    length = 0.071 * TOOTH_LENGTHS[k] * (1 - 0.3 * x**2)
    length = length * (1 - 0.10 * np.abs(2 * inside - 1) ** 4)
    alpha = np.clip((y + length) * sheet.resolution / 1.6 + 0.5, 0, 1)
    pixels = sheet.resolution * sheet.canonical.half_width
    alpha *= np.clip((0.90 - np.abs(x)) * pixels / 8, 0, 1)
    near = np.minimum(inside, 1 - inside) * (right - left)
    shade = 1 - 0.10 * np.exp(-((near / 0.012) ** 2))
    shade *= _arch(x)
    shade *= 0.84 + 0.16 * np.clip(0.35 - y / 0.075, 0, 1)
    return _premultiplied((colour * shade[..., None]).astype(np.float32), alpha.astype(np.float32))
