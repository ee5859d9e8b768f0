"""What the four enhancers declare: crop, licences, weight files, options. Data only."""

from __future__ import annotations

from lipsync_core.specs import (
    AlignedCrop,
    EnhancerSpec,
    Licence,
    Option,
    Requirement,
    WeightFile,
)

FFHQ_512 = (
    (192.98138, 239.94708),
    (318.90277, 240.19360),
    (256.63416, 314.01935),
    (201.26117, 371.41043),
    (313.08905, 371.15118),
)
"""Mean eyes, nose tip and mouth corners of the FFHQ pictures at 512 pixels: the five-point template of
facexlib, which GFPGAN, CodeFormer and RestoreFormer++ are run with; all four were trained on FFHQ."""

CROP = AlignedCrop(
    size=(512, 512),
    # The template's own five points. Without the mouth corners the crop no longer follows speech (on a
    # speaking face its height correlated with the mouth's opening by 0.5, then -0.1), but the mouth lies up
    # to 40 px off where these networks expect one. With them the crop trembles by 0.2 px of 512 (mean
    # second difference over 75 frames, four clips: 0.18 to 0.33; without: 0.17 to 0.29).
    groups=(tuple(range(36, 42)), tuple(range(42, 48)), (30,), (48,), (54,)),
    reference=FFHQ_512,
    scheme="68",
)

REPOSITORY = "facefusion/models-3.0.0"
"""Hub repository that carries all of them as ONNX files (re-exports; the publishers offer .pth)."""


def _shape(size: int) -> tuple[int, ...]:
    return (-1, 3, size, size)


def _onnx(
    path: str, licence: str, size: int = 512, *, alternatives: tuple[str, ...] = ()
) -> WeightFile:
    """An ONNX file with one picture in and (first) one out, optional: one file of a model is enough."""
    return WeightFile(
        path=path,
        repository=REPOSITORY,
        licence=licence,
        alternatives=alternatives,
        optional=True,
        holds=(("input", _shape(size)),),
    )


_GFPGAN_TERMS = (
    "Apache-2.0 except for parts its licence lists, some non-commercial (StyleGAN2, DFDNet)"
)
_CODEFORMER_TERMS = "S-Lab License 1.0: non-commercial use only"
_RESTOREFORMER_TERMS = "Apache-2.0 for the project; nothing separate is stated for the weights"
_GPEN_TERMS = "academic and non-commercial use only (as the publisher states)"

STEADY = Option(
    key="steady",
    default=24.0,
    help="keep the video's colours and shading coarser than this many pixels (of 512); 0: restore all",
    minimum=0,
    maximum=256,
)
_ONNX_RUNTIME = Requirement(module="onnxruntime", distribution="onnxruntime", minimum="1.19")


def _file(weights: tuple[WeightFile, ...]) -> Option:
    names = (name for file in weights for name in (file.path, *file.alternatives))
    return Option(
        key="file",
        default="auto",
        help="which of its weight files; auto: the first one found",
        choices=("auto", *names),
    )


_GFPGAN_FILES = (
    _onnx(
        "gfpgan_1.4.onnx",
        _GFPGAN_TERMS,
        alternatives=("GFPGANv1.4.onnx", "gfpgan-v1.4.onnx"),
    ),
    _onnx(
        "gfpgan_1.3.onnx",
        _GFPGAN_TERMS,
        alternatives=("GFPGANv1.3.onnx", "gfpgan-v1.3.onnx"),
    ),
    _onnx(
        "gfpgan_1.2.onnx",
        _GFPGAN_TERMS,
        alternatives=("GFPGANv1.2.onnx", "gfpgan-v1.2.onnx"),
    ),
    WeightFile(
        path="GFPGANv1.4.pth",
        licence=_GFPGAN_TERMS,
        origin="the releases of TencentARC/GFPGAN",
        alternatives=("GFPGANv1.3.pth", "gfpgan-v1.4.pth"),
        optional=True,
        holds=(
            ("toRGB.0.weight", (3, 256, 1, 1)),
            ("stylegan_decoder.constant_input.weight", (1, 512, 4, 4)),
        ),
    ),
)
GFPGAN = EnhancerSpec(
    name="gfpgan",
    factory="lipsync_restoration.enhancer:GFPGAN",
    summary="GFPGAN: restores the face at 512x512; your ONNX file",
    licence=Licence(code="Apache-2.0", weights=_GFPGAN_TERMS, commercial=None),
    requires=(_ONNX_RUNTIME,),
    weights=_GFPGAN_FILES,
    probe="lipsync_restoration.availability:gfpgan",
    devices=("cuda", "mps", "cpu"),
    memory=3 * 2**30,
    options=(_file(_GFPGAN_FILES), STEADY),
    homepage="https://github.com/TencentARC/GFPGAN",
    crop=CROP,
    region="face",
    strength=0.8,
)

