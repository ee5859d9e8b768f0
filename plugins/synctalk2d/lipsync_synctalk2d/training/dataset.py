"""What is learnt from, on disk: crops, where the mouth is in them, the sound of each. Read a batch at a time.

A folder holds `meta.json`, `crops.u8` (each `(side + 8)` squared RGB), `mouths.f32` (a box each, in pixels of
the crop) and a file of features for each kind that was asked for. Files grow at their end only while they are
made, so a preparation that was killed resumes where it stopped.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lipsync_core.voice.features import FeatureFile
from lipsync_synctalk2d.pictures import crop_side

if TYPE_CHECKING:
    from numpy.typing import NDArray

META, CROPS, MOUTHS = "meta.json", "crops.u8", "mouths.f32"
BOX_BYTES = 16
"""Four float32."""


class Dataset:
    """A finished preparation.

    Args:
        folder: see the module.
        side: 320 or 160.
        times: seconds of each crop.
        sound: features of the recording, by time.

    Attributes:
        mouths: `(N, 4)` x0, y0, x1, y1 in pixels of the crop.
    """

    def __init__(
        self, folder: Path, side: int, times: Sequence[Fraction], sound: FeatureFile
    ) -> None:
        size = crop_side(side)
        self._crops = np.memmap(folder / CROPS, np.uint8, "r").reshape(-1, size, size, 3)
        self.mouths = np.fromfile(folder / MOUTHS, np.float32).reshape(-1, 4)
        self._times, self._sound = list(times), sound
        assert len(self._crops) == len(self.mouths) == len(self._times)

    def __len__(self) -> int:
        return len(self._times)

    def crops(self, indices: NDArray[np.int64]) -> NDArray[np.uint8]:
        """`(n, side + 8, side + 8, 3)` RGB."""
        return np.stack([np.asarray(self._crops[k]) for k in indices.tolist()])

    def sound(self, indices: NDArray[np.int64]) -> NDArray[np.float32]:
        """`(n, *shape)` features of these moments."""
        return self._sound.at(self._times[k] for k in indices.tolist())


def crop_bytes(side: int) -> int:
    """Of one crop on disk."""
    return crop_side(side) ** 2 * 3


def whole_rows(path: Path, size: int) -> int:
    """Rows of `size` bytes that a growing file holds; a torn last one is cut off."""
    if not path.exists():
        return 0
    count = path.stat().st_size // size
    with path.open("rb+") as file:
        file.truncate(count * size)
    return count


def read_meta(folder: Path) -> dict[str, Any]:
    """What `write_meta` wrote; empty where there is none that can be read."""
    try:
        told = json.loads((folder / META).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def write_meta(folder: Path, told: dict[str, Any]) -> None:
    """In one step."""
    part = folder / f".{META}"
    part.write_text(json.dumps(told), "utf-8")
    part.replace(folder / META)
