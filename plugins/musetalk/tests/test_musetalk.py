"""What the generator promises today: complete data, a true probe, no picture that it did not make."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import pytest
from lipsync_musetalk.availability import HINT, REASON
from lipsync_musetalk.spec import MUSETALK, PARSING, WHISPER, WHISPER_LATENTSYNC

from lipsync_core.contracts import Generator, OpenContext, Unavailable
from lipsync_core.engine.chain import resolve
from lipsync_core.engine.request import RunRequest
from lipsync_core.errors import PluginUnavailable
from lipsync_core.loading import load_rows
from lipsync_core.probing import context_for, probe
from lipsync_core.registry import Registry, create
from lipsync_core.specs import PluginSpec

OFFERED: tuple[PluginSpec, ...] = (MUSETALK, WHISPER, WHISPER_LATENTSYNC, PARSING)


@pytest.fixture(autouse=True)
def folder(home) -> Path:
    return home()


def with_everything(spec: PluginSpec, folder: Path) -> PluginSpec:
    """Packages, memory and weight files as a user who has them all would have them."""
    for weight in spec.weights:
        file = folder / "weights" / spec.name / weight.path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x")
    return replace(spec, requires=(), memory=None)


def test_is_found_as_an_installed_plugin():
    row = next(row for row in load_rows({}) if row.name == "musetalk")
    assert (row.status, row.distribution) == ("ok", "lipsync-musetalk")
    assert set(row.specs) == set(OFFERED)


def test_says_that_it_does_not_run_yet_even_with_everything_there(folder: Path):
    spec = with_everything(MUSETALK, folder)
    answer = probe(spec, context_for(spec))
    assert answer == Unavailable(reason=REASON, hint=HINT)


def test_says_everything_else_that_is_missing():
    absent = replace(MUSETALK.requires[0], module="nobody_has_this")
    answer = probe(replace(MUSETALK, requires=(absent,), memory=None))
    assert isinstance(answer, Unavailable)
    assert f"'{absent.distribution}' is not installed" in answer.reason
    assert f'pip install "{absent.distribution}>={absent.minimum}"' in answer.hint
    assert f"its weights are not here: {MUSETALK.weights[0].path}" in answer.reason
    assert "lipsync weights pull musetalk" in answer.hint
    assert REASON in answer.reason


def test_opening_it_all_the_same_raises_the_same():
    plugin = create(MUSETALK)
    assert isinstance(plugin, Generator)
    with pytest.raises(PluginUnavailable) as error:
        plugin.open(OpenContext())
    assert REASON in error.value.message
    assert error.value.hint == HINT
    with pytest.raises(PluginUnavailable):
        plugin.generate(None)  # type: ignore[arg-type]
    plugin.close()


def test_the_chain_falls_back_and_tells_the_reason():
    request = RunRequest(
        face=Path("face.png"),
        audio=Path("voice.wav"),
        output=Path("out.mp4"),
        generators=("musetalk",),
    )
    candidates, attempts = resolve(Registry(load_rows({})), request)
    assert [(a.generator, a.phase) for a in attempts] == [("musetalk", "probe")]
    assert REASON in attempts[0].reason
    assert HINT in attempts[0].hint
    assert len(candidates) == 1
    assert candidates[0].spec.name != "musetalk"


def test_specs_are_data_and_name_what_their_weights_allow():
    for spec in OFFERED:
        assert pickle.loads(pickle.dumps(spec)) == spec
        assert spec.licence.commercial is (None if spec is PARSING else True)
        assert all(w.repository or w.origin for w in spec.weights)
    assert "not run by this version yet" in MUSETALK.summary


def test_geometry_is_the_published_one():
    assert (MUSETALK.crop.size, MUSETALK.crop.middle) == ((256, 256), 29)
    assert (WHISPER.feature_shape, WHISPER.sample_rate) == ((50, 384), 16_000)
    assert MUSETALK.audio_encoder == WHISPER.name


def test_older_folders_of_the_vae_are_found(folder: Path):
    older = folder / "weights" / "musetalk" / "sd-vae-ft-mse"
    older.mkdir(parents=True)
    (older / "config.json").write_text("{}")
    assert context_for(MUSETALK).weights["sd-vae/config.json"] == older / "config.json"
