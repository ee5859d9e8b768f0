"""Every channel layout and sample format: read, listened to, and put into every container."""

from __future__ import annotations

from fractions import Fraction

import av
import av.error
import numpy as np
import pytest
from mediafactory import make_sound, make_video, tone

from lipsync_core.media.decoding import decoded
from lipsync_core.media.pieces import Resampler, repaired, samples_of, silence_like, split
from lipsync_core.media.probe import probe_sound
from lipsync_core.media.sound import read_mono

LAYOUTS = [
    "mono", "stereo", "2.1", "3.0", "3.0(back)", "4.0", "quad", "quad(side)", "3.1", "5.0", "5.0(side)",
    "4.1", "5.1", "5.1(side)", "6.0", "6.0(front)", "3.1.2", "hexagonal", "6.1", "6.1(back)", "6.1(front)",
    "7.0", "7.0(front)", "7.1", "7.1(wide)", "7.1(wide-side)", "5.1.2", "5.1.2(back)", "octagonal", "cube",
    "5.1.4", "7.1.2", "7.1.4", "7.2.3", "9.1.4", "9.1.6", "hexadecagonal", "binaural", "downmix", "22.2",
]  # fmt: skip
"""All that FFmpeg knows by name."""
UNNAMED = [f"{count} channels" for count in (1, 2, 3, 5, 6, 8, 9, 12, 24, 32)]
UNNAMED += ["ambisonic 1", "ambisonic 2"]
FORMATS = ["u8", "s16", "s32", "flt", "dbl", "u8p", "s16p", "s32p", "fltp", "dblp"]
FILES = [
    ("v.wav", c)
    for c in ("pcm_u8", "pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_f64le")
]
FILES += [("v.mka", c) for c in ("aac", "libopus", "flac", "alac", "ac3", "pcm_s16le", "pcm_f32le")]
FILES += [("v.m4a", "aac"), ("v.m4a", "alac"), ("v.flac", "flac"), ("v.ts", "aac")]
FILES += [("v.caf", "pcm_s16le"), ("v.mov", "pcm_s16le")]


def channels_of(layout: str) -> int:
    return av.AudioLayout(layout).nb_channels


@pytest.mark.parametrize("sample_format", FORMATS)
@pytest.mark.parametrize("layout", LAYOUTS + UNNAMED)
def test_frames_of_any_number_of_channels_are_cut_mixed_and_made(layout, sample_format):
    """No memory is touched that is not the frame's: at 8 planar channels PyAV would."""
    frame = av.AudioFrame(sample_format, layout, 1)
    frame.sample_rate = 1000
    pieces = list(silence_like(frame, 2500))
    assert [piece.samples for piece in pieces] == [1000, 1000, 500]
    assert {(piece.format.name, piece.layout.name) for piece in pieces} == {
        (sample_format, frame.layout.name)
    }
    head, rest = split(pieces[0], 300)
    assert head is not None and rest is not None and (head.samples, rest.samples) == (300, 700)
    for packed in repaired(rest):
        middle = 128 if sample_format.startswith("u8") else 0
        assert (samples_of(packed) == middle).all()
        assert samples_of(packed).shape == (700, channels_of(layout))


@pytest.mark.parametrize("layout", LAYOUTS + UNNAMED)
def test_what_is_put_in_comes_out_of_each_channel(layout):
    count = channels_of(layout)
    values = np.arange(1, count + 1, dtype=np.float32) / 64
    frame = av.AudioFrame.from_ndarray(np.tile(values, 100)[None], "flt", layout)
    frame.sample_rate = 16_000
    planar = list(Resampler("fltp", None, None).push(frame))
    back = [samples_of(f) for p in planar for f in Resampler("flt", None, None).push(p)]
    assert np.array_equal(np.concatenate(back), np.tile(values, (100, 1)))


