"""What the mouth follows in a sound of several channels, and how loud models hear it."""

from __future__ import annotations

import numpy as np
import pytest
from mediafactory import make_sound, tone

from lipsync_core.media.probe import probe_sound
from lipsync_core.media.sound import read_mono, read_with_picture

RATE = 48_000
SECONDS = 2.0


def voice(level: float = 0.3, hertz: float = 440.0) -> np.ndarray:
    return (tone(SECONDS, RATE, 1, hertz)[0] * (level / 0.3)).astype(np.float32)


def noise(level: float, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    return (random.normal(0, level, round(SECONDS * RATE))).astype(np.float32)


def share_of_voice(path, hertz: float = 440.0) -> float:
    """Share of the power of what is listened to that is the voice's."""
    samples = np.concatenate(list(read_mono(path, 16_000)))[4000:28_000]
    power = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) ** 2
    place = round(hertz * len(samples) / 16_000)
    return float(power[place - 3 : place + 4].sum() / power.sum())


@pytest.mark.parametrize("quieter", [1.0, 0.9])
@pytest.mark.parametrize("name", ["v.wav", "v.flac", "v.mka"])
def test_channels_of_opposite_phase_do_not_vanish(name, quieter, tmp_path):
    sound = np.stack([voice(), -quieter * voice()])
    path = make_sound(tmp_path / name, rate=RATE, samples=sound)
    info = probe_sound(path)
    assert info.mix == (1.0, 0.0)
    assert any("cancel each other" in note for note in info.notes)
    samples = np.concatenate(list(read_mono(info, 16_000)))
    assert samples.std() == pytest.approx(voice().std(), rel=0.02)


@pytest.mark.parametrize("sound", [
    np.stack([voice(), voice()]), np.stack([voice(), 0 * voice()]), np.stack([voice(), 0.5 * voice()]),
    np.stack([noise(0.1, 1), noise(0.1, 2)]), np.stack([voice() + noise(0.05, 1), voice() + noise(0.05, 2)]),
], ids=["alike", "one side", "quieter on one side", "two noises", "a voice in two noises"])  # fmt: skip
def test_usual_stereo_is_the_mean(sound, tmp_path):
    info = probe_sound(make_sound(tmp_path / "v.wav", rate=RATE, samples=sound))
    assert (info.mix, info.gain, info.notes) == ((), 1.0, ())


@pytest.mark.parametrize("layout", ["5.1", "5.1(side)", "7.1", "3.0", "5.0", "4.0"])
def test_a_voice_in_the_centre_is_heard_beneath_loud_surrounds(layout, tmp_path):
    import av

    names = [channel.name for channel in av.AudioLayout(layout).channels]
    sound = np.stack([voice(0.05) if n == "FC" else noise(0.25, k) for k, n in enumerate(names)])
    path = make_sound(
        tmp_path / "v.wav", rate=RATE, codec="pcm_f32le", samples=sound, layout=layout
    )
    assert share_of_voice(path) > 0.99
    assert any("centre channel" in note for note in probe_sound(path).notes)


@pytest.mark.parametrize("layout", ["quad", "5.1", "7.1"])
def test_a_voice_in_front_is_heard_where_the_centre_is_empty(layout, tmp_path):
    import av

    names = [channel.name for channel in av.AudioLayout(layout).channels]
    inside = {"FL": voice(), "FR": voice(), "FC": 0 * voice(), "LFE": 0 * voice()}
    sound = np.stack([inside.get(name, noise(0.3, k)) for k, name in enumerate(names)])
    path = make_sound(
        tmp_path / "v.wav", rate=RATE, codec="pcm_f32le", samples=sound, layout=layout
    )
    assert share_of_voice(path) > 0.99


def test_a_voice_that_is_only_in_the_surrounds_is_heard(tmp_path):
    sound = np.stack([0 * voice(), 0 * voice(), voice(), voice()])
    path = make_sound(tmp_path / "v.wav", rate=RATE, samples=sound, layout="quad")
    assert share_of_voice(path) > 0.99


