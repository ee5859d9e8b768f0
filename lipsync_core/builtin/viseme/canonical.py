"""The neutral face of a track: one frontal mesh with a closed, relaxed mouth.

Works on landmarks alone. Unit: the distance between the middles of the eyes is 1; y points down; the
origin lies between the eyes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lipsync_core.builtin.viseme.topology import (
    CHEEKS,
    CHIN,
    JAW_LINE,
    LIPS,
    LOWER_INNER,
    LOWER_MIDDLE,
    LOWER_OUTER,
    MESH,
    STABLE,
    UPPER_INNER,
    UPPER_MIDDLE,
    UPPER_OUTER,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Mesh = NDArray[np.float64]
    """`(468, 3)`."""

CLOSED_SHARE = 0.2
"""The mouth of the neutral face comes from this share of the frames, the most closed ones."""
SPEAKING_HALF_WIDTH = 0.42
"""Half the width of a mouth at rest. A wider one is a smile and is relaxed towards this. Adults:
mouths about 50 mm wide, pupils about 63 mm apart, which gives 0.40."""
SMILE_RELAXED = 0.75
"""Share of the smile's excess width that is taken out; all of it would shrink real wide mouths."""
UPPER_SHARE = 0.3
"""An open mouth closes by the upper lip coming down 30 % of the gap, the jaw going up the rest."""
SMILE_SHARE = 0.2
"""A smile has raised the upper lip, so there it comes down by this much more."""
FULL_SMILE = 0.12
"""Eye distances by which half the mouth is wider in a broad smile."""
JAW_SHARE = 0.85
"""The chin goes up with the lower lip, less the part that the lip does alone."""
FALLOFF = 0.34
"""Reach of the lips' movement into the skin around them."""


@dataclass(frozen=True, slots=True)
class Canonical:
    """The neutral mesh and what was measured on it.

    Attributes:
        mesh: `(468, 3)` neutral, mouth closed.
        centre: x of the middle of the mouth.
        half_width: half the distance of the outer mouth corners.
        line: y where the lips meet in the middle.
        smile: 0..1, how much of a smile was relaxed in making it.
        opening: largest gap of the inner lips before it was closed.
    """

    mesh: Mesh
    centre: float
    half_width: float
    line: float
    smile: float
    opening: float


def smoothstep(x: NDArray[np.float64], low: float, high: float) -> NDArray[np.float64]:
    """0 below `low`, 1 above `high`, an S between."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t))


def falloff(mesh: Mesh) -> NDArray[np.float64]:
    """`(468,)` how much each point follows the lips: 1 on them, 0 at nose, eyes and outline."""
    ring = mesh[np.concatenate([UPPER_OUTER, LOWER_OUTER])][:, :2]
    distance = np.sqrt(((mesh[:, None, :2] - ring[None]) ** 2).sum(-1)).min(axis=1)
    weight = np.exp(-((distance / FALLOFF) ** 2))
    # The nose and what lies above its base is bone and cartilage; cheeks may follow a little higher.
    centre = mesh[[61, 291], 0].mean()
    half = abs(mesh[291, 0] - mesh[61, 0]) / 2
    side = smoothstep(np.abs(mesh[:, 0] - centre), 0.3 * half, 1.0 * half)
    nose, mouth = mesh[2, 1], mesh[0, 1]
    top = nose - side * 1.1 * (mouth - nose)
    weight *= smoothstep((mesh[:, 1] - top) / np.maximum(mouth - top, 1e-6), 0.0, 0.9)
    weight[LIPS] = 1.0
    return np.asarray(weight)


def jaw_weights(mesh: Mesh) -> NDArray[np.float64]:
    """`(468,)` how much each skin point follows the jaw bone, 0..1."""
    weight = np.zeros(MESH)
    centre = mesh[[61, 291], 0].mean()
    line = mesh[[13, 14], 1].mean()
    outline = np.unique(np.concatenate([JAW_LINE, [192, 416, 214, 434]]))
    weight[outline] = smoothstep(mesh[outline, 1], line - 0.12, line + 0.42)
    front = np.unique(
        np.concatenate([CHIN, [212, 432, 202, 422, 57, 287, 43, 273, 187, 411, 207, 427]])
    )
    middle = 0.45 + 0.55 * np.exp(-(((mesh[front, 0] - centre) / 0.55) ** 2))
    weight[front] = smoothstep(mesh[front, 1], line - 0.02, line + 0.28) * middle
    return weight


def lip_gap(points: NDArray[np.float64]) -> float:
    """Largest distance of the inner lips of `(468+, 2 or 3)` points, in their unit."""
    across = points[UPPER_INNER, :2] - points[LOWER_INNER, :2]
    return float(np.sqrt((across * across).sum(axis=1)).max())


def gap(landmarks: NDArray[np.float64]) -> NDArray[np.float64]:
    """`(N,)` `lip_gap` of `(N, 468+, 3)` landmarks over their eye distance."""
    return np.array([lip_gap(points) for points in landmarks]) / eye_distance(landmarks)


def eye_distance(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """`(...,)` distance of the eyes' middles in depth and plane: it does not shrink with yaw."""
    left = points[..., [33, 133], :].mean(-2)
    right = points[..., [362, 263], :].mean(-2)
    return np.asarray(np.linalg.norm(right - left, axis=-1))


