"""Outputs appear whole or not at all, and what is in the way is said before the work starts."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from lipsync_core.errors import OutputError
from lipsync_core.media.output import (
    CONTAINERS,
    NAME_MAX,
    atomic_output,
    beside,
    check_output,
    container_of,
    json_bytes,
)


@pytest.mark.parametrize("ending", CONTAINERS)
def test_known_endings_in_any_case(ending, tmp_path):
    check_output(tmp_path / f"a.b{ending.upper()}")
    assert container_of(Path(f"x{ending}")) == CONTAINERS[ending]


@pytest.mark.parametrize("name", ["a.avi", "a", "a.mp4.txt", ".mp4"])
def test_other_endings_are_refused_with_the_list(name, tmp_path):
    with pytest.raises(OutputError) as caught:
        check_output(tmp_path / name)
    assert ".webm" in caught.value.hint


def test_a_missing_folder_has_a_remedy(tmp_path):
    with pytest.raises(OutputError, match="does not exist") as caught:
        check_output(tmp_path / "no" / "a.mp4")
    assert "mkdir -p" in caught.value.hint
    assert not (tmp_path / "no").exists()


def test_a_folder_is_no_output(tmp_path):
    (tmp_path / "a.mp4").mkdir()
    with pytest.raises(OutputError, match="is a folder"):
        check_output(tmp_path / "a.mp4")


def test_an_input_is_never_overwritten(tmp_path):
    (tmp_path / "in.mp4").touch()
    (tmp_path / "link.mp4").symlink_to(tmp_path / "in.mp4")
    for name in ("in.mp4", "link.mp4"):
        with pytest.raises(OutputError, match="is one of the inputs"):
            check_output(tmp_path / name, [tmp_path / "other.wav", tmp_path / "in.mp4"])


def test_a_folder_without_rights_is_refused(tmp_path, monkeypatch):
    def refuse(**_options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    with pytest.raises(OutputError, match="cannot be written to: Permission denied"):
        check_output(tmp_path / "a.mp4")


def test_a_full_disk_is_seen_early(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 9, 1_000_000))
    with pytest.raises(OutputError, match="only 1 MB left"):
        check_output(tmp_path / "a.mp4")


def test_checking_leaves_nothing_behind(tmp_path):
    check_output(tmp_path / "a.mp4")
    assert not list(tmp_path.iterdir())


def test_an_output_appears_when_it_is_whole(tmp_path):
    path = tmp_path / "a.mp4"
    with atomic_output(path) as part:
        part.write_bytes(b"new")
        assert not path.exists()
        assert part.parent == tmp_path
        assert part.name.startswith(".")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_keeps_the_old_output(tmp_path):
    path = tmp_path / "a.mp4"
    path.write_bytes(b"old")
    with pytest.raises(RuntimeError), atomic_output(path) as part:
        part.write_bytes(b"half")
        raise RuntimeError
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_vanished_folder_is_an_output_error(tmp_path):
    with (
        pytest.raises(OutputError, match="cannot be written"),
        atomic_output(tmp_path / "no" / "a.mp4"),
    ):
        pass


def test_the_new_file_gets_the_usual_rights(tmp_path):
    plain = tmp_path / "plain"
    plain.touch()
    with atomic_output(tmp_path / "a.mp4") as part:
        part.write_bytes(b"x")
    assert (tmp_path / "a.mp4").stat().st_mode == plain.stat().st_mode


@pytest.mark.parametrize("there", [True, False], ids=["of a file", "of nothing yet"])
def test_a_symbolic_link_is_followed(there, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    real, link = tmp_path / "elsewhere" / "real.mp4", tmp_path / "link.mp4"
    if there:
        real.write_bytes(b"old")
    link.symlink_to(real)
    check_output(link)
    with atomic_output(link) as part:
        part.write_bytes(b"new")
        assert part.parent == real.parent, "else it could not be moved in one step"
    assert link.is_symlink() and real.read_bytes() == b"new"
    assert list(real.parent.iterdir()) == [real]


def test_a_name_too_long_for_any_disk_is_refused(tmp_path):
    check_output(tmp_path / f"{'a' * 251}.mp4", [tmp_path / ("b" * 400)])
    with pytest.raises(OutputError, match="is too long"):
        check_output(tmp_path / f"{'é' * 126}.mp4")


@pytest.mark.parametrize("letter", ["a", "é", "漢", "\udce9"])
def test_the_name_of_a_file_beside_fits_the_disk(letter, tmp_path):
    size = len(os.fsencode(letter))
    short = Path(letter * (200 // size) + ".mp4")
    assert beside(short, ".report.json").name == f"{short.name}.report.json"
    long = [tmp_path / f"{letter * (240 // size)}{n}.mp4" for n in range(3)]
    found = [beside(path, ".report.json") for path in long]
    assert len({path.name for path in found}) == 3
    for path in found:
        path.write_bytes(b"fits")
        assert len(os.fsencode(path.name)) <= NAME_MAX
        assert path.name.endswith(".report.json") and path.parent == tmp_path


def test_names_that_are_no_text_become_escapes_in_json_and_come_back():
    name = os.fsdecode(b"caf\xe9 \xc3\xa9.mp4")
    data = json_bytes({"path": Path(name)})
    assert data.decode("utf-8") == '{\n  "path": "caf\\udce9 é.mp4"\n}\n'
    assert json.loads(data)["path"] == name
