"""Index lists into MediaPipe's 478 points: which landmark is what. Data only."""

from __future__ import annotations

import numpy as np

MESH = 468
"""Points of the face mesh proper; the ten after it are the irises."""

# Left to right in the picture, corner to corner.
UPPER_OUTER = np.array([61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291])
LOWER_OUTER = np.array([61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291])
UPPER_INNER = np.array([78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308])
LOWER_INNER = np.array([78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308])
UPPER_MIDDLE = np.array([76, 184, 74, 73, 72, 11, 302, 303, 304, 408, 306])
LOWER_MIDDLE = np.array([76, 77, 90, 180, 85, 16, 315, 404, 320, 307, 306])

CORNERS = np.array([61, 291, 76, 306, 78, 308])
LIPS = np.unique(
    np.concatenate(
        [
            UPPER_OUTER,
            LOWER_OUTER,
            UPPER_INNER,
            LOWER_INNER,
            UPPER_MIDDLE,
            LOWER_MIDDLE,
        ]
    )
)
OUTER_RING = np.unique(np.concatenate([UPPER_OUTER, LOWER_OUTER]))

# fmt: off
JAW_LINE = np.array([
    234, 93, 132, 58, 172, 136, 150, 149, 176, 148, 152,
    377, 400, 378, 379, 365, 397, 288, 361, 323, 454,
])
NOSE = np.array([1, 2, 98, 327, 4, 5, 195, 168, 6, 97, 326, 48, 278])
NOSE_BASE = np.array([2, 97, 326, 98, 327, 94])
CHEEKS = np.array([
    50, 280, 205, 425, 207, 427, 187, 411, 216, 436, 36, 266, 212, 432, 202, 422, 214, 434,
    57, 287, 43, 273, 165, 391, 164, 92, 322, 186, 410, 206, 426, 203, 423, 192, 416, 123, 352,
    147, 376, 213, 433, 101, 330,
])
CHIN = np.array([18, 200, 199, 175, 194, 418, 204, 424, 211, 431, 182, 406, 32, 262, 171, 396])
EYE_ANCHORS = np.array([33, 133, 362, 263, 145, 374, 159, 386, 119, 348])
STABLE = np.array([
    33, 133, 362, 263, 168, 6, 197, 195, 5, 4, 1, 2, 98, 327, 234, 454, 127, 356, 10, 151, 9, 8,
    107, 336, 70, 300, 46, 276, 50, 280, 101, 330, 116, 345, 162, 389, 54, 284, 67, 297, 103, 332,
])
"""Points that speech hardly moves: they carry the pose of the head."""
LEFT_LIDS = np.array([33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246])
RIGHT_LIDS = np.array([
    362, 382, 381, 380, 374, 373, 390, 249, 263, 466, 388, 387, 386, 385, 384, 398,
])
FOLDS = (np.array([129, 203, 206, 216, 212]), np.array([358, 423, 426, 436, 432]))
"""From the wing of the nose to beside the corner of the mouth."""
NOSE_WINGS = (np.array([129, 49, 209, 126, 198, 44, 97, 98]),
              np.array([358, 279, 429, 355, 420, 274, 326, 327]))
# fmt: on
CHEEK_PATCHES = np.array([50, 280, 101, 330, 205, 425])
"""Skin without beard, brow or lip: what the light on the face is read from."""

SKIN = np.unique(np.concatenate([JAW_LINE, NOSE, CHEEKS, CHIN, EYE_ANCHORS]))
"""Warp handles outside the lips."""
