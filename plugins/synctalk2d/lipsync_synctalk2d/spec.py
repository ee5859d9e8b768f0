"""What SyncTalk_2D declares. Facts from ZiqiaoPeng/SyncTalk_2D (as of 2025-06); nothing is copied.

One small network for each person, trained on some minutes of that person: there is nothing to download.
"""

from __future__ import annotations

from dataclasses import replace

from lipsync_core.networks.runtime import RUNTIMES
from lipsync_core.specs import (
    AudioEncoderSpec,
    ChunkSpec,
    CommandSpec,
    GeneratorSpec,
    LandmarkCrop,
    Licence,
    Margins,
    Option,
    Requirement,
    WeightFile,
)

HOMEPAGE = "https://github.com/ZiqiaoPeng/SyncTalk_2D"
AVE_STEM = "audio_visual_encoder"
AVE_FILE = f"{AVE_STEM}.pth"
NO_TERMS = "none given by the publisher; trained on LRS2 (research data)"
AVE_TENSORS = (
    ("0.conv_block.0.weight", (32, 1, 3, 3)),
    ("9.conv_block.0.weight", (256, 128, 3, 3)),
    ("12.conv_block.0.weight", (512, 512, 1, 1)),
)
_LOOKAHEAD = 6 / 25 + 15 / 80 + 400 / 16_000
"""The last of a frame's 16 windows begins 6 frames later, spans 16 mel columns, and half an STFT window."""
_JAW_AND_NOSE = (3, 13, 29)
_TO_PFLD = Margins(left=0.05, right=0.05, top=0.047, bottom=0.053)
"""Upstream's square is as wide as the jaw beside the ears and begins below the bridge of the nose (PFLD's
points 1, 31 and 52). The widest jaw points of the 68 lie above that nose point; so lower ones are taken, and
widened by what they lack of the width and of the height at which PFLD's mean face has it."""
_RUNTIME = Option(
    key="runtime",
    default="auto",
    help="torch or onnx; auto: torch where it is installed, else an ONNX file that exists already",
    choices=RUNTIMES,
)
_TORCH = (Requirement(module="torch", distribution="torch", minimum="2.6"),)


def _crop(side: int) -> LandmarkCrop:
    """Square, as wide as the jaw, from the bridge of the nose down; the network sees it less 4 pixels."""
    return LandmarkCrop(
        size=(side, side), scheme="68", points=_JAW_AND_NOSE, square=True, margins=_TO_PFLD
    )


ENCODER = AudioEncoderSpec(
    name="synctalk2d",
    factory="lipsync_synctalk2d.encoder:AveWindows",
    summary="16 rows of the AVE audio encoder around each frame",
    licence=Licence(code="Apache-2.0", weights=NO_TERMS, commercial=None),
    weights=(
        WeightFile(
            path=AVE_FILE,
            licence=NO_TERMS,
            origin="folder model/checkpoints of the repository ZiqiaoPeng/SyncTalk_2D",
            alternatives=(
                f"model/checkpoints/{AVE_FILE}",
                "data_utils/ave/checkpoints/audio_encoder.pth",
            ),
            holds=AVE_TENSORS,
        ),
    ),
    devices=("cuda", "cpu"),
    options=(_RUNTIME,),
    homepage=HOMEPAGE,
    exports=("onnx",),
    exporter="lipsync_synctalk2d.export:export_ave",
    probe="lipsync_synctalk2d.availability:probe_ave",
    feature_shape=(32, 16, 16),
    sample_rate=16_000,
    lookahead=_LOOKAHEAD,
)

_OWN = Licence(code="Apache-2.0", weights="none needed", commercial=True)

MEL = AudioEncoderSpec(
    name="synctalk2d-mel",
    factory="lipsync_synctalk2d.own_features:MelAround",
    summary="0.8 s of the mel spectrum around each frame, for people trained with --features mel",
    licence=_OWN,
    homepage=HOMEPAGE,
    feature_shape=(20, 16, 16),
    sample_rate=16_000,
    lookahead=0.2 + 0.2125 + 0.01,
)

VISEME = AudioEncoderSpec(
    name="synctalk2d-viseme",
    factory="lipsync_synctalk2d.own_features:VisemeAround",
    summary="0.6 s of visemes around each frame, for people trained with --features viseme",
    licence=replace(_OWN, weights="Apache-2.0 (the core's network)"),
    requires=(Requirement(module="onnxruntime", distribution="onnxruntime", minimum="1.19"),),
    homepage=HOMEPAGE,
    feature_shape=(23, 16, 1),
    sample_rate=16_000,
    lookahead=7 / 25 + 0.204 + 0.01,
)

HUBERT_CONFIG, HUBERT_WEIGHTS = "config.json", "pytorch_model.bin"
_HUBERT_REPOSITORY = "facebook/hubert-large-ls960-ft"
HUBERT = (
    WeightFile(
        path=HUBERT_CONFIG,
        repository=_HUBERT_REPOSITORY,
        licence="Apache-2.0",
        optional=True,
    ),
    WeightFile(
        path=HUBERT_WEIGHTS,
        repository=_HUBERT_REPOSITORY,
        licence="Apache-2.0",
        alternatives=("model.safetensors",),
        optional=True,
        holds=(("hubert.encoder.layers.23.final_layer_norm.weight", (1024,)),),
    ),
)
_FILE = Option(
    key="file",
    default="",
    help="a .npy file with this voice's features, as SyncTalk_2D or Ultralight prepared it",
)

