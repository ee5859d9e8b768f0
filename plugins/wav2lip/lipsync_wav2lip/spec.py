"""What Wav2Lip declares. Facts from Rudrabha/Wav2Lip (README and code as of 2025-04); nothing is copied."""

from __future__ import annotations

from lipsync_core.networks.runtime import RUNTIMES
from lipsync_core.specs import (
    BlenderSpec,
    BoxCrop,
    ChunkSpec,
    GeneratorSpec,
    Licence,
    Margins,
    Measure,
    Option,
    Requirement,
    ScorerSpec,
    WeightFile,
)

STEMS = ("wav2lip_gan", "wav2lip")
"""The two published generators, the sharper first; both have the same architecture and keys."""
EXPERT_FILE = "lipsync_expert.pth"
EXPERT_FRAMES = 5
"""Consecutive frames, at 25 a second, that one mel window of 16 columns (0.2 s) belongs to; the window begins
at the first one's time."""
EXPERT_FPS = 25
ORIGIN = "the download folders linked from the README of Rudrabha/Wav2Lip"
CONVERTED = (
    "`lipsync weights export wav2lip --format onnx`, or FaceFusion's conversion of the same network"
)
TERMS = "personal, research and non-commercial use only; trained on LRS2 (as the authors state)"
HOMEPAGE = "https://github.com/Rudrabha/Wav2Lip"
_CHIN = 0.05
"""Upstream pads the box by 10 pixels at the bottom; that is about this share of a 200-pixel face."""

GENERATOR_TENSORS = (
    ("face_encoder_blocks.0.0.conv_block.0.weight", (16, 6, 7, 7)),
    ("audio_encoder.0.conv_block.0.weight", (32, 1, 3, 3)),
    ("face_decoder_blocks.6.0.conv_block.0.weight", (160, 64, 3, 3)),
    ("output_block.1.weight", (3, 32, 1, 1)),
)
EXPERT_TENSORS = (
    ("face_encoder.0.conv_block.0.weight", (32, 15, 7, 7)),
    ("face_encoder.16.conv_block.0.weight", (512, 512, 1, 1)),
    ("audio_encoder.13.conv_block.0.weight", (512, 512, 1, 1)),
)
ONNX_INPUTS = (("source", (-1, 1, 80, 16)), ("target", (-1, 6, 96, 96)))
"""Names as in FaceFusion's conversion, so that a file from there and our own export are the same to users."""


def _generator_files(stem: str) -> tuple[WeightFile, WeightFile]:
    """The checkpoint, and the same network as ONNX: either is enough, so the probe asks, not the spec."""
    return (
        WeightFile(
            path=f"{stem}.pth",
            licence=TERMS,
            origin=ORIGIN,
            alternatives=(f"checkpoints/{stem}.pth",),
            optional=True,
            holds=GENERATOR_TENSORS,
        ),
        WeightFile(
            path=f"{stem}.onnx",
            licence=TERMS,
            origin=CONVERTED,
            alternatives=(f"{stem}_96.onnx",),
            optional=True,
            holds=ONNX_INPUTS,
        ),
    )


CROP = BoxCrop(size=(96, 96), margins=Margins(bottom=_CHIN))
"""The detector's box, squeezed to 96x96 without keeping its aspect."""

WAV2LIP = GeneratorSpec(
    name="wav2lip",
    factory="lipsync_wav2lip.generator:Wav2Lip",
    summary="Wav2Lip: 96x96 mouths for any face, with torch or ONNX Runtime",
    licence=Licence(code="Apache-2.0", weights=TERMS, commercial=False),
    # Neither torch nor a checkpoint is a must: an ONNX file does, with the core's onnxruntime.
    weights=tuple(file for stem in STEMS for file in _generator_files(stem)),
    probe="lipsync_wav2lip.availability:probe",
    devices=("cuda", "cpu"),
    options=(
        Option(
            key="checkpoint",
            default="auto",
            help="gan: sharper; plain: closest to the sound; auto: gan if present, else plain",
            choices=("auto", "gan", "plain"),
        ),
        Option(
            key="runtime",
            default="auto",
            help="torch or onnx; auto: the faster one that can run here",
            choices=RUNTIMES,
        ),
        Option(
            key="compat",
            default=False,
            help="the original's arithmetic (fp32, levels truncated instead of rounded), for comparison",
        ),
    ),
    homepage=HOMEPAGE,
    exports=("onnx",),
    exporter="lipsync_wav2lip.export:export",
    crop=CROP,
    # 80 bands x 16 columns that begin at the frame's time: the mel encoder that comes with the core.
    audio_encoder="mel",
    chunk=ChunkSpec(frames=16),
    region="lower_face",
    streams=True,
    deterministic=True,
)

EXPERT = ScorerSpec(
    name="wav2lip",  # as the generator: their files lie in one folder
    factory="lipsync_wav2lip.scorer:ExpertScorer",
    summary="Wav2Lip's lip-sync expert (SyncNet_color): cosine of mouth and voice, and their offset",
    licence=Licence(code="Apache-2.0", weights=TERMS, commercial=False),
    requires=(Requirement(module="torch", distribution="torch", minimum="2.6"),),
    weights=(
        WeightFile(
            path=EXPERT_FILE,
            licence=TERMS,
            origin=ORIGIN,
            alternatives=(f"checkpoints/{EXPERT_FILE}",),
            holds=EXPERT_TENSORS,
        ),
    ),
    devices=("cuda", "cpu"),
    homepage=HOMEPAGE,
    crop=CROP,
    measures=(
        Measure(
            key="agreement",
            better="higher",
            help="mean cosine of five mouths and their 0.2 s of voice, 0 to 1",
        ),
        Measure(
            key="distance",
            better="lower",
            help="mean distance of the two on the unit sphere, 0 to 1.41",
        ),
        Measure(
            key="offset",
            better="nearer to 0",
            help="by how many frames of 0.04 s the voice comes later than the mouth, -15 to 15",
        ),
    ),
    least=5,
)

PASTE = BlenderSpec(
    name="wav2lip-paste",
    factory="lipsync_wav2lip.paste:RectanglePaste",
    summary="the whole crop as a hard rectangle, as Wav2Lip's own script does; to compare with it",
    licence=Licence(code="Apache-2.0", weights="none needed", commercial=True),
    homepage=HOMEPAGE,
    scheme="5",
)
