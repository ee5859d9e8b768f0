"""What an input file is: a target to show, or a sound to speak. Opens files, keeps none open."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

import av.error
import numpy as np

from lipsync_core.errors import UnsupportedInput
from lipsync_core.media import webp
from lipsync_core.media.containers import (
    DAMAGED_HINT,
    check_file,
    not_media,
    open_input,
    packets_of,
    pictures_of,
    video_stream,
)
from lipsync_core.media.display import upright_turn
from lipsync_core.media.fields import fields_of
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
from lipsync_core.media.hdr import dynamic_metadata, hdr_metadata
from lipsync_core.media.index import VideoIndex, constant_index, index_of_times, read_index
from lipsync_core.media.output import is_folder
from lipsync_core.media.picture import has_alpha, is_rgb_like
from lipsync_core.media.probe_sound import SoundInfo, probe_sound
from lipsync_core.media.still import is_still, read_still
from lipsync_core.media.video_decoder import decoder_of
from lipsync_core.media.webp import is_animated_webp

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import av
    from av.container import InputContainer
    from av.video.stream import VideoStream

    from lipsync_core.media.conform import Conformed
    from lipsync_core.media.formats import Fields
    from lipsync_core.requests import Interlaced

__all__ = ["STILL_RATE", "SoundInfo", "TargetInfo", "VideoFormat", "probe_sound", "probe_target"]

ANIMATED_WEBP = "animated webp"
"""Its name as a codec; FFmpeg has none for it."""
STILL_RATE = Fraction(25)
"""Frames per second of still pictures, one or a folder of them, unless the caller says otherwise."""
_WHOLE_FRAMES = ("hevc", "av1", "vp8", "vp9", "gif", "apng")
"""Codecs whose frames are never two fields woven together."""
_FRAMES_LOOKED_AT = 12
"""How many frames say whether a video is interlaced."""
FEWEST_FRAMES = 10
"""Frames per second below which a video is told to have few: a syllable lasts about 0.2 s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetInfo:
    """A video, an animation, a folder of pictures or a still picture whose face is to speak.

    Attributes:
        path: the file or folder.
        kind: "video" (also GIF, or a folder of pictures) or "picture" (one still frame).
        video: size, clock and colour of its pictures.
        index: exact time of every frame.
        has_sound: it carries a sound stream of its own.
        codec: FFmpeg's name of the video codec, or "picture", "pictures" for a folder, "animated webp".
        pictures: of a folder, in their order.
        track: which of the file's video streams is shown, from 0.
        tracks: how many there are.
        notes: sentences on what is unusual about it, for the user.
        deinterlace: its frames are interlaced, and read as whole ones.
        has_alpha: its frames may be transparent; they are composed over white unless `with_alpha` was asked.
        conformed: it is shown in another form than it was recorded in; see `conform`.
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
    notes: tuple[str, ...] = ()
    deinterlace: bool = False
    has_alpha: bool = False
    conformed: Conformed | None = None

    def with_alpha(self) -> TargetInfo:
        """The same target with its transparency kept."""
        return replace(self, video=replace(self.video, alpha=True))

    @property
    def frames(self) -> int:
        """Number of frames."""
        return len(self.index)

    @property
    def duration(self) -> Fraction:
        """Seconds from the first frame to the end of the last."""
        return self.index.duration


def probe_target(
    path: Path,
    still_rate: Fraction = STILL_RATE,
    track: int | str | None = None,
    interlaced: Interlaced = "deinterlace",
) -> TargetInfo:
    """Say what `path` shows; reads all packets of a video, decodes a few frames.

    Args:
        path: video, animation, picture (PNG, JPEG, WebP, BMP, TIFF, HEIC, AVIF, icon), or a folder of
            such pictures.
        still_rate: frames per second that pictures are to get.
        track: which of a video's streams, by number or language; None for its default.
        interlaced: what becomes of interlaced frames.

    Raises:
        UnsupportedInput: the file cannot be read, or shows nothing.
        UsageError: it has no such track.
    """
    if is_folder(path):
        return _probe_folder(path, still_rate)
    head = check_file(path, "target")
    if is_animated_webp(head):
        return _probe_webp(path, still_rate)
    if is_still(path):
        return _probe_still(path, still_rate)
    with open_input(path, "target") as container:
        stream = video_stream(container, path, track)
        try:
            frame, seen = _first_frames(container, stream)
            index = read_index(path, track) if frame else None
        except (av.error.FFmpegError, OSError, ValueError) as error:
            raise not_media(path, "target", error) from error
        if frame is None or index is None:
            raise UnsupportedInput(
                f"The target {path} holds no video frame that can be decoded.", DAMAGED_HINT
            )
        if len(index) == 1 and _holds_pictures(container.format.name):
            return _probe_still(path, still_rate)
        fields = fields_of(stream.codec_context, seen)
        keep = interlaced == "keep"
        video = _video_format(stream, frame, index)
        return TargetInfo(
            path=path,
            kind="video",
            video=replace(video, fields=fields if keep else None),
            index=index,
            has_sound=bool(container.streams.audio),
            codec=stream.codec_context.codec.canonical_name,
            track=pictures_of(container).index(stream),
            tracks=len(pictures_of(container)),
            notes=_notes(path, index, fields, keep, dynamic_metadata(frame)),
            deinterlace=fields is not None and not keep,
            has_alpha=_is_transparent(frame),
        )


def _holds_pictures(container: str) -> bool:
    """Whether files of a container are pictures, animated or still, by FFmpeg's names."""
    return container.endswith("_pipe") or container in ("gif", "apng", "ico", "image2")


