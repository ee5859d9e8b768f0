"""Time stamps rule: lost packets, joined files, wrong headers, edit lists; and no holes where none are."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from mediafactory import copy_later, encode_sound, make_sound, make_video, numbered_image, tone

from lipsync_core.media.decoding import Findings, decoded
from lipsync_core.media.probe import probe_sound, probe_target
from lipsync_core.media.reader import VideoReader
from lipsync_core.media.sound import read_mono, read_with_picture

F = Fraction
RATE = 48_000


def clicks_at(times: list[float], seconds: float, rate: int = RATE) -> np.ndarray:
    """`(1, n)` silence with a short loud tone at each time."""
    data = np.zeros((1, round(seconds * rate)), np.float32)
    for time in times:
        begin = round(time * rate)
        data[:, begin : begin + rate // 50] = tone(0.02, rate, hertz=1000)[:, : rate // 50] * 2.5
    return data


def clicks_in(samples: np.ndarray, rate: int = RATE) -> list[float]:
    """Times of the loud moments."""
    loud = np.flatnonzero(np.abs(samples) > 0.2)
    return [int(n) / rate for n in loud[np.insert(np.diff(loud) > rate // 10, 0, True)]]


def heard(path: Path, rate: int = RATE) -> np.ndarray:
    return np.concatenate(list(read_mono(path, rate)))


def without_packets(path: Path, output: Path, lost: range) -> Path:
    """The same sound without some of its packets, everything else at its time."""
    form = "mpegts" if output.suffix == ".ts" else None
    with av.open(str(path)) as source, av.open(str(output), "w", format=form) as out:
        stream = source.streams.audio[0]
        copy = out.add_stream_from_template(stream)
        for number, packet in enumerate(p for p in source.demux(stream) if p.size):
            if number not in lost:
                packet.stream = copy
                out.mux(packet)
    return output


FORMATS = [
    ("aac", ".mka"), ("aac", ".mp4"), ("aac", ".ts"), ("aac", ".flv"), ("aac", ".aac"), ("aac", ".mov"),
    ("libmp3lame", ".mka"), ("libmp3lame", ".mp4"), ("libmp3lame", ".ts"), ("libmp3lame", ".mp3"),
    ("libmp3lame", ".flv"), ("libmp3lame", ".avi"), ("libopus", ".mka"), ("libopus", ".webm"),
    ("libopus", ".ogg"), ("libopus", ".mp4"), ("libopus", ".ts"), ("flac", ".mka"), ("flac", ".flac"),
    ("ac3", ".mka"), ("ac3", ".mpg"), ("ac3", ".ts"), ("ac3", ".avi"), ("eac3", ".avi"), ("mp2", ".mpg"),
    ("pcm_s16le", ".wav"), ("pcm_s16le", ".mka"), ("pcm_s16le", ".avi"), ("wmav2", ".wma"), ("alac", ".m4a"),
]  # fmt: skip


@pytest.mark.parametrize("rate", [16_000, 44_100, 48_000])
@pytest.mark.parametrize(("codec", "ending"), FORMATS, ids=["".join(each) for each in FORMATS])
def test_a_whole_recording_has_no_holes(codec, ending, rate, tmp_path):
    """Neither rounded time stamps nor what encoders put before and after a sound are holes."""
    if (codec, rate) in {("libopus", 44_100), ("ac3", 16_000), ("eac3", 16_000)}:
        pytest.skip("the codec has no such rate")
    if (codec, ending, rate) in {("libmp3lame", ".flv", 16_000), ("mp2", ".mpg", 16_000)}:
        pytest.skip("the container has no such rate")
    path = tmp_path / f"v{ending}"
    form = "mpegts" if ending == ".ts" else None
    channels = 2 if codec == "wmav2" else 1
    with av.open(str(path), "w", format=form) as out:
        stream = out.add_stream(codec, rate=rate, layout="stereo" if channels == 2 else "mono")
        if codec == "wmav2":
            stream.codec_context.bit_rate = 64_000
        out.start_encoding()
        encode_sound(out, stream, tone(3, rate, channels), rate)
    found = Findings()
    samples = sum(frame.samples for frame in decoded(path, None, found))
    assert (found.holes, found.jumps, found.damaged, found.changes) == (0, 0, 0, 0)
    assert samples / probe_sound(path).sample_rate == pytest.approx(3, abs=0.2)
    assert not probe_sound(path).uncopyable


@pytest.mark.parametrize(
    "lost", [range(40, 41), range(40, 44), range(40, 80)], ids=["1", "4", "40"]
)
@pytest.mark.parametrize(
    ("codec", "ending"),
    [("libopus", ".mka"), ("libopus", ".webm"), ("libopus", ".ts"), ("aac", ".mka"), ("aac", ".mp4"),
     ("aac", ".ts"), ("aac", ".flv"), ("libmp3lame", ".mka"), ("libmp3lame", ".ts"), ("pcm_s16le", ".mka")],
)  # fmt: skip
def test_lost_packets_become_silence_of_the_same_length(codec, ending, lost, tmp_path):
    sound = clicks_at([0.2, 2.5, 2.9], 3.0)
    whole = make_sound(tmp_path / "whole.mka", samples=sound, rate=RATE, codec=codec)
    path = without_packets(whole, tmp_path / f"v{ending}", lost)
    given = heard(without_packets(whole, tmp_path / f"complete{ending}", range(0)))
    got = heard(path)
    assert abs(len(got) - len(given)) <= RATE // 500
    assert clicks_in(got) == pytest.approx(clicks_in(given), abs=0.003)
    info = probe_sound(path)
    assert any("Holes in the sound: 1," in note for note in info.notes)


def test_a_drifting_clock_is_followed(tmp_path):
    """Stamps run ahead little by little, as of a sound card that is slow."""
    path = tmp_path / "v.mka"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("pcm_s16le", rate=16_000, layout="mono")
        for number in range(400):
            frame = av.AudioFrame.from_ndarray(np.full((1, 320), 8000, np.int16), "s16", "mono")
            frame.sample_rate, frame.time_base = 16_000, F(1, 16_000)
            frame.pts = number * 328
            out.mux(stream.encode(frame))
    seconds = 400 * 328 / 16_000
    assert float(probe_sound(path).duration) == pytest.approx(seconds, abs=0.13)


def test_a_hole_of_days_is_a_clock_that_jumped(tmp_path):
    path = tmp_path / "v.mka"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("pcm_s16le", rate=16_000, layout="mono")
        for number in range(20):
            frame = av.AudioFrame.from_ndarray(np.full((1, 1600), 8000, np.int16), "s16", "mono")
            frame.sample_rate, frame.time_base = 16_000, F(1, 16_000)
            frame.pts = number * 1600 + (16_000 * 200_000 if number >= 10 else 0)
            out.mux(stream.encode(frame))
    info = probe_sound(path)
    assert info.duration == 2
    assert any("the clock starts again or jumps: 1;" in note for note in info.notes)
    assert info.uncopyable


# Joined files


def part(path: Path, numbers: range, offset: float, clicks: list[float]) -> Path:
    """A numbered transport or program stream with clicks, its clock beginning at `offset`."""
    seconds = len(numbers) / 25
    options = {"output_ts_offset": str(offset)}
    form, codec = ("mpegts", "libx264") if path.suffix == ".ts" else ("mpeg", "mpeg2video")
    with av.open(str(path), "w", format=form, options=options) as out:
        stream = out.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        stream.codec_context.gop_size = 10
        stream.codec_context.bit_rate = 2_000_000
        stream.options = {"preset": "veryfast"} if codec == "libx264" else {}
        voice = out.add_stream("aac" if codec == "libx264" else "mp2", rate=RATE, layout="mono")
        for place, number in enumerate(numbers):
            frame = av.VideoFrame.from_ndarray(numbered_image(number, 160, 96), "rgb24")
            frame = frame.reformat(format="yuv420p")
            frame.pts, frame.time_base = place, F(1, 25)
            for packet in stream.encode(frame):
                out.mux(packet)
        for packet in stream.encode(None):
            out.mux(packet)
        encode_sound(out, voice, clicks_at(clicks, seconds), RATE)
    return path


@pytest.fixture(
    params=[(0.0, 0.0), (0.0, 0.7), (0.0, 500.0), (500.0, 0.0), (0.0, 80_000.0), (90_000.0, 3.0)],
    ids=lambda offsets: f"{offsets[0]:.0f} then {offsets[1]:.1f}",
)
def joined(request, tmp_path) -> Path:
    """Two recordings of two seconds each in one file, the second with a clock of its own."""
    one, two = request.param
    first = part(tmp_path / "1.ts", range(50), one, [0.5, 1.5])
    second = part(tmp_path / "2.ts", range(50, 100), two, [0.5, 1.5])
    path = tmp_path / "joined.ts"
    path.write_bytes(first.read_bytes() + second.read_bytes())
    return path


def test_joined_recordings_follow_each_other(joined, shown):
    info = probe_target(joined)
    assert shown(info) == list(range(100))
    assert (info.video.frame_rate, info.duration, info.index.counted) == (25, 4, False)
    sound = probe_sound(joined)
    assert float(sound.duration) == pytest.approx(4, abs=0.07)
    times = clicks_in(np.concatenate(list(read_with_picture(sound, RATE))))
    latency = times[0] - 0.5
    assert abs(latency) < 0.05, (
        "AAC in a transport stream says nothing of the samples before its sound"
    )
    assert times == pytest.approx([latency + t for t in (0.5, 1.5, 2.5, 3.5)], abs=0.025)
    assert any("the clock starts again" in note for note in sound.notes)


def test_joined_recordings_are_sought_in(joined):
    from mediafactory import number_of

    wanted = [*range(99, -1, -7), 3, 97, 48, 52, 49, 51, 50, 0]
    with VideoReader(joined) as reader:
        assert [number_of(picture.rgb()) for picture in reader.frames_at(wanted)] == wanted
        assert not reader.damaged


def test_joined_program_streams_have_one_jump_though_sound_shows_it_first(tmp_path, shown):
    """The pictures of the second part lie before its sound, and are handed out behind it."""
    from mediafactory import number_of

    first = part(tmp_path / "1.mpg", range(50), 0, [0.5])
    second = part(tmp_path / "2.mpg", range(50, 100), 0, [0.5])
    path = tmp_path / "joined.mpg"
    path.write_bytes(first.read_bytes() + second.read_bytes())
    info = probe_target(path)
    assert shown(info) == list(range(100))
    assert len(info.index.jumps) == 1
    assert float(info.duration) == pytest.approx(4, abs=0.05)
    wanted = [99, 50, 49, 51, 3, 75]
    with VideoReader(info) as reader:
        assert [number_of(picture.rgb()) for picture in reader.frames_at(wanted)] == wanted
        assert not reader.damaged
    sound = probe_sound(path)
    times = clicks_in(np.concatenate(list(read_with_picture(sound, RATE))))
    assert times[1] - times[0] == pytest.approx(2, abs=0.03)


def test_a_hole_in_a_transport_stream_is_no_join(tmp_path):
    """Less than ten seconds ahead is a recording with something missing."""
    first = part(tmp_path / "1.ts", range(50), 0, [0.5])
    second = part(tmp_path / "2.ts", range(50, 100), 5.0, [0.5])
    path = tmp_path / "hole.ts"
    path.write_bytes(first.read_bytes() + second.read_bytes())
    sound = probe_sound(path)
    assert float(sound.duration) == pytest.approx(7, abs=0.1)
    assert any("Holes in the sound: 1," in note for note in sound.notes)
    assert float(probe_target(path).duration) == pytest.approx(7, abs=0.1)


# Headers and edit lists


def patched(path: Path, box: bytes, skip: int, form: str, *values: int) -> Path:
    """The MP4 with other numbers in a box, `skip` bytes behind its name."""
    data = bytearray(path.read_bytes())
    place = data.find(box) + skip
    struct.pack_into(form, data, place, *values)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("share", [30, 2, 1.2])
def test_a_header_that_says_too_short_a_time_loses_nothing(share, tmp_path):
    path = make_sound(tmp_path / "v.m4a", samples=clicks_at([0.5, 2.5], 3.0), rate=RATE)
    patched(path, b"mdhd", 20, ">I", round(3 * RATE / share))
    assert float(probe_sound(path).duration) == pytest.approx(3, abs=0.03)
    assert len(clicks_in(heard(path))) == 2


@pytest.mark.parametrize("rate", [16_000, 44_100, 48_000])
@pytest.mark.parametrize("samples", [20_000, 20_700, 21_000])
def test_what_an_encoder_fills_up_stays_cut_off(rate, samples, tmp_path):
    """To the millisecond in which an edit list counts."""
    path = make_sound(tmp_path / "v.m4a", samples=tone(2, rate)[:, :samples], rate=rate)
    assert abs(probe_sound(path).samples - samples) <= rate // 1000


@pytest.mark.parametrize("output", ["o.mkv", "o.mp4", "o.mov", "o.webm"])
def test_what_an_edit_list_cuts_off_is_not_heard_again(output, tmp_path, render):
    rate = 44_100
    path = make_sound(tmp_path / "v.m4a", samples=clicks_at([0.5, 1.5, 3.0], 4.0, rate), rate=rate)
    patched(
        path, b"elst", 12, ">Ii", 2000, 2 * rate
    )  # of movie time 1000: two seconds from the third on
    info = probe_sound(path)
    assert "edit list" in info.uncopyable
    assert clicks_in(heard(path)) == pytest.approx([1.0], abs=0.03)
    done = render(make_video(tmp_path / "t.mp4", frames=50), path, name=output)
    assert done.result.sound == "encoded"
    out = probe_sound(done.output)
    assert clicks_in(np.concatenate(list(read_with_picture(out, RATE)))) == pytest.approx(
        [1.0], abs=0.03
    )
    assert abs(out.lead) < F(1, 20)


# Sound beside its own picture


def apart(path: Path, picture: float, sound: float, ending: str = ".mkv") -> Path:
    """A video of two seconds whose picture and sound begin at these times, with clicks in the sound."""
    whole = make_video(path.with_suffix(".whole.mp4"), frames=50)
    clicks = clicks_at([0.5, 1.0], 2.0)
    voice = make_sound(path.with_suffix(".mka"), samples=clicks, rate=RATE, codec="flac")
    with av.open(str(whole)) as v, av.open(str(voice)) as a, av.open(str(path), "w") as out:
        pairs = [(v, v.streams.video[0], picture), (a, a.streams.audio[0], sound)]
        copies = [out.add_stream_from_template(stream) for _, stream, _ in pairs]
        for (source, stream, begin), copy in zip(pairs, copies, strict=True):
            copy_later(out, source.demux(stream), copy, begin)
    return path


LEADS = [(0.0, 0.5), (0.5, 0.0), (0.2, 0.0), (0.0, 0.02), (0.02, 0.0), (0.3, 0.3)]


@pytest.mark.parametrize("output", ["o.mp4", "o.mkv", "o.mov", "o.webm"])
@pytest.mark.parametrize(("picture", "sound"), LEADS)
def test_sound_and_picture_stay_as_far_apart_as_they_were(
    picture, sound, output, tmp_path, render, shown
):
    path = apart(tmp_path / "t.mkv", picture, sound)
    info = probe_sound(path)
    assert float(info.lead) == pytest.approx(sound - picture, abs=0.0011)
    done = render(path, path, name=output)
    assert shown(probe_target(done.output))[:50] == list(range(50)), "frames are as they were"
    out = probe_sound(done.output)
    times = clicks_in(np.concatenate(list(read_with_picture(out, RATE))))
    due = [sound - picture + t for t in (0.5, 1.0)]
    assert times == pytest.approx(due, abs=0.004)


@pytest.mark.parametrize(("picture", "sound"), LEADS)
def test_models_hear_the_sound_at_its_picture(picture, sound, tmp_path):
    info = probe_sound(apart(tmp_path / "t.mkv", picture, sound))
    samples = np.concatenate(list(read_with_picture(info, 16_000)))
    assert len(samples) == round(info.end * 16_000)
    assert clicks_in(samples, 16_000) == pytest.approx(
        [sound - picture + t for t in (0.5, 1.0)], abs=0.003
    )


def test_cover_art_is_no_picture_to_be_beside(tmp_path):
    path = make_sound(tmp_path / "v.mka", 1.0)
    assert probe_sound(path).lead == 0
