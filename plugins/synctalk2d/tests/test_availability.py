"""The probe says whose network would run, or what is missing; `open` follows it to the letter."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from lipsync_synctalk2d import choice
from lipsync_synctalk2d.generator import SyncTalk2D, SyncTalk2D160
from lipsync_synctalk2d.spec import ENCODERS, GENERATORS, SYNCTALK2D, SYNCTALK2D160, TRAIN

from lipsync_core.conformance.inputs import portrait_face
from lipsync_core.contracts import Ready, Unavailable
from lipsync_core.errors import PluginUnavailable, UsageError
from lipsync_core.faces.crops import place, transform
from lipsync_core.faces.schemes import convert
from lipsync_core.machine import hardware
from lipsync_core.networks import runtime
from lipsync_core.people import store
from lipsync_core.people.card import Card
from lipsync_core.registry import load_rows
from lipsync_core.registry.probing import context_for, probe
from lipsync_core.specs import GeneratorSpec


@pytest.fixture(autouse=True)
def plain_computer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A CPU without bf16, whatever runs the tests."""
    here = replace(hardware.detect(), bf16=False, gpus=(), mps=False)
    monkeypatch.setattr(hardware, "detect", lambda: here)


def answer(
    spec: GeneratorSpec, precision: str = "auto", device: str = "cpu", **options: str
) -> str:
    """The probe's words, without what torch's absence would add."""
    spec = replace(spec, requires=())
    context = context_for(spec, device=device, precision=precision, options=options)
    told = probe(spec, context)
    if not isinstance(told, Unavailable):
        return told.detail
    plugin = SyncTalk2D160() if spec.name == "synctalk2d160" else SyncTalk2D()
    if device == "cpu":
        with pytest.raises(PluginUnavailable) as error:
            plugin.open(context)
        assert error.value.message == f"SyncTalk_2D cannot run: {told.reason}."
        assert error.value.hint == told.hint
    return f"no: {told.reason} -> {told.hint}"


def test_is_found_as_an_installed_plugin():
    row = next(row for row in load_rows({}) if row.name == "synctalk2d")
    assert (row.status, row.distribution) == ("ok", "lipsync-synctalk2d")
    assert set(row.specs) == {*ENCODERS, SYNCTALK2D, SYNCTALK2D160, TRAIN}
    assert pickle.loads(pickle.dumps(SYNCTALK2D)) == SYNCTALK2D
    assert {side: spec.crop.size for side, spec in GENERATORS.items()} == {
        320: (328, 328),
        160: (168, 168),
    }


def test_nobody_there(home):
    folder = home()
    told = answer(SYNCTALK2D)
    assert told.startswith("no: its weights are not here: no person is trained -> ")
    assert str(folder / "weights" / "synctalk2d" / "persons") in told
    assert "--option synctalk2d.person=PATH" in told
    assert "no person is called 'anna'" in answer(SYNCTALK2D160, person="anna")


def test_the_only_person_is_taken_and_of_several_one_must_be_named(home, persons):
    home({"synctalk2d160/persons/may.pth": persons[160]})
    assert answer(SYNCTALK2D160) == "may (may.pth) in fp32 on cpu"
    home({"synctalk2d160/checkpoint/Anna/9.pth": persons[160]})
    told = answer(SYNCTALK2D160)
    assert told.startswith("no: several people are trained -> ")
    assert "--option synctalk2d160.person=WHO (here are may, Anna)" in told
    assert answer(SYNCTALK2D160, person="Anna") == "Anna (9.pth) in fp32 on cpu"
    assert answer(SYNCTALK2D160, person="bob").startswith("no: no person 'bob' is trained -> ")


