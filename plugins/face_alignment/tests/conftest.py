"""Weight files in the published layouts, with random numbers and a last layer that knows one face.

No trained weights are involved. The trunks of both networks get random numbers; the last layers are then
solved (ridge regression) so that S3FD finds the face of the bundled portrait and FAN its 68 points. That is
enough to drive real pictures through the real networks and to see whether points come out where they belong.
"""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.typing import NDArray

from lipsync_core.conformance import inputs
from lipsync_core.faces.schemes import convert
from lipsync_core.testing import Parity
from lipsync_core.testing import own_folders as own_folders

if TYPE_CHECKING:
    import torch

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # as the plugin does, before torch is loaded
S3FD, FAN, FAN_ARCHIVE = (
    "s3fd-619a316812.pth",
    "2DFAN4-11f355bf06.pth.tar",
    "2DFAN4-cd938726ad.zip",
)
ANCHOR, STRIDE = 128.0, 32.0
"""Of the scale that is taught: fc7's."""


@pytest.fixture(scope="session")
def parity() -> Parity:
    """The golden files in `data`."""
    return Parity(Path(__file__).parent / "data")


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with S3FD's file and both of FAN's. Tests that want it skip without the packages of `test`."""
    torch = pytest.importorskip("torch", reason="the networks are torch's")
    pytest.importorskip("face_alignment", reason="the networks' code comes with it")
    folder = tmp_path_factory.mktemp("published")
    torch.save(taught_s3fd().state_dict(), folder / S3FD)
    fan = taught_fan()
    torch.save(fan.state_dict(), folder / FAN)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch advises other formats; this is the publisher's
        traced = torch.jit.trace(fan, torch.zeros(1, 3, 256, 256), check_trace=False)
        torch.jit.save(traced, str(folder / FAN_ARCHIVE))
    return folder


Home = Callable[..., Path]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, published: Path) -> Home:
    """Makes this test's LIPSYNC_HOME with published files of these names: `home("s3fd-619a316812.pth")`."""
    folder = tmp_path / "home"
    for name, value in (("LIPSYNC_HOME", folder), ("HF_HOME", tmp_path / "hub")):
        monkeypatch.setenv(name, str(value))
    monkeypatch.delenv("LIPSYNC_CACHE", raising=False)

    def make(*names: str) -> Path:
        weights = folder / "weights" / "face-alignment"
        weights.mkdir(parents=True, exist_ok=True)
        for name in names:
            try:
                (weights / name).hardlink_to(published / name)
            except OSError:  # another file system
                shutil.copy(published / name, weights / name)
        return folder

    return make


def _random(module: torch.nn.Module) -> None:
    """Numbers that keep a signal alive through many layers."""
    import torch

    torch.manual_seed(0)
    for part in module.modules():
        if isinstance(part, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(part.weight, nonlinearity="relu")
            if part.bias is not None:
                torch.nn.init.zeros_(part.bias)


def taught_s3fd() -> torch.nn.Module:
    import torch
    from face_alignment.detection.sfd.net_s3fd import s3fd

    net = s3fd().eval()
    _random(net)
    with torch.no_grad():
        for name, part in net.named_modules():
            if name.endswith(("mbox_conf", "mbox_loc")):
                part.weight.zero_()
                part.bias.zero_()
            if name.endswith("mbox_conf"):
                part.bias[:-1], part.bias[-1] = 8.0, -8.0
    features: list[torch.Tensor] = []
    handle = net.fc7.register_forward_hook(lambda module, given, made: features.append(made))
    rows, scores, shifts, sure = [], [], [], []
    for image, box in _lessons():
        batch = torch.from_numpy(image[None].copy()).permute(0, 3, 1, 2).flip(1).float()
        with torch.no_grad():
            net(batch - torch.tensor([104.0, 117.0, 123.0]).view(1, 3, 1, 1))
        seen = torch.relu(features.pop())
        columns = torch.nn.functional.unfold(seen, 3, padding=1)[0].T
        y, x = np.mgrid[0 : seen.shape[2], 0 : seen.shape[3]].reshape(2, -1) * STRIDE + STRIDE / 2
        score, shift = np.full(len(x), -8.0), np.zeros((len(x), 4))
        if box is not None:
            cx, cy, w, h = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2, *(box[2:] - box[:2])
            nearest = int(np.argmin(np.hypot(x - cx, y - cy)))
            score[nearest] = 8.0
            away = np.stack([cx - x, cy - y], 1) / (0.1 * ANCHOR)
            shift = np.concatenate(
                [away, np.broadcast_to(np.log(np.array([w, h]) / ANCHOR) / 0.2, (len(x), 2))], 1
            )
            sure.append(len(scores and np.concatenate(scores)) + nearest)
        rows.append(columns)
        scores.append(score)
        shifts.append(shift)
    handle.remove()
    taught = torch.cat(rows)
    wanted = torch.from_numpy(np.concatenate(scores)).float()
    weight, bias = _solved(taught, wanted[:, None])
    with torch.no_grad():
        net.fc7_mbox_conf.weight[1] = weight[:, 0].reshape(1024, 3, 3).float()
        net.fc7_mbox_conf.bias[0], net.fc7_mbox_conf.bias[1] = 0.0, bias[0]
        weight, bias = _solved(taught[sure], torch.from_numpy(np.concatenate(shifts)).float()[sure])
        net.fc7_mbox_loc.weight.copy_(weight.T.reshape(4, 1024, 3, 3))
        net.fc7_mbox_loc.bias.copy_(bias)
    return net


def _lessons() -> list[tuple[NDArray[np.uint8], NDArray[np.float64] | None]]:
    """Pictures with the box of their one face, or None."""
    turned = [
        np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]),
        np.array([[1.2, 0.0, 60.0], [0.0, 1.2, 40.0]]),
    ]
    corners = np.array(inputs.PORTRAIT_FACE).reshape(2, 2)
    with_face = [(inputs.moved(m)[0], (corners @ m[:, :2].T + m[:, 2]).ravel()) for m in turned]
    empty = [np.full((512, 512, 3), 128, np.uint8), np.full((37, 251, 3), 90, np.uint8)]
    empty += [np.full((480, 33, 3), 90, np.uint8), np.full((64, 64, 3), 90, np.uint8)]
    return [*with_face, *((_filled(image), None) for image in empty)]


