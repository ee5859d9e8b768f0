"""What LatentSync 1.5 and 1.6 declare. Facts from bytedance/LatentSync (as of 2025-06); nothing is copied.

Both have one architecture and differ in weights and size; nothing in the file tells them apart, so each
has a name, and a weights folder, of its own.
"""

from __future__ import annotations

from dataclasses import replace

from lipsync_core.specs import (
    AlignedCrop,
    AudioEncoderSpec,
    ChunkSpec,
    GeneratorSpec,
    Licence,
    Option,
    PrepareSpec,
    Requirement,
    WeightFile,
)

PROBE = "lipsync_latentsync.availability:probe"
HOMEPAGE = "https://github.com/bytedance/LatentSync"
HUB, OLD_HUB, VAE_HUB = (
    "ByteDance/LatentSync-1.6",
    "ByteDance/LatentSync-1.5",
    "stabilityai/sd-vae-ft-mse",
)
_SEGMENT, _WINDOW = 30.0, 0.12
"""Whisper hears 30 s as a whole; a window reaches 5 rows of 20 ms past the frame's own."""
_BROWS_NOSE = ((17, 18, 19, 20, 21), (22, 23, 24, 25, 26), (29, 30, 31, 35))
"""Brows and nose among the 68. Upstream means 5 + 5 + 4 of InsightFace's 106 points; the noses are near
counterparts, not the same points."""
TEMPLATE = ((17.0, 20.0), (58.0, 20.0), (37.5, 40.0))
"""Reference points on a template of 75x100, which upstream scales by 2.8 for each 256 pixels."""
_TORCH = Requirement(module="torch", distribution="torch", minimum="2.6")


def template_scale(resolution: int) -> float:
    """By which the template grows for the network's square of that side."""
    return 2.8 * resolution / 256


def _crop(resolution: int) -> AlignedCrop:
    """The aligned face, 3:4; the network's square is made from it inside."""
    ratio = template_scale(resolution)
    return AlignedCrop(
        size=(round(75 * ratio), round(100 * ratio)),
        groups=_BROWS_NOSE,
        reference=tuple((x * ratio, y * ratio) for x, y in TEMPLATE),
    )


def _weights(hub: str) -> tuple[WeightFile, ...]:
    return (
        WeightFile(
            path="latentsync_unet.pt",
            repository=hub,
            alternatives=("checkpoints/latentsync_unet.pt",),
        ),
        WeightFile(
            path="sd-vae-ft-mse/config.json", repository=VAE_HUB, file="config.json", licence="MIT"
        ),
        WeightFile(
            path="sd-vae-ft-mse/diffusion_pytorch_model.bin",
            repository=VAE_HUB,
            file="diffusion_pytorch_model.bin",
            licence="MIT",
        ),
    )


ENCODER = AudioEncoderSpec(
    name="latentsync",
    factory="lipsync_latentsync.encoder:WhisperWindows",
    summary="Whisper tiny, 10 rows x 5 layers around each frame (declared, not run yet)",
    licence=Licence(code="Apache-2.0", weights="MIT (Whisper tiny)", commercial=True),
    requires=(_TORCH,),
    weights=(
        WeightFile(
            path="whisper/tiny.pt",
            repository=HUB,
            licence="MIT",
            alternatives=("checkpoints/whisper/tiny.pt",),
        ),
    ),
    probe=PROBE,
    devices=("cuda", "cpu"),
    homepage=HOMEPAGE,
    feature_shape=(50, 384),
    sample_rate=16_000,
    lookahead=_SEGMENT + _WINDOW,
)

LATENTSYNC = GeneratorSpec(
    name="latentsync",
    factory="lipsync_latentsync.generator:LatentSync",
    summary="LatentSync 1.6: 512x512 by diffusion (declared, not run by this version yet)",
    licence=Licence(code="Apache-2.0", weights="not stated; VAE and Whisper: MIT", commercial=None),
    requires=(_TORCH, Requirement(module="diffusers", distribution="diffusers", minimum="0.32")),
    weights=_weights(HUB),
    probe=PROBE,
    devices=("cuda", "cpu"),
    memory=18 * 10**9,  # as the authors state
    options=(
        Option(key="steps", default=20, help="denoising steps, 20 to 50: slower, finer"),
        Option(key="guidance", default=1.5, help="how closely the mouth follows the sound, 1 to 3"),
    ),
    homepage=HOMEPAGE,
    crop=_crop(512),
    audio_encoder="latentsync",
    # Group norms and attention run along 16 frames; upstream joins such blocks hard, and they step.
    chunk=ChunkSpec(frames=16, overlap=4, batches=False),
    # Latents of the masked and of the whole crop: the same for every voice.
    prepare=PrepareSpec(scope="frame"),
    region="lower_face",
    deterministic=True,
)

LATENTSYNC15 = replace(
    LATENTSYNC,
    name="latentsync15",
    summary="LatentSync 1.5: 256x256 by diffusion (declared, not run by this version yet)",
    weights=_weights(OLD_HUB),
    memory=8 * 10**9,  # as the authors state
    crop=_crop(256),
)
