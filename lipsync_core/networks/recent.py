"""What was made of pictures, kept for those that come again: frames of a loop, a still, a held frame."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["Recent", "fingerprint"]


Made = TypeVar("Made")


def fingerprint(picture: NDArray[np.uint8]) -> bytes:
    """A 16-byte digest of the pixels of a picture."""
    return hashlib.blake2b(np.ascontiguousarray(picture).data, digest_size=16).digest()


class Recent(OrderedDict[bytes, Made]):
    """The latest results by fingerprint; the one that was not asked for the longest goes first.

    Args:
        most: how many are kept.
    """

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def remembered(self, key: bytes, make: Callable[[], Made]) -> Made:
        """What is kept under `key`, or else what `make` gives, which is then kept."""
        if key not in self:
            self[key] = make()
            if len(self) > self._most:
                self.popitem(last=False)
        self.move_to_end(key)
        return self[key]
