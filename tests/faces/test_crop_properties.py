"""Crops of any face: points go where they are said to go, come back, and pixels with them."""

from __future__ import annotations

import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lipsync_core.faces.crops import bounding, cut, invert, is_translation, place, transform
from lipsync_core.specs import AlignedCrop, BoxCrop, LandmarkCrop, Margins, NativeCrop

MARGINS = st.builds(Margins, **dict.fromkeys(("left", "top", "right", "bottom"), st.floats(0, 0.5)))
SIZES = st.tuples(st.integers(16, 300), st.integers(16, 300))
SCHEME = "68"


@st.composite
def faces(draw: st.DrawFn) -> np.ndarray:
    """`(N, 68, 2)` landmarks anywhere around a frame, of faces from 20 to 800 pixels."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    count, size = draw(st.integers(1, 3)), draw(st.floats(20, 800))
    corner = random.uniform(-200, 1500, (count, 1, 2))
    spread = random.uniform(0, 1, (count, 68, 2))
    spread[:, 0], spread[:, 1] = 0, 1  # as large as it is meant to be
    return (corner + spread * size).astype(np.float32)


def through(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    return points.astype(np.float64) @ matrix[:, :2].T + matrix[:, 2]


@settings(max_examples=100)
@given(points=faces(), size=SIZES, margins=MARGINS)
def test_the_widened_box_fills_the_crop(points, size, margins):
    """Edges of the box meet edges of the crop: half a pixel outside of the outermost centres."""
    boxes = bounding(points)
    wide, high = (boxes[:, 2] - boxes[:, 0])[:, None], (boxes[:, 3] - boxes[:, 1])[:, None]
    low = boxes[:, :2] - np.concatenate([margins.left * wide, margins.top * high], 1)
    top = boxes[:, 2:] + np.concatenate([margins.right * wide, margins.bottom * high], 1)
    for spec in (
        BoxCrop(size=size, margins=margins, scheme=SCHEME),
        LandmarkCrop(size=size, margins=margins, scheme=SCHEME),
    ):
        matrices, given_size = place(spec, boxes, points, SCHEME)
        assert given_size == size
        for matrix, a, b in zip(matrices, low, top, strict=True):
            scale = np.diag(matrix[:, :2])
            assert np.allclose(through(a, matrix), (scale - 1) / 2, atol=1e-2)
            assert np.allclose(through(b, matrix), size + (scale - 1) / 2, atol=1e-2)


@settings(max_examples=100)
@given(points=faces(), size=SIZES, margins=MARGINS)
def test_a_square_keeps_the_shape_and_the_middle(points, size, margins):
    spec = BoxCrop(size=(size[0], size[0]), margins=margins, square=True, scheme=SCHEME)
    boxes = bounding(points)
    matrices, _ = place(spec, boxes, points, SCHEME)
    assert np.allclose(matrices[:, 0, 0], matrices[:, 1, 1])
    for matrix, box, face in zip(matrices, boxes, points, strict=True):
        moved, half = through(face, matrix), (matrix[0, 0] - 1) / 2
        assert moved.min() > half - 0.01 and moved.max() < size[0] + half + 0.01, (
            "all of it is inside"
        )
        wide, high = box[2] - box[0], box[3] - box[1]
        longer = max(
            wide * (1 + margins.left + margins.right), high * (1 + margins.top + margins.bottom)
        )
        assert np.isclose(matrix[0, 0] * longer, size[0]), "and it is no smaller than it need be"


@settings(max_examples=100)
@given(points=faces(), multiple=st.sampled_from([1, 2, 8, 64]), margins=MARGINS)
def test_a_native_crop_is_a_copy_of_pixels_with_the_face_in_it(points, multiple, margins):
    spec = NativeCrop(multiple=multiple, margins=margins, scheme=SCHEME)
    matrices, (wide, high) = place(spec, bounding(points), points, SCHEME)
    assert wide % multiple == high % multiple == 0
    for matrix, face in zip(matrices, points, strict=True):
        assert is_translation(matrix)
        moved = through(face, matrix)
        assert moved.min() >= -1 and (moved.max(0) <= (wide + 1, high + 1)).all()


@settings(max_examples=100)
@given(
    angle=st.floats(-3.1, 3.1), scale=st.floats(0.05, 8), shift=st.tuples(*[st.floats(-900, 900)] * 2),
    how=st.sampled_from(["least squares", "spread"]),
)  # fmt: skip
def test_reference_points_land_where_the_spec_puts_them(angle, scale, shift, how):
    """A face that is the reference, turned, scaled and moved."""
    reference = ((30.0, 40.0), (90.0, 38.0), (60.0, 80.0))
    groups = ((36, 37), (45,), (48, 51, 54))
    spec = AlignedCrop(
        size=(120, 128), groups=groups, reference=reference, scheme=SCHEME, scale=how
    )
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = np.zeros((1, 68, 2))
    for group, at in zip(groups, reference, strict=True):
        points[0, list(group)] = turn @ np.array(at) + shift
    matrices, size = place(spec, np.zeros((1, 4)), points.astype(np.float32), SCHEME)
    assert size == (120, 128)
    landed = through(points[0], matrices[0])
    for group, at in zip(groups, reference, strict=True):
        assert np.allclose(landed[list(group)], at, atol=0.05)
    assert np.linalg.det(matrices[0][:, :2]) > 0, "never mirrored"


@settings(max_examples=100)
@given(
    angle=st.floats(-3.1, 3.1), scale=st.floats(0.05, 8), shift=st.tuples(*[st.floats(-900, 900)] * 2),
    depth=st.booleans(),
)  # fmt: skip
def test_points_come_back(angle, scale, shift, depth):
    matrix = np.array(
        [
            [scale * np.cos(angle), -scale * np.sin(angle), shift[0]],
            [scale * np.sin(angle), scale * np.cos(angle), shift[1]],
        ]
    )
    points = np.random.default_rng(0).uniform(0, 1000, (7, 3 if depth else 2)).astype(np.float32)
    back = transform(transform(points, matrix), invert(matrix))
    assert np.allclose(back, points, atol=0.01 * max(1.0, 1 / scale))
    assert np.allclose(invert(invert(matrix)), matrix, atol=1e-6 * (1 + abs(matrix).max()))


@settings(max_examples=60)
@given(x=st.integers(-40, 90), y=st.integers(-40, 70), size=st.tuples(*[st.integers(1, 60)] * 2))
def test_a_translation_copies_pixels_and_repeats_the_edge(x, y, size):
    image = np.random.default_rng(0).integers(0, 255, (50, 70, 3), np.uint8)
    made = cut(image, np.array([[1.0, 0, -x], [0, 1.0, -y]]), size)
    rows = np.clip(np.arange(y, y + size[1]), 0, 49)
    columns = np.clip(np.arange(x, x + size[0]), 0, 69)
    assert np.array_equal(made, image[rows][:, columns])


@settings(max_examples=40)
@given(
    angle=st.floats(-0.6, 0.6),
    scale=st.floats(0.2, 2.5),
    middle=st.tuples(*[st.floats(70, 180)] * 2),
)
def test_a_crop_shows_what_lies_under_it(angle, scale, middle):
    """In a picture of smooth slopes each pixel tells where it is from."""
    y, x = np.mgrid[0:256, 0:256]
    image = np.stack([x, y, np.full_like(x, 7)], -1).astype(np.uint8)
    matrix = np.asarray(cv2.getRotationMatrix2D(middle, np.degrees(angle), scale), np.float64)
    matrix[:, 2] += 12 - np.array(middle)
    made = cut(image, matrix, (24, 24)).astype(float)
    spots = np.stack(np.meshgrid(np.arange(24), np.arange(24)), -1).reshape(-1, 2)
    under = through(spots, invert(matrix))
    inside = ((under > 6) & (under < 249)).all(1)
    apart = np.abs(made.reshape(-1, 3)[inside, :2] - under[inside])
    assert apart.max(initial=0) < 1.5
    assert (made[..., 2] == 7).all()
