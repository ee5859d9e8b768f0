"""Comparing with golden files: what an original implementation gave for the numbers of `recipe`.

A folder holds golden files `NAME.npz` and one `parity.json`, which says for each what it is, how far off is
still the same, and what tests measured. Tests take their tolerance from there, so the page `docs/parity.md`,
which is made of these files, cannot promise anything else than the tests ask for.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

RECORD = "LIPSYNC_PARITY"
"""Environment variable: with the value `record`, measured errors are written to `parity.json`."""
ENTRIES = "parity.json"


class Parity:
    """The golden files of one folder.

    A golden file holds `meta` (JSON) and arrays, either whole under their names or as samples: `A__samples`
    is every `A__stride`-th number in C order, `A__shape` and `A__stats` (mean, standard deviation, ...) are
    those of the whole.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._worst: dict[tuple[str, str, str], float] = {}

    def meta(self, name: str) -> dict[str, Any]:
        """What ran, with which inputs and weights (`recipe.weights` takes this)."""
        told: dict[str, Any] = json.loads(str(self._load(name)["meta"]))
        return told

    def check(self, name: str, array: str, computed: NDArray[Any]) -> NDArray[np.float64]:
        """Assert that an array is that of the golden file, and record how far off it is when asked to.

        Args:
            name: of the golden file, without `.npz`.
            array: name in it.
            computed: the whole array, from this implementation.

        Returns:
            Differences of the stored samples, absolute.

        Raises:
            AssertionError: another shape, or further off than `parity.json` allows: floats by `tolerance`,
                a share of the array's standard deviation, whole numbers by `levels`; 0 where none is given.
        """
        samples, shape, stride, spread = _stored(self._load(name), array)
        assert computed.shape == shape, f"{name}: {array} is {computed.shape}, should be {shape}"
        picked = np.ascontiguousarray(computed).reshape(-1)[::stride]
        apart: NDArray[np.float64] = np.abs(picked.astype(np.float64) - samples)
        floats = samples.dtype.kind == "f"
        error = float(apart.max(initial=0.0)) / (spread if floats and spread else 1.0)
        entries = self._entries()
        assert name in entries, f"{self.folder / ENTRIES} has no entry '{name}': say what it is"
        kind = "tolerance" if floats else "levels"
        allowed = entries[name].get(kind, 0)
        told = f"{name}: {array} is off by {error:.3g}, allowed {allowed:g} ({kind} in {ENTRIES})"
        assert error <= allowed, told
        if os.environ.get(RECORD) == "record":
            self._record(name, array, error)
        return apart

    def _load(self, name: str) -> dict[str, NDArray[Any]]:
        with np.load(self.folder / f"{name}.npz", allow_pickle=False) as stored:
            return dict(stored)

    def _entries(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads((self.folder / ENTRIES).read_text("utf-8"))
        return told

    def _record(self, name: str, array: str, error: float) -> None:
        """Keep the error, by the test that runs: its file below the folder of the tests, and its name."""
        path, _, rest = os.environ["PYTEST_CURRENT_TEST"].partition("::")
        where = path.rpartition(f"{self.folder.parent.name}/")[2]
        test = f"{where}::{rest.partition(' (')[0].partition('[')[0]}"
        worst = max(error, self._worst.get((test, name, array), 0.0))
        self._worst[test, name, array] = worst
        entries = self._entries()
        measured = entries[name].setdefault("measured", {}).setdefault(test, {})
        measured[array] = float(f"{worst:.2g}")
        text = json.dumps(entries, indent=2, sort_keys=True)
        (self.folder / ENTRIES).write_text(text + "\n", "utf-8")


def _stored(
    golden: dict[str, NDArray[Any]], array: str
) -> tuple[NDArray[Any], tuple[int, ...], int, float]:
    """Samples, shape of the whole, stride of the samples, standard deviation of the whole."""
    if array in golden:
        whole = golden[array]
        return whole.reshape(-1), whole.shape, 1, float(whole.std())
    shape, stride = golden[f"{array}__shape"], golden[f"{array}__stride"]
    spread = float(golden[f"{array}__stats"][1])
    return golden[f"{array}__samples"], tuple(shape.tolist()), int(stride), spread
