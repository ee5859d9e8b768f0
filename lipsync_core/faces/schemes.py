"""Landmark schemes 5, 68 and 478, and the conversions from dense to sparse."""

from __future__ import annotations

import numpy as np

from lipsync_core.errors import UnsupportedInput
from lipsync_core.records import Points, Scheme

__all__ = ["convert", "provides"]


POINTS: dict[Scheme, int] = {"5": 5, "68": 68, "478": 478}
"""How many points each scheme has."""

# Which vertex of MediaPipe's face mesh lies where iBUG's 68 points are drawn: jaw 0-16, brows 17-26,
# nose 27-35, eyes 36-47, outer lips 48-59, inner lips 60-67. The field's usual table; the jaw is the
# weak part, because the mesh has no ear-to-chin contour in the picture plane at strong yaw.
MESH_TO_68 = np.array(
    [
        *(162, 234, 93, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 323, 454, 389),
        *(71, 63, 105, 66, 107, 336, 296, 334, 293, 301),
        *(168, 197, 5, 4, 75, 97, 2, 326, 305),
        *(33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380),
        *(61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181),
        *(78, 82, 13, 312, 308, 317, 14, 87),
    ]
)

_DENSITY: dict[Scheme, int] = {"5": 0, "68": 1, "478": 2}


def provides(have: Scheme, want: Scheme) -> bool:
    """Whether landmarks in `have` can be turned into `want` (only from dense to sparse)."""
    return _DENSITY[have] >= _DENSITY[want]


def convert(points: Points, have: Scheme, want: Scheme) -> Points:
    """Landmarks in another scheme.

    Args:
        points: `(..., K, 2 or 3)` in scheme `have`.
        have: scheme of `points`.
        want: scheme wanted.

    Returns:
        `(..., K', 3)` for "478", `(..., K', 2)` for the sparse schemes; float32.

    Raises:
        UnsupportedInput: `want` is denser than `have`.
    """
    if have == want:
        return points
    if not provides(have, want):
        raise UnsupportedInput(
            f"{have} landmarks cannot be turned into {want}.",
            "Choose a detector that gives denser landmarks, such as the built-in one.",
        )
    sparse = points[..., MESH_TO_68, :2] if have == "478" else points[..., :2]
    return np.ascontiguousarray(sparse if want == "68" else _five(sparse), dtype=np.float32)


def _five(p: Points) -> Points:
    """68 -> centres of both eyes, nose tip, mouth corners (in the picture: left first)."""
    return np.stack(
        [
            p[..., 36:42, :].mean(-2),
            p[..., 42:48, :].mean(-2),
            p[..., 30, :],
            p[..., 48, :],
            p[..., 54, :],
        ],
        axis=-2,
    ).astype(np.float32)
