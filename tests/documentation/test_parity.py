"""The table of golden files is whole and true: no file, no test and no error that it does not show."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs import parity

FOLDERS = parity.folders()
NAMES = [folder.relative_to(parity.ROOT).as_posix() for folder in FOLDERS]
HOW = "see CONTRIBUTING.md on golden files"


def checking(folder: Path) -> Iterator[str]:
    """The tests beside a folder of golden files that call `parity.check`."""
    tests = folder.parent
    for path in sorted(tests.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            is_test = isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
            if is_test and "parity.check(" in ast.unparse(node):
                yield f"{path.relative_to(tests).as_posix()}::{node.name}"


def test_the_golden_files_are_found():
    assert {"tests/data", "plugins/wav2lip/tests/data"} <= set(NAMES)


@pytest.mark.parametrize("folder", FOLDERS, ids=NAMES)
def test_every_golden_file_has_its_row(folder: Path):
    files = {path.stem for path in folder.glob("*.npz")}
    measured = {name for name, entry in parity.entries(folder).items() if entry.get("measured")}
    assert measured == files, HOW


@pytest.mark.parametrize("folder", FOLDERS, ids=NAMES)
def test_every_test_that_compares_has_its_row(folder: Path):
    entries = parity.entries(folder).values()
    assert {test for entry in entries for test in entry.get("measured", {})} == set(
        checking(folder)
    ), HOW


@pytest.mark.parametrize("folder", FOLDERS, ids=NAMES)
def test_measured_errors_are_of_stored_arrays_and_within_the_tolerance(folder: Path):
    for name, entry in parity.entries(folder).items():
        stored = parity.arrays(folder / f"{name}.npz")
        assert entry["what"] and "|" not in entry["what"]
        assert entry.get("tolerance", 0) < 0.01, "a share of the standard deviation; see `levels`"
        for errors in entry.get("measured", {}).values():
            assert errors.keys() <= stored.keys()
            for array, error in errors.items():
                assert error <= parity.allowance(entry, stored[array]), array
