"""Whether landmarks can be the face that they claim to be, whatever detector gave them.

A dense mesh always looks like a face, and its score stays high where it has slipped: on a bowed head it lays
the lips over chin and collar. So geometry is asked as well as the detector. Nothing here looks at pixels.

Limits come from real videos (nine clips, 1595 frames; figures beside each constant): a limit leaves honest
faces alone, talking, smiling and turned by up to 45 degrees.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lipsync_core.faces.pose import smoothstep
from lipsync_core.faces.schemes import convert
from lipsync_core.records import Points, Scheme

BOW_FULL, BOW_NONE = 25.0, 38.0
"""Degrees by which a head is bowed against its own level look: beyond the first, meshes begin to hang the
mouth on chin and collar. Honest talking faces: up to 18."""
NOSE_NONE, NOSE_FULL = 0.05, 0.10
"""Share of the way from the eyes down to the mouth that lies below the tip of the nose: with less, the nose
hides the lips. Honest faces: 0.34 and more."""
DEGREE = 0.0085
"""By so much that share falls with each degree (the bundled portrait's mesh, bowed in three dimensions)."""
LEVEL = 20.0
"""Degrees of pitch, by the mesh, up to which its figure for the pitch is believed."""
MISFIT_FULL, MISFIT_NONE = 0.08, 0.12
"""Distance from the rigid face below, in distances of the eyes. Honest faces: up to 0.046; a mesh on an
upside-down face up to 0.19."""
JUMP_FULL, JUMP_NONE = 0.18, 0.30
"""Change of the face's shape from one frame to the next, in distances of the eyes. Honest faces: up to 0.12,
where a mouth opens fast."""
SCORE_NONE, SCORE_FULL = 0.55, 0.8
"""Detector score over the median of the track: scores of different detectors cannot be compared."""

INSIDE_NONE, INSIDE_FULL = 0.3, 0.6
"""Share of the landmarks' bounding box that lies in the detector's box. Boxes of detectors differ, with or
without forehead and chin; all hold most of the landmarks."""

_RIGID = [36, 39, 42, 45, 27, 28, 29, 30, 31, 33, 35]
"""Of iBUG's 68: corners of the eyes, nose. No expression moves them, and all detectors mean the same by them
(a jaw line is the edge of the face for some, and lies on the skin for others)."""
_HEIGHTS = [36, 39, 42, 45, 30, 48, 54, 51]
"""Of iBUG's 68: corners of the eyes, tip of the nose, corners of the mouth, middle of the upper lip."""
_FACE = np.array(
    [
        [-0.706, 0.045, 0.353],
        *([-0.257, 0.093, 0.275], [0.257, 0.093, 0.275], [0.706, 0.045, 0.353], [0.0, 0.0, 0.0]),
        *([0.0, 0.242, -0.125], [0.0, 0.467, -0.276], [0.0, 0.608, -0.301]),
        *([-0.241, 0.694, 0.047], [0.0, 0.772, 0.002], [0.241, 0.694, 0.047]),
    ]
)
"""Where these lie in three dimensions, in distances of the eyes from the bridge of the nose: the built-in
detector's mesh of the bundled portrait, made symmetrical."""
_DESIGN = np.column_stack([_FACE, np.ones(len(_FACE))])
_PROJECTED = _DESIGN @ np.linalg.pinv(_DESIGN)
"""What the best affine camera (weak perspective) makes of the rigid points."""


def below_nose(points: Points, scheme: Scheme) -> NDArray[np.float64]:
    """`(N,)` share of the way from eyes to mouth that lies below the nose's tip; it falls as heads bow.

    The mouth is where its corners are, or the middle of the upper lip, whichever says more: a smile lifts the
    corners.
    """
    if scheme == "5":
        left, right, tip, *corners = np.moveaxis(np.asarray(points[..., :2], np.float64), 1, 0)
        lips = []
    else:
        at = np.asarray(convert(points, scheme, "68")[:, _HEIGHTS], np.float64)
        left, right = (at[:, 0] + at[:, 1]) / 2, (at[:, 2] + at[:, 3]) / 2
        tip, corners, lips = at[:, 4], [at[:, 5], at[:, 6]], [at[:, 7]]
    middle, across = (left + right) / 2, right - left
    nose, *mouths = (
        (place - middle)[:, 1] * across[:, 0] - (place - middle)[:, 0] * across[:, 1]
        for place in (tip, (corners[0] + corners[1]) / 2, *lips)
    )
    shares = [np.where(m > 0, (m - nose) / np.where(m > 0, m, 1.0), 0.0) for m in mouths]
    return np.asarray(np.max(shares, 0), np.float64)


def misfit(points: Points, scheme: Scheme) -> NDArray[np.float64]:
    """`(N,)` root mean square distance of eyes and nose from a rigid face, in distances of the eyes.

    0 for the scheme of 5 points: an affine camera fits any of them.
    """
    if scheme == "5":
        return np.zeros(len(points))
    p = np.asarray(convert(points, scheme, "68"), np.float64)
    rigid = p[:, _RIGID]
    off = ((_PROJECTED @ rigid - rigid) ** 2).sum(-1).mean(1)
    return np.asarray(np.sqrt(off) / _eyes(p), np.float64)


def jump(before: Points, after: Points, scheme: Scheme) -> float:
    """How much the shape of one face changed between two frames, in distances of the eyes.

    Args:
        before: `(K, 2 or 3)` landmarks in the frame before.
        after: `(K, 2 or 3)` landmarks now; an affine map of what is rigid is no change.
        scheme: of both; 0 for 5 points.
    """
    if scheme == "5":
        return 0.0
    p, q = (np.asarray(convert(x, scheme, "68"), np.float64) for x in (before, after))
    design = np.column_stack([p, np.ones(len(p))])
    a = design[_RIGID]
    camera = np.linalg.solve(a.T @ a + 1e-9 * np.eye(3), a.T @ q[_RIGID])
    off = ((design @ camera - q) ** 2).sum(1).mean()
    return float(np.sqrt(off) / _eyes(q[None])[0])


def bowed(below: NDArray[np.float64], pitch: NDArray[np.float64]) -> NDArray[np.float64]:
    """`(N,)` degrees by which the head of ONE track is bowed, against where it looks straight ahead.

    Args:
        below: `(N,)` of `below_nose`; noses and lips differ, so the track's level look is the measure.
        pitch: `(N,)` degrees, positive upwards, as the mesh has it: it says what is level, but does not
            follow a head that bows on. 0 for sparse schemes: then the median is level.
    """
    near = np.abs(pitch) < LEVEL
    level = (below - DEGREE * pitch)[near if near.any() else slice(None)]
    return np.asarray((np.median(level) - below) / DEGREE, np.float64)


def inside(boxes: NDArray[np.float64], extents: NDArray[np.float64]) -> NDArray[np.float64]:
    """`(N,)` share of the bounding boxes of landmarks that lies in the boxes of their detector.

    Args:
        boxes: `(N, 4)` x0, y0, x1, y1.
        extents: `(N, 4)` likewise.
    """
    low = np.maximum(boxes[:, :2], extents[:, :2])
    high = np.minimum(boxes[:, 2:], extents[:, 2:])
    area = (extents[:, 2:] - extents[:, :2]).prod(1)
    return np.asarray(np.maximum(high - low, 0.0).prod(1) / np.maximum(area, 1e-9), np.float64)


def standing(bowed: NDArray[np.float64], below: NDArray[np.float64]) -> NDArray[np.float64]:
    """`(N,)` 0..1: how much of a mouth the head shows, as it is not bowed.

    Args:
        bowed: `(N,)` degrees.
        below: `(N,)` of `below_nose`.
    """
    upright = 1.0 - smoothstep(bowed, BOW_FULL, BOW_NONE)
    return np.asarray(upright * smoothstep(below, NOSE_NONE, NOSE_FULL), np.float64)


def reliable(
    misfit: NDArray[np.float64],
    jump: NDArray[np.float64],
    score: NDArray[np.float64],
    inside: NDArray[np.float64],
) -> NDArray[np.float64]:
    """`(N,)` 0..1: how far the landmarks can be trusted.

    Args:
        misfit: `(N,)`, see above.
        jump: `(N,)`, see above.
        score: `(N,)` of the detector, over the median of the track.
        inside: `(N,)`, see above.
    """
    fits = smoothstep(inside, INSIDE_NONE, INSIDE_FULL)
    fits *= 1.0 - smoothstep(misfit, MISFIT_FULL, MISFIT_NONE)
    calm = 1.0 - smoothstep(jump, JUMP_FULL, JUMP_NONE)
    return np.asarray(fits * calm * smoothstep(score, SCORE_NONE, SCORE_FULL), np.float64)


def _eyes(p: NDArray[np.float64]) -> NDArray[np.float64]:
    apart = p[:, 42:48, :2].mean(1) - p[:, 36:42, :2].mean(1)
    return np.asarray(np.maximum(np.linalg.norm(apart, axis=1), 1e-6), np.float64)
