"""The probes say what would run, or what is missing; specs are complete data."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import pytest
from lipsync_latentsync import availability
from lipsync_latentsync.generator import LatentSync, LatentSync15
from lipsync_latentsync.spec import LATENTSYNC, LATENTSYNC15, UNET

from lipsync_core.contracts import Ready, Unavailable
from lipsync_core.errors import PluginUnavailable, UsageError
from lipsync_core.machine import hardware
from lipsync_core.registry import create, load_rows
from lipsync_core.registry.probing import context_for, probe
from lipsync_core.specs import GeneratorSpec
from lipsync_core.testing import OwnHome
from lipsync_core.testing.engine import fallback

OFFERED = (LATENTSYNC, LATENTSYNC15)


@pytest.fixture(autouse=True)
def folder(own_home: OwnHome) -> Path:
    return own_home()


@pytest.fixture
def bf16(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> bool:
    here = replace(hardware.detect(), bf16=request.param)
    monkeypatch.setattr(hardware, "detect", lambda: here)
    return bool(request.param)


def with_everything(spec: GeneratorSpec, folder: Path, content: bytes = b"x") -> GeneratorSpec:
    """Packages, memory and weight files as a user who has them all would have them."""
    for weight in spec.weights:
        file = folder / "weights" / spec.name / weight.path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return replace(spec, requires=(), memory=None, main_memory=None)


def test_is_found_as_an_installed_plugin():
    row = next(row for row in load_rows({}) if row.name == "latentsync")
    assert (row.status, row.distribution) == ("ok", "lipsync-latentsync")
    assert set(OFFERED) < set(row.specs)
    assert [type(create(spec)) for spec in OFFERED] == [LatentSync, LatentSync15]


@pytest.mark.parametrize("bf16", [True, False], indirect=True)
@pytest.mark.parametrize("spec", OFFERED, ids=lambda s: s.name)
def test_says_what_would_run(folder: Path, bf16: bool, spec: GeneratorSpec):
    spec = with_everything(spec, folder)
    precision = "bf16" if bf16 else "fp32"
    assert probe(spec, context_for(spec)) == Ready(detail=f"{UNET} in {precision} on cpu")
    context = context_for(spec, precision="fp32")
    assert probe(spec, context) == Ready(detail=f"{UNET} in fp32 on cpu")


@pytest.mark.parametrize(
    ("precision", "reason"),
    [
        ("fp16", "it does not compute in fp16 on a CPU"),
        ("int8", "it does not compute in int8"),
    ],
)
def test_settings_that_do_not_go_are_told(folder: Path, precision: str, reason: str):
    spec = with_everything(LATENTSYNC15, folder)
    context = context_for(spec, precision=precision)
    told = probe(spec, context)
    assert isinstance(told, Unavailable)
    assert told.reason == reason
    with pytest.raises(PluginUnavailable, match=reason):
        LatentSync15().open(context)


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("steps", "0", "from 1 to 999"),
        ("guidance", "-1", "from 0 to 10"),
        ("reuse", "0", "from 1 to 999"),
        ("vae", "tiny", "one of auto, sliced, tiled"),
    ],
)
def test_options_are_limited(key: str, value: str, allowed: str):
    with pytest.raises(UsageError, match=f"latentsync15.{key}={value} is not {allowed}"):
        context_for(LATENTSYNC15, options={key: value})


@pytest.mark.parametrize("spec", OFFERED, ids=lambda s: s.name)
def test_one_file_for_both_versions_is_told(folder: Path, spec: GeneratorSpec):
    for one in OFFERED:
        with_everything(one, folder)
    context = context_for(spec)
    told = probe(replace(spec, requires=(), memory=None, main_memory=None), context)
    assert isinstance(told, Unavailable)
    assert "is the same file as that of latentsync" in told.reason
    assert "lipsync weights pull latentsync" in told.hint
    with pytest.raises(PluginUnavailable, match="is the same file as that of"):
        create(spec).open(context)
    with_everything(LATENTSYNC15, folder, b"y")
    assert isinstance(
        probe(replace(spec, requires=(), memory=None, main_memory=None), context), Ready
    )


def test_memory_is_asked_for_by_device_and_precision(folder: Path, monkeypatch):
    """The authors' figures are of GPUs: 18 GB there say nothing of a CPU."""

    def machine(gib: float) -> None:
        here = replace(hardware.detect(), memory=int(gib * 2**30), bf16=True)
        monkeypatch.setattr(hardware, "detect", lambda: here)

    spec = replace(with_everything(LATENTSYNC, folder), memory=LATENTSYNC.memory)
    spec = replace(spec, main_memory=LATENTSYNC.main_memory)
    machine(16)
    for precision in ("auto", "fp32"):
        assert isinstance(probe(spec, context_for(spec, precision=precision)), Ready)
    machine(8)
    assert isinstance(probe(spec, context_for(spec)), Ready)
    told = probe(spec, context_for(spec, precision="fp32"))
    assert isinstance(told, Unavailable)
    assert "in fp32 it needs" in told.reason
    assert "--precision bf16" in told.hint
    machine(4)
    told = probe(spec, context_for(spec))
    assert isinstance(told, Unavailable)
    assert "of cpu memory, here are 4.0" in told.reason


