"""The sound of whole runs: beside its picture, the right track, heard by the mouth; told where it is not."""

from __future__ import annotations

import json
from pathlib import Path

import av
import fakes
import numpy as np
import pytest
from av.stream import Disposition
from commandline import lipsync
from facefactory import face_video, speech
from mediafactory import copy_later, encode_sound, make_sound, make_video, tone

from lipsync_core.engine.record.workspace import fingerprint
from lipsync_core.errors import UsageError
from lipsync_core.media.probe import probe_sound
from lipsync_core.media.sound import read_mono
from lipsync_core.requests import RunRequest

RATE = 48_000


def beside(
    path: Path, video: Path, sounds: list[Path], begin: float = 0.0, default: int = 0
) -> Path:
    """One file of a video and sounds that begin `begin` seconds after it (negative: before it)."""
    with av.open(str(video)) as shown, av.open(str(path), "w") as out:
        parts = [(shown, shown.streams.video[0], max(0.0, -begin))]
        opened = [av.open(str(sound)) for sound in sounds]
        parts += [(source, source.streams.audio[0], max(0.0, begin)) for source in opened]
        copies = [out.add_stream_from_template(stream) for _, stream, _ in parts]
        for number, copy in enumerate(copies[1:]):
            copy.disposition = Disposition.default if number == default else Disposition(0)
            copy.metadata["language"] = ["eng", "ger"][number]
        for (source, stream, late), copy in zip(parts, copies, strict=True):
            copy_later(out, source.demux(stream), copy, late)
        for source in opened:
            source.close()
    return path


def beeps(path: Path, seconds: float = 1.2) -> Path:
    """A tone from 0.4 to 0.8 seconds."""
    data = np.zeros((1, round(seconds * RATE)), np.float32)
    data[:, round(0.4 * RATE) : round(0.8 * RATE)] = tone(0.4, RATE) * 3
    return make_sound(path, rate=RATE, samples=data, codec="flac")


@pytest.mark.parametrize("begin", [0.0, 0.4, -0.4, 0.02, -0.02])
@pytest.mark.parametrize("same", [True, False], ids=["its own sound", "the sound of another video"])
def test_the_mouth_and_the_sound_stay_beside_the_picture(begin, same, tmp_path, job):
    face = face_video(tmp_path / "face.mp4", 30)
    other = beside(tmp_path / "both.mkv", face, [beeps(tmp_path / "v.mka")], begin)
    done = job(
        other if same else face, other, registry=fakes.registry(fakes.spec("painter", fakes.Hearer)),
        generators=("painter",), silence="generate", fit="cut", strict=True,
    )  # fmt: skip
    assert done.numbers() == list(range(30))
    assert done.report["inputs"]["audio"]["starts_after_picture"] == pytest.approx(begin, abs=0.002)
    loud = np.flatnonzero(np.array(fakes.Hearer.loud) > 0)
    assert len(fakes.Hearer.loud) == 30
    assert loud[0] == pytest.approx(max(0, (0.4 + begin) * 25), abs=1.1)
    assert loud[-1] == pytest.approx((0.8 + begin) * 25, abs=1.1)
    out = probe_sound(done.output)
    samples = np.concatenate(list(read_mono(out, RATE)))
    heard = np.flatnonzero(np.abs(samples) > 0.3) / RATE + float(out.lead)
    assert heard[0] == pytest.approx(0.4 + begin, abs=0.03)
    assert heard[-1] == pytest.approx(0.8 + begin, abs=0.03)


# What is heard


def silent(path: Path) -> Path:
    return make_sound(path, samples=np.zeros((1, 19_200), np.float32))


def noisy(path: Path) -> Path:
    return make_sound(path, samples=tone(1.2, 16_000, hertz=300) * 0.2)


def heard_nothing(report) -> list[str]:
    return [note for note in report["notes"] if "No speech was heard" in note]


@pytest.mark.parametrize("silence", ["close", "keep", "generate"])
@pytest.mark.parametrize("sound", [silent, noisy], ids=["silence", "a tone"])
def test_that_no_speech_was_heard_is_told(sound, silence, face_clip, tmp_path, job):
    notes = job(face_clip, sound(tmp_path / "v.wav"), silence=silence).report["notes"]
    (told,) = [note for note in notes if "No speech was heard in v.wav" in note]
    assert ("try --silence generate" in told) == (silence != "generate")
    assert ("the mouth stays shut" in told) == (silence != "generate")