def turn_away(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """`(...,)` 0 for a frontal face, about 1 for a profile."""
    nose, left, right = (points[..., i, :2] for i in (1, 234, 454))
    span = np.linalg.norm(right - left, axis=-1)
    return np.asarray(np.abs((nose - left)[..., 0] - (right - nose)[..., 0]) / (span + 1e-9))


def procrustes(
    source: NDArray[np.float64], target: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Similarity that maps `(K, 3)` onto `(K, 3)`: returns M, t with `source @ M.T + t`."""
    a, b = source - source.mean(0), target - target.mean(0)
    u, singular, vt = np.linalg.svd(b.T @ a)
    flip = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    matrix = ((u * flip) @ vt) * ((singular * flip).sum() / (a**2).sum())
    return matrix, target.mean(0) - matrix @ source.mean(0)


def average(landmarks: NDArray[np.float64]) -> Mesh:
    """One mesh from frames `(N, 468, 3)`, in the pose of the most frontal closed one.

    Median of all frames after alignment; mouth, cheeks and jaw from the most closed frames only.
    """
    landmarks = landmarks[_frontal_frames(landmarks)]
    openings = gap(landmarks)
    reference = landmarks[np.argmin(2 * openings + turn_away(landmarks))]
    aligned = np.empty_like(landmarks)
    for i, points in enumerate(landmarks):
        matrix, shift = procrustes(points[STABLE], reference[STABLE])
        aligned[i] = points @ matrix.T + shift
    mesh = np.median(aligned, axis=0)
    closed = openings <= np.quantile(openings, CLOSED_SHARE) + 1e-6
    moving = np.unique(np.concatenate([LIPS, CHIN, JAW_LINE, CHEEKS]))
    mesh[moving] = np.median(aligned[closed], axis=0)[moving]
    return np.asarray(mesh)


def _frontal_frames(landmarks: NDArray[np.float64]) -> NDArray[np.bool_]:
    """`(N,)` which frames look straight enough: depth is a guess, and turned heads spoil a mean.

    Those whose turn and nod are within a margin of the straightest frame's.
    """
    nod = np.abs(_nod(landmarks) - np.median(_nod(landmarks)))
    away = turn_away(landmarks) + nod
    return np.asarray(away <= away.min() + 0.25)


def _nod(landmarks: NDArray[np.float64]) -> NDArray[np.float64]:
    """`(N,)` depth from forehead to chin over its height: changes with pitch."""
    line = landmarks[:, 152] - landmarks[:, 10]
    return np.asarray(line[:, 2] / (np.linalg.norm(line[:, :2], axis=1) + 1e-9))


def frontal(mesh: Mesh) -> Mesh:
    """Roll and yaw taken out, scaled to eye distance 1, origin between the eyes."""
    left, right = mesh[[33, 133]].mean(0), mesh[[362, 263]].mean(0)
    roll = np.arctan2(right[1] - left[1], right[0] - left[0])
    c, s = np.cos(roll), np.sin(roll)
    level = (mesh - (left + right) / 2) @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]]).T
    ears = level[454] - level[234]
    yaw = np.arctan2(ears[2], ears[0])
    c, s = np.cos(yaw), np.sin(yaw)
    level = level @ np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]).T
    return np.asarray(level / abs((level[[362, 263]].mean(0) - level[[33, 133]].mean(0))[0]))


def neutral(landmarks: NDArray[np.float64]) -> Canonical:
    """The neutral face of a track.

    Args:
        landmarks: `(N, 468 or more, 3)` of representative frames, pixels.
    """
    mesh = frontal(average(landmarks[:, :MESH]))
    opening = float((mesh[LOWER_INNER, 1] - mesh[UPPER_INNER, 1]).max())
    smile = _smile(mesh)
    _close(mesh, UPPER_SHARE + SMILE_SHARE * smile)
    _relax(mesh, smile)
    inner = (mesh[UPPER_INNER, 1] + mesh[LOWER_INNER, 1]) / 2
    mesh[UPPER_INNER, 1] = mesh[LOWER_INNER, 1] = inner
    return measure(mesh, smile, max(opening, 0.0))


def measure(mesh: Mesh, smile: float, opening: float) -> Canonical:
    """A `Canonical` around a mesh that is neutral already."""
    return Canonical(
        mesh=mesh,
        centre=float(mesh[[61, 291], 0].mean()),
        half_width=float(mesh[291, 0] - mesh[61, 0]) / 2,
        line=float(mesh[[13, 14], 1].mean()),
        smile=smile,
        opening=opening,
    )


def _smile(mesh: Mesh) -> float:
    """How much wider than at rest the mouth is drawn, 0..1."""
    half = (mesh[291, 0] - mesh[61, 0]) / 2
    return float(np.clip((half - SPEAKING_HALF_WIDTH) / FULL_SMILE, 0, 1))


def _close(mesh: Mesh, upper: float) -> None:
    """Bring the inner lips together, the upper one by the share `upper`. In place."""
    gaps = np.maximum(mesh[LOWER_INNER, 1] - mesh[UPPER_INNER, 1], 0)
    gaps[[0, -1]] = 0
    weights = jaw_weights(mesh)
    for ring, share in ((UPPER_INNER, 1.0), (UPPER_MIDDLE, 0.75), (UPPER_OUTER, 0.5)):
        mesh[ring, 1] += share * upper * gaps
    mesh[LOWER_INNER[1:-1], 1] = mesh[UPPER_INNER[1:-1], 1]
    for ring, share in ((LOWER_MIDDLE, 0.95), (LOWER_OUTER, 0.9)):
        mesh[ring[1:-1], 1] -= (share * (1 - upper) * gaps)[1:-1]
    mesh[:, 1] -= weights * JAW_SHARE * (1 - upper) * gaps.max()


def _relax(mesh: Mesh, smile: float) -> None:
    """Take a smile out of lips and cheeks: corners in and down, the skin follows. In place."""
    centre = mesh[[61, 291], 0].mean()
    half = (mesh[291, 0] - mesh[61, 0]) / 2
    excess = max(0.0, half - SPEAKING_HALF_WIDTH)
    factor = 1 - SMILE_RELAXED * excess / half
    line = mesh[[13, 14], 1].mean()
    # Corners of a mouth at rest lie a little below the line's middle; a smile lifts them above.
    raised = max(0.0, line - mesh[[61, 291], 1].mean()) * smile
    weight = falloff(mesh)
    bend = np.clip(np.abs(mesh[:, 0] - centre) / half, 0, 1) ** 2
    # Beyond the corners the shift stays that of the corner and fades with the weight.
    inward = np.clip(mesh[:, 0] - centre, -half, half) * (factor - 1)
    mesh[:, 0] += inward * weight
    mesh[:, 1] += 0.6 * raised * bend * weight
    # Lips keep their area: narrower means fuller.
    fuller = 0.4 * (1 / factor - 1)
    mesh[LIPS, 1] += (mesh[LIPS, 1] - line) * fuller * (1 - bend[LIPS])
