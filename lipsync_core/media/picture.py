"""One picture of the target: decoded planes, RGB on demand, and new pixels that touch nothing else.

Sizes are made even by repeating the last row or column, because 4:2:0 encoders refuse odd ones; so
a 641x479 target is a 642x480 one for everybody, readers and painters included. Stored turns and
mirrors are applied to the planes. Transparency is composed over white, or kept as a fourth plane where the
output carries it; only painting then sees the colours beneath it. 4:2:2, 4:4:4 and RGB sources become
4:2:0; 8-bit and 10-bit 4:2:0 go to the encoder bit for bit as they were decoded.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

import av
import numpy as np

from lipsync_core.media import planes
from lipsync_core.media.colour import EXACT, QUICK, SMOOTH, rgb_to_planes, scaler_code
from lipsync_core.media.formats import FULL, LIMITED

if TYPE_CHECKING:
    from lipsync_core.media.formats import VideoFormat
    from lipsync_core.records import FrameInfo, Image

_SAME_PLANES = {
    "yuvj420p": "yuv420p",
    **{name: name for name in ("yuv420p", "yuv420p10le", "yuva420p", "yuva420p10le")},
}
"""Formats whose planes are taken as they are; yuvj420p is yuv420p that says "full range"."""
_THREADS = 1
"""For swscale, whose own choice is a new thread per core for every picture: 1.0 ms of CPU instead of 0.3
for one of 720p, and slower by the clock as well."""


class Picture:
    """One upright picture with its index and time.

    Attributes:
        info: which frame of the target it is, and when it is shown.
        video: size and colour.
    """

    __slots__ = ("_frame", "_rgb", "info", "video")

    def __init__(
        self,
        info: FrameInfo,
        video: VideoFormat,
        *,
        frame: av.VideoFrame | None = None,
        rgb: Image | None = None,
    ) -> None:
        """Hold `frame` (working format, upright) or `rgb` (full size); prefer the class methods."""
        if frame is None and rgb is None:
            raise ValueError("a picture needs a frame or an RGB image")
        self.info = info
        self.video = video
        self._frame = frame
        self._rgb = rgb

    @classmethod
    def from_frame(cls, frame: av.VideoFrame, info: FrameInfo, video: VideoFormat) -> Picture:
        """Make a picture of a decoded frame, whatever its size, format and rotation."""
        return cls(info, video, frame=_working(frame, video))

    @classmethod
    def from_rgb(cls, image: Image, info: FrameInfo, video: VideoFormat) -> Picture:
        """Make a picture of `(h, w, 3)` RGB uint8; odd sizes are padded as for videos."""
        height, width = image.shape[:2]
        if height % 2 or width % 2:
            image = np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        if image.shape != (video.height, video.width, 3):
            raise ValueError(f"image {image.shape} does not fit {video.width}x{video.height}")
        return cls(info, video, rgb=np.ascontiguousarray(image))

    @property
    def nbytes(self) -> int:
        """Bytes held by the decoded planes (and the RGB copy, once made)."""
        samples = self.video.width * self.video.height * 3
        planar = samples // 2 * (1 if self.video.bit_depth == 8 else 2)
        planar += planar * 2 // 3 * self.video.alpha
        return (planar if self._frame is not None else 0) + (
            samples if self._rgb is not None else 0
        )

    def rgb(self) -> Image:
        """Return upright RGB uint8 `(height, width, 3)`; made once, do not write into it."""
        if self._rgb is None:
            assert self._frame is not None
            seen = Picture(self.info, replace(self.video, alpha=False), frame=self._opaque())
            self._rgb = seen.region(0, 0, self.video.width, self.video.height)
        return self._rgb

    def quick_rgb(self) -> Image:
        """Return RGB that is up to three levels off, for those who only look: a third of the cost."""
        return self.rgb() if self._frame is None else self._converted(self._opaque(), QUICK)

    def region(self, x0: int, y0: int, x1: int, y1: int) -> Image:
        """Return `rgb()[y0:y1, x0:x1]` without converting the rest; the box lies inside.

        Where transparency is kept, the colours are those beneath it, as `repainted` writes them.
        """
        if self._rgb is not None and not self.video.alpha:
            return np.ascontiguousarray(self._rgb[y0:y1, x0:x1])
        assert self._frame is not None
        left, top = x0 - x0 % 2, y0 - y0 % 2
        # The copied frame says nothing of where its chroma lies, so each sample is shown on its 2x2
        # pixels, as `rgb_to_planes` takes it; a file's own "left" would shift it by half a pixel.
        luma, *chroma = planes.views(self._frame)[:3]
        luma = luma[top : y1 + y1 % 2, left : x1 + x1 % 2]
        half = [c[top // 2 : (y1 + 1) // 2, left // 2 : (x1 + 1) // 2] for c in chroma]
        part = planes.frame_of([luma, *half], replace(self.video, alpha=False).working_format)
        made = self._converted(part, EXACT)
        return np.ascontiguousarray(made[y0 - top : y1 - top, x0 - left : x1 - left])

    def _converted(self, frame: av.VideoFrame, flags: int) -> Image:
        made = frame.to_ndarray(
            format="rgb24",
            src_colorspace=scaler_code(self.video.matrix),
            src_color_range=FULL if self.video.full_range else LIMITED,
            dst_color_range=FULL,
            interpolation=flags,
            threads=_THREADS,
        )
        return cast("Image", made)

    def at(self, info: FrameInfo) -> Picture:
        """Return the same picture shown at another time (held, looped or bounced frames)."""
        return Picture(info, self.video, frame=self._frame, rgb=self._rgb)

    def repainted(self, left: int, top: int, old: Image, new: Image) -> Picture:
        """Return this picture with other pixels in a part of it.

        Only pixels that differ are converted and written: all other luma samples, and all chroma
        samples of 2x2 blocks without a changed pixel, stay bit for bit as decoded.

        Args:
            left: where the part begins; even.
            top: the same.
            old: `(h, w, 3)` what `region` gave there; h and w even.
            new: what shall be there.
        """
        inner = _differing(new, old)
        if inner is None:
            return self
        x0, y0, x1, y1 = inner
        new, old = new[y0:y1, x0:x1], old[y0:y1, x0:x1]
        there = slice(top + y0, top + y1), slice(left + x0, left + x1)
        rgb = None
        if self._rgb is not None and not self.video.alpha:  # who asked before will ask again
            rgb = self._rgb.copy()
            rgb[there] = new
        if self._frame is None:
            return Picture(self.info, self.video, rgb=rgb)
        differs = new != old
        changed = differs[..., 0] | differs[..., 1] | differs[..., 2]  # any() is 5x slower
        rows = changed[::2] | changed[1::2]
        blocks = rows[:, ::2] | rows[:, 1::2]
        half = tuple(slice(s.start // 2, s.stop // 2) for s in there)
        frame = planes.copy_of(self._frame)
        luma, *chroma = rgb_to_planes(new, self.video)
        its_luma, *its_chroma = planes.views(frame)[:3]
        np.copyto(its_luma[there], luma, where=changed)
        for plane, values in zip(its_chroma, chroma, strict=True):
            np.copyto(plane[half], values, where=blocks)
        return Picture(self.info, self.video, frame=frame, rgb=rgb)

    def video_frame(self, video: VideoFormat | None = None) -> av.VideoFrame:
        """Return the frame for the encoder, in the format that `video` says (default: its own).

        The frame may be shared with this picture: set its pts, do not write its planes.
        """
        if self._frame is None:
            assert self._rgb is not None
            made = rgb_to_planes(self._rgb, self.video)
            self._frame = planes.frame_of(made, self.video.working_format)
        wanted = video or self.video
        frame = self._frame if wanted.alpha else self._opaque()
        name = wanted.encoded_format or wanted.working_format
        return frame if frame.format.name == name else _convert(frame, self.video, name)

    def _opaque(self) -> av.VideoFrame:
        """The decoded planes, over white where they have transparency."""
        assert self._frame is not None
        return _over_white(self._frame, self.video) if self.video.alpha else self._frame


def _differing(new: Image, old: Image) -> tuple[int, int, int, int] | None:
    """Even box (x0, y0, x1, y1) around all pixels that differ; None where none does."""
    height, width = new.shape[:2]
    differs = new.reshape(height, -1) != old.reshape(height, -1)
    rows = np.flatnonzero(differs.any(1))
    if not len(rows):
        return None
    y0, y1 = int(rows[0]), int(rows[-1]) + 1
    columns = np.flatnonzero(differs[y0:y1].any(0).reshape(width, 3).any(1))
    x0, x1 = int(columns[0]), int(columns[-1]) + 1
    return x0 - x0 % 2, y0 - y0 % 2, x1 + x1 % 2, y1 + y1 % 2


def _working(frame: av.VideoFrame, video: VideoFormat) -> av.VideoFrame:
    """Return `frame` upright, even-sized and in the working format."""
    turned = video.rotation in (90, 270)
    expected = (video.height, video.width) if turned else (video.width, video.height)
    size = (frame.width + frame.width % 2, frame.height + frame.height % 2)
    if size != expected:  # the size changes inside the file: scale to that of the first frame
        frame = frame.reformat(width=expected[0], height=expected[1], threads=_THREADS)
        size = expected
    turn = video.rotation, video.mirrored
    if is_rgb_like(frame.format) and video.bit_depth == 8:
        return planes.frame_of(
            planes.upright(_planes_of_rgb(frame, video), *turn), video.working_format
        )
    alpha = has_alpha(frame.format)
    stored = replace(video, alpha=alpha)
    same = _SAME_PLANES.get(frame.format.name)
    if same != stored.working_format:
        frame = _convert(frame, video, stored.working_format)
        same = frame.format.name
    if alpha and not video.alpha:
        even = planes.frame_of(planes.upright(planes.views(frame), 0), same)
        frame = _over_white(even, stored)
        same = frame.format.name
    elif video.alpha and not alpha:  # it was lost inside the file
        frame = _convert(frame, video, video.working_format)
        same = frame.format.name
    size = (frame.width, frame.height)
    if same == frame.format.name and turn == (0, False) and size == expected:
        return frame
    return planes.frame_of(planes.upright(planes.views(frame), *turn), same)


def is_rgb_like(pixels: av.video.format.VideoFormat) -> bool:
    """Whether a format is RGB, a palette, or grey with alpha: it has no matrix of its own."""
    grey = has_alpha(pixels) and len(pixels.components) == 2
    return pixels.is_rgb or pixels.has_palette or grey


def has_alpha(pixels: av.video.format.VideoFormat) -> bool:
    """Whether a format has transparency; a palette may have it."""
    return pixels.has_palette or any(component.is_alpha for component in pixels.components)


def _planes_of_rgb(frame: av.VideoFrame, video: VideoFormat) -> list[planes.Plane]:
    rgba = cast("Image", frame.to_ndarray(format="rgba", threads=_THREADS))
    height, width = rgba.shape[:2]
    rgba = np.pad(rgba, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    if not video.alpha:
        return rgb_to_planes(over_white(rgba), video)
    return [*rgb_to_planes(np.ascontiguousarray(rgba[..., :3]), video), rgba[..., 3]]


def _over_white(frame: av.VideoFrame, video: VideoFormat) -> av.VideoFrame:
    """Compose an even-sized frame with alpha over white, without leaving its matrix."""
    most, unit = (1 << video.bit_depth) - 1, 1 << (video.bit_depth - 8)
    white = (most if video.full_range else 235 * unit, 128 * unit, 128 * unit)
    made = planes.over_white(planes.views(frame), white, most)
    return planes.frame_of(made, replace(video, alpha=False).working_format)


def over_white(rgba: Image) -> Image:
    """Compose `(h, w, 4)` uint8 over white; returns `(h, w, 3)`."""
    alpha = rgba[..., 3:].astype(np.uint16)
    if (alpha == 255).all():
        return np.ascontiguousarray(rgba[..., :3])
    mixed = (rgba[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255
    return mixed.astype(np.uint8)


def _convert(frame: av.VideoFrame, video: VideoFormat, name: str) -> av.VideoFrame:
    """Convert a frame to the pixel format `name`; a YUV one with matrix and range as they are."""
    code, span = scaler_code(video.matrix), FULL if video.full_range else LIMITED
    return frame.reformat(
        format=name,
        src_colorspace=code,
        dst_colorspace=code,
        src_color_range=FULL if is_rgb_like(frame.format) else span,
        dst_color_range=span,
        interpolation=SMOOTH,
        threads=_THREADS,
    )
