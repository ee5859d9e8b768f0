"""PFLD gives the original's points, and what is made of them lies in the frame."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from lipsync_synctalk2d import compat, pfld  # noqa: E402

from lipsync_core.errors import PluginUnavailable, UnsupportedInput  # noqa: E402
from lipsync_core.testing import recipe  # noqa: E402


@pytest.fixture(scope="module")
def checkpoint(parity, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As published: the network below `pfld_backbone`."""
    torch.set_num_threads(1)
    numbers = recipe.weights(pfld.PfldNetwork().state_dict(), parity.meta("pfld"))
    path = tmp_path_factory.mktemp("pfld") / "checkpoint_epoch_335.pth.tar"
    torch.save({"pfld_backbone": {n: torch.from_numpy(v) for n, v in numbers.items()}}, path)
    return path


@pytest.fixture(scope="module")
def mean_face(parity, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The golden run's, as a text file."""
    with np.load(parity.folder / "pfld.npz") as stored:
        numbers = stored["mean_face__samples"]
    path = tmp_path_factory.mktemp("mean") / "mean_face.txt"
    path.write_text(" ".join(map(repr, numbers.astype(float).tolist())))
    return path


def test_the_network_gives_the_originals_numbers(parity, checkpoint: Path, mean_face: Path):
    network = pfld.load_pfld(checkpoint)
    with torch.inference_mode():
        made = network(torch.from_numpy(recipe.uniform("pfld_img", (1, 3, 192, 192)))).numpy()
    parity.check("pfld", "out", made)
    parity.check("pfld", "mean_face", pfld.read_mean_face(mean_face))


def test_points_lie_where_the_mean_face_would(checkpoint: Path, mean_face: Path):
    """With an output of zeros: nose point and jaw of the mean face in a crop 1.05 times the box."""
    network = pfld.load_pfld(checkpoint)
    for tensor in (network.conv_out.weight, network.conv_out.bias):
        tensor.zero_()
    mean = pfld.read_mean_face(mean_face)
    frame = recipe.image("pfld_frame", 400, 500)
    points = pfld.landmarks(network, mean, frame, (100, 80, 300, 280))
    expected = (mean.reshape(110, 2) * 210).astype(int) + np.array([95, 75])
    assert np.array_equal(points, expected)
    left, top, right, bottom = compat.box_of(points)
    assert (right - left, bottom - top) == (points[31, 0] - points[1, 0],) * 2
    beyond = pfld.landmarks(network, mean, frame, (-50, -50, 150, 150))
    assert np.array_equal(beyond, expected - np.array([150, 130]))


def test_bad_files_are_told(checkpoint: Path, persons, tmp_path: Path):
    with pytest.raises(PluginUnavailable, match="another network"):
        pfld.load_pfld(persons[160])
    (tmp_path / "mean_face.txt").write_text("1 2 3")
    with pytest.raises(UnsupportedInput, match="holds 3 numbers instead of 220"):
        pfld.read_mean_face(tmp_path / "mean_face.txt")
    with pytest.raises(UnsupportedInput, match="cannot be read"):
        pfld.read_mean_face(tmp_path / "absent.txt")
