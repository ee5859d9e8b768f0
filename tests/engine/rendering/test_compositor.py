"""Blenders and enhancers: a chunk in one call, and faults that are told by name and blamed on nobody else."""

from __future__ import annotations

from dataclasses import replace

import fakes
import numpy as np
import pytest
from facefactory import STRIP

from lipsync_core.errors import PluginFault
from lipsync_core.faces.crops import invert
from lipsync_core.specs import ChunkSpec, LandmarkCrop, Margins, Option, Shift, Variant


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


def with_compat(blender: str | None):
    """A painter whose compat mode is pasted by `blender`, in chunks of 4, as a crop."""
    variant = Variant(
        key="compat", chunk=ChunkSpec(frames=4, batches=False), region="crop", blender=blender
    )
    option = Option(key="compat", default=False, help="for tests")
    return fakes.spec("painter", fakes.Sizes, options=(option,), variants=(variant,))


def test_an_option_changes_what_a_generator_declares_and_who_pastes_it(face_clip, voice, job):
    registry = fakes.registry(with_compat("stamp"), fakes.STAMP, fakes.enhancer(fakes.Reddener))
    words = {"generators": ("painter",), "silence": "generate", "registry": registry}
    plain = job(face_clip, voice, "plain.mp4", **words)
    assert set(fakes.Sizes.sizes) == {6}
    assert "stamp" not in [x["name"] for x in plain.report["licences"]]
    options = {"painter": {"compat": "true"}, "feather": {"match": "false"}}  # red stays red
    done = job(face_clip, voice, options=options, enhancers=(("red", None),), **words)
    assert set(fakes.Sizes.sizes) == {4, 2}
    assert set(fakes.Stamp.regions) == {"crop"}
    assert len(fakes.Stamp.regions) == 30, "what enhancers make is the run's blender's"
    assert min(redness(frame) for frame in done.frames()) > 100
    assert [x["name"] for x in done.report["licences"]].count("stamp") == 1
    nose = done.frames()[0][STRIP + 110 : STRIP + 118, 125:165].astype(int)
    assert (nose[..., 2] - nose[..., 0]).mean() > 100


def test_a_generator_whose_own_blender_is_missing_is_passed_over(face_clip, voice, job):
    registry = fakes.registry(with_compat("nobody"), fakes.STAMP)
    words = {"generators": ("painter",), "registry": registry, "silence": "generate"}
    done = job(face_clip, voice, options={"painter": {"compat": "true"}}, **words)
    assert done.report["chain"]["used"] == {"viseme": 30}
    (attempt,) = done.report["chain"]["attempts"]
    assert attempt["phase"] == "probe"
    assert "nobody" in attempt["reason"]


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
        (
            fakes.ReddenerOfOtherSize,
            r"gave uint8 \(6, 32, 64, 3\) instead of uint8 \(6, 64, 64, 3\)",
        ),
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


def test_a_blender_is_shown_what_its_spec_says(face_clip, voice, job):
    sees = LandmarkCrop(size=(8, 8), margins=Margins(left=0.8, top=0.2, right=0.8, bottom=0.5))
    rooms = []
    for blender in (fakes.ONLOOKER, replace(fakes.ONLOOKER, sees=sees)):
        registry = fakes.registry(fakes.spec("painter"), blender)
        job(face_clip, voice, registry=registry, generators=("painter",), blender="onlooker",
            silence="generate")  # fmt: skip
        assert len(fakes.Onlooker.shown) == 30
        room = []
        for (height, width, _), (left, top, right, bottom) in fakes.Onlooker.shown:
            wide, high = right - left, bottom - top
            room.append([left / wide, top / high, (width - right) / wide, (height - bottom) / high])
        rooms.append(np.min(room, axis=0))
    assert (rooms[1] > (0.8, 0.2, 0.8, 0.5)).all()
    assert (rooms[0][[0, 2]] < 0.8).all()  # the crop's own window is smaller


def test_options_of_a_run_move_its_crops(face_clip, voice, job):
    options = tuple(Option(key=key, default=0, help="pixels") for key in ("lower", "chin"))
    shifts = (Shift(key="lower", moves="middle"), Shift(key="chin", moves="bottom"))
    crop = LandmarkCrop(size=(64, 64), middle=29, shifts=shifts)
    spec = fakes.spec("painter", fakes.Noter, crop=crop, options=options)
    tops, bottoms = [], []
    for given in ({}, {"lower": "4"}, {"chin": "-5"}):
        job(face_clip, voice, registry=fakes.registry(spec), generators=("painter",), strict=True,
            silence="generate", options={"painter": given})  # fmt: skip
        ends = np.stack([invert(m) @ (0, y, 1) for m in fakes.Noter.matrices for y in (-0.5, 63.5)])
        assert len(ends) == 60
        tops.append(ends[::2, 1])
        bottoms.append(ends[1::2, 1])
    assert np.allclose(tops[1] - tops[0], 8.0, atol=1e-3)
    assert np.allclose(bottoms[1], bottoms[0], atol=1e-3)
    assert np.allclose(bottoms[2] - bottoms[0], -5.0, atol=1e-3)
    assert np.allclose(tops[2], tops[0], atol=1e-3)
