"""Text subtitles as bytes: the text in a packet of one codec, and a packet of another with that text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.stream import Stream

TEXT = ("subrip", "text", "webvtt", "ass", "ssa", "mov_text")
"""Codecs whose packets hold text."""
_STYLE = b"""[Script Info]
ScriptType: v4.00+
PlayResX: 384
PlayResY: 288

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, \
Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, \
MarginR, MarginV, Encoding
Style: Default,Arial,16,&Hffffff,&Hffffff,&H0,&H0,0,0,0,0,100,100,0,0,1,1,0,2,10,10,10,1

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""
"""From which FFmpeg's MP4 text encoder makes the description that players want: white, below, 16 points."""
_FIELDS_BEFORE_TEXT = 8  # of an ASS event as Matroska stores it


def text_of(data: bytes, codec: str) -> str:
    """Return the plain text of a packet, lines apart; empty where it shows nothing."""
    if codec == "mov_text":
        size = int.from_bytes(data[:2], "big")
        data = data[2 : 2 + size]
    text = data.decode("utf-8", "replace").replace("\r\n", "\n")
    if codec in ("ass", "ssa"):
        text = text.split(",", _FIELDS_BEFORE_TEXT)[-1].replace("\\N", "\n").replace("\\n", "\n")
        text = text.replace("\\h", " ")
    text = re.sub(r"\{\\[^}]*\}", "", text)  # override codes, which SubRip files hold, too
    if codec in ("subrip", "webvtt"):
        text = re.sub(r"</?[a-zA-Z0-9][^>]*>", "", text)
    return text.strip("\n\0 ")


def wrapped(text: str, codec: str) -> bytes:
    """Return a packet's bytes for a text; at most 65535 of them, as MP4 counts in 16 bits."""
    data = text.encode()[:65_535].decode("utf-8", "ignore").encode()
    return len(data).to_bytes(2, "big") + data if codec == "mov_text" else data


def add_text_stream(output: OutputContainer, codec: str) -> Stream:
    """Add a stream for text packets of `codec`: mov_text, subrip or webvtt."""
    if codec != "mov_text":
        return output.add_mux_stream(codec)
    stream = output.add_stream("mov_text")
    stream.codec_context.subtitle_header = _STYLE
    stream.codec_context.open()
    return stream
