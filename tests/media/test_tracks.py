"""Which of several tracks is shown and heard: the default one, or the one that was asked for."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.stream import Disposition
from mediafactory import encode_sound, number_of, numbered_image, tone

from lipsync_core.errors import UsageError
from lipsync_core.media.probe import probe_sound, probe_target
from lipsync_core.media.reader import VideoReader
from lipsync_core.media.sound import read_mono
from lipsync_core.targets.digests import target_hash

ENDINGS = [".mkv", ".mp4", ".mov"]
LANGUAGES = ["eng", "ger", "fra"]


def several(path: Path, default: int | None) -> Path:
    """Three pictures, of numbers from 0, 100 and 200, and three sounds, tones of 440, 880 and 1320 Hz."""
    with av.open(str(path), "w") as out:
        shown = [out.add_stream("libx264", rate=25) for _ in LANGUAGES]
        spoken = [out.add_stream("aac", rate=48_000, layout="mono") for _ in LANGUAGES]
        for tracks in (shown, spoken):
            for number, (stream, language) in enumerate(zip(tracks, LANGUAGES, strict=True)):
                stream.metadata["language"] = language
                stream.disposition = Disposition.default if number == default else Disposition(0)
        for stream in shown:
            stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        for number, stream in enumerate(shown):
            for place in range(5):
                image = numbered_image(100 * number + place, 160, 96)
                frame = av.VideoFrame.from_ndarray(image, "rgb24").reformat(format="yuv420p")
                frame.pts, frame.time_base = place, Fraction(1, 25)
                out.mux(stream.encode(frame))
            out.mux(stream.encode(None))
        for number, stream in enumerate(spoken):
            encode_sound(out, stream, tone(0.5, 48_000, 1, 440.0 * (number + 1)), 48_000)
    return path


def seen(path: Path, track: int | str | None = None) -> int:
    """The track that is shown."""
    with VideoReader(probe_target(path, track=track)) as reader:
        numbers = [number_of(picture.rgb()) for picture in reader.frames_at([4, 0, 2])]
    assert [number % 100 for number in numbers] == [4, 0, 2]
    return numbers[0] // 100


def heard(path: Path, track: int | str | None = None) -> int:
    """The track that is heard."""
    samples = np.concatenate(list(read_mono(probe_sound(path, track), 16_000)))[2000:6000]
    peak = (
        np.argmax(np.abs(np.fft.rfft(samples * np.hanning(len(samples))))) * 16_000 / len(samples)
    )
    return round(peak / 440) - 1


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("default", [0, 1, 2])
def test_the_default_track_is_taken(default, ending, tmp_path):
    path = several(tmp_path / f"t{ending}", default)
    assert (seen(path), heard(path)) == (default, default)
    info, sound = probe_target(path), probe_sound(path)
    assert (info.track, info.tracks) == (default, 3)
    assert (sound.track, sound.tracks, sound.language) == (default, 3, LANGUAGES[default])
    assert any(
        f"Audio track {default} ({LANGUAGES[default]}) is heard, of 0 to 2" in note
        for note in sound.notes
    )


@pytest.mark.parametrize(("name", "track"), [("deu", 1), ("ger", 1), ("fre", 2), ("fra", 2)])
def test_both_codes_of_a_language_are_known(name, track, tmp_path):
    path = several(tmp_path / "t.mkv", 0)
    assert (seen(path, name), heard(path, name)) == (track, track)


def test_without_a_default_it_is_the_first(tmp_path):
    path = several(tmp_path / "t.mkv", None)
    assert (seen(path), heard(path)) == (0, 0)


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("track", [0, 1, 2])
def test_a_track_is_chosen_by_number_or_language(track, ending, tmp_path):
    path = several(tmp_path / f"t{ending}", 0)
    for name in (track, str(track), LANGUAGES[track], LANGUAGES[track].upper()):
        assert (seen(path, name), heard(path, name)) == (track, track)


@pytest.mark.parametrize("track", ["3", "ita", "-1", ""])
def test_a_track_that_is_not_there_is_told_with_those_that_are(track, tmp_path):
    path = several(tmp_path / "t.mkv", 0)
    with pytest.raises(UsageError, match=r"target .*t\.mkv has no track") as error:
        probe_target(path, track=track)
    assert "1 (ger)" in error.value.hint and "--video-track" in error.value.hint
    with pytest.raises(UsageError, match=r"audio .*t\.mkv has no track") as error:
        probe_sound(path, track)
    assert "1 (ger)" in error.value.hint and "--audio-track" in error.value.hint


def test_tracks_are_other_targets_for_every_cache(tmp_path):
    path = several(tmp_path / "t.mkv", 1)
    digests = {target_hash(probe_target(path, track=track)) for track in (None, 0, 1, 2)}
    assert len(digests) == 3, "the default one and number 1 are the same"


def test_the_sound_belongs_to_the_pictures_that_are_shown(tmp_path):
    """Two cameras in one file, one of which begins later."""
    path = tmp_path / "t.mkv"
    with av.open(str(path), "w") as out:
        shown = [out.add_stream("libx264", rate=25) for _ in range(2)]
        voice = out.add_stream("flac", rate=48_000, layout="mono")
        for stream in shown:
            stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
            stream.options = {"tune": "zerolatency"}
        for number, stream in enumerate(shown):
            for place in range(5):
                frame = av.VideoFrame.from_ndarray(numbered_image(place, 160, 96), "rgb24")
                frame = frame.reformat(format="yuv420p")
                frame.pts, frame.time_base = place + 10 * number, Fraction(1, 25)
                out.mux(stream.encode(frame))
            out.mux(stream.encode(None))
        encode_sound(out, voice, tone(0.5, 48_000), 48_000)
    assert probe_sound(path, video_track=0).lead == 0
    assert probe_sound(path, video_track=1).lead == Fraction(-2, 5)
