"""torch and ONNX Runtime give one result; exports are made once, whole, in the shapes that servers expect."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from lipsync_synctalk2d import export
from lipsync_synctalk2d.audio_runtime import AveRuntime
from lipsync_synctalk2d.choice import Choice, choose
from lipsync_synctalk2d.layouts import layout_for
from lipsync_synctalk2d.network import FaceNetwork
from lipsync_synctalk2d.onnx_runtime import OnnxAve, OnnxRuntime
from lipsync_synctalk2d.spec import ENCODER, SYNCTALK2D160
from lipsync_synctalk2d.torch_runtime import TorchRuntime

from lipsync_core.contracts import Ready
from lipsync_core.errors import PluginUnavailable, UsageError
from lipsync_core.networks import exported
from lipsync_core.registry.probing import context_for, probe
from lipsync_core.testing import lipsync, recipe, talk

torch = pytest.importorskip("torch")
pytest.importorskip("onnxscript")

LAYOUTS = {320: layout_for(320, "ave"), 160: layout_for(160, "ave")}


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def models(persons, ave: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Exports of both people, of a thin one that hears visemes, and of the AVE encoder."""
    folder = tmp_path_factory.mktemp("models")
    for size, side in ((328, 320), (160, 160)):
        export.person_to(folder / f"{side}-0.onnx", persons[size], LAYOUTS[side])
    torch.manual_seed(0)
    thin = layout_for(160, "viseme", 4)
    torch.save(FaceNetwork(thin).state_dict(), folder / "thin.pth")
    export.person_to(folder / "thin-0.onnx", folder / "thin.pth", thin)
    export.ave_to(folder / "ave-0.onnx", ave)
    return {name: folder / f"{name}-0.onnx" for name in ("320", "160", "thin", "ave")}


@pytest.mark.parametrize("side, size", [(320, 328), (160, 160)])
def test_a_persons_network_gives_the_same_and_the_originals_numbers(
    parity, models, persons, side: int, size: int
):
    pictures = recipe.uniform(f"st_img{size}", (2, 6, side, side))
    sound = recipe.normal("st_aud_ave", (2, 32, 16, 16))
    made = OnnxRuntime(models[str(side)], side, (32, 16, 16), "cpu", 1).run(pictures, sound)
    expected = TorchRuntime(persons[size], "cpu", "fp32", 1).run(pictures, sound)
    assert np.abs(made - expected).max() < 1e-5
    parity.check(f"synctalk2d_unet_{size}_ave", "pred", made)


def test_a_thin_network_that_hears_visemes_as_well(models):
    pictures = recipe.uniform("thin", (3, 6, 160, 160))
    sound = recipe.uniform("thin_sound", (3, 23, 16, 1))
    made = OnnxRuntime(models["thin"], 160, (23, 16, 1), "cpu", 1).run(pictures, sound)
    expected = TorchRuntime(models["thin"].parent / "thin.pth", "cpu", "fp32", 1).run(
        pictures, sound
    )
    assert np.abs(made - expected).max() < 1e-5


def test_the_ave_encoder_gives_the_same(models, ave: Path):
    windows = np.clip(recipe.normal("ave", (70, 80, 16), 2.0), -4, 4)
    made = OnnxAve(models["ave"], "cpu", 1).encode(windows)
    expected = AveRuntime(ave, "cpu", 1).encode(windows)
    assert np.abs(made - expected).max() < 1e-5


def test_shapes_are_those_that_servers_expect(models):
    onnxruntime = pytest.importorskip("onnxruntime")

    def told(name: str) -> tuple[list[list[object]], list[list[object]]]:
        session = onnxruntime.InferenceSession(str(models[name]))
        return (
            [[i.name, *i.shape[1:]] for i in session.get_inputs()],
            [[o.name, *o.shape[1:]] for o in session.get_outputs()],
        )

    assert told("ave") == ([["mel", 1, 80, 16]], [["features", 512]])
    assert told("320") == (
        [["pictures", 6, 320, 320], ["sound", 32, 16, 16]],
        [["made", 3, 320, 320]],
    )
    one = onnxruntime.InferenceSession(str(models["ave"])).run(
        None, {"mel": np.zeros((1, 1, 80, 16), np.float32)}
    )
    assert one[0].shape == (1, 512)


def test_other_files_are_refused(models, tmp_path: Path):
    with pytest.raises(PluginUnavailable, match="is not SyncTalk_2D's"):
        OnnxRuntime(models["ave"], 160, (32, 16, 16), "cpu", 1)
    with pytest.raises(PluginUnavailable, match="is not The AVE encoder's"):
        OnnxAve(models["160"], "cpu", 1)
    (tmp_path / "damaged.onnx").write_bytes(b"no model")
    with pytest.raises(PluginUnavailable, match=r"damaged\.onnx cannot be opened"):
        OnnxAve(tmp_path / "damaged.onnx", "cpu", 1)


