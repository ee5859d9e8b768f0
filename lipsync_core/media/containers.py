"""Open one media file for reading, or say in one sentence why it cannot be read.

Everything that reads media goes through `open_input`, so every way a file can be wrong has one
wording. Which of several streams is taken is decided here and nowhere else. It knows nothing of frames.
"""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING, TypeVar, cast

import av
import av.error
from av.stream import Disposition

from lipsync_core.errors import UnsupportedInput, UsageError
from lipsync_core.media.clock import InputClock, may_jump

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.stream import Stream
    from av.video.stream import VideoStream

StreamT = TypeVar("StreamT", bound="Stream")
DAMAGED_HINT = "Check that it plays in a video player, or export it again (for example as .mp4)."
_LISTS = (b"#EXTM3U", b"ffconcat", b"<?xml", b"v=0\r")
"""Playlists and manifests: they name other files or addresses, which an input never may."""
_LIST_FORMATS = frozenset({"hls", "concat", "concatf", "dash", "sdp", "rtsp", "imf", "tty"})


_TWO_CODES = {
    "alb": "sqi", "arm": "hye", "baq": "eus", "bur": "mya", "chi": "zho", "cze": "ces", "dut": "nld",
    "fre": "fra", "geo": "kat", "ger": "deu", "gre": "ell", "ice": "isl", "mac": "mkd", "mao": "mri",
    "may": "msa", "per": "fas", "rum": "ron", "slo": "slk", "tib": "bod", "wel": "cym",
}  # fmt: skip
"""Languages with two codes in ISO 639-2; Matroska and QuickTime write the first, MP4 the second."""


def media_url(path: Path) -> str:
    """Return `path` for FFmpeg: after `file:` no colon, dash or `%d` in a name means anything."""
    return f"file:{path}"


