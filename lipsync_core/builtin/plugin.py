"""The embedded defaults as a plugin: the same hooks, and the same entry point, as anyone's."""

from __future__ import annotations

from collections.abc import Callable

from lipsync_core.builtin.mediapipe.spec import MEDIAPIPE
from lipsync_core.builtin.viseme.spec import VISEME
from lipsync_core.hookspecs import hookimpl
from lipsync_core.specs import (
    AudioEncoderSpec,
    BlenderSpec,
    DetectorSpec,
    EnhancerSpec,
    GeneratorSpec,
    LandmarkCrop,
    Licence,
    Margins,
    Measure,
    NativeCrop,
    Option,
    Requirement,
    ScorerSpec,
)

_OWN = Licence(code="Apache-2.0", weights="none needed", commercial=True)

FEATHER = BlenderSpec(
    name="feather",
    factory="lipsync_core.builtin.blender:FeatherBlender",
    summary="soft mask around what was repainted, colours matched at its rim",
    licence=_OWN,
    options=(Option(key="match", default=True, help="match colours at the rim of the mask"),),
    scheme="68",
)

SHARPEN = EnhancerSpec(
    name="sharpen",
    factory="lipsync_core.builtin.enhancer:SharpenEnhancer",
    summary="unsharp mask on the mouth, without halos",
    licence=_OWN,
    options=(
        Option(key="amount", default=0.8, help="strength of the edges", minimum=0),
        Option(key="radius", default=1.2, help="size of the edges in pixels", minimum=0.1),
    ),
    crop=NativeCrop(margins=Margins(left=0.05, top=0.05, right=0.05, bottom=0.05), scheme="68"),
    region="mouth",
    strength=0.5,
)

VISEME_ENCODER = AudioEncoderSpec(
    name="viseme",
    factory="lipsync_core.builtin.viseme.encoder:VisemeEncoder",
    summary="15 viseme weights and 8 articulation values from a small network; any language",
    licence=Licence(
        code="Apache-2.0", weights="Apache-2.0 (trained by this project)", commercial=True
    ),
    requires=(Requirement(module="onnxruntime", distribution="onnxruntime", minimum="1.19"),),
    feature_shape=(23,),
    sample_rate=16_000,
    lookahead=0.204,
    zero_is_rest=True,
    # No viseme; jaw, upper and lower lip open by about 6 mm together.
    parted=(*([0.0] * 15), 0.13, 0.0, 0.0, 0.3, 0.3, 0.0, 0.0, 0.0),
)

MEL = AudioEncoderSpec(
    name="mel",
    factory="lipsync_core.voice.mel:MelEncoder",
    summary="80 mel bands x 16 columns from the frame's time on (the Wav2Lip front end)",
    licence=_OWN,
    feature_shape=(80, 16),
    sample_rate=16_000,
    lookahead=0.2125,
)

LIPS = ScorerSpec(
    name="lips",
    factory="lipsync_core.builtin.lips:LipsScorer",
    summary="opening of the lips against the visemes in the sound: shift, correlation, closures",
    licence=VISEME_ENCODER.licence,
    requires=VISEME_ENCODER.requires,
    crop=LandmarkCrop(size=(32, 32)),
    measures=(
        Measure(
            key="offset_ms",
            better="nearer to 0",
            help="milliseconds by which the voice comes later than the mouth",
            optional=True,
        ),
        Measure(
            key="drift_ms",
            better="nearer to 0",
            help="milliseconds by which that grows in a minute, from half a minute of speech on",
            optional=True,
        ),
        Measure(
            key="correlation", better="higher", help="of opening and voice at that shift, -1..1"
        ),
        Measure(key="correlation_at_0", better="higher", help="the same, not shifted"),
        Measure(key="closures_heard", better="count", help="times that p, b or m was heard"),
        Measure(
            key="closures_seen",
            better="higher",
            help="share of them with lips closed, 0..1",
            optional=True,
        ),
    ),
    least=50,
)


@hookimpl
def lipsync_register_detectors(register: Callable[[DetectorSpec], None]) -> None:
    """Offer the dense detector."""
    register(MEDIAPIPE)


@hookimpl
def lipsync_register_audio_encoders(register: Callable[[AudioEncoderSpec], None]) -> None:
    """Offer the mel and viseme encoders."""
    register(VISEME_ENCODER)
    register(MEL)


@hookimpl
def lipsync_register_generators(register: Callable[[GeneratorSpec], None]) -> None:
    """Offer the embedded default."""
    register(VISEME)


@hookimpl
def lipsync_register_enhancers(register: Callable[[EnhancerSpec], None]) -> None:
    """Offer the sharpener."""
    register(SHARPEN)


@hookimpl
def lipsync_register_blenders(register: Callable[[BlenderSpec], None]) -> None:
    """Offer the feather blender."""
    register(FEATHER)


@hookimpl
def lipsync_register_scorers(register: Callable[[ScorerSpec], None]) -> None:
    """Offer the scorer that needs no weights."""
    register(LIPS)
