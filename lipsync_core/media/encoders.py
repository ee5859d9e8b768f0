"""Which encoder writes the pictures, with which options, and whether it works here.

Measured figures behind the defaults are in `EncoderSettings`. It knows nothing of files or
segments.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import av
import av.error

from lipsync_core.errors import OutputError, UsageError
from lipsync_core.media.encoder_families import FAMILIES, family
from lipsync_core.media.fields import FIELD_ORDER
from lipsync_core.media.formats import FULL, LIMITED, UNSPECIFIED
from lipsync_core.media.hdr import TRANSFERS, is_hdr, svtav1_parameters, x265_parameters
from lipsync_core.media.output import container_of
from lipsync_core.media.planes import views

if TYPE_CHECKING:
    from pathlib import Path

    from av.video.codeccontext import VideoCodecContext

    from lipsync_core.media.formats import Fields, VideoFormat

_DEFAULT = {"mp4": "libx264", "mov": "libx264", "matroska": "libx264", "webm": "libvpx-vp9"}
_WITH_ALPHA = {"mov": "prores_ks", "webm": "libvpx-vp9"}
_WITH_HDR = {"mp4": "libx265", "mov": "libx265", "matroska": "libx265", "webm": "libsvtav1"}
"""What editors and players expect for transparency and for HDR; none for others."""
_WEBM = ("vp8", "vp9", "av1")


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderSettings:
    """How pictures are encoded. Equal settings and pictures give equal bytes.

    Measured on a real 720p24 talking head (two Xeon cores, av 18.1; CPU ms a frame, PSNR of luma,
    kB a second). libx264 at crf 18: ultrafast 3.3 / 50.1 / 516, superfast 6.9 / 50.5 / 305,
    veryfast 9.8 / 49.0 / 119, faster 17.7 / 50.7 / 130, fast 23.0 / 51.2 / 130,
    medium 27.1 / 51.5 / 122. So veryfast is the default: at 49 dB nobody sees a difference, and
    medium would cost as much again as the built-in generator. libx265 veryfast crf 20:
    32.9 / 48.6 / 73; libsvtav1 8 crf 24: 27.5 / 49.2 / 72; libvpx-vp9 5 crf 24: 74.1 / 48.3 / 87.

    Attributes:
        encoder: any video encoder of the installed PyAV.
        crf: quality in the encoder's own scale, lower is better; None for its default here.
        preset: speed in the encoder's own words; None for its default here.
        threads: fixed, because H.264 bytes depend on it; 4 suits two to eight cores.
    """

    encoder: str = "libx264"
    crf: int | None = None
    preset: str | None = None
    threads: int = 4

    def options(self) -> dict[str, str]:
        """Return FFmpeg options; quality and speed only where the encoder has such an option."""
        known = family(self.encoder)
        options = dict(known.options)
        crf = known.crf if self.crf is None else self.crf
        preset = known.preset if self.preset is None else self.preset
        if known.quality and crf is not None:
            options[known.quality] = str(crf)
        if known.speed and preset is not None:
            options[known.speed] = preset
        return options


def settings_for(
    output: Path,
    encoder: str | None = None,
    crf: int | None = None,
    preset: str | None = None,
    video: VideoFormat | None = None,
) -> EncoderSettings:
    """Return settings with the encoder that suits the output's container if none is named.

    Args:
        output: its ending names the container.
        encoder: FFmpeg's name; None for the usual one.
        crf: quality in the encoder's scale.
        preset: speed in the encoder's words.
        video: what is to be encoded, if it is known: transparency, HDR and depth want other encoders.

    Raises:
        OutputError: unknown ending, or an encoder whose codec WebM does not take.
        UsageError: a quality outside the encoder's scale.
    """
    container = container_of(output)
    chosen = encoder or _usual(container, video)
    if crf is not None:
        _check_quality(chosen, crf)
    settings = EncoderSettings(encoder=chosen, crf=crf, preset=preset)
    if container == "webm" and _codec_name(settings) not in _WEBM:
        raise OutputError(
            f"The output {output} cannot hold what the encoder {chosen} makes.",
            "Use --encoder libvpx-vp9 or libsvtav1, or an output ending in .mp4.",
        )
    return settings


def _usual(container: str, video: VideoFormat | None) -> str:
    """The encoder for a container where none is named; the default where a better one is not installed."""
    wanted = _DEFAULT[container]
    if video is not None and video.alpha:
        wanted = _WITH_ALPHA.get(container, wanted)
    elif video is not None and (is_hdr(video) or (video.bit_depth > 8 and container == "webm")):
        wanted = _WITH_HDR[container]  # in WebM it is also the one that takes 10 bits
    return wanted if wanted in video_encoders() else _DEFAULT[container]


def segment_container(settings: EncoderSettings, video: VideoFormat) -> str:
    """FFmpeg's name of the container for segments: NUT, or Matroska for what NUT cannot hold."""
    return "nut" if family(settings.encoder).in_nut and not video.alpha else "matroska"


