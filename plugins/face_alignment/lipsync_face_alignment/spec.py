"""What the detector declares. Facts from 1adrianb/face-alignment 1.5.0 and its weights; data only."""

from __future__ import annotations

from lipsync_core.specs import DetectorSpec, Licence, Option, Requirement, WeightFile

_PUBLISHER = (
    "the download folder that the face-alignment package names (adrianbulat.com, python-fan)"
)
_REPOSITORY = "ByteDance/LatentSync-1.5"
"""Carries both files beside its own, for the tools it is made with."""
_S3FD_TERMS = "not stated by the publisher"
_FAN_TERMS = "not stated; the project's code is BSD-3-Clause"

S3FD = WeightFile(
    path="s3fd-619a316812.pth",
    repository=_REPOSITORY,
    file="auxiliary/s3fd-619a316812.pth",
    licence=_S3FD_TERMS,
    origin=_PUBLISHER,
    alternatives=("s3fd.pth", "auxiliary/s3fd-619a316812.pth"),
    holds=(
        ("conv1_1.weight", (64, 3, 3, 3)),
        ("fc6.weight", (1024, 512, 3, 3)),
        ("conv3_3_norm_mbox_conf.weight", (4, 256, 3, 3)),
        ("conv7_2_mbox_loc.weight", (4, 256, 3, 3)),
    ),
)
_FAN_HOLDS = (
    ("conv1.weight", (64, 3, 7, 7)),
    ("m3.b2_plus_1.conv1.weight", (128, 256, 3, 3)),
    ("l3.weight", (68, 256, 1, 1)),
)
FAN_FILES = (
    # The same network twice, one is enough: a plain state dict, and a TorchScript archive whose tensors are
    # read and whose code is not run.
    WeightFile(
        path="2DFAN4-11f355bf06.pth.tar",
        licence=_FAN_TERMS,
        origin=_PUBLISHER,
        optional=True,
        holds=_FAN_HOLDS,
    ),
    WeightFile(
        path="2DFAN4-cd938726ad.zip",
        repository=_REPOSITORY,
        file="auxiliary/2DFAN4-cd938726ad.zip",
        licence=_FAN_TERMS,
        alternatives=("auxiliary/2DFAN4-cd938726ad.zip",),
        optional=True,
        holds=_FAN_HOLDS,
    ),
)

FACE_ALIGNMENT = DetectorSpec(
    name="face-alignment",
    factory="lipsync_face_alignment.detector:FaceAlignmentDetector",
    summary="S3FD boxes and FAN's 68 landmarks: small and turned faces; wants a GPU, your weights",
    licence=Licence(
        code="Apache-2.0", weights="not stated (the project's code: BSD-3-Clause)", commercial=None
    ),
    requires=(
        Requirement(module="torch", distribution="torch", minimum="2.6"),
        # 1.5 is the first whose FAN is plain PyTorch code again; before, it came inside the weights.
        Requirement(module="face_alignment", distribution="face-alignment", minimum="1.5"),
    ),
    weights=(S3FD, *FAN_FILES),
    probe="lipsync_face_alignment.availability:probe",
    devices=("cuda", "mps", "cpu"),
    memory=2 * 2**30,
    options=(
        Option(
            key="threshold",
            default=0.5,
            help="lowest score of a face",
            minimum=0.05,
            maximum=1,
        ),
        Option(
            key="max_faces",
            default=8,
            help="at most this many faces in a frame, largest first",
            minimum=1,
            maximum=100,
        ),
        Option(
            key="limit",
            default=960,
            help="search faces in frames scaled down to this longer side; landmarks use the full "
            "resolution",
            minimum=64,
            maximum=8192,
        ),
        Option(
            key="flip",
            default=True,
            help="landmarks are the mean of the face and its mirror image: steadier, twice the work",
        ),
    ),
    homepage="https://github.com/1adrianb/face-alignment",
    schemes=("68",),
    batch=8,
)
