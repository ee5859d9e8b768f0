"""Still pictures in HEIF files (HEIC, AVIF): which coded items make up the picture, and composing them.

A photo is often a grid of tiles, each an item of its own, with transparency and the turn to stand upright
beside it (ISO/IEC 23008-12). FFmpeg decodes the items; what they make together is put together here.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, cast

import av.error
import numpy as np

from lipsync_core.media import heif_boxes
from lipsync_core.media.colour import whole_rgb
from lipsync_core.media.containers import open_input

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import av
    from numpy.typing import NDArray

    from lipsync_core.records import Image

_BRANDS = {b"mif1", b"mif2", b"heic", b"heix", b"heim", b"heis", b"avif", b"miaf"}
_ALPHA = (b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha", b"urn:mpeg:hevc:2015:auxid:1")
_MOST_PIXELS = 1 << 29
"""A canvas of more pixels is taken for damage: phones make 2 ** 28 at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Surface:
    """Coded items side by side: `items` row by row, `columns` in a row, cut to `size` where it is known."""

    items: tuple[int, ...]
    columns: int = 1
    size: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    """A picture: its colours, its transparency, and what is done to both in order."""

    colour: _Surface
    alpha: _Surface | None
    changes: tuple[tuple[bytes, bytes], ...]


def is_heif_still(path: Path) -> bool:
    """Whether a file is a HEIF file with a picture and without a track: a photo, no image sequence."""
    with path.open("rb") as file:
        head = file.read(64)
        if head[4:8] != b"ftyp" or not _brands(head) & _BRANDS:
            return False
        kinds, place, end = set(), 0, file.seek(0, 2)
        while place + 8 <= end:
            file.seek(place)
            size, kind = struct.unpack(">I4s", file.read(8))
            if size == 1:
                (size,) = struct.unpack(">Q", file.read(8).ljust(8, b"\0"))
            kinds.add(kind)
            if size < 8:  # 0: to the end of the file
                break
            place += size
    return b"meta" in kinds and b"moov" not in kinds


def read_heif(path: Path) -> Image:
    """Return the picture of a HEIF file, upright, as RGBA uint8 `(h, w, 4)`.

    Tiles are composed; crop, turn and mirror of the file are applied in its order. An EXIF orientation is
    not: readers must ignore it (ISO/IEC 23008-12, A.2).

    Raises:
        ValueError: the file is damaged, or its picture is of a kind that is not supported.
        FFmpegError: a tile cannot be decoded.
    """
    try:
        layout = _Items(path.read_bytes()).layout()
    except (struct.error, IndexError, KeyError) as error:
        raise ValueError("its boxes are damaged") from error
    surfaces = [s for s in (layout.colour, layout.alpha) if s is not None]
    decoded = dict(_decoded(path, {item for s in surfaces for item in s.items}))
    colour = _composed(layout.colour, decoded, whole_rgb)
    rgba = np.dstack([colour, np.full(colour.shape[:2], 255, np.uint8)])
    if layout.alpha is not None:
        alpha = _composed(layout.alpha, decoded, _grey)
        if alpha.shape == rgba.shape[:2]:
            rgba[..., 3] = alpha
    for kind, value in layout.changes:
        rgba = _CHANGES[kind](rgba, value)
    return np.ascontiguousarray(rgba)


def _decoded(path: Path, wanted: set[int]) -> Iterator[tuple[int, av.VideoFrame]]:
    """Yield each wanted item's number and its frame; FFmpeg names streams by items."""
    with open_input(path, "target") as container:
        streams = [s for s in container.streams.video if s.id in wanted]
        for stream in streams:  # a decoder for each tile, of which a photo has 48 or more
            stream.codec_context.thread_count = 1
        for packet in container.demux(streams):
            for frame in cast("list[av.VideoFrame]", packet.decode()):
                yield packet.stream.id, frame


def _composed(
    surface: _Surface,
    decoded: dict[int, av.VideoFrame],
    pixels: Callable[[av.VideoFrame], NDArray[np.uint8]],
) -> NDArray[np.uint8]:
    """Lay the tiles side by side.

    Raises:
        ValueError: one is missing.
    """
    missing = [item for item in surface.items if item not in decoded]
    if missing:
        raise ValueError(f"tile {missing[0]} cannot be decoded")
    first = pixels(decoded[surface.items[0]])
    if surface.size is None:
        return first
    width, height = surface.size
    tall, wide = first.shape[:2]
    canvas = np.zeros((height, width, *first.shape[2:]), np.uint8)
    for place, item in enumerate(surface.items):
        top, left = place // surface.columns * tall, place % surface.columns * wide
        tile = pixels(decoded[item])[: max(0, height - top), : max(0, width - left)]
        canvas[top : top + tile.shape[0], left : left + tile.shape[1]] = tile
    return canvas


