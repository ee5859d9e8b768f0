"""Whichever segments of a run are lost, those made again are the same files."""

from __future__ import annotations

from pathlib import Path

import fakes
import pytest
from facefactory import face_video, speech
from hypothesis import given, settings
from hypothesis import strategies as st

from lipsync_core.engine import run as engine
from lipsync_core.errors import OutputError
from lipsync_core.machine import places
from lipsync_core.requests import RunRequest
from lipsync_core.specs import ChunkSpec

SECONDS = 6
"""Of four frames each, and each a segment."""
REGISTRY = fakes.registry(fakes.spec("painter", chunk=ChunkSpec(frames=5, overlap=2)))


def segments() -> dict[str, Path]:
    return {path.name: path for path in (places.cache() / "runs").glob("*/segments/*.nut")}


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """A way to render what is missing of a run that always fails in the end, and all of its segments."""
    folder = tmp_path_factory.mktemp("stopped")
    request = RunRequest.of(
        face_video(folder / "face.mp4", 4 * SECONDS, 4),
        speech(folder / "voice.wav", SECONDS),
        folder / "out.mp4",
        generators=("painter",),
        silence="generate",
        segment_seconds=1,
    )

    def at_the_end(*_):
        raise OutputError("The disk is full.")

    def go_on() -> None:
        with pytest.raises(OutputError, match="The disk is full"):
            engine.run(request, registry=REGISTRY)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIPSYNC_CACHE", str(folder / "cache"))
        patch.setattr(engine, "assemble", at_the_end)
        go_on()
        whole = {name: path.read_bytes() for name, path in segments().items()}
        assert len(whole) == SECONDS
        yield go_on, whole


@settings(max_examples=6)
@given(lost=st.sets(st.integers(0, SECONDS - 1), min_size=1))
def test_segments_that_are_made_again_are_the_same_files(stopped, lost):
    go_on, whole = stopped
    kept = {}
    for number, (name, path) in enumerate(sorted(segments().items())):
        if number in lost:
            path.unlink()
        else:
            kept[name] = path.stat().st_mtime_ns
    go_on()
    assert {name: path.read_bytes() for name, path in segments().items()} == whole
    assert {name: segments()[name].stat().st_mtime_ns for name in kept} == kept
