"""What LatentSync 1.5 and 1.6 declare. Facts from bytedance/LatentSync (as of 2025-06); nothing is copied.

Both have one architecture and differ in weights and size; nothing in the file tells them apart, so each
has a name, and a weights folder, of its own.
"""

from __future__ import annotations

from dataclasses import replace

from lipsync_core.specs import (
    AlignedCrop,
    BlenderSpec,
    ChunkSpec,
    GeneratorSpec,
    Licence,
    Option,
    PrepareSpec,
    Requirement,
    Variant,
    WeightFile,
)

UNET = "latentsync_unet.pt"
VAE = "sd-vae-ft-mse/diffusion_pytorch_model.bin"
VAE_CONFIG = "sd-vae-ft-mse/config.json"
HOMEPAGE = "https://github.com/bytedance/LatentSync"
HUB, OLD_HUB, VAE_HUB = (
    "ByteDance/LatentSync-1.6",
    "ByteDance/LatentSync-1.5",
    "stabilityai/sd-vae-ft-mse",
)
_BROWS_NOSE = ((17, 18, 19, 20, 21), (22, 23, 24, 25, 26), (29, 30, 31, 35))
"""Brows and nose among the 68. Upstream means 5 + 5 + 4 of InsightFace's 106 points; the noses are near
counterparts, not the same points."""
TEMPLATE = ((17.0, 20.0), (58.0, 20.0), (37.5, 40.0))
"""Reference points on a template of 75x100, which upstream scales by 2.8 for each 256 pixels."""


def template_scale(resolution: int) -> float:
    """By which the template grows for the network's square of that side."""
    return 2.8 * resolution / 256


def _crop(resolution: int) -> AlignedCrop:
    """The aligned face, 3:4; the generator makes the network's square from it."""
    ratio = template_scale(resolution)
    return AlignedCrop(
        size=(round(75 * ratio), round(100 * ratio)),
        groups=_BROWS_NOSE,
        reference=tuple((x * ratio, y * ratio) for x, y in TEMPLATE),
        scale="spread",
    )


def _weights(hub: str) -> tuple[WeightFile, ...]:
    return (
        WeightFile(
            path=UNET,
            repository=hub,
            alternatives=(f"checkpoints/{UNET}",),
            # The same in both versions: their folders tell them apart. 1.0 has no motion modules.
            holds=(
                ("conv_in.weight", (320, 13, 3, 3)),
                ("down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.weight", (320, 384)),
                ("down_blocks.0.motion_modules.0.temporal_transformer.proj_in.weight", (320, 320)),
                ("conv_out.weight", (4, 320, 3, 3)),
            ),
        ),
        WeightFile(
            path=VAE_CONFIG,
            repository=VAE_HUB,
            file="config.json",
            licence="MIT",
            alternatives=("sd-vae/config.json",),
        ),
        WeightFile(
            path=VAE,
            repository=VAE_HUB,
            file="diffusion_pytorch_model.bin",
            licence="MIT",
            alternatives=(
                "sd-vae/diffusion_pytorch_model.bin",
                "sd-vae-ft-mse/diffusion_pytorch_model.safetensors",
                "sd-vae/diffusion_pytorch_model.safetensors",
            ),
            # Of names that old and new files share.
            holds=(
                ("encoder.conv_in.weight", (128, 3, 3, 3)),
                ("decoder.conv_out.weight", (3, 128, 3, 3)),
                ("quant_conv.weight", (8, 8, 1, 1)),
            ),
        ),
    )


MAIN_MEMORY = {"bf16": 7 * 10**9, "fp32": 9 * 10**9}
"""Bytes that a run on a CPU wants, by precision: networks in full size with a chunk of 256x256, and what the
rest of a run takes."""

LATENTSYNC = GeneratorSpec(
    name="latentsync",
    factory="lipsync_latentsync.generator:LatentSync",
    summary="LatentSync 1.6: 512x512 mouths by diffusion, 16 frames at a time",
    licence=Licence(code="Apache-2.0", weights="not stated; VAE and Whisper: MIT", commercial=None),
    requires=(
        Requirement(module="torch", distribution="torch", minimum="2.6"),
        Requirement(module="diffusers", distribution="diffusers", minimum="0.32"),
        # Of its audio encoder.
        Requirement(module="lipsync_musetalk", distribution="lipsync-musetalk", minimum="0.1"),
    ),
    weights=_weights(HUB),
    probe="lipsync_latentsync.availability:probe",
    devices=("cuda", "mps", "cpu"),
    memory=18 * 10**9,  # as the authors state
    main_memory=MAIN_MEMORY["bf16"],  # in fp32 the probe asks for more
    options=(
        Option(
            key="steps",
            default=20,
            help="denoising steps; more are slower and finer, 20 to 50 are usual",
            minimum=1,
            maximum=999,
        ),
        Option(
            key="guidance",
            default=1.5,
            help="how closely the mouth follows the sound, usually 1 to 3; 1 takes half the time",
            minimum=0,
            maximum=10,
        ),
        Option(
            key="reuse",
            default=1,
            help="run the deep layers in every N-th step only and reuse their result in between; 3 is much "
            "faster and coarser, 1 runs them in every step",
            minimum=1,
            maximum=999,
        ),
        Option(
            key="vae",
            default="auto",
            help="faces per pass of the autoencoder: auto: as many as fit; sliced: one; tiled: one, in "
            "overlapping tiles, for little memory",
            choices=("auto", "sliced", "tiled"),
        ),
        Option(
            key="compile",
            default=False,
            help="compile the UNet with torch: takes minutes once, then faster on a GPU",
        ),
        Option(
            key="compat",
            default=False,
            help="as in the original: 16-frame blocks without overlap; the whole aligned face is replaced",
        ),
    ),
    homepage=HOMEPAGE,
    crop=_crop(512),
    audio_encoder="whisper-latentsync",
    # Group norms and attention run along 16 frames; upstream joins such blocks hard, and they step.
    chunk=ChunkSpec(frames=16, overlap=4, batches=False),
    variants=(
        Variant(
            key="compat",
            chunk=ChunkSpec(frames=16, batches=False),
            region="crop",
            blender="quadrilateral",
        ),
    ),
    # Latents of the masked and of the whole crop: the same for every voice.
    prepare=PrepareSpec(scope="frame"),
    region="lower_face",
    deterministic=True,
)

QUADRILATERAL = BlenderSpec(
    name="quadrilateral",
    factory="lipsync_latentsync.quadrilateral:QuadrilateralBlender",
    summary="LatentSync's paste: the whole crop through a soft mask, as its compat mode wants it",
    licence=Licence(code="Apache-2.0", weights="none needed", commercial=True),
    requires=(Requirement(module="torch", distribution="torch", minimum="2.6"),),
    homepage=HOMEPAGE,
    scheme="5",  # it looks at none
)

LATENTSYNC15 = replace(
    LATENTSYNC,
    name="latentsync15",
    factory="lipsync_latentsync.generator:LatentSync15",
    probe="lipsync_latentsync.availability:probe15",
    summary="LatentSync 1.5: 256x256 mouths by diffusion, 16 frames at a time",
    weights=_weights(OLD_HUB),
    memory=8 * 10**9,  # as the authors state
    crop=_crop(256),
)
