"""The mouth of a video against that of a reference: does it move as far, as fast and when the other does?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lipsync_core.evaluation.sync import Curve, correlation, fit
from lipsync_core.faces.analysis import mouth_width, opening
from lipsync_core.records import Scheme
from lipsync_core.targets.target import FaceHere


class MouthComparison:
    """Keeps opening and width of both mouths, four numbers a frame.

    Args:
        rate: frames a second; of a variable rate the average.
    """

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self._seen: list[tuple[float, float, float, float]] = []

    def add(
        self, mine: FaceHere | None, its: FaceHere | None, schemes: tuple[Scheme, Scheme]
    ) -> None:
        """The faces of a pair of frames: of the video, and of the reference."""
        self._seen.append((*_measured(mine, schemes[0]), *_measured(its, schemes[1])))

    def curves(self) -> dict[str, NDArray[np.float32]]:
        """Opening of both mouths, one value a frame, in eye distances; NaN without a face."""
        table = self._table()
        return {
            "video": table[:, 0].astype(np.float32),
            "reference": table[:, 2].astype(np.float32),
        }

    def figures(self) -> dict[str, float]:
        """Figures that can be told; none where the reference's mouth hardly moves or is seldom seen."""
        mine, my_width, its, its_width = self._table().T
        both = np.isfinite(mine) & np.isfinite(its)
        told: dict[str, float] = {}
        if both.any():
            told["opening_p95"] = float(np.percentile(mine[both], 95))
            told["reference_p95"] = float(np.percentile(its[both], 95))
        found = fit(mine, its, self.rate)
        if found.offset is None:
            return told
        told["mouth_correlation"] = found.at_zero
        told["mouth_lag_ms"] = 1000 * found.offset
        told["mouth_spread"] = float(np.std(mine[both]) / np.std(its[both]))
        moves = _movement(its, both)
        if moves > 0:
            told["mouth_movement"] = _movement(mine, both) / moves
        told["width_correlation"] = correlation(my_width, its_width)
        return told

    def _table(self) -> NDArray[np.float64]:
        return np.array(self._seen, np.float64).reshape(-1, 4)


def _measured(face: FaceHere | None, scheme: Scheme) -> tuple[float, float]:
    """Opening and width; NaN where they cannot be seen."""
    if face is None or scheme == "5":
        return float("nan"), float("nan")
    points = face.landmarks[None]
    return float(opening(points, scheme)[0]), float(mouth_width(points, scheme)[0])


def _movement(curve: Curve, both: NDArray[np.bool_]) -> float:
    """Mean change from one frame to the next, over those in which both mouths are seen."""
    change = np.abs(np.diff(np.where(both, curve, np.nan)))
    change = change[np.isfinite(change)]
    return float(change.mean()) if len(change) else 0.0
