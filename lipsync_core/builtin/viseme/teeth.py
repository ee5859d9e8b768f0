"""Upper teeth as a texture: where it lies in the mouth, and the bundled one for closed mouths.

A texture spans `2.4 * half_width` x 1.1 eye distances; the line where the lips meet is 35 % down.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from lipsync_core.builtin.viseme.tone import LUMA

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipsync_core.builtin.viseme.canonical import Canonical
    from lipsync_core.builtin.viseme.tone import Light

    Texture = NDArray[np.uint8]
    """`(H, W, 4)` RGB and alpha."""

BUNDLED = Path(__file__).with_name("teeth.png")
"""Upper teeth at rest, from the bundled public-domain portrait (training/teeth/make.py made it)."""
LINE = 0.35
BEHIND = 0.10
"""Teeth lie this far behind the lips (eye distances): 6 mm of lip."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """Geometry of a texture: `resolution` pixels per eye distance around a canonical mouth."""

    canonical: Canonical
    resolution: float

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return (
            max(8, int(2.4 * self.canonical.half_width * self.resolution)),
            max(8, int(1.1 * self.resolution)),
        )

    def place(
        self, pose: NDArray[np.float64], drop: float = 0.0, narrow: float = 1.0
    ) -> NDArray[np.float64]:
        """2x3, texture -> picture, for the head's pose.

        Args:
            pose: `(4, 2)` of `pose.fit`.
            drop: moved down by this many eye distances.
            narrow: narrowed to this share of its width.
        """
        width, height = self.size
        c, r = self.canonical, self.resolution
        axes = np.array([pose[0] * narrow / r, pose[1] / r]).T
        depth = c.mesh[13, 2] + BEHIND
        origin = np.array(
            [c.centre - narrow * width / 2 / r, c.line - height * LINE / r + drop, depth, 1.0]
        )
        return np.column_stack([axes, origin @ pose])


def bundled() -> Texture:
    """The bundled upper teeth."""
    picture = cv2.imread(str(BUNDLED), cv2.IMREAD_UNCHANGED)
    if picture is None:
        raise FileNotFoundError(BUNDLED)
    return np.ascontiguousarray(picture[..., [2, 1, 0, 3]])


def tinted(texture: Texture, light: Light) -> Texture:
    """A texture with its teeth brought to the colour of white in this light."""
    colour = texture[..., :3].astype(np.float64)
    middle = texture[..., 3] > 150
    width = middle.shape[1]
    middle[:, : int(0.38 * width)] = False
    middle[:, int(0.62 * width) :] = False
    own = colour[middle].mean(axis=0) if middle.any() else np.full(3, 180.0)
    out = texture.copy()
    lit = colour * (light.white / np.maximum(own, 1))
    grey = (lit @ LUMA)[..., None]
    out[..., :3] = np.clip(grey + light.chroma * (lit - grey), 0, 255)
    return out


def resized(texture: Texture, size: tuple[int, int]) -> Texture:
    """The texture at another resolution, without aliasing."""
    shrinks = size[0] < texture.shape[1]
    flag = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(texture, size, interpolation=flag), np.uint8)
