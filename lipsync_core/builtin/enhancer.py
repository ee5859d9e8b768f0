"""Sharpening enhancer: unsharp mask on luma around the mouth, at the target's own resolution."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from lipsync_core.contracts import Enhancer, OpenContext
from lipsync_core.records import Crops


class SharpenEnhancer(Enhancer):
    """Brings back the fine edges that resampling a small crop has cost."""

    def open(self, context: OpenContext) -> None:
        """Read the options."""
        self._amount = float(context.options.get("amount", 0.8))
        self._radius = float(context.options.get("radius", 1.2))

    def enhance(self, crops: Crops) -> NDArray[np.uint8]:
        """Sharpen each crop; edges are limited to the range around them, so that no halo appears."""
        return np.stack([self._sharpened(image) for image in crops.images])

    def _sharpened(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        luma, cr, cb = cv2.split(cv2.cvtColor(image, cv2.COLOR_RGB2YCrCb))
        soft = cv2.GaussianBlur(luma, (0, 0), self._radius)
        sharp = cv2.addWeighted(luma, 1.0 + self._amount, soft, -self._amount, 0.0)
        window = np.ones((3, 3), np.uint8)
        limited = np.clip(sharp, cv2.erode(luma, window), cv2.dilate(luma, window))
        merged = cv2.merge([limited.astype(np.uint8), cr, cb])
        return np.asarray(cv2.cvtColor(merged, cv2.COLOR_YCrCb2RGB), np.uint8)