def carries_alpha(settings: EncoderSettings, output: Path) -> bool:
    """Whether the transparency of the pictures gets into the output."""
    return container_of(output) in family(settings.encoder).alpha


def losses(settings: EncoderSettings, source: VideoFormat, encoded: VideoFormat) -> list[str]:
    """Return sentences on what the encoder takes away from the pictures, or keeps by its choice.

    Args:
        settings: of the encoder.
        source: the target's format.
        encoded: what `check_encoder` returned for it.
    """
    told = []
    if encoded.bit_depth < source.bit_depth:
        told.append(f"The encoder {settings.encoder} takes 8 bits; the target has 10 or more.")
    if is_hdr(source):
        name = f"HDR ({TRANSFERS[source.color_trc or 0]})"
        if source.hdr is None or family(settings.encoder).parameters is not None:
            told.append(f"The target is {name}; it is encoded with {settings.encoder}.")
        else:
            told.append(
                f"The target is {name}; its mastering data are lost, which {settings.encoder} does not "
                "write (libx265 and libsvtav1 do)."
            )
    return told


def check_encoder(settings: EncoderSettings, video: VideoFormat) -> VideoFormat:
    """Encode one grey frame to see that the encoder works here, before any work is done.

    Returns:
        `video` with the format that the encoder takes, and `bit_depth` 8 if it takes no 10-bit pictures:
        use it for all segments.

    Raises:
        OutputError: unknown encoder, or it refuses these settings or this size.
        UsageError: interlaced frames are to be kept, which this encoder cannot.
    """
    if video.fields is not None and not family(settings.encoder).interlaces:
        raise UsageError(
            f"The encoder {settings.encoder} does not write interlaced video.",
            "Omit --interlaced keep, or use --encoder libx264.",
        )
    names = [format_.name for format_ in _codec(settings).video_formats or ()]
    video = _acceptable(video, names)
    context = cast("VideoCodecContext", av.CodecContext.create(settings.encoder, "w"))
    try:
        configure(context, settings, video)
        frame = av.VideoFrame(video.width, video.height, video.working_format)
        for plane in views(frame):
            plane[:] = 128 << (video.bit_depth - 8)
        frame = frame.reformat(format=video.encoded_format or video.working_format, threads=1)
        frame.pts, frame.time_base = 0, video.time_base
        packets = context.encode(frame) + context.encode(None)
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise _refused(settings, video, getattr(error, "strerror", None) or str(error)) from error
    if not packets:
        raise _refused(settings, video, "no packet came out")
    return video


def configure(context: VideoCodecContext, settings: EncoderSettings, video: VideoFormat) -> None:
    """Set size, clock, colour tags, quality and threads on an encoder that is not yet open."""
    context.width, context.height = video.width, video.height
    context.pix_fmt = video.encoded_format or video.working_format
    context.time_base = video.time_base
    context.framerate = video.frame_rate.limit_denominator(1001_000)
    context.color_primaries = video.color_primaries or UNSPECIFIED
    context.color_trc = video.color_trc or UNSPECIFIED
    context.colorspace = video.color_space or UNSPECIFIED
    context.color_range = FULL if video.full_range else (video.color_range and LIMITED) or 0
    if video.sample_aspect_ratio:
        context.sample_aspect_ratio = video.sample_aspect_ratio
    context.thread_count = settings.threads
    context.options = _with_hdr(settings.options(), settings.encoder, video)
    if settings.encoder == "prores_ks":
        context.options = context.options | {"profile": "4444" if video.alpha else "hq"}
    if video.fields is not None:
        context.field_order = FIELD_ORDER[video.fields]
        context.options = context.options | _interlacing(settings.encoder, video.fields)
    if settings.encoder == "libsvtav1":
        os.environ.setdefault("SVT_LOG", "1")  # its banner goes to stderr; no option silences it


