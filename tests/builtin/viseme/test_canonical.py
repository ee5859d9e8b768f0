"""The neutral face, on landmarks that are made here and on the portrait's."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from lipsync_core.builtin.viseme.canonical import (
    average,
    eye_distance,
    falloff,
    frontal,
    gap,
    jaw_weights,
    neutral,
    procrustes,
)
from lipsync_core.builtin.viseme.layers import SHARED
from lipsync_core.builtin.viseme.pose import CURVES, PoseModel, fit, project, targets
from lipsync_core.builtin.viseme.topology import LIPS, LOWER_INNER, STABLE, UPPER_INNER

from .conftest import pose


@pytest.fixture
def mesh(closed):
    return closed.landmarks[0, :468].astype(np.float64)


def turned(mesh, yaw=0.0, roll=0.0, scale=1.0, shift=(0.0, 0.0, 0.0)):
    c, s = np.cos(np.deg2rad(yaw)), np.sin(np.deg2rad(yaw))
    about_y = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    c, s = np.cos(np.deg2rad(roll)), np.sin(np.deg2rad(roll))
    about_z = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    return scale * (mesh - mesh[1]) @ (about_z @ about_y).T + mesh[1] + np.array(shift)


def test_procrustes_finds_a_similarity(mesh):
    other = turned(mesh, yaw=20, roll=10, scale=1.7, shift=(5, -3, 2))
    matrix, shift = procrustes(mesh, other)
    assert np.allclose(mesh @ matrix.T + shift, other, atol=1e-6)


def test_frontal_undoes_roll_yaw_and_size(mesh):
    straight = frontal(frontal(mesh))
    again = frontal(turned(straight, yaw=25, roll=-15, scale=2.3))
    assert np.allclose(again, straight, atol=0.03)
    left, right = straight[[33, 133]].mean(0), straight[[362, 263]].mean(0)
    assert right[0] - left[0] == pytest.approx(1, abs=1e-6)
    assert left[1] == pytest.approx(right[1], abs=1e-6)


def test_the_average_ignores_a_wild_frame(mesh):
    frames = np.stack([turned(mesh, yaw=y) for y in (-8, -4, 0, 4, 8)])
    wild = mesh.copy()
    wild[LIPS, 1] += 40
    assert np.allclose(
        frontal(average(np.stack([*frames, wild]))), frontal(average(frames)), atol=0.03
    )


def test_the_neutral_mouth_is_closed_whatever_the_frames_show(shouting, smiling, closed):
    for crops in (shouting, smiling, closed):
        face = neutral(crops.landmarks.astype(np.float64))
        down = face.mesh[LOWER_INNER, 1] - face.mesh[UPPER_INNER, 1]
        assert np.abs(down[1:-1]).max() < 1e-9
        assert 0.3 < face.half_width < 0.48


def test_a_closed_frame_among_open_ones_gives_the_mouth(shouting, closed):
    both = np.concatenate([shouting.landmarks] * 6 + [closed.landmarks] * 2).astype(np.float64)
    face = neutral(both)
    alone = neutral(closed.landmarks.astype(np.float64))
    assert face.opening < 0.03
    assert np.abs(face.mesh[LIPS, :2] - alone.mesh[LIPS, :2]).mean() < 0.02


def test_the_smile_is_measured(smiling, closed):
    assert neutral(smiling.landmarks.astype(np.float64)).smile > 0.7
    assert neutral(closed.landmarks.astype(np.float64)).smile < 0.3


def test_gap_is_free_of_size(shouting):
    landmarks = shouting.landmarks.astype(np.float64)
    assert gap(landmarks)[0] > 0.25
    assert gap(3 * landmarks)[0] == pytest.approx(gap(landmarks)[0])
    assert eye_distance(3 * landmarks)[0] == pytest.approx(3 * eye_distance(landmarks)[0])


def test_weights(mesh):
    straight = frontal(mesh)
    follow, jaw = falloff(straight), jaw_weights(straight)
    assert (follow[LIPS] == 1).all()
    assert follow[[33, 263, 168, 10, 4]].max() < 1e-6
    assert 0.1 < follow[[206, 426]].min() < 1
    assert jaw[152] == pytest.approx(1, abs=0.05)
    assert jaw[[33, 4, 10]].max() == 0


def test_the_pose_is_found_again(mesh):
    straight = frontal(mesh)
    head = np.array([[80.0, 6.0], [-5.0, 82.0], [12.0, 3.0], [200.0, 240.0]])
    found = fit(straight, project(straight, head))
    assert np.allclose(project(straight, found), project(straight, head), atol=0.05)


def test_outliers_do_not_turn_the_head(mesh):
    straight = frontal(mesh)
    head = np.array([[80.0, 0.0], [0.0, 80.0], [0.0, 0.0], [200.0, 240.0]])
    points = project(straight, head)
    spoilt = points.copy()
    spoilt[STABLE[30:34]] += 25
    found = fit(straight, spoilt)
    assert np.abs(project(straight, found) - points)[LIPS].max() < 1.5


def test_all_curves_move_something_and_rest_moves_nothing(closed):
    model = PoseModel(neutral(closed.landmarks.astype(np.float64)))
    assert np.array_equal(model.mesh(np.zeros(len(CURVES))), model.neutral)
    for name in CURVES[:-1]:  # the tongue is painted, not warped
        moved = model.mesh(np.array(pose(**{name: 1.0}))) - model.neutral
        assert np.abs(moved).max() > 0.01, name
        assert np.abs(moved[[33, 263, 168]]).max() < 1e-6, name


def test_lips_never_cross(closed):
    model = PoseModel(neutral(closed.landmarks.astype(np.float64)))
    for row in (pose(pucker=1.0), pose(press=1.0, pucker=1.0), pose(up=-0.3), pose(low=-1.0)):
        moved = model.mesh(np.array(row))
        assert (moved[LOWER_INNER, 1] - moved[UPPER_INNER, 1]).min() > -1e-9


def test_skin_moves_smoothly(closed):
    """No neighbour of a lip point stays behind: the strain between linked points is bounded."""
    model = PoseModel(neutral(closed.landmarks.astype(np.float64)))
    moved = model.mesh(np.array(pose(pucker=1.0)))
    hull = cv2.Subdiv2D((-300, -300, 900, 900))
    flat = (100 * model.neutral[:, :2]).astype(np.float32)
    index = {}
    for i in SHARED:
        point = flat[i]
        index[tuple(np.round(point, 2))] = i
        hull.insert((float(point[0]), float(point[1])))
    for ax, ay, bx, by in hull.getEdgeList():
        a, b = (index.get(tuple(np.round(np.float32(p), 2))) for p in ((ax, ay), (bx, by)))
        if a is None or b is None:
            continue
        before = model.neutral[b, :2] - model.neutral[a, :2]
        after = moved[b, :2] - moved[a, :2]
        assert np.linalg.norm(after - before) < 0.75 * np.linalg.norm(before) + 0.01


def test_targets_replace_the_persons_own_mouth(closed, shouting):
    model = PoseModel(neutral(closed.landmarks.astype(np.float64)))
    places = []
    for crops in (closed, shouting):
        points = crops.landmarks[0, :468, :2].astype(np.float64)
        head = fit(model.neutral, points)
        goal = targets(model, points, head, np.array(pose(jaw=0.5)))
        inverse = np.linalg.inv(head[:2])
        places.append((goal[LIPS] - goal[1]) @ inverse)
    assert np.abs(places[0] - places[1]).mean() < 0.06


def test_tracking_noise_is_halved(closed):
    """Half a pixel of noise in every landmark moves the new lips by a quarter."""
    model = PoseModel(neutral(closed.landmarks.astype(np.float64)))
    points = closed.landmarks[0, :468, :2].astype(np.float64)
    rng = np.random.default_rng(0)
    goals = []
    for _ in range(60):
        noisy = points + rng.normal(0, 0.5, points.shape)
        goals.append(targets(model, noisy, fit(model.neutral, noisy), np.array(pose(jaw=0.6))))
    assert np.std(goals, axis=0)[LIPS].max() < 0.3
