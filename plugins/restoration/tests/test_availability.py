"""What the probes say: which file is missing and how to get it, options, and what a .pth file needs."""

from __future__ import annotations

import pickle
import sys
from dataclasses import replace
from importlib import util
from pathlib import Path

import pytest
from lipsync_restoration.spec import ALL, CODEFORMER, GFPGAN, GPEN, RESTOREFORMER

from lipsync_core.contracts import Ready, Unavailable
from lipsync_core.errors import PluginUnavailable, UsageError
from lipsync_core.registry import create, load_rows
from lipsync_core.registry.probing import context_for, probe
from lipsync_core.specs import EnhancerSpec


def test_is_found_as_an_installed_plugin():
    row = next(row for row in load_rows({}) if row.name == "restoration")
    assert (row.status, row.distribution) == ("ok", "lipsync-restoration")
    assert set(row.specs) == set(ALL)


@pytest.mark.parametrize("spec", ALL, ids=lambda s: s.name)
def test_without_a_file_it_says_which_and_how_to_get_it(spec: EnhancerSpec, home: Path):
    answer = probe(spec)
    assert isinstance(answer, Unavailable)
    assert answer.reason.startswith(f"its weights are not here: {spec.weights[0].path}")
    assert "lipsync weights import FILE" in answer.hint
    assert str(home / "weights" / spec.name) in answer.hint
    assert f"lipsync weights pull {spec.name} --file {spec.weights[0].path}" in answer.hint
    assert "facefusion/models-3.0.0" in answer.hint
    enhancer = create(spec)
    with pytest.raises(PluginUnavailable) as error:
        enhancer.open(context_for(spec))
    assert answer.reason in error.value.message
    assert error.value.hint == answer.hint


def test_ready_names_the_file_that_will_be_used(home: Path, write_model):
    write_model(home / "weights" / "gfpgan" / "gfpgan_1.3.onnx")
    answer = probe(GFPGAN)
    assert isinstance(answer, Ready)
    assert answer.detail.startswith("with gfpgan_1.3.onnx on ")
    write_model(home / "weights" / "gfpgan" / "GFPGANv1.4.onnx")  # known under this name as well
    answer = probe(GFPGAN)
    assert isinstance(answer, Ready)
    assert "GFPGANv1.4.onnx" in answer.detail


def test_the_file_can_be_chosen(home: Path, write_model):
    for size in (256, 512):
        write_model(home / "weights" / "gpen" / f"gpen_bfr_{size}.onnx", size=size)
    answer = probe(GPEN, context_for(GPEN, options={"file": "GPEN-BFR-256.onnx"}))
    assert isinstance(answer, Ready)
    assert "gpen_bfr_256.onnx" in answer.detail
    answer = probe(GPEN, context_for(GPEN, options={"file": "gpen_bfr_1024.onnx"}))
    assert isinstance(answer, Unavailable)
    assert answer.reason == "its weights are not here: gpen_bfr_1024.onnx"
    with pytest.raises(
        UsageError, match=r"gpen\.file=best is not one of auto, gpen_bfr_512\.onnx, "
    ):
        context_for(GPEN, options={"file": "best"})


@pytest.mark.parametrize("key, value", [("fidelity", "1.2"), ("steady", "-3")])
def test_options_out_of_range_are_refused(key: str, value: str):
    with pytest.raises(UsageError, match=f"codeformer.{key}={value} is not from 0 to "):
        context_for(CODEFORMER, options={key: value})


def test_commercial_only_keeps_them_out():
    for spec in ALL:
        assert spec.licence.commercial is not True
        answer = probe(spec, commercial_only=True)
        assert isinstance(answer, Unavailable)
        assert spec.licence.weights in answer.reason


def test_specs_are_data_and_every_file_has_a_licence_and_a_source():
    for spec in ALL:
        assert pickle.loads(pickle.dumps(spec)) == spec
        assert all((w.repository or w.origin) and w.holds for w in spec.weights)
        assert all(w.licence != "not stated" for w in spec.weights)


def absent(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Packages that are not installed, for those who ask and those who import."""
    real = util.find_spec
    monkeypatch.setattr(util, "find_spec", lambda n, *a: None if n in names else real(n, *a))
    for name in names:
        monkeypatch.setitem(sys.modules, name, None)


@pytest.mark.parametrize("missing", [("spandrel",), ("torchvision",), ("spandrel", "torchvision")])
@pytest.mark.parametrize("spec", [GFPGAN, RESTOREFORMER], ids=lambda s: s.name)
def test_a_pth_file_says_which_packages_it_lacks(
    home: Path, monkeypatch: pytest.MonkeyPatch, spec: EnhancerSpec, missing: tuple[str, ...]
):
    here = home / "packages"
    for name in {"torch", "spandrel", "torchvision"} - set(missing):
        (here / name).mkdir(parents=True)
        (here / name / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(here))
    absent(monkeypatch, *missing)
    path = home / "weights" / spec.name / spec.weights[-1].path
    path.parent.mkdir(parents=True)
    path.write_bytes(b"x")
    answer = probe(spec)
    assert isinstance(answer, Unavailable)
    assert answer.reason == (
        f"to read {path.name} it needs {', '.join(missing)}, not installed here"
    )
    assert "ONNX file" in answer.hint
    with pytest.raises(PluginUnavailable, match="not installed here"):
        create(spec).open(context_for(spec))


def test_a_torchvision_that_does_not_fit_torch_is_told_when_it_is_opened(
    home: Path, monkeypatch: pytest.MonkeyPatch
):
    """spandrel imports torchvision, which fails like this beside a torch of another build."""
    pytest.importorskip("torch")
    here = home / "packages"
    for name, source in (
        ("spandrel", "import torchvision"),
        ("torchvision", "raise RuntimeError('operator torchvision::nms does not exist')"),
    ):
        (here / name).mkdir(parents=True)
        (here / name / "__init__.py").write_text(source)
    monkeypatch.syspath_prepend(str(here))
    for name in ("spandrel", "torchvision"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    path = home / "weights" / "gfpgan" / "GFPGANv1.4.pth"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"x")
    assert isinstance(probe(GFPGAN), Ready)  # the probe imports nothing
    with pytest.raises(PluginUnavailable) as error:
        create(GFPGAN).open(context_for(GFPGAN))
    assert "fail to import" in error.value.message
    assert "torchvision::nms does not exist" in error.value.message
    assert "ONNX file" in error.value.hint


def test_an_old_onnxruntime_is_told():
    newer = replace(GFPGAN.requires[0], minimum="99.0")
    answer = probe(replace(GFPGAN, requires=(newer,)))
    assert isinstance(answer, Unavailable)
    assert "onnxruntime 99.0 or newer" in answer.reason
