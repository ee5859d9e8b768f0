"""The generator's pictures: rim, mask, rounding, and what it says when something is wrong."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from lipsync_synctalk2d import pictures
from lipsync_synctalk2d.generator import SyncTalk2D160
from lipsync_synctalk2d.spec import SYNCTALK2D160
from lipsync_synctalk2d.torch_runtime import TorchRuntime

from lipsync_core.conformance import inputs
from lipsync_core.errors import GenerationFailed, PluginFault
from lipsync_core.registry.probing import context_for
from lipsync_core.testing import recipe


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def opened(**options: str) -> SyncTalk2D160:
    generator = SyncTalk2D160()
    generator.open(
        context_for(SYNCTALK2D160, device="cpu", precision="fp32", options=options, threads=1)
    )
    return generator


@pytest.fixture
def chunk():
    crops = inputs.crops(SYNCTALK2D160.crop, 3)
    return inputs.chunk(crops, recipe.normal("rows", (3, 32, 16, 16)))


@pytest.mark.parametrize("side, black", [(320, (5, 315, 5, 310)), (160, (5, 155, 5, 150))])
def test_the_network_sees_the_crop_without_rim_and_with_a_black_mouth(
    side: int, black: tuple[int, int, int, int]
):
    crop = recipe.image("crop", side + 8, side + 8)
    crop[crop == 0] = 1
    (seen,) = pictures.network_pictures(crop[None])
    assert np.abs(seen[0] * 255 - crop[4:-4, 4:-4, 2]).max() < 1e-4  # BGR
    x1, x2, y1, y2 = black
    hidden = np.zeros((side, side), bool)
    hidden[y1:y2, x1:x2] = True
    assert np.array_equal(seen[3] == 0, hidden)
    assert np.array_equal(seen[3:, ~hidden], seen[:3, ~hidden])


def test_only_the_inside_is_painted(home, persons, chunk):
    home({"synctalk2d160/persons/may.pth": persons[160]})
    made = opened().generate(chunk)
    before = chunk.crops.images
    rim = np.ones(before.shape[1:3], bool)
    rim[4:-4, 4:-4] = False
    assert np.array_equal(made[:, rim], before[:, rim])
    assert (made[:, ~rim] != before[:, ~rim]).mean() > 0.5


def test_compat_cuts_levels_off_and_the_default_rounds(home, persons, chunk):
    home({"synctalk2d160/persons/may.pth": persons[160]})
    rounded, cut = opened().generate(chunk), opened(compat="true").generate(chunk)
    apart = rounded.astype(int) - cut
    assert set(np.unique(apart)) == {0, 1}
    assert 0.3 < apart[:, 4:-4, 4:-4].mean() < 0.7


def test_bf16_is_near(home, persons, chunk):
    seen, sound = pictures.network_pictures(chunk.crops.images), chunk.features
    exact = TorchRuntime(persons[160], "cpu", "fp32", 1).run(seen, sound)
    coarse = TorchRuntime(persons[160], "cpu", "bf16", 1).run(seen, sound)
    assert np.abs(coarse - exact).mean() < 0.02


def test_what_is_wrong_is_told(home, persons, chunk):
    with pytest.raises(PluginFault, match="before it was opened"):
        SyncTalk2D160().generate(chunk)
    home({"synctalk2d160/persons/may.pth": persons[160]})
    generator = opened()
    odd = inputs.chunk(chunk.crops, np.zeros((3, 80, 16), np.float32))
    with pytest.raises(PluginFault, match="features a frame"):
        generator.generate(odd)
    rows = np.full((3, 32, 16, 16), np.nan, np.float32)
    with pytest.raises(GenerationFailed, match="NaN or infinity"):
        generator.generate(inputs.chunk(chunk.crops, rows))
    generator.close()
    generator.close()
