"""The built-in detector on pictures made from the bundled portrait."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from lipsync_core.builtin.mediapipe.detector import SEARCH_EVERY, MediaPipeDetector
from lipsync_core.contracts import OpenContext
from lipsync_core.errors import PluginFault

EYES = (33, 263)
IRISES = (468, 473)


def place(portrait, scale=1.0, angle=0.0, at=(256.0, 256.0), size=(512, 512)):
    """The portrait, turned and scaled about its middle, that put at `at`; and the 2x3 used."""
    matrix = cv2.getRotationMatrix2D((255.5, 255.5), angle, scale)
    matrix[:, 2] += np.array(at) - 255.5
    flags = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    picture = cv2.warpAffine(portrait, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return picture, matrix


def face_width(face):
    return face.box[2] - face.box[0]


@pytest.fixture
def reference(detector, portrait):
    (faces,) = detector.detect(portrait[None])
    detector.reset()
    return faces[0]


def test_one_face_with_478_points(reference, portrait):
    assert reference.scheme == "478"
    assert reference.landmarks.shape == (478, 3)
    assert reference.landmarks.dtype == np.float32
    assert 0.9 < reference.score <= 1
    x0, y0, x1, y1 = reference.box
    assert 80 < x1 - x0 < 110
    assert np.allclose(reference.landmarks[:468, :2].min(axis=0), (x0, y0), atol=1e-3)
    assert np.allclose(reference.landmarks[:468, :2].max(axis=0), (x1, y1), atol=1e-3)
    # Measured once in the picture: the pupils, the lip corners, the chin.
    for index, (x, y) in {
        468: (203, 101),
        473: (246, 103),
        61: (201, 138),
        152: (221, 177),
    }.items():
        assert np.hypot(*(reference.landmarks[index, :2] - (x, y))) < 4, index


def test_irises_lie_in_the_eyes(reference):
    points = reference.landmarks
    for iris, outer, inner in ((468, 33, 133), (473, 263, 362)):
        eye = points[[outer, inner], :2]
        assert np.hypot(*(points[iris, :2] - eye.mean(axis=0))) < 0.3 * np.hypot(*(eye[0] - eye[1]))
        ring = np.hypot(*(points[iris + 1 : iris + 5, :2] - points[iris, :2]).T)
        assert (ring > 1).all() and (ring < 6).all()


def test_depth_is_nearest_at_the_nose_tip(reference):
    depth = reference.landmarks[:, 2]
    assert depth[4] < depth[[234, 454, 152, 10]].min()


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("angle", [-25.0, 0.0, 40.0])
def test_points_follow_the_picture(detector, portrait, reference, scale, angle):
    picture, matrix = place(portrait, scale, angle, at=(330.0, 400.0), size=(720, 800))
    (faces,) = detector.detect(picture[None])
    assert len(faces) == 1
    expected = reference.landmarks[:, :2] @ matrix[:, :2].T + matrix[:, 2]
    error = np.hypot(*(faces[0].landmarks[:, :2] - expected).T)
    assert error.mean() < 0.03 * face_width(faces[0])


def test_a_face_40_px_wide_in_a_720p_picture(detector, portrait):
    picture, matrix = place(portrait, 0.44, at=(900.0, 420.0), size=(1280, 720))
    (faces,) = detector.detect(picture[None])
    assert len(faces) == 1
    assert 34 < face_width(faces[0]) < 46
    nose = matrix[:, :2] @ (224, 130) + matrix[:, 2]
    assert np.hypot(*(faces[0].landmarks[4, :2] - nose)) < 5


def test_two_faces_and_the_largest_first(detector, portrait):
    picture = np.concatenate([cv2.resize(portrait, (360, 512)), portrait], axis=1)
    (faces,) = detector.detect(picture[None])
    assert len(faces) == 2
    assert face_width(faces[0]) > face_width(faces[1])
    assert abs(faces[0].landmarks[4, 0] - faces[1].landmarks[4, 0]) > 200


def test_no_face(detector):
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 255, (360, 640, 3), np.uint8)
    plain = np.full((360, 640, 3), 128, np.uint8)
    assert detector.detect(np.stack([plain, noise, plain])) == [[], [], []]


def test_a_face_comes_back_after_it_left(detector, portrait):
    empty = np.full_like(portrait, 90)
    found = detector.detect(np.stack([portrait, empty, empty, portrait]))
    assert [len(faces) for faces in found] == [1, 0, 0, 1]


def test_a_newcomer_is_found_within_a_search_period(detector, portrait):
    one = np.concatenate([portrait, np.full_like(portrait, 120)], axis=1)
    two = np.concatenate([portrait, portrait], axis=1)
    detector.detect(one[None])
    found = detector.detect(np.stack([two] * SEARCH_EVERY))
    assert len(found[-1]) == 2
    assert all(len(faces) in (1, 2) for faces in found)


def test_a_still_face_does_not_move_at_all(detector, portrait):
    found = detector.detect(np.stack([portrait] * 25))
    for faces in found[1:]:
        assert np.array_equal(faces[0].landmarks, found[0][0].landmarks)


def test_tracking_equals_detection(detector, portrait):
    pictures = [place(portrait, at=(250.0 + 3 * k, 256.0 + k), angle=k)[0] for k in range(9)]
    tracked = detector.detect(np.stack(pictures))
    for picture, faces in zip(pictures, tracked, strict=True):
        detector.reset()
        ((fresh,),) = detector.detect(picture[None])
        assert np.hypot(*(fresh.landmarks - faces[0].landmarks)[:, :2].T).mean() < 0.8


def test_noise_moves_the_lips_little(detector, portrait):
    rng = np.random.default_rng(1)
    large = cv2.resize(portrait, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    noisy = np.stack(
        [np.clip(large + rng.normal(0, 4, large.shape), 0, 255).astype(np.uint8) for _ in range(10)]
    )
    lips = np.array(
        [faces[0].landmarks[[0, 13, 14, 17, 61, 291], :2] for faces in detector.detect(noisy)]
    )
    assert lips.std(axis=0).max() < 0.8


def test_the_same_calls_give_the_same_points(portrait):
    results = []
    for _ in range(2):
        detector = MediaPipeDetector()
        detector.open(OpenContext())
        results.append(detector.detect(np.stack([portrait, portrait[::-1], portrait])))
        detector.close()
    for one, other in zip(*results, strict=True):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            assert np.array_equal(a.landmarks, b.landmarks)


def test_chunking_of_the_frames_does_not_matter(detector, portrait):
    pictures = np.stack([place(portrait, at=(250.0 + 2 * k, 256.0))[0] for k in range(14)])
    whole = detector.detect(pictures)
    detector.reset()
    parts = [faces for k in range(0, 14, 4) for faces in detector.detect(pictures[k : k + 4])]
    for a, b in zip(whole, parts, strict=True):
        assert np.array_equal(a[0].landmarks, b[0].landmarks)


def test_without_eyes_the_irises_are_the_middles(portrait):
    detector = MediaPipeDetector()
    detector.open(OpenContext(options={"eyes": False}))
    ((face,),) = detector.detect(portrait[None])
    assert face.landmarks.shape == (478, 3)
    assert np.ptp(face.landmarks[468:473, 0]) == 0
    detector.close()


def test_max_faces(portrait):
    detector = MediaPipeDetector()
    detector.open(OpenContext(options={"max_faces": 1}))
    picture = np.concatenate([portrait, portrait], axis=1)
    assert [len(f) for f in detector.detect(picture[None])] == [1]
    detector.close()


def test_use_before_open_is_a_fault(portrait):
    with pytest.raises(PluginFault):
        MediaPipeDetector().detect(portrait[None])


def test_close_twice():
    detector = MediaPipeDetector()
    detector.open(OpenContext())
    detector.close()
    detector.close()