def check_file(path: Path, role: str) -> bytes:
    """Return the first 64 bytes of a file that exists, can be read and is not empty.

    Args:
        path: the file.
        role: what the user gave it as, for the message: "target" or "audio".

    Raises:
        UnsupportedInput: it is missing, a folder, unreadable, empty or a playlist.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode) and not path.is_dir():
            raise UnsupportedInput(
                f"The {role} {path} is a pipe or a device, which can be read only once; a run reads it "
                "several times.",
                "Save it in a file first, and give the file.",
            )
        if path.is_dir():
            raise UnsupportedInput(
                f"The {role} {path} is a folder, not a file.", "Name one file inside it."
            )
        with path.open("rb") as file:
            head = file.read(64)
    except FileNotFoundError as error:
        raise UnsupportedInput(
            f"The {role} {path} does not exist.", "Check the spelling and the folder."
        ) from error
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise UnsupportedInput(
            f"The {role} {path} cannot be read: {reason}.",
            "Check the file's access rights, or copy it to another place.",
        ) from error
    if not head:
        raise UnsupportedInput(
            f"The {role} {path} is empty (0 bytes).", "Copy or download it again."
        )
    if head.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(_LISTS):
        raise UnsupportedInput(
            f"The {role} {path} is a playlist or a text file, not a media file.",
            "Give the media file itself.",
        )
    return head


def open_input(path: Path, role: str) -> InputContainer:
    """Open `path` for demuxing; the caller closes it.

    Raises:
        UnsupportedInput: the file is missing, unreadable, empty, or no media file.
    """
    check_file(path, role)
    try:
        container = av.open(media_url(path), metadata_errors="replace")
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise not_media(path, role, error) from error
    if _LIST_FORMATS.intersection(container.format.name.split(",")):
        container.close()
        raise UnsupportedInput(
            f"The {role} {path} is a playlist or a text file, not a media file.",
            "Give the media file itself.",
        )
    return container


def video_stream(
    container: InputContainer, path: Path, track: int | str | None = None
) -> VideoStream:
    """Return the video stream to show.

    Args:
        container: of `path`.
        path: for messages.
        track: which one, see `chosen`.

    Raises:
        UnsupportedInput: there is none.
        UsageError: there is no such track.
    """
    streams = pictures_of(container)
    if streams:
        return chosen(streams, track, f"The target {path}", "--video-track")
    if container.streams.audio:
        raise UnsupportedInput(
            f"The target {path} is a sound file; it shows no picture.",
            "Give a video or a photo first and the audio second.",
        )
    raise UnsupportedInput(
        f"The target {path} holds no video.", "Give a video (.mp4, .mov, .mkv, ...) or a photo."
    )


def sound_stream(
    container: InputContainer, path: Path, track: int | str | None = None
) -> AudioStream | None:
    """Return the sound stream to hear, None if there is none at all.

    Raises:
        UsageError: there is no such track.
    """
    streams = container.streams.audio
    return chosen(streams, track, f"The audio {path}", "--audio-track") if streams else None


def own_order(stream: AudioStream) -> tuple[str, ...]:
    """Return the names of channels that lie in an order of their own; empty for a usual layout.

    Their decoder then calls them "N channels" instead of FC, FL and so on. PyAV 18 frees the list of such an
    order twice, once with the first frame: nothing may be decoded, and no layout looked at, before this was
    called.
    """
    context = stream.codec_context
    layout = context.layout  # takes the list with it when it goes ...
    name = layout.name
    if "+" not in name:
        return ()
    context.layout = f"{layout.nb_channels} channels"  # ... so nothing may point there
    return tuple(name[name.index("(") + 1 : name.rindex(")")].split("+"))


def pictures_of(container: InputContainer) -> list[VideoStream]:
    """Return the real video streams; cover art is none, nor is a still picture beside a track."""
    shown = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    # AVIF animations hold their first frame as a picture, too.
    return [s for s in shown if s.frames != 1] or shown


def chosen(streams: Sequence[StreamT], track: int | str | None, whose: str, option: str) -> StreamT:
    """Return one of several streams of one type.

    Args:
        streams: at least one, in the file's order.
        track: number among them, from 0; or the language that the file names, such as "deu". None takes the
            one that the file marks as its default, as players do, else the first.
        whose: "The audio v.mkv", for the message.
        option: that chooses, for the message.

    Raises:
        UsageError: there is no such track.
    """
    if track is None:
        return next((s for s in streams if s.disposition & Disposition.default), streams[0])
    text = str(track).strip().lower()
    if text.isdigit():
        if int(text) < len(streams):
            return streams[int(text)]
    else:
        for stream in streams:
            language = (stream.language or "").lower()
            if _TWO_CODES.get(language, language) == _TWO_CODES.get(text, text):
                return stream
    there = ", ".join(f"{n} ({s.language or 'no language'})" for n, s in enumerate(streams))
    raise UsageError(
        f"{whose} has no track {track}.", f"Its tracks are: {there}. Choose one with {option}."
    )


def packets_of(
    container: InputContainer, stream: StreamT, clock: InputClock | None = None
) -> Iterator[av.Packet[StreamT]]:
    """Yield a stream's packets and one empty one at the end, which makes a decoder give its last frames.

    Their time stamps are on one clock, also where the file's starts again (see `InputClock`). What follows
    damage that even the container's reader cannot get over is not there for anybody.

    Args:
        container: just opened, or just sought in.
        stream: of it.
        clock: corrects the time stamps; default: one that finds the jumps.
    """
    clock = clock or InputClock()
    jumping = may_jump(container)
    # A jump may show in another stream first: then all of them are looked at.
    beside = [*pictures_of(container), *container.streams.audio] if jumping else []
    packets = cast("Iterator[av.Packet[StreamT]]", container.demux(*(beside or [stream])))
    while True:
        try:
            packet = next(packets)
        except (av.error.FFmpegError, StopIteration):
            return
        if jumping and packet.size:
            clock.correct(packet)
        if packet.stream.index == stream.index:  # `stream_index` of the empty one is always 0
            yield packet


def not_media(path: Path, role: str, error: Exception) -> UnsupportedInput:
    """Return the error for a file that FFmpeg does not understand."""
    reason = getattr(error, "strerror", None) or str(error)
    return UnsupportedInput(
        f"The {role} {path} is not a media file or is damaged ({reason}).", DAMAGED_HINT
    )