def test_upstreams_folder_gives_its_highest_number(home, persons, tmp_path: Path):
    home()
    folder = tmp_path / "checkpoint" / "May"
    folder.mkdir(parents=True)
    for name in ("9.pth", "99.pth", "100.pth", "last.pth", "notes.pth"):
        (folder / name).hardlink_to(persons[328])
    assert answer(SYNCTALK2D, person=str(folder)) == f"{folder} (100.pth) in fp32 on cpu"
    dataset = tmp_path / "dataset" / "May"
    dataset.mkdir(parents=True)
    assert answer(SYNCTALK2D, person=str(dataset)) == f"{dataset} (100.pth) in fp32 on cpu"
    assert "no person is called" in answer(SYNCTALK2D, person=str(dataset.with_name("Bob")))
    file = folder / "9.pth"
    assert answer(SYNCTALK2D, person=str(file)) == f"{file} (9.pth) in fp32 on cpu"
    for name in ("9.pth", "99.pth", "100.pth"):
        (folder / name).unlink()
    assert "(last.pth)" in answer(SYNCTALK2D, person=str(folder))


def test_the_other_size_is_told_with_the_generator_that_takes_it(home, persons):
    home({"synctalk2d/persons/may.pth": persons[160]})
    told = answer(SYNCTALK2D)
    assert "is a network for pictures of 160 pixels, not of 320" in told
    assert "--generator synctalk2d160 --option synctalk2d160.person=" in told


def test_a_person_of_the_other_size_is_found_by_name(home, persons):
    home({"synctalk2d160/persons/may.pth": persons[160]})
    told = answer(SYNCTALK2D, person="may")
    assert told.startswith("no: 'may' is trained for synctalk2d160 -> ")
    assert "--generator synctalk2d160 --option synctalk2d160.person=may" in told


def chosen(spec: GeneratorSpec, **options: str) -> str:
    """The audio encoder that the probe names."""
    told = probe(replace(spec, requires=()), context_for(spec, device="cpu", options=options))
    assert isinstance(told, Ready), told
    return told.audio_encoder


def test_the_encoder_goes_by_what_the_network_hears(home, fill, persons, tmp_path: Path):
    torch = pytest.importorskip("torch")
    from lipsync_synctalk2d.layouts import Layout, layout_for
    from lipsync_synctalk2d.network import FaceNetwork

    folder = home({"synctalk2d160/persons/may.pth": persons[160]})
    assert chosen(SYNCTALK2D160) == "synctalk2d"
    layout = Layout(side=160, sound="hubert", shape=(16, 32, 32), project="Ultralight")
    with torch.device("meta"):
        network = FaceNetwork(layout)
    path = tmp_path / "7.pth"
    torch.save({"epoch": 7, "model": fill(network, "ultralight_unet_160_hubert")}, path)
    assert chosen(SYNCTALK2D160, person=str(path)) == "ultralight-hubert"
    for features in ("mel", "viseme"):
        path = folder / "weights" / "synctalk2d160" / "persons" / f"{features}.pth"
        torch.save(FaceNetwork(layout_for(160, features, 8)).state_dict(), path)
        assert chosen(SYNCTALK2D160, person=features) == f"synctalk2d-{features}"


def test_networks_for_hubert_are_told_by_folder_card_or_option(home, persons, tmp_path: Path):
    home({"synctalk2d160/persons/may.pth": persons[160]})
    assert chosen(SYNCTALK2D160, features="hubert") == "synctalk2d-hubert"
    with pytest.raises(UsageError, match="features=ears is not one of auto, ave, hubert"):
        answer(SYNCTALK2D160, features="ears")
    checkpoint, dataset = tmp_path / "checkpoint" / "May", tmp_path / "dataset" / "May"
    for folder in (checkpoint, dataset):
        folder.mkdir(parents=True)
    (checkpoint / "99.pth").hardlink_to(persons[160])
    assert chosen(SYNCTALK2D160, person=str(dataset)) == "synctalk2d"
    (dataset / "aud_hu.npy").touch()
    assert chosen(SYNCTALK2D160, person=str(dataset)) == "synctalk2d-hubert"
    assert chosen(SYNCTALK2D160, person=str(dataset), features="ave") == "synctalk2d"
    card = Card(name="anna", generator="synctalk2d160", features="hubert")
    store.save(card, {"network.pth": persons[160]})
    assert chosen(SYNCTALK2D160, person="anna") == "synctalk2d-hubert"


