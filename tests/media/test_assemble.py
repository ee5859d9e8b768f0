"""Joining: all frames, exact times, the sound as given, in one step or not at all."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest
from mediafactory import make_sound, make_video, tone

from lipsync_core.errors import OutputError
from lipsync_core.media import assemble as assemble_module
from lipsync_core.media.assemble import assemble
from lipsync_core.media.probe import probe_sound, probe_target
from lipsync_core.media.sound import read_mono

F = Fraction


def packets_of_sound(path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(p) for p in container.demux(container.streams.audio[0]) if p.size]


def clicks(path, rate=48000) -> list[float]:
    """Times, in seconds, of the loud moments of a sound."""
    samples = np.concatenate(list(read_mono(path, rate)))
    loud = np.flatnonzero(np.abs(samples) > 0.2)
    starts = loud[np.insert(np.diff(loud) > rate // 10, 0, True)]
    return [start / rate for start in starts]


def click_track(seconds: float, rate: int, at: list[float]) -> np.ndarray:
    data = np.zeros((1, round(seconds * rate)), np.float32)
    for time in at:
        begin = round(time * rate)
        data[:, begin : begin + rate // 50] = tone(0.02, rate, hertz=1000)[:, : rate // 50] * 2.5
    return data


@pytest.mark.parametrize(
    ("voice", "rate", "output"),
    [
        ("v.m4a", 44100, "o.mp4"),
        ("v.m4a", 44100, "o.mov"),
        ("v.m4a", 48000, "o.mkv"),
        ("v.mp3", 44100, "o.mp4"),
        ("v.ogg", 48000, "o.webm"),
        ("v.ogg", 48000, "o.mkv"),
        ("v.flac", 96000, "o.mkv"),
        ("v.wav", 44100, "o.mov"),
        ("v.wav", 16000, "o.mkv"),
    ],
)
def test_a_fitting_sound_is_copied_bit_for_bit(voice, rate, output, tmp_path, render):
    sound = make_sound(tmp_path / voice, 1.0, rate, 2)
    done = render(make_video(tmp_path / "t.mp4", frames=25), sound, name=output)
    assert (done.result.sound, done.result.reason) == ("copied", "")
    given, got = packets_of_sound(sound), packets_of_sound(done.output)
    assert b"".join(given) == b"".join(got)


@pytest.mark.parametrize(
    ("voice", "rate", "channels", "output", "codec", "rate_out"),
    [
        ("v.wav", 8000, 1, "o.mp4", "aac", 8000),
        ("v.wav", 44100, 2, "o.mp4", "aac", 44100),
        ("v.wav", 48000, 6, "o.mp4", "aac", 48000),
        ("v.wav", 37000, 1, "o.mp4", "aac", 44100),
        ("v.wav", 192000, 2, "o.mp4", "aac", 96000),
        ("v.flac", 48000, 2, "o.mp4", "aac", 48000),
        ("v.ogg", 48000, 2, "o.mp4", "aac", 48000),
        ("v.wav", 44100, 2, "o.webm", "opus", 48000),
        ("v.m4a", 16000, 1, "o.webm", "opus", 16000),
    ],
)
def test_other_sounds_are_encoded_at_their_own_rate_and_layout(
    voice, rate, channels, output, codec, rate_out, tmp_path, render
):
    sound = make_sound(tmp_path / voice, 1.3, rate, channels)
    done = render(make_video(tmp_path / "t.mp4", fps=F(30000, 1001)), sound, name=output)
    assert done.result.sound == "encoded"
    assert done.result.reason
    out = probe_sound(done.output)
    assert out.codec == codec
    assert out.channels == channels
    assert out.sample_rate == (48000 if codec == "opus" else rate_out)  # Opus decodes at 48 kHz
    assert abs(out.duration - done.schedule.duration) < done.target.video.frame_duration


@pytest.mark.parametrize("output", ["o.mp4", "o.mkv", "o.webm"])
@pytest.mark.parametrize("voice", ["v.wav", "v.m4a", "v.mp3", "v.ogg"])
@pytest.mark.parametrize("seconds", [2.0, 1.5])
def test_the_sound_stays_where_it_was(seconds, voice, output, tmp_path, render):
    """Clicks are heard at the same time in the output, copied or encoded (to 3 ms)."""
    at = [0.3, 0.7, 1.3]
    data = click_track(seconds, 48000, at)
    sound = make_sound(tmp_path / voice, samples=data, rate=48000)
    done = render(make_video(tmp_path / "t.mp4", frames=50), sound, name=output, length=25)
    given, got = clicks(sound), clicks(done.output)
    assert len(got) == 3
    begin = probe_sound(done.output).start - picture_start(done.output)
    assert np.abs(np.array(got) + float(begin) - given).max() < 0.003


def picture_start(path) -> Fraction:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return min(p.pts for p in container.demux(stream) if p.size) * stream.time_base


@pytest.mark.parametrize("voice", ["v.wav", "v.m4a"])
@pytest.mark.parametrize("output", ["o.mp4", "o.mov", "o.mkv", "o.webm"])
@pytest.mark.parametrize("seconds", [0.2, 0.9])
def test_a_short_sound_is_padded(voice, output, seconds, tmp_path, render):
    sound = make_sound(tmp_path / voice, seconds, 44100, 2)
    done = render(make_video(tmp_path / "t.mp4", fps=F(24000, 1001), frames=30), sound, name=output)
    assert done.result.sound == "encoded"
    assert "padded" in done.result.reason or "not usual" in done.result.reason
    assert done.result.frames == 30
    difference = probe_sound(done.output).duration - done.schedule.duration
    assert abs(difference) < done.target.video.frame_duration


def test_cut_cuts_the_sound(tmp_path, render):
    sound = make_sound(tmp_path / "v.m4a", 3.0, 44100, 2)
    done = render(make_video(tmp_path / "t.mp4"), sound, fit="cut")
    assert (done.result.sound, done.result.reason) == ("encoded", "cut to the length of the video")
    assert done.result.frames == 12
    assert abs(probe_sound(done.output).duration - F(12, 25)) < F(1, 25)


def test_an_empty_sound_gives_a_silent_video(tmp_path, render):
    sound = make_sound(tmp_path / "v.wav", samples=np.zeros((1, 0), np.float32))
    done = render(make_video(tmp_path / "t.mp4"), sound)
    assert (done.result.sound, done.result.reason) == ("none", "the sound is empty")
    assert done.result.frames == 12


def test_a_missing_frame_is_an_error_and_an_old_output_survives(tmp_path, render):
    done = render(make_video(tmp_path / "t.mp4"))
    before = done.output.read_bytes()
    with pytest.raises(OutputError, match="hold 10 frames where 12 are due"):
        assemble(done.segments[:2], done.output, done.schedule)
    assert done.output.read_bytes() == before
    assert not list(tmp_path.glob(".*"))


def test_a_failing_disk_leaves_nothing(tmp_path, render, monkeypatch):
    done = render(make_video(tmp_path / "t.mp4"))
    before = done.output.read_bytes()

    def full(*_args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(assemble_module, "_pictures", full)
    with pytest.raises(OutputError, match="No space left"):
        assemble(done.segments, done.output, done.schedule)
    assert done.output.read_bytes() == before
    assert not list(tmp_path.glob(".*"))


def test_segments_of_different_settings_are_refused(tmp_path, render):
    one = render(make_video(tmp_path / "t.mp4"), name="a.mp4")
    other = render(make_video(tmp_path / "u.mp4"), name="b.mp4", preset="ultrafast")
    mixed = [one.segments[0], *other.segments[1:]]
    with pytest.raises(OutputError, match="different settings"):
        assemble(mixed, tmp_path / "c.mp4", one.schedule)


@pytest.mark.parametrize("harm", ["missing", "empty", "cut"])
def test_a_damaged_segment_is_named(harm, tmp_path, render):
    done = render(make_video(tmp_path / "t.mp4"))
    path = done.segments[1]
    if harm == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:50] if harm == "cut" else b"")
    with pytest.raises(OutputError, match=path.name):
        assemble(done.segments, tmp_path / "again.mp4", done.schedule)
    assert not (tmp_path / "again.mp4").exists()


@pytest.mark.parametrize("output", ["o.mp4", "o.mkv"])
def test_the_same_run_gives_the_same_bytes(output, tmp_path, render):
    target, sound = make_video(tmp_path / "t.mp4"), make_sound(tmp_path / "v.wav", 0.8)
    first = render(target, sound, name=output)
    data = first.output.read_bytes(), [path.read_bytes() for path in first.segments]
    second = render(target, sound, name=output)
    assert data == (second.output.read_bytes(), [path.read_bytes() for path in second.segments])


def test_the_length_of_segments_changes_no_time(tmp_path, render, shown):
    target = make_video(
        tmp_path / "t.mp4", ticks=[0, 2, 9, 10, 30, 31, 32, 50], time_base=F(1, 100)
    )
    for length in (1, 3, 8):
        done = render(target, length=length)
        out = probe_target(done.output)
        assert shown(out) == list(range(8))
        assert [out.index.info(k).time for k in range(8)] == [
            done.schedule.time(k) for k in range(8)
        ]


def test_mp4_starts_playing_before_it_is_loaded(tmp_path, render):
    data = render(make_video(tmp_path / "t.mp4")).output.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
