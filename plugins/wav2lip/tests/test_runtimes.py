"""Two runtimes, one result; exports are made once, whole, and for the checkpoint that is there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from lipsync_wav2lip import export, pictures
from lipsync_wav2lip.generator import Wav2Lip
from lipsync_wav2lip.onnx_runtime import OnnxRuntime
from lipsync_wav2lip.spec import WAV2LIP
from lipsync_wav2lip.torch_runtime import TorchRuntime

import lipsync_core
from lipsync_core.conformance import inputs
from lipsync_core.errors import GenerationFailed, OutOfMemory, PluginUnavailable, UsageError
from lipsync_core.networks import exported
from lipsync_core.networks.batches import in_batches
from lipsync_core.networks.exporting import drop_older
from lipsync_core.registry.probing import context_for
from lipsync_core.testing import recipe

COUNT = 10


@pytest.fixture(scope="module")
def mel() -> np.ndarray:
    return np.clip(recipe.normal("runtimes", (COUNT, 1, 80, 16), 2.0), -4, 4)


@pytest.fixture(scope="module")
def crops() -> np.ndarray:
    return recipe.image("runtimes", COUNT * 96, 96).reshape(COUNT, 96, 96, 3)


@pytest.fixture(scope="module")
def expected(checkpoint: Path, mel, crops) -> np.ndarray:
    runtime = TorchRuntime(checkpoint, "cpu", "fp32", threads=2)
    assert runtime.batch < COUNT  # so that more than one batch is joined
    return in_batches(runtime.run, runtime.batch, mel, pictures.network_faces(crops))


def test_the_network_sees_a_black_lower_half_and_the_whole_face_in_bgr(crops):
    faces = pictures.network_faces(crops)
    assert faces.shape == (COUNT, 6, 96, 96)
    assert not faces[:, :3, 48:].any()
    assert np.array_equal(faces[:, :3, :48], faces[:, 3:, :48])
    assert faces[2, 3, 60, 7] == np.float32(crops[2, 60, 7, 2] / 255)
    assert faces[2, 5, 60, 7] == np.float32(crops[2, 60, 7, 0] / 255)


def test_levels_are_rounded_or_cut_off_and_come_back_as_rgb():
    made = np.zeros((1, 3, 96, 96), np.float32)
    made[0, 0, 5, 6] = 0.999
    assert pictures.crops_of(made)[0, 5, 6].tolist() == [0, 0, 255]
    assert pictures.crops_of(made, cut_off=True)[0, 5, 6].tolist() == [0, 0, 254]
    made[0, 0, 0, 0] = np.nan
    with pytest.raises(GenerationFailed, match="NaN or infinity"):
        pictures.crops_of(made)


def test_onnx_gives_what_torch_gives(model: Path, mel, crops, expected):
    runtime = OnnxRuntime(model, "cpu", 2)
    made = in_batches(runtime.run, runtime.batch, mel, pictures.network_faces(crops))
    assert np.abs(made - expected).max() < 1e-5
    apart = pictures.crops_of(made).astype(int) - pictures.crops_of(expected)
    assert np.abs(apart).max() <= 1
    assert (apart != 0).mean() < 1e-3


def test_bf16_changes_the_picture_by_a_few_levels_at_most(checkpoint: Path, mel, crops, expected):
    runtime = TorchRuntime(checkpoint, "cpu", "bf16", threads=2)
    made = in_batches(runtime.run, runtime.batch, mel, pictures.network_faces(crops))
    apart = np.abs(pictures.crops_of(made).astype(int) - pictures.crops_of(expected))
    # Measured with AVX512_BF16: at most 3 levels, 0.37 on average (README).
    assert 0 < apart.max() <= 6
    assert apart.mean() < 0.6


def test_a_file_made_for_one_frame_at_a_time_is_run_so(
    model: Path, tmp_path: Path, mel, crops, expected
):
    onnx = pytest.importorskip("onnx")
    graph = onnx.load(model)
    for value in (*graph.graph.input, *graph.graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = 1
        value.name = {"source": "sound", "target": "face"}.get(value.name, value.name)
    for node in graph.graph.node:
        node.input[:] = [{"source": "sound", "target": "face"}.get(n, n) for n in node.input]
    onnx.save(graph, tmp_path / "one.onnx")
    runtime = OnnxRuntime(tmp_path / "one.onnx", "cpu", 2)
    assert runtime.batch == 1
    made = in_batches(runtime.run, runtime.batch, mel[:3], pictures.network_faces(crops[:3]))
    assert np.abs(made - expected[:3]).max() < 1e-5


def test_other_and_damaged_onnx_files_are_refused(tmp_path: Path):
    (tmp_path / "damaged.onnx").write_bytes(b"no model")
    with pytest.raises(PluginUnavailable, match=r"damaged\.onnx cannot be opened"):
        OnnxRuntime(tmp_path / "damaged.onnx", "cpu", 1)
    other = Path(lipsync_core.__file__).parent / "builtin" / "viseme" / "visemes.onnx"
    with pytest.raises(PluginUnavailable, match="is not Wav2Lip's"):
        OnnxRuntime(other, "cpu", 1)


def test_running_out_of_memory_is_told_as_such(checkpoint: Path, mel, crops, monkeypatch):
    runtime = TorchRuntime(checkpoint, "cpu", "fp32", threads=2)
    told = [
        torch.OutOfMemoryError("CUDA out of memory."),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"),
    ]
    for error in told:

        def fail(*given: object, error: Exception = error) -> None:
            raise error

        monkeypatch.setattr(runtime, "_network", fail)
        with pytest.raises(OutOfMemory):
            runtime.run(mel, pictures.network_faces(crops))


def test_exports_are_made_once_and_anew_for_another_checkpoint(
    home, checkpoint: Path, model: Path, monkeypatch
):
    folder = home(checkpoint)
    made = []

    def export_to(path: Path, source: Path) -> None:
        made.append(source)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.hardlink_to(model)

    monkeypatch.setattr(export, "export_to", export_to)
    context = context_for(WAV2LIP)
    first = export.export(context, "onnx")
    assert export.export(context, "onnx") == first
    assert len(made) == 1
    assert first[0].parent == folder / "cache" / "plugins" / "wav2lip"
    own = folder / "weights" / "wav2lip" / "wav2lip_gan.pth"
    content = bytearray(own.read_bytes())
    content[-1] ^= 1
    own.unlink()  # it is a hard link
    own.write_bytes(content)
    assert exported.find(context.cache, "wav2lip_gan", own) is None
    second = export.export(context, "onnx")
    assert second != first
    assert len(made) == 2
    own.unlink()
    assert exported.find(context.cache, "wav2lip_gan", None) in (*first, *second)


def test_a_new_export_replaces_the_old_one_and_leaves_nothing_behind(model: Path, checkpoint: Path):
    """The fixture's folder: the export itself and no temporary; an older one goes."""
    assert [p.name for p in model.parent.iterdir()] == [model.name]
    assert model.stat().st_size > 100e6
    old = model.with_name("wav2lip_gan-ffffffffffffffff.onnx")
    old.write_bytes(b"old")
    kept = model.with_name("wav2lip-ffffffffffffffff.onnx")
    kept.write_bytes(b"of the other one")
    drop_older(model)
    assert not old.exists()
    assert kept.exists()
    kept.unlink()