def test_where_speech_was_heard_nothing_is_told(face_clip, voice, job):
    assert not heard_nothing(job(face_clip, voice).report)


def test_the_summary_says_that_no_speech_was_heard(face_clip, tmp_path):
    done = lipsync("run", face_clip, silent(tmp_path / "v.wav"), "-o", tmp_path / "o.mp4")
    assert "No speech was heard" in " ".join(done.stderr.split())


def test_a_voice_in_opposite_phase_is_heard(face_clip, tmp_path, job):
    spoken = np.concatenate(list(read_mono(speech(tmp_path / "s.wav", 1.2), 16_000)))
    path = make_sound(tmp_path / "v.wav", samples=np.stack([spoken, -spoken]))
    report = job(face_clip, path).report
    assert report["speech"]["share"] > 0.6
    assert any("cancel each other" in note for note in report["notes"])


@pytest.mark.parametrize("level", [-40, -50])
def test_a_quiet_voice_is_heard_as_well_as_a_loud_one(level, face_clip, tmp_path, job):
    spoken = np.concatenate(list(read_mono(speech(tmp_path / "s.wav", 1.2), 16_000)))
    quiet = make_sound(
        tmp_path / "v.wav", samples=spoken[None] * 10 ** (level / 20), codec="pcm_f32le"
    )
    loud = job(face_clip, tmp_path / "s.wav").report["speech"]["share"]
    assert job(face_clip, quiet).report["speech"]["share"] == pytest.approx(loud, abs=0.1)


@pytest.mark.parametrize(("compat", "levelled"), [("true", False), ("false", True)])
def test_compat_modes_hear_the_level_of_the_file(compat, levelled, tmp_path, job):
    from lipsync_core.specs import Option

    face = face_video(tmp_path / "face.mp4", 30)
    option = Option(key="compat", default=False, help="for tests")
    spec = fakes.spec("painter", fakes.Hearer, options=(option,))

    def loud(sound: Path) -> float:
        job(
            face, sound, registry=fakes.registry(spec), generators=("painter",), silence="generate",
            options={"painter": {"compat": compat}}, strict=True,
        )  # fmt: skip
        return float(np.mean(fakes.Hearer.loud[5:20]))

    sound = tone(1.2, 16_000)
    usual = loud(make_sound(tmp_path / "usual.wav", samples=sound * 0.47, codec="pcm_f32le"))
    quiet = loud(make_sound(tmp_path / "quiet.wav", samples=sound * 0.004, codec="pcm_f32le"))
    assert (abs(usual - quiet) < 0.5) == levelled


# Which track


@pytest.fixture
def two(face_clip, tmp_path) -> Path:
    """A video whose first sound is silent and whose second, in German, is the default and speaks."""
    sounds = [silent(tmp_path / "0.wav"), speech(tmp_path / "1.wav", 1.2)]
    return beside(tmp_path / "two.mkv", face_clip, sounds, default=1)


@pytest.mark.parametrize(
    ("track", "share"), [(None, 0.8), ("1", 0.8), ("deu", 0.8), ("0", 0.0), ("eng", 0.0)]
)
def test_the_track_that_was_asked_for_drives_the_mouth(track, share, two, face_clip, job):
    report = job(face_clip, two, audio_track=track).report
    assert abs(report["speech"]["share"] - share) <= 0.2
    told = report["inputs"]["audio"]
    assert told["track"] == (1 if share else 0) and told["tracks"] == 2
    assert any("--audio-track" in note for note in heard_nothing(report)) == (share == 0)


def test_tracks_on_the_command_line(two, face_clip, tmp_path):
    out = tmp_path / "o.mp4"
    done = lipsync("run", face_clip, two, "-o", out, "--audio-track", "eng", "--json")
    assert json.loads(done.stdout)["inputs"]["audio"]["language"] == "eng"
    done = lipsync("run", face_clip, two, "-o", out)
    assert "Audio track 1 (ger) is heard, of 0 to 1" in " ".join(done.stderr.split())
    for words in (("run", face_clip, two, "-o", out), ("eval", two)):
        done = lipsync(*words, "--audio-track", "ita")
        assert (done.returncode, "has no track ita" in done.stderr) == (2, True)
        assert "0 (eng), 1 (ger)" in " ".join(done.stderr.split())
    assert lipsync("eval", two, "--audio-track", "0", "--json").returncode == 0


