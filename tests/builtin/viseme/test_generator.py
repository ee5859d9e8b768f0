"""The generator measured on its output: landmarks are found again in the rendered pictures."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import cv2
import numpy as np
import pytest

from lipsync_core.builtin.viseme.generator import VisemeGenerator
from lipsync_core.builtin.viseme.layers import region_of
from lipsync_core.builtin.viseme.person_scale import OPENING, WIDTH
from lipsync_core.builtin.viseme.pose import fit
from lipsync_core.builtin.viseme.spec import VISEME
from lipsync_core.contracts import OpenContext
from lipsync_core.errors import PluginFault
from lipsync_core.records import Chunk, Crops, MouthRange

from .conftest import Stage, features, pose, repeated

CLOSED = 0.04
"""Openings (eye distances) that the detector reports for lips that meet: 0.003 to 0.03."""
SPEECH = [
    pose(
        jaw=0.6 * abs(np.sin(0.7 * k)), wide=0.3 * np.sin(0.3 * k), up=0.2, press=float(k % 7 == 0)
    )
    for k in range(12)
]


@pytest.mark.parametrize("source", ["smiling", "closed", "shouting"])
def test_rest_is_a_closed_mouth_whatever_the_source_does(stage, source, request):
    crops = request.getfixturevalue(source)
    assert stage.opening(stage.speak(crops, pose())[0]) < CLOSED


@pytest.mark.parametrize("source", ["smiling", "closed", "shouting"])
def test_press_closes(stage, source, request):
    crops = request.getfixturevalue(source)
    assert stage.opening(stage.speak(crops, pose(press=1.0))[0]) < CLOSED


@pytest.mark.parametrize("source", ["smiling", "closed", "shouting"])
def test_jaw_opens_to_the_same_place(stage, source, request):
    """The person's own movement is replaced, not added to."""
    crops = request.getfixturevalue(source)
    assert 0.24 < stage.opening(stage.speak(crops, pose(jaw=1.0))[0]) < 0.5


def test_the_sources_are_what_they_say(stage, smiling, shouting, closed):
    openings = [stage.opening(crops.images[0]) for crops in (closed, smiling, shouting)]
    assert openings[0] < CLOSED < 0.1 < openings[1] < 0.25 < openings[2]


def test_opening_grows_with_the_jaw(stage, closed):
    frames = stage.speak(closed, *(pose(jaw=k / 4) for k in range(5)))
    openings = [stage.opening(frame) for frame in frames]
    assert all(b > a + 0.02 for a, b in pairwise(openings[1:]))
    assert openings[0] < CLOSED < openings[2]


def test_wide_and_pucker_change_the_width(stage, closed):
    frames = stage.speak(closed, pose(), pose(wide=1.0), pose(pucker=1.0, jaw=0.2))
    rest, wide, pursed = (stage.width(frame) for frame in frames)
    assert wide > rest + 0.05
    assert pursed < rest - 0.08


def test_a_smile_is_relaxed(stage, smiling):
    before = stage.width(smiling.images[0])
    after = stage.width(stage.speak(smiling, pose())[0])
    assert after < before - 0.12


def test_smile_folds_are_flattened(stage, smiling):
    """Darkest place on the way across the fold beside the nose, below the line between its ends.

    The prototype left 82 of the source's 82 grey levels.
    """
    rest = stage.speak(smiling, pose())[0]

    def depth(picture, points):
        x, y = np.round(np.linspace(points[205, :2], points[165, :2], 30)).astype(int).T
        light = cv2.GaussianBlur(picture, (0, 0), 1)[y, x].mean(axis=1)
        return (np.linspace(light[:3].mean(), light[-3:].mean(), 30) - light).max()

    before = depth(smiling.images[0], smiling.landmarks[0])
    assert depth(rest, stage.face(rest).landmarks) < 0.7 * before


def test_pixels_outside_the_region_are_untouched(stage, smiling):
    frame = stage.speak(smiling, pose(jaw=1.0, pucker=0.5))[0]
    points = smiling.landmarks[0].astype(np.float64)
    prepared = stage.generator.prepare(smiling)
    head = fit(prepared["mesh"].astype(np.float64), points[:468, :2])
    scale = float(np.sqrt(abs(np.linalg.det(head[:2]))))
    region = region_of(points[:468, :2], scale, *frame.shape[:2])
    changed = (frame != smiling.images[0]).any(axis=2)
    assert changed.any()
    changed[region.y0 : region.y1, region.x0 : region.x1] = False
    assert not changed.any()


