"""`lipsync weights list|verify|path|remove|export`, and what is remembered."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from weights.checkpoints import WRITERS, small
from weights.test_pull import left_in, network

from lipsync_core.weights import digests


def put(home: Path, place: str, width: int = 24) -> Path:
    path = home / "weights" / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(network(width))
    return path


def test_list_tells_each_file_once_with_its_licence(lipsync, home: Path):
    here = put(home, "river/v2/net.pth")
    code, out, _ = lipsync("weights", "list", "--json")
    rows = {(row["name"], row["file"]): row for row in json.loads(out)}
    assert code == 0 and len(rows) == len(json.loads(out)) == 8
    row = rows["river", "v2/net.pth"]
    assert row["here"] and row["path"] == str(here) and row["size"] == here.stat().st_size
    assert row["kinds"] == ["generator"] and row["commercial"] is True
    ears = rows["river", "whisper/tiny.pt"]
    assert ears["kinds"] == ["audio encoder"] and ears["get"] == "lipsync weights pull river"
    stone = rows["stone", "stone_gan.pth"]
    assert stone["commercial"] is False and stone["licence"] == "research only"
    assert "the page of its authors" in stone["get"] and not stone["here"]


def test_list_for_people(lipsync, home: Path):
    put(home, "stone/stone_gan.pth", 8)
    code, out, _ = lipsync("weights", "list", "stone", "river")
    assert code == 0
    assert "research only" in out and "lipsync weights pull river" in out
    assert "stone_gan.pth" in out and "delta" not in out


def test_names_that_are_none_are_refused(lipsync):
    assert lipsync("weights", "list", "pebble")[0] == 2
    code, _, said = lipsync("weights", "list", "mel")
    assert code == 2 and "'mel' needs no weight files" in said


def test_path_for_programs(lipsync, home: Path):
    here = put(home, "stone/checkpoints/stone_gan.pth", 8)
    code, out, _ = lipsync("weights", "path", "stone")
    assert code == 0 and out.splitlines() == [str(here)]
    code, out, said = lipsync("weights", "path", "river")
    assert code == 4 and out == "" and "lipsync weights pull river" in said


def test_damage_is_found_where_the_publisher_states_no_checksum(
    lipsync, tmp_path: Path, home: Path
):
    WRITERS["plain"](small(width=24), tmp_path / "mine.pth")
    assert lipsync("weights", "import", tmp_path / "mine.pth")[0] == 0
    code, out, _ = lipsync("weights", "verify", "--json")
    states = {(v["name"], v["file"]): v["state"] for v in json.loads(out)}
    assert code == 0 and states["river", "v2/net.pth"] == "whole"
    assert states["stone", "stone.pth"] == "absent"
    place = home / "weights/river/v2/net.pth"
    content = bytearray(place.read_bytes())
    content[len(content) // 2] ^= 1  # one bit, within the numbers
    place.write_bytes(content)
    code, _, said = lipsync("weights", "verify")
    assert code == 8 and str(place) in said and "the one it came with" in said
    code, out, _ = lipsync("weights", "verify", "--json")
    assert code == 8 and "damaged" in {verdict["state"] for verdict in json.loads(out)}


def test_a_file_put_there_by_hand_is_remembered_from_the_first_verify(lipsync, home: Path):
    place = put(home, "river/v2/net.pth")
    _, out, _ = lipsync("weights", "verify")
    assert "no checksum was known; remembered now" in out
    place.write_bytes(network(24, more=1))
    assert lipsync("weights", "verify")[0] == 8


def test_verify_refuses_another_variant(lipsync, home: Path):
    put(home, "river/v2/net.pth", 8)
    code, _, said = lipsync("weights", "verify")
    assert code == 8 and "conv.weight is 8x3x3x3 instead of 24x3x3x3" in said


def test_verify_of_a_plugin_whose_files_are_not_here(lipsync, home: Path):
    assert lipsync("weights", "verify")[0] == 0
    code, _, said = lipsync("weights", "verify", "river")
    assert code == 4 and "v2/net.pth" in said


def test_remove_asks_and_takes_only_its_own(lipsync, home: Path):
    gan = put(home, "stone/checkpoints/stone_gan.pth", 8)
    mine = put(home, "stone/notes.pth", 8)
    river = put(home, "river/v2/net.pth")
    code, _, said = lipsync("weights", "remove", "stone")
    assert code == 2 and "--yes" in said and gan.exists()
    code, out, _ = lipsync("weights", "remove", "stone", "--yes", "--json")
    assert code == 0 and json.loads(out)["removed"] == [str(gan)]
    assert not gan.exists() and mine.exists() and river.exists()
    code, _, said = lipsync("weights", "remove", "stone")
    assert code == 0 and "no weight files of 'stone'" in said


def test_remove_takes_what_an_unfinished_pull_left(lipsync, home: Path):
    put(home, "river/v2/net.pth").with_name(".net.pth.abcd.part").write_bytes(b"half")
    assert lipsync("weights", "remove", "river", "--yes")[0] == 0
    assert left_in(home) == set()


def test_export_calls_the_plugin(lipsync, home: Path):
    put(home, "stone/stone_gan.pth", 8)
    code, out, _ = lipsync("weights", "export", "stone", "--format", "onnx")
    assert code == 0
    made = Path(out.strip())
    assert made.read_text() == "stone_gan.pth" and home in made.parents
    code, _, said = lipsync("weights", "export", "stone", "--format", "tflite")
    assert code == 2 and "It exports to onnx." in said
    assert lipsync("weights", "export", "river", "--format", "onnx")[0] == 2
    code, _, said = lipsync("weights", "export", "stone", "--format", "onnx", "--option", "a=1")
    assert code == 2 and "no option 'a'" in said


def test_an_export_that_fails_is_the_plugins_fault(lipsync, monkeypatch):
    import lipsync_weighty

    def fails(context: object, format_: str) -> list[Path]:
        raise RuntimeError("no such operator")

    monkeypatch.setattr(lipsync_weighty, "export", fails)
    code, _, said = lipsync("weights", "export", "stone", "--format", "onnx")
    assert code == 7 and "no such operator" in said
    monkeypatch.setattr(lipsync_weighty, "export", lambda context, format_: [])
    assert lipsync("weights", "export", "stone", "--format", "onnx")[0] == 7


def test_the_memory_of_checksums_survives_damage_and_forgets(tmp_path: Path):
    digests.remember(tmp_path, {"a": "1" * 64})
    digests.remember(tmp_path, {"b": "2" * 64})
    assert digests.remembered(tmp_path) == {"a": "1" * 64, "b": "2" * 64}
    digests.remember(tmp_path, {"a": None})
    assert digests.remembered(tmp_path) == {"b": "2" * 64}
    (tmp_path / digests.FILE).write_text("{half")
    assert digests.remembered(tmp_path) == {}


def test_plugins_list_says_when_commercial_use_is_forbidden(lipsync):
    _, out, _ = lipsync("plugins", "list", "--json")
    offers = {(o["kind"], o["name"]): o for row in json.loads(out) for o in row["offers"]}
    assert offers["generator", "stone"]["commercial"] is False
    assert offers["generator", "river"]["commercial"] is True
    _, out, _ = lipsync("plugins", "list", "--all")
    shown = out[out.index("\nstone  generator") :]
    assert shown[: shown.index("\nriver")].splitlines()[-1] == "  commercial use: no"


@pytest.mark.parametrize(("name", "kept_out"), [("stone", True), ("river", False)])
def test_commercial_only_goes_by_the_licence_of_the_weights(lipsync, name: str, kept_out: bool):
    words = ("run", "--dry-run", "--json", "--generator", name, "--commercial-only")
    code, out, said = lipsync(*words)
    assert code == 0, said
    told = next(a for a in json.loads(out)["unavailable"] if a["generator"] == name)
    assert ("may not clearly be used commercially" in told["reason"]) is kept_out
    assert kept_out or "lipsync weights pull river" in told["hint"]


def test_commercial_only_keeps_out_enhancers_too(lipsync):
    code, _, said = lipsync("run", "--enhance", "polish", "--commercial-only", "-q")
    assert code == 4 and "'polish'" in said and "research only" in said
