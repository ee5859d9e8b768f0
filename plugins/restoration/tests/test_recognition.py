"""Files are taken by their inputs and outputs; a wrong one is refused in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
from lipsync_restoration.spec import CODEFORMER, GFPGAN, GPEN

from lipsync_core.errors import PluginUnavailable
from lipsync_core.registry import create
from lipsync_core.registry.probing import context_for
from lipsync_core.specs import EnhancerSpec
from lipsync_core.testing.engine import import_labels

DOUBLE = 11
"""ONNX's number of the type."""


def refused(spec: EnhancerSpec, file: str) -> str:
    """What is said when it is opened with the file in place."""
    with pytest.raises(PluginUnavailable) as error:
        create(spec).open(context_for(spec, options={"file": file}))
    assert "\n" not in error.value.message
    assert "lipsync weights import" in error.value.hint
    return error.value.message


@pytest.mark.parametrize(
    "what, told",
    [
        ({"weight": ("weight", DOUBLE, [1])}, "a weight beside the picture is CodeFormer's"),
        ({"size": 256}, "GFPGAN takes pictures of 512 pixels"),
        ({"channels": 4}, "takes one square RGB picture"),
    ],
)
def test_gfpgan_refuses_other_models(home: Path, write_model, what: dict, told: str):
    write_model(home / "weights" / "gfpgan" / "gfpgan_1.4.onnx", **what)
    message = refused(GFPGAN, "auto")
    assert "gfpgan_1.4.onnx is no ONNX file of GFPGAN" in message
    assert told in message


def test_codeformer_wants_its_weight(home: Path, write_model):
    write_model(home / "weights" / "codeformer" / "codeformer.onnx")
    assert "lacks the fidelity weight" in refused(CODEFORMER, "auto")


def test_gpen_takes_its_four_sizes_only(home: Path, write_model):
    write_model(home / "weights" / "gpen" / "gpen_bfr_512.onnx", size=128)
    assert "256, 512, 1024, 2048" in refused(GPEN, "auto")


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x08\x08\x12\x07pytorch" * 50])
def test_what_is_no_onnx_file_is_refused(home: Path, content: bytes):
    path = home / "weights" / "gfpgan" / "gfpgan_1.4.onnx"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    if content:
        assert f"{path} cannot be read as an ONNX model" in refused(GFPGAN, "auto")
    else:  # an empty file counts as none
        assert "its weights are not here" in refused(GFPGAN, "auto")


def test_a_truncated_file_is_refused(home: Path, write_model):
    path = write_model(home / "weights" / "gfpgan" / "gfpgan_1.4.onnx", change="shade")
    path.write_bytes(path.read_bytes()[:50_000])
    assert "cannot be read as an ONNX model" in refused(GFPGAN, "auto")


@pytest.mark.parametrize(
    "name, what, label",
    [
        ("gfpgan_1.4.onnx", {}, "gfpgan/gfpgan_1.4.onnx"),
        ("RestoreFormer_PP.onnx", {}, "restoreformer/restoreformer_plus_plus.onnx"),
        ("gpen_bfr_512.onnx", {}, "gpen/gpen_bfr_512.onnx"),
        ("mine.onnx", {"size": 2048}, "gpen/gpen_bfr_2048.onnx"),
        ("codeformer.onnx", {"weight": ("weight", DOUBLE, [1])}, "codeformer/codeformer.onnx"),
        (
            "mine.onnx",
            {"image": "x", "output": "y", "weight": ("w", DOUBLE, [1])},
            "codeformer/codeformer_xw.onnx",
        ),
    ],
)
def test_an_import_puts_files_where_they_belong(
    tmp_path: Path, write_model, name: str, what: dict, label: str
):
    path = write_model(tmp_path / "downloads" / name, **what)
    assert import_labels(path) == [label]
