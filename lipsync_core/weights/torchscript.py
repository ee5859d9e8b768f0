"""Reads the tensors of a TorchScript archive without running what is in it.

`torch.jit.load` compiles the archive's code and runs its `__setstate__`; here only the pickled attributes
are walked (lipsync_core.weights.inert) and the numbers mapped into memory from where they lie.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, cast

from lipsync_core.weights.inert import InertUnpickler, StandIn, Tensor

if TYPE_CHECKING:
    import torch

_DTYPES = {
    "FloatStorage": "float32",
    "DoubleStorage": "float64",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
}
_ALIGNED = 16
"""Bytes; torch pads to 64, other zip programs do not, and numbers must not straddle words."""
_LOCAL_HEADER = 30
"""Bytes of a zip entry's header before its name and extra field, whose lengths are its last four bytes."""


def records(archive: zipfile.ZipFile) -> dict[str, Tensor]:
    """Tensors by their name in the module, not read. Attributes that are not buffers are included."""
    with archive.open(_root(archive) + "data.pkl") as file:
        tree = InertUnpickler(file).load()
    return dict(_walk(tree, ""))


def tensors(path: Path) -> dict[str, torch.Tensor]:
    """The same, with their numbers mapped from the file (copied only where the archive is compressed)."""
    import torch

    mapped = cast(
        "torch.UntypedStorage",
        torch.UntypedStorage.from_file(str(path), False, path.stat().st_size),
    )
    read: dict[str, torch.UntypedStorage] = {}
    found: dict[str, torch.Tensor] = {}
    with zipfile.ZipFile(path) as archive:
        for name, record in records(archive).items():
            key = record.storage.key
            if key not in read:
                read[key] = _storage(archive, key, mapped)
            dtype: torch.dtype = getattr(torch, _DTYPES[record.storage.kind])
            empty = torch.empty(0, dtype=dtype)
            found[name] = empty.set_(read[key], record.offset, record.shape, record.stride)
    return found


def _storage(
    archive: zipfile.ZipFile, key: str, mapped: torch.UntypedStorage
) -> torch.UntypedStorage:
    import torch

    entry = archive.getinfo(f"{_root(archive)}data/{key}")
    if entry.compress_type != zipfile.ZIP_STORED:
        return torch.frombuffer(bytearray(archive.read(entry)), dtype=torch.uint8).untyped_storage()
    assert archive.fp is not None
    archive.fp.seek(entry.header_offset)
    header = archive.fp.read(_LOCAL_HEADER)
    lengths = int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
    start = entry.header_offset + _LOCAL_HEADER + lengths
    part: torch.UntypedStorage = mapped[start : start + entry.file_size]
    if start % _ALIGNED:
        return torch.empty(0, dtype=torch.uint8).set_(part).clone().untyped_storage()
    return part


def _root(archive: zipfile.ZipFile) -> str:
    return archive.namelist()[0].partition("/")[0] + "/"


def _walk(node: object, prefix: str) -> Iterator[tuple[str, Tensor]]:
    state = node.state if isinstance(node, StandIn) else node
    if isinstance(state, Tensor):
        yield prefix, state
    elif isinstance(state, Mapping) and (isinstance(node, StandIn) or not prefix):
        for name, value in state.items():
            yield from _walk(value, f"{prefix}.{name}".lstrip("."))
