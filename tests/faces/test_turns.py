"""Faces that lie or hang: found, cut, swayed and painted along their own axes."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from facefactory import drawn_face, face_frame, portrait

from lipsync_core.contracts import Detector
from lipsync_core.faces.crops import cut, place, transform
from lipsync_core.faces.idle import IdleMotion
from lipsync_core.faces.turned_detector import TRY_EVERY, TurnedDetector
from lipsync_core.faces.turns import HOLD, quarter_of, roll, to_upright, turned, turned_back
from lipsync_core.media.formats import picture_format
from lipsync_core.media.picture import Picture
from lipsync_core.records import FrameInfo, Patch
from lipsync_core.specs import BoxCrop, LandmarkCrop, Margins, NativeCrop
from lipsync_core.targets.canvas import Canvas, window_around

TURNS = [1, 2, 3]
CROPS = [
    NativeCrop(margins=Margins(left=0.1, right=0.2, top=0.3, bottom=0.1), scheme="68"),
    BoxCrop(size=(96, 96), margins=Margins(bottom=0.1)),
    BoxCrop(size=(64, 96), square=True),
    LandmarkCrop(size=(96, 80), margins=Margins(top=0.2)),
    LandmarkCrop(size=(64, 64), middle=29, grown=True),
]


def picture_of(image: np.ndarray) -> Picture:
    height, width = image.shape[:2]
    return Picture.from_rgb(
        image,
        FrameInfo(index=0, time=Fraction(0), duration=Fraction(1)),
        picture_format(width, height, 25),
    )


@pytest.mark.parametrize("quarter", range(4))
def test_a_turned_picture_and_its_matrix_agree(quarter):
    image = np.random.default_rng(0).integers(0, 255, (5, 7, 3)).astype(np.uint8)
    shown, matrix = turned(image, quarter), to_upright(quarter, 7, 5)
    for y, x in np.ndindex(5, 7):
        across, down = (matrix[:, :2] @ (x, y) + matrix[:, 2]).astype(int)
        assert np.array_equal(shown[down, across], image[y, x])
    assert np.array_equal(turned_back(shown, quarter), image)


@pytest.mark.parametrize("scheme", ["5", "68", "478"])
@pytest.mark.parametrize("degrees", [0, 40, 50, 90, 130, 180, 230, 270, -90])
def test_the_quarter_is_that_of_the_eyes(scheme, degrees):
    measured = roll(drawn_face(roll=degrees, scheme=scheme).landmarks[None], scheme)[0]
    assert quarter_of(measured) == round(degrees / 90) % 4


def test_a_tilting_head_does_not_flip_to_and_fro():
    quarter, seen = 0, []
    for degrees in (40, 47, 43, 50, 44, HOLD + 1, 58, 40, 31, 29):
        quarter = quarter_of(degrees, quarter)
        seen.append(quarter)
    assert seen == [0, 0, 0, 0, 0, 1, 1, 1, 1, 0]


@pytest.mark.parametrize("quarter", TURNS)
@pytest.mark.parametrize("spec", CROPS)
def test_the_crop_of_a_turned_face_is_the_crop_of_the_upright_one(spec, quarter):
    """Well inside the picture; the same pixels reach the model, whatever the turn."""
    image = np.random.default_rng(1).integers(0, 255, (240, 300, 3)).astype(np.uint8)
    face = drawn_face(150, 110, 60)
    boxes, points = np.array([face.box]), face.landmarks[None]
    (upright,), size = place(spec, boxes, points, "68")
    shown = turned_back(image, quarter)
    back = to_upright((4 - quarter) % 4, 300, 240)
    corners = boxes.reshape(2, 2) @ back[:, :2].T + back[:, 2]
    there = np.concatenate([corners.min(0), corners.max(0)])[None]
    (matrix,), same = place(
        spec, there, transform(points, back), "68", quarters=np.array([quarter])
    )
    assert same == size
    whole = (0, 0, shown.shape[1], shown.shape[0])
    got = Canvas(picture_of(shown), whole, quarter).cut(matrix, size)
    expected = cut(image, upright, size)
    if isinstance(spec, NativeCrop):
        # Corners are whole pixels, rounded along other axes: at most a pixel aside.
        moved = transform(transform(points, back), matrix) - transform(points, upright)
        assert np.abs(moved).max() <= 1
    else:
        assert np.abs(got.astype(int) - expected).mean() < 1
        assert (
            np.abs(transform(transform(points, back), matrix) - transform(points, upright)).max()
            < 0.01
        )


@pytest.mark.parametrize("quarter", range(4))
def test_a_canvas_shows_and_paints_the_face_upright(quarter):
    image = np.random.default_rng(2).integers(0, 255, (80, 120, 3)).astype(np.uint8)
    shown = turned_back(image, quarter)
    matrix = to_upright(quarter, shown.shape[1], shown.shape[0])
    placed = matrix.copy()
    placed[:, 2] -= (30, 20)
    window = window_around([(placed, (40, 24))], (shown.shape[1], shown.shape[0]))
    canvas = Canvas(picture_of(shown), window, quarter)
    assert np.array_equal(canvas.cut(placed, (40, 24)), image[20:44, 30:70])
    x, y = np.rint(-canvas.local(placed)[:, 2]).astype(int).tolist()
    marked = transform(np.array([[31.0, 22.0]]), np.linalg.inv(np.vstack([matrix, [0, 0, 1]]))[:2])
    assert np.allclose(canvas.points(marked), [[x + 1, y + 2]], atol=1e-4)
    canvas.paste(Patch(x=x, y=y, image=np.full((24, 40, 3), 7, np.uint8)))
    made = turned(canvas.picture().rgb(), quarter)
    assert (made[20:44, 30:70] == 7).all()
    image[20:44, 30:70] = 7
    assert np.array_equal(made, image)


@pytest.mark.parametrize("quarter", TURNS)
def test_a_turned_still_lives_along_its_own_axes(detector, quarter):
    image = portrait()
    detector.reset()
    points = detector.detect(image[None])[0][0].landmarks
    shown = turned_back(image, quarter)
    back = to_upright((4 - quarter) % 4, image.shape[1], image.shape[0])
    upright = IdleMotion(image, points, seed=3)
    lying = IdleMotion(shown, transform(points, back), seed=3, quarter=quarter)
    for seconds in (Fraction(1), Fraction(5, 2), Fraction(4)):
        emphasis = np.array([0.7, 1.0], np.float32)
        a, b = upright.at(seconds, emphasis), lying.at(seconds, emphasis)
        assert np.abs(turned(b, quarter).astype(int) - a).max() <= 1
        painted = lying.at(seconds, emphasis, shown)
        assert np.array_equal(painted, b)


@pytest.mark.parametrize("quarter", TURNS)
@pytest.mark.parametrize("frames", [1, 6])
def test_the_built_in_detector_finds_faces_in_any_turn(detector, quarter, frames):
    detector.reset()
    upright = [face_frame(n) for n in range(frames)]
    expected = detector.detect(np.stack(upright))
    detector.reset()
    found = detector.detect(np.stack([turned_back(image, quarter) for image in upright]))
    matrix = to_upright(quarter, *np.array(turned_back(upright[0], quarter).shape[1::-1]).tolist())
    for was, (face,) in zip(expected, found, strict=True):
        apart = transform(face.landmarks, matrix)[:, :2] - was[0].landmarks[:, :2]
        assert np.hypot(*apart.T).mean() < 0.03 * (was[0].box[2] - was[0].box[0])


class UprightOnly(Detector):
    """Finds a drawn face where a picture's upper left corner is white; elsewhere nothing, or a false one."""

    def __init__(self, false=None):
        self.false, self.calls = false, 0

    def open(self, context):
        pass

    def detect(self, images):
        self.calls += len(images)
        return [self._of(image) for image in images]

    def _of(self, image):
        if image[:4, :4].min() == 255:
            return [drawn_face(60, 50, 50)]
        return [self.false] if self.false else []