_CODEFORMER_FILES = (
    WeightFile(
        path="codeformer.onnx",
        repository=REPOSITORY,
        licence=_CODEFORMER_TERMS,
        alternatives=("CodeFormer.onnx", "codeformer_fp16.onnx", "codeformer.fp16.onnx"),
        optional=True,
        holds=(("input", _shape(512)), ("weight", (-1,))),
    ),
    WeightFile(  # the other export in circulation: the same network, its inputs called x and w
        path="codeformer_xw.onnx",
        licence=_CODEFORMER_TERMS,
        origin="an export of sczhou/CodeFormer with inputs x and w",
        alternatives=("CodeFormerv0.1.onnx",),
        optional=True,
        holds=(("x", _shape(512)), ("w", (-1,))),
    ),
)
CODEFORMER = EnhancerSpec(
    name="codeformer",
    factory="lipsync_restoration.enhancer:CodeFormer",
    summary="CodeFormer: restores the face at 512x512, between likeness and quality; your ONNX file",
    licence=Licence(code="Apache-2.0", weights=_CODEFORMER_TERMS, commercial=False),
    requires=(_ONNX_RUNTIME,),
    weights=_CODEFORMER_FILES,
    probe="lipsync_restoration.availability:codeformer",
    devices=("cuda", "mps", "cpu"),
    memory=3 * 2**30,
    options=(
        _file(_CODEFORMER_FILES),
        STEADY,
        Option(
            key="fidelity",
            default=0.7,
            help="0: best looking; 1: closest to the video",
            minimum=0,
            maximum=1,
        ),
    ),
    homepage="https://github.com/sczhou/CodeFormer",
    crop=CROP,
    region="face",
    strength=0.8,
)

_RESTOREFORMER_FILES = (
    _onnx(
        "restoreformer_plus_plus.onnx",
        _RESTOREFORMER_TERMS,
        alternatives=(
            "RestoreFormer_PP.onnx",
            "RestoreFormerPlusPlus.onnx",
            "RestoreFormerPlusPlus.fp16.onnx",
        ),
    ),
    _onnx("restoreformer.onnx", _RESTOREFORMER_TERMS, alternatives=("restoreformer.fp16.onnx",)),
    WeightFile(
        path="RestoreFormer.pth",
        licence=_RESTOREFORMER_TERMS,
        origin="the releases of TencentARC/GFPGAN (the first RestoreFormer, not ++)",
        optional=True,
        holds=(
            ("quantize.embedding.weight", (1024, 256)),
            ("encoder.conv_in.weight", (64, 3, 3, 3)),
            ("decoder.conv_out.weight", (3, 64, 3, 3)),
        ),
    ),
)
RESTOREFORMER = EnhancerSpec(
    name="restoreformer",
    factory="lipsync_restoration.enhancer:RestoreFormer",
    summary="RestoreFormer++: restores the face at 512x512; your ONNX file",
    licence=Licence(code="Apache-2.0", weights=_RESTOREFORMER_TERMS, commercial=None),
    requires=(_ONNX_RUNTIME,),
    weights=_RESTOREFORMER_FILES,
    probe="lipsync_restoration.availability:restoreformer",
    devices=("cuda", "mps", "cpu"),
    memory=3 * 2**30,
    options=(_file(_RESTOREFORMER_FILES), STEADY),
    homepage="https://github.com/wzhouxiff/RestoreFormerPlusPlus",
    crop=CROP,
    region="face",
    strength=0.8,
)

_GPEN_FILES = tuple(
    _onnx(
        f"gpen_bfr_{size}.onnx",
        _GPEN_TERMS,
        size,
        alternatives=(f"GPEN-BFR-{size}.onnx", f"GPEN-BFR-{size}.fp16.onnx"),
    )
    for size in (512, 1024, 2048, 256)
)
GPEN = EnhancerSpec(
    name="gpen",
    factory="lipsync_restoration.enhancer:GPEN",
    summary="GPEN-BFR: restores the face at 256 to 2048 pixels; your ONNX file",
    licence=Licence(code="Apache-2.0", weights=_GPEN_TERMS, commercial=False),
    requires=(_ONNX_RUNTIME,),
    weights=_GPEN_FILES,
    probe="lipsync_restoration.availability:gpen",
    devices=("cuda", "mps", "cpu"),
    memory=3 * 2**30,
    options=(_file(_GPEN_FILES), STEADY),
    homepage="https://github.com/yangxy/GPEN",
    crop=CROP,
    region="face",
    strength=0.8,
)

ALL: tuple[EnhancerSpec, ...] = (GFPGAN, CODEFORMER, RESTOREFORMER, GPEN)
