"""What the hybrid and its audio encoder declare: MuseTalk's crop and sound around LatentSync's UNet."""

from __future__ import annotations

from lipsync_core.specs import (
    AudioEncoderSpec,
    ChunkSpec,
    GeneratorSpec,
    LandmarkCrop,
    Licence,
    Margins,
    Option,
    PrepareSpec,
    Requirement,
    Shift,
)
from lipsync_latentsync.spec import HOMEPAGE, LATENTSYNC15

_TORCH = Requirement(module="torch", distribution="torch", minimum="2.6")
_MUSETALK = Requirement(module="lipsync_musetalk", distribution="lipsync-musetalk", minimum="0.1")
SIDE = 256
ROWS = (2, 50, 384)
"""Whisper's rows of a frame as MuseTalk was trained with them, and as LatentSync was."""

CROP = LandmarkCrop(
    size=(SIDE, SIDE),
    scheme="68",
    middle=29,
    margins=Margins(bottom=0.04),
    shifts=(Shift(key="bbox_shift", moves="middle"), Shift(key="extra_margin", moves="bottom")),
)
"""MuseTalk 1.5's, said once more because this plugin is listed without lipsync-musetalk too."""

WHISPER_BOTH = AudioEncoderSpec(
    name="whisper-both",
    factory="lipsync_latentsync.hybrid_encoder:BothWindows",
    summary="Whisper tiny features for MuseTalk and for LatentSync together, for the hybrid",
    licence=Licence(code="Apache-2.0", weights="MIT (Whisper tiny)", commercial=True),
    requires=(_TORCH, _MUSETALK),
    probe="lipsync_latentsync.hybrid_files:probe_encoder",
    devices=("cuda", "cpu"),
    homepage="https://github.com/openai/whisper",
    feature_shape=ROWS,
    sample_rate=16_000,
    lookahead=30.12,
)

HYBRID = GeneratorSpec(
    name="hybrid",
    factory="lipsync_latentsync.hybrid:Hybrid",
    summary="LatentSync 1.5's UNet in MuseTalk's crops, with MuseTalk's UNet for chunks in which it fails",
    licence=Licence(
        code="Apache-2.0",
        weights="LatentSync: not stated; MuseTalk: any purpose; VAE and Whisper: MIT",
        commercial=None,
    ),
    requires=(
        _TORCH,
        Requirement(module="diffusers", distribution="diffusers", minimum="0.32"),
        _MUSETALK,
    ),
    probe="lipsync_latentsync.hybrid_files:probe",
    devices=LATENTSYNC15.devices,
    memory=LATENTSYNC15.memory,
    main_memory=LATENTSYNC15.main_memory,
    options=(
        *(option for option in LATENTSYNC15.options if option.key != "compat"),
        Option(
            key="bbox_shift",
            default=0,
            help="as for musetalk: move the middle of the face down by this many frame pixels",
        ),
        Option(
            key="extra_margin",
            default=0,
            help="as for musetalk: extend the crop below the chin by this many frame pixels",
        ),
    ),
    homepage=HOMEPAGE,
    crop=CROP,
    audio_encoder=WHISPER_BOTH.name,
    # As LatentSync alone. Where the network changes, the shared frames fade from one to the other.
    chunk=ChunkSpec(frames=16, overlap=4, batches=False),
    # Masks, and latents of the crop as both networks want to see it.
    prepare=PrepareSpec(scope="frame"),
    region="lower_face",
    deterministic=True,
)
