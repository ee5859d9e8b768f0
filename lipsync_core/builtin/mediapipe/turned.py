"""A second look at turned pictures: BlazeFace knows faces that are about upright.

It finds most faces that lie on their side. Of one that hangs upside down it finds the square, but takes the
chin for a forehead, and the mesh follows it there with a score of 1.0. What gives such a find away is that
mesh and key points disagree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lipsync_core.builtin.mediapipe.blazeface import BlazeFace, Detection
from lipsync_core.faces.crops import invert
from lipsync_core.faces.turns import QUARTERS, to_upright, turned

if TYPE_CHECKING:
    from lipsync_core.records import Image, Points

SURE = 0.7
"""Certainty from which a find is believed at once. Measured on nine clips: upright faces have 0.66 to 0.97,
the same clips upside down up to 0.62. A find below it costs a look at four small pictures, once."""
MARGIN = 1.05
"""A turned find must be so much more certain than the upright one."""
SURROUNDINGS = 1.1
"""Half the side of the part that is looked at again, in squares of the find."""

_KEYS = ((33, 133), (362, 263), (1, 1), (13, 14))
"""Mesh points in whose middle each of BlazeFace's first four key points lies."""


def certainty(found: Detection, landmarks: Points) -> float:
    """How far a find can be believed: its score, less what mesh and key points disagree, 0..1.

    Args:
        found: by BlazeFace.
        landmarks: `(478, 3)` of the mesh that started from it.
    """
    mesh = np.array([landmarks[list(pair), :2].mean(0) for pair in _KEYS], np.float64)
    eyes = max(float(np.linalg.norm(mesh[1] - mesh[0])), 1e-6)
    apart = float(np.linalg.norm(mesh - found.keys, axis=1).mean()) / eyes
    return found.score * max(0.0, 1.0 - 2.0 * apart)


def look_turned(
    finder: BlazeFace, image: Image, around: Detection | None = None
) -> list[Detection]:
    """Faces that are found when the picture is turned by a quarter, by two, by three; a part also as it is.

    Args:
        finder: looks at each of them.
        image: `(H, W, 3)` uint8 RGB.
        around: look only at the surroundings of this find; default: at the whole picture.

    Returns:
        Finds in pixels of `image`, best first; the same face may be found in several turns.
    """
    height, width = image.shape[:2]
    x0, y0, x1, y1 = 0, 0, width, height
    if around is not None:
        reach = SURROUNDINGS * around.size
        x0, y0 = np.maximum(np.floor(around.centre - reach), 0).astype(int).tolist()
        x1, y1 = (
            np.minimum(np.ceil(around.centre + reach) + 1, [width, height]).astype(int).tolist()
        )
    part = image[y0:y1, x0:x1]
    found: list[Detection] = []
    # The surroundings of a find show it larger: only an upright look at them makes a fair comparison.
    for quarter in range(1 if around is None else 0, QUARTERS):
        back = invert(to_upright(quarter, x1 - x0, y1 - y0))
        back[:, 2] += (x0, y0)
        found += [seen.moved(back) for seen in finder.find(turned(part, quarter))]
    return sorted(found, key=lambda seen: -seen.score)
