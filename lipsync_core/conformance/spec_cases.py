"""Cases about what a spec says, before anything is imported: data only, complete, consistent."""

from __future__ import annotations

import pickle
import re
from collections.abc import Collection, Iterator
from dataclasses import fields, is_dataclass

from lipsync_core.conformance.bench import Bench
from lipsync_core.conformance.case import Case
from lipsync_core.conformance.verdict import demand
from lipsync_core.errors import LipsyncError
from lipsync_core.faces.schemes import POINTS
from lipsync_core.specs import (
    AlignedCrop,
    AudioEncoderSpec,
    BlenderSpec,
    BoxCrop,
    CropSpec,
    DetectorSpec,
    EnhancerSpec,
    GeneratorSpec,
    LandmarkCrop,
    Option,
    PluginSpec,
    ScorerSpec,
)

_PLAIN = (str, int, float, bool, type(None))
_DEVICES = ("cpu", "cuda", "mps")


def data_only(bench: Bench) -> None:
    """Frozen, hashable, picklable, and made of plain values."""
    spec = bench.spec
    demand(
        is_dataclass(spec) and type(spec).__dataclass_params__.frozen,  # type: ignore[attr-defined]
        f"{type(spec).__name__} is not a frozen dataclass: use the spec classes of lipsync_core.specs.",
    )
    for path, value in _leaves(spec, ""):
        demand(
            isinstance(value, _PLAIN),
            f"'{path}' holds a {type(value).__name__}: use numbers, strings and tuples (not lists, dicts "
            "or functions), so that the spec can be compared, stored and sent to another process.",
        )
    demand(
        pickle.loads(pickle.dumps(spec)) == spec,
        "it is not the same after pickling: keep module-level constants out of __eq__ and __reduce__.",
    )


def complete(bench: Bench) -> None:
    """What people and the engine read is filled in."""
    spec, summary = bench.spec, bench.spec.summary
    demand(
        summary.strip() and "\n" not in summary and len(summary) <= 120,
        "summary should be one line of 1 to 120 characters: it is shown by `lipsync plugins list`.",
    )
    if isinstance(spec, PluginSpec):
        _complete_plugin(spec)


def _complete_plugin(spec: PluginSpec) -> None:
    demand(
        spec.licence.code.strip(), "licence.code is empty: give the SPDX expression of your code."
    )
    demand(
        spec.licence.weights.strip(),
        "licence.weights is empty: quote the licence of the weights, or 'none needed'.",
    )
    demand(
        spec.devices and set(spec.devices) <= set(_DEVICES),
        f"devices {spec.devices} should name some of {', '.join(_DEVICES)}, best first.",
    )
    for weight in spec.weights:
        demand(
            weight.repository or weight.origin,
            f"weight file '{weight.path}' has neither repository nor origin: say where people get it.",
        )
        demand(
            not weight.path.startswith(("/", "~")) and ".." not in weight.path.split("/"),
            f"weight file '{weight.path}' should be a path below the plugin's own weights folder.",
        )
        demand(
            weight.sha256 is None or re.fullmatch(r"[0-9a-f]{64}", weight.sha256),
            f"sha256 of '{weight.path}' is not 64 lower-case hexadecimal digits.",
        )
        demand(
            all(name and all(side >= -1 for side in shape) for name, shape in weight.holds),
            f"holds of '{weight.path}' should name tensors with their shapes, -1 for any size.",
        )
        demand(
            not any(name.startswith("module.") for name, _ in weight.holds),
            f"holds of '{weight.path}' should name tensors without the prefix 'module.'.",
        )
    demand(
        bool(spec.exports) == bool(spec.exporter),
        "exports and exporter belong together: name the formats and the function that makes them.",
    )
    keys = [option.key for option in spec.options]
    demand(len(set(keys)) == len(keys), "two options share a key: rename one.")
    for option in spec.options:
        _option(option)


def _option(option: Option) -> None:
    """Help, and a default that is itself allowed."""
    demand(option.help.strip(), f"option '{option.key}' has no help: say what it does.")
    limits = [limit for limit in (option.minimum, option.maximum) if limit is not None]
    demand(
        not limits or type(option.default) in (int, float),
        f"option '{option.key}' has a minimum or maximum, but its default {option.default!r} is not a "
        "number: use choices.",
    )
    demand(
        all(type(choice) is type(option.default) for choice in option.choices),
        f"option '{option.key}' has choices of another type than its default {option.default!r}.",
    )
    demand(
        len(limits) < 2 or limits[0] <= limits[1],
        f"option '{option.key}' has a minimum above its maximum.",
    )
    demand(
        option.allows(option.default),
        f"option '{option.key}' has the default {option.default!r}, which is not {option.allowed}.",
    )


