"""Prepared avatars: the same pictures with and without, whatever happened to the files."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import fakes
import numpy as np
import pytest
from commandline import lipsync
from facefactory import face_frame, speech, write_picture
from filelock import FileLock
from preparers import KeepsObjects, Miscounts, Shades, ShadesForTwo, Tells, ready, shades

from lipsync_core import Session
from lipsync_core.cli.summary import show_summary
from lipsync_core.engine.prepare import PrepareRequest, prepare
from lipsync_core.engine.prepared import avatars, preparation
from lipsync_core.errors import GenerationFailed, OutputError, PluginFault, UnsupportedInput
from lipsync_core.machine import places
from lipsync_core.requests import PluginSettings, TargetRequest
from lipsync_core.specs import ChunkSpec


@pytest.fixture(autouse=True)
def fresh() -> None:
    """No avatars; analyses of faces may stay."""
    shutil.rmtree(places.cache() / "prepared", ignore_errors=True)
    Shades.asked.clear()


def folder() -> Path:
    """Of the avatar with rows."""
    (found,) = [entry.folder for entry in avatars.entries() if entry.frames]
    return found


@pytest.fixture
def spoken(face_clip, voice, job):
    """`spoken(spec, **choices)`: a run with a generator, and its pictures."""
    count = iter(range(99))

    def make(spec, audio=voice, face=face_clip, **choices):
        done = job(
            face, audio, name=f"{next(count)}.mp4", registry=fakes.registry(spec),
            generators=(spec.name,), **({"strict": True, "silence": "generate"} | choices),
        )  # fmt: skip
        return done.report, np.stack(done.frames())

    return make


def prepared_in(report, kind="frames") -> dict[str, int]:
    return report["saved"]["prepared"][kind]


def test_pictures_are_the_same_with_and_without(tmp_path, face_clip, spoken):
    spec = shades()
    report, without = spoken(spec)
    assert prepared_in(report) == {"made": 30, "stored": 0, "again": 0}
    assert not avatars.entries(), "a run alone keeps nothing"
    told = ready(face_clip, spec)
    assert told["made"]["frames"] == told["kept"]["frames"] == told["frames_with_a_face"] == 30
    assert told["bytes"] == sum(avatars.size(Path(f)) for f in told["folders"])
    Shades.asked.clear()
    report, made = spoken(spec)
    assert prepared_in(report) == {"made": 0, "stored": 30, "again": 0}
    assert not Shades.asked
    assert np.array_equal(made, without)
    report, longer = spoken(spec, audio=speech(tmp_path / "other.wav", 1.9))
    assert prepared_in(report) == {"made": 0, "stored": 30, "again": len(longer) - 30}
    assert not Shades.asked


def test_preparing_again_makes_nothing_anew(face_clip):
    ready(face_clip, shades())
    Shades.asked.clear()
    told = ready(face_clip, shades())
    assert (told["made"]["frames"], told["kept"]["frames"]) == (0, 30)
    assert told["faces_from_cache"]
    assert not Shades.asked


def test_frames_that_come_again_are_prepared_once(tmp_path, spoken, monkeypatch):
    sound = speech(tmp_path / "long.wav", 2.4)
    report, kept = spoken(shades(), audio=sound)
    assert prepared_in(report)["made"] == sum(Shades.asked) == 30
    assert prepared_in(report)["again"] == len(kept) - 30
    monkeypatch.setattr(preparation, "KEPT_BYTES", 1)
    Shades.asked.clear()
    report, others = spoken(shades(), audio=sound)
    assert sum(Shades.asked) > 50
    assert np.array_equal(kept, others)


@pytest.mark.parametrize("idle", [True, False])
def test_a_still_is_one_picture_however_it_moves(tmp_path, voice, job, idle):
    """Blinks, sway and nods are given to finished frames: all of them are prepared with the first."""
    picture, spec = write_picture(tmp_path / "p.png", face_frame(0)), shades()
    registry = fakes.registry(spec)
    asked = {"registry": registry, "generators": ("shades",), "silence": "generate", "idle": idle}
    assert prepared_in(job(picture, voice, **asked).report)["made"] == 1
    assert ready(picture, spec, idle=idle)["made"]["frames"] == 1
    done = job(picture, voice, name="other.mp4", **asked)
    assert prepared_in(done.report) == {"made": 0, "stored": 1, "again": 29}


def test_tracks_are_kept_too(face_clip, voice, job):
    _, without = None, job(face_clip, voice).frames()
    told = prepare(PrepareRequest(target=TargetRequest(path=face_clip)))
    assert told["prepares"] == "track"
    assert told["made"]["tracks"] == told["kept"]["tracks"] == 1
    done = job(face_clip, voice, "again.mp4")
    assert prepared_in(done.report, "tracks") == {"made": 0, "stored": 1}
    assert np.array_equal(done.frames(), without)


def test_the_mouth_that_rests_is_prepared_as_well(face_clip, spoken):
    told = ready(face_clip, shades())
    assert told["kept"] == {"frames": 30, "tracks": 1}
    report, _ = spoken(shades(), silence="close")
    assert prepared_in(report, "tracks") == {"made": 0, "stored": 1}


def test_what_needs_no_preparation_is_told(face_clip):
    told = ready(face_clip, fakes.spec("painter"))
    assert (told["prepares"], told["made"]["frames"]) == ("none", 0)
    assert told["frames_with_a_face"] == 30
    assert [entry.generator for entry in avatars.entries()] == ["viseme"]  # which rests for it


def test_live_sessions_use_it(face_clip):
    spec = shades(chunk=ChunkSpec(frames=1))
    registry = fakes.registry(spec)

    def shown() -> np.ndarray:
        with Session(
            face_clip, PluginSettings(generators=("shades",)), silence="generate", registry=registry
        ) as session:
            frames = session.frames(paced=False)
            return np.stack([next(frames).image for _ in range(35)])

    without = shown()
    ready(face_clip, spec)
    Shades.asked.clear()
    assert np.array_equal(shown(), without)
    assert not Shades.asked


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: -path.stat().st_size // 3])


DAMAGE = {
    "a byte of a row": lambda f: _flip(f / "0.rows"),
    "a byte of the index": lambda f: _flip(f / "index.bin"),
    "a file of rows is short": lambda f: _cut(f / "1.rows"),
    "the index is short": lambda f: _cut(f / "index.bin"),
    "no file of rows": lambda f: (f / "0.rows").unlink(),
    "no index": lambda f: (f / "index.bin").unlink(),
    "the layout is none": lambda f: (f / "layout.json").write_text("[1]"),
    "the layout lies": lambda f: (f / "layout.json").write_text(
        json.dumps([{"name": "shade", "dtype": "O", "shape": [3]}])
    ),
    "nothing is told": lambda f: (f / "about.json").unlink(),
    "an empty folder": lambda f: (shutil.rmtree(f), f.mkdir()),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_what_is_damaged_is_made_again(face_clip, spoken, damage):
    spec = shades()
    ready(face_clip, spec)
    _, whole = spoken(spec)
    damage(folder())
    report, made = spoken(spec)
    assert np.array_equal(made, whole)
    assert prepared_in(report)["made"] > 0
    assert ready(face_clip, spec)["kept"]["frames"] >= 30
    report, made = spoken(spec)
    assert np.array_equal(made, whole)
    assert prepared_in(report) == {"made": 0, "stored": 30, "again": 0}


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and no more", None])
def test_a_damaged_track_is_made_again(face_clip, voice, job, content):
    prepare(PrepareRequest(target=TargetRequest(path=face_clip)))
    whole = job(face_clip, voice, "a.mp4").frames()
    (path,) = avatars.entries()[0].folder.glob("track-*.npz")
    path.write_bytes(content) if content is not None else _flip(path)
    done = job(face_clip, voice, "b.mp4")
    assert prepared_in(done.report, "tracks") == {"made": 1, "stored": 0}
    assert np.array_equal(done.frames(), whole)


def test_whatever_differs_is_another_avatar(face_clip, tmp_path, monkeypatch):
    spec = shades()
    ready(face_clip, spec)
    weight = tmp_path / "net.pth"
    weight.write_bytes(b"1")
    monkeypatch.setattr("lipsync_core.weights.location.locate", lambda spec: {"net.pth": weight})
    for choices in (
        {},
        {"options": {"shades": {"depth": "2"}}},
        {"seed": 3},
        {"precision": "fp32"},
    ):
        assert ready(face_clip, spec, **choices)["made"]["frames"] == 30, choices
        assert ready(face_clip, spec, **choices)["made"]["frames"] == 0, choices
    weight.write_bytes(b"12")
    assert ready(face_clip, spec)["made"]["frames"] == 30


def test_another_face_of_the_same_target_is_added(face_clip):
    ready(face_clip, shades())
    told = ready(face_clip, shades(), face="id:0")
    assert (told["made"]["frames"], told["kept"]["frames"]) == (0, 30)


def test_a_kill_in_the_middle_costs_only_the_rest(face_clip, spoken):
    words = (
        "import preparers as t; from pathlib import Path; import sys; "
        "t.ready(Path(sys.argv[1]), t.shades(t.Stumbles))"
    )
    paths = os.pathsep.join(p for p in sys.path if p)
    done = subprocess.run(
        [sys.executable, "-c", words, str(face_clip)],
        env=os.environ | {"PYTHONPATH": f"{Path(__file__).parents[1]}{os.pathsep}{paths}"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 9, done.stderr
    assert [entry.frames for entry in avatars.entries()] == [12]
    spec = shades()
    report, _ = spoken(spec)
    assert prepared_in(report) == {"made": 18, "stored": 12, "again": 0}
    assert ready(face_clip, spec)["made"]["frames"] == 18


def test_batches_are_halved_where_memory_is_short(face_clip):
    told = ready(face_clip, shades(ShadesForTwo))
    assert told["kept"]["frames"] == 30
    assert max(Shades.asked) <= 2


@pytest.mark.parametrize(
    ("kind", "error", "told"),
    [
        (Miscounts, GenerationFailed, r"shades could not prepare .*: 'shade' has shape \(1, 3\)"),
        (KeepsObjects, PluginFault, "cannot be stored: its dtype is object"),
    ],
)
def test_a_generator_that_prepares_wrongly_is_told(face_clip, kind, error, told):
    with pytest.raises(error, match=told):
        ready(face_clip, shades(kind))


def test_two_at_once_do_not_mix(face_clip):
    ready(face_clip, shades())
    (entry,) = [entry for entry in avatars.entries() if entry.frames]
    with FileLock(entry.folder / "lock"):
        with pytest.raises(OutputError, match="by another process"):
            ready(face_clip, shades())
        with pytest.raises(OutputError, match="by another process"):
            avatars.remove(entry)
    avatars.remove(entry)
    assert not entry.folder.exists()


def test_old_avatars_and_those_beyond_the_bound_go(face_clip, monkeypatch):
    spec = shades()
    for depth in ("1", "2", "3"):
        ready(face_clip, spec, silence="keep", options={"shades": {"depth": depth}})
    long_ago = time.time() - (avatars.KEEP_DAYS + 1) * 86_400
    oldest = avatars.entries()[-1].folder
    os.utime(oldest, (long_ago, long_ago))
    ready(face_clip, spec, silence="keep", options={"shades": {"depth": "4"}})
    assert len(avatars.entries()) == 3
    assert not oldest.exists()
    monkeypatch.setattr(avatars, "MOST_BYTES", int(2.5 * avatars.entries()[0].bytes))
    ready(face_clip, spec, silence="keep", options={"shades": {"depth": "5"}})
    assert len(avatars.entries()) == 3  # two others within the bound, and the new one


def test_the_command_line(tmp_path, face_clip):
    assert "No avatar is prepared" in lipsync("prepare", "--list").stdout
    done = lipsync("prepare", face_clip)
    assert done.returncode == 0, done.stderr
    assert "1 track, 1 track of them now" in done.stderr
    told = json.loads(lipsync("prepare", face_clip, "--json").stdout)
    assert (told["made"]["tracks"], told["kept"]["tracks"]) == (0, 1)
    (entry,) = json.loads(lipsync("prepare", "--list", "--json").stdout)["avatars"]
    assert (entry["target"], entry["generator"]) == (str(face_clip), "viseme")
    run = lipsync("run", face_clip, speech(tmp_path / "v.wav", 0.5), "-o", tmp_path / "o.mp4")
    assert "1 track from the avatar" in run.stderr
    other = write_picture(tmp_path / "p.png", face_frame(0))
    assert "No avatar was removed" in lipsync("prepare", other, "--remove").stdout
    assert lipsync("prepare", face_clip, "--remove").returncode == 0
    assert not avatars.entries()


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ((), 2, "TARGET is missing"),
        (("--list", "--remove"), 2, "exclude each other"),
        (("nothing.mp4",), 3, "nothing.mp4"),
        (("{face}", "-g", "nobody"), 2, "nobody"),
        (("{face}", "--fps", "0"), 2, "out of range"),
        (("{face}", "--seconds", "inf"), 2, "--seconds"),
        (("{face}", "--face", "id:77"), 2, "no face with id 77"),
        (("{face}", "--detector", "nobody"), 2, "nobody"),
        (("{face}", "--option", "viseme.nothing=1"), 2, "has no option"),
    ],
)
def test_mistakes_are_told(face_clip, words, code, told):
    done = lipsync("prepare", *(w.format(face=face_clip) for w in words))
    assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr
    assert told in done.stderr
    assert not (places.cache() / "prepared").exists()


def test_an_edit_list_is_refused(tmp_path):
    path = tmp_path / "edits.json"
    path.write_text('{"edits": []}')
    with pytest.raises(UnsupportedInput, match="is an edit list"):
        ready(path, shades())


def test_a_full_disk_is_told_and_the_rest_goes_on(face_clip, monkeypatch):
    from lipsync_core.engine.prepared import rows

    put, calls = rows._put, []

    def full(path, at, data):
        calls.append(path)
        if len(calls) > 25:
            put(path, at, data[:3])
            raise OSError(28, "No space left on device", str(path))
        put(path, at, data)

    monkeypatch.setattr(rows, "_put", full)
    with pytest.raises(OutputError, match="disk is full"):
        ready(face_clip, shades())
    monkeypatch.setattr(rows, "_put", put)
    told = ready(face_clip, shades())
    assert told["kept"]["frames"] == 30
    assert 20 < told["made"]["frames"] < 30


@pytest.mark.parametrize("batches", [True, False])
def test_in_silence_a_generator_is_not_asked(tmp_path, face_clip, job, batches, capsys):
    from mediafactory import make_sound

    spec = fakes.spec(
        "tells", Tells, factory="preparers:Tells", chunk=ChunkSpec(frames=6, batches=batches)
    )
    Tells.asked.clear()
    quiet = make_sound(tmp_path / "quiet.wav", samples=np.zeros((1, 19_200), np.float32))
    done = job(face_clip, quiet, registry=fakes.registry(spec), generators=("tells",), strict=True)
    saved = done.report["saved"]
    assert not Tells.asked
    assert saved["frames"] == saved["why"]["silent"] == 30
    show_summary(done.report)
    assert "30 frames not computed: 30 silent" in capsys.readouterr().err
    job(face_clip, quiet, "b.mp4", registry=fakes.registry(spec), generators=("tells",),
        strict=True, silence="generate")  # fmt: skip
    assert len(Tells.asked) == 30
