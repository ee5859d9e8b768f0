"""What the detector `dwpose` declares. Facts from IDEA-Research/DWPose and TMElyralab/MuseTalk (2025-09)."""

from __future__ import annotations

from lipsync_core.specs import DetectorSpec, Licence, Option, Requirement, WeightFile

_TERMS = (
    "Apache-2.0 as published; trained on COCO-WholeBody and UBody, whose terms are for research"
)
FILE = "dw-ll_ucoco_384.pth"

DWPOSE = DetectorSpec(
    name="dwpose",
    factory="lipsync_musetalk.pose_detector:PoseDetector",
    summary="MuseTalk's own 68 landmarks: RTMPose as DWPose trained it, on the built-in detector's faces",
    licence=Licence(code="Apache-2.0", weights=_TERMS, commercial=None),
    requires=(Requirement(module="torch", distribution="torch", minimum="2.6"),),
    weights=(
        WeightFile(
            path=FILE,
            repository="yzd-v/DWPose",
            licence=_TERMS,
            alternatives=(f"dwpose/{FILE}",),
            holds=(
                ("backbone.stem.0.conv.weight", (32, 3, 3, 3)),
                ("backbone.stage4.2.final_conv.conv.weight", (1024, 1024, 1, 1)),
                ("head.final_layer.weight", (133, 1024, 7, 7)),
                ("head.cls_x.weight", (576, 256)),
                ("head.cls_y.weight", (768, 256)),
            ),
        ),
    ),
    probe="lipsync_musetalk.pose_choice:probe",
    devices=("cuda", "cpu"),
    options=(
        Option(
            key="flip",
            default=True,
            help="landmarks are the mean of the frame and its mirror image, as in the original: steadier, "
            "twice the work",
        ),
    ),
    homepage="https://github.com/IDEA-Research/DWPose",
    schemes=("68",),
    batch=4,
)
