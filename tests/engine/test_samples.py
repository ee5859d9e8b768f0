"""Whole runs on real faces and voices that nobody here made; `LIPSYNC_SAMPLES` names their folder."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from lipsync_core import samples
from lipsync_core.faces.analysis import opening
from lipsync_core.media.probe import probe_sound, probe_target
from lipsync_core.media.reader import VideoReader
from lipsync_core.registry import create
from lipsync_core.registry.probing import context_for

pytestmark = pytest.mark.samples

FACES = (".mp4", ".mpg", ".gif")
VOICES = (".wav", ".flac")


def of_kind(folder, endings):
    return sorted(p for p in folder.iterdir() if p.suffix in endings)


def gaps(path, count=75):
    """Mouth opening of the first frames, by landmarks found again; NaN where there is no face."""
    from lipsync_core.builtin.mediapipe.spec import MEDIAPIPE

    detector = create(MEDIAPIPE)
    detector.open(context_for(MEDIAPIPE))
    found = []
    with VideoReader(path) as reader:
        for picture in reader.frames(0, min(count, reader.target.frames)):
            faces = detector.detect(picture.rgb()[None])[0]
            largest = max(faces, key=lambda f: f.box[2] - f.box[0], default=None)
            found.append(opening(largest.landmarks[None], "478")[0] if largest else np.nan)
    detector.close()
    return np.array(found)


def test_every_face_speaks_for_as_long_as_it_should(samples_folder, job):
    for face in of_kind(samples_folder, FACES):
        info = probe_target(face)
        done = job(face, samples.voice(), name=f"{face.stem}.mp4", fit="cut")
        assert probe_target(done.output).frames == info.frames, face.name
        assert done.report["chain"]["used"].get("viseme", 0) > 0, face.name
        sound = probe_sound(done.output)
        assert abs(sound.duration - info.duration) < 1 / info.video.frame_rate + Fraction(1, 1000)


def test_every_voice_moves_the_mouth_and_silence_closes_it(samples_folder, job):
    face = samples_folder / "musev_man_30s.mp4"
    for voice in of_kind(samples_folder, VOICES):
        done = job(face, voice, name=f"{voice.stem}.mp4", fit="cut")
        moved = gaps(done.output)
        assert np.nanpercentile(moved, 90) > 0.12, voice.name
        assert np.nanpercentile(moved, 5) < 0.05, voice.name


def test_a_talking_source_is_replaced_and_not_added_to(samples_folder, job, tmp_path):
    from mediafactory import make_sound

    face = samples_folder / "infinitetalk_1_1.mp4"
    before = gaps(face)
    assert np.nanmax(before) > 0.1, "the source talks"
    quiet = make_sound(tmp_path / "quiet.wav", samples=np.zeros((1, 16000 * 3), np.float32))
    after = gaps(job(face, quiet, fit="cut").output)
    assert np.nanpercentile(after, 95) < 0.05
