"""Schemes, crops and poses: matrices that go where they should, and come back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lipsync_core.errors import UnsupportedInput
from lipsync_core.faces import crops, pose
from lipsync_core.faces.schemes import MESH_TO_68, POINTS, convert, provides
from lipsync_core.specs import AlignedCrop, BoxCrop, LandmarkCrop, Margins, NativeCrop, Shift


@pytest.fixture(scope="module")
def face():
    """The portrait with its 478 landmarks, found by the built-in detector."""
    from lipsync_core import samples
    from lipsync_core.builtin.mediapipe.spec import MEDIAPIPE
    from lipsync_core.media.still import read_still
    from lipsync_core.registry import create
    from lipsync_core.registry.probing import context_for

    image = read_still(samples.portrait())
    detector = create(MEDIAPIPE)
    detector.open(context_for(MEDIAPIPE))
    (found,) = detector.detect(image[None])[0]
    detector.close()
    return image, found


def test_dense_becomes_sparse_and_never_the_other_way(face):
    points = face[1].landmarks
    sparse = convert(points, "478", "68")
    assert sparse.shape == (68, 2) and len(set(MESH_TO_68.tolist())) == 68
    five = convert(points, "478", "5")
    assert np.allclose(five, convert(sparse, "68", "5"))
    left, right, nose, *_ = five
    assert left[0] < nose[0] < right[0] and nose[1] > max(left[1], right[1])
    batch = convert(np.stack([points, points + 1]), "478", "5")
    assert batch.shape == (2, 5, 2) and np.allclose(batch[1], five + 1, atol=1e-3)
    for have, want in (("5", "68"), ("68", "478")):
        assert not provides(have, want)
        with pytest.raises(UnsupportedInput, match=f"{have} landmarks"):
            convert(np.zeros((POINTS[have], 2), np.float32), have, want)


def test_68_points_lie_where_ibug_draws_them(face):
    p = convert(face[1].landmarks, "478", "68")
    assert p[8, 1] == p[:, 1].max(), "8 is the chin"
    assert p[0, 0] - p[:17, 0].min() < 3 and p[16, 0] == p[:17, 0].max(), "0 and 16 are the cheeks"
    assert p[19, 1] < p[37, 1] < p[30, 1] < p[51, 1] < p[57, 1], "brow, eye, nose, lips from above"
    assert p[48, 0] == p[48:, 0].min() and p[54, 0] == p[48:, 0].max(), "48 and 54 are the corners"


SPECS = [
    NativeCrop(margins=Margins(left=0.1, top=0.1, right=0.1, bottom=0.2)),
    BoxCrop(size=(96, 96), margins=Margins(bottom=0.1)),
    BoxCrop(size=(128, 96), square=True),
    LandmarkCrop(size=(256, 256), middle=29),
    LandmarkCrop(size=(160, 160), points=(0, 16, 27), square=True),
    LandmarkCrop(size=(64, 64), middle=29, margins=Margins(bottom=0.04), grown=True),
    AlignedCrop(
        size=(256, 256),
        groups=(tuple(range(36, 42)), tuple(range(42, 48)), (30,)),
        reference=((90.0, 100.0), (166.0, 100.0), (128.0, 150.0)),
    ),
]


@pytest.mark.parametrize("spec", SPECS, ids=lambda s: type(s).__name__)
def test_a_crop_and_its_inverse_meet(face, spec):
    image, found = face
    points = np.stack([found.landmarks, found.landmarks + np.float32(3)])
    boxes = np.array([found.box, np.add(found.box, 3)])
    matrices, size = crops.place(spec, boxes, points, "478")
    assert matrices.shape == (2, 2, 3) and matrices.dtype == np.float64
    crop = crops.cut(image, matrices[0], size)
    assert crop.shape == (size[1], size[0], 3) and crop.dtype == np.uint8
    there = crops.transform(found.landmarks, matrices[0])
    back = crops.transform(there, crops.invert(matrices[0]))
    assert np.allclose(back, found.landmarks, atol=1e-2)
    eye = there[33, :2].astype(int)  # what lies at the landmark is the same picture
    want = image[tuple(found.landmarks[33, 1::-1].round().astype(int))].astype(int)
    assert np.abs(crop[eye[1], eye[0]].astype(int) - want).max() < 90


def test_native_crops_copy_pixels_and_have_one_size(face):
    image, found = face
    spec = NativeCrop(margins=Margins(left=0.1, top=0.1, right=0.1, bottom=0.2))
    wide = found.landmarks.copy()
    wide[:, :2] *= 1.1
    extent = crops.bounding(np.stack([found.landmarks, wide]))
    boxes = np.array([found.box])
    one, size = crops.place(spec, boxes, found.landmarks[None], "478", extent)
    _, other = crops.place(spec, boxes, wide[None], "478", extent)
    assert size == other and size[0] % 16 == 0 == size[1] % 16
    assert crops.is_translation(one[0])
    x, y = (-one[0, :, 2]).astype(int)
    crop = crops.cut(image, one[0], size)
    assert np.array_equal(crop, image[y : y + size[1], x : x + size[0]])


def test_beyond_the_edge_the_edge_repeats(face):
    image = face[0]
    matrix = np.array([[1.0, 0, 40], [0, 1.0, -500]])
    crop = crops.cut(image, matrix, (64, 64))
    assert np.array_equal(crop[:, :40], np.repeat(crop[:, 40:41], 40, 1))
    assert np.array_equal(crop[12:], np.repeat(crop[11:12], 52, 0))
    far = crops.cut(image, np.array([[1.0, 0, 900], [0, 1.0, 0]]), (8, 8))
    assert np.array_equal(far, np.repeat(image[:8, :1], 8, 1))


def test_musetalks_box_reaches_as_far_up_as_down():
    points = np.zeros((1, 68, 2), np.float32)
    points[0, :, 0], points[0, :, 1] = np.linspace(10, 90, 68), np.linspace(20, 100, 68)
    points[0, 29] = (50, 70)
    matrices, _ = crops.place(
        LandmarkCrop(size=(80, 60), middle=29), np.zeros((1, 4)), points, "68"
    )
    corners = crops.transform(np.array([[10, 40], [90, 100]], np.float32), matrices[0])
    assert np.allclose(corners, [[0, 0], [80, 60]])


MOVED = LandmarkCrop(
    size=(80, 80),
    middle=29,
    margins=Margins(bottom=0.1),
    shifts=(
        Shift(key="lower", moves="middle"),
        Shift(key="chin", moves="bottom"),
        Shift(key="brow", moves="top"),
        Shift(key="near", moves="left"),
        Shift(key="far", moves="right"),
    ),
)


@pytest.mark.parametrize(
    ("settings", "box"),
    [
        ({}, (10, 140, 90, 206)),  # 60 high, and a tenth of it below
        ({"lower": 5, "chin": 0}, (10, 150, 90, 205)),  # the top goes down twice as far
        ({"lower": -4}, (10, 132, 90, 206.8)),
        ({"chin": 3.5, "another": 9}, (10, 140, 90, 209.5)),
        ({"near": 4, "far": -6, "brow": 2}, (6, 138, 84, 206)),
        ({"chin": 1e9, "brow": -1e9}, (10, 156.5, 90, 222.5)),  # a quarter of 66 at the most
        ({"lower": 1e9, "near": -1e9, "far": -1e9}, (30, 155, 70, 204.5)),
    ],
)
def test_options_of_a_run_move_a_crop(settings, box):
    points = np.zeros((1, 68, 2), np.float32)
    points[0, :, 0], points[0, :, 1] = np.linspace(10, 90, 68), np.linspace(150, 200, 68)
    points[0, 29] = (50, 170)
    matrices, _ = crops.place(MOVED, np.zeros((1, 4)), points, "68", settings=settings)
    ends = crops.transform(np.array([[-0.5, -0.5], [79.5, 79.5]]), crops.invert(matrices[0]))
    assert np.allclose(ends.ravel() + 0.5, box, atol=1e-3)


def test_a_landmark_crop_is_grown_to_a_square_around_its_middle():
    points = np.zeros((1, 68, 2), np.float32)
    points[0, :, 0], points[0, :, 1] = np.linspace(10, 50, 68), np.linspace(100, 180, 68)
    spec = LandmarkCrop(size=(50, 50), margins=Margins(top=0.25), grown=True)
    matrices, _ = crops.place(spec, np.zeros((1, 4)), points, "68")
    ends = crops.transform(np.array([[-0.5, -0.5], [49.5, 49.5]]), crops.invert(matrices[0]))
    assert np.allclose(ends.ravel() + 0.5, (-20, 80, 80, 180), atol=1e-3)


def test_an_aligned_crop_puts_points_on_the_template():
    angle, scale = 0.4, 1.7
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    template = np.array([(30.0, 40.0), (66.0, 40.0), (48.0, 60.0)])
    points = np.zeros((1, 5, 2), np.float32)
    points[0, :3] = template @ turn.T + (100, 50)
    spec = AlignedCrop(
        size=(96, 96), groups=((0,), (1,), (2,)), reference=tuple(map(tuple, template)), scheme="5"
    )
    matrices, _ = crops.place(spec, np.zeros((1, 4)), points, "5")
    assert np.allclose(crops.transform(points[0, :3], matrices[0]), template, atol=1e-4)


def test_an_aligned_crop_may_keep_the_spread_of_the_template():
    """Points that do not fit: both ways turn and centre them alike, one also spreads them alike."""
    points = np.zeros((1, 68, 2), np.float32)
    points[0, :3] = [(50, 40), (90, 48), (70, 95)]
    reference = ((20.0, 20.0), (80.0, 20.0), (50.0, 50.0))
    spec = AlignedCrop(size=(100, 100), groups=((0,), (1,), (2,)), reference=reference)
    (least,), _ = crops.place(spec, np.zeros((1, 4)), points, "68")
    (spread,), _ = crops.place(replace(spec, scale="spread"), np.zeros((1, 4)), points, "68")
    moved = crops.transform(points[0, :3], spread)
    assert np.allclose(moved.mean(0), np.mean(reference, 0), atol=1e-3)
    assert moved.std() == pytest.approx(np.std(np.array(reference)), rel=0.1)
    radius = (
        np.linalg.norm(moved - moved.mean(0)),
        np.linalg.norm(np.subtract(reference, moved.mean(0))),
    )
    assert radius[0] == pytest.approx(radius[1], rel=1e-4)
    scales = [np.linalg.det(m[:, :2]) ** 0.5 for m in (least, spread)]
    assert scales[0] < 0.99 * scales[1]
    assert np.allclose(least[:, :2] / scales[0], spread[:, :2] / scales[1])


def test_shrinking_averages(face):
    noise = np.random.default_rng(0).integers(0, 256, (400, 400, 3)).astype(np.uint8)
    crop = crops.cut(noise, np.array([[0.1, 0, 0], [0, 0.1, 0]]), (40, 40))
    assert crop.std() < 15 and abs(crop.mean() - 127.5) < 3


def test_yaw_is_read_with_and_without_depth():
    face = np.zeros((3, 478, 3), np.float32)
    turn = np.radians([0, 30, -45])
    face[:, 234, 0], face[:, 454, 0] = -50 * np.cos(turn), 50 * np.cos(turn)
    face[:, 454, 2], face[:, 234, 2] = 50 * np.sin(turn), -50 * np.sin(turn)
    face[:, 152, 1], face[:, 10, 1] = 60, -60
    assert np.allclose(pose.angles(face, "478")[:, 0], [0, -30, 45], atol=0.1)
    sparse = np.zeros((2, 68, 2), np.float32)
    sparse[:, 16, 0], sparse[:, 30, 0] = 100, (50, 75)
    assert np.allclose(pose.angles(sparse, "68")[:, 0], [0, -30], atol=0.1)


def test_strength_falls_with_yaw_and_size():
    yaw = np.array([0.0, 29, 38, 46, 0, 0])
    width = np.array([100.0, 100, 100, 100, 20, 37])
    size, turned = pose.carrying(yaw, np.zeros(6), width)
    assert list(turned[:2]) == [1, 1] and 0 < turned[2] < 1 and turned[3] == 0
    assert size[0] == 1 and size[4] == 0 and 0 < size[5] < 1