def _acceptable(video: VideoFormat, names: list[str]) -> VideoFormat:
    """Choose the nearest of the formats that an encoder takes: first the depth, then the least chroma."""
    if not names or video.working_format in names:
        return replace(video, encoded_format=None)
    letters = "yuva" if video.alpha else "yuv"
    deep = [f"{letters}{chroma}p10le" for chroma in ("420", "422", "444")]
    deep += [] if video.alpha else ["p010le"]  # graphics cards
    plain = [f"{letters}{chroma}p" for chroma in ("420", "422", "444")]
    wanted = [*plain, *deep] if video.bit_depth == 8 else [*deep, *plain]
    name = next((name for name in wanted if name in names), video.working_format)
    video = replace(video, bit_depth=8 if name in plain else video.bit_depth)
    return replace(video, encoded_format=None if name == video.working_format else name)


def _with_hdr(options: dict[str, str], encoder: str, video: VideoFormat) -> dict[str, str]:
    """Options that also tell the encoder the HDR metadata."""
    name = family(encoder).parameters
    if name is None or video.hdr is None or not is_hdr(video):
        return options
    told = (x265_parameters if name == "x265-params" else svtav1_parameters)(video.hdr)
    return options | {name: ":".join([*filter(None, [options.get(name)]), *told])}


def _interlacing(encoder: str, fields: Fields) -> dict[str, str]:
    """Options for interlaced frames."""
    options = {"flags": "+ilme+ildct"}
    if encoder == "libx264":  # it does not go by the order that frames are marked with
        parameters = dict(family(encoder).options)["x264-params"]
        options["x264-params"] = f"{parameters}:{'tff' if fields == 'top' else 'bff'}=1"
    return options


def video_encoders() -> list[str]:
    """Return the names of the encoders known to this tool that the installed PyAV has."""
    found = []
    for name in FAMILIES:
        try:
            av.Codec(name, "w")
        except (av.error.FFmpegError, ValueError):
            continue
        found.append(name)
    return found


def _check_quality(encoder: str, crf: int) -> None:
    """Check a quality against the encoder's scale.

    Raises:
        UsageError: it is outside, or the encoder has no such scale.
    """
    known = FAMILIES.get(encoder)
    if known is None:
        return  # an encoder that this tool knows nothing about
    if known.quality is None:
        raise UsageError(f"The encoder {encoder} has no quality setting.", "Omit --crf.")
    low, high = known.scale
    if not low <= crf <= high:
        raise UsageError(
            f"--crf {crf} is out of range for the encoder {encoder}.",
            f"Choose a value from {low} (best) to {high}; the default is {known.crf}.",
        )


def _codec(settings: EncoderSettings) -> av.Codec:
    try:
        codec = av.Codec(settings.encoder, "w")
    except (av.error.FFmpegError, ValueError) as error:
        raise OutputError(
            f"The encoder {settings.encoder} is not in the installed PyAV.",
            f"Available here: {', '.join(video_encoders())}.",
        ) from error
    if codec.type != "video":
        raise OutputError(
            f"The encoder {settings.encoder} makes sound, not pictures.",
            f"Available here: {', '.join(video_encoders())}.",
        )
    return codec


def _codec_name(settings: EncoderSettings) -> str:
    return _codec(settings).canonical_name


def _refused(settings: EncoderSettings, video: VideoFormat, reason: str) -> OutputError:
    return OutputError(
        f"The encoder {settings.encoder} refuses {video.width}x{video.height} pictures with"
        f" {settings.options()}: {reason}.",
        f"Check --crf and --preset, or use another encoder: {', '.join(video_encoders())}.",
    )
