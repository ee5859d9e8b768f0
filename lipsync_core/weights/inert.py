"""Unpickles checkpoints without importing or running anything: tensors and objects become plain records.

Every class that a pickle names is answered with a stand-in, so no code of the file's choice can run.
Torch is not needed.
"""

from __future__ import annotations

import pickle
from collections import OrderedDict
from dataclasses import dataclass
from typing import IO, Any


@dataclass(frozen=True, slots=True)
class Storage:
    """A run of numbers in the file: torch's name of their type ("FloatStorage"), key, count."""

    kind: str
    key: str
    count: int


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor that was not read: where its numbers are, and its shape."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]


class StandIn:
    """In place of an object of any class; keeps the state that the pickle would have given it."""

    named = ""

    def __init__(self, *_: object, **__: object) -> None:
        self.state: object = None

    def __setstate__(self, state: object) -> None:
        self.state = state

    def __call__(self, *_: object, **__: object) -> StandIn:
        """Functions and bound methods."""
        return self

    def __setitem__(self, key: object, value: object) -> None:
        """Objects derived from dict."""

    def append(self, value: object) -> None:
        """Objects derived from list."""

    def extend(self, values: object) -> None:
        """Objects derived from list."""


class InertUnpickler(pickle.Unpickler):
    """Gives records; `wanted` collects the classes that were stood in for, `storages` what is pointed at."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file)
        self.wanted: set[str] = set()
        self.storages: dict[str, Storage] = {}

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401 - as pickle declares it
        """A rebuilding function of records, a storage's name, or a stand-in; never an import."""
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) in _REBUILD:
            return _REBUILD[module, name]
        if module.partition(".")[0] == "torch" and name.endswith("Storage"):
            return name
        self.wanted.add(f"{module}.{name}")
        return type(name, (StandIn,), {"named": f"{module}.{name}"})

    def persistent_load(self, pid: Any) -> object:  # noqa: ANN401 - as pickle declares it
        """Torch's way to point at a storage: ("storage", type, key, device, count, ...)."""
        if isinstance(pid, tuple) and len(pid) >= 5 and pid[0] == "storage":
            storage = Storage(kind=str(pid[1]), key=str(pid[2]), count=int(pid[4]))
            return self.storages.setdefault(storage.key, storage)
        return StandIn()


def _tensor(
    storage: object,
    offset: int = 0,
    shape: tuple[int, ...] = (),
    stride: tuple[int, ...] = (),
    *_: object,
) -> object:
    if not isinstance(storage, Storage):
        return StandIn()
    return Tensor(storage, int(offset), tuple(map(int, shape)), tuple(map(int, stride)))


def _first(value: object, *_: object) -> object:
    return value


def _from_type(rebuild: Any, _kind: object, values: Any, *_: object) -> object:  # noqa: ANN401
    return rebuild(*values)


_REBUILD: dict[tuple[str, str], Any] = {
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_tensor"): _tensor,
    ("torch._utils", "_rebuild_parameter"): _first,
    ("torch._utils", "_rebuild_parameter_with_state"): _first,
    ("torch._tensor", "_rebuild_from_type_v2"): _from_type,
}