@pytest.mark.parametrize(
    ("level", "gain"), [(-10, 0), (-30, 0), (-45, 25), (-55, 35), (-62, 40), (-90, 0), (20, -26)]
)
def test_a_sound_of_unusual_level_is_levelled_for_models(level, gain, tmp_path):
    """Decibels of a steady tone: quiet ones are raised to -20 dBFS, by 40 dB at most; noise floors stay."""
    sound = voice(10 ** (level / 20) * np.sqrt(2))[None]
    info = probe_sound(make_sound(tmp_path / "v.wav", rate=RATE, codec="pcm_f32le", samples=sound))
    assert 20 * np.log10(info.gain) == pytest.approx(gain, abs=0.6)
    samples = np.concatenate(list(read_with_picture(info, 16_000, info.gain)))
    assert 20 * np.log10(samples[2000:-2000].std()) == pytest.approx(level + gain, abs=0.6)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e20, 3e38])
@pytest.mark.parametrize("codec", ["pcm_f32le", "pcm_f64le"])
@pytest.mark.parametrize("output", ["o.mp4", "o.mov", "o.mkv", "o.webm"])
def test_samples_that_are_no_numbers_are_silence(output, codec, bad, tmp_path, render):
    from mediafactory import make_video

    sound = voice()[None].copy()
    sound[0, 20_000], sound[0, 20_005] = bad, bad
    path = make_sound(tmp_path / "v.wav", rate=RATE, codec=codec, samples=sound)
    info = probe_sound(path)
    assert info.repair and any("no numbers: 2 " in note for note in info.notes)
    samples = np.concatenate(list(read_mono(info, RATE)))
    assert np.isfinite(samples).all() and np.abs(samples).max() <= 0.31
    assert samples[20_000] == samples[20_005] == 0
    done = render(make_video(tmp_path / "t.mp4", frames=50), path, name=output)
    out = np.concatenate(list(read_mono(done.output, RATE)))
    assert np.abs(out).max() < 0.6 and out[30_000:].std() > 0.1


@pytest.mark.parametrize("output", ["o.mp4", "o.mov", "o.mkv"])
@pytest.mark.parametrize("ending", [".ts", ".aac"])
def test_a_damaged_sound_is_encoded_instead_of_copied(ending, output, tmp_path, render):
    import av
    from mediafactory import make_video

    path = tmp_path / f"v{ending}"
    with av.open(str(path), "w", format="mpegts" if ending == ".ts" else "adts") as out:
        from mediafactory import encode_sound

        stream = out.add_stream("aac", rate=RATE, layout="mono")
        out.start_encoding()
        encode_sound(out, stream, noise(0.2, 3)[None], RATE)
    data, random = bytearray(path.read_bytes()), np.random.default_rng(3)
    for place in random.integers(len(data) // 4, len(data), 40):
        data[place] ^= 0xFF
    path.write_bytes(data)
    info = probe_sound(path)
    assert info.uncopyable
    assert any("Damaged packets" in note for note in info.notes)
    done = render(make_video(tmp_path / "t.mp4", frames=50), path, name=output)
    assert done.result.sound == "encoded"
    assert abs(probe_sound(done.output).duration - done.schedule.duration) < 0.05


def test_a_copy_that_fails_after_all_is_encoded(tmp_path, render, monkeypatch):
    """Whatever could not be known: the video is not lost for its sound."""
    import av.error
    from mediafactory import make_video

    from lipsync_core.media import soundtrack

    copied = soundtrack._copied

    def failing(sound, copy, offset):
        for count, timed in enumerate(copied(sound, copy, offset)):
            if count > 20:
                raise av.error.InvalidDataError(1, "Invalid data")
            yield timed

    monkeypatch.setattr(soundtrack, "_copied", failing)
    path = make_sound(tmp_path / "v.m4a", rate=RATE, samples=voice()[None])
    done = render(make_video(tmp_path / "t.mp4", frames=50), path)
    assert (done.result.sound, done.result.reason) == ("encoded", "its packets could not be copied")
    assert done.output.exists()
