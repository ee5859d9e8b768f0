"""Messages between two processes: small things through a pipe, arrays through shared memory.

A message is pickled with its arrays left out (pickle protocol 5, PEP 574); those are laid one after the
other into a block of the parent's. Both ends are this program, so nothing foreign is ever unpickled. The
worker's answer goes into a second block; where that is too small the worker asks for a larger one.
"""

from __future__ import annotations

import pickle
import struct
from collections.abc import Sequence
from multiprocessing.shared_memory import SharedMemory
from typing import Any, BinaryIO

from lipsync_core.engine.isolation.blocks import OwnBlock, SeenBlock

_LENGTH = struct.Struct("<Q")
_ALIGN = 64


class Ended(Exception):
    """The other process is gone."""


class ParentEnd:
    """The asking end.

    Args:
        out: pipe to the worker.
        back: pipe from the worker.
    """

    def __init__(self, out: BinaryIO, back: BinaryIO) -> None:
        self._out = out
        self._back = back
        self._asked = OwnBlock()
        self._answered = OwnBlock()
        self._answered_name = ""

    def ask(self, message: object) -> object:
        """Send a message and wait for its answer; arrays of the answer are the caller's own.

        Raises:
            Ended: the worker is gone.
            PluginFault: there is too little shared memory.
        """
        data, arrays = _packed(message)
        places, size = _places(arrays)
        name = ""
        if size:
            block = self._asked.of(size)
            _lay(block, arrays, places)
            name = block.name
        _send(self._out, (data, name, places, self._answered_name))
        while True:
            kind, *rest = _receive(self._back)
            if kind == "answer":
                data, places = rest
                size = places[-1][1] if places else 0
                return _unpacked(data, self._answered.of(size) if size else None, places)
            self._answered_name = self._answered.of(rest[0]).name
            _send(self._out, (self._answered_name,))

    def close(self) -> None:
        """Remove the blocks and hang up; the worker ends when it sees that."""
        for end in (self._out, self._back):
            try:
                end.close()
            except OSError:  # what was not sent yet is of no interest to a dead worker
                continue
        self._asked.close()
        self._answered.close()


class WorkerEnd:
    """The answering end.

    Args:
        inward: pipe from the parent.
        out: pipe to the parent.
    """

    def __init__(self, inward: BinaryIO, out: BinaryIO) -> None:
        self._in = inward
        self._out = out
        self._asked = SeenBlock()
        self._answer = SeenBlock()
        self._answer_name = ""

    def next(self) -> object:
        """The next message; its arrays are the worker's own.

        Raises:
            Ended: the parent is gone, or has hung up.
        """
        data, name, places, self._answer_name = _receive(self._in)
        return _unpacked(data, self._asked.named(name) if name else None, places)

    def answer(self, message: object) -> None:
        """Answer the last message.

        Raises:
            Ended: the parent is gone.
        """
        data, arrays = _packed(message)
        places, size = _places(arrays)
        if size:
            block = self._answer.named(self._answer_name) if self._answer_name else None
            if block is None or block.size < size:
                _send(self._out, ("room", size))
                block = self._answer.named(*_receive(self._in))
            _lay(block, arrays, places)
        _send(self._out, ("answer", data, places))


Places = list[tuple[int, int]]
"""Where arrays lie in a block: first byte and the one after the last."""


def _packed(message: object) -> tuple[bytes, list[memoryview]]:
    arrays: list[pickle.PickleBuffer] = []
    data = pickle.dumps(message, protocol=5, buffer_callback=arrays.append)
    return data, [array.raw() for array in arrays]


def _places(arrays: Sequence[memoryview]) -> tuple[Places, int]:
    places, end = [], 0
    for array in arrays:
        start = -(-end // _ALIGN) * _ALIGN
        end = start + array.nbytes
        places.append((start, end))
    return places, end


def _lay(block: SharedMemory, arrays: Sequence[memoryview], places: Places) -> None:
    for array, (start, end) in zip(arrays, places, strict=True):
        _bytes(block)[start:end] = array


def _bytes(block: SharedMemory) -> memoryview:
    assert block.buf is not None  # only of a closed one
    return block.buf


def _unpacked(data: bytes, block: SharedMemory | None, places: Places) -> object:
    """The message with copies of its arrays: the next message overwrites the block."""
    if block is None:
        return pickle.loads(data, buffers=[bytearray(end - start) for start, end in places])
    return pickle.loads(data, buffers=[bytearray(_bytes(block)[a:b]) for a, b in places])


def _send(pipe: BinaryIO, message: object) -> None:
    data = pickle.dumps(message, protocol=5)
    try:
        pipe.write(_LENGTH.pack(len(data)))
        pipe.write(data)
        pipe.flush()
    except OSError as error:
        raise Ended from error


def _receive(pipe: BinaryIO) -> tuple[Any, ...]:
    try:
        (length,) = _LENGTH.unpack(_exactly(pipe, _LENGTH.size))
        message: tuple[Any, ...] = pickle.loads(_exactly(pipe, length))
    except OSError as error:
        raise Ended from error
    return message


def _exactly(pipe: BinaryIO, size: int) -> bytes:
    data = pipe.read(size)
    if len(data) < size:
        raise Ended
    return data
