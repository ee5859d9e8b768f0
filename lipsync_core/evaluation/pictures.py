"""Figures from pixels: likeness to a reference inside and outside the mouth, and flicker."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from lipsync_core.records import Image

Plane = NDArray[np.float32]
"""`(H, W)` luma, 0..255."""

SSIM_SIGMA, SSIM_REACH = 1.5, 5
C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
"""Window and constants of Wang et al., "Image Quality Assessment" (2004)."""
NO_DIFFERENCE = 100.0
"""dB that stand for equal pictures, whose PSNR is infinite."""
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def luma(image: Image) -> Plane:
    """Luma of an RGB picture (BT.601 weights), float32."""
    return np.asarray(image.astype(np.float32) @ _LUMA, np.float32)


def ssim_map(a: Plane, b: Plane) -> Plane:
    """Structural similarity of every pixel's neighbourhood, -1..1."""

    def blurred(x: Plane) -> Plane:
        size = 2 * SSIM_REACH + 1
        return np.asarray(cv2.GaussianBlur(x, (size, size), SSIM_SIGMA), np.float32)

    mean_a, mean_b = blurred(a), blurred(b)
    var_a, var_b = blurred(a * a) - mean_a**2, blurred(b * b) - mean_b**2
    both = blurred(a * b) - mean_a * mean_b
    top = (2 * mean_a * mean_b + C1) * (2 * both + C2)
    return np.asarray(top / ((mean_a**2 + mean_b**2 + C1) * (var_a + var_b + C2)), np.float32)


class Likeness:
    """Sums up PSNR and SSIM over the frames of two videos, inside and outside a box."""

    def __init__(self) -> None:
        self._error = {"mouth": 0.0, "outside": 0.0}
        self._pixels = {"mouth": 0, "outside": 0}
        self._similar = {"mouth": 0.0, "outside": 0.0}

    def add(
        self, a: Image, b: Image, mouth: tuple[int, int, int, int], face: NDArray[np.int_]
    ) -> None:
        """One pair of frames of the same size.

        Args:
            a: `(H, W, 3)` RGB.
            b: the reference.
            mouth: x0, y0, x1, y1 of the mouth.
            face: x0, y0, x1, y1; "outside" is what lies outside of it.
        """
        ya, yb = luma(a), luma(b)
        squared, similar = (ya - yb) ** 2, ssim_map(ya, yb)
        x0, y0, x1, y1 = mouth
        inside = (slice(max(y0, 0), max(y1, 0)), slice(max(x0, 0), max(x1, 0)))
        self._sum("mouth", squared[inside], similar[inside])
        away = np.ones(ya.shape, bool)
        away[
            max(int(face[1]), 0) : max(int(face[3]), 0), max(int(face[0]), 0) : max(int(face[2]), 0)
        ] = False
        self._sum("outside", squared[away], similar[away])

    def _sum(self, where: str, squared: NDArray[np.float32], similar: NDArray[np.float32]) -> None:
        self._error[where] += float(squared.sum(dtype=np.float64))
        self._similar[where] += float(similar.sum(dtype=np.float64))
        self._pixels[where] += squared.size

    def figures(self) -> dict[str, float]:
        """PSNR in dB (of all frames' mean squared error) and SSIM, by place; empty without frames."""
        told: dict[str, float] = {}
        for where, pixels in self._pixels.items():
            if pixels:
                error = self._error[where] / pixels
                ratio = 10 * np.log10(255.0**2 / error) if error > 0 else NO_DIFFERENCE
                told[f"psnr_{where}"] = min(float(ratio), NO_DIFFERENCE)
                told[f"ssim_{where}"] = self._similar[where] / pixels
        return told


class Flicker:
    """Change that comes and goes within three frames, in levels: what steady movement does not do.

    The second difference |x[n] - (x[n-1] + x[n+1]) / 2| of stabilised crops, in the mouth's half and in the
    upper half of the face, whose ratio takes out sensor noise and compression.
    """

    def __init__(self) -> None:
        self._held: list[Plane] = []
        self._sums = np.zeros(2)
        self._count = 0

    def add(self, crop: Image) -> None:
        """The next aligned crop of one span."""
        self._held = [*self._held[-2:], luma(crop)]
        if len(self._held) == 3:
            before, now, after = self._held
            change = np.abs(now - (before + after) / 2)
            half = len(change) // 2
            self._sums += [change[:half].mean(), change[half:].mean()]
            self._count += 1

    def cut(self) -> None:
        """A new span begins."""
        self._held = []

    def figures(self) -> dict[str, float]:
        """`flicker_upper`, `flicker_mouth` in levels, `flicker_ratio` of the two; none for too few frames."""
        if not self._count:
            return {}
        upper, mouth = (float(v) for v in self._sums / self._count)
        return {
            "flicker_upper": upper,
            "flicker_mouth": mouth,
            "flicker_ratio": mouth / max(upper, 1e-3),
        }
