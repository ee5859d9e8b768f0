"""What the built-in detector declares. Imports nothing but the contract's data."""

from __future__ import annotations

from lipsync_core.specs import DetectorSpec, Licence, Option, Requirement

MEDIAPIPE = DetectorSpec(
    name="mediapipe",
    factory="lipsync_core.builtin.mediapipe.detector:MediaPipeDetector",
    summary="478 dense landmarks, several faces, on the CPU; weights are bundled",
    licence=Licence(
        code="Apache-2.0",
        weights="Apache-2.0 (Google MediaPipe; converted to ONNX, see NOTICE)",
        commercial=True,
    ),
    requires=(
        Requirement(module="cv2", distribution="opencv-python", minimum="4.10"),
        Requirement(module="onnxruntime", distribution="onnxruntime", minimum="1.19"),
    ),
    options=(
        Option(
            key="eyes",
            default=True,
            help="refine eyelids and find the irises; without it the irises are the eyes' middles",
        ),
        Option(key="max_faces", default=8, help="at most this many faces in a frame", minimum=1),
        Option(key="threshold", default=0.5, help="lowest score of a face", minimum=0, maximum=1),
    ),
    homepage="https://github.com/google-ai-edge/mediapipe",
    schemes=("478",),
    any_turn=True,
)