@pytest.mark.parametrize(("name", "codec"), FILES, ids=[f"{n}-{c}" for n, c in FILES])
@pytest.mark.parametrize("layout", LAYOUTS + UNNAMED)
def test_a_sound_of_every_layout_is_read(layout, name, codec, tmp_path):
    count = channels_of(layout)
    try:
        path = make_sound(
            tmp_path / name,
            rate=48_000,
            codec=codec,
            samples=tone(0.5, 48_000, count),
            layout=layout,
        )
    except (av.error.FFmpegError, ValueError):
        pytest.skip("the encoder or the container has no such layout")
    info = probe_sound(path)
    assert info.channels == count or codec == "aac", "AAC's header knows some layouts only"
    assert float(info.duration) == pytest.approx(0.5, abs=0.05)
    samples = np.concatenate(list(read_mono(info, 16_000)))
    assert len(samples) == round(info.duration * 16_000)
    assert samples[2000:6000].std() == pytest.approx(0.3 / np.sqrt(2), rel=0.3), (
        "a codec takes the tone from the bass channel"
    )
    assert sum(frame.samples for frame in decoded(path)) == info.samples


@pytest.mark.parametrize("output", ["o.mp4", "o.mov", "o.mkv", "o.webm"])
@pytest.mark.parametrize("layout", LAYOUTS + UNNAMED)
def test_a_sound_of_every_layout_goes_into_every_container(layout, output, tmp_path, render):
    """Copied or encoded, in its own layout or the nearest: it is there, and as long as it was."""
    samples = tone(0.48, 48_000, channels_of(layout))
    sound = make_sound(
        tmp_path / "v.wav", rate=48_000, codec="pcm_s16le", samples=samples, layout=layout
    )
    done = render(make_video(tmp_path / "t.mp4", size=(64, 48)), sound, name=output)
    out = probe_sound(done.output)
    assert abs(out.duration - done.schedule.duration) <= Fraction(1, 25)
    heard = np.concatenate(list(read_mono(out, 16_000)))
    assert heard[2000:6000].std() > 0.05
    if out.channels != channels_of(layout):
        assert "becomes" in done.result.reason


@pytest.mark.parametrize("codec", ["ac3", "eac3", "aac", "flac", "alac", "libopus", "pcm_s16le"])
@pytest.mark.parametrize("output", ["o.mp4", "o.mov", "o.mkv", "o.webm"])
@pytest.mark.parametrize("layout", ["stereo", "5.1(side)", "5.1", "7.1"])
def test_a_sound_of_every_codec_goes_into_every_container(layout, output, codec, tmp_path, render):
    try:
        sound = make_sound(
            tmp_path / "v.mka", rate=48_000, codec=codec, layout=layout,
            samples=tone(0.48, 48_000, channels_of(layout)),
        )  # fmt: skip
    except av.error.FFmpegError:
        pytest.skip("the encoder has no such layout")
    done = render(make_video(tmp_path / "t.mp4", size=(64, 48)), sound, name=output)
    out = probe_sound(done.output)
    assert abs(out.duration - done.schedule.duration) <= Fraction(1, 20)
    assert np.concatenate(list(read_mono(out, 16_000)))[2000:6000].std() > 0.05


def test_channels_in_an_order_of_their_own_are_told_apart(tmp_path, render):
    """Apple's 7.1 has its side channels before the back ones; each is found under its name.

    FFmpeg writes the channels as they are and calls them Apple's 7.1.
    """
    count = 8
    samples = np.stack([tone(0.48, 48_000)[0] * (n + 1) / count for n in range(count)])
    sound = make_sound(
        tmp_path / "v.caf", rate=48_000, codec="pcm_s16le", samples=samples, layout="7.1"
    )
    loud = [np.abs(samples_of(f).astype(float)).max(axis=0) for f in decoded(sound)]
    assert {frame.layout.name for frame in decoded(sound)} == {"7.1"}
    assert np.argsort(np.max(loud, axis=0)).tolist() == [0, 1, 2, 3, 6, 7, 4, 5]
    done = render(make_video(tmp_path / "t.mp4", size=(64, 48)), sound, name="o.mkv")
    assert probe_sound(done.output).layout == "7.1"