def _grey(frame: av.VideoFrame) -> NDArray[np.uint8]:
    made = frame.to_ndarray(format="gray", src_color_range=frame.color_range, dst_color_range=2)
    return cast("NDArray[np.uint8]", made)


def _cropped(image: Image, value: bytes) -> Image:
    """Apply a clean aperture (ISO/IEC 14496-12, 12.1.4)."""
    wn, wd, hn, hd, xn, xd, yn, yd = struct.unpack(">IIIIiIiI", value[:32])
    if 0 in (wd, hd, xd, yd):
        return image
    high, wide = image.shape[:2]
    width, height = round(Fraction(wn, wd)), round(Fraction(hn, hd))
    left = round(Fraction(xn, xd) + Fraction(wide - width, 2))
    top = round(Fraction(yn, yd) + Fraction(high - height, 2))
    if width < 1 or height < 1 or left < 0 or top < 0 or left + width > wide or top + height > high:
        return image
    return image[top : top + height, left : left + width]


_CHANGES: dict[bytes, Callable[[Image, bytes], Image]] = {
    b"clap": _cropped,
    b"irot": lambda image, value: np.rot90(image, value[0] & 3),
    b"imir": lambda image, value: image[:, ::-1] if value[0] & 1 else image[::-1],
}


def _brands(head: bytes) -> set[bytes]:
    size = min(int.from_bytes(head[:4], "big"), len(head))
    return {head[8:12], *(head[k : k + 4] for k in range(16, size - 3, 4))}


class _Items:
    """The items of one file: kinds, properties, references, places."""

    def __init__(self, data: bytes) -> None:
        meta = next((body for kind, body in heif_boxes.boxes(data) if kind == b"meta"), None)
        if meta is None:
            raise ValueError("it has no picture")
        boxes = dict(heif_boxes.boxes(meta[4:]))
        self._file, self._own = data, boxes.get(b"idat", b"")
        wide = boxes[b"pitm"][0] > 0
        (self._primary,) = struct.unpack_from(">I" if wide else ">H", boxes[b"pitm"], 4)
        self._kinds = dict(heif_boxes.item_kinds(boxes[b"iinf"]))
        self._links = list(heif_boxes.references(boxes.get(b"iref", b"")))
        properties = dict(heif_boxes.boxes(boxes[b"iprp"]))
        self._shared = list(heif_boxes.boxes(properties[b"ipco"]))
        self._given = dict(heif_boxes.associations(properties[b"ipma"]))
        self._places = dict(heif_boxes.locations(boxes[b"iloc"]))

    def layout(self) -> _Layout:
        """What makes up the primary picture.

        Raises:
            ValueError: it is of a kind that is not supported.
        """
        item, changes = self._primary, self._changes(self._primary)
        while self._kinds[item] == b"iden":  # the same picture, changed
            item = self._linked(b"dimg", item)[0]
            changes = self._changes(item) + changes
        return _Layout(colour=self._surface(item), alpha=self._alpha(item), changes=changes)

    def _surface(self, item: int) -> _Surface:
        kind = self._kinds[item]
        if kind in (b"iovl", b"tmap"):
            raise ValueError(f"a picture of the kind {kind.decode('ascii')} is not supported")
        if kind != b"grid":
            return _Surface(items=(item,))
        data = self._content(item)
        rows, columns = data[2] + 1, data[3] + 1
        width, height = struct.unpack_from(">II" if data[1] & 1 else ">HH", data, 4)
        tiles = self._linked(b"dimg", item)
        if len(tiles) != rows * columns or not 0 < width * height <= _MOST_PIXELS:
            raise ValueError("its grid of tiles is damaged")
        return _Surface(items=tiles, columns=columns, size=(width, height))

    def _alpha(self, item: int) -> _Surface | None:
        """The transparency that belongs to a picture."""
        for kind, other, targets in self._links:
            if kind == b"auxl" and item in targets:
                for name, value in self._properties(other):
                    if name == b"auxC" and value[4:].split(b"\0")[0] in _ALPHA:
                        return self._surface(other)
        return None

    def _changes(self, item: int) -> tuple[tuple[bytes, bytes], ...]:
        return tuple((n, v) for n, v in self._properties(item) if n in _CHANGES)

    def _properties(self, item: int) -> list[tuple[bytes, bytes]]:
        return [self._shared[k - 1] for k in self._given.get(item, ()) if k]

    def _linked(self, kind: bytes, item: int) -> tuple[int, ...]:
        return next(to for name, by, to in self._links if (name, by) == (kind, item))

    def _content(self, item: int) -> bytes:
        inside, pieces = self._places[item]
        data = self._own if inside else self._file
        return b"".join(data[at : at + size] for at, size in pieces)
