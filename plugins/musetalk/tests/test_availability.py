"""The probes say what would run, or what is missing; specs are complete data."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import pytest
from lipsync_musetalk import availability
from lipsync_musetalk.generator import MuseTalk
from lipsync_musetalk.pose_spec import DWPOSE
from lipsync_musetalk.spec import MUSETALK, MUSETALK10, PARSING, WHISPER, WHISPER_LATENTSYNC

from lipsync_core.contracts import Ready, Unavailable
from lipsync_core.errors import PluginUnavailable
from lipsync_core.machine import hardware
from lipsync_core.registry import load_rows
from lipsync_core.registry.probing import context_for, probe
from lipsync_core.specs import GeneratorSpec, PluginSpec
from lipsync_core.testing.engine import fallback

UNCLEAR = (PARSING, DWPOSE)
"""Whose weights come from data for research."""
OFFERED: tuple[PluginSpec, ...] = (MUSETALK, MUSETALK10, WHISPER, WHISPER_LATENTSYNC, *UNCLEAR)


@pytest.fixture(autouse=True)
def folder(home) -> Path:
    return home()


@pytest.fixture
def bf16(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> bool:
    here = replace(hardware.detect(), bf16=request.param)
    monkeypatch.setattr(hardware, "detect", lambda: here)
    return bool(request.param)


def with_everything(spec: GeneratorSpec, folder: Path) -> GeneratorSpec:
    """Packages, memory and weight files as a user who has them all would have them."""
    for weight in spec.weights:
        file = folder / "weights" / spec.name / weight.path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x")
    return replace(spec, requires=(), memory=None)


def test_is_found_as_an_installed_plugin():
    row = next(row for row in load_rows({}) if row.name == "musetalk")
    assert (row.status, row.distribution) == ("ok", "lipsync-musetalk")
    assert set(row.specs) == set(OFFERED)


@pytest.mark.parametrize("bf16", [True, False], indirect=True)
@pytest.mark.parametrize(
    ("spec", "name"), [(MUSETALK, "unet.pth"), (MUSETALK10, "pytorch_model.bin")]
)
def test_says_what_would_run(folder: Path, bf16: bool, spec: GeneratorSpec, name: str):
    spec = with_everything(spec, folder)
    precision = "bf16" if bf16 else "fp32"
    assert probe(spec, context_for(spec)) == Ready(detail=f"{name} in {precision} on cpu")
    context = context_for(spec, precision="fp32")
    assert probe(spec, context) == Ready(detail=f"{name} in fp32 on cpu")
    on_gpu = replace(context_for(spec), device="cuda")
    assert availability.precision_for(on_gpu) == "fp16"


@pytest.mark.parametrize(
    ("precision", "reason"),
    [
        ("fp16", "it does not compute in fp16 on a CPU"),
        ("int8", "it does not compute in int8"),
    ],
)
def test_precisions_that_do_not_go_are_told(folder: Path, precision: str, reason: str):
    spec = with_everything(MUSETALK, folder)
    context = context_for(spec, precision=precision)
    told = probe(spec, context)
    assert isinstance(told, Unavailable)
    assert told.reason == reason
    with pytest.raises(PluginUnavailable, match=reason):
        MuseTalk().open(context)


def test_what_cannot_be_compiled_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch):
    spec = with_everything(MUSETALK, folder)
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert isinstance(probe(spec, context_for(spec)), Ready)
    context = context_for(spec, options={"compile": "true"})
    told = probe(spec, context)
    assert isinstance(told, Unavailable)
    assert "it cannot be compiled here: there is no C++ compiler" in told.reason
    with pytest.raises(PluginUnavailable, match="no C\\+\\+ compiler"):
        MuseTalk().open(context)


def test_says_everything_that_is_missing():
    absent = replace(MUSETALK.requires[0], module="nobody_has_this")
    answer = probe(replace(MUSETALK, requires=(absent,), memory=None))
    assert isinstance(answer, Unavailable)
    assert f"'{absent.distribution}' is not installed" in answer.reason
    assert f'pip install "{absent.distribution}>={absent.minimum}"' in answer.hint
    assert f"its weights are not here: {MUSETALK.weights[0].path}" in answer.reason
    assert "lipsync weights pull musetalk" in answer.hint
    with pytest.raises(PluginUnavailable, match="its weights are not here"):
        MuseTalk().open(context_for(MUSETALK))


def test_the_chain_falls_back_and_tells_the_reason():
    used, passed = fallback("musetalk")
    assert [(name, phase) for name, phase, _ in passed] == [("musetalk", "probe")]
    assert "its weights are not here: musetalkV15/unet.pth" in passed[0][2]
    assert len(used) == 1
    assert used != ["musetalk"]


def test_specs_are_data_and_name_what_their_weights_allow():
    for spec in OFFERED:
        assert pickle.loads(pickle.dumps(spec)) == spec
        assert spec.licence.commercial is (None if spec in UNCLEAR else True)
        assert all(w.repository or w.origin for w in spec.weights)


def test_geometry_is_the_published_one():
    for spec in (MUSETALK, MUSETALK10):
        assert (spec.crop.size, spec.crop.middle) == ((256, 256), 29)
        assert spec.audio_encoder == WHISPER.name
    assert MUSETALK.crop.margins.bottom > MUSETALK10.crop.margins.bottom == 0
    assert (WHISPER.feature_shape, WHISPER.sample_rate) == ((50, 384), 16_000)


def test_older_folders_of_the_vae_are_found(folder: Path):
    older = folder / "weights" / "musetalk" / "sd-vae-ft-mse"
    older.mkdir(parents=True)
    (older / "config.json").write_text("{}")
    assert context_for(MUSETALK).weights["sd-vae/config.json"] == older / "config.json"
