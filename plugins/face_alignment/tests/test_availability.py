"""What the probe says, that nothing is fetched, options, memory, and runs that name the detector."""

from __future__ import annotations

import json
import os
import pickle
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the networks are torch's")
pytest.importorskip("face_alignment", reason="the networks' code comes with it")

from lipsync_face_alignment.networks import BoxNetwork  # noqa: E402
from lipsync_face_alignment.spec import FACE_ALIGNMENT  # noqa: E402

from lipsync_core import samples  # noqa: E402
from lipsync_core.conformance import inputs  # noqa: E402
from lipsync_core.contracts import Ready, Unavailable  # noqa: E402
from lipsync_core.errors import OutOfMemory, PluginFault, PluginUnavailable, UsageError  # noqa: E402
from lipsync_core.registry import (  # noqa: E402
    create,
    load_rows,
)
from lipsync_core.registry.probing import context_for, probe  # noqa: E402
from lipsync_core.testing.engine import import_labels  # noqa: E402

BOTH = ("s3fd-619a316812.pth", "2DFAN4-11f355bf06.pth.tar")


def test_is_found_as_an_installed_plugin():
    row = next(row for row in load_rows({}) if row.name == "face_alignment")
    assert (row.status, row.distribution) == ("ok", "lipsync-face-alignment")
    assert row.specs == (FACE_ALIGNMENT,)
    assert pickle.loads(pickle.dumps(FACE_ALIGNMENT)) == FACE_ALIGNMENT


@pytest.mark.parametrize(
    "here, missing",
    [
        ((), ("s3fd-619a316812.pth", "2DFAN4-11f355bf06.pth.tar or 2DFAN4-cd938726ad.zip")),
        (BOTH[:1], ("2DFAN4-11f355bf06.pth.tar or 2DFAN4-cd938726ad.zip",)),
        (BOTH[1:], ("s3fd-619a316812.pth",)),
    ],
)
def test_missing_weights_are_named(home, here: tuple[str, ...], missing: tuple[str, ...]):
    home(*here)
    answer = probe(FACE_ALIGNMENT)
    assert isinstance(answer, Unavailable)
    for name in missing:
        assert name in answer.reason
    assert "lipsync weights pull face-alignment" in answer.hint


@pytest.mark.parametrize("fan", ["2DFAN4-11f355bf06.pth.tar", "2DFAN4-cd938726ad.zip"])
def test_either_landmark_file_will_do(home, fan: str):
    home("s3fd-619a316812.pth", fan)
    answer = probe(FACE_ALIGNMENT)
    assert isinstance(answer, Ready)
    assert fan in answer.detail


@pytest.mark.parametrize("name", [*BOTH, "2DFAN4-cd938726ad.zip"])
def test_an_import_knows_the_files(published: Path, name: str):
    assert import_labels(published / name) == [f"face-alignment/{name}"]


def test_nothing_is_fetched(home, monkeypatch: pytest.MonkeyPatch):
    """The package downloads when its own classes are made; this plugin opens, works and asks nobody."""

    def forbidden(*args: object, **kwargs: object) -> None:
        raise AssertionError("a connection was opened")

    home(*BOTH)
    monkeypatch.setattr(socket.socket, "connect", forbidden)
    for name in ("download_url_to_file", "load_state_dict_from_url"):
        monkeypatch.setattr(torch.hub, name, forbidden)
    plugin = create(FACE_ALIGNMENT)
    plugin.open(context_for(FACE_ALIGNMENT, options={"flip": "no"}))
    assert plugin.detect(np.full((1, 64, 64, 3), 90, np.uint8)) == [[]]  # type: ignore[attr-defined]


def test_a_damaged_file_is_named(home):
    folder = home(BOTH[1]) / "weights" / "face-alignment"
    (folder / BOTH[0]).write_bytes(b"PK\x03\x04 cut short")
    with pytest.raises(PluginUnavailable, match=r"s3fd-619a316812\.pth"):
        create(FACE_ALIGNMENT).open(context_for(FACE_ALIGNMENT))


@pytest.mark.parametrize("key, value", [("threshold", "0"), ("limit", "20"), ("max_faces", "0")])
def test_options_out_of_range_are_refused(key: str, value: str):
    with pytest.raises(UsageError, match=f"face-alignment.{key}={value} is not from "):
        context_for(FACE_ALIGNMENT, options={key: value})


def test_used_before_it_is_opened():
    with pytest.raises(PluginFault, match="before it was opened"):
        create(FACE_ALIGNMENT).detect(inputs.portrait()[None])  # type: ignore[attr-defined]


def test_one_picture_that_does_not_fit_is_told_with_the_remedy(home, monkeypatch):
    def none_fits(self: BoxNetwork, images: object) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 TB")

    monkeypatch.setattr(BoxNetwork, "_run", none_fits)
    home(*BOTH)
    detector = create(FACE_ALIGNMENT)
    detector.open(context_for(FACE_ALIGNMENT))
    with pytest.raises(OutOfMemory, match="a single picture") as error:
        detector.detect(inputs.portrait()[None])  # type: ignore[attr-defined]
    assert "face-alignment.limit" in error.value.hint


def faces(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lipsync_core", "faces", str(samples.portrait()), "--json",
         "-o", str(folder / "faces.png"), *words],
        capture_output=True, text=True, timeout=120, check=False, env=os.environ | {"COLUMNS": "300"},
    )  # fmt: skip


def test_the_command_line_finds_the_portrait_with_it(home, tmp_path: Path):
    home(*BOTH)
    done = faces(tmp_path, "--detector", "face-alignment")
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["tracks"]) == 1


def test_without_weights_it_says_so_and_the_built_in_one_is_used_when_none_is_named(
    home, tmp_path: Path
):
    home()
    done = faces(tmp_path, "--detector", "face-alignment")
    assert done.returncode == 4
    assert "its weights are not here: s3fd-619a316812.pth" in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert faces(tmp_path).returncode == 0
