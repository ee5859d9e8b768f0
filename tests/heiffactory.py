"""Make HEIF files (HEIC, AVIF): one picture or a grid of tiles, with transparency, turned and mirrored."""

from __future__ import annotations

import os
import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

ENCODERS = {  # file ending -> encoder, its options, kind of item, box with its header
    ".heic": ("libx265", {"crf": "10", "x265-params": "log-level=none"}, b"hvc1", b"hvcC"),
    ".avif": ("libsvtav1", {"crf": "10", "preset": "8"}, b"av01", b"av1C"),
}
COLOUR, ALPHA, TILES = 1, 2, 10
os.environ.setdefault("SVT_LOG", "1")  # no banner for each tile


def box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def full(kind: bytes, *parts: bytes, version: int = 0, flags: int = 0) -> bytes:
    return box(kind, struct.pack(">I", version << 24 | flags), *parts)


def coded(image: np.ndarray, ending: str, work: Path) -> tuple[bytes, bytes]:
    """One picture as the codec's header box and its bytes, taken from an MP4 of one frame."""
    encoder, options, _, name = ENCODERS[ending]
    path = work / "one.mp4"
    with av.open(str(path), "w") as out:
        stream = out.add_stream(encoder, rate=1, options=options)
        stream.height, stream.width = image.shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.codec_context.color_range = 2
        frame = av.VideoFrame.from_ndarray(image, "rgb24")
        frame = frame.reformat(format="yuv420p", dst_colorspace=5, dst_color_range=2)
        frame.pts, frame.time_base = 0, Fraction(1)
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            packet.pts = packet.dts = 0
            out.mux(packet)
    data = path.read_bytes()
    at = data.index(name) - 4
    header = data[at : at + int.from_bytes(data[at : at + 4], "big")]
    with av.open(str(path)) as container:
        picture = b"".join(bytes(packet) for packet in container.demux(video=0))
    path.unlink()
    return header, picture


def make_heif(
    path: Path,
    image: np.ndarray,
    *,
    tile: tuple[int, int] | None = None,
    alpha: np.ndarray | None = None,
    turn: int = 0,
    mirror: int | None = None,
    clean: tuple[int, int] | None = None,
    damaged: bool = False,
) -> Path:
    """Write a still picture; `path` ends in .heic or .avif.

    Args:
        image: `(h, w, 3)` RGB as it is stored.
        tile: (width, height) of the tiles of a grid; None for one item.
        alpha: `(h, w)` uint8, an item of its own.
        turn: quarter turns counterclockwise that readers apply (irot).
        mirror: axis that readers mirror at after that (imir): 0 swaps top and bottom, 1 left and right.
        clean: (width, height) of the middle that readers cut out first (clap).
        damaged: leave out a tile.
    """
    maker = _Maker(path)
    height, width = image.shape[:2]
    changes = []
    if clean:
        middle = (clean[0], 1, clean[1], 1, 0, 1, 0, 1)
        changes.append(maker.property(box(b"clap", struct.pack(">8I", *middle))))
    if turn:
        changes.append(maker.property(box(b"irot", bytes([turn]))))
    if mirror is not None:
        changes.append(maker.property(box(b"imir", bytes([mirror]))))
    if tile is None:
        maker.coded_item(COLOUR, image, changes)
    else:
        columns, rows = -(-width // tile[0]), -(-height // tile[1])
        padded = np.pad(
            image,
            ((0, rows * tile[1] - height), (0, columns * tile[0] - width), (0, 0)),
            mode="edge",
        )
        for place in range(rows * columns - damaged):
            top, left = place // columns * tile[1], place % columns * tile[0]
            part = padded[top : top + tile[1], left : left + tile[0]]
            maker.coded_item(TILES + place, np.ascontiguousarray(part))
        grid = struct.pack(">BBBBHH", 0, 0, rows - 1, columns - 1, width, height)
        maker.plain_item(COLOUR, b"grid", grid, changes)
        maker.link(b"dimg", COLOUR, [TILES + k for k in range(rows * columns)])
    if alpha is not None:
        name = b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0"
        maker.coded_item(
            ALPHA, np.dstack([alpha] * 3), [maker.property(full(b"auxC", name)), *changes]
        )
        maker.link(b"auxl", ALPHA, [COLOUR])
    path.write_bytes(maker.file())
    return path


class _Maker:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._properties: list[bytes] = []
        self._items: dict[int, tuple[bytes, bytes, list[int]]] = {}
        self._links: list[bytes] = []

    def property(self, data: bytes) -> int:
        self._properties.append(data)
        return len(self._properties)

    def coded_item(self, item: int, image: np.ndarray, changes: list[int] | None = None) -> None:
        header, picture = coded(image, self._path.suffix, self._path.parent)
        size = full(b"ispe", struct.pack(">II", image.shape[1], image.shape[0]))
        given = [self.property(size), self.property(header), *(changes or [])]
        self._items[item] = (ENCODERS[self._path.suffix][2], picture, given)

    def plain_item(self, item: int, kind: bytes, data: bytes, changes: list[int]) -> None:
        width, height = struct.unpack(">HH", data[4:])
        size = self.property(full(b"ispe", struct.pack(">II", width, height)))
        self._items[item] = (kind, data, [size, *changes])

    def link(self, kind: bytes, item: int, others: list[int]) -> None:
        self._links.append(box(kind, struct.pack(f">HH{len(others)}H", item, len(others), *others)))

    def file(self) -> bytes:
        brand = b"avif" if self._path.suffix == ".avif" else b"heic"
        head = box(b"ftyp", brand, bytes(4), b"mif1", brand, b"miaf")
        size = len(self._meta(0))
        pixels = box(b"mdat", *(data for _, data, _ in self._items.values()))
        return head + self._meta(len(head) + size + 8) + pixels

    def _meta(self, begin: int) -> bytes:
        kinds, places, given, at = [], [], [], begin
        for item, (kind, data, properties) in self._items.items():
            kinds.append(full(b"infe", struct.pack(">HH4sB", item, 0, kind, 0), version=2))
            places.append(struct.pack(">HHHII", item, 0, 1, at, len(data)))
            given.append(struct.pack(">HB", item, len(properties)) + bytes(properties))
            at += len(data)
        count = struct.pack(">H", len(self._items))
        return full(
            b"meta",
            full(b"hdlr", bytes(4), b"pict", bytes(13)),
            full(b"pitm", struct.pack(">H", COLOUR)),
            full(b"iloc", b"\x44\x00", count, *places),
            full(b"iinf", count, *kinds),
            full(b"iref", *self._links),
            box(
                b"iprp",
                box(b"ipco", *self._properties),
                full(b"ipma", struct.pack(">I", len(self._items)), *given),
            ),
        )
