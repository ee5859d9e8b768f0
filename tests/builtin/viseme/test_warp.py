"""Maps, layers and splines on pictures made here."""

from __future__ import annotations

import numpy as np
import pytest

from lipsync_core.builtin.viseme.layers import (
    PULL_FROM,
    PULL_FULL,
    fill,
    move,
    nearness,
    pull,
    region_of,
    smooth_curve,
    sources,
)
from lipsync_core.builtin.viseme.topology import LOWER_INNER, UPPER_INNER
from lipsync_core.builtin.viseme.warp import Grid, Region, sample
from lipsync_core.faces.spline import spline


@pytest.fixture
def noise():
    return np.random.default_rng(0).integers(0, 255, (120, 160, 3), np.uint8)


def test_a_spline_goes_through_its_handles():
    rng = np.random.default_rng(1)
    target = rng.uniform(0, 100, (30, 2))
    source = target + rng.normal(0, 2, (30, 2))
    found = spline(source, target, target, 100.0)
    assert np.abs(found - (source - target)).max() < 1.0
    assert np.abs(found - (source - target)).mean() < 0.3


def test_a_spline_of_a_shift_is_that_shift_everywhere():
    target = np.random.default_rng(2).uniform(0, 100, (20, 2))
    nodes = np.random.default_rng(3).uniform(0, 100, (50, 2))
    assert np.allclose(spline(target + np.array([3, -2]), target, nodes, 50.0), [3, -2], atol=1e-3)


def test_zero_displacement_is_bit_identical(noise):
    region = Region(0, 0, 160, 120)
    grid = Grid(region, Region(60, 50, 100, 80), 8.0)
    maps = grid.spread(np.zeros_like(grid.nodes), slice(None))
    assert np.array_equal(sample(noise, maps), noise)


def test_displacement_is_zero_on_the_border(noise):
    region = Region(0, 0, 160, 120)
    grid = Grid(region, Region(60, 50, 100, 80), 8.0)
    moved = sample(noise, grid.spread(np.full_like(grid.nodes, 5.0), slice(None)))
    for edge in (np.s_[0], np.s_[-1], np.s_[:, 0], np.s_[:, -1]):
        assert np.array_equal(moved[edge], noise[edge])
    assert np.array_equal(moved[60, 60:100], noise[65, 65:105])


def test_some_rows_equal_those_rows_of_all(noise):
    grid = Grid(Region(10, 5, 150, 115), Region(60, 50, 100, 80), 8.0)
    values = np.random.default_rng(4).normal(0, 2, grid.nodes.shape)
    whole = grid.spread(values, slice(None))
    part = grid.spread(values, slice(30, 50))
    for a, b in zip(whole, part, strict=True):
        assert np.allclose(a[30:50], b, atol=1e-4)


def test_moving_landmarks_nowhere_changes_nothing(smiling):
    points = smiling.landmarks[0, :468, :2].astype(np.float64)
    image = smiling.images[0]
    moved = move(image, points, points, points, 88.0, 0.0)
    region = moved.region
    same = image[region.y0 : region.y1, region.x0 : region.x1]
    assert np.abs(moved.image.astype(int) - same).max() <= 1


def test_pixels_follow_the_landmarks(smiling):
    """A dark dot on the chin is found where the chin's landmark went."""
    points = smiling.landmarks[0, :468, :2].astype(np.float64)
    image = smiling.images[0].copy()
    x, y = np.round(points[199]).astype(int)
    image[y - 2 : y + 3, x - 2 : x + 3] = 0
    goal = points.copy()
    goal[:, 1] += 9 * np.exp(-((points - points[199]) ** 2).sum(axis=1) / 30**2)
    moved = move(image, points, points, goal, 88.0, 0.0)
    corner = np.array([moved.region.x0, moved.region.y0])
    dark = np.argwhere(moved.image.max(axis=2) < 40)[:, ::-1] + corner
    near = dark[np.abs(dark - goal[199]).max(axis=1) < 15]
    assert np.allclose(near.mean(axis=0), goal[199], atol=1)


def test_sources_are_pulled_only_from_open_mouths(smiling):
    points = smiling.landmarks[0, :468, :2].astype(np.float64)
    assert pull(PULL_FROM) == 0 and pull(PULL_FULL) == 1
    assert np.array_equal(sources(points, 0.0), points)
    pulled = sources(points, 1.0)
    changed = np.flatnonzero((pulled != points).any(axis=1))
    assert set(changed) == set(UPPER_INNER) | set(LOWER_INNER)
    assert (pulled[UPPER_INNER[3:8], 1] < points[UPPER_INNER[3:8], 1]).all()
    assert (pulled[LOWER_INNER[3:8], 1] > points[LOWER_INNER[3:8], 1]).all()


def test_layers_agree_away_from_the_mouth(smiling):
    points = smiling.landmarks[0, :468, :2].astype(np.float64)
    near = nearness(points, points, 88.0)
    assert near[[13, 14, 61, 291]].min() == 1
    assert near[[33, 263, 168, 234, 454, 152]].max() == 0


def test_too_little_picture_is_no_region(smiling):
    points = smiling.landmarks[0, :468, :2].astype(np.float64)
    assert region_of(points - 1000, 88.0, 300, 300) is None


def test_a_smooth_curve_keeps_its_points():
    line = np.array([[0.0, 0], [1, 2], [3, 3], [4, 1]])
    curve = smooth_curve(line, 5)
    assert np.allclose(curve[::5], line)


def test_fill():
    mask = fill(np.array([[10.0, 10], [30, 10], [30, 20], [10, 20]]), 40, 50)
    assert mask[15, 20] == 255 and mask[5, 20] == 0
