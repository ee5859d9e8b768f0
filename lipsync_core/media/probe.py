"""What an input file is: a target to show, or a sound to speak. Opens files, keeps none open."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

import av.error

from lipsync_core.errors import UnsupportedInput
from lipsync_core.media.containers import (
    DAMAGED_HINT,
    check_file,
    not_media,
    open_input,
    packets_of,
    pictures_of,
    video_stream,
)
from lipsync_core.media.folder import pictures_in
from lipsync_core.media.formats import (
    BT470BG,
    BT709,
    FULL,
    LIMITED,
    UNSPECIFIED,
    VideoFormat,
    picture_format,
)
from lipsync_core.media.index import VideoIndex, constant_index, read_index
from lipsync_core.media.probe_sound import SoundInfo, probe_sound
from lipsync_core.media.still import is_animated_webp, is_still, read_still

if TYPE_CHECKING:
    from pathlib import Path

    import av
    from av.container import InputContainer
    from av.video.stream import VideoStream

__all__ = ["STILL_RATE", "SoundInfo", "TargetInfo", "VideoFormat", "probe_sound", "probe_target"]

STILL_RATE = Fraction(25)
"""Frames per second of still pictures, one or a folder of them, unless the caller says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetInfo:
    """A video, an animation, a folder of pictures or a still picture whose face is to speak.

    Attributes:
        path: the file or folder.
        kind: "video" (also GIF, or a folder of pictures) or "picture" (one still frame).
        video: size, clock and colour of its pictures.
        index: exact time of every frame.
        has_sound: it carries a sound stream of its own.
        codec: FFmpeg's name of the video codec, or "picture", or "pictures" for a folder.
        pictures: of a folder, in their order.
        track: which of the file's video streams is shown, from 0.
        tracks: how many there are.
    """

    path: Path
    kind: Literal["video", "picture"]
    video: VideoFormat
    index: VideoIndex
    has_sound: bool
    codec: str
    pictures: tuple[Path, ...] = ()
    track: int = 0
    tracks: int = 1

    @property
    def frames(self) -> int:
        """Number of frames."""
        return len(self.index)

    @property
    def duration(self) -> Fraction:
        """Seconds from the first frame to the end of the last."""
        return self.index.duration


def probe_target(
    path: Path, still_rate: Fraction = STILL_RATE, track: int | str | None = None
) -> TargetInfo:
    """Say what `path` shows; reads all packets of a video, decodes one frame.

    Args:
        path: video, GIF, PNG/JPEG/WebP/BMP/TIFF picture, or a folder of such pictures.
        still_rate: frames per second that pictures are to get.
        track: which of a video's streams, by number or language; None for its default.

    Raises:
        UnsupportedInput: the file cannot be read, or shows nothing.
        UsageError: it has no such track.
    """
    if path.is_dir():
        return _probe_folder(path, still_rate)
    head = check_file(path, "target")
    if head.startswith(b"RIFF") and is_animated_webp(head):
        raise UnsupportedInput(
            f"The target {path} is an animated WebP, which FFmpeg cannot read.",
            "Convert it to GIF or MP4.",
        )
    if is_still(head):
        height, width = read_still(path).shape[:2]
        return TargetInfo(
            path=path, kind="picture", video=picture_format(width, height, still_rate),
            index=constant_index(1, still_rate), has_sound=False, codec="picture",
        )  # fmt: skip
    with open_input(path, "target") as container:
        stream = video_stream(container, path, track)
        try:
            frame = _first_frame(container, stream)
            index = read_index(path, track) if frame else None
        except (av.error.FFmpegError, OSError, ValueError) as error:
            raise not_media(path, "target", error) from error
        if frame is None or index is None:
            raise UnsupportedInput(
                f"The target {path} holds no video frame that can be decoded.", DAMAGED_HINT
            )
        return TargetInfo(
            path=path,
            kind="video",
            video=_video_format(stream, frame, index),
            index=index,
            has_sound=bool(container.streams.audio),
            codec=stream.codec_context.codec.canonical_name,
            track=pictures_of(container).index(stream),
            tracks=len(pictures_of(container)),
        )


def _probe_folder(path: Path, rate: Fraction) -> TargetInfo:
    pictures = pictures_in(path)
    height, width = read_still(pictures[0]).shape[:2]
    return TargetInfo(
        path=path, kind="video", video=picture_format(width, height, rate),
        index=constant_index(len(pictures), rate), has_sound=False, codec="pictures",
        pictures=pictures,
    )  # fmt: skip


def _first_frame(container: InputContainer, stream: VideoStream) -> av.VideoFrame | None:
    """Decode until one frame comes out; damaged packets before it are passed over."""
    for packet in packets_of(container, stream):
        try:
            frames = packet.decode()
        except av.error.FFmpegError:
            continue
        if frames:
            return frames[0]
    return None


def _video_format(stream: VideoStream, frame: av.VideoFrame, index: VideoIndex) -> VideoFormat:
    rotation = round(frame.rotation / 90) * 90 % 360
    width, height = frame.width + frame.width % 2, frame.height + frame.height % 2
    pixel_aspect = stream.sample_aspect_ratio or None
    turned = rotation in (90, 270)
    if turned:
        width, height = height, width
        pixel_aspect = 1 / pixel_aspect if pixel_aspect else None
    context, pixels = stream.codec_context, frame.format
    through_rgb = (
        pixels.is_rgb or pixels.has_palette or any(part.is_alpha for part in pixels.components)
    )
    full = pixels.name.startswith("yuvj") or frame.color_range == FULL
    space = _known(frame.colorspace)
    if space is None and turned:  # players guess from the size, which the turn changes: say it
        space = BT709 if frame.width >= 1280 or frame.height > 576 else BT470BG
    return VideoFormat(
        width=width,
        height=height,
        rotation=rotation,
        frame_rate=index.frame_rate,
        time_base=index.time_base,
        pixel_format=pixels.name,
        bit_depth=8 if through_rgb or pixels.components[0].bits <= 8 else 10,
        color_primaries=BT709 if through_rgb else _known(context.color_primaries),
        color_trc=BT709 if through_rgb else _known(context.color_trc),
        color_space=BT709 if through_rgb else space,
        color_range=LIMITED if through_rgb else FULL if full else frame.color_range or None,
        sample_aspect_ratio=pixel_aspect,
        variable_rate=index.variable_rate,
    )


def _known(code: int) -> int | None:
    """Return an H.273 code, or None for 0 (RGB matrix or reserved) and 2 (unspecified)."""
    return None if int(code) in (0, UNSPECIFIED) else int(code)
