"""What SyncTalk_2D declares. Facts from ZiqiaoPeng/SyncTalk_2D (as of 2025-06); nothing is copied.

One small network for each person, trained on some minutes of that person: there is nothing to download.
"""

from __future__ import annotations

from dataclasses import replace

from lipsync_core.specs import (
    AudioEncoderSpec,
    ChunkSpec,
    GeneratorSpec,
    LandmarkCrop,
    Licence,
    Option,
    Requirement,
    WeightFile,
)

HOMEPAGE = "https://github.com/ZiqiaoPeng/SyncTalk_2D"
AVE_FILE = "audio_visual_encoder.pth"
NO_TERMS = "none given by the publisher; trained on LRS2 (research data)"
_LOOKAHEAD = 6 / 25 + 16 / 80 + 400 / 16_000
"""The last of a frame's 16 rows begins 6 frames later, spans 16 mel columns, and half an STFT window."""
_JAW_TO_JAW = (1, 15, 28)
"""Ends of the jaw beside the ears and the bridge of the nose: counterparts of PFLD's 1, 31 and 52."""
_TORCH = (Requirement(module="torch", distribution="torch", minimum="2.6"),)


def _crop(side: int) -> LandmarkCrop:
    """Square, as wide as the jaw, from the bridge of the nose down; the network sees it less 4 pixels."""
    return LandmarkCrop(size=(side, side), scheme="68", points=_JAW_TO_JAW, square=True)


ENCODER = AudioEncoderSpec(
    name="synctalk2d",
    factory="lipsync_synctalk2d.encoder:AveWindows",
    summary="16 rows of the AVE audio encoder around each frame (declared, not run yet)",
    licence=Licence(code="Apache-2.0", weights=NO_TERMS, commercial=None),
    requires=_TORCH,
    weights=(
        WeightFile(
            path=AVE_FILE,
            licence=NO_TERMS,
            origin="folder model/checkpoints of the repository ZiqiaoPeng/SyncTalk_2D",
            alternatives=("model/checkpoints/audio_visual_encoder.pth",),
        ),
    ),
    probe="lipsync_synctalk2d.availability:probe_encoder",
    devices=("cuda", "cpu"),
    homepage=HOMEPAGE,
    feature_shape=(32, 16, 16),
    sample_rate=16_000,
    lookahead=_LOOKAHEAD,
)

SYNCTALK2D = GeneratorSpec(
    name="synctalk2d",
    factory="lipsync_synctalk2d.generator:SyncTalk2D",
    summary="SyncTalk_2D 328: a network of one person (declared, not run by this version yet)",
    licence=Licence(
        code="Apache-2.0", weights=f"your own; audio encoder: {NO_TERMS}", commercial=None
    ),
    requires=_TORCH,
    probe="lipsync_synctalk2d.availability:probe_328",
    devices=("cuda", "cpu"),
    options=(Option(key="person", default="", help="whose network: NAME for persons/NAME.pth"),),
    homepage=HOMEPAGE,
    crop=_crop(328),
    audio_encoder="synctalk2d",
    chunk=ChunkSpec(frames=4),
    region="lower_face",
    streams=True,
    deterministic=True,
    person_specific=True,
)

SYNCTALK2D160 = replace(
    SYNCTALK2D,
    name="synctalk2d160",
    summary="SyncTalk_2D 160: a network of one person (declared, not run by this version yet)",
    probe="lipsync_synctalk2d.availability:probe_160",
    crop=_crop(168),
)
