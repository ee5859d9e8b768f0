"""Things before a mouth: noticed on the generated face, and nothing else is."""

from __future__ import annotations

from fractions import Fraction

import cv2
import numpy as np
import pytest
from covers import KINDS, cover, entering
from facefactory import face_frame, portrait

from lipsync_core.faces.analyse import analyse
from lipsync_core.faces.analysis import AnalysisWriter
from lipsync_core.faces.covering import COVERED_NONE, SAMPLE, covered
from lipsync_core.faces.looks import LOOK
from lipsync_core.faces.schemes import convert
from lipsync_core.faces.selection import REASONS, FaceRule, choose

FRAMES = 80
SIZE = (288, 336)
COVERED = REASONS.index("mouth covered")


@pytest.fixture(scope="module")
def clear(detector):
    """Frames of a drifting face, and its 68 points in each."""
    detector.reset()
    images = [face_frame(n) for n in range(FRAMES)]
    faces = [found[0] for found in detector.detect(np.stack(images))]
    return images, [convert(face.landmarks, "478", "68") for face in faces]


def chosen(detector, images, folder, **choices):
    detector.reset()
    with AnalysisWriter(folder / "a", {}) as writer:
        analysis = analyse(((image, []) for image in images), detector, writer)
    return choose(analysis, FaceRule.parse("largest"), SIZE, **choices)


def with_thing(clear, kind, entered):
    images, hidden = [], []
    for image, points, share in zip(*clear, entered, strict=True):
        made, lips = cover(image, points, kind, share)
        images.append(made)
        hidden.append(lips)
    return images, np.array(hidden)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.35, 0.7], ids=["for a while", "most of the time"])
def test_what_hides_the_mouth_lets_the_frames_pass(detector, clear, kind, share, tmp_path):
    images, hidden = with_thing(clear, kind, entering(FRAMES, 0.9 - share, 0.9))
    choice = chosen(detector, images, tmp_path)
    over, never = hidden > 0.5, np.convolve(hidden > 0, np.ones(15), "same") == 0
    assert over.sum() > 14 and never.sum() > 5
    assert (choice.strength[over] < 0.1).mean() > 0.9
    assert (choice.strength[never] > 0.9).all(), "with a new mouth before and after"
    assert set(choice.reasons.tolist()) == {0, COVERED}
    assert np.abs(np.diff(choice.strength)).max() < 0.5, "it fades"


def test_checks_can_be_switched_off(detector, clear, tmp_path):
    images, _ = with_thing(clear, "mask", entering(FRAMES))
    assert (chosen(detector, images, tmp_path, checks=False).strength > 0.9).all()


def dimmed(image, n):
    return image * (1 - 0.5 * np.sin(np.pi * n / FRAMES) ** 2)


def tinted(image, n):
    turn = 0.15 * np.sin(2 * np.pi * n / FRAMES)
    return image * np.array([1 + turn, 1, 1 - turn])


def lit_from_aside(image, n):
    turn = 0.25 * np.sin(2 * np.pi * n / FRAMES)
    return image * np.linspace(1 - turn, 1 + turn, image.shape[1])[None, :, None]


def noisy(image, n):
    return image + np.random.default_rng(n).normal(0, 10, image.shape)


def black_and_white(image, n):
    return np.repeat(image.mean(2, keepdims=True), 3, 2)


def closer(image, n):
    matrix = cv2.getRotationMatrix2D((140, 180), 12 * np.sin(n / 9), 1 + 0.3 * n / FRAMES)
    return cv2.warpAffine(image, matrix, image.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)


@pytest.mark.parametrize(
    "change",
    [dimmed, tinted, lit_from_aside, noisy, black_and_white, closer],
    ids=lambda f: f.__name__,
)
def test_light_noise_and_movement_hide_nothing(detector, clear, change, tmp_path):
    images = [np.clip(change(im, n), 0, 255).astype(np.uint8) for n, im in enumerate(clear[0])]
    assert (chosen(detector, images, tmp_path).strength > 0.9).all()


def test_talking_hides_nothing(detector, tmp_path, job_frames):
    """The mouths of a finished run: open, closed, with teeth."""
    assert (chosen(detector, job_frames, tmp_path).strength > 0.9).all()


@pytest.fixture(scope="module")
def job_frames(tmp_path_factory):
    from facefactory import face_video, speech

    from lipsync_core.engine.run import run
    from lipsync_core.media.reader import VideoReader
    from lipsync_core.requests import RunRequest

    folder = tmp_path_factory.mktemp("talk")
    target, voice = face_video(folder / "in.mp4", 60), speech(folder / "in.wav", 2.4)
    run(RunRequest.of(target, voice, folder / "out.mp4"))
    with VideoReader(folder / "out.mp4") as reader:
        return [picture.rgb() for picture in reader.frames()]


def test_a_thing_in_the_way_for_a_single_frame_is_no_cover(detector, clear, tmp_path):
    images, _ = with_thing(clear, "mask", (np.arange(FRAMES) == 40).astype(float))
    assert (chosen(detector, images, tmp_path).strength > 0.9).all()


@pytest.mark.parametrize(("kind", "noticed"), [("mask", True), ("hand", False), (None, False)])
def test_a_still_picture_can_only_be_judged_by_colours_that_no_skin_has(
    detector, kind, noticed, tmp_path
):
    """What is said of masks, and honestly not said of hands."""
    image = portrait()
    detector.reset()
    points = convert(detector.detect(image[None])[0][0].landmarks, "478", "68")
    shown = cover(image, points, kind, 1.0)[0] if kind else image
    choice = chosen(detector, [shown], tmp_path)
    assert (choice.reasons[0] == COVERED) == noticed
    assert (choice.strength[0] == 0) == noticed


def test_the_judgement_does_not_grow_with_the_video():
    """Statistics come from a sample; an hour is judged like a minute."""
    rng = np.random.default_rng(0)
    look = np.zeros(40 * SAMPLE, LOOK)
    look["cells"], look["lips"] = rng.normal(0, 0.02, look["cells"].shape), 0.2
    look["cells"][5000:5400] += 1.0
    look["lips"][5000:5400] = 0.0
    found = covered(look)
    assert (found[5000:5400] > COVERED_NONE).all()
    assert found[:5000].max() < COVERED_NONE and found[5400:].max() < COVERED_NONE


def test_sparse_landmarks_say_nothing_of_covers(tmp_path):
    from facefactory import drawn_face

    with AnalysisWriter(tmp_path / "a", {}) as writer:
        for n in range(10):
            face = drawn_face(scheme="5")
            writer.add(n, [face], [0], np.full((200, 200, 3), 25 * n, np.uint8))
        assert not writer.finish(10).rows["covered"].any()
    assert Fraction(len(list((tmp_path / "a").iterdir()))) == 3, "what it was judged by is not kept"
