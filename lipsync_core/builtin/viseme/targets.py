"""The fixed tables: which visemes there are and what each one does to the mouth.

Data only. The order of both tuples is the order of the encoder's columns.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

VISEMES = (
    "sil", "PP", "FF", "TH", "DD", "kk", "CH", "SS", "nn", "RR", "aa", "E", "ih", "oh", "ou",
)  # fmt: skip
"""The 15 visemes of the Oculus Lipsync set, in its order (Meta, "Viseme Reference")."""

CURVES = ("jaw", "wide", "pucker", "up", "low", "press", "tuck", "tongue")
"""The articulation curves: jaw opening, mouth width, lip protrusion, upper and lower lip raised or lowered
from the teeth, lips pressed together (p b m), lower lip under the upper teeth (f v), tongue visible.
All 0 at rest; about 1 at the largest movement; `wide` may be slightly negative."""

_TARGETS = {
    #       jaw   wide  puck  up    low   press tuck  tongue
    "sil": (0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00),
    "PP": (0.00, 0.00, 0.05, 0.00, 0.00, 1.00, 0.00, 0.00),
    "FF": (0.06, 0.10, 0.00, 0.25, 0.00, 0.00, 1.00, 0.00),
    "TH": (0.14, 0.10, 0.00, 0.35, 0.30, 0.00, 0.00, 1.00),
    "DD": (0.14, 0.15, 0.00, 0.50, 0.50, 0.00, 0.00, 0.60),
    "kk": (0.18, 0.08, 0.00, 0.25, 0.20, 0.00, 0.00, 0.20),
    "CH": (0.10, -0.10, 0.65, 0.60, 0.80, 0.00, 0.00, 0.30),
    "SS": (0.08, 0.45, 0.00, 0.65, 0.85, 0.00, 0.00, 0.30),
    "nn": (0.15, 0.12, 0.00, 0.30, 0.25, 0.00, 0.00, 0.70),
    "RR": (0.14, -0.10, 0.45, 0.25, 0.25, 0.00, 0.00, 0.40),
    "aa": (0.60, 0.10, 0.00, 0.50, 0.30, 0.00, 0.00, 0.05),
    "E": (0.36, 0.35, 0.00, 0.50, 0.40, 0.00, 0.00, 0.20),
    "ih": (0.22, 0.60, 0.00, 0.50, 0.55, 0.00, 0.00, 0.45),
    "oh": (0.34, -0.10, 0.60, 0.25, 0.20, 0.00, 0.00, 0.00),
    "ou": (0.10, -0.10, 1.00, 0.15, 0.15, 0.00, 0.00, 0.00),
}
TARGETS: NDArray[np.float64] = np.asarray([_TARGETS[name] for name in VISEMES])
"""Where each viseme pulls each curve, (15, 8).

What is measured of speech decides their order:

- Jaw: lowest in open vowels; highest in s and sh, then t, d and n, then the labials, lower in k (Lee,
  Beckman and Jackson, "Jaw height and consonant place", ASA 127, 1994).
- Lips: in s, t, d and n they stay parted although the jaw is nearly closed; so there the lips make the
  opening.
- Vowels differ in the height of the opening and in spreading against rounding, in that order (Montgomery
  and Jackson, "Physical characteristics of the lips underlying vowel lipreading performance", JASA 73, 1983).
- Sustained vowels open wider than the same vowels in sentences, where the jaw never reaches its target
  (Amerman, Daniloff and Moll, "Lip and jaw coarticulation for the phoneme /ae/", JSHR 13, 1970). So "aa" is
  not 1.

Sizes were set so that p95 of the opening over speech is that of people who talk
(training/viseme/README.md)."""

_DOMINANCE = {
    #          sil   PP    FF    TH   DD   kk   CH   SS   nn   RR   aa   E    ih   oh   ou
    "jaw": (0.30, 1.60, 1.20, 0.7, 0.7, 0.5, 1.0, 1.0, 0.6, 0.6, 1.2, 1.0, 0.9, 1.1, 1.0),
    "wide": (0.40, 0.20, 0.40, 0.3, 0.3, 0.3, 0.6, 0.7, 0.3, 0.5, 0.8, 0.9, 1.0, 1.0, 1.0),
    "pucker": (0.35, 0.25, 0.40, 0.4, 0.3, 0.3, 1.3, 0.5, 0.3, 0.9, 0.8, 0.8, 0.9, 1.2, 1.5),
    "up": (0.30, 0.90, 1.00, 0.6, 0.6, 0.5, 1.0, 0.9, 0.6, 0.7, 0.9, 0.9, 0.9, 0.9, 0.9),
    "low": (0.30, 0.90, 1.00, 0.6, 0.6, 0.5, 1.0, 1.0, 0.6, 0.7, 0.9, 0.9, 0.9, 0.9, 0.9),
    "press": (1.0,) * 15,
    "tuck": (1.0,) * 15,
    "tongue": (0.60, 0.50, 0.60, 1.3, 1.1, 0.6, 0.8, 0.9, 1.1, 0.8, 0.7, 0.7, 0.8, 0.7, 0.7),
}
DOMINANCE: NDArray[np.float64] = np.asarray([_DOMINANCE[name] for name in CURVES]).T
"""How strongly each viseme insists on its target against its neighbours, (15, 8); the dominance functions
of Cohen and Massaro, "Modeling Coarticulation in Synthetic Visual Speech" (1993), reduced to one number.
Silence insists little: lips stay parted in the short pauses between words."""

SIGMA = {
    "jaw": 0.050, "wide": 0.055, "pucker": 0.070, "up": 0.040, "low": 0.040,
    "press": 0.018, "tuck": 0.022, "tongue": 0.035,
}  # fmt: skip
"""Spread of each curve's co-articulation in seconds (gaussian): the jaw is slower than the lips, lips round
early, closures are short. The spread does not shrink when somebody speaks faster, so fast speech moves
less."""
