"""Plugins that want weights of every sort; the tests install this file as one distribution."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from lipsync_core.contracts import OpenContext
from lipsync_core.hookspecs import hookimpl
from lipsync_core.specs import (
    AudioEncoderSpec,
    BoxCrop,
    EnhancerSpec,
    GeneratorSpec,
    Licence,
    WeightFile,
)


def _holds(width: int) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """Telling tensors of `weights.checkpoints.Small`."""
    return (("conv.weight", (width, 3, 3, 3)), ("out.bias", (-1,)))


_OPEN = Licence(code="MIT", weights="MIT", commercial=True)
_STRICT = Licence(code="MIT", weights="research only", commercial=False)
_ORIGIN = "the page of its authors"

STONE = GeneratorSpec(
    name="stone",
    factory="nowhere:Stone",
    summary="two networks of one architecture, on no hub",
    licence=_STRICT,
    weights=(
        WeightFile(
            path="stone_gan.pth",
            licence="research only",
            origin=_ORIGIN,
            alternatives=("checkpoints/stone_gan.pth", "stone.zip"),
            optional=True,
            holds=_holds(8),
        ),
        WeightFile(
            path="stone.pth",
            licence="research only",
            origin=_ORIGIN,
            optional=True,
            holds=_holds(8),
        ),
    ),
    crop=BoxCrop(size=(96, 96)),
    audio_encoder="mel",
    exports=("onnx",),
    exporter="lipsync_weighty:export",
)
RIVER = GeneratorSpec(
    name="river",
    factory="nowhere:River",
    summary="on the hub",
    licence=_OPEN,
    weights=(
        WeightFile(path="v2/net.pth", repository="owner/river", licence="MIT", holds=_holds(24)),
        WeightFile(path="v2/config.json", repository="owner/river", licence="MIT"),
        WeightFile(path="extra.pth", repository="owner/river", licence="MIT", optional=True),
    ),
    crop=BoxCrop(size=(96, 96)),
    audio_encoder="river",
)
RIVER_EARS = AudioEncoderSpec(
    name="river",
    factory="nowhere:Ears",
    summary="its encoder",
    licence=_OPEN,
    weights=(
        WeightFile(
            path="whisper/tiny.pt", repository="owner/whisper", file="tiny.pt", holds=_holds(16)
        ),
    ),
    feature_shape=(4,),
)
DELTA = GeneratorSpec(
    name="delta",
    factory="nowhere:Delta",
    summary="on the hub, not for commerce, with a file that river has too",
    licence=_STRICT,
    weights=(
        WeightFile(path="delta.onnx", repository="owner/delta", licence="research only"),
        WeightFile(path="ears.pt", repository="owner/whisper", file="tiny.pt", holds=_holds(16)),
    ),
    crop=BoxCrop(size=(96, 96)),
    audio_encoder="mel",
)
POLISH = EnhancerSpec(
    name="polish",
    factory="nowhere:Polish",
    summary="not for commerce either",
    licence=_STRICT,
    crop=BoxCrop(size=(64, 64), scheme="68"),
)


@hookimpl
def lipsync_register_generators(register: Callable) -> None:
    for spec in (STONE, RIVER, DELTA):
        register(spec)


@hookimpl
def lipsync_register_audio_encoders(register: Callable) -> None:
    register(RIVER_EARS)


@hookimpl
def lipsync_register_enhancers(register: Callable) -> None:
    register(POLISH)


def export(context: OpenContext, format_: str) -> list[Path]:
    """Makes a file that says what it was made from."""
    made = context.cache / f"stone.{format_}"
    made.write_text(" ".join(sorted(context.weights)))
    return [made]
