"""Blenders and enhancers: a chunk in one call, and faults that are told by name and blamed on nobody else."""

from __future__ import annotations

import fakes
import pytest
from facefactory import STRIP

from lipsync_core.errors import PluginFault


def redness(frame) -> float:
    mouth = frame[STRIP + 140 : STRIP + 160, 125:165].astype(int)
    return float((mouth[..., 0] - mouth[..., 1]).mean())


def enhanced(job, clip, voice, kind, **choices):
    registry = fakes.registry(fakes.spec("painter"), fakes.enhancer(kind))
    choices["options"] = {"feather": {"match": "false"}}  # red stays red
    return job(
        clip,
        voice,
        registry=registry,
        generators=("painter",),
        enhancers=(("red", None),),
        **choices,
    )


def test_enhancers_get_a_whole_chunk_at_once(face_clip, voice, job):
    done = enhanced(job, face_clip, voice, fakes.Reddener, silence="generate")
    assert min(redness(frame) for frame in done.frames()) > 100
    assert sum(fakes.Reddener.calls) == 30
    assert max(fakes.Reddener.calls) == 6, "the painter's chunk"
    assert [x["name"] for x in done.report["licences"]].count("red") == 1


def test_frames_without_a_new_mouth_are_left_alone(face_clip, voice, job):
    done = enhanced(job, face_clip, voice, fakes.Reddener, strict=True)
    reds = [redness(frame) > 100 for frame in done.frames()]
    assert 0 < sum(fakes.Reddener.calls) < 30
    assert not all(reds), "nobody speaks at the beginning"


def test_one_by_one_where_a_chunk_is_too_much(face_clip, voice, job):
    done = enhanced(job, face_clip, voice, fakes.ReddenerForOne, silence="generate")
    assert set(fakes.ReddenerForOne.calls) == {1}
    assert done.report["chain"]["used"] == {"painter": 30}
    assert min(redness(frame) for frame in done.frames()) > 100


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        (fakes.ReddenerForNone, "ran out of memory on a single face"),
        (fakes.ReddenerThatFails, "failed: IndexError: index 5"),
        (fakes.ReddenerOfOtherSize, r"gave uint8 \(6, 32, 64, 3\) where uint8 \(6, 64, 64, 3\)"),
    ],
)
def test_a_bad_enhancer_is_named_and_nothing_is_written(
    face_clip, voice, job, tmp_path, kind, told
):
    (tmp_path / "out.mp4").write_bytes(b"good")
    with pytest.raises(PluginFault, match=f"The enhancer 'red' {told}") as caught:
        enhanced(job, face_clip, voice, kind, silence="generate")
    assert "--enhance red" in caught.value.hint
    assert (tmp_path / "out.mp4").read_bytes() == b"good"


def test_a_bad_blender_is_named(face_clip, voice, job):
    registry = fakes.registry(fakes.spec("painter"), fakes.BLENDER)
    with pytest.raises(PluginFault, match="The blender 'wrong' gave uint8"):
        job(face_clip, voice, registry=registry, generators=("painter",), blender="wrong")