def _notes(
    path: Path,
    index: VideoIndex,
    fields: Fields | None = None,
    keep: bool = False,
    dynamic: Sequence[str] = (),
) -> tuple[str, ...]:
    """What the user should know of a video."""
    notes = []
    if index.frame_rate < FEWEST_FRAMES:
        rate = f"{float(index.frame_rate):.3g}"
        notes.append(
            f"{path} has only {rate} frames a second: lips cannot follow speech at that rate."
        )
    if fields is not None and keep:
        notes.append(f"{path} is interlaced ({fields} field first) and stays so.")
    elif fields is not None:
        notes.append(f"{path} is interlaced; it was deinterlaced (--interlaced keep prevents it).")
    if dynamic:
        notes.append(f"The {' and '.join(dynamic)} data of {path} are left out; its base is kept.")
    return tuple(notes)


def _probe_webp(path: Path, rate: Fraction) -> TargetInfo:
    """An animated WebP, as if FFmpeg had read it."""
    lengths = webp.durations(path)
    if len(lengths) == 1:
        return _probe_still(path, rate)
    first = webp.frames(path, 0, 1)[0]
    height, width = first.shape[:2]
    index = index_of_times(np.cumsum(lengths) - lengths, Fraction(1, 1000), int(lengths[-1]))
    video = picture_format(width, height, index.frame_rate)
    return TargetInfo(
        path=path, kind="video", index=index, has_sound=False, codec=ANIMATED_WEBP,
        video=replace(
            video, time_base=index.time_base, variable_rate=index.variable_rate, pixel_format="rgba"
        ),
        notes=_notes(path, index),
        has_alpha=bool((first[..., 3] < 255).any()),
    )  # fmt: skip


def _probe_still(path: Path, rate: Fraction) -> TargetInfo:
    height, width = read_still(path).shape[:2]
    return TargetInfo(
        path=path, kind="picture", video=picture_format(width, height, rate),
        index=constant_index(1, rate), has_sound=False, codec="picture",
    )  # fmt: skip


def _probe_folder(path: Path, rate: Fraction) -> TargetInfo:
    pictures = pictures_in(path)
    height, width = read_still(pictures[0]).shape[:2]
    return TargetInfo(
        path=path, kind="video", video=picture_format(width, height, rate),
        index=constant_index(len(pictures), rate), has_sound=False, codec="pictures",
        pictures=pictures,
    )  # fmt: skip


def _first_frames(
    container: InputContainer, stream: VideoStream
) -> tuple[av.VideoFrame | None, bool]:
    """Decode the first frame, and see whether it or one soon after is interlaced.

    Damaged packets are passed over. Films in broadcasts begin with whole frames now and then.
    """
    first, count = None, 0
    wanted = 1 if stream.codec_context.codec.canonical_name in _WHOLE_FRAMES else _FRAMES_LOOKED_AT
    decode = decoder_of(stream)
    for packet in packets_of(container, stream):
        try:
            frames = decode(packet)
        except av.error.FFmpegError:
            continue
        for frame in frames:
            first, count = first or frame, count + 1
            if frame.interlaced_frame or count == wanted:
                return first, frame.interlaced_frame
    return first, False


def _video_format(stream: VideoStream, frame: av.VideoFrame, index: VideoIndex) -> VideoFormat:
    rotation, mirrored = upright_turn(frame)
    width, height = frame.width + frame.width % 2, frame.height + frame.height % 2
    pixel_aspect = stream.sample_aspect_ratio or None
    turned = rotation in (90, 270)
    if turned:
        width, height = height, width
        pixel_aspect = 1 / pixel_aspect if pixel_aspect else None
    context, pixels = stream.codec_context, frame.format
    through_rgb = is_rgb_like(pixels)
    full = pixels.name.startswith("yuvj") or frame.color_range == FULL
    space = _known(frame.colorspace)
    if space is None and turned:  # players guess from the size, which the turn changes: say it
        space = BT709 if frame.width >= 1280 or frame.height > 576 else BT470BG
    return VideoFormat(
        width=width,
        height=height,
        rotation=rotation,
        mirrored=mirrored,
        frame_rate=index.frame_rate,
        time_base=index.time_base,
        pixel_format=pixels.name,
        bit_depth=8 if pixels.has_palette or pixels.components[0].bits <= 8 else 10,
        color_primaries=BT709 if through_rgb else _known(context.color_primaries),
        color_trc=BT709 if through_rgb else _known(context.color_trc),
        color_space=BT709 if through_rgb else space,
        color_range=LIMITED if through_rgb else FULL if full else frame.color_range or None,
        sample_aspect_ratio=pixel_aspect,
        variable_rate=index.variable_rate,
        hdr=hdr_metadata(frame),
    )


def _is_transparent(frame: av.VideoFrame) -> bool:
    """Whether frames like the first one may show what is behind; most GIF and PNG files could and do not."""
    if not is_rgb_like(frame.format):
        return has_alpha(frame.format)
    return has_alpha(frame.format) and bool((frame.to_ndarray(format="rgba")[..., 3] < 255).any())


def _known(code: int) -> int | None:
    """Return an H.273 code, or None for 0 (RGB matrix or reserved) and 2 (unspecified)."""
    return None if int(code) in (0, UNSPECIFIED) else int(code)
