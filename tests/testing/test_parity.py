"""`Parity`: what is off fails, by shape or by number, and what was measured is kept when asked for."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from lipsync_core.testing import Parity, recipe

WHOLE = np.arange(24, dtype=np.int64).reshape(4, 6)
FLOATS = recipe.normal("parity", (5, 7), scale=3.0)


ENTRY = {"what": "this", "tolerance": 0.01, "levels": 1}


@pytest.fixture
def golden(tmp_path: Path) -> Parity:
    """A golden file `made` with the arrays `whole` and `floats`, every third sample."""
    folder = tmp_path / "tests" / "data"
    folder.mkdir(parents=True)
    stored = {"meta": np.array(json.dumps({"gain": 0.5, "prefix": "made:"}))}
    for name, array in (("whole", WHOLE), ("floats", FLOATS)):
        stored |= {
            f"{name}__samples": array.reshape(-1)[::3],
            f"{name}__stride": np.int64(3),
            f"{name}__shape": np.array(array.shape),
            f"{name}__stats": np.array([array.mean(), array.std(), 0.0, 0.0, 0.0]),
        }
    np.savez(folder / "made.npz", **stored)
    (folder / "parity.json").write_text(json.dumps({"made": ENTRY}))
    return Parity(folder)


def test_the_same_passes_and_gives_the_differences(golden: Parity):
    assert golden.check("made", "whole", WHOLE).tolist() == [0.0] * 8
    assert golden.check("made", "floats", FLOATS * 1.0001).max() > 0


def test_other_shapes_fail_even_with_the_same_numbers(golden: Parity):
    with pytest.raises(AssertionError, match=r"is \(6, 4\), should be \(4, 6\)"):
        golden.check("made", "whole", WHOLE.reshape(6, 4))


def test_whole_numbers_are_measured_in_levels_and_floats_by_their_spread(golden: Parity):
    other = WHOLE.copy()
    other[2, 3] += 1  # the sixteenth, a sample
    golden.check("made", "whole", other)
    other[2, 3] += 1
    with pytest.raises(AssertionError, match=r"off by 2, allowed 1 \(levels in"):
        golden.check("made", "whole", other)
    near, far = FLOATS.copy(), FLOATS.copy()
    near[0, 3] += 0.009 * FLOATS.std()
    far[0, 3] += 0.011 * FLOATS.std()
    golden.check("made", "floats", near)
    with pytest.raises(AssertionError, match=r"floats is off by 0\.011"):
        golden.check("made", "floats", far)


def test_arrays_that_are_stored_whole_need_no_statistics(golden: Parity):
    np.savez(golden.folder / "made.npz", meta=np.array("{}"), whole=WHOLE, floats=FLOATS)
    golden.check("made", "whole", WHOLE)
    assert golden.check("made", "floats", FLOATS + np.float32(1e-3)).shape == (35,)
    with pytest.raises(AssertionError, match="should be"):
        golden.check("made", "floats", FLOATS[:4])
    with pytest.raises(AssertionError, match="floats is off by"):
        golden.check("made", "floats", FLOATS + np.float32(0.1))


def test_what_is_no_number_fails(golden: Parity):
    with pytest.raises(AssertionError, match="off by nan"):
        golden.check("made", "floats", np.full_like(FLOATS, np.nan))


def test_the_worst_error_is_kept_with_the_test_when_asked_for(
    golden: Parity, monkeypatch: pytest.MonkeyPatch
):
    before = (golden.folder / "parity.json").read_text()
    golden.check("made", "whole", WHOLE)
    assert (golden.folder / "parity.json").read_text() == before
    monkeypatch.setenv("LIPSYNC_PARITY", "record")
    monkeypatch.setenv("PYTEST_CURRENT_TEST", "plugins/x/tests/a/test_b.py::test_c[1-2] (call)")
    golden.check("made", "floats", FLOATS + np.float32(0.001))
    golden.check("made", "floats", FLOATS)
    entry = json.loads((golden.folder / "parity.json").read_text())["made"]
    assert entry["measured"].keys() == {"a/test_b.py::test_c"}
    error = entry["measured"]["a/test_b.py::test_c"]["floats"]
    assert error == pytest.approx(0.001 / FLOATS.std(), rel=0.05)
    assert entry.items() >= ENTRY.items()


def test_what_is_not_declared_is_asked_for_and_what_is_not_allowed_is_exact(golden: Parity):
    (golden.folder / "parity.json").write_text(json.dumps({"made": {"what": "this"}}))
    golden.check("made", "floats", FLOATS)
    with pytest.raises(AssertionError, match=r"allowed 0 \(tolerance"):
        golden.check("made", "floats", FLOATS * np.float32(1.00001))
    (golden.folder / "parity.json").write_text("{}")
    with pytest.raises(AssertionError, match="has no entry 'made'"):
        golden.check("made", "floats", FLOATS)


def test_weights_are_those_of_the_recipe():
    """The first numbers of one layer of S3FD, as its golden file tells them."""
    shapes = {"conv1_1.bias": np.empty(64), "bn.running_var": np.empty(3)}
    shapes |= {"bn.num_batches_tracked": np.empty(())}
    meta = {"gain": 1.15, "prefix": "s3fd:", "boosts": {"bn.running_var": 2.0}}
    filled = recipe.weights(shapes, meta)
    expected = [0.03158801, -0.00090505, 0.01538709, 0.02617753]
    assert filled["conv1_1.bias"][:4] == pytest.approx(expected, abs=1e-7)
    assert filled["bn.running_var"].min() >= 1.0
    assert filled["bn.num_batches_tracked"].dtype == np.int64
    assert filled["bn.num_batches_tracked"] == 0