def consistent(bench: Bench) -> None:
    """Related values are consistent."""
    spec = bench.spec
    if isinstance(spec, GeneratorSpec):
        _generator(bench, spec)
    if isinstance(spec, BlenderSpec) and spec.sees is not None:
        _crop(spec.sees)
        demand(
            spec.sees.scheme == spec.scheme,
            f"sees wants {spec.sees.scheme} landmarks and the blender itself {spec.scheme}: name one scheme.",
        )
    if isinstance(spec, EnhancerSpec):
        _crop(spec.crop)
        demand(0.0 <= spec.strength <= 1.0, "strength should be from 0 to 1.")
    if isinstance(spec, ScorerSpec):
        _crop(spec.crop)
        keys = [measure.key for measure in spec.measures]
        demand(
            keys and len(set(keys)) == len(keys), "measures should be some, each of another key."
        )
        demand(min(spec.frame_rate, spec.sample_rate, spec.least) > 0, "rates should be above 0.")
    if isinstance(spec, AudioEncoderSpec):
        demand(
            spec.feature_shape and all(n > 0 for n in spec.feature_shape),
            f"feature_shape {spec.feature_shape} should be the shape of one row, each side above 0.",
        )
        demand(spec.sample_rate > 0, "sample_rate should be in Hz, for example 16000.")
        demand(spec.lookahead >= 0, "lookahead should be in seconds, 0 or more.")
    if isinstance(spec, DetectorSpec):
        demand(spec.schemes, "schemes is empty: name the landmark schemes it gives, densest first.")
        demand(spec.batch >= 1, "batch should be 1 or more.")


def _generator(bench: Bench, spec: GeneratorSpec) -> None:
    numbers = [o.key for o in spec.options if type(o.default) in (int, float)]
    _crop(spec.crop, numbers)
    demand(spec.chunk.frames >= 1, "chunk.frames should be 1 or more.")
    demand(
        0 <= spec.chunk.overlap < spec.chunk.frames,
        f"chunk.overlap {spec.chunk.overlap} should be smaller than chunk.frames {spec.chunk.frames}.",
    )
    demand(spec.prepare.samples >= 1, "prepare.samples should be 1 or more.")
    try:
        bench.registry.get(AudioEncoderSpec, spec.audio_encoder)
    except LipsyncError as error:
        demand(
            False,
            f"audio_encoder '{spec.audio_encoder}' is not registered ({error.message}): register it "
            "too, or depend on the distribution that does.",
        )


def _crop(crop: CropSpec, numbers: Collection[str] = ()) -> None:
    """`numbers`: keys of options that are numbers; only a generator's move its crop."""
    if isinstance(crop, BoxCrop | LandmarkCrop | AlignedCrop):
        demand(min(crop.size) > 0, f"crop size {crop.size} should be (width, height) above 0.")
    points = POINTS[crop.scheme]
    if isinstance(crop, LandmarkCrop):
        used = (*crop.points, *(() if crop.middle is None else (crop.middle,)))
        demand(
            all(0 <= p < points for p in used),
            f"the crop names landmarks outside scheme '{crop.scheme}' (0..{points - 1}).",
        )
        for shift in crop.shifts:
            demand(
                shift.key in numbers,
                f"the crop is moved by '{shift.key}', which should be an option of this generator with a "
                "number as its default.",
            )
            demand(
                shift.moves != "middle" or crop.middle is not None,
                f"option '{shift.key}' moves the crop's middle: name the landmark that is its middle.",
            )
        moved = [shift.moves for shift in crop.shifts]
        demand(
            len(set(moved)) == len(moved), "two options move the same part of the crop: keep one."
        )
    if isinstance(crop, AlignedCrop):
        demand(
            len(crop.groups) == len(crop.reference) >= 2,
            f"the crop has {len(crop.groups)} groups for {len(crop.reference)} reference points: give one "
            "point for each group, and at least two.",
        )
        demand(
            all(group and all(0 <= p < points for p in group) for group in crop.groups),
            f"a group of the crop is empty or names landmarks outside scheme '{crop.scheme}'.",
        )


def _leaves(value: object, path: str) -> Iterator[tuple[str, object]]:
    if is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from _leaves(getattr(value, field.name), f"{path}.{field.name}".lstrip("."))
    elif isinstance(value, tuple):
        for index, part in enumerate(value):
            yield from _leaves(part, f"{path}[{index}]")
    else:
        yield path, value


CASES: tuple[Case, ...] = (
    Case(name="declares only frozen data", run=data_only),
    Case(name="declares what people need to know", run=complete),
    Case(name="declares figures that agree", run=consistent),
)
