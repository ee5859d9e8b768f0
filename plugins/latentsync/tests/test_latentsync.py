"""What lipsync-latentsync promises today: complete data, a true probe, no picture that it did not make."""

from __future__ import annotations

import pickle
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from lipsync_latentsync.availability import HINT, REASON
from lipsync_latentsync.spec import ENCODER, LATENTSYNC, LATENTSYNC15

from lipsync_core.contracts import AudioEncoder, Generator, OpenContext, Unavailable
from lipsync_core.engine.chain import resolve
from lipsync_core.engine.request import RunRequest
from lipsync_core.errors import PluginUnavailable
from lipsync_core.loading import load_rows
from lipsync_core.probing import context_for, probe
from lipsync_core.registry import Registry, create
from lipsync_core.specs import GeneratorSpec, PluginSpec
from lipsync_core.testing import contract_tests

OFFERED: tuple[PluginSpec, ...] = (
    ENCODER,
    LATENTSYNC,
    LATENTSYNC15,
)

test_contract = contract_tests("lipsync-latentsync")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LIPSYNC_HOME", str(tmp_path))
    return tmp_path


def with_everything(spec: PluginSpec, home: Path) -> PluginSpec:
    """Packages, memory and weight files as a user who has them all would have them."""
    for weight in spec.weights:
        file = home / "weights" / spec.name / weight.path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x")
    return replace(spec, requires=(), memory=None)


def test_is_found_as_an_installed_plugin():
    row = next(row for row in load_rows({}) if row.name == "latentsync")
    assert (row.status, row.distribution) == ("ok", "lipsync-latentsync")
    assert set(row.specs) == set(OFFERED)


@pytest.mark.parametrize("spec", OFFERED, ids=lambda s: f"{s.kind} {s.name}")
def test_says_that_it_does_not_run_yet_even_with_everything_there(spec: PluginSpec, home: Path):
    spec = with_everything(spec, home)
    answer = probe(spec, context_for(spec))
    assert answer == Unavailable(reason=REASON, hint=HINT)


@pytest.mark.parametrize("spec", OFFERED, ids=lambda s: f"{s.kind} {s.name}")
def test_says_everything_else_that_is_missing(spec: PluginSpec, home: Path):
    absent = replace(spec.requires[0], module="nobody_has_this")
    answer = probe(replace(spec, requires=(absent,), memory=None))
    assert isinstance(answer, Unavailable)
    assert f"'{absent.distribution}' is not installed" in answer.reason
    assert f'pip install "{absent.distribution}>={absent.minimum}"' in answer.hint
    if [w for w in spec.weights if not w.optional]:
        assert f"its weights are not here: {spec.weights[0].path}" in answer.reason
        assert "lipsync weights " in answer.hint
    assert REASON in answer.reason


@pytest.mark.parametrize("spec", OFFERED, ids=lambda s: f"{s.kind} {s.name}")
def test_opening_it_all_the_same_raises_the_same(spec: PluginSpec):
    plugin = create(spec)
    with pytest.raises(PluginUnavailable) as error:
        plugin.open(OpenContext())
    assert REASON in error.value.message
    assert error.value.hint == HINT
    with pytest.raises(PluginUnavailable):
        _use(plugin)
    plugin.close()


def test_the_chain_falls_back_and_tells_the_reason():
    request = RunRequest(
        face=Path("face.png"),
        audio=Path("voice.wav"),
        output=Path("out.mp4"),
        generators=("latentsync",),
    )
    candidates, attempts = resolve(Registry(load_rows({})), request)
    assert [(a.generator, a.phase) for a in attempts] == [("latentsync", "probe")]
    assert REASON in attempts[0].reason
    assert HINT in attempts[0].hint
    assert len(candidates) == 1
    assert candidates[0].spec.name != "latentsync"


def test_specs_are_data_and_name_what_their_weights_allow():
    for spec in OFFERED:
        assert pickle.loads(pickle.dumps(spec)) == spec
        assert spec.licence.commercial is (True if spec is ENCODER else None)
        assert all(w.repository or w.origin for w in spec.weights)
    for spec in OFFERED:
        if isinstance(spec, GeneratorSpec):
            assert "not run by this version yet" in spec.summary


def _use(plugin: object) -> None:
    """Call it although it was not opened."""
    if isinstance(plugin, AudioEncoder):
        plugin.stream(16_000, Fraction(25))
    assert isinstance(plugin, Generator)
    plugin.generate(None)  # type: ignore[arg-type]


def test_both_sizes_share_a_template():
    """Aligned sizes 210x280 for 256 pixels and 420x560 for 512; nose in the middle (published figures)."""
    assert (LATENTSYNC15.crop.size, LATENTSYNC.crop.size) == ((210, 280), (420, 560))
    assert LATENTSYNC15.crop.reference[2] == pytest.approx((105.0, 112.0))
    assert LATENTSYNC.crop.reference[0] == pytest.approx((95.2, 112.0))


def test_the_two_versions_never_share_a_weights_folder():
    assert {w.repository for w in LATENTSYNC.weights} & {"ByteDance/LatentSync-1.6"}
    assert {w.repository for w in LATENTSYNC15.weights} & {"ByteDance/LatentSync-1.5"}
    assert LATENTSYNC.name != LATENTSYNC15.name


def test_options_are_typed():
    context = context_for(LATENTSYNC, options={"steps": "30", "guidance": "2"})
    assert context.options == {"steps": 30, "guidance": 2.0}
