"""A video as if it had been recorded in another form: size, frame rate and depth of the clips around it.

Pictures are scaled with their aspect kept; bars fill what is left, or the edges are cut off: the sides alike,
above less than below, where heads are. Each frame of the new rate shows the frame of the video that is
nearest in time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from lipsync_core.errors import UsageError
from lipsync_core.media import planes
from lipsync_core.media.colour import FINE, scaler_code
from lipsync_core.media.formats import FULL, LIMITED
from lipsync_core.media.index import constant_index

if TYPE_CHECKING:
    import av
    from numpy.typing import NDArray

    from lipsync_core.media.formats import VideoFormat
    from lipsync_core.media.index import VideoIndex
    from lipsync_core.media.probe import TargetInfo

Filling = Literal["pad", "crop"]
"""Where the aspect differs: add bars, or cut the edges off."""
_CUT_ABOVE = 8
"""Of the rows that are cut off, one in so many is at the top: a portrait's head is not in its middle."""
FILLINGS: tuple[Filling, ...] = get_args(Filling)


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What the clips of one video share.

    Attributes:
        width: pixels, even.
        height: pixels, even.
        frame_rate: frames a second.
        filling: what is done where a clip's aspect is another.
    """

    width: int
    height: int
    frame_rate: Fraction
    filling: Filling = "pad"

    def __post_init__(self) -> None:
        """Raise `UsageError` for a form that no video can have."""
        if not (2 <= self.width <= 16384 and 2 <= self.height <= 16384):
            raise UsageError(
                f"Videos of {self.width}x{self.height} pixels cannot be made.",
                "Choose a width and height from 2 to 16384.",
            )
        if self.width % 2 or self.height % 2:
            raise UsageError(
                f"Videos of {self.width}x{self.height} pixels cannot be made.",
                "Choose an even width and an even height.",
            )
        if not 0 < self.frame_rate <= 240:
            raise UsageError(
                f"{float(self.frame_rate):g} frames a second are out of range.",
                "Choose a value up to 240.",
            )
        if self.filling not in FILLINGS:
            raise UsageError(f"conform={self.filling!r} is not pad or crop.", "Write pad or crop.")

    def __str__(self) -> str:
        return f"{self.width}x{self.height} at {float(self.frame_rate):.6g} frames a second"


def fits(video: VideoFormat, wanted: VideoFormat) -> bool:
    """Whether pictures of one format can follow those of another as they are."""
    same_rate = abs(video.frame_rate - wanted.frame_rate) <= wanted.frame_rate / 1000
    return (
        same_rate
        and not video.variable_rate
        and (video.width, video.height) == (wanted.width, wanted.height)
        and video.bit_depth == wanted.bit_depth
        and (video.matrix, video.full_range) == (wanted.matrix, wanted.full_range)
        and (video.sample_aspect_ratio or 1) == (wanted.sample_aspect_ratio or 1)
    )


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Conformed:
    """How a conformed video comes from the file.

    Attributes:
        original: the video as it was recorded.
        sources: `(N,)` int64, the frame of the original that each frame shows.
        filling: what is done where the aspect differs.
    """

    original: TargetInfo
    sources: NDArray[np.int64]
    filling: Filling

    def __str__(self) -> str:
        """What tells it from another conformed form of the same file; the picture format aside."""
        return f"{self.filling} {len(self.sources)}"


def conform(info: TargetInfo, wanted: VideoFormat, filling: Filling) -> TargetInfo:
    """Return a video in another form; as it is where it fits already."""
    if fits(info.video, wanted):
        return info
    sources = nearest_frames(info.index, wanted.frame_rate)
    return replace(
        info,
        video=wanted,
        index=constant_index(len(sources), wanted.frame_rate),
        conformed=Conformed(original=info, sources=sources, filling=filling),
        notes=(*info.notes, _told(info, wanted, filling)),
    )


def frames_at(duration: Fraction, rate: Fraction) -> int:
    """How many frames a video of `duration` seconds has at `rate` frames a second."""
    return max(1, round(duration * rate))


def nearest_frames(index: VideoIndex, rate: Fraction) -> NDArray[np.int64]:
    """Return `(N,)` the frame of a video that is nearest to each frame of another rate."""
    count = frames_at(index.duration, rate)
    ticks = np.arange(count) * float(1 / (rate * index.time_base))
    after = np.clip(np.searchsorted(index.ticks, ticks), 1, max(1, len(index) - 1))
    if len(index) == 1:
        return np.zeros(count, np.int64)
    earlier = ticks - index.ticks[after - 1] <= index.ticks[after] - ticks
    return np.where(earlier, after - 1, after).astype(np.int64)


def _told(info: TargetInfo, wanted: VideoFormat, filling: Filling) -> str:
    """What is done to a video, for the user."""
    video, ways = info.video, []
    if (video.width, video.height) != (wanted.width, wanted.height):
        ways.append(f"scaled to {wanted.width}x{wanted.height}")
    if video.width * wanted.height != video.height * wanted.width:
        ways.append("with bars" if filling == "pad" else "with its edges cut off")
    if video.variable_rate or video.frame_rate != wanted.frame_rate:
        ways.append(f"shown at {float(wanted.frame_rate):.6g} frames a second")
    form = f"{video.width}x{video.height} at {float(video.frame_rate):.6g} frames a second"
    return f"{info.path} is {form}; it is {', '.join(ways) or 'converted like the others'}."


def conformed_format(video: VideoFormat, form: Form) -> VideoFormat:
    """Return the format of pictures of `form` with the colours of `video`, upright, at a constant rate."""
    same_size = (video.width, video.height) == (form.width, form.height)
    return replace(
        video, width=form.width, height=form.height, rotation=0, mirrored=False,
        frame_rate=form.frame_rate, time_base=1 / form.frame_rate, variable_rate=False,
        pixel_format=video.working_format, fields=None,
        color_space=video.color_space if same_size else video.matrix,  # its guess goes by the size
        sample_aspect_ratio=video.sample_aspect_ratio if same_size else None,
    )  # fmt: skip


def conformed_frame(
    frame: av.VideoFrame, video: VideoFormat, wanted: VideoFormat, filling: Filling
) -> av.VideoFrame:
    """Scale a frame of `video`'s working format into one of `wanted`'s, with bars or cut edges."""
    aspect = (video.sample_aspect_ratio or 1) / Fraction(wanted.sample_aspect_ratio or 1)
    across, down = wanted.width / (video.width * aspect), Fraction(wanted.height, video.height)
    scale = min(across, down) if filling == "pad" else max(across, down)
    width, height = _even(video.width * aspect * scale), _even(video.height * scale)
    scaled = frame.reformat(
        width=width,
        height=height,
        format=wanted.working_format,
        src_colorspace=scaler_code(video.matrix),
        dst_colorspace=scaler_code(wanted.matrix),
        src_color_range=FULL if video.full_range else LIMITED,
        dst_color_range=FULL if wanted.full_range else LIMITED,
        interpolation=FINE,
        threads=1,
    )
    if (width, height) == (wanted.width, wanted.height):
        return scaled
    unit = 1 << (wanted.bit_depth - 8)
    black = (0 if wanted.full_range else 16 * unit, 128 * unit, 128 * unit)
    made = []
    for part, (plane, value) in enumerate(zip(planes.views(scaled), black, strict=True)):
        step = 1 if part else 2  # luma lies at even places, so that chroma lies at whole ones
        shape = wanted.height * step // 2, wanted.width * step // 2
        canvas = np.full(shape, value, plane.dtype)
        top, rows = _overlap(plane.shape[0], shape[0], step, _CUT_ABOVE)
        left, columns = _overlap(plane.shape[1], shape[1], step, 2)
        canvas[rows, columns] = plane[top, left]
        made.append(canvas)
    return planes.frame_of(made, wanted.working_format)


def _even(length: Fraction) -> int:
    return max(2, 2 * round(length / 2))


def _overlap(have: int, want: int, step: int, share: int) -> tuple[slice, slice]:
    """Which of `have` samples lie on which of `want`, in whole steps.

    Bars are alike on both sides; of what is cut off, one part of `share` is at the beginning.
    """
    size, extra = min(have, want), abs(have - want)
    bar = extra // (2 * step) * step if want > have else 0
    cut = extra // (share * step) * step if have > want else 0
    return slice(cut, cut + size), slice(bar, bar + size)
