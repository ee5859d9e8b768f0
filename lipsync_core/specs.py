"""What a plugin declares: frozen, keyword-only data with string factories.

Reading a spec costs nothing: no factory is imported until a run opens it. Everything that the engine
must know to choose, place and feed a plugin is here, so that the core never asks for a plugin by name.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from lipsync_core.records import Scheme

__all__ = [
    "API_VERSION",
    "AlignedCrop",
    "AudioEncoderSpec",
    "BlenderSpec",
    "BoxCrop",
    "ChunkSpec",
    "CommandSpec",
    "CropSpec",
    "DetectorSpec",
    "EnhancerSpec",
    "GeneratorSpec",
    "LandmarkCrop",
    "Licence",
    "Margins",
    "Measure",
    "NativeCrop",
    "Option",
    "PluginSpec",
    "PrepareSpec",
    "Region",
    "Requirement",
    "ScorerSpec",
    "Shift",
    "Variant",
    "VoiceSpec",
    "WeightFile",
]


API_VERSION = 1
"""Version of the contract. A plugin module that wants a newer one says so with `LIPSYNC_API = N`."""

Region = Literal["mouth", "lower_face", "face", "crop"]
"""What a generator repaints in its crop; the blender builds its mask from it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """A Python package that the plugin needs.

    Attributes:
        module: what is imported ("cv2").
        distribution: what is installed ("opencv-python").
        minimum: lowest version that works, or None.
    """

    module: str
    distribution: str
    minimum: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightFile:
    """One file of weights, and where it comes from.

    Attributes:
        path: where it lives below the plugin's weights folder, in the upstream layout.
        repository: hub repository ("owner/name") that carries it, or None.
        file: its path inside the repository (default: `path`).
        size: bytes, where known.
        sha256: hexadecimal digest, where known.
        licence: licence of the weights as their publisher states it.
        origin: where the publisher offers it, in one sentence, when there is no repository.
        alternatives: other relative paths under which users may have the file.
        optional: not needed for a run.
        holds: characteristic tensors and their shapes, by which a user's file is recognised and a wrong
            variant refused: names as in the state dict (without a `module.` prefix), or names of
            inputs and outputs for an ONNX file. -1 stands for any size.
    """

    path: str
    repository: str | None = None
    file: str | None = None
    size: int | None = None
    sha256: str | None = None
    licence: str = "not stated"
    origin: str = ""
    alternatives: tuple[str, ...] = ()
    optional: bool = False
    holds: tuple[tuple[str, tuple[int, ...]], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Licence:
    """Licences of code and weights, and whether the weights may be used commercially.

    Attributes:
        code: SPDX expression of the plugin's code.
        weights: licence of the weights in words ("none needed" when there are none).
        commercial: True, False, or None when the publisher does not say.
    """

    code: str
    weights: str
    commercial: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """A setting for `--option NAME.KEY=VALUE`. Values are checked before the plugin sees them.

    Attributes:
        key: its name, unique within the plugin.
        default: the value when the user gives none; its type is the option's type.
        help: one line that says what it does.
        choices: the only values allowed; empty: no such restriction.
        minimum: lowest value allowed, for numbers; None: no limit.
        maximum: highest value allowed, for numbers; None: no limit.
    """

    key: str
    default: bool | int | float | str
    help: str
    choices: tuple[int | float | str, ...] = ()
    minimum: int | float | None = None
    maximum: int | float | None = None

    def allows(self, value: bool | int | float | str) -> bool:
        """Whether `value`, of the option's type, is one of the choices and within the limits."""
        if self.choices and value not in self.choices:
            return False
        if isinstance(value, str):
            return True
        return (self.minimum is None or value >= self.minimum) and (
            self.maximum is None or value <= self.maximum
        )

    @property
    def allowed(self) -> str:
        """The restriction in words ("one of auto, torch, onnx", "from 0 to 1"); "" without one."""
        if self.choices:
            return f"one of {', '.join(map(str, self.choices))}"
        if self.minimum is not None and self.maximum is not None:
            return f"from {self.minimum:g} to {self.maximum:g}"
        if self.minimum is not None:
            return f"at least {self.minimum:g}"
        return "" if self.maximum is None else f"at most {self.maximum:g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Margins:
    """Widening of a box, as fractions of its width (left, right) and height (top, bottom)."""

    left: float = 0.0
    top: float = 0.0
    right: float = 0.0
    bottom: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeCrop:
    """The face at the target's own resolution: an integer translation, nothing is resampled.

    The box is the landmarks' bounding box widened by `margins`; its size is one for all crops of a
    track in a shot, rounded up to `multiple` pixels. Parts outside the frame repeat the edge.
    """

    margins: Margins = field(default_factory=Margins)
    multiple: int = 16
    scheme: Scheme = "478"


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxCrop:
    """The detector's box, widened by `margins`, resized to `size` (width, height).

    With `square` the shorter side is then grown around the middle, otherwise the aspect is not kept (as
    Wav2Lip does).
    """

    size: tuple[int, int]
    margins: Margins = field(default_factory=Margins)
    square: bool = False
    scheme: Scheme = "5"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """An option of a generator that moves its crop, in pixels of the frame.

    A side moves by at most a quarter of the box, so no value can invert the box.

    Attributes:
        key: the option, whose default is a number; fractions of a pixel are allowed.
        moves: a side of the box, which a positive value moves outwards, or its `middle`, which it moves down.
    """

    key: str
    moves: Literal["middle", "left", "top", "right", "bottom"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LandmarkCrop:
    """A box spanned by landmarks, resized to `size` (width, height).

    Attributes:
        size: width and height of the crop.
        scheme: landmark scheme the indices below belong to.
        points: indices whose bounding box is taken (empty: all).
        middle: if set, the box is made to reach as far above this point as it does below it
            (MuseTalk: point 29 of 68).
        square: height is set to the width, downwards from the top (SyncTalk_2D).
        margins: widening afterwards.
        shifts: options of the generator that move the box afterwards.
        grown: finally, extend the shorter side around the middle to a square.
    """

    size: tuple[int, int]
    scheme: Scheme = "68"
    points: tuple[int, ...] = ()
    middle: int | None = None
    square: bool = False
    margins: Margins = field(default_factory=Margins)
    shifts: tuple[Shift, ...] = ()
    grown: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AlignedCrop:
    """A similarity transform that puts groups of landmarks on reference points.

    Attributes:
        size: width and height of the crop.
        scheme: landmark scheme of `groups`.
        groups: for each reference point, the landmarks whose mean is put there.
        reference: the reference points in crop pixels, one per group.
        scale: "least squares" minimises the distances (Umeyama 1991), which gives a smaller scale the worse
            the points fit; "spread" gives the points the spread of the reference, as LatentSync does.
    """

    size: tuple[int, int]
    groups: tuple[tuple[int, ...], ...]
    reference: tuple[tuple[float, float], ...]
    scheme: Scheme = "68"
    scale: Literal["least squares", "spread"] = "least squares"


CropSpec = NativeCrop | BoxCrop | LandmarkCrop | AlignedCrop
"""How the engine cuts the face for a plugin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkSpec:
    """How many frames a generator gets per call.

    Attributes:
        frames: maximum number of frames per call (the last call of a span may have fewer).
        overlap: frames shared by neighbouring calls; the engine cross-fades them.
        batches: frames are independent of each other, so the engine may choose any number up to
            `frames`; False for models that look along time and want exactly `frames` when it can.
    """

    frames: int = 16
    overlap: int = 0
    batches: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareSpec:
    """What `prepare` is called with.

    Attributes:
        scope: "track": once per track, from up to `samples` representative frames; "frame": for every
            frame, results have one row a frame; "none": never called.
        samples: maximum number of frames for scope "track".
    """

    scope: Literal["none", "track", "frame"] = "none"
    samples: int = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """Fields that all specs have, those of plugins and those of command-line verbs.

    Attributes:
        name: short, lower case, unique in its kind ("musetalk").
        factory: "module:attribute", imported only when it is used.
        summary: one line for `lipsync plugins list` and `lipsync --help`.
        homepage: where to read more.
    """

    kind: ClassVar[str]

    name: str
    factory: str
    summary: str
    homepage: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginSpec(Spec):
    """What the spec of every plugin says that a run can open.

    Attributes:
        licence: licences of code and weights.
        requires: packages that must be importable.
        weights: files that must be on disk.
        probe: "module:function" for a further check, called with a `ProbeContext`, that returns
            `Ready` or `Unavailable`; or None.
        devices: device types it runs on, best first.
        memory: bytes of device memory one run needs, or None when it is small.
        main_memory: bytes of main memory needed on a CPU; None: the same as `memory`.
        options: what `--option NAME.KEY=VALUE` accepts.
        exports: formats that its weights can be exported to ("onnx").
        exporter: "module:function" that does so, called with an `OpenContext` and the format, gives
            the paths of the files it made in the context's cache folder; or None.
    """

    licence: Licence
    requires: tuple[Requirement, ...] = ()
    weights: tuple[WeightFile, ...] = ()
    probe: str | None = None
    devices: tuple[str, ...] = ("cpu",)
    memory: int | None = None
    main_memory: int | None = None
    options: tuple[Option, ...] = ()
    exports: tuple[str, ...] = ()
    exporter: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorSpec(PluginSpec):
    """A detector: pictures in, faces with landmarks out.

    Attributes:
        schemes: landmark schemes it gives, densest first.
        batch: preferred number of frames per call.
        any_turn: it finds faces however they are turned in the picture. Otherwise the engine shows it the
            picture turned by quarters where it finds none.
    """

    kind: ClassVar[str] = "detector"
    schemes: tuple[Scheme, ...]
    batch: int = 1
    any_turn: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioEncoderSpec(PluginSpec):
    """An audio encoder: sound in, one row of features per video frame out.

    Attributes:
        feature_shape: shape of one row.
        sample_rate: Hz of the mono sound it is handed.
        lookahead: seconds of sound after a frame's time that its row may depend on, at most.
        zero_is_rest: a row of zeros means a mouth at rest, so silence is made by fading rows.
        parted: the row, flattened, of lips that part before the first word; only where zero is rest. Empty:
            lips stay closed until speech begins.
    """

    kind: ClassVar[str] = "audio encoder"
    feature_shape: tuple[int, ...]
    sample_rate: int = 16_000
    lookahead: float = 0.0
    zero_is_rest: bool = False
    parted: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """What a generator declares differently when an option is set, such as its compat mode.

    Attributes:
        key: of the option, which is true or false.
        chunk: instead of the spec's own.
        region: instead of the spec's own.
        blender: instead of the spec's own.
    """

    key: str
    chunk: ChunkSpec
    region: Region
    blender: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratorSpec(PluginSpec):
    """A generator: face crops and audio features in, face crops with another mouth out.

    Attributes:
        crop: how the engine cuts the face.
        audio_encoder: name of the encoder whose rows it wants.
        chunk: how many frames per call.
        prepare: what depends on the target alone.
        region: what it repaints in the crop.
        blender: name of a blender that always blends its crops; None: the run's blender.
        variants: what it declares differently when an option is set.
        fades: it takes `Chunk.strength` into account itself.
        streams: usable live: a chunk of any size from 1 is fine.
        deterministic: the same chunk gives the same pixels.
        person_specific: it was trained for one person.
    """

    kind: ClassVar[str] = "generator"
    crop: CropSpec
    audio_encoder: str
    chunk: ChunkSpec = field(default_factory=ChunkSpec)
    prepare: PrepareSpec = field(default_factory=PrepareSpec)
    region: Region = "lower_face"
    blender: str | None = None
    variants: tuple[Variant, ...] = ()
    fades: bool = False
    streams: bool = False
    deterministic: bool = True
    person_specific: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EnhancerSpec(PluginSpec):
    """An enhancer: crops in, better crops of the same size out.

    Attributes:
        crop: how the engine cuts the face from the blended frame.
        region: the part of its crop that is pasted back.
        strength: default share of the enhanced picture, 0..1.
    """

    kind: ClassVar[str] = "enhancer"
    crop: CropSpec
    region: Region = "face"
    strength: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BlenderSpec(PluginSpec):
    """A blender: a frame and a generated crop in, a patch for the frame out.

    Attributes:
        scheme: landmark scheme it needs to place its mask.
        sees: the part of the frame that it looks at, where that may be more than the crop: it is handed this
            much of the frame at the least (`size` does not matter, nothing is resampled). None: it looks at
            what the crop covers.
    """

    kind: ClassVar[str] = "blender"
    scheme: Scheme = "68"
    sees: CropSpec | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One figure that a scorer gives: its key, which way is better, and its meaning with the unit.

    Spans are combined by their length: the mean of what is better higher or lower, the median of
    what should be near 0, the sum of a count.

    Attributes:
        key: its name in `Scores.figures`.
        better: which way.
        help: what it means, in which unit.
        optional: a span that gives no ground for it leaves it out, as silence does a shift.
    """

    key: str
    better: Literal["higher", "lower", "nearer to 0", "count"]
    help: str
    optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorerSpec(PluginSpec):
    """A scorer: face crops and their sound in, figures of how well they fit out.

    Attributes:
        crop: how the engine cuts the face for it.
        measures: what it gives.
        frame_rate: crops a second that it wants; the engine takes the frames nearest to these times.
        sample_rate: Hz of the mono sound it is handed.
        least: crops below which it has nothing to say of a span.
    """

    kind: ClassVar[str] = "scorer"
    crop: CropSpec
    measures: tuple[Measure, ...]
    frame_rate: int = 25
    sample_rate: int = 16_000
    least: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceSpec(PluginSpec):
    """A voice: text in, speech out.

    Attributes:
        languages: BCP 47 tags it speaks, best first.
        sample_rate: Hz of the sound it makes.
    """

    kind: ClassVar[str] = "voice"
    languages: tuple[str, ...]
    sample_rate: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandSpec(Spec):
    """A verb of the command line.

    `factory` names a function with typer annotations, or a `typer.Typer` with verbs of its own. It is
    imported when the verb is called or its help is requested, never to list the verbs.

    Attributes:
        group: "train" puts it below `lipsync train`; empty: it is a verb of its own.
    """

    kind: ClassVar[str] = "command"
    group: Literal["", "train"] = ""
