"""What is taught, and by what: SyncNet, VGG19, losses and batches give the originals' numbers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from lipsync_synctalk2d.layouts import layout_for  # noqa: E402
from lipsync_synctalk2d.network import FaceNetwork  # noqa: E402
from lipsync_synctalk2d.pictures import inner_pictures, network_pictures  # noqa: E402
from lipsync_synctalk2d.training import perceptual, upstream  # noqa: E402
from lipsync_synctalk2d.training.losses import FaceLoss, pairs_loss  # noqa: E402
from lipsync_synctalk2d.training.syncnet import SyncNetwork, agreement_loss  # noqa: E402

from lipsync_core.errors import PluginUnavailable  # noqa: E402
from lipsync_core.testing import recipe  # noqa: E402

Side = Literal[320, 160]
SIZES: list[tuple[Side, int]] = [(320, 328), (160, 160)]


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.mark.parametrize("sound", ["ave", "hubert"])
@pytest.mark.parametrize("side, size", SIZES)
def test_syncnet_gives_the_originals_numbers(
    parity, fill, side: Side, size: int, sound: Literal["ave", "hubert"]
):
    golden = f"synctalk2d_syncnet_{size}_{sound}"
    layout = layout_for(side, sound)
    network = SyncNetwork(layout).eval()
    network.load_state_dict(fill(network, golden), strict=True)
    pictures = recipe.uniform(f"sts_img{size}", (2, 3, side, side))
    heard = recipe.normal(f"sts_aud_{sound}", (2, *layout.shape))
    with torch.inference_mode():
        given = torch.from_numpy(pictures), torch.from_numpy(heard)
        points = [point.numpy() for point in network(*given)]
        parity.check(golden, "audio_emb", points[0])
        parity.check(golden, "face_emb", points[1])
        parity.check(golden, "cosine", network.agreement(*given).numpy())


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The golden run's folder `dataset/NAME`, frames as PNG in files called .jpg: nothing is lost."""
    root = tmp_path_factory.mktemp("dataset") / "May"
    for name in (upstream.FRAMES, upstream.LANDMARKS):
        (root / name).mkdir(parents=True)
    random = recipe.random("st_lms")
    for k in range(5):
        points = random.integers(0, 200, (110, 2))
        points[1, 0], points[31, 0] = (
            40 + int(random.integers(-5, 6)),
            160 + int(random.integers(-5, 6)),
        )
        points[52, 1] = 70 + int(random.integers(-5, 6))
        (root / upstream.LANDMARKS / f"{k}.lms").write_text(
            "".join(f"{x} {y}\n" for x, y in points)
        )
        frame = recipe.image(f"st_frame{k}", 220, 200)
        _, png = cv2.imencode(".png", frame)
        (root / upstream.FRAMES / f"{k}.jpg").write_bytes(png.tobytes())
    np.save(root / "aud_ave.npy", recipe.normal("st_feats", (9, 512)))
    return root


