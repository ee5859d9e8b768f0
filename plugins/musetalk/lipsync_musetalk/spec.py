"""What MuseTalk, its audio encoders and its blender declare.

Facts from TMElyralab/MuseTalk (as of 2025-09); nothing is copied.
"""

from __future__ import annotations

from dataclasses import replace

from lipsync_core.specs import (
    AudioEncoderSpec,
    BlenderSpec,
    ChunkSpec,
    GeneratorSpec,
    LandmarkCrop,
    Licence,
    Margins,
    Option,
    PrepareSpec,
    Requirement,
    Shift,
    WeightFile,
)

HOMEPAGE = "https://github.com/TMElyralab/MuseTalk"
HUB, VAE_HUB = "TMElyralab/MuseTalk", "stabilityai/sd-vae-ft-mse"
WHISPER_HUB, LATENTSYNC_HUB = "openai/whisper-tiny", "ByteDance/LatentSync-1.6"
Holds = tuple[tuple[str, tuple[int, ...]], ...]
ANY_PURPOSE = "any purpose, even commercially (as the authors state)"
_PARSING_TERMS = "not stated (code: MIT; trained on CelebAMask-HQ, which is for research only)"
JAW = 0.04
"""Version 1.5 adds 10 pixels below the chin; about this share of a 250-pixel box."""
AROUND = 1.5
"""Side of the square that is parsed around a face's box, as a share of the box's longer side."""
_MORE = (AROUND - 1) / 2
BRIDGE = 29
"""Landmark that a box reaches as far above as below."""
_SEGMENT = 30.0
"""Whisper encodes 30 s at a time, as a whole: a row may depend on the end of its segment."""
_WINDOW = 0.12
"""A window reaches 5 rows of 20 ms past the frame's own, perhaps into the next segment."""
_TORCH = Requirement(module="torch", distribution="torch", minimum="2.6")


_HUB_NAMES = (
    ("model.encoder.conv1.weight", (384, 80, 3)),
    ("model.encoder.layers.3.fc1.weight", (1536, 384)),
    ("model.encoder.layer_norm.weight", (384,)),
)
_OPENAI_NAMES = (
    ("encoder.conv1.weight", (384, 80, 3)),
    ("encoder.blocks.3.mlp.0.weight", (1536, 384)),
    ("encoder.ln_post.weight", (384,)),
)


def _whisper(repository: str, path: str, holds: Holds, file: str | None = None) -> WeightFile:
    """Whisper tiny as somebody offers it. One file is enough, so the probe asks, not the spec."""
    return WeightFile(
        path=path,
        repository=repository,
        file=file,
        licence="MIT",
        alternatives=(f"whisper/{path}",),
        optional=True,
        holds=holds,
    )


WHISPER = AudioEncoderSpec(
    name="whisper",
    factory="lipsync_musetalk.encoder:WhisperWindows",
    summary="Whisper tiny features for MuseTalk: 10 rows x 5 layers around each frame",
    licence=Licence(code="Apache-2.0", weights="MIT (Whisper tiny)", commercial=True),
    requires=(_TORCH,),
    weights=(
        _whisper(WHISPER_HUB, "pytorch_model.bin", _HUB_NAMES),
        _whisper(WHISPER_HUB, "model.safetensors", _HUB_NAMES),
        _whisper(LATENTSYNC_HUB, "tiny.pt", _OPENAI_NAMES, file="whisper/tiny.pt"),
    ),
    probe="lipsync_musetalk.whisper_choice:probe",
    devices=("cuda", "cpu"),
    options=(
        Option(
            key="live",
            default=False,
            help="deliver rows 2 s after their sound instead of up to 30 s, with less look-ahead",
        ),
        Option(
            key="compat",
            default=False,
            help="independent 30 s segments as in the original, with visible seams, for comparison",
        ),
    ),
    homepage="https://github.com/openai/whisper",
    feature_shape=(50, 384),
    sample_rate=16_000,
    lookahead=_SEGMENT + _WINDOW,
)

WHISPER_LATENTSYNC = replace(
    WHISPER,
    name="whisper-latentsync",
    factory="lipsync_musetalk.encoder:LatentSyncWindows",
    probe="lipsync_musetalk.whisper_choice:probe_latentsync",
    summary="Whisper tiny features for LatentSync: 10 rows x 5 layers around each frame",
)

