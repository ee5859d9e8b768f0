"""What Wav2Lip declares. Facts from Rudrabha/Wav2Lip (README and code as of 2025-04); nothing is copied."""

from __future__ import annotations

from lipsync_core.specs import (
    BoxCrop,
    ChunkSpec,
    GeneratorSpec,
    Licence,
    Margins,
    Option,
    Requirement,
    WeightFile,
)

CHECKPOINTS = {"gan": "wav2lip_gan.pth", "plain": "wav2lip.pth"}
"""Option `checkpoint` -> file. Both have the same architecture and keys."""
ORIGIN = "the download folders linked from the README of Rudrabha/Wav2Lip"
TERMS = "personal, research and non-commercial use only; trained on LRS2 (as the authors state)"
_CHIN = 0.05
"""Upstream pads the box by 10 pixels at the bottom; that is about this share of a 200-pixel face."""

WAV2LIP = GeneratorSpec(
    name="wav2lip",
    factory="lipsync_wav2lip.generator:Wav2Lip",
    summary="Wav2Lip: 96x96 mouths for any face (declared, not run by this version yet)",
    licence=Licence(code="Apache-2.0", weights=TERMS, commercial=False),
    requires=(Requirement(module="torch", distribution="torch", minimum="2.6"),),
    weights=tuple(
        # Optional here: one of the two is enough, and the probe asks for the chosen one.
        WeightFile(
            path=path,
            licence=TERMS,
            origin=ORIGIN,
            alternatives=(f"checkpoints/{path}",),
            optional=True,
        )
        for path in CHECKPOINTS.values()
    ),
    probe="lipsync_wav2lip.availability:probe",
    devices=("cuda", "cpu"),
    options=(
        Option(key="checkpoint", default="gan", help="gan: sharper; plain: closest to the sound"),
        Option(
            key="compat",
            default=False,
            help="the original's arithmetic (levels cut off instead of rounded), to compare with it",
        ),
    ),
    homepage="https://github.com/Rudrabha/Wav2Lip",
    # The detector's box, squeezed to 96x96 without keeping its aspect.
    crop=BoxCrop(size=(96, 96), margins=Margins(bottom=_CHIN)),
    # 80 bands x 16 columns that begin at the frame's time: the mel encoder that comes with the core.
    audio_encoder="mel",
    chunk=ChunkSpec(frames=16),
    region="lower_face",
    streams=True,
    deterministic=True,
)
