"""Rows that a generator prepared, on disk: one for each crop, found by what was in the crop.

A row that is there is whole: an index says where each begins and what its bytes add up to, and is written
after them. So a kill, a full disk or a damaged file costs rows that are made again, and nothing else. Only
the index is held in memory, some 200 bytes a row.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from lipsync_core.errors import PluginFault

Row = Mapping[str, NDArray[np.generic]]
"""Of each array that `prepare` gives, what belongs to one crop."""

_ENTRY = np.dtype([("key", "V16"), ("sum", "<u4")])
_KINDS = "biufcSU"
"""Of dtypes that are numbers or strings: what can be stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Column:
    """One of the arrays: its name, and what one row of it is."""

    name: str
    dtype: np.dtype[np.generic]
    shape: tuple[int, ...]

    @property
    def bytes(self) -> int:
        return self.dtype.itemsize * int(np.prod(self.shape))


class PreparedRows:
    """The rows in a folder; it may be missing.

    Args:
        folder: where they lie.
        writing: rows will be added, by this process alone.
    """

    def __init__(self, folder: Path, *, writing: bool = False) -> None:
        self._folder = folder
        self._columns = _columns(folder)
        self._places: dict[bytes, int] = {}
        self._sums: list[int] = []
        if writing:
            self._trim()
        self._read_index()

    def __len__(self) -> int:
        return len(self._places)

    def read(self, keys: Sequence[bytes]) -> list[Row | None]:
        """The rows of `keys`; None where one is missing or damaged."""
        if self._columns is None or not any(key in self._places for key in keys):
            return [None] * len(keys)
        files: list[IO[bytes]] = []
        try:
            for number, _ in enumerate(self._columns):
                files.append(self._data(number).open("rb"))
            return [self._row(files, self._places.get(key)) for key in keys]
        except OSError:  # it was removed meanwhile
            return [None] * len(keys)
        finally:
            for file in files:
                file.close()

    def add(self, keys: Sequence[bytes], arrays: Row) -> None:
        """Keep one row for each key, in the place of a damaged one.

        Raises:
            PluginFault: the arrays cannot be stored, or differ from those before.
        """
        if not keys:
            return
        columns = _columns_of(arrays)
        if self._columns is None:
            self._columns = columns
            _write(self._folder / "layout.json", json.dumps([_plain(c) for c in columns]))
        if columns != self._columns:
            raise PluginFault(
                "What was prepared has not the names, types and shapes that it had before.",
                "Report this to the plugin's author: every row must be alike.",
            )
        values = [np.ascontiguousarray(arrays[c.name]) for c in columns]
        for n, key in enumerate(keys):
            place = self._places.setdefault(key, len(self._sums))
            parts = [value[n].tobytes() for value in values]
            for number, part in enumerate(parts):
                _put(self._data(number), place * len(part), part)
            entry = np.zeros(1, _ENTRY)
            entry["key"], entry["sum"] = np.void(key), _sum(parts)
            _put(self._index, place * _ENTRY.itemsize, entry.tobytes())
            self._sums[place : place + 1] = [_sum(parts)]

    @property
    def _index(self) -> Path:
        return self._folder / "index.bin"

    def _data(self, number: int) -> Path:
        return self._folder / f"{number}.rows"

    def _row(self, files: Sequence[IO[bytes]], place: int | None) -> Row | None:
        if place is None or self._columns is None:
            return None
        parts = []
        for column, file in zip(self._columns, files, strict=True):
            file.seek(place * column.bytes)
            parts.append(file.read(column.bytes))
        if _sum(parts) != self._sums[place]:
            return None
        return {
            column.name: np.frombuffer(part, column.dtype).reshape(column.shape)
            for column, part in zip(self._columns, parts, strict=True)
        }

    def _read_index(self) -> None:
        if self._columns is None:
            return
        try:
            whole = self._index.stat().st_size // _ENTRY.itemsize
            entries = np.fromfile(self._index, _ENTRY, whole)
        except OSError:
            return
        self._places = {bytes(key): n for n, key in enumerate(entries["key"])}
        self._sums = entries["sum"].tolist()

    def _trim(self) -> None:
        """Cut off what a kill left half written; without a readable layout, all of it."""
        files = [self._index, *sorted(self._folder.glob("*.rows"))]
        sizes = [_ENTRY.itemsize, *(c.bytes for c in self._columns or ())]
        if self._columns is None or len(files) != len(sizes):
            for path in files:
                path.unlink(missing_ok=True)
            return
        files = [self._index, *(self._data(n) for n in range(len(self._columns)))]
        pairs = [(path, each) for path, each in zip(files, sizes, strict=True) if each]
        whole = min(path.stat().st_size // each if path.exists() else 0 for path, each in pairs)
        for path, each in pairs:
            if path.exists():
                os.truncate(path, whole * each)


def _columns(folder: Path) -> tuple[_Column, ...] | None:
    """What a row is, as written beside the rows; None where that cannot be read."""
    try:
        told = json.loads((folder / "layout.json").read_text("utf-8"))
        columns = tuple(
            _Column(name=c["name"], dtype=np.dtype(c["dtype"]), shape=tuple(map(int, c["shape"])))
            for c in told
        )
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return columns if all(c.dtype.kind in _KINDS for c in columns) else None


def _columns_of(arrays: Row) -> tuple[_Column, ...]:
    columns = tuple(
        _Column(name=name, dtype=array.dtype, shape=array.shape[1:])
        for name, array in sorted(arrays.items())
    )
    wrong = next((c for c in columns if c.dtype.kind not in _KINDS), None)
    if wrong is not None:
        raise PluginFault(
            f"What was prepared as '{wrong.name}' cannot be stored: its dtype is {wrong.dtype}.",
            "Report this to the plugin's author: only numbers and strings can be stored.",
        )
    return columns


def _plain(column: _Column) -> dict[str, object]:
    return {"name": column.name, "dtype": column.dtype.str, "shape": list(column.shape)}


def _sum(parts: Sequence[bytes]) -> int:
    total = 0
    for part in parts:
        total = zlib.crc32(part, total)
    return total


def _put(path: Path, at: int, data: bytes) -> None:
    """Write bytes at a place of a file, which may be its end."""
    with path.open("r+b" if path.exists() else "w+b") as file:
        file.seek(at)
        file.write(data)


def _write(path: Path, text: str) -> None:
    work = path.with_name(f".{path.name}.part")
    work.write_text(text, "utf-8")
    work.replace(path)