@pytest.fixture(scope="session")
def item(prepared: Path) -> Callable[[Side], tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Moment 2 with moment 4 as the reference: pictures, truth, sound."""
    from lipsync_synctalk2d import compat

    def make(side: Side) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        def crop(frame: int, box_of: int) -> np.ndarray:
            image = cv2.imread(str(prepared / upstream.FRAMES / f"{frame}.jpg"))
            points = compat.read_landmarks(prepared / upstream.LANDMARKS / f"{box_of}.lms")
            return upstream.cut(image, compat.box_of(points), side)[None, ..., ::-1]

        here, other = crop(2, 2), crop(4, 4 if side == 320 else 2)
        rows = upstream.features(prepared, "ave")
        sound = upstream.heard(rows, 2).reshape(32, 16, 16)
        return network_pictures(here, other)[0], inner_pictures(here)[0], sound

    return make


@pytest.mark.parametrize("side, size", SIZES)
def test_the_network_is_shown_what_the_originals_is(parity, item, side: Side, size: int):
    shown, truth, sound = item(side)
    parity.check("synctalk2d_training", f"item_concat_{size}", shown)
    parity.check("synctalk2d_training", f"item_target_{size}", truth)
    parity.check("synctalk2d_training", f"item_audio_{size}", sound)


@pytest.mark.parametrize("side, size", SIZES)
def test_losses_are_the_published_ones(parity, fill, item, side: Side, size: int):
    layout = layout_for(side, "ave")
    face, sync = FaceNetwork(layout).eval(), SyncNetwork(layout).eval()
    face.load_state_dict(fill(face, f"synctalk2d_unet_{size}_ave"))
    sync.load_state_dict(fill(sync, f"synctalk2d_syncnet_{size}_ave"))
    vgg = perceptual.vgg()
    meta = {"prefix": "vgg19:", "gain": 1.4}
    vgg.load_state_dict(
        {name: torch.from_numpy(v) for name, v in recipe.weights(vgg.state_dict(), meta).items()}
    )
    shown, truth, sound = (torch.from_numpy(np.ascontiguousarray(a[None])) for a in item(side))
    with torch.inference_mode():
        loss = FaceLoss(perceptual=perceptual.Perceptual(vgg), syncnet=sync)
        terms = loss(face(shown, sound), truth, sound)
    told = np.array([float(terms[name]) for name in ("l1", "perceptual", "sync", "total")])
    parity.check("synctalk2d_training", f"loss_{size}", told.astype(np.float32))


def test_agreement_bears_any_cosine_and_has_a_slope_everywhere():
    for cosine, wanted in ((-0.9, 1.0), (0.0, 1.0), (0.5, 1.0), (0.5, 0.0), (1.0, 1.0)):
        given = torch.tensor([cosine], requires_grad=True)
        loss = agreement_loss(given, wanted)
        loss.backward()
        assert torch.isfinite(loss)
        if wanted == 1.0 and cosine < 1:
            assert float(given.grad) < 0
    assert float(agreement_loss(torch.tensor([0.25]), 1.0)) == pytest.approx(-np.log(0.25))
    assert float(agreement_loss(torch.tensor([0.25]), 0.0)) == pytest.approx(-np.log(0.75))


def test_syncnet_is_taught_with_pairs_that_do_not_fit_as_well():
    torch.manual_seed(0)
    layout = layout_for(160, "viseme", 8)
    network = SyncNetwork(layout).eval()
    pictures, own, other = (
        torch.rand(2, 3, 160, 160),
        torch.rand(2, 23, 16, 1),
        torch.rand(2, 23, 16, 1),
    )
    right, wrong = network.agreement(pictures, own), network.agreement(pictures, other)
    expected = (agreement_loss(right, 1.0) + agreement_loss(wrong, 0.0)) / 2
    assert float(pairs_loss(network, pictures, own, other)) == pytest.approx(
        float(expected), abs=1e-5
    )


def test_vgg_comes_from_the_files_that_are_offered(tmp_path: Path):
    whole = {f"features.{n}": t for n, t in perceptual.vgg().state_dict().items()}
    whole |= {"features.16.weight": torch.zeros(4), "classifier.0.bias": torch.zeros(3)}
    torch.save(whole, tmp_path / "vgg19.pth")
    assert not any(
        p.requires_grad for p in perceptual.load_vgg(tmp_path / "vgg19.pth").parameters()
    )
    del whole["features.12.weight"]
    torch.save(whole, tmp_path / "cut.pth")
    with pytest.raises(PluginUnavailable, match=r"cut\.pth"):
        perceptual.load_vgg(tmp_path / "cut.pth")


@pytest.mark.parametrize("features", ["ave", "mel", "viseme", "hubert"])
@pytest.mark.parametrize("thin", [1, 4])
def test_a_trained_file_tells_its_layout(features, thin: int):
    from lipsync_synctalk2d.layouts import encoder_for, layout_of

    for side in (160, 320):
        layout = layout_for(side, features, thin)
        with torch.device("meta"):
            network = FaceNetwork(layout)
            made = network(torch.empty(1, 6, side, side), torch.empty(1, *layout.shape))
        assert made.shape == (1, 3, side, side)
        found = layout_of({name: tuple(t.shape) for name, t in network.state_dict().items()})
        assert found is not None
        if features != "hubert":  # as those for AVE
            assert found == layout
        names = {"ave": "synctalk2d"}
        assert encoder_for(layout) == names.get(features, f"synctalk2d-{features}")
