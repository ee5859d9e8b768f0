"""What is remembered of a target: its shots, and every face with its track, kept on disk.

Landmarks are most of it (478 points, 2.8 KB a face), so they stay in a file and are read for the
span at hand; only the small table of rows is held in memory (about 70 bytes a face).
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from lipsync_core.faces.covering import covered
from lipsync_core.faces.crops import bounding
from lipsync_core.faces.looks import LOOK, looks
from lipsync_core.faces.plausibility import below_nose, jump, misfit
from lipsync_core.faces.pose import angles, width
from lipsync_core.faces.schemes import POINTS, convert
from lipsync_core.faces.smoothing import REACH, gaussian, runs
from lipsync_core.faces.tracking import MAX_GAP
from lipsync_core.faces.turns import quarter_of, roll
from lipsync_core.records import Face, Image, Points, Scheme

FORMAT = 3
"""Version of the files below; another number means: analyse again."""

ROW = np.dtype(
    [
        ("frame", "i4"),
        ("track", "i4"),
        ("score", "f4"),
        ("box", "f4", 4),
        ("extent", "f4", 4),
        ("opening", "f4"),
        ("mouth", "f4"),
        ("yaw", "f4"),
        ("pitch", "f4"),
        ("width", "f4"),
        ("quarter", "i1"),
        ("below_nose", "f4"),
        ("misfit", "f4"),
        ("jump", "f4"),
        ("covered", "f4"),
    ]
)
"""One face: frame and track number, detector score and box, bounding box of its landmarks, opening of
the inner lips and distance of the mouth's corners over the distance of the eyes, yaw and pitch in degrees,
width between the cheeks, how it is turned in the picture plane (`faces.turns`), what speaks against its
landmarks (`faces.plausibility`), and how unlike the track its mouth looks (`faces.covering`)."""

LOOK_EVERY = 2
"""Frames from one look at what may be before a mouth to the next, to halve what it costs."""
_STEPS = 65535.0


class AnalysisWriter:
    """Writes an analysis beside its final place and moves it there when complete.

    Args:
        folder: where the analysis will be.
        about: what it was made with (detector, target); comes back as `Analysis.about`.
    """

    def __init__(self, folder: Path, about: dict[str, str]) -> None:
        self._final = folder
        folder.parent.mkdir(parents=True, exist_ok=True)
        self._work = Path(tempfile.mkdtemp(prefix=".part-", dir=folder.parent))
        self._landmarks: IO[bytes] = (self._work / "landmarks.u16").open("wb")
        self._rows: IO[bytes] = (self._work / "rows.bin").open("wb")
        self._looks: IO[bytes] = (self._work / "looks.bin").open("wb")
        self._about = about
        self._shots: list[int] = [0]
        self._scheme: Scheme | None = None
        self._before: dict[int, tuple[int, int, Points]] = {}
        self._looked: dict[int, NDArray[np.void]] = {}

    def cut(self, frame: int) -> None:
        """A shot begins at `frame`."""
        self._before, self._looked = {}, {}
        if frame > self._shots[-1]:
            self._shots.append(frame)

    def add(
        self, frame: int, faces: Sequence[Face], tracks: Sequence[int], image: Image | None = None
    ) -> None:
        """The faces of a frame.

        Args:
            frame: its number (increasing).
            faces: what was found in it.
            tracks: their track ids.
            image: `(H, W, 3)` uint8 RGB; None: nothing is known of what may be before the mouths.
        """
        if not faces:
            return
        self._scheme = self._scheme or faces[0].scheme
        points = np.stack([face.landmarks for face in faces]).astype(np.float32)
        extent = bounding(points)
        rows = np.zeros(len(faces), ROW)
        rows["frame"], rows["track"] = frame, tracks
        rows["score"] = [face.score for face in faces]
        rows["box"] = [face.box for face in faces]
        rows["extent"] = extent
        sparse: Scheme = "5" if self._scheme == "5" else "68"
        few = convert(points, self._scheme, sparse)
        rows["opening"], rows["mouth"] = opening(few, sparse), mouth_width(few, sparse)
        rows["width"] = width(few, sparse)
        turned = angles(points, self._scheme)
        rows["yaw"], rows["pitch"] = turned[:, 0], turned[:, 1]
        self._doubt(rows, few, sparse, image)
        self._rows.write(rows.tobytes())
        self._landmarks.write(_pack(points, rows["extent"]).tobytes())

    def _doubt(
        self, rows: NDArray[np.void], few: Points, sparse: Scheme, image: Image | None
    ) -> None:
        """Fill in what may speak against the faces of a frame; their looks are judged at the end."""
        rows["below_nose"], rows["misfit"] = below_nose(few, sparse), misfit(few, sparse)
        self._compare(rows, few, sparse)
        # What is before a mouth stays longer than a frame: every second one is looked at.
        tracks = rows["track"].tolist()
        known = image is None or (
            int(rows["frame"][0]) % LOOK_EVERY and all(t in self._looked for t in tracks)
        )
        if not known:
            assert image is not None
            self._looked = dict(zip(tracks, looks(image, few, sparse), strict=True))
        blank = np.zeros((), LOOK)
        self._looks.write(np.array([self._looked.get(t, blank) for t in tracks], LOOK).tobytes())

    def _compare(self, rows: NDArray[np.void], points: Points, scheme: Scheme) -> None:
        """Fill in what depends on the same face in an earlier frame of the shot."""
        for n, (row, degrees) in enumerate(zip(rows, roll(points, scheme).tolist(), strict=True)):
            frame, track = int(row["frame"]), int(row["track"])
            seen, quarter, shape = self._before.get(track, (-1, None, None))
            row["quarter"] = quarter_of(degrees, quarter)
            if shape is not None and seen == frame - 1:
                row["jump"] = jump(shape, points[n], scheme)
            self._before[track] = (frame, int(row["quarter"]), points[n])
        gone = [t for t, (seen, *_) in self._before.items() if frame - seen > MAX_GAP]
        for track in gone:
            del self._before[track]

    def finish(self, frames: int) -> Analysis:
        """All `frames` were added: put the analysis in its place and open it."""
        self._close()
        self._judge_mouths()
        about = self._about | {"format": str(FORMAT)}
        meta = {"about": about, "frames": frames, "shots": self._shots, "scheme": self._scheme}
        (self._work / "meta.json").write_text(json.dumps(meta), "utf-8")
        shutil.rmtree(self._final, ignore_errors=True)
        self._work.replace(self._final)
        return Analysis(self._final)

    def _judge_mouths(self) -> None:
        """Fill in `covered`, which takes the whole of a track; what it was judged by is not kept."""
        path = self._work / "looks.bin"
        if path.stat().st_size:
            rows = np.memmap(self._work / "rows.bin", ROW, "r+")
            seen = np.memmap(path, LOOK, "r")
            order = np.argsort(rows["track"], kind="stable")
            for mine in np.split(order, np.flatnonzero(np.diff(rows["track"][order])) + 1):
                rows["covered"][mine] = covered(seen[mine])
            rows.flush()
            del rows, seen
        path.unlink()

    def _close(self) -> None:
        self._looks.close()
        self._rows.close()
        self._landmarks.close()

    def __enter__(self) -> AnalysisWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()
        shutil.rmtree(self._work, ignore_errors=True)


class Analysis:
    """A finished analysis.

    Attributes:
        frames: number of frames of the target.
        shots: `[start, stop)` of each shot, in order, covering all frames.
        scheme: landmark scheme of the faces ("478" when there is none).
        rows: structured array of dtype `ROW`, ordered by frame.
        about: what the analysis was made with.
    """

    def __init__(self, folder: Path) -> None:
        meta: dict[str, Any] = json.loads((folder / "meta.json").read_text("utf-8"))
        self.folder = folder
        self.frames = int(meta["frames"])
        starts = [s for s in meta["shots"] if s < max(self.frames, 1)]
        self.shots = list(zip(starts, [*starts[1:], self.frames], strict=True))
        self.scheme: Scheme = meta["scheme"] or "478"
        self.about: dict[str, str] = meta["about"]
        self.rows: NDArray[np.void] = np.fromfile(folder / "rows.bin", ROW)
        self._of_track: dict[int, tuple[NDArray[np.int64], NDArray[np.float64]]] = {}

    @staticmethod
    def exists(folder: Path) -> bool:
        """Whether a complete analysis of the present format is there."""
        try:
            meta = json.loads((folder / "meta.json").read_text("utf-8"))
        except (OSError, ValueError):
            return False
        return bool(meta.get("about", {}).get("format") == str(FORMAT))

    def landmarks(self, positions: NDArray[np.int64]) -> Points:
        """Raw landmarks `(n, K, 2 or 3)` float32, frame pixels, of rows at `positions`."""
        k = POINTS[self.scheme]
        d = 3 if self.scheme == "478" else 2
        packed = np.zeros((len(positions), k, d), np.uint16)
        with (self.folder / "landmarks.u16").open("rb") as file:
            for n, position in enumerate(positions.tolist()):
                file.seek(position * packed[0].nbytes)
                packed[n] = np.frombuffer(file.read(packed[0].nbytes), np.uint16).reshape(k, d)
        return _unpack(packed, self.rows["extent"][positions])

    def smoothed(self, positions: NDArray[np.int64]) -> tuple[Points, NDArray[np.float64]]:
        """Landmarks and boxes of rows of ONE track, smoothed over the whole of each unbroken run.

        The result for a frame does not depend on which other frames are requested.

        Returns:
            `(n, K, 2 or 3)` landmarks and `(n, 4)` boxes.
        """
        track = int(self.rows["track"][positions[0]])
        mine, _ = self._track(track)
        at = np.searchsorted(mine, positions)
        # Only rows that the smoothing of a wanted one can reach: a track may be an hour long.
        reach = np.arange(-REACH - 1, REACH + 2)
        held = np.unique(np.clip(at[:, None] + reach, 0, len(mine) - 1))
        near = mine[held]
        raw, boxes = self.landmarks(near), self.rows["box"][near].astype(np.float32)
        points = np.empty_like(raw)
        for a, b in runs(self.rows["frame"][near].astype(np.int64)):
            points[a:b], boxes[a:b] = gaussian(raw[a:b]), gaussian(boxes[a:b])
        place = np.searchsorted(held, at)
        return points[place], boxes[place].astype(np.float64)

    def extent(self, track: int) -> NDArray[np.float64]:
        """`(1, 4)` a box as wide and as high as the widest and the highest upright face of a whole track."""
        return self._track(track)[1]

    def _track(self, track: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Positions of a track's rows and its extent; looked for once, as every chunk asks."""
        if track not in self._of_track:
            mine = np.flatnonzero(self.rows["track"] == track)
            boxes = self.rows["extent"][mine].astype(np.float64)
            sides = boxes[:, 2:] - boxes[:, :2]
            lying = self.rows["quarter"][mine] % 2 == 1
            sides[lying] = sides[lying, ::-1]
            largest = sides.max(0, initial=0.0)
            self._of_track[track] = (mine, np.concatenate([np.zeros(2), largest])[None])
        return self._of_track[track]


