"""The page on parity, from the golden files and what the tests measured against them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[1]
HEAD = """# Parity with the original implementations

Each row compares code of this repository with a golden file: what the original implementation gave, run once
with deterministic numbers in place of trained weights (`lipsync_core/testing/recipe.py` makes them again).
Weights are functions of a layer's name and shape, so equal results mean equal layers, equal names and equal
arithmetic. They say nothing about how trained weights look.

Errors are the largest of all stored samples. For whole numbers (pictures, boxes, indices) they are in levels;
for floats they are a share of the array's standard deviation σ. A test fails beyond the tolerance of its row.

| golden file | what it is | test | arrays | tolerance | largest error |
|---|---|---|---|---|---|
"""


def folders() -> list[Path]:
    """Every folder of golden files: of the core's tests and of the plugins'."""
    found = [ROOT / "tests" / "data", *sorted(ROOT.glob("plugins/*/tests/data"))]
    return [folder for folder in found if any(folder.glob("*.npz"))]


def arrays(path: Path) -> dict[str, str]:
    """Arrays of a golden file, with the kind of their numbers as numpy writes it ("f", "i", "u")."""
    ends, found = "__samples", {}
    with np.load(path, allow_pickle=False) as stored:
        for name in stored.files:
            if name.endswith(ends) or ("__" not in name and stored[name].ndim):
                found[name.removesuffix(ends)] = stored[name].dtype.kind
    return found


def entries(folder: Path) -> dict[str, Any]:
    """What `parity.json` says; nothing where there is none."""
    path = folder / "parity.json"
    told: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    return told


def allowance(entry: dict[str, Any], kind: str) -> float:
    """The largest error that arrays of this kind of numbers may have."""
    return float(entry.get("tolerance" if kind == "f" else "levels", 0))


def page() -> str:
    """The table, and what is stored but not compared."""
    rows, left = [], []
    for folder in folders():
        for name, entry in sorted(entries(folder).items()):
            stored = arrays(folder / f"{name}.npz")
            rows += _rows(folder, name, entry, stored)
            checked = {array for errors in entry.get("measured", {}).values() for array in errors}
            if missing := [f"`{array}`" for array in stored if array not in checked]:
                left.append(f"- `{name}`: {', '.join(missing)}\n")
    rest = "\nStored, but compared by no test:\n\n" + "".join(left) if left else ""
    return HEAD + "".join(rows) + rest


def _rows(folder: Path, name: str, entry: dict[str, Any], stored: dict[str, str]) -> Iterator[str]:
    for test, errors in sorted(entry.get("measured", {}).items()):
        file, _, function = test.partition("::")
        link = (folder.parent / file).relative_to(ROOT).as_posix()
        found: dict[str, float] = {}
        for array, error in errors.items():
            kind = "f" if stored[array] == "f" else "i"
            found[kind] = max(error, found.get(kind, 0.0))
        allowed = [_told(kind, allowance(entry, kind)) for kind in sorted(found)]
        largest = [_told(kind, found[kind]) for kind in sorted(found)]
        yield (
            f"| `{name}` | {entry['what']} | [{function}](../{link}) | {len(errors)} of {len(stored)} "
            f"| {' and '.join(dict.fromkeys(allowed))} | {' and '.join(dict.fromkeys(largest))} |\n"
        )


def _told(kind: str, error: float) -> str:
    """An error with its unit."""
    if kind == "f":
        return f"{error:.1e} σ" if error else "0"
    levels = math.ceil(error)
    return f"{levels} level{'s' * (levels > 1)}" if levels else "0"