def test_what_cannot_be_exported(home, tmp_path: Path):
    home()
    with pytest.raises(PluginUnavailable, match="no checkpoint of Wav2Lip to export"):
        export.export(context_for(WAV2LIP), "onnx")
    with pytest.raises(UsageError, match="as tensorrt"):
        export.export(context_for(WAV2LIP), "tensorrt")
    damaged = tmp_path / "wav2lip_gan.pth"
    damaged.write_bytes(b"PK\x03\x04 half a file")
    home(damaged)
    pytest.importorskip("onnxscript")
    with pytest.raises(PluginUnavailable, match=r"wav2lip_gan\.pth"):
        export.export(context_for(WAV2LIP), "onnx")
    assert not list((tmp_path / "home" / "cache").rglob("*.onnx"))


def test_compat_cuts_levels_off(home, checkpoint: Path):
    home(checkpoint)
    crops = inputs.crops(WAV2LIP.crop, 2)
    chunk = inputs.chunk(crops, np.full((2, 80, 16), -1.0, np.float32))
    made = {}
    for compat in ("false", "true"):
        generator = Wav2Lip()
        context = context_for(WAV2LIP, precision="fp32", options={"compat": compat})
        generator.open(context)
        made[compat] = generator.generate(chunk).astype(int)
        generator.close()
    more = made["false"] - made["true"]
    assert set(np.unique(more)) == {0, 1}
    assert 0.4 < more.mean() < 0.6


BLOCKED = """
import sys
class NoTorch:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, NoTorch())
import numpy as np
from lipsync_wav2lip.generator import Wav2Lip
from lipsync_wav2lip.spec import WAV2LIP
from lipsync_core.registry.probing import context_for, probe
from lipsync_core.conformance import inputs
from lipsync_core.testing import recipe
context = context_for(WAV2LIP)
print(probe(WAV2LIP, context))
generator = Wav2Lip()
generator.open(context)
crops = inputs.crops(WAV2LIP.crop, 2)
made = generator.generate(inputs.chunk(crops, np.full((2, 80, 16), -1.0, np.float32)))
np.save(sys.argv[1], made)
assert "torch" not in sys.modules
"""


def test_runs_where_there_is_no_torch(home, model: Path, checkpoint: Path, tmp_path: Path):
    folder = home(checkpoint)
    context = context_for(WAV2LIP, precision="fp32", options={"runtime": "torch"})
    assert context.cache is not None
    context.cache.mkdir(parents=True)
    exported.path_for(context.cache, "wav2lip_gan", checkpoint).hardlink_to(model)
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED, str(tmp_path / "made.npy")],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "with ONNX Runtime in fp32" in done.stdout
    generator = Wav2Lip()
    generator.open(context)
    crops = inputs.crops(WAV2LIP.crop, 2)
    chunk = inputs.chunk(crops, np.full((2, 80, 16), -1.0, np.float32))
    apart = np.load(tmp_path / "made.npy").astype(int) - generator.generate(chunk)
    assert np.abs(apart).max() <= 1
    assert folder.is_dir()
