"""Resolving the plugins of a run: what each setting means, and who is left out for which reason."""

from __future__ import annotations

from dataclasses import replace

import fakes
import pytest

from lipsync_core.builtin.plugin import MEL
from lipsync_core.contracts import Ready
from lipsync_core.engine.chain.resolve import default_generator, resolve
from lipsync_core.errors import PluginUnavailable
from lipsync_core.registry import Registry
from lipsync_core.requests import PluginSettings
from lipsync_core.specs import Licence, Option, Variant


def chosen(*names: str, **more) -> PluginSettings:
    return PluginSettings(generators=names, **more)


def test_the_default_comes_last_unless_it_was_named_or_kept_out():
    registry = fakes.registry(fakes.spec("painter"))

    def names(*given, **more):
        return [c.name for c in resolve(registry, chosen(*given, **more)).candidates]

    assert names() == ["viseme"]
    assert names("painter") == ["painter", "viseme"]
    assert names("viseme", "painter", "viseme") == ["viseme", "painter"]
    assert names("painter", strict=True) == ["painter"]
    assert [c.asked for c in resolve(registry, chosen("painter")).candidates] == [True, False]


def test_without_the_built_in_generator_there_is_no_default():
    with pytest.raises(PluginUnavailable, match="built-in generator is missing"):
        default_generator(Registry([]))


def other_encoder(context):
    return Ready(audio_encoder="other")


def unknown_encoder(context):
    return Ready(audio_encoder="nobody-offers-this")


def test_a_probe_may_name_the_audio_encoder():
    spec = fakes.spec("painter", probe=f"{__name__}:other_encoder")
    found = resolve(fakes.registry(replace(MEL, name="other"), spec), chosen("painter"))
    assert found.candidates[0].encoder.spec.name == "other"


def test_an_encoder_that_cannot_run_moves_the_chain_on():
    research = Licence(code="MIT", weights="research only", commercial=False)
    registry = fakes.registry(
        replace(MEL, name="research", licence=research),
        fakes.spec("painter", audio_encoder="research"),
    )
    found = resolve(registry, chosen("painter", commercial_only=True))
    (attempt,) = found.attempts
    assert (attempt.generator, attempt.phase) == ("painter", "probe")
    assert "'research' cannot run here" in attempt.reason
    assert [c.name for c in found.candidates] == ["viseme"]


def test_an_option_changes_what_a_generator_declares():
    spec = fakes.spec(
        "painter",
        options=(Option(key="compat", default=False, help="for tests"),),
        variants=(
            Variant(key="compat", chunk=fakes.ChunkSpec(frames=2), region="face", blender="stamp"),
        ),
    )
    registry = fakes.registry(spec, fakes.STAMP)
    plain = resolve(registry, chosen("painter")).candidates[0]
    assert plain.blender is None and plain.spec.chunk.frames == 6
    options = {"painter": {"compat": "true"}}
    compat = resolve(registry, chosen("painter", options=options)).candidates[0]
    assert compat.blender is not None and compat.blender.spec.name == "stamp"
    assert (compat.spec.chunk.frames, compat.spec.region) == (2, "face")


def test_the_resting_generator_is_there_where_silence_is_closed():
    registry = fakes.registry(fakes.spec("painter"))
    assert resolve(registry, chosen("painter")).rest.name == "viseme"
    assert resolve(registry, chosen("painter"), "keep").rest is None
    kept_out = chosen("painter", commercial_only=True)
    assert resolve(registry, kept_out).rest.name == "viseme"


def test_strengths_are_the_plugins_own_unless_given():
    found = resolve(
        fakes.registry(), PluginSettings(enhancers=(("sharpen", None), ("sharpen", 0.25)))
    )
    (first, own), (_, given) = found.enhancers
    assert own == first.spec.strength and given == 0.25
