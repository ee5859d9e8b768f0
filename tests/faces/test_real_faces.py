"""The checks of faces on real material: what they miss, and what they take for a fault that is none."""

from __future__ import annotations

import numpy as np
import pytest
from covers import KINDS, cover, entering

from lipsync_core.faces.analyse import analyse
from lipsync_core.faces.analysis import AnalysisWriter
from lipsync_core.faces.schemes import convert
from lipsync_core.faces.selection import REASONS, FaceRule, choose
from lipsync_core.faces.turns import to_upright, turned_back
from lipsync_core.media.probe import probe_target
from lipsync_core.media.reader import VideoReader

pytestmark = pytest.mark.samples

BOWED = "infinitetalk_1_1.mp4"
FIRST_BOWED = 145
CLIPS = [
    *("dhlive_000001.mp4", "dhlive_000002.mp4", "musev_man_30s.mp4", BOWED, "grid_bbaf2n.mpg"),
    *("grid_brbk7n.mpg", "grid_lbax4n.mpg", "grid_swiz3n.mpg", "intel_two_faces.gif"),
]


def frames(path, most=10_000):
    info = probe_target(path)
    with VideoReader(info) as reader:
        return [picture.rgb() for picture in reader.frames(0, min(most, info.frames))]


def chosen(detector, images, folder):
    detector.reset()
    with AnalysisWriter(folder, {}) as writer:
        analysis = analyse(((image, []) for image in images), detector, writer)
    return choose(analysis, FaceRule.parse("largest"), images[0].shape[1::-1])


@pytest.mark.parametrize("name", CLIPS)
def test_honest_faces_keep_their_mouths(detector, samples_folder, tmp_path, name):
    images = frames(samples_folder / name)
    choice = chosen(detector, images, tmp_path / "a")
    honest = slice(0, FIRST_BOWED if name == BOWED else len(images))
    assert (choice.strength[honest] < 0.98).mean() < 0.01


def test_a_bowed_head_keeps_its_own_chin(detector, samples_folder, tmp_path):
    choice = chosen(detector, frames(samples_folder / BOWED), tmp_path / "a")
    assert not choice.strength[155:].any()
    assert {REASONS[n] for n in choice.reasons[155:]} == {"head bowed"}
    assert (np.diff(choice.strength[FIRST_BOWED:156]) <= 0).all(), "it fades"


@pytest.mark.parametrize("name", CLIPS)
@pytest.mark.parametrize("quarter", [1, 2, 3])
def test_turned_faces_are_found_where_they_are(detector, samples_folder, name, quarter):
    for image in frames(samples_folder / name, 60)[::10]:
        detector.reset()
        expected = detector.detect(image[None])[0][0].landmarks
        shown = turned_back(image, quarter)
        matrix = to_upright(quarter, shown.shape[1], shown.shape[0])
        detector.reset()
        apart = []
        for face in detector.detect(shown[None])[0]:
            there = face.landmarks[:, :2] @ matrix[:, :2].T + matrix[:, 2]
            apart.append(np.hypot(*(there - expected[:, :2]).T).mean())
        eyes = np.hypot(*(expected[263, :2] - expected[33, :2]))
        assert min(apart, default=np.inf) < 0.05 * eyes


def test_things_before_mouths_are_noticed(detector, samples_folder, tmp_path):
    """Hits and false alarms; over all clips but the last and 110 frames each: all of 825, none of 2327."""
    hits, hidden_frames, false, clear_frames = 0, 0, 0, 0
    for name in (CLIPS[0], BOWED, *CLIPS[6:8]):
        images = frames(samples_folder / name, 60)
        detector.reset()
        found = [detector.detect(image[None])[0][0].landmarks for image in images]
        for kind in KINDS:
            covered, hidden = [], []
            for image, points, share in zip(images, found, entering(len(images)), strict=True):
                made, lips = cover(image, convert(points, "478", "68"), kind, share)
                covered.append(made)
                hidden.append(lips)
            choice = chosen(detector, covered, tmp_path / f"{name}-{kind}")
            over = np.array(hidden) > 0.5
            clear = np.convolve(np.array(hidden) > 0, np.ones(15), "same") == 0
            hits, hidden_frames = (
                hits + int((choice.strength[over] < 0.1).sum()),
                hidden_frames + int(over.sum()),
            )
            false, clear_frames = (
                false + int((choice.strength[clear] < 0.9).sum()),
                clear_frames + int(clear.sum()),
            )
    assert hits / hidden_frames > 0.95, f"{hits} of {hidden_frames}"
    assert false / clear_frames < 0.01, f"{false} of {clear_frames}"
