"""RGB to YUV 4:2:0 with the right matrix and range, exact to rounding.

Written out because swscale's RGB -> YUV path is neither told the patch's chroma siting nor exact;
the way back (YUV -> RGB) uses swscale with the flags in `EXACT`, which is exact to half a level
(measured on av 18 for BT.601, 709 and 2020, limited and full) where its default is off by three.
Each chroma sample is the mean of its 2x2 pixels and is shown on exactly those, so nothing smears
past the border of a patch and a picture that is not changed comes back as it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import cv2
import numpy as np
from av.video.reformatter import Interpolation

from lipsync_core.media.formats import BT470BG, FULL, LIMITED, UNSPECIFIED

if TYPE_CHECKING:
    import av
    from numpy.typing import NDArray

    from lipsync_core.media.formats import VideoFormat
    from lipsync_core.records import Image

EXACT = int(Interpolation.POINT | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT)
QUICK = int(Interpolation.FAST_BILINEAR)
FINE = int(Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INP)
SMOOTH = int(Interpolation.BILINEAR | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INP)

_LUMA = {  # H.273 table 4: matrix code -> (Kr, Kb)
    1: (0.2126, 0.0722),
    4: (0.30, 0.11),
    5: (0.299, 0.114),
    6: (0.299, 0.114),
    7: (0.212, 0.087),
    9: (0.2627, 0.0593),
    10: (0.2627, 0.0593),
}


def scaler_code(matrix: int) -> int:
    """Return the matrix code if swscale knows it, else BT.601's, as swscale itself would take."""
    return matrix if matrix in _LUMA else 5


def rgb_to_yuv_matrix(video: VideoFormat) -> NDArray[np.float64]:
    """Return the 3x4 map from RGB 0..255 to the code values of `video` (ITU-T H.273, 8.3)."""
    kr, kb = _LUMA[scaler_code(video.matrix)]
    rows = np.array([[kr, 1 - kr - kb, kb]] * 3)
    rows[1] = (np.array([0.0, 0.0, 1.0]) - rows[0]) / (2 * (1 - kb))
    rows[2] = (np.array([1.0, 0.0, 0.0]) - rows[0]) / (2 * (1 - kr))
    top = (1 << video.bit_depth) - 1
    unit = 1 << (video.bit_depth - 8)
    luma, chroma, black = (top, top, 0) if video.full_range else (219 * unit, 224 * unit, 16 * unit)
    middle = 128 * unit
    scaled = rows * np.array([[luma], [chroma], [chroma]]) / 255
    return np.hstack([scaled, [[black], [middle], [middle]]])


def rgb_to_planes(image: Image, video: VideoFormat) -> list[NDArray[np.generic]]:
    """Convert RGB to the three planes of `video.working_format`.

    Args:
        image: `(h, w, 3)` uint8, h and w even.
        video: gives matrix, range and depth.

    Returns:
        Y `(h, w)`, Cb and Cr `(h/2, w/2)`, uint8 or uint16.
    """
    height, width = image.shape[:2]
    yuv = cv2.transform(image.astype(np.float32), rgb_to_yuv_matrix(video))
    half = cv2.resize(yuv, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    parts = cv2.extractChannel(yuv, 0), cv2.extractChannel(half, 1), cv2.extractChannel(half, 2)
    if video.bit_depth == 8:  # cv2 rounds and saturates in one pass
        return [cv2.addWeighted(part, 1, part, 0, 0, dtype=cv2.CV_8U) for part in parts]
    top = (1 << video.bit_depth) - 1
    return [
        np.minimum(cv2.addWeighted(part, 1, part, 0, 0, dtype=cv2.CV_16U), top) for part in parts
    ]


def whole_rgb(frame: av.VideoFrame) -> Image:
    """Return all of a decoded frame as RGB uint8 `(h, w, 3)`, with smooth chroma, for pictures.

    A frame that does not tell its matrix has that of the pictures in JPEG and HEIF files: BT.601.
    """
    matrix = BT470BG if frame.colorspace in (0, UNSPECIFIED) else int(frame.colorspace)
    full = frame.format.name.startswith("yuvj") or frame.color_range == FULL
    made = frame.to_ndarray(
        format="rgb24",
        src_colorspace=scaler_code(matrix),
        src_color_range=FULL if full else LIMITED,
        dst_color_range=FULL,
        interpolation=SMOOTH,
        threads=1,
    )
    return cast("Image", made)
