"""Files that users have: recognised by content in every wrapping, refused in a sentence, placed whole."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from weights.checkpoints import WRITERS, small
from weights.test_pull import left_in

from lipsync_core.weights import state_dict


def save(path: Path, width: int = 24, how: str = "plain") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    WRITERS[how](small(width=width), path)
    return path


@pytest.mark.parametrize("how", WRITERS)
def test_a_file_is_known_by_what_is_in_it(lipsync, tmp_path: Path, home: Path, how: str):
    mine = save(tmp_path / "some name (1).dat", 24, how)
    code, out, said = lipsync("weights", "import", mine, "--json")
    assert code == 0, said
    assert json.loads(out)[0]["as"] == "river/v2/net.pth"
    place = home / "weights/river/v2/net.pth"
    assert place.read_bytes() == mine.read_bytes()
    assert torch.equal(state_dict.read(place)["out.bias"], small(width=24).out.bias.detach())


def test_one_file_serves_two_plugins_that_want_it(lipsync, tmp_path: Path, home: Path):
    code, _, _ = lipsync("weights", "import", save(tmp_path / "ears.ckpt", 16))
    assert code == 0
    assert left_in(home) == {"weights/river/whisper/tiny.pt", "weights/delta/ears.pt"}
    assert (home / "weights/river/whisper/tiny.pt").samefile(home / "weights/delta/ears.pt")


def test_the_name_decides_between_files_that_look_alike(lipsync, tmp_path: Path, home: Path):
    assert lipsync("weights", "import", save(tmp_path / "STONE_GAN.PTH", 8))[0] == 0
    assert left_in(home) == {"weights/stone/stone_gan.pth"}


def test_where_the_name_does_not_tell_the_choices_are_named(lipsync, tmp_path: Path, home: Path):
    mine = save(tmp_path / "best.pth", 8)
    code, _, said = lipsync("weights", "import", mine)
    assert code == 2 and "--as: stone/stone_gan.pth or stone/stone.pth" in said
    assert left_in(home) == set()
    assert lipsync("weights", "import", mine, "--as", "stone.pth")[0] == 0
    assert left_in(home) == {"weights/stone/stone.pth"}


def test_a_word_for_the_file_does_not_make_it_another(lipsync, tmp_path: Path, home: Path):
    mine = save(tmp_path / "best.pth", 32)
    code, _, said = lipsync("weights", "import", mine, "--as", "stone/stone.pth")
    assert code == 3 and "conv.weight is 32x3x3x3 instead of 8x3x3x3" in said
    code, _, said = lipsync("weights", "import", mine, "--as", "pebble.pth")
    assert code == 2 and "pebble.pth" in said and "stone/stone.pth" in said
    assert left_in(home) == set()


def test_another_variant_is_named(lipsync, tmp_path: Path, home: Path):
    code, _, said = lipsync("weights", "import", save(tmp_path / "stone_gan.pth", 32))
    assert code == 3 and "named like stone/stone_gan.pth and is another variant" in said
    assert left_in(home) == set()


def test_a_network_nobody_wants_is_not_recognised(lipsync, tmp_path: Path, home: Path):
    code, _, said = lipsync("weights", "import", save(tmp_path / "mine.pth", 5))
    assert code == 3 and "is not recognised" in said and "conv.weight" in said
    assert "lipsync weights list" in said and left_in(home) == set()


def test_only_files_of_the_named_plugin(lipsync, tmp_path: Path, home: Path):
    code, _, _ = lipsync("weights", "import", save(tmp_path / "t.pt", 16), "--plugin", "delta")
    assert code == 0 and left_in(home) == {"weights/delta/ears.pt"}
    assert lipsync("weights", "import", tmp_path / "t.pt", "--plugin", "stone")[0] == 3


@pytest.mark.parametrize("how", ["plain", "legacy", "safetensors", "torchscript"])
def test_a_truncated_file_is_refused(lipsync, tmp_path: Path, home: Path, how: str):
    mine = save(tmp_path / "net.pth", 24, how)
    mine.write_bytes(mine.read_bytes()[:-200])
    code, _, said = lipsync("weights", "import", mine)
    assert code == 3 and ("cut short" in said or "truncated" in said) and str(mine) in said
    assert left_in(home) == set()


def test_damage_is_told_whatever_the_suffix_of_a_declared_name(lipsync, tmp_path: Path):
    mine = save(tmp_path / "stone.zip", 8, "torchscript")
    assert lipsync("weights", "import", mine, "--plugin", "stone")[0] == 0
    mine.write_bytes(mine.read_bytes()[:-200])
    code, _, said = lipsync("weights", "import", mine)
    assert code == 3 and "cut short" in said


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty"),
        (b"<!doctype html><html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
        (b"Entry not found", "text file"),
    ],
)
def test_what_is_no_weight_file_is_refused(lipsync, tmp_path: Path, content: bytes, told: str):
    (tmp_path / "stone.pth").write_bytes(content)
    code, _, said = lipsync("weights", "import", tmp_path / "stone.pth")
    assert code == 3 and told in said


class Runs:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


@pytest.mark.parametrize("legacy", [False, True])
def test_a_file_that_wants_code_is_refused_and_runs_nothing(
    lipsync, tmp_path: Path, home: Path, legacy: bool
):
    inside = small(width=24).state_dict() | {"more": Runs(tmp_path / "made")}
    torch.save(inside, tmp_path / "net.pth", _use_new_zipfile_serialization=not legacy)
    code, _, said = lipsync("weights", "import", tmp_path / "net.pth")
    assert code == 3 and "wants the code of posix.mkdir" in said
    assert not (tmp_path / "made").exists() and left_in(home) == set()


def test_a_file_that_is_not_there(lipsync, tmp_path: Path):
    code, _, said = lipsync("weights", "import", tmp_path / "none.pth")
    assert code == 3 and "none.pth" in said


def test_a_folder_is_searched_and_the_rest_left_out(lipsync, tmp_path: Path, home: Path):
    models = tmp_path / "ComfyUI" / "models"
    save(models / "a" / "checkpoints" / "stone_gan.pth", 8)
    save(models / "whisper" / "tiny.pt", 16)
    save(models / "v2" / "net.pth", 24, "safetensors")
    (models / "v2" / "config.json").write_text("{}")
    (models / "config.json").write_text("[]")
    save(models / "sdxl.safetensors", 4, "safetensors")
    (models / "notes.txt").write_text("notes")
    code, out, said = lipsync("weights", "import", tmp_path / "ComfyUI", "--json")
    assert code == 0, said
    assert {row["as"] for row in json.loads(out)} == {
        "stone/stone_gan.pth",
        "river/whisper/tiny.pt",
        "delta/ears.pt",
        "river/v2/net.pth",
        "river/v2/config.json",
    }
    assert "refused" in said and "sdxl.safetensors" in said and "notes.txt" not in said


def test_a_named_file_that_is_refused_is_told_though_others_were_taken(
    lipsync, tmp_path: Path, home: Path
):
    good, bad = save(tmp_path / "net.pth", 24), tmp_path / "page.pth"
    bad.write_bytes(b"<html>")
    code, out, said = lipsync("weights", "import", bad, good, "--json")
    assert code == 3 and "web page" in said
    assert [row["as"] for row in json.loads(out)] == ["river/v2/net.pth"]


def test_a_folder_without_any_says_so(lipsync, tmp_path: Path):
    (tmp_path / "empty").mkdir()
    code, _, said = lipsync("weights", "import", tmp_path / "empty")
    assert code == 3 and "No plugin needs a file in" in said


def test_a_link_takes_no_room(lipsync, tmp_path: Path, home: Path):
    mine = save(tmp_path / "net.pth", 24)
    assert lipsync("weights", "import", mine, "--link")[0] == 0
    place = home / "weights/river/v2/net.pth"
    assert place.is_symlink() and place.samefile(mine)
    assert lipsync("weights", "verify", "stone", "--json")[0] in (0, 4)
    assert lipsync("weights", "remove", "river", "--yes")[0] == 0
    assert mine.exists() and not place.exists()


def test_a_second_import_replaces_the_first_whole(lipsync, tmp_path: Path, home: Path):
    lipsync("weights", "import", save(tmp_path / "a" / "net.pth", 24))
    place = home / "weights/river/v2/net.pth"
    mapped = state_dict.read(place)["out.bias"]
    before = mapped.clone()
    torch.save(small(seed=2, width=24).state_dict(), tmp_path / "b.pth")
    assert lipsync("weights", "import", tmp_path / "b.pth")[0] == 0
    assert place.read_bytes() == (tmp_path / "b.pth").read_bytes()
    assert torch.equal(mapped, before)  # a network that is loaded keeps the file it was loaded from
    assert lipsync("weights", "import", place)[0] == 0


def test_what_a_killed_import_left_goes_after_a_day(lipsync, tmp_path: Path, home: Path):
    store = home / "weights/river/v2"
    for name in (".incoming-old", ".incoming-new"):
        (store / name).mkdir(parents=True)
        (store / name / "net.pth").write_bytes(b"half")
    os.utime(store / ".incoming-old", (0, 0))
    assert lipsync("weights", "import", save(tmp_path / "net.pth", 24))[0] == 0
    assert left_in(store) == {"net.pth", ".incoming-new/net.pth"}


def test_a_full_disk_is_told_and_leaves_nothing(
    lipsync, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
):
    mine = save(tmp_path / "net.pth", 24)
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=100))
    code, _, said = lipsync("weights", "import", mine)
    assert code == 6 and "The disk is full" in said and left_in(home) == set()


def test_a_store_that_cannot_be_written_is_told(lipsync, tmp_path: Path, home: Path):
    home.parent.mkdir(exist_ok=True)
    home.write_text("in the way")
    code, _, said = lipsync("weights", "import", save(tmp_path / "net.pth", 24))
    assert code == 6 and "LIPSYNC_HOME" in said


def onnx_file(path: Path, inputs: dict[str, list]) -> Path:
    from onnx import TensorProto, helper, save_model

    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in inputs.items()]
    out = helper.make_tensor_value_info("out", TensorProto.FLOAT, None)
    nodes = [helper.make_node("Identity", [next(iter(inputs))], ["out"])]
    graph = helper.make_graph(nodes, "g", ends, [out])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    save_model(model, str(path))
    return path


def test_onnx_files_are_outlined_by_inputs_and_outputs(tmp_path: Path):
    from lipsync_core.specs import WeightFile
    from lipsync_core.weights.outline import differences, outline

    found = outline(onnx_file(tmp_path / "a.onnx", {"x": ["batch", 3, 96, 96]}))
    assert found.wrapping == "onnx" and found.shapes["x"] == (-1, 3, 96, 96)
    wanted = WeightFile(path="a.onnx", holds=(("x", (-1, 3, 96, 96)),))
    assert differences(wanted, found) == []
    other = WeightFile(path="a.onnx", holds=(("x", (-1, 3, 512, 512)), ("w", (1,))))
    assert differences(other, found) == [
        "x is anyx3x96x96 instead of anyx3x512x512",
        "w is not in it",
    ]


@pytest.mark.parametrize("how", WRITERS)
def test_an_outline_is_that_of_the_tensors(tmp_path: Path, how: str):
    from lipsync_core.weights.outline import outline

    path = save(tmp_path / "net", 24, how)
    read = {name: tuple(tensor.shape) for name, tensor in state_dict.read(path).items()}
    assert outline(path).shapes == read


def test_an_outline_needs_no_torch(tmp_path: Path):
    from installed import run_python

    save(tmp_path / "net.pth", 24)
    done = run_python(
        "-c",
        "import sys; from pathlib import Path; from lipsync_core.weights.outline import outline\n"
        f"print(len(outline(Path({str(tmp_path / 'net.pth')!r})).shapes), 'torch' in sys.modules)",
    )
    assert done.stdout.split() == ["9", "False"], done.stderr


def test_size_and_checksum_of_the_declaration_count(tmp_path: Path):
    import hashlib
    from dataclasses import replace

    from weights.plugin import RIVER

    from lipsync_core.errors import UnsupportedInput
    from lipsync_core.weights.entries import entries
    from lipsync_core.weights.recognition import recognise

    mine = save(tmp_path / "net.pth", 24)
    digest = hashlib.sha256(mine.read_bytes()).hexdigest()

    def known(**declared):
        weight = replace(RIVER.weights[0], **declared)
        return entries([replace(RIVER, weights=(weight,))])

    assert recognise(mine, known(sha256=digest, size=mine.stat().st_size)).path == mine
    with pytest.raises(UnsupportedInput, match=r"another checksum than river/v2/net.pth"):
        recognise(mine, known(sha256="0" * 64))
    with pytest.raises(UnsupportedInput, match=r"bytes, and river/v2/net.pth has 12"):
        recognise(mine, known(size=12))
    with pytest.raises(UnsupportedInput, match="another checksum"):
        recognise(mine, known(sha256="0" * 64), chosen="river/v2/net.pth")


def test_npz_is_not_taken_for_a_network(lipsync, tmp_path: Path):
    np.savez(tmp_path / "a.npz", conv=np.zeros(3))
    code, _, said = lipsync("weights", "import", tmp_path / "a.npz")
    assert code == 3 and "not recognised" in said
