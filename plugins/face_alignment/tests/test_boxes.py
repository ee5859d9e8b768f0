"""S3FD: its stored run is matched, batches give what single pictures give, doubles are dropped."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the networks are torch's")
pytest.importorskip("face_alignment", reason="the networks' code comes with it")

from lipsync_face_alignment.boxes import STRIDES, decode  # noqa: E402
from lipsync_face_alignment.networks import BoxNetwork  # noqa: E402

from lipsync_core.networks.device import NetworkDevice  # noqa: E402
from lipsync_core.testing import recipe  # noqa: E402


@pytest.fixture(scope="module")
def network(parity, tmp_path_factory: pytest.TempPathFactory) -> BoxNetwork:
    from face_alignment.detection.sfd.net_s3fd import s3fd

    path = tmp_path_factory.mktemp("recipe") / "s3fd.pth"
    filled = recipe.weights(s3fd().state_dict(), parity.meta("s3fd"))
    torch.save({key: torch.from_numpy(value) for key, value in filled.items()}, path)
    return BoxNetwork(path, NetworkDevice("cpu", "The test", 1))


@pytest.fixture(scope="module")
def outputs(network: BoxNetwork) -> list[np.ndarray]:
    images = np.stack([recipe.image(f"s3fd_img{i}", 96, 128) for i in range(2)])
    batch = torch.from_numpy(images).permute(0, 3, 1, 2).float()
    batch = batch - torch.tensor([104.0, 117.0, 123.0]).view(1, 3, 1, 1)
    return [output.numpy() for output in network.raw(batch)]


def test_the_network_gives_the_stored_numbers(parity, outputs: list[np.ndarray]):
    for k, output in enumerate(outputs):
        parity.check("s3fd", f"raw_{k}", output)


def test_the_boxes_are_the_stored_ones(parity, outputs: list[np.ndarray]):
    for k, boxes in enumerate(decode(outputs, 0.5)):
        parity.check("s3fd", f"boxes_{k}", boxes)


def test_pictures_go_in_as_bgr_without_the_means(network: BoxNetwork):
    image = recipe.image("s3fd_img0", 96, 128)
    swapped = torch.from_numpy(image[..., ::-1].copy()).permute(2, 0, 1)[None].float()
    by_hand = network.raw(swapped - torch.tensor([104.0, 117.0, 123.0]).view(1, 3, 1, 1))
    for ours, theirs in zip(network(image[None]), by_hand, strict=True):
        assert np.allclose(ours, theirs.numpy(), atol=1e-4)


def test_a_batch_gives_what_its_pictures_give_alone(network: BoxNetwork):
    images = np.stack([recipe.image(f"s3fd_img{i}", 96, 128) for i in range(2)])
    together = decode(network(images), 0.5)
    for k in range(2):
        (alone,) = decode(network(images[k : k + 1]), 0.5)
        assert together[k].shape == alone.shape
        assert np.allclose(together[k], alone, atol=1e-2)


@pytest.mark.parametrize("size", [(1, 1), (37, 251), (480, 33)])
def test_small_and_odd_pictures(network: BoxNetwork, size: tuple[int, int]):
    outputs = network(np.full((2, *size, 3), 90, np.uint8))
    assert [len(output) for output in outputs] == [2] * 12


def blank() -> list[np.ndarray]:
    """Outputs of two pictures of 128x128 without a face."""
    found = []
    for stride in STRIDES:
        side = 128 // stride
        scores = np.zeros((2, 2, side, side), np.float32)
        scores[:, 0] = 9.0
        found += [scores, np.zeros((2, 4, side, side), np.float32)]
    return found


def test_an_anchor_is_four_strides_around_the_middle_of_its_cell():
    outputs = blank()
    outputs[4][1, :, 3, 2] = (0.0, 2.0)  # second picture, stride 16, row 3, column 2
    outputs[5][1, :, 3, 2] = (
        1.0,
        0.0,
        np.log(2.0) / 0.2,
        0.0,
    )  # 6.4 px to the right, twice as wide
    first, second = decode(outputs, 0.5)
    assert first.shape == (0, 5)
    score = 1.0 / (1.0 + np.exp(-2.0))
    assert second[0] == pytest.approx([40 + 6.4 - 64, 56 - 32, 40 + 6.4 + 64, 56 + 32, score])


def test_of_doubles_the_strongest_stays():
    outputs = blank()
    for column, logit in ((2, 1.0), (3, 3.0), (7, 2.0)):
        outputs[2][0, :, 8, column] = (0.0, logit)  # anchors of 32 px, 8 px apart
    found, _ = decode(outputs, 0.5)
    assert found[:, 0].tolist() == [28 - 16, 60 - 16]
    assert (np.diff(found[:, 4]) < 0).all()
    assert [len(f) for f in decode(outputs, 0.9)] == [1, 0]


def test_a_file_of_another_network_is_refused(tmp_path: Path):
    from lipsync_core.errors import PluginUnavailable

    path = tmp_path / "s3fd.pth"
    torch.save({"conv1_1.weight": torch.zeros(64, 3, 3, 3)}, path)
    with pytest.raises(PluginUnavailable, match="of another network"):
        BoxNetwork(path, NetworkDevice("cpu", "The test", 1))
