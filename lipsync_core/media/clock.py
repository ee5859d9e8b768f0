"""Make the clock of an input ascend where it starts again or jumps, as in joined transport streams.

Only formats whose clock may do so are corrected (FFmpeg marks them with `AVFMT_TS_DISCONT`: MPEG transport
and program streams, Ogg). All streams of a file share one offset, so pictures and sound stay together.
"""

from __future__ import annotations

from bisect import bisect_right
from fractions import Fraction
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    import av
    from av.container import InputContainer

_MAY_JUMP = 0x0200
"""AVFMT_TS_DISCONT of libavformat/avformat.h."""
Jump = tuple[int, Fraction]
"""Byte position from which on an offset holds, and the offset in seconds."""

_BACK = Fraction(1, 10)
_AHEAD = Fraction(10)
"""Seconds of decoding time by which a packet must lie before the one before it, or beside the time that is
due, to be the beginning of another clock. The ffmpeg program takes the same (`-dts_delta_threshold`); a
smaller step ahead is a hole in the recording."""


def may_jump(container: InputContainer) -> bool:
    """Whether the format allows a clock that starts again."""
    return bool(container.format.flags & _MAY_JUMP)


class InputClock:
    """Corrects the packets of one input, which must come in the order of the file.

    Args:
        known: jumps that were found before: they are applied by byte position, and none is looked for. This
            makes a reader that starts in the middle agree with one that read everything.

    Attributes:
        jumps: those found so far, or known, in the order of the file.
    """

    def __init__(self, known: Sequence[Jump] = ()) -> None:
        self.jumps: list[Jump] = list(known)
        self._known = bool(known)
        self._offsets: dict[int, Fraction] = {}
        self._due: dict[int, Fraction] = {}
        self._sent: dict[int, Fraction] = {}
        self._latest: Fraction | None = None

    def correct(self, packet: av.Packet[Any]) -> None:
        """Move the time stamps of `packet` to the one clock of the whole file."""
        offset = self._offset(packet)
        if packet.dts is not None and not self._known:
            offset = self._checked(packet, offset)
        if offset:
            shift = round(offset / packet.time_base)
            if packet.dts is not None:
                packet.dts += shift
            if packet.pts is not None:
                packet.pts += shift

    def _offset(self, packet: av.Packet[Any]) -> Fraction:
        """Return the offset where `packet` lies; parsers give some late, and some without a place."""
        index = packet.stream_index
        if not self.jumps:
            return Fraction(0)
        if packet.pos is not None and packet.pos >= 0:
            place = bisect_right(self.jumps, packet.pos, key=lambda jump: jump[0])
            self._offsets[index] = self.jumps[place - 1][1] if place else Fraction(0)
        return self._offsets.setdefault(index, self.jumps[-1][1])

    def _checked(self, packet: av.Packet[Any], offset: Fraction) -> Fraction:
        """Return the offset that makes the packet follow what came before it."""
        assert packet.dts is not None
        index, base = packet.stream_index, packet.time_base
        time = packet.dts * base + offset
        jump = self._jump(index, time)
        if jump and self.jumps and offset != self.jumps[-1][1]:
            place, newest = self.jumps[-1]  # found in another stream, a few bytes further on
            if not self._jump(index, packet.dts * base + newest):
                self.jumps[-1] = (min(place, packet.pos or place), newest)
                offset, time, jump = newest, packet.dts * base + newest, Fraction(0)
        if jump:
            offset, time = offset - jump, time - jump
            place = max(packet.pos or 0, self.jumps[-1][0] + 1 if self.jumps else 0)
            self.jumps.append((place, offset))
        self._offsets[index] = offset
        due = self._due.get(index)
        length = (packet.duration or 0) * base
        if not length and due is not None:
            length = max(Fraction(0), time - self._sent[index])
        self._due[index], self._sent[index], self._latest = time + length, time, time
        return offset

    def _jump(self, index: int, time: Fraction) -> Fraction:
        """Return the seconds by which a stream's next packet is on another clock; 0 where it is not."""
        due = self._due.get(index)
        if due is not None:
            jumped = abs(time - due) > _AHEAD or time + _BACK < self._sent[index]
            return time - due if jumped else Fraction(0)
        if self._latest is not None and abs(time - self._latest) > _AHEAD:
            return time - self._latest
        return Fraction(0)