def test_exports_are_made_from_the_command_line_once(home, persons, ave: Path, models):
    """One person's was made before; the other's is."""
    home(
        {
            "synctalk2d/audio_visual_encoder.pth": ave,
            "synctalk2d160/persons/may.pth": persons[160],
            "synctalk2d160/persons/bob.pth": persons[160],
        }
    )
    words = ("weights", "export", "synctalk2d160", "--format", "onnx", "--json", "--option")
    context = context_for(SYNCTALK2D160, options={"person": "may"})
    found = choose(160, context)
    assert isinstance(found, Choice) and context.cache is not None
    may = exported.path_for(context.cache, found.stem, found.file)
    may.parent.mkdir(parents=True, exist_ok=True)
    may.hardlink_to(models["160"])
    before = may.stat().st_mtime_ns
    assert may.name.startswith("may-160-")
    assert json.loads(lipsync(*words, "person=may").stdout)["files"] == [str(may)]
    first = json.loads(lipsync(*words, "person=bob").stdout)["files"]
    assert len(first) == 1
    assert Path(first[0]).name.startswith("bob-160-")
    made = Path(first[0]).stat().st_mtime_ns
    assert json.loads(lipsync(*words, "person=bob").stdout)["files"] == first
    assert Path(first[0]).stat().st_mtime_ns == made
    assert may.stat().st_mtime_ns == before  # one person's export does not cost another's
    done = lipsync("weights", "export", "synctalk2d160", "--format", "onnx")
    assert "several people are trained" in done.stderr
    with pytest.raises(UsageError, match="as tensorrt"):
        export.export_ave(context_for(ENCODER), "tensorrt")


def test_the_option_chooses_and_the_probe_tells(home, persons, ave: Path, models):
    home(
        {
            "synctalk2d/audio_visual_encoder.pth": ave,
            "synctalk2d160/persons/may.pth": persons[160],
        }
    )

    def context(**options: str):
        return context_for(SYNCTALK2D160, device="cpu", precision="fp32", options=options)

    told = probe(SYNCTALK2D160, context(runtime="onnx"))
    assert isinstance(told, Ready)
    assert told.detail == "may (may.pth) with ONNX Runtime in fp32 on cpu"
    with pytest.raises(UsageError, match="runtime=abacus is not one of auto, torch, onnx"):
        context(runtime="abacus")
    wrong = replace(context(runtime="onnx"), precision="bf16")
    assert "computes in fp32, not in bf16" in probe(SYNCTALK2D160, wrong).reason  # type: ignore[union-attr]
    told = probe(ENCODER, context_for(ENCODER, device="cpu", options={"runtime": "onnx"}))
    assert told == Ready(detail="with ONNX Runtime on cpu")


BLOCKED = """
import sys
class NoTorch:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, NoTorch())
from lipsync_core.cli import main
main(sys.argv[1:])
"""


def test_a_whole_run_where_there_is_no_torch(home, persons, ave: Path, models, tmp_path: Path):
    from lipsync_core import samples
    from lipsync_core.testing import write_voice

    home(
        {
            "synctalk2d/audio_visual_encoder.pth": ave,
            "synctalk2d160/persons/may.pth": persons[160],
        }
    )
    with_torch = talk(
        tmp_path, 4, "--generator", "synctalk2d160", "--strict", "--precision", "fp32"
    )
    context = context_for(SYNCTALK2D160, device="cpu", precision="fp32")
    found = choose(160, context)
    assert isinstance(found, Choice)
    for spec, stem, source, model in (
        (SYNCTALK2D160, found.stem, found.file, models["160"]),
        (
            ENCODER,
            "audio_visual_encoder",
            context_for(ENCODER).weights[f"{ave.name}"],
            models["ave"],
        ),
    ):
        cache = context_for(spec).cache
        assert cache is not None
        cache.mkdir(parents=True, exist_ok=True)
        exported.path_for(cache, stem, source).hardlink_to(model)
    out = tmp_path / "without.mp4"
    words = ["run", samples.portrait(), write_voice(tmp_path / "v.wav", 4), "-o", out, "--json"]
    words += ["--generator", "synctalk2d160", "--strict", "--still", "--silence", "generate"]
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED, *map(str, words), "--crf", "1"],
        capture_output=True, text=True, check=False, timeout=200,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["chain"]["used"] == {"synctalk2d160": 4}
    from lipsync_core.testing import frames_of

    apart = np.abs(frames_of(out).astype(int) - with_torch.frames)
    assert apart.max() <= 8
    assert apart.mean() < 0.1
