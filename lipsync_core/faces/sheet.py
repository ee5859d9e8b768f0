"""Contact sheets: frames of each shot with the boxes, ids and landmarks of their tracks."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from lipsync_core.errors import OutputError
from lipsync_core.faces.analysis import Analysis
from lipsync_core.media.probe import TargetInfo
from lipsync_core.media.reader import VideoReader

CELL_WIDTH = 360
MAX_CELLS = 48
_COLOURS = [
    (86, 180, 233),
    (230, 159, 0),
    (0, 158, 115),
    (240, 228, 66),
    (213, 94, 0),
    (204, 121, 167),
]
"""Okabe and Ito's palette, which colour-blind people can tell apart; RGB."""


def draw_sheet(info: TargetInfo, analysis: Analysis, columns: int, suffix: str) -> bytes:
    """Encode a sheet: at least one frame of every track and of every shot, at most `MAX_CELLS`.

    Args:
        info: the target.
        analysis: its faces.
        columns: pictures side by side.
        suffix: ".png", ".jpg" or ".webp".

    Raises:
        OutputError: the suffix is not that of a picture format.
    """
    if suffix not in (".png", ".jpg", ".jpeg", ".webp"):
        raise OutputError(f"A contact sheet cannot be written as '{suffix}'.", "Use .png or .jpg.")
    frames = representative_frames(analysis, MAX_CELLS)
    with VideoReader(info) as reader:
        cells = [
            _cell(picture.rgb(), frame, analysis)
            for frame, picture in zip(frames, reader.frames_at(frames), strict=True)
        ]
    columns = min(columns, len(cells))
    blank = np.full_like(cells[0], 255)
    cells += [blank] * (-len(cells) % columns)
    rows = [np.hstack(cells[i : i + columns]) for i in range(0, len(cells), columns)]
    done, data = cv2.imencode(suffix, cv2.cvtColor(np.vstack(rows), cv2.COLOR_RGB2BGR))
    assert done
    return bytes(data)


def representative_frames(analysis: Analysis, limit: int) -> list[int]:
    """Middle frame of every track, then of every shot, then an even spread up to 8; sorted."""
    chosen: dict[int, None] = {}
    for track in np.unique(analysis.rows["track"]):
        frames = analysis.rows["frame"][analysis.rows["track"] == track]
        chosen[int(frames[len(frames) // 2])] = None
    for start, stop in analysis.shots:
        chosen[(start + stop) // 2] = None
    for frame in np.linspace(0, analysis.frames - 1, 8).astype(int).tolist():
        if len(chosen) < 8:
            chosen[frame] = None
    return sorted(list(chosen)[:limit])


def _cell(image: NDArray[np.uint8], frame: int, analysis: Analysis) -> NDArray[np.uint8]:
    scale = CELL_WIDTH / image.shape[1]
    size = (CELL_WIDTH, max(1, round(image.shape[0] * scale)))
    cell = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    positions = np.flatnonzero(analysis.rows["frame"] == frame)
    landmarks = analysis.landmarks(positions)
    for position, points in zip(positions, landmarks, strict=True):
        row = analysis.rows[position]
        colour = _COLOURS[int(row["track"]) % len(_COLOURS)]
        x0, y0, x1, y1 = (row["box"] * scale).round().astype(int).tolist()
        for x, y in (points[:, :2] * scale).round().astype(int).tolist():
            cv2.circle(cell, (x, y), 0, colour, -1)
        cv2.rectangle(cell, (x0, y0), (x1, y1), colour, 2)
        _label(cell, f"id {row['track']}", (x0, max(14, y0 - 5)), colour)
    shot = next(n for n, (a, b) in enumerate(analysis.shots) if a <= frame < b)
    _label(cell, f"frame {frame}, shot {shot}", (6, size[1] - 8), (255, 255, 255))
    return cell


def _label(
    cell: NDArray[np.uint8], text: str, place: tuple[int, int], colour: tuple[int, int, int]
) -> None:
    for thickness, ink in ((3, (0, 0, 0)), (1, colour)):
        cv2.putText(cell, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.45, ink, thickness, cv2.LINE_AA)
