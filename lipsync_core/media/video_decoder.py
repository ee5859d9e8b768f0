"""Which decoder reads a video stream: FFmpeg's usual one, or the one that sees its transparency."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import av
import av.error

if TYPE_CHECKING:
    from collections.abc import Callable

    from av.video.codeccontext import VideoCodecContext
    from av.video.stream import VideoStream

    Decode = Callable[[av.Packet[VideoStream]], list[av.VideoFrame]]

_SEE_ALPHA = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
"""FFmpeg's own decoders of these codecs leave out the alpha that Matroska stores beside each frame."""


def decoder_of(stream: VideoStream) -> Decode:
    """Return what decodes the packets of a stream; an empty packet gives its last frames."""
    tags = {name.lower(): value for name, value in stream.metadata.items()}
    name = _SEE_ALPHA.get(stream.codec_context.codec.canonical_name)
    if name is None or tags.get("alpha_mode") != "1" or name not in av.codecs_available:
        return lambda packet: packet.decode()
    context = cast("VideoCodecContext", av.CodecContext.create(name, "r"))
    return lambda packet: context.decode(packet if packet.size else None)
