"""Makes `lipsync_core/builtin/viseme/teeth.png` from the bundled portrait.

Usage: `python training/teeth/make.py` in the repository's root. The portrait (NASA, public domain)
smiles with open lips; its upper teeth are taken with the generator's own harvesting, at 160 pixels
per eye distance, and serve every face whose own teeth are not to be seen.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from lipsync_core.builtin.mediapipe.detector import MediaPipeDetector
from lipsync_core.builtin.viseme import canonical, own_teeth, teeth, tone
from lipsync_core.contracts import OpenContext

PORTRAIT = Path("lipsync_core/samples/portrait.png")
FACE = (slice(0, 260), slice(100, 360))
ENLARGE = 4
RESOLUTION = 160.0


def main() -> None:
    """Harvest and write."""
    picture = cv2.imread(str(PORTRAIT))[FACE][..., ::-1]
    large = cv2.resize(picture, None, fx=ENLARGE, fy=ENLARGE, interpolation=cv2.INTER_CUBIC)
    images = np.ascontiguousarray(large)[None]
    detector = MediaPipeDetector()
    detector.open(OpenContext())
    landmarks = detector.detect(images)[0][0].landmarks[None].astype(np.float64)
    face = canonical.neutral(landmarks)
    light = tone.read(images, landmarks)
    sheet = teeth.Sheet(face, RESOLUTION)
    texture = own_teeth.harvest(images, landmarks, face, light, sheet)
    if texture is None:
        raise SystemExit("The portrait shows no teeth: look at the thresholds in teeth.py.")
    cv2.imwrite(str(teeth.BUNDLED), texture[..., [2, 1, 0, 3]])


if __name__ == "__main__":
    main()