def test_video_tracks_on_the_command_line(face_clip, voice, tmp_path):
    """The first picture is a test card without a face; the default is the second."""
    card = make_video(tmp_path / "card.mp4", frames=30)
    path = tmp_path / "cameras.mkv"
    with av.open(str(card)) as a, av.open(str(face_clip)) as b, av.open(str(path), "w") as out:
        pairs = [(source, source.streams.video[0]) for source in (a, b)]
        copies = [out.add_stream_from_template(stream) for _, stream in pairs]
        copies[0].disposition, copies[1].disposition = Disposition(0), Disposition.default
        for (source, stream), copy in zip(pairs, copies, strict=True):
            for packet in source.demux(stream):
                if packet.size:
                    packet.stream = copy
                    out.mux(packet)
    done = lipsync("run", path, voice, "-o", tmp_path / "o.mp4")
    assert done.returncode == 0, done.stderr
    assert "Video track 1 is shown, of 0 to 1" in " ".join(done.stderr.split())
    for words in (
        ("run", path, voice, "-o", tmp_path / "o.mp4"), ("faces", path, "-o", tmp_path / "o.png"),
        ("eval", path, "--audio", voice), ("prepare", path),
    ):  # fmt: skip
        again = lipsync(*words, "--video-track", "1")
        assert again.returncode == 0, again.stderr
        done = lipsync(*words, "--video-track", "7")
        assert (done.returncode, "has no track 7" in done.stderr) == (2, True), words
    done = lipsync("run", path, voice, "-o", tmp_path / "o.mp4", "--video-track", "0")
    assert (done.returncode, "No face was found" in done.stderr) == (3, True)


def test_an_edit_list_has_no_track(tmp_path, face_clip, voice, job):
    path = tmp_path / "e.json"
    edit = {"clip": str(face_clip), "kind": "talk", "first": 0, "frames": 30, "hold": 0}
    content = {"format": "lipsync-edits", "version": 1, "frame_rate": "25", "edits": [edit]}
    path.write_text(json.dumps(content))
    with pytest.raises(UsageError, match="edit list"):
        job(path, voice, video_track="0")


def test_another_track_is_another_run(face_clip, voice):
    def name(**choices) -> str:
        return fingerprint(RunRequest.of(face_clip, voice, "o.mp4", **choices), "t", "a", [])

    names = {name(), name(audio_track="1"), name(video_track="1"), name(audio_track="deu")}
    assert len(names) == 4


# What could only fail at the end


@pytest.mark.parametrize("output", ["o.mp4", "o.mov", "o.mkv", "o.webm"])
@pytest.mark.parametrize("layout", ["5.1(side)", "2.1", "hexagonal", "7.1", "12 channels"])
def test_sounds_of_many_channels_end_in_a_video(layout, output, tmp_path, job, face_clip):
    spoken = np.concatenate(list(read_mono(speech(tmp_path / "s.wav", 1.2), RATE)))
    count = av.AudioLayout(layout).nb_channels
    with av.open(str(tmp_path / "v.wav"), "w") as out:
        stream = out.add_stream("pcm_s16le", rate=RATE, layout=layout)
        out.start_encoding()
        encode_sound(out, stream, np.tile(spoken, (count, 1)), RATE)
    done = job(face_clip, tmp_path / "v.wav", name=output)
    assert done.report["speech"]["share"] > 0.6
    assert abs(float(probe_sound(done.output).duration) - 1.2) < 0.05


def test_a_sound_that_no_encoder_takes_is_told_before_anything_is_rendered(
    face_clip, voice, job, monkeypatch
):
    from lipsync_core.errors import OutputError
    from lipsync_core.media import soundtrack

    monkeypatch.setattr(soundtrack, "_encodes", lambda plan, sound: False)
    monkeypatch.setattr("lipsync_core.engine.run._execute", lambda *_: pytest.fail("rendered"))
    with pytest.raises(OutputError, match="refuses the sound of"):
        job(face_clip, voice)
