"""Idle motion of stills, measured by finding the face again."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

import lipsync_core
from lipsync_core.faces.blink import BLINK_CELL, closure
from lipsync_core.faces.idle import LIFT, NOD, IdleMotion

FPS = 25
LIPS = [0, 13, 14, 17, 61, 291]


@pytest.fixture(scope="module")
def picture():
    path = Path(lipsync_core.__file__).parent / "samples" / "portrait.png"
    small = cv2.imread(str(path))[..., ::-1]
    return cv2.resize(np.ascontiguousarray(small), (900, 900), interpolation=cv2.INTER_CUBIC)


@pytest.fixture(scope="module")
def landmarks(detector, picture):
    return find(detector, picture)


@pytest.fixture(scope="module")
def motion(picture, landmarks):
    return IdleMotion(picture, landmarks, seed=3)


def find(detector, picture):
    detector.reset()
    return detector.detect(picture[None])[0][0].landmarks


def blink_times(seed, seconds=20):
    return [Fraction(k, FPS) for k in range(seconds * FPS) if closure(k / FPS, seed) > 0.99]


def test_the_first_frame_is_the_picture(motion, picture):
    assert np.array_equal(motion.at(Fraction(0)), picture)


def test_time_alone_decides(picture, landmarks, motion):
    motion.at(Fraction(9))
    again = IdleMotion(picture, landmarks, seed=3)
    for time in (Fraction(3), Fraction(1001, 300)):
        assert np.array_equal(motion.at(time), again.at(time))


def test_another_seed_moves_otherwise(picture, landmarks, motion):
    other = IdleMotion(picture, landmarks, seed=4)
    assert not np.array_equal(motion.at(Fraction(3)), other.at(Fraction(3)))
    assert blink_times(3) != blink_times(4)


def test_the_head_moves_little_and_steadily(motion, detector, landmarks):
    """The nose, found again in every fifth of a second."""
    places = np.array([find(detector, motion.at(Fraction(k, 5)))[4, :2] for k in range(20)])
    eyes = np.linalg.norm(landmarks[263, :2] - landmarks[33, :2])
    assert 0.01 * eyes < np.ptp(places, axis=0).max() < 0.15 * eyes
    assert np.abs(np.diff(places, axis=0)).max() < 0.06 * eyes


def test_the_border_stays(motion, picture):
    for time in (Fraction(2), Fraction(7), *blink_times(3)[:1]):
        image = motion.at(time, np.ones(2, np.float32))
        for edge in (np.s_[0], np.s_[-1], np.s_[:, 0], np.s_[:, -1]):
            assert np.array_equal(image[edge], picture[edge])


def test_a_new_mouth_moves_with_the_head(motion, picture, landmarks):
    """What was painted into the picture comes out where the head is."""
    x, y = np.round(landmarks[4, :2]).astype(int)
    painted = picture.copy()
    painted[y - 2 : y + 3, x - 2 : x + 3] = (0, 0, 255)
    image = motion.at(Fraction(0), np.array([1.0, 0.0], np.float32), painted).astype(int)
    near = image[y - 20 : y + 21, x - 20 : x + 21]
    found = np.argwhere((near[..., 2] > 150) & (near[..., 0] < 80)).mean(axis=0) - 20
    eyes = np.linalg.norm(landmarks[263, :2] - landmarks[33, :2])
    assert 0.5 * NOD * eyes < found[0] < 1.1 * NOD * eyes
    assert found[1] == pytest.approx(0, abs=1)


def test_a_lift_raises_the_brows_and_leaves_the_eyes(motion, detector, landmarks):
    lifted = find(detector, motion.at(Fraction(0), np.array([0.0, 1.0], np.float32)))
    eyes = np.linalg.norm(landmarks[263, :2] - landmarks[33, :2])
    raised = (landmarks - lifted)[[105, 334], 1].mean()
    assert 0.5 * LIFT * eyes < raised < 1.5 * LIFT * eyes
    assert np.abs((landmarks - lifted)[[33, 133, 263, 362, 61, 291], 1]).max() < 0.02 * eyes


def test_eyes_close_in_a_blink(motion, picture, landmarks):
    """The iris is covered by skin: the eye's middle is much lighter than the pupil."""
    image = motion.at(blink_times(3)[0])
    x, y = np.round(landmarks[468, :2]).astype(int)
    pupil = picture[tuple(np.round(landmarks[468, 1::-1]).astype(int))].mean()
    assert image[y - 1 : y + 2, x - 1 : x + 2].mean() > pupil + 50


def test_a_blink_leaves_the_brows_alone(picture, landmarks):
    still = IdleMotion(picture, landmarks, seed=3)
    time = blink_times(3)[0]
    with_blink = still.at(time)
    blind = IdleMotion(picture, landmarks[[468, 473, 1, 61, 291]], seed=3)
    assert blind.at(time).shape == with_blink.shape
    assert np.array_equal(with_blink[:10], picture[:10])


def test_blinks_are_spread_over_time():
    count = 0
    shut = False
    for k in range(120 * FPS):
        now = closure(k / FPS, 7) > 0.5
        count += now and not shut
        shut = now
    assert count == pytest.approx(120 / BLINK_CELL, abs=2)


@pytest.mark.parametrize("points", [5, 68])
def test_sparse_landmarks_sway_without_blinking(picture, landmarks, points):
    if points == 5:
        sparse = landmarks[[468, 473, 4, 61, 291], :2]
    else:
        sparse = np.zeros((68, 2), np.float32)
        sparse[36:42], sparse[42:48] = landmarks[468, :2], landmarks[473, :2]
        sparse[8] = landmarks[152, :2]
    image = IdleMotion(picture, sparse, seed=1).at(Fraction(4))
    assert not np.array_equal(image, picture)
    assert np.array_equal(image[0], picture[0])


def test_a_face_that_fills_the_picture_hardly_moves(picture, landmarks):
    x0, y0 = landmarks[:, :2].min(axis=0).astype(int)
    x1, y1 = landmarks[:, :2].max(axis=0).astype(int)
    tight = np.ascontiguousarray(picture[y0:y1, x0:x1])
    inside = landmarks - np.array([x0, y0, 0], np.float32)
    image = IdleMotion(tight, inside, seed=2).at(Fraction(5))
    assert image.shape == tight.shape
    assert np.array_equal(image[:, 0], tight[:, 0])
