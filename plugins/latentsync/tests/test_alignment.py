"""Alignment, mask and paste are the original's; the engine's crop lies nearly where the original's does."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from lipsync_latentsync import compat_affine, mask, pictures
from lipsync_latentsync.spec import LATENTSYNC, LATENTSYNC15, template_scale

from lipsync_core.faces.crops import place
from lipsync_core.specs import AlignedCrop
from lipsync_core.testing import recipe

NAME = "latentsync_affine"
SPECS = {256: LATENTSYNC15, 512: LATENTSYNC}


@pytest.fixture(scope="module")
def points() -> np.ndarray:
    """`(3, 3, 2)`: of three frames, the three points."""
    drawn = recipe.random("ls_lm")
    base = np.array([[150, 140], [230, 150], [192, 200]])
    moved = [np.round(base + drawn.uniform(-4, 4, (3, 2))) for _ in range(3)]
    return np.stack(moved).astype(np.float32)


@pytest.fixture(scope="module")
def frames() -> list[np.ndarray]:
    return [recipe.image(f"ls_frame{n}", 420, 380) for n in range(3)]


@pytest.mark.parametrize("side", [256, 512])
def test_faces_are_aligned_as_in_the_original(parity, points, frames, side: int):
    parity.check(NAME, "landmarks3", points)
    parity.check(NAME, f"template_{side}", compat_affine.template(side))
    parity.check(NAME, f"face_size_{side}", np.array(SPECS[side].crop.size))
    alone = compat_affine.Alignment(side, smooth=False)
    parity.check(NAME, f"M_nosmooth_{side}", np.stack([alone.matrix(p) for p in points]))
    carried = compat_affine.Alignment(side)
    matrices = np.stack([carried.matrix(p) for p in points])
    parity.check(NAME, f"M_{side}", matrices)
    for n, (frame, matrix) in enumerate(zip(frames, matrices, strict=True)):
        face = compat_affine.aligned(frame, matrix, side)
        parity.check(NAME, f"warp_{side}_{n}", face)
        parity.check(NAME, f"resized_{side}_{n}", pictures.squared(face[None], side)[0])
    width, height = SPECS[side].crop.size
    made = recipe.uniform("ls_face", (3, height, width), -1, 1)
    parity.check(NAME, f"restore_{side}", compat_affine.restored(frames[0], made, matrices[0]))


def test_smoothing_begins_anew_with_each_shot(points):
    """What the original does not: a new object knows nothing of the shot before."""
    carried = compat_affine.Alignment(256)
    first, second = (carried.matrix(p) for p in points[:2])
    fresh = compat_affine.Alignment(256).matrix(points[1])
    assert not np.array_equal(second, fresh)
    assert np.array_equal(compat_affine.Alignment(256).matrix(points[0]), first)


@pytest.mark.parametrize("side", [256, 512])
def test_the_engines_crop_lies_nearly_where_the_originals_does(points, side: int):
    """From the same three points, which are moved by up to 4 pixels here: within 2.1 % of its width.

    Turn and middle are the same. The original's scale is the ratio of two spreads, the engine's that of the
    least squares, which is smaller by up to 2 %. What the 68 landmarks add to this was not measured: it takes
    faces with InsightFace's 106.
    """
    own = SPECS[side].crop
    three = AlignedCrop(
        size=own.size, groups=((0,), (1,), (2,)), reference=own.reference, scheme="68"
    )
    found, size = place(three, np.zeros((3, 4)), points, "68")
    alone = compat_affine.Alignment(side, smooth=False)
    corners = np.array([[0, 0, 1], [size[0], 0, 1], [0, size[1], 1], [*size, 1]], np.float64)
    for ours, p in zip(found, points, strict=True):
        theirs = alone.matrix(p).astype(np.float64)
        back = cv2.invertAffineTransform(theirs)
        there = (corners @ back.T) @ ours[:, :2].T + ours[:, 2]
        apart = np.linalg.norm(there - corners[:, :2], axis=1)
        assert apart.max() < 0.021 * size[0]
        scales = [np.linalg.det(m[:, :2]) ** 0.5 for m in (ours, theirs)]
        assert 0.98 < scales[0] / scales[1] <= 1.0001


def test_the_mask_is_the_originals(parity):
    faces = np.stack([recipe.image(f"ls_img{n}", 256, 256) for n in range(2)])
    pixels = pictures.normalised(faces)
    parity.check("latentsync_images", "pixel", pixels)
    parity.check("latentsync_images", "masked", pictures.hidden(pixels))
    twice = np.broadcast_to(mask.mask(256), (2, 1, 256, 256))
    parity.check("latentsync_images", "mask", twice)
    latent = np.broadcast_to(mask.latent_mask(256), (2, 1, 32, 32))
    parity.check("latentsync_images", "mask_latent", latent)
    cut = np.clip(pixels * np.float32(0.97) / 2 + 0.5, 0, 1) * 255  # the original cuts levels off
    parity.check("latentsync_images", "images_from_pixels", np.moveaxis(cut, 1, 3).astype(np.uint8))
    assert np.abs(pictures.levels(pixels).astype(int) - faces).max() == 0
    for side in (256, 512):
        parity.check(NAME, f"mask_fixed_{side}", mask.mask(side))


def test_only_what_is_painted_changes():
    width, height = LATENTSYNC15.crop.size
    crops = recipe.image("crop", height, width)[None]
    made = pictures.composed(crops, np.full((1, 3, 256, 256), 1.0, np.float32))
    white = (made == 255).all(-1)[0]
    share = mask.painted(width, height)[..., 0]
    assert (made[0][share == 0] == crops[0][share == 0]).all()
    assert white[share == 1].all()
    assert abs((share > 0.5).mean() - 26671 / 65536) < 0.005
    # What goes through untouched by the network comes out nearly as it was, at its own size exactly.
    square = recipe.image("square", 256, 256)[None]
    same = pictures.composed(square, pictures.normalised(square))
    assert np.array_equal(same, square)


def test_templates_are_the_published_ones():
    assert template_scale(256) == pytest.approx(2.8)
    assert LATENTSYNC.crop.size == (420, 560)
