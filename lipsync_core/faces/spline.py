"""Thin-plate splines through scattered points: the smoothest displacement that fits handles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Plane = NDArray[np.float64]
    """`(N, 2)` points."""

RIDGE = 1e-3
"""Stiffness (added to the kernel's diagonal at unit size): landmark noise is not followed."""


def spline(source: Plane, target: Plane, nodes: Plane, unit: float) -> Plane:
    """Displacements target -> source at `nodes`: the thin-plate spline through the handles.

    Bookstein, "Principal Warps" (1989).

    Args:
        source: `(N, 2)` where pixels come from.
        target: `(N, 2)` where they go; no two alike.
        nodes: `(M, 2)` where the displacement is wanted.
        unit: pixels per unit; the spline is solved at a size near 1.

    Returns:
        `(M, 2)` pixels to add to a target place to find its source.
    """
    centre = target.mean(axis=0)
    handles = (target - centre) / unit
    n = len(handles)
    system = np.zeros((n + 3, n + 3))
    system[:n, :n] = _kernel(handles, handles)
    system[np.arange(n), np.arange(n)] += RIDGE
    system[:n, n] = system[n, :n] = 1
    system[:n, n + 1 :] = handles
    system[n + 1 :, :n] = handles.T
    right = np.zeros((n + 3, 2))
    right[:n] = (source - target) / unit
    solution = np.linalg.solve(system, right)
    at = (nodes - centre) / unit
    # Single precision is exact to 1e-4 px here, and the logarithm costs half.
    near = _kernel(at.astype(np.float32), handles.astype(np.float32))
    bend = near @ solution[:n].astype(np.float32)
    return np.asarray((bend + solution[n] + at @ solution[n + 1 :]) * unit, np.float64)


def _kernel(a: NDArray[np.floating], b: NDArray[np.floating]) -> NDArray[np.floating]:
    """`(A, B)` r^2 log r of all pairs."""
    # In place, because the (nodes, handles) arrays do not fit the cache: half the time.
    squared = (a * a).sum(1)[:, None] + (b * b).sum(1)[None]
    mixed = a @ b.T
    mixed *= 2
    squared -= mixed
    np.maximum(squared, 1e-9, out=squared)
    np.log(squared, out=mixed)
    mixed *= squared
    mixed *= squared.dtype.type(0.5)
    return np.asarray(mixed)
