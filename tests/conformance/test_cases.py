"""Each contract case catches its fault, and tells the author what to change."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import fakes
import pytest
from installed import good, install

from lipsync_core.conformance import common_cases
from lipsync_core.conformance.light_import import Loaded, load_alone
from lipsync_core.registry import Registry
from lipsync_core.registry.loading import PluginRow, load_rows
from lipsync_core.specs import (
    AlignedCrop,
    AudioEncoderSpec,
    BlenderSpec,
    BoxCrop,
    ChunkSpec,
    CommandSpec,
    DetectorSpec,
    EnhancerSpec,
    GeneratorSpec,
    LandmarkCrop,
    Licence,
    Measure,
    Option,
    PluginSpec,
    ScorerSpec,
    Shift,
    VoiceSpec,
    WeightFile,
)
from lipsync_core.testing import check_spec
from tests.conformance.broken import generators, others, scorers, voices

BUILTIN = [row for row in load_rows({"LIPSYNC_PLUGINS": "builtin"}) if row.name == "builtin"]
KINDS = {
    "audio encoder": AudioEncoderSpec,
    "detector": DetectorSpec,
    "enhancer": EnhancerSpec,
    "blender": BlenderSpec,
}


def check(spec: PluginSpec) -> dict[str, tuple[str, str]]:
    """All cases on a spec that is registered, but not installed."""
    registry = Registry([*BUILTIN, PluginRow(name="broken", specs=(spec,))])
    return {r.case: (r.outcome, r.detail) for r in check_spec(registry, spec)}


def failures(spec: PluginSpec) -> dict[str, str]:
    return {case: detail for case, (outcome, detail) in check(spec).items() if outcome == "failed"}


LOWER = Option(key="lower", default=0, help="pixels")
MOVED = LandmarkCrop(size=(64, 80), middle=29, shifts=(Shift(key="lower", moves="middle"),))


@pytest.fixture(autouse=True)
def _without_a_fresh_interpreter(monkeypatch: pytest.MonkeyPatch):
    """Loading is a matter of installed plugins, tested below; the faulty ones here are not installed."""
    monkeypatch.setattr(common_cases, "load_alone", lambda row: Loaded())


def test_options_may_move_a_generators_crop_alone():
    moved = replace(generators.SPEC, crop=MOVED, options=(LOWER,))
    assert not failures(moved)
    (told,) = failures(
        replace(fakes.enhancer(fakes.Reddener), crop=MOVED, options=(LOWER,))
    ).values()
    assert "an option of this generator" in told


def test_a_blender_sees_by_its_own_landmarks():
    blender = replace(fakes.BLENDER, sees=LandmarkCrop(size=(9, 9), scheme="5"))
    assert "sees wants 5 landmarks and the blender itself 68" in failures(blender)[AGREES]


def test_the_right_generator_passes_everything():
    told = check(generators.SPEC)
    assert {outcome for outcome, _ in told.values()} == {"passed", "skipped"}
    assert [c for c, (o, _) in told.items() if o == "skipped"] == [
        "fades to nothing", "prepares arrays that can be stored",
    ]  # fmt: skip
    assert failures(replace(generators.SPEC, fades=True)) == {}


@pytest.mark.parametrize(
    ("name", "more", "case", "told"),
    generators.FAULTS,
    ids=[fault[0] for fault in generators.FAULTS],
)
def test_a_faulty_generator_is_caught(name: str, more: dict[str, object], case: str, told: str):
    spec = replace(generators.SPEC, factory=f"{generators.__name__}:{name}", **more)
    failed = failures(spec)
    assert next(iter(failed)) == case
    assert told in failed[case]


def _faulty(kind: str, name: str) -> PluginSpec:
    base = next(s for row in BUILTIN for s in row.specs if isinstance(s, KINDS[kind]))
    spec = replace(base, name="faulty", factory=f"{others.__name__}:{name}")
    if isinstance(spec, AudioEncoderSpec):
        return replace(spec, feature_shape=(1,), lookahead=0.05, zero_is_rest=False)
    return spec


@pytest.mark.parametrize(
    ("kind", "name", "case", "told"), others.FAULTS, ids=[f[1] for f in others.FAULTS]
)
def test_a_faulty_plugin_of_another_kind_is_caught(kind: str, name: str, case: str, told: str):
    failed = failures(_faulty(kind, name))
    assert next(iter(failed)) == case
    assert told in failed[case]


def test_the_right_encoder_passes_everything():
    assert failures(_faulty("audio encoder", "Loudness")) == {}


def _scorer(name: str) -> ScorerSpec:
    return ScorerSpec(
        name="sums",
        factory=f"{scorers.__name__}:{name}",
        summary="for tests",
        licence=generators.LICENCE,
        crop=BoxCrop(size=(64, 48)),
        measures=(
            Measure(key="brightness", better="higher", help="levels"),
            Measure(key="power", better="higher", help="of the sound"),
        ),
    )


def test_the_right_scorer_passes_everything():
    assert {outcome for outcome, _ in check(_scorer("Sums")).values()} == {"passed"}


@pytest.mark.parametrize(
    ("name", "case", "told"), scorers.FAULTS, ids=[f[0] for f in scorers.FAULTS]
)
def test_a_faulty_scorer_is_caught(name: str, case: str, told: str):
    failed = failures(_scorer(name))
    assert next(iter(failed)) == case
    assert told in failed[case]


def _voice(name: str) -> VoiceSpec:
    return VoiceSpec(
        name="beeps",
        factory=f"{voices.__name__}:{name}",
        summary="for tests",
        licence=generators.LICENCE,
        languages=("en",),
        sample_rate=16_000,
    )


def test_the_right_voice_passes_everything():
    assert {outcome for outcome, _ in check(_voice("Beeps")).values()} == {"passed"}


@pytest.mark.parametrize(("name", "case", "told"), voices.FAULTS, ids=[f[0] for f in voices.FAULTS])
def test_a_faulty_voice_is_caught(name: str, case: str, told: str):
    failed = failures(_voice(name))
    assert next(iter(failed)) == case
    assert told in failed[case]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("verb", ""),
        ("verbs", ""),
        ("no_verb", "is a int: name a function"),
        ("no_types", "cannot make a verb"),
        ("absent", "cannot be imported"),
    ],
)
def test_a_command_must_lead_to_a_verb(name: str, told: str):
    spec = CommandSpec(
        name="verb",
        factory=f"{voices.__name__}:{name}",
        summary="for tests",
    )
    failed = failures(spec)
    assert list(failed) == (["leads to a verb"] if told else [])
    assert told in failed.get("leads to a verb", "")


def test_a_lookahead_that_is_declared_too_short_is_caught():
    mel = next(s for row in BUILTIN for s in row.specs if s.name == "mel")
    failed = failures(replace(mel, name="faulty", lookahead=0.1))
    assert list(failed) == ["looks ahead as far as it declares"]
    assert "declare more, or use less" in failed["looks ahead as far as it declares"]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("slow", "200 are allowed"),
        ("raises", "raised KeyError"),
        ("a_bool", "gave a bool"),
        ("no_hint", "without a reason or a hint"),
        ("not_there", "cannot be imported"),
    ],
)
def test_a_faulty_probe_is_caught(name: str, told: str):
    spec = replace(generators.SPEC, probe=f"tests.conformance.broken.probes:{name}")
    assert told in failures(spec)["probes quickly and truly"]


def test_a_plugin_that_cannot_run_here_is_skipped_with_the_reason():
    told = check(replace(generators.SPEC, probe="tests.conformance.broken.probes:lacks"))
    outcomes = {case: outcome for case, (outcome, _) in told.items()}
    assert outcomes["declares only frozen data"] == outcomes["probes quickly and truly"] == "passed"
    assert outcomes["gives as many crops as it gets, same size"] == "skipped"
    assert "no person is trained. lipsync train" in told["opens and closes twice"][1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chatty(GeneratorSpec):
    """A spec with a field that is no data."""

    extra: object = field(default_factory=list)


def _chatty(extra: object) -> GeneratorSpec:
    values = {f: getattr(generators.SPEC, f) for f in GeneratorSpec.__dataclass_fields__}
    values.pop("kind", None)
    return Chatty(**values, extra=extra)


FROZEN, COMPLETE, AGREES = (
    "declares only frozen data",
    "declares what people need to know",
    "declares figures that agree",
)


def _with(**option: object) -> GeneratorSpec:
    return replace(generators.SPEC, options=(Option(key="k", help="h", **option),))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("spec", "case", "told"),
    [
        (_with(default=2.0, maximum=1), COMPLETE, "has the default 2.0, which is not at most 1"),
        (_with(default="a", choices=("b", "c")), COMPLETE, "which is not one of b, c"),
        (_with(default=1, choices=("1", "2")), COMPLETE, "choices of another type"),
        (_with(default="a", minimum=0), COMPLETE, "use choices"),
        (_with(default=True, maximum=1), COMPLETE, "use choices"),
        (_with(default=1, minimum=2, maximum=0), COMPLETE, "a minimum above its maximum"),
        (_chatty([1]), FROZEN, "'extra' holds a list"),
        (_chatty(print), FROZEN, "'extra' holds a builtin_function_or_method"),
        (replace(generators.SPEC, summary=""), COMPLETE, "summary"),
        (replace(generators.SPEC, devices=("gpu",)), COMPLETE, "cpu, cuda, mps"),
        (
            replace(generators.SPEC, weights=(WeightFile(path="a", optional=True),)),
            COMPLETE,
            "where people get it",
        ),
        (
            replace(generators.SPEC, weights=(WeightFile(path="../a", origin="o", optional=True),)),
            COMPLETE,
            "below the plugin's own",
        ),
        (
            replace(generators.SPEC, weights=(WeightFile(path="a", origin="o", sha256="12", optional=True),)),
            COMPLETE,
            "64 lower-case",
        ),
        (
            replace(generators.SPEC, weights=(WeightFile(path="a", origin="o", holds=(("module.x", ()),)),)),
            COMPLETE,
            "without the prefix",
        ),
        (
            replace(generators.SPEC, weights=(WeightFile(path="a", origin="o", holds=(("x", (-2,)),)),)),
            COMPLETE,
            "with their shapes",
        ),
        (replace(generators.SPEC, exports=("onnx",)), COMPLETE, "exports and exporter"),
        (replace(generators.SPEC, licence=Licence(code="", weights="x", commercial=None)), COMPLETE, "SPDX"),
        (replace(generators.SPEC, audio_encoder="nobodys"), AGREES, "is not registered"),
        (replace(generators.SPEC, chunk=ChunkSpec(frames=4, overlap=4)), AGREES, "smaller than"),
        (
            replace(generators.SPEC, crop=LandmarkCrop(size=(9, 9), scheme="5", middle=29)),
            AGREES,
            "outside scheme '5'",
        ),
        (replace(generators.SPEC, crop=MOVED), AGREES, "moved by 'lower', which should be an option"),
        (replace(generators.SPEC, crop=MOVED, options=(Option(key="lower", default=True, help="x"),)), AGREES,
         "with a number as its default"),
        (replace(generators.SPEC, crop=replace(MOVED, middle=None), options=(LOWER,)), AGREES,
         "name the landmark that is its middle"),
        (replace(generators.SPEC, crop=replace(MOVED, shifts=MOVED.shifts * 2), options=(LOWER,)), AGREES,
         "move the same part"),
        (
            replace(generators.SPEC, crop=AlignedCrop(size=(9, 9), groups=((1,),), reference=((1.0, 1.0),))),
            AGREES,
            "at least two",
        ),
    ],
)  # fmt: skip
def test_a_faulty_spec_is_caught(spec: GeneratorSpec, case: str, told: str):
    assert told in failures(spec)[case]


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("import cv2", "imports cv2"),
        ("from pathlib import Path; Path('models').mkdir()", "os.mkdir models"),
        ("open('log.txt', 'w').close()", "writes to log.txt"),
        ("import subprocess, sys; subprocess.run([sys.executable, '-c', ''])", "starts a program"),
        ("import threading; threading.Thread(target=int).start()", "starts a thread"),
        ("import socket; socket.getaddrinfo('localhost', 80)", "talks to the network"),
        ("raise OSError('boom')", "OSError: boom"),
        ("import os; os._exit(9)", "ended with 9"),
    ],
)
def test_a_plugin_that_does_more_than_register_is_caught(
    tmp_path, monkeypatch, source: str, told: str
):
    head = "" if "raise" in source or "_exit" in source else good("heavy")
    install(
        tmp_path, "lipsync-heavy", {"lipsync_heavy.py": f"{source}\n" + head}, entry="lipsync_heavy"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    loaded = load_alone(PluginRow(name="heavy", distribution="lipsync-heavy"))
    assert told in " ".join(
        (loaded.problem, *(f"imports {h}" for h in loaded.heavy), *loaded.deeds)
    )


def test_a_light_plugin_is_light(tmp_path, monkeypatch):
    install(tmp_path, "lipsync-light", {"lipsync_light.py": good("light")}, entry="lipsync_light")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert load_alone(PluginRow(name="light", distribution="lipsync-light")) == Loaded()
