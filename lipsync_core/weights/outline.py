"""Names and shapes of what is in a weight file, in milliseconds: no numbers are read, no torch is needed.

For ONNX files the names are those of inputs and outputs.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from lipsync_core.errors import PluginUnavailable
from lipsync_core.specs import WeightFile
from lipsync_core.weights import nesting, torchscript
from lipsync_core.weights.inert import InertUnpickler, Storage, Tensor
from lipsync_core.weights.wrapping import Wrapping, damaged, wants_code, wrapping_of

__all__ = ["differences", "outline"]


_MAGIC = 0x1950A86A20F9469CFC6C
"""First object of a checkpoint of torch before 1.6 (torch.serialization.MAGIC_NUMBER)."""
_BYTES = {"Double": 8, "Long": 8, "Float": 4, "Int": 4, "Half": 2, "BFloat16": 2, "Short": 2}
"""Bytes of one number, by the beginning of its storage's name; all others at least 1."""
_HARMLESS = ("torch", "numpy", "collections", "argparse", "_codecs")
"""Packages whose classes stand beside weights; what else a file names would have to run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """What is in a file: its wrapping, and shapes by name (-1: any size)."""

    wrapping: Wrapping
    shapes: dict[str, tuple[int, ...]]


def outline(path: Path) -> Outline:
    """Read the outline of `path`.

    Raises:
        PluginUnavailable: it is truncated, holds no network, or wants code to be run.
    """
    kind = wrapping_of(path)
    read = {
        "safetensors": _safetensors,
        "onnx": _onnx,
        "torchscript": _torchscript,
        "archive": _archive,
        "pickle": _legacy,
    }[kind]
    try:
        shapes = read(path)
    except (PluginUnavailable, MemoryError):
        raise
    except Exception as error:  # noqa: BLE001 - a damaged file fails in whatever way its bytes say
        raise damaged(path, f"is truncated or damaged ({type(error).__name__})") from None
    if not shapes:
        raise damaged(path, "holds no tensors of a network")
    return Outline(wrapping=kind, shapes=shapes)


def differences(weight: WeightFile, found: Outline) -> list[str]:
    """What speaks against `found` being `weight`, in words; empty when nothing does."""
    told = []
    for name, wanted in weight.holds:
        shape = found.shapes.get(name)
        if shape is None:
            told.append(f"{name} is not in it")
        elif len(shape) != len(wanted) or any(
            w not in (-1, s) for w, s in zip(wanted, shape, strict=True)
        ):
            told.append(f"{name} is {_sides(shape)} instead of {_sides(wanted)}")
    return told


def _sides(shape: tuple[int, ...]) -> str:
    return "x".join("any" if side < 0 else str(side) for side in shape) or "a number"


def _safetensors(path: Path) -> dict[str, tuple[int, ...]]:
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as file:
        shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    return nesting.clean(shapes)


def _onnx(path: Path) -> dict[str, tuple[int, ...]]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(str(path), options, ["CPUExecutionProvider"])
    return {
        end.name: tuple(side if isinstance(side, int) else -1 for side in end.shape)
        for end in (*session.get_inputs(), *session.get_outputs())
    }


def _torchscript(path: Path) -> dict[str, tuple[int, ...]]:
    with zipfile.ZipFile(path) as archive:
        found = torchscript.records(archive)
    return nesting.clean({name: tensor.shape for name, tensor in found.items()})


def _archive(path: Path) -> dict[str, tuple[int, ...]]:
    with zipfile.ZipFile(path) as archive:
        name = next(n for n in archive.namelist() if n.partition("/")[2] == "data.pkl")
        with archive.open(name) as file:
            return _network(path, *_load(file))


def _legacy(path: Path) -> dict[str, tuple[int, ...]]:
    with path.open("rb") as file:
        first, _ = _load(file)
        if first != _MAGIC:
            raise damaged(path, "is a pickle, but not one that PyTorch made")
        _load(file)  # version of the protocol
        _load(file)  # byte order and sizes
        tree, unpickler = _load(file)
        _load(file)  # keys of the storages that follow
        end = file.tell()
    wanted = end + sum(8 + s.count * _size(s) for s in unpickler.storages.values())
    if path.stat().st_size < wanted:
        raise damaged(path, "ends in the middle: its download was cut short")
    return _network(path, tree, unpickler)


def _load(file: IO[bytes]) -> tuple[object, InertUnpickler]:
    unpickler = InertUnpickler(file)
    return unpickler.load(), unpickler


def _size(storage: Storage) -> int:
    return next((n for kind, n in _BYTES.items() if storage.kind.startswith(kind)), 1)


def _network(path: Path, tree: object, unpickler: InertUnpickler) -> dict[str, tuple[int, ...]]:
    foreign = sorted(w for w in unpickler.wanted if w.partition(".")[0] not in _HARMLESS)
    if foreign:
        raise wants_code(path, foreign[0])
    found = nesting.network(tree, lambda value: isinstance(value, Tensor))
    return {name: tensor.shape for name, tensor in found.items() if isinstance(tensor, Tensor)}