def test_files_that_are_no_person_are_told(home, ave: Path, persons, tmp_path: Path):
    home({"synctalk2d/persons/ave.pth": ave})
    assert "is not a person's network" in answer(SYNCTALK2D)
    cut = tmp_path / "cut.pth"
    cut.write_bytes(persons[328].read_bytes()[:2_000_000])
    assert "cut.pth" in answer(SYNCTALK2D, person=str(cut))


def test_paths_that_cannot_be_looked_at_are_told(home, persons, monkeypatch: pytest.MonkeyPatch):
    home({"synctalk2d160/persons/may.pth": persons[160]})
    told = answer(SYNCTALK2D160, person="x" * 300)
    assert "x cannot be read: " in told
    assert told.endswith(" -> Check the path, and your rights to read it.")
    assert "~nobody-of-that-name/May cannot be read: " in answer(
        SYNCTALK2D160, person="~nobody-of-that-name/May"
    )

    def forbidden(file: Path) -> None:
        raise PermissionError(13, "Permission denied", str(file))

    monkeypatch.setattr(choice, "outline", forbidden)
    assert "may.pth cannot be read: Permission denied -> " in answer(SYNCTALK2D160)


def test_precision_follows_the_device_and_contradictions_are_told(
    home, persons, monkeypatch: pytest.MonkeyPatch
):
    home({"synctalk2d160/persons/may.pth": persons[160]})
    assert answer(SYNCTALK2D160, precision="bf16") == "may (may.pth) in bf16 on cpu"
    assert "it does not compute in fp16 on a CPU" in answer(SYNCTALK2D160, precision="fp16")
    assert "it does not compute in int4" in answer(SYNCTALK2D160, precision="int4")
    here = replace(hardware.detect(), bf16=True)
    monkeypatch.setattr(hardware, "detect", lambda: here)
    assert answer(SYNCTALK2D160) == "may (may.pth) in bf16 on cpu"
    assert answer(SYNCTALK2D160, compat="true") == "may (may.pth) in fp32 on cpu"


def test_on_a_gpu_it_is_fp16(home, persons, monkeypatch: pytest.MonkeyPatch):
    home({"synctalk2d160/persons/may.pth": persons[160]})
    gpu = hardware.Gpu(name="a GPU", memory=8 * 2**30)
    here = replace(hardware.detect(), gpus=(gpu,))
    monkeypatch.setattr(runtime, "unfit_torch", lambda device: None)
    monkeypatch.setattr(hardware, "detect", lambda: here)
    assert answer(SYNCTALK2D160, device="cuda") == "may (may.pth) in fp16 on cuda"
    assert answer(SYNCTALK2D160, "fp32", "cuda") == "may (may.pth) in fp32 on cuda"


def test_the_crop_is_where_upstream_cuts_the_mean_face():
    """PFLD's mean face: chin at 0.936, nose point at 0.366, jaw from 0.078 to 0.928."""
    face = portrait_face()
    points = face.landmarks[None]
    (matrix,), size = place(SYNCTALK2D.crop, np.array([face.box]), points, face.scheme)
    inside = transform(convert(points, face.scheme, "68")[0], matrix) / size[0]
    chin = (0.936 - 0.366) / (0.928 - 0.078)
    assert inside[8, 1] == pytest.approx(chin, abs=0.02)
    assert inside[:17, 0].min() == pytest.approx(0, abs=0.03)
    assert inside[:17, 0].max() == pytest.approx(1, abs=0.03)
    assert matrix[0, 0] == pytest.approx(matrix[1, 1], rel=0.01)
