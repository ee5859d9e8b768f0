"""The boxes of a HEIF file that say which items it holds (ISO/IEC 14496-12, 8.11), read from bytes.

Damage shows as `struct.error` or `IndexError`.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield kind and content of the boxes in `data`."""
    place = 0
    while place + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, place)
        begin = place + 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, begin)
            begin += 8
        stop = place + size if size else len(data)
        if stop < begin:
            return
        yield kind, data[begin:stop]
        place = stop


def item_kinds(box: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield number and kind of each item."""
    for _, body in boxes(box[8:] if box[0] else box[6:]):
        wide = body[0] >= 3
        (item,) = struct.unpack_from(">I" if wide else ">H", body, 4)
        place = 4 + (4 if wide else 2) + 2
        yield item, body[place : place + 4]


def references(box: bytes) -> Iterator[tuple[bytes, int, tuple[int, ...]]]:
    """Yield kind, from which item, to which items."""
    if not box:
        return
    code = "I" if box[0] else "H"
    size = struct.calcsize(code)
    for kind, body in boxes(box[4:]):
        (item,) = struct.unpack_from(f">{code}", body)
        (count,) = struct.unpack_from(">H", body, size)
        yield kind, item, struct.unpack_from(f">{count}{code}", body, size + 2)


def associations(box: bytes) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Yield each item's properties, numbered from 1, in their order."""
    version, wide, place = box[0], box[3] & 1, 8
    for _ in range(int.from_bytes(box[4:8], "big")):
        (item,) = struct.unpack_from(">I" if version else ">H", box, place)
        place += 4 if version else 2
        count, place = box[place], place + 1
        given = struct.unpack_from(f">{count}{'H' if wide else 'B'}", box, place)
        place += count * (2 if wide else 1)
        yield item, tuple(k & (0x7FFF if wide else 0x7F) for k in given)


def locations(box: bytes) -> Iterator[tuple[int, tuple[bool, list[tuple[int, int]]]]]:
    """Yield each item, whether it lies in the meta box itself, and its pieces (offset, length)."""
    version, place = box[0], 6
    sizes = [box[4] >> 4, box[4] & 15, box[5] >> 4, box[5] & 15 if version else 0]

    def number(size: int) -> int:
        nonlocal place
        place += size
        return int.from_bytes(box[place - size : place], "big")

    offset_size, length_size, base_size, index_size = sizes
    for _ in range(number(2 if version < 2 else 4)):
        item = number(2 if version < 2 else 4)
        inside = bool(version and number(2) & 15)
        number(2)
        base = number(base_size)
        pieces = []
        for _ in range(number(2)):
            number(index_size)
            at = base + number(offset_size)
            pieces.append((at, number(length_size)))
        yield item, (inside, pieces)
