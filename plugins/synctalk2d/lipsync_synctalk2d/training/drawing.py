"""What people look at while a person is trained: curves of both phases, and a sheet of held-out pictures."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

_TITLES = ("reference", "truth", "painted", "other sound")
_HEADER = 22


def draw_curves(history: dict[str, list[dict[str, float]]], path: Path) -> None:
    """A PNG with SyncNet's losses, the U-Net's, and its held-out errors, by epoch."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 8), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(2, 2)
    sync, face = history["syncnet"], history["face"]
    _panel(panels[0, 0], sync, ("total",), "SyncNet: loss", log=False)
    _panel(panels[0, 1], sync, ("told_apart",), "SyncNet: held out, told apart", log=False)
    terms = [name for name in ("total", "l1", "perceptual", "sync") if face and name in face[0]]
    _panel(panels[1, 0], face, terms, "U-Net: losses")
    errors = ("mouth_error", "copy_error", "deaf_error", "picture_error")
    _panel(panels[1, 1], face, errors, "U-Net: held out, levels of 255", log=False)
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=100)
    _write(path, out.getvalue())


def _panel(
    panel: Axes,
    lines: list[dict[str, float]],
    names: Sequence[str],
    title: str,
    *,
    log: bool = True,
) -> None:
    panel.set_title(title, fontsize=10)
    panel.set_xlabel("epoch")
    for name in names:
        values = [line[name] for line in lines if name in line]
        panel.plot(np.arange(1, len(values) + 1), values, label=name, lw=1.3)
    if lines and log and min(line[n] for line in lines for n in names) > 0:
        panel.set_yscale("log")
    if lines:
        panel.legend(fontsize=8)
    panel.grid(alpha=0.3)


def draw_sheet(pictures: NDArray[np.float32], path: Path) -> None:
    """A PNG of moments, one a row.

    Args:
        pictures: `(n, 4, side, side, 3)` RGB 0..1 as `judging.views` gives them.
        path: where to.
    """
    levels = np.rint(255 * pictures.clip(0, 1)).astype(np.uint8)
    n, across, side = levels.shape[:3]
    columns = 2 if n > 4 else 1  # moments side by side
    rows = -(-n // columns)
    sheet = np.full((_HEADER + rows * side, columns * across * side, 3), 32, np.uint8)
    for k, moment in enumerate(levels):
        y, x = _HEADER + (k // columns) * side, (k % columns) * across * side
        sheet[y : y + side, x : x + across * side] = np.concatenate(list(moment), 1)
    for k in range(columns * across):
        place = (k * side + 6, _HEADER - 7)
        title = _TITLES[k % across]
        cv2.putText(sheet, title, place, cv2.FONT_HERSHEY_SIMPLEX, 0.45, (230, 230, 230), 1)
    _, png = cv2.imencode(".png", sheet[..., ::-1])
    _write(path, png.tobytes())


def _write(path: Path, content: bytes) -> None:
    part = path.with_name(f".{path.name}")
    part.write_bytes(content)
    part.replace(path)