PARSING_FILE = "79999_iter.pth"
PARSING = BlenderSpec(
    name="parsing",
    factory="lipsync_musetalk.parsing_blender:ParsingBlender",
    summary="MuseTalk's mask: the parts of the face as BiSeNet segments them, or an ellipse",
    licence=Licence(code="Apache-2.0", weights=_PARSING_TERMS, commercial=None),
    # Neither torch nor the file is a must: an ellipse needs none, so the probe asks, not the spec.
    weights=(
        WeightFile(
            path=PARSING_FILE,
            licence=_PARSING_TERMS,
            origin="the download link in the README of zllrunning/face-parsing.PyTorch",
            alternatives=(f"face-parse-bisent/{PARSING_FILE}",),
            optional=True,
            holds=(
                ("cp.resnet.conv1.weight", (64, 3, 7, 7)),
                ("ffm.convblk.conv.weight", (256, 256, 1, 1)),
                ("conv_out.conv_out.weight", (19, 256, 1, 1)),
            ),
        ),
    ),
    probe="lipsync_musetalk.parsing_choice:probe",
    devices=("cuda", "cpu"),
    options=(
        Option(
            key="mode",
            default="jaw",
            help="jaw: skin to below the jaw, without the nose; raw: skin and lips; neck: these and the "
            "neck; ellipse: no network",
            choices=("jaw", "raw", "neck", "ellipse"),
        ),
        Option(
            key="left_cheek",
            default=90,
            help="jaw: columns (of 512) left of the middle in which the skin mask is widened",
            minimum=0,
            maximum=256,
        ),
        Option(
            key="right_cheek",
            default=90,
            help="the same to the right",
            minimum=0,
            maximum=256,
        ),
        Option(
            key="softness",
            default=0.05,
            help="width of the mask's rim as a share of the face",
            minimum=0,
            maximum=0.5,
        ),
        Option(
            key="compat",
            default=False,
            help="the original's arithmetic (whole pixels, hard crop edges), for comparison",
        ),
    ),
    homepage="https://github.com/zllrunning/face-parsing.PyTorch",
    scheme="68",
    # At least the square that is parsed, around a box with `JAW` below its chin.
    sees=LandmarkCrop(
        size=(512, 512),
        scheme="68",
        middle=BRIDGE,
        margins=Margins(
            left=_MORE, top=_MORE * (1 + JAW), right=_MORE, bottom=(1 + _MORE) * (1 + JAW) - 1
        ),
        grown=True,
    ),
)

_SHIFTS = (Shift(key="bbox_shift", moves="middle"), Shift(key="extra_margin", moves="bottom"))


def _generator_files(unet: str, config: str) -> tuple[WeightFile, ...]:
    return (
        WeightFile(
            path=unet,
            repository=HUB,
            licence=ANY_PURPOSE,
            # The same in both versions: their names tell them apart.
            holds=(
                ("conv_in.weight", (320, 8, 3, 3)),
                ("down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.weight", (320, 384)),
                ("mid_block.resnets.1.conv2.weight", (1280, 1280, 3, 3)),
                ("conv_out.weight", (4, 320, 3, 3)),
            ),
        ),
        WeightFile(path=config, repository=HUB, licence=ANY_PURPOSE),
        WeightFile(
            path="sd-vae/config.json",
            repository=VAE_HUB,
            file="config.json",
            licence="MIT",
            alternatives=("sd-vae-ft-mse/config.json",),
        ),
        WeightFile(
            path="sd-vae/diffusion_pytorch_model.bin",
            repository=VAE_HUB,
            file="diffusion_pytorch_model.bin",
            licence="MIT",
            alternatives=(
                "sd-vae-ft-mse/diffusion_pytorch_model.bin",
                "sd-vae/diffusion_pytorch_model.safetensors",
                "sd-vae-ft-mse/diffusion_pytorch_model.safetensors",
            ),
            # Of names that old and new files share.
            holds=(
                ("encoder.conv_in.weight", (128, 3, 3, 3)),
                ("decoder.conv_out.weight", (3, 128, 3, 3)),
                ("quant_conv.weight", (8, 8, 1, 1)),
            ),
        ),
    )


MUSETALK = GeneratorSpec(
    name="musetalk",
    factory="lipsync_musetalk.generator:MuseTalk",
    summary="MuseTalk 1.5: 256x256 mouths for any face, in one step of a latent network",
    licence=Licence(
        code="Apache-2.0", weights=f"{ANY_PURPOSE}; VAE and Whisper: MIT", commercial=True
    ),
    requires=(_TORCH, Requirement(module="diffusers", distribution="diffusers", minimum="0.32")),
    weights=_generator_files("musetalkV15/unet.pth", "musetalkV15/musetalk.json"),
    probe="lipsync_musetalk.availability:probe",
    devices=("cuda", "cpu"),
    # The authors run it in half precision on a GPU of 4 GB.
    memory=4 * 10**9,
    options=(
        Option(
            key="sample",
            default=False,
            help="draw latents of the target from their distribution as the original does, instead of "
            "taking the mean; --seed decides",
        ),
        Option(
            key="bbox_shift",
            default=0,
            help="move the middle of the face down by this many frame pixels: the mouth opens wider; "
            "a negative number does the opposite",
        ),
        Option(
            key="extra_margin",
            default=0,
            help="extend the crop below the chin by this many frame pixels",
        ),
        Option(
            key="compile",
            default=False,
            help="compile UNet and decoder with torch: takes minutes once, then faster on a GPU",
        ),
    ),
    homepage=HOMEPAGE,
    # From as far above the bridge of the nose as the chin is below it.
    crop=LandmarkCrop(
        size=(256, 256),
        scheme="68",
        middle=BRIDGE,
        margins=Margins(bottom=JAW),
        shifts=_SHIFTS,
    ),
    audio_encoder="whisper",
    chunk=ChunkSpec(frames=8),
    # Latents of the hidden and of the whole crop: the same for every voice.
    prepare=PrepareSpec(scope="frame"),
    region="lower_face",
    deterministic=True,
)

MUSETALK10 = replace(
    MUSETALK,
    name="musetalk10",
    summary="MuseTalk 1.0: the first version, with a crop that ends at the chin",
    weights=_generator_files("musetalk/pytorch_model.bin", "musetalk/musetalk.json"),
    crop=LandmarkCrop(size=(256, 256), scheme="68", middle=BRIDGE, shifts=_SHIFTS),
)
