"""How a face is turned and how large it is, and how much of a new mouth such a face can carry."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lipsync_core.faces.schemes import convert
from lipsync_core.records import Points, Scheme

YAW_FULL, YAW_NONE = 30.0, 45.0
"""Degrees of yaw: full strength up to the first, passed through from the second on. A 2-D warp of a
prototype held to about 25 and broke beyond 40; neural backends are trained on about the same range."""
PITCH_FULL, PITCH_NONE = 30.0, 45.0
WIDTH_NONE, WIDTH_FULL = 30.0, 44.0
"""Pixels between the cheeks: smaller faces have mouths of under 12 pixels, where nothing can be seen."""
_NEUTRAL_PITCH = 8.0
"""Degrees by which the line from chin to forehead leans in a mesh that looks straight ahead (mean over
frontal faces of the built-in detector)."""


def smoothstep(x: NDArray[np.float64], low: float, high: float) -> NDArray[np.float64]:
    """0 at `low`, 1 at `high`, with flat ends."""
    t = np.clip((x - low) / (high - low), 0.0, 1.0)
    return np.asarray(t * t * (3.0 - 2.0 * t))


def angles(points: Points, scheme: Scheme) -> NDArray[np.float64]:
    """Yaw and pitch in degrees.

    Args:
        points: `(N, K, 2 or 3)` landmarks.
        scheme: their scheme. "478" uses depth; the sparse schemes estimate yaw from where the nose
            lies between the cheeks or the eyes, and give pitch 0.

    Returns:
        `(N, 2)`: yaw (positive: the face turns to the picture's left), pitch (positive: upwards).
    """
    p = np.asarray(points, np.float64)
    if scheme == "478":
        across, down = p[:, 454] - p[:, 234], p[:, 152] - p[:, 10]
        yaw = np.degrees(np.arctan2(-across[:, 2], np.hypot(across[:, 0], across[:, 1])))
        bow = np.degrees(np.arctan2(down[:, 2], np.hypot(down[:, 0], down[:, 1])))
        return np.stack([yaw, _NEUTRAL_PITCH - bow], 1)
    if scheme == "68":
        left, nose, right = p[:, 0], p[:, 30], p[:, 16]
        reach = 1.0
    else:
        left, nose, right = p[:, 0], p[:, 2], p[:, 1]
        reach = 0.55  # eyes lie closer to the middle than cheeks, so the nose leaves it sooner
    axis = (right - left)[:, :2]
    length = np.maximum(np.linalg.norm(axis, axis=1), 1e-6)
    share = ((nose - left)[:, :2] * axis).sum(1) / length**2 - 0.5
    yaw = np.degrees(np.arcsin(np.clip(-2.0 * share * reach, -1.0, 1.0)))
    return np.stack([yaw, np.zeros_like(yaw)], 1)


def width(points: Points, scheme: Scheme) -> NDArray[np.float64]:
    """`(N,)` distance between the cheeks in pixels (for "5": 2.2 times that between the eyes)."""
    if scheme == "5":
        return np.asarray(2.2 * np.linalg.norm(points[:, 1, :2] - points[:, 0, :2], axis=1), float)
    p = convert(points, scheme, "68")
    return np.asarray(np.linalg.norm(p[:, 16] - p[:, 0], axis=1), float)


def carrying(
    yaw: NDArray[np.float64], pitch: NDArray[np.float64], width: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How much of a new mouth faces can carry.

    Args:
        yaw: `(N,)` degrees, any sign.
        pitch: `(N,)` degrees, any sign.
        width: `(N,)` pixels between the cheeks.

    Returns:
        Two `(N,)` arrays in 0..1: the part that size allows, and the part that pose allows.
    """
    yaw, pitch = np.abs(yaw), np.abs(pitch)
    # A turned face looks narrow: judge its size as if it looked ahead.
    upright = width / np.maximum(np.cos(np.radians(yaw)), 0.5)
    size = smoothstep(upright, WIDTH_NONE, WIDTH_FULL)
    turned = (1.0 - smoothstep(yaw, YAW_FULL, YAW_NONE)) * (
        1.0 - smoothstep(pitch, PITCH_FULL, PITCH_NONE)
    )
    return size, np.asarray(turned)