def _filled(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Never narrower than the network can look at; the numbers there matter little."""
    h, w = image.shape[:2]
    return np.pad(image, ((0, max(0, 64 - h)), (0, max(0, 64 - w)), (0, 0)), mode="edge")


def taught_fan() -> torch.nn.Module:
    import torch
    from face_alignment.models.fan import FAN as Fan
    from lipsync_face_alignment.faces import HEATMAP, MIRRORED, Window

    net = Fan(4).eval()
    _random(net)
    features: list[torch.Tensor] = []
    handle = net.l3.register_forward_hook(lambda module, given, made: features.append(given[0]))
    window = Window.around(np.array(inputs.PORTRAIT_FACE, np.float32))
    crop = window.cut(inputs.portrait())
    face = inputs.portrait_face()
    points = convert(face.landmarks, face.scheme, "68") + 0.5
    cells = ((points - (window.x, window.y)) / window.side + 0.5) * HEATMAP - 0.5
    rows, targets = [], []
    for image, at in (
        (crop, cells),
        (crop[:, ::-1], (cells * (-1, 1) + (HEATMAP - 1, 0))[MIRRORED]),
    ):
        with torch.no_grad():
            net(torch.from_numpy(image[None].copy()).permute(0, 3, 1, 2).float() / 255)
        rows.append(features.pop()[0].flatten(1).T.double())
        y, x = np.mgrid[0:HEATMAP, 0:HEATMAP]
        distance = (x[None] - at[:, 0, None, None]) ** 2 + (y[None] - at[:, 1, None, None]) ** 2
        targets.append(np.exp(-distance / (2 * 3.0**2)).reshape(68, -1).T)
    handle.remove()
    weight, bias = _solved(torch.cat(rows), torch.from_numpy(np.concatenate(targets)), 1e-6)
    with torch.no_grad():
        net.l3.weight.copy_(weight.T.reshape(68, 256, 1, 1))
        net.l3.bias.copy_(bias)
    return net


def _solved(
    rows: torch.Tensor, wanted: torch.Tensor, ridge: float = 1e-4
) -> tuple[torch.Tensor, torch.Tensor]:
    """Weights and bias that turn rows `(n, d)` into `wanted` `(n, k)`, by ridge regression."""
    import torch

    mean, level = rows.mean(0), wanted.mean(0)
    centred = rows - mean
    if len(rows) < rows.shape[1]:
        gram = centred @ centred.T
        gram.diagonal().add_(ridge * gram.diagonal().mean())
        weight = centred.T @ torch.linalg.solve(gram, wanted - level)
    else:
        gram = centred.T @ centred
        gram.diagonal().add_(ridge * gram.diagonal().mean())
        weight = torch.linalg.solve(gram, centred.T @ (wanted - level))
    return weight, level - mean @ weight
