"""Numbers: channels, range, rounding, sizes, the fidelity weight, and what `steady` keeps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from lipsync_restoration.picture import from_network, steadied, to_network
from lipsync_restoration.spec import CODEFORMER, CROP, GFPGAN, GPEN
from numpy.typing import NDArray

from lipsync_core.conformance import inputs
from lipsync_core.contracts import Enhancer
from lipsync_core.errors import PluginFault
from lipsync_core.records import Crops
from lipsync_core.registry import create
from lipsync_core.registry.probing import context_for
from lipsync_core.specs import EnhancerSpec


@pytest.fixture(scope="module")
def crops() -> Crops:
    return inputs.crops(CROP, 3)


def enhanced(spec: EnhancerSpec, crops: Crops, **options: str) -> NDArray[np.uint8]:
    """What it makes of crops; `steady` is off unless it is given."""
    enhancer = create(spec)
    assert isinstance(enhancer, Enhancer)
    enhancer.open(context_for(spec, options={"steady": "0"} | options))
    try:
        return enhancer.enhance(crops)
    finally:
        enhancer.close()


def moved(crops: Crops, *levels: int) -> NDArray[np.uint8]:
    """The crops with levels added to R, G and B, and cut off."""
    return np.clip(crops.images.astype(int) + np.array(levels), 0, 255).astype(np.uint8)


def test_every_level_goes_in_as_the_publishers_do_it_and_comes_back():
    levels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(3, 3)
    batch = to_network(levels, 16)
    assert (batch.shape, batch.dtype) == ((1, 3, 16, 16), np.float32)
    assert (batch.min(), batch.max()) == (-1.0, 1.0)
    assert batch[0, 0, 7, 15] == pytest.approx((127 / 255 - 0.5) / 0.5, abs=1e-7)
    assert np.array_equal(from_network(batch), levels)


def test_what_is_beyond_the_range_is_cut_off():
    batch = np.array([-7.0, -1.0, 0.0, 1.0, 1.2, np.nan], np.float32).reshape(1, 1, 2, 3)
    made = from_network(batch.repeat(3, 1))
    assert made[0, :, :, 0].ravel().tolist() == [0, 0, 128, 255, 255, 0]


@pytest.mark.parametrize("batch", [1, 2, "batch"])
def test_a_network_that_changes_nothing_changes_no_pixel(
    home: Path, write_model, crops: Crops, batch: int | str
):
    write_model(home / "weights" / "gfpgan" / "gfpgan_1.4.onnx", batch=batch)
    assert np.array_equal(enhanced(GFPGAN, crops), crops.images)


def test_red_is_the_first_channel(home: Path, write_model, crops: Crops):
    more_red = np.array([20 / 127.5, 0, -10 / 127.5], np.float32).reshape(1, 3, 1, 1)
    write_model(home / "weights" / "gfpgan" / "gfpgan_1.4.onnx", add=more_red)
    assert np.array_equal(enhanced(GFPGAN, crops), moved(crops, 20, 0, -10))


@pytest.mark.parametrize("kind", [1, 11], ids=["float", "double"])
@pytest.mark.parametrize("names", [("input", "weight", "output"), ("x", "w", "y")])
@pytest.mark.parametrize("shape", [[1], []])
def test_codeformer_is_given_its_fidelity(
    home: Path, write_model, crops: Crops, kind: int, names: tuple[str, str, str], shape: list[int]
):
    image, weight, output = names
    write_model(
        home / "weights" / "codeformer" / "codeformer.onnx",
        image=image, output=output, weight=(weight, kind, shape),
    )  # fmt: skip
    for given, level in (("0", 0), (str(30 / 127.5), 30)):
        made = enhanced(CODEFORMER, crops, fidelity=given)
        assert np.array_equal(made, moved(crops, level, level, level))
    made = enhanced(CODEFORMER, crops)
    assert np.array_equal(made, moved(crops, *[round(0.7 * 127.5)] * 3))


@pytest.mark.parametrize("size", [256, 1024])
def test_other_sizes_are_fitted_inside(home: Path, write_model, crops: Crops, size: int):
    write_model(home / "weights" / "gpen" / f"gpen_bfr_{size}.onnx", size=size, add=8 / 127.5)
    made = enhanced(GPEN, crops)
    assert made.shape == crops.images.shape
    off = made.astype(int) - moved(crops, 8, 8, 8)
    assert abs(off.mean()) < 0.3
    assert np.abs(off).mean() < 2.0


def test_sizes_left_open_are_taken_as_512(home: Path, write_model, crops: Crops):
    write_model(home / "weights" / "gpen" / "gpen_bfr_512.onnx", size="side", batch="n")
    assert np.array_equal(enhanced(GPEN, crops), crops.images)


def test_a_larger_result_is_brought_back(home: Path, write_model, crops: Crops):
    write_model(home / "weights" / "gfpgan" / "gfpgan_1.4.onnx", change="double", out_size=1024)
    assert np.array_equal(enhanced(GFPGAN, crops), crops.images)


def test_shading_stays_and_detail_is_taken():
    rows, columns = np.mgrid[0:512, 0:512]
    original = np.clip(100 + 40 * np.sin(columns / 120), 0, 255)
    original = original[..., None].repeat(3, 2).astype(np.uint8)
    fine = (12 * ((rows // 2 + columns // 2) % 2) - 6)[..., None]
    lighter = original.astype(int) + 30
    restored = (lighter + fine).astype(np.uint8)
    assert np.array_equal(steadied(restored, original, 0), restored)
    made = steadied(restored, original, 24.0).astype(int)
    assert np.abs(made - (original + fine)).mean() < 0.6  # no lighter, and all of the detail


def test_used_before_it_is_opened(crops: Crops):
    with pytest.raises(PluginFault, match="gfpgan was used before it was opened"):
        create(GFPGAN).enhance(crops)  # type: ignore[attr-defined]