def test_the_border_of_the_crop_is_untouched(stage, smiling):
    """So the whole crop can be pasted without a seam."""
    for row in (pose(jaw=1.0), pose(pucker=1.0), pose(wide=1.0, up=1.0), pose()):
        frame, source = stage.speak(smiling, row)[0], smiling.images[0]
        for edge in (np.s_[0], np.s_[-1], np.s_[:, 0], np.s_[:, -1]):
            assert np.array_equal(frame[edge], source[edge])


def test_eyes_and_nose_bridge_are_untouched(stage, smiling):
    frame, source = stage.speak(smiling, pose(jaw=1.0))[0], smiling.images[0]
    above = int(smiling.landmarks[0, [33, 133, 362, 263], 1].max())
    difference = np.abs(frame[:above].astype(int) - source[:above])
    assert difference.mean() < 0.1


def test_strength_zero_is_the_crop_itself(stage, smiling):
    frames = stage.speak(smiling, pose(jaw=1.0), pose(press=1.0), strength=0.0)
    assert np.array_equal(frames, repeated(smiling, 2).images)


def test_strength_fades_the_change(stage, closed):
    source = closed.images[0].astype(int)
    changes = [
        np.abs(stage.speak(closed, pose(jaw=0.8), strength=s)[0] - source).mean()
        for s in (0.0, 0.25, 0.5, 0.75, 1.0)
    ]
    assert all(b > a for a, b in pairwise(changes))


def test_chunk_sizes_do_not_matter(stage, smiling):
    crops = repeated(smiling, len(SPEECH))
    prepared = stage.generator.prepare(smiling)
    whole = stage.speak(crops, *SPEECH, prepared=prepared)
    for size in (1, 5):
        parts = [
            stage.speak(repeated(smiling, len(rows)), *rows, prepared=prepared)
            for k in range(0, len(SPEECH), size)
            if (rows := SPEECH[k : k + size])
        ]
        assert np.array_equal(np.concatenate(parts), whole)


def test_no_memory_of_earlier_calls_or_people(stage, smiling, shouting):
    prepared, other = stage.generator.prepare(smiling), stage.generator.prepare(shouting)
    first = stage.speak(smiling, pose(jaw=0.5), prepared=prepared)
    stage.speak(shouting, pose(jaw=1.0), prepared=other)
    copies = {name: value.copy() for name, value in prepared.items()}
    assert np.array_equal(stage.speak(smiling, pose(jaw=0.5), prepared=copies), first)
    fresh = VisemeGenerator()
    fresh.open(OpenContext())
    chunk = Chunk(
        crops=smiling, features=features(pose(jaw=0.5)), strength=np.ones(1, np.float32),
        prepared=prepared,
    )  # fmt: skip
    assert np.array_equal(fresh.generate(chunk), first)


def test_no_jitter_on_a_still(stage, smiling):
    frames = stage.speak(smiling, *[pose(jaw=0.4, wide=0.2)] * 5)
    assert all(np.array_equal(frame, frames[0]) for frame in frames)


def test_landmark_noise_moves_the_new_lips_little(stage, closed):
    """The lips hang on the head's pose, not on the tracked lips."""
    rng = np.random.default_rng(0)
    crops = repeated(closed, 8)
    noise = rng.normal(0, 0.5, crops.landmarks.shape).astype(np.float32)
    noisy = Crops(
        frames=crops.frames, track=0, images=crops.images, matrices=crops.matrices,
        landmarks=crops.landmarks + noise, scheme="478",
    )  # fmt: skip
    prepared = stage.generator.prepare(closed)
    frames = stage.speak(noisy, *[pose(jaw=0.6)] * 8, prepared=prepared)
    found = np.array([stage.face(f).landmarks[[13, 14, 61, 291], :2] for f in frames])
    assert found.std(axis=0).max() < 1.0


def test_pursed_lips_show_no_streaks(stage, smiling):
    """Streaks are fine detail along the lip that goes on unchanged across it.

    Second differences along over those across: 1.1 in the smile itself, 4.2 from the prototype,
    which only warped.
    """
    frame = stage.speak(smiling, pose(pucker=1.0, jaw=0.26, low=0.2))[0]
    points = stage.face(frame).landmarks
    x0, x1 = (round(float(points[k, 0])) for k in (84, 314))
    y0, y1 = (round(float(points[k, 1])) for k in (14, 17))
    lip = frame[y0 + 2 : y1 - 1, x0 - 6 : x1 + 6].astype(float).mean(axis=2)
    along = np.abs(np.diff(lip, 2, axis=1)).mean()
    across = np.abs(np.diff(lip, 2, axis=0)).mean()
    assert along < 2.0 * across


