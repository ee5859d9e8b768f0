"""Open one media file for reading, or say in one sentence why it cannot be read.

Everything that reads media goes through `open_input`, so every way a file can be wrong has one
wording. It knows nothing of frames or clocks.
"""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING, TypeVar, cast

import av
import av.error
from av.stream import Disposition

from lipsync_core.errors import UnsupportedInput

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from av.container import InputContainer
    from av.stream import Stream
    from av.video.stream import VideoStream

StreamT = TypeVar("StreamT", bound="Stream")
DAMAGED_HINT = "Check that it plays in a video player, or export it again (for example as .mp4)."
_LISTS = (b"#EXTM3U", b"ffconcat", b"<?xml", b"v=0\r")
"""Playlists and manifests: they name other files or addresses, which an input never may."""
_LIST_FORMATS = frozenset({"hls", "concat", "concatf", "dash", "sdp", "rtsp", "imf", "tty"})


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


def video_stream(container: InputContainer, path: Path) -> VideoStream:
    """Return the first real video stream; cover art is none, nor is a still picture beside a track.

    Raises:
        UnsupportedInput: there is none.
    """
    shown = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if shown:  # AVIF animations hold their first frame as a picture, too
        return next((stream for stream in shown if stream.frames > 1), shown[0])
    if container.streams.audio:
        raise UnsupportedInput(
            f"The target {path} is a sound file; it shows no picture.",
            "Give a video or a photo first and the audio second.",
        )
    raise UnsupportedInput(
        f"The target {path} holds no video.", "Give a video (.mp4, .mov, .mkv, ...) or a photo."
    )


def packets_of(container: InputContainer, stream: StreamT) -> Iterator[av.Packet[StreamT]]:
    """Yield a stream's packets and one empty one at the end, which makes a decoder give its last frames.

    What follows damage that even the container's reader cannot get over is not there for anybody.
    """
    packets = cast("Iterator[av.Packet[StreamT]]", container.demux(stream))
    while True:
        try:
            packet = next(packets)
        except (av.error.FFmpegError, StopIteration):
            return
        yield packet


def not_media(path: Path, role: str, error: Exception) -> UnsupportedInput:
    """Return the error for a file that FFmpeg does not understand."""
    reason = getattr(error, "strerror", None) or str(error)
    return UnsupportedInput(
        f"The {role} {path} is not a media file or is damaged ({reason}).", DAMAGED_HINT
    )