SYNCTALK2D_HUBERT = AudioEncoderSpec(
    name="synctalk2d-hubert",
    factory="lipsync_synctalk2d.other_features:OtherFeatures",
    summary="16 frames of HuBERT (large) around each frame, from its network or from a file",
    licence=Licence(code="Apache-2.0", weights="Apache-2.0 (HuBERT large)", commercial=True),
    weights=HUBERT,
    probe="lipsync_synctalk2d.feature_choice:probe_hubert",
    devices=("cuda", "cpu"),
    options=(_FILE,),
    homepage="https://huggingface.co/facebook/hubert-large-ls960-ft",
    feature_shape=(32, 32, 32),
    sample_rate=16_000,
    lookahead=20.005 + 7 / 25 + 0.04,
)

ULTRALIGHT_HUBERT = replace(
    SYNCTALK2D_HUBERT,
    name="ultralight-hubert",
    weights=(),  # those of the other one
    factory="lipsync_synctalk2d.other_features:UltralightHubert",
    summary="8 frames of HuBERT (large) around each frame, from its network or from a file",
    feature_shape=(16, 32, 32),
)

SYNCTALK2D_WENET = replace(
    SYNCTALK2D_HUBERT,
    name="synctalk2d-wenet",
    factory="lipsync_synctalk2d.other_features:Wenet",
    summary="16 frames of WeNet around each frame, from a file",
    licence=Licence(code="Apache-2.0", weights="none: features come from a file", commercial=None),
    weights=(),
    probe="lipsync_synctalk2d.feature_choice:probe_wenet",
    homepage=HOMEPAGE,
    feature_shape=(256, 16, 32),
    lookahead=7 / 20 + 0.1,
)

ULTRALIGHT_WENET = replace(
    SYNCTALK2D_WENET,
    name="ultralight-wenet",
    factory="lipsync_synctalk2d.other_features:UltralightWenet",
    summary="8 frames of WeNet around each frame, from a file",
    feature_shape=(128, 16, 32),
)

ENCODERS = (
    ENCODER, MEL, VISEME, SYNCTALK2D_HUBERT, ULTRALIGHT_HUBERT, SYNCTALK2D_WENET, ULTRALIGHT_WENET,
)  # fmt: skip

VGG_FILE = "vgg19.safetensors"
VGG = WeightFile(
    path=VGG_FILE,
    repository="timm/vgg19.tv_in1k",
    file="model.safetensors",
    licence="BSD-3-Clause (torchvision); trained on ImageNet (research data)",
    origin="torchvision's VGG19, for the perceptual loss of the training",
    alternatives=("vgg19-dcbb9e9d.pth",),
    optional=True,
    holds=(
        ("features.0.weight", (64, 3, 3, 3)),
        ("features.14.weight", (256, 256, 3, 3)),
        ("features.34.weight", (512, 512, 3, 3)),
    ),
)
"""For the perceptual loss of the training, which shares the folder of the generator."""

SYNCTALK2D = GeneratorSpec(
    name="synctalk2d",
    factory="lipsync_synctalk2d.generator:SyncTalk2D",
    summary="SyncTalk_2D 328: a network of one person, in 320x320",
    licence=Licence(
        code="Apache-2.0", weights=f"your own; audio encoder: {NO_TERMS}", commercial=None
    ),
    # torch is no must: an ONNX file does, with the core's onnxruntime. The probe tells.
    weights=(VGG,),
    probe="lipsync_synctalk2d.availability:probe_328",
    devices=("cuda", "cpu"),
    options=(
        Option(
            key="person",
            default="",
            help="the person: a NAME, a file or a folder of checkpoints; default: the only person there is",
        ),
        Option(
            key="features",
            default="auto",
            help="audio features of the network, where its file does not tell: ave or hubert; auto: from the "
            "person's card or folder, else ave",
            choices=("auto", "ave", "hubert"),
        ),
        _RUNTIME,
        Option(
            key="compat",
            default=False,
            help="the original's arithmetic (fp32, levels truncated instead of rounded), for comparison",
        ),
    ),
    homepage=HOMEPAGE,
    exports=("onnx",),
    exporter="lipsync_synctalk2d.export:export_328",
    crop=_crop(328),
    audio_encoder="synctalk2d",
    chunk=ChunkSpec(frames=8),
    region="lower_face",
    streams=True,
    deterministic=True,
    person_specific=True,
)

SYNCTALK2D160 = replace(
    SYNCTALK2D,
    name="synctalk2d160",
    factory="lipsync_synctalk2d.generator:SyncTalk2D160",
    summary="SyncTalk_2D 160: a small network of one person, in 160x160",
    weights=(),
    probe="lipsync_synctalk2d.availability:probe_160",
    exporter="lipsync_synctalk2d.export:export_160",
    crop=_crop(168),
)

GENERATORS = {320: SYNCTALK2D, 160: SYNCTALK2D160}
"""By the side of the network's pictures."""

TRAIN = CommandSpec(
    name="synctalk2d",
    factory="lipsync_synctalk2d.training.command:train",
    summary="Train a small network for one person, from some minutes of video with sound",
    homepage=HOMEPAGE,
    group="train",
)