def crumpled():
    """Landmarks that no camera sees of a face."""
    face = drawn_face(60, 50, 50, score=0.99)
    face.landmarks[27:36] += np.random.default_rng(4).normal(0, 9, (9, 2)).astype(np.float32)
    return face


@pytest.mark.parametrize("quarter", TURNS)
@pytest.mark.parametrize("false", [None, crumpled()], ids=["nothing", "a false face"])
def test_other_detectors_are_shown_turned_pictures(quarter, false):
    image = np.zeros((100, 140, 3), np.uint8)
    image[:4, :4] = 255
    shown = turned_back(image, quarter)
    found = TurnedDetector(UprightOnly(false)).detect(np.stack([shown] * 3))
    matrix = to_upright(quarter, shown.shape[1], shown.shape[0])
    for (face,) in found:
        assert (
            np.abs(transform(face.landmarks, matrix) - drawn_face(60, 50, 50).landmarks).max()
            < 0.01
        )
        assert face.box[0] < face.box[2] and face.box[1] < face.box[3]


def test_upright_faces_cost_no_look_at_turned_pictures():
    image = np.full((1, 60, 60, 3), 255, np.uint8)
    inner = UprightOnly()
    shown = TurnedDetector(inner)
    for _ in range(40):
        shown.detect(image)
    assert inner.calls == 40


def test_pictures_without_faces_are_turned_now_and_then():
    inner = UprightOnly()
    shown = TurnedDetector(inner)
    for _ in range(2 * TRY_EVERY):
        assert shown.detect(np.zeros((1, 60, 60, 3), np.uint8)) == [[]]
    assert inner.calls <= 2 * TRY_EVERY + 3 * 4
