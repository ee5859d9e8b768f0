"""Articulation values to a deformed mesh, and the mesh to picture points.

All movement is linear in the eight values, so a neutral face has eight blend shapes, made once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lipsync_core.builtin.viseme.canonical import falloff, jaw_weights
from lipsync_core.builtin.viseme.targets import CURVES
from lipsync_core.builtin.viseme.topology import (
    CORNERS,
    LIPS,
    LOWER_INNER,
    LOWER_MIDDLE,
    LOWER_OUTER,
    MESH,
    NOSE_BASE,
    OUTER_RING,
    STABLE,
    UPPER_INNER,
    UPPER_MIDDLE,
    UPPER_OUTER,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipsync_core.builtin.viseme.canonical import Canonical

JAW, WIDE, PUCKER, UP, LOW, PRESS, TUCK, TONGUE = range(len(CURVES))
LIP_DROP, CHIN_DROP = 0.34, 0.26
"""Fall of the lower lip and of the chin at jaw = 1, in eye distances; set by eye in the prototype."""
LIP_LOWERED = 0.07
"""Fall of the lower lip alone at low = 1."""
SPREAD = 0.3
"""Reach of one lip point's movement when it is passed on to the skin."""


class PoseModel:
    """Blend shapes of one neutral face."""

    def __init__(self, canonical: Canonical) -> None:
        mesh = canonical.mesh
        self.canonical = canonical
        self.neutral = mesh
        self.jaw = jaw_weights(mesh)
        self.follow = falloff(mesh)
        shapes = np.zeros((MESH, 2, len(CURVES)))
        self._lips(shapes)
        self._skin(shapes)
        self.shapes = shapes

    def mesh(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """`(468, 3)` the neutral face moved by eight articulation values."""
        moved = self.neutral.copy()
        moved[:, :2] += self.shapes @ values
        # Lips that are pushed against each other meet halfway; they never cross.
        crossed = np.maximum(moved[UPPER_INNER, 1] - moved[LOWER_INNER, 1], 0) / 2
        moved[UPPER_INNER, 1] -= crossed
        moved[LOWER_INNER, 1] += crossed
        return moved

    def _lips(self, shapes: NDArray[np.float64]) -> None:
        mesh, c = self.neutral, self.canonical
        x = (mesh[:, 0] - c.centre) / (c.half_width * 1.02)
        # The lips' opening across the mouth: round in the middle, closed at the corners.
        bell = np.clip(1 - np.abs(x) ** 2.1, 0, 1) ** 0.8
        upper = mesh[13, 1] - mesh[0, 1]
        lower = mesh[17, 1] - mesh[14, 1]
        inner, middle, outer = UPPER_INNER[1:-1], UPPER_MIDDLE[1:-1], UPPER_OUTER[1:-1]
        y = shapes[:, 1]
        for ring, rise, tuck, press, pucker in (
            (inner, 1.0, 0.042, 0.0, 0.10),
            (middle, 0.9, 0.0, 0.12, -0.05),
            (outer, 0.75, 0.02, 0.22, -0.22),
        ):
            w = bell[ring]
            y[ring, UP] -= 0.07 * rise * w
            y[ring, JAW] -= 0.015 * rise * w
            y[ring, TUCK] -= tuck * w
            y[ring, PRESS] += press * upper * w
            y[ring, PUCKER] += pucker * upper * w
        inner, middle, outer = LOWER_INNER[1:-1], LOWER_MIDDLE[1:-1], LOWER_OUTER[1:-1]
        for ring, base, drop, tuck, press, pucker in (
            (inner, 0.0, 1.0, -0.1, 0.0, -0.16),
            (middle, 0.15, 0.98, -0.12, -0.10, 0.05),
            (outer, 0.2, 0.96, -0.30, -0.20, 0.22),
        ):
            w = bell[ring]
            follow = drop * (base + (1 - base) * w)
            y[ring, JAW] += LIP_DROP * follow
            y[ring, LOW] += LIP_LOWERED * follow
            y[ring, TUCK] += tuck * lower * w
            y[ring, PRESS] += press * lower * w
            y[ring, PUCKER] += pucker * lower * w
        y[CORNERS, JAW] += 0.05
        y[CORNERS, WIDE] -= 0.03
        across = mesh[LIPS, 0] - c.centre
        for curve, factor in ((WIDE, 0.13), (PUCKER, -0.24), (JAW, -0.05)):
            shapes[LIPS, 0, curve] += factor * across

    def _skin(self, shapes: NDArray[np.float64]) -> None:
        mesh = self.neutral
        skin = np.setdiff1d(np.arange(MESH), LIPS)
        ring = mesh[OUTER_RING, :2]
        distance = ((mesh[skin, None, :2] - ring[None]) ** 2).sum(-1)
        weights = np.exp(-distance / SPREAD**2) + 1e-12
        weights /= weights.sum(axis=1, keepdims=True)
        muscle = shapes[OUTER_RING].copy()
        muscle[..., JAW] = 0.0
        passed = np.einsum("sr,rck->sck", weights, muscle)
        shapes[skin] = passed * self.follow[skin, None, None]
        shapes[skin, 1, JAW] += CHIN_DROP * self.jaw[skin]


def fit(neutral: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pose of the head: `(4, 2)` affine map from the neutral mesh (with a 1 appended) to pixels.

    Least squares on the stable points, twice re-weighted against outliers, then moved so that the
    base of the nose fits: the mouth hangs there, and a wrong place shows most beside it.

    Args:
        neutral: `(468, 3)`.
        points: `(468, 2)` pixels.
    """
    x = np.column_stack([neutral[STABLE], np.ones(len(STABLE))])
    y = points[STABLE]
    weight = np.ones(len(STABLE))
    for _ in range(3):
        a = x * weight[:, None]
        # The weak ridge keeps depth small where the pose says nothing about it.
        normal = a.T @ x + np.diag([1e-6, 1e-6, 1e-3, 1e-9])
        pose = np.linalg.solve(normal, a.T @ y)
        residual = np.linalg.norm(x @ pose - y, axis=1)
        weight = 1 / (1 + (residual / (2 * np.median(residual) + 1e-6)) ** 2)
    pose[3] += 0.7 * (points[NOSE_BASE] - project(neutral[NOSE_BASE], pose)).mean(axis=0)
    return np.asarray(pose)


def project(mesh: NDArray[np.float64], pose: NDArray[np.float64]) -> NDArray[np.float64]:
    """`(K, 2)` pixels of `(K, 3)` canonical points."""
    return np.asarray(mesh @ pose[:3] + pose[3])


def targets(
    model: PoseModel,
    points: NDArray[np.float64],
    pose: NDArray[np.float64],
    values: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Where every landmark shall go: `(468, 2)` pixels.

    Lips come from the posed neutral face alone, so the person's own mouth movement is replaced.
    Skin keeps its tracked place and takes over as much of the neutral face as it follows lips or
    jaw; the rest of the face does not move.
    """
    neutral = project(model.neutral, pose)
    posed = project(model.mesh(values), pose)
    share = np.maximum(model.jaw, model.follow)[:, None]
    goal = points + share * (neutral - points) + (posed - neutral)
    goal[LIPS] = posed[LIPS]
    return np.asarray(goal)
