"""Whole videos by both versions, with narrow networks of the published architecture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from lipsync_latentsync.spec import LATENTSYNC, LATENTSYNC15

from lipsync_core.conformance.inputs import PORTRAIT_FACE
from lipsync_core.contracts import Ready
from lipsync_core.registry.probing import probe
from lipsync_core.testing import changed, talk

QUICK = ("steps=1", "guidance=1")


def words(name: str, *more: str) -> list[str]:
    options = [part for option in QUICK for part in ("--option", f"{name}.{option}")]
    return ["--generator", name, "--strict", *options, *more]


@pytest.mark.parametrize(("spec", "frames"), [(LATENTSYNC15, 17), (LATENTSYNC, 2)])
def test_a_video(home, tmp_path: Path, spec, frames: int):
    home(spec.name, "whisper-latentsync")
    here = probe(spec)
    if not isinstance(here, Ready):  # its networks of full size would need that much
        pytest.skip(f"cannot run here: {here.reason}")
    made = talk(tmp_path, frames, *words(spec.name))
    assert made.report["chain"]["used"] == {spec.name: frames}
    assert made.report["chain"]["attempts"] == []
    assert len(made.frames) == frames
    seen = changed(made.frames, talk(tmp_path, 1).frames)
    assert seen.mouth > 0.5
    assert seen.forehead == 0
    assert seen.outside == 0
    if frames > 16:  # two chunks that share frames 12 to 15, which fade over
        steps = np.abs(np.diff(made.frames.astype(int), axis=0)).mean(axis=(1, 2, 3))
        assert steps[11:16].max() < 2 * np.median(steps) + 0.5


def test_compat_has_hard_blocks_and_replaces_the_whole_face(home, tmp_path: Path):
    home("latentsync15", "whisper-latentsync")
    here = probe(LATENTSYNC15)
    if not isinstance(here, Ready):
        pytest.skip(f"cannot run here: {here.reason}")
    made = talk(tmp_path, 17, *words("latentsync15", "--option", "latentsync15.compat=true"))
    assert made.report["chain"]["used"] == {"latentsync15": 17}
    assert made.report["stages"]["generate"]["calls"] == 2
    assert [x["name"] for x in made.report["licences"]].count("quadrilateral") == 1
    soft = talk(tmp_path, 1, *words("latentsync15"))
    apart = np.abs(made.frames.astype(int) - soft.frames)
    x0, y0, x1, _ = map(int, PORTRAIT_FACE)
    assert apart[:, y0 : y0 + 25, x0:x1].mean() > 0.3, "the forehead is resampled"
    assert changed(made.frames, talk(tmp_path, 1).frames).outside < 0.002, "the chin's corners"


def test_without_whisper_the_chain_goes_on_and_says_why(home, tmp_path: Path):
    home("latentsync15")
    made = talk(tmp_path, 2, *[word for word in words("latentsync15") if word != "--strict"])
    (attempt,) = made.report["chain"]["attempts"]
    assert (attempt["generator"], attempt["phase"]) == ("latentsync15", "probe")
    assert "whisper-latentsync" in attempt["reason"] + attempt["hint"]