def test_what_is_prepared_is_plain_arrays(stage, smiling, tmp_path):
    prepared = stage.generator.prepare(smiling)
    np.savez(tmp_path / "prepared.npz", **prepared)
    with np.load(tmp_path / "prepared.npz") as stored:
        again = dict(stored)
    row = pose(jaw=0.7)
    assert np.array_equal(
        stage.speak(smiling, row, prepared=again), stage.speak(smiling, row, prepared=prepared)
    )
    assert sum(value.nbytes for value in prepared.values()) < 1_000_000


def test_a_mouth_partly_outside_the_frame(stage, smiling):
    """The engine repeats the frame's edge there; nothing breaks and nothing above changes."""
    images = smiling.images.copy()
    cut = int(smiling.landmarks[0, 14, 1])
    images[0, cut:] = images[0, cut]
    crops = Crops(
        frames=smiling.frames, track=0, images=images, matrices=smiling.matrices,
        landmarks=smiling.landmarks, scheme="478",
    )  # fmt: skip
    frame = stage.speak(crops, pose(jaw=1.0))[0]
    assert frame.shape == images[0].shape
    assert np.array_equal(frame[0], images[0, 0])


def test_a_crop_smaller_than_the_region(stage, smiling):
    """Bottom cut off by 40 rows: the displacement ends at the border that is there."""
    crops = Crops(
        frames=smiling.frames, track=0, images=np.ascontiguousarray(smiling.images[:, :-40]),
        matrices=smiling.matrices, landmarks=smiling.landmarks, scheme="478",
    )  # fmt: skip
    frame = stage.speak(crops, pose(jaw=1.0))[0]
    assert np.array_equal(frame[-1], crops.images[0, -1])


def test_tiny_faces_pass_through(stage, smiling):
    small = Crops(
        frames=smiling.frames, track=0, images=smiling.images, matrices=smiling.matrices,
        landmarks=smiling.landmarks * np.float32(0.05) + np.float32(50), scheme="478",
    )  # fmt: skip
    prepared = stage.generator.prepare(smiling)
    frame = stage.speak(small, pose(jaw=1.0), prepared=prepared)[0]
    assert np.array_equal(frame, smiling.images[0])


def test_inputs_are_not_written_to(stage, smiling):
    before = smiling.images.copy()
    stage.speak(smiling, pose(jaw=1.0))
    assert np.array_equal(smiling.images, before)


def test_wrong_features_are_a_fault(stage, smiling):
    chunk = Chunk(
        crops=smiling, features=np.zeros((1, 80, 16), np.float32),
        strength=np.ones(1, np.float32), prepared=stage.generator.prepare(smiling),
    )  # fmt: skip
    with pytest.raises(PluginFault, match="23 features"):
        stage.generator.generate(chunk)


def test_without_preparation_is_a_fault(stage, smiling):
    with pytest.raises(PluginFault, match="prepared"):
        stage.speak(smiling, pose(), prepared={})


def test_the_spec_fits_the_class():
    module, _, attribute = VISEME.factory.partition(":")
    assert module == VisemeGenerator.__module__
    assert attribute == VisemeGenerator.__name__
    assert VISEME.fades and VISEME.streams and VISEME.deterministic
    assert VISEME.prepare.scope == "track"


def opened(**options):
    generator = VisemeGenerator()
    generator.open(OpenContext(options=options))
    return generator


@pytest.mark.parametrize(("articulation", "wider"), [(0.5, 0.5), (1.5, 1.5)])
def test_articulation_scales_openings_and_leaves_closures(stage, closed, articulation, wider):
    def openings(**options):
        speaks = Stage(stage.detector, opened(**options))
        return [stage.opening(f) for f in speaks.speak(closed, pose(jaw=0.5), pose(press=1.0))]

    usual, scaled = openings(), openings(articulation=articulation)
    assert scaled[0] == pytest.approx(wider * usual[0], rel=0.25)
    assert scaled[1] < CLOSED


def test_who_opens_little_in_the_target_opens_little(stage, closed):
    """The same row for two people, of whom one was seen to move the mouth half as far."""

    def opening(spread):
        seen = MouthRange(
            seconds=30.0,
            opening=(0.0, 0.1, 0.2),
            opening_spread=spread,
            width=(0.7, 0.8, 0.9),
            width_spread=WIDTH,
        )
        prepared = stage.generator.prepare(replace(closed, mouth=seen))
        return stage.opening(stage.speak(closed, pose(jaw=0.5), prepared=prepared)[0])

    assert opening(0.6 * OPENING) < 0.75 * opening(OPENING)
    assert opening(1.4 * OPENING) > 1.2 * opening(OPENING)