def opening(points: Points, scheme: Scheme) -> NDArray[np.float64]:
    """`(N,)` gap of the inner lips over the distance of the eyes (0 for the scheme without lips)."""
    if scheme == "5":
        return np.zeros(len(points))
    return _over_eyes(convert(points, scheme, "68"), 62, 66)


def mouth_width(points: Points, scheme: Scheme) -> NDArray[np.float64]:
    """`(N,)` distance of the mouth's corners over that of the eyes (0 for the scheme without lips)."""
    if scheme == "5":
        return np.zeros(len(points))
    return _over_eyes(convert(points, scheme, "68"), 48, 54)


def _over_eyes(points: Points, first: int, second: int) -> NDArray[np.float64]:
    """Distance of two of 68 points over that of the eyes' middles."""
    p = points.astype(np.float64)
    eyes = np.linalg.norm(p[:, 42:48].mean(1) - p[:, 36:42].mean(1), axis=1)
    return np.asarray(np.linalg.norm(p[:, second] - p[:, first], axis=1) / np.maximum(eyes, 1e-6))


def _frame_of(extent: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Origin and side of the square in which landmarks are counted in 1/65535."""
    side = np.maximum((extent[:, 2:] - extent[:, :2]).max(1), 1.0)[:, None, None]
    return extent[:, None, :2], side.astype(np.float32)


def _pack(points: Points, extent: NDArray[np.float32]) -> NDArray[np.uint16]:
    origin, side = _frame_of(extent)
    unit = points / side
    unit[..., :2] = (points[..., :2] - origin) / side
    if points.shape[-1] == 3:
        unit[..., 2] = unit[..., 2] / 2.0 + 0.5  # depth lies within one face width of the middle
    return np.asarray(np.clip(np.round(unit * _STEPS), 0, _STEPS), np.uint16)


def _unpack(packed: NDArray[np.uint16], extent: NDArray[np.float32]) -> Points:
    origin, side = _frame_of(extent)
    unit = packed.astype(np.float32) / np.float32(_STEPS)
    if packed.shape[-1] == 3:
        unit[..., 2] = (unit[..., 2] - 0.5) * 2.0
    points = unit * side
    points[..., :2] += origin
    return np.asarray(points, np.float32)
