"""Interlaced frames: seeing that they are, making whole frames of them, and marking them again.

Whole frames come one for each stored one. Each is made of its own fields and those of the frame before and
after it, so a reader that starts in the middle gives the same frames when it starts one earlier.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import av
import av.error
import av.filter

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from av.video.codeccontext import VideoCodecContext

    from lipsync_core.media.formats import Fields

FIELD_ORDER: dict[Fields, int] = {"top": 2, "bottom": 3}
"""FFmpeg's AV_FIELD_TT and AV_FIELD_BB."""
_BOTTOM_FIRST = (3, 4)  # AV_FIELD_BB, AV_FIELD_TB: shown first
_INTERLACED = (2, 3, 4, 5)
_TICK = Fraction(1, 1000)
_Placed = tuple[int, av.VideoFrame]


def fields_of(context: VideoCodecContext, seen: bool) -> Fields | None:
    """Return which field comes first in a video; None where it is not interlaced.

    Args:
        context: of its decoder, after frames were decoded.
        seen: one of those frames is marked as interlaced.
    """
    order = context.field_order
    if not seen and order not in _INTERLACED:
        return None
    if order in _BOTTOM_FIRST or (order not in _INTERLACED and context.name == "dvvideo"):
        return "bottom"  # DV is always so (IEC 61834-2)
    return "top"


def deinterlaced(frames: Iterable[_Placed]) -> Iterator[_Placed]:
    """Yield a whole frame for each interlaced one, with its number; progressive ones as they are.

    The filter is bwdif: motion-adaptive, with the detail of both fields where nothing moves.
    """
    form: tuple[int, int, str] | None = None
    graph: av.filter.Graph | None = None
    waiting: list[int] = []
    for place, frame in frames:
        if graph is None or form != (frame.width, frame.height, frame.format.name):
            yield from _rest(graph, waiting)
            form = (frame.width, frame.height, frame.format.name)
            graph, waiting = _graph(frame, "bwdif", "mode=send_frame:deint=interlaced"), []
        waiting.append(place)
        frame.pts, frame.time_base = place, _TICK
        graph.vpush(frame)
        yield from _ready(graph, waiting)
    yield from _rest(graph, waiting)


def marked(frame: av.VideoFrame, fields: Fields) -> av.VideoFrame:
    """Return the same picture as an interlaced frame without a time; PyAV has no other way to say so."""
    graph = _graph(frame, "setfield", "tff" if fields == "top" else "bff")
    graph.vpush(frame)
    return graph.vpull()


def _rest(graph: av.filter.Graph | None, waiting: list[int]) -> Iterator[_Placed]:
    """What the filter still holds."""
    if graph is not None:
        graph.vpush(None)
        yield from _ready(graph, waiting)


def _ready(graph: av.filter.Graph, waiting: list[int]) -> Iterator[_Placed]:
    while waiting:
        try:
            frame = graph.vpull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return
        yield waiting.pop(0), frame


def _graph(frame: av.VideoFrame, name: str, args: str) -> av.filter.Graph:
    graph = av.filter.Graph()
    graph.threads = 1
    source = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=_TICK
    )
    graph.link_nodes(source, graph.add(name, args), graph.add("buffersink")).configure()
    return graph