def test_large_files_are_the_same_only_if_they_are_so_further_in(tmp_path: Path):
    one, other = tmp_path / "one", tmp_path / "other"
    content = bytearray(1 << 20)
    one.write_bytes(content)
    other.write_bytes(content)
    assert availability._same(one, other)
    content[3 << 18] = 1
    other.write_bytes(content)
    assert not availability._same(one, other)


def test_says_everything_that_is_missing():
    absent = replace(LATENTSYNC.requires[0], module="nobody_has_this")
    answer = probe(replace(LATENTSYNC, requires=(absent,), memory=None, main_memory=None))
    assert isinstance(answer, Unavailable)
    assert f"'{absent.distribution}' is not installed" in answer.reason
    assert f'pip install "{absent.distribution}>={absent.minimum}"' in answer.hint
    assert f"its weights are not here: {UNET}" in answer.reason
    assert "lipsync weights pull latentsync" in answer.hint
    with pytest.raises(PluginUnavailable, match="its weights are not here"):
        LatentSync().open(context_for(LATENTSYNC))


def test_it_needs_the_distribution_of_its_audio_encoder():
    wanted = {requirement.distribution for requirement in LATENTSYNC.requires}
    assert wanted == {"torch", "diffusers", "lipsync-musetalk"}
    assert LATENTSYNC.audio_encoder == "whisper-latentsync"


def test_the_chain_falls_back_and_tells_the_reason():
    used, passed = fallback("latentsync")
    assert [(name, phase) for name, phase, _ in passed] == [("latentsync", "probe")]
    assert f"its weights are not here: {UNET}" in passed[0][2]
    assert len(used) == 1
    assert used != ["latentsync"]


def test_specs_are_data_and_name_what_their_weights_allow():
    for spec in OFFERED:
        assert pickle.loads(pickle.dumps(spec)) == spec
        assert spec.licence.commercial is None
        assert all(w.repository or w.origin for w in spec.weights)


def test_both_sizes_share_a_template():
    """Aligned sizes 210x280 for 256 pixels and 420x560 for 512; nose in the middle (published figures)."""
    assert (LATENTSYNC15.crop.size, LATENTSYNC.crop.size) == ((210, 280), (420, 560))
    assert LATENTSYNC15.crop.reference[2] == pytest.approx((105.0, 112.0))
    assert LATENTSYNC.crop.reference[0] == pytest.approx((95.2, 112.0))


def test_the_two_versions_never_share_a_weights_folder():
    assert {w.repository for w in LATENTSYNC.weights} & {"ByteDance/LatentSync-1.6"}
    assert {w.repository for w in LATENTSYNC15.weights} & {"ByteDance/LatentSync-1.5"}
    assert LATENTSYNC.name != LATENTSYNC15.name


def test_options_are_typed():
    context = context_for(LATENTSYNC, options={"steps": "30", "guidance": "2"})
    told = {"steps": 30, "guidance": 2.0, "reuse": 1, "vae": "auto"}
    assert context.options == told | {"compile": False, "compat": False}
