"""Whole runs on faces that lie, hang, bow or hide: what is painted, what is left alone, what is told."""

from __future__ import annotations

import fakes
import numpy as np
import pytest
from covers import cover, entering
from facefactory import face_frame, face_video, portrait, write_picture

from lipsync_core.builtin.mediapipe.detector import MediaPipeDetector
from lipsync_core.contracts import OpenContext
from lipsync_core.errors import UnsupportedInput
from lipsync_core.faces.schemes import convert
from lipsync_core.faces.turns import turned, turned_back
from lipsync_core.specs import LandmarkCrop, Margins, NativeCrop

FRAMES = 8
PAINTERS = {
    "box": {},
    "landmarks": {"crop": LandmarkCrop(size=(96, 96), margins=Margins(top=0.1))},
    "middle": {"crop": LandmarkCrop(size=(96, 96), middle=29, grown=True)},
    "native": {"crop": NativeCrop(scheme="68"), "region": "crop"},
    "viseme": None,
}


def changes(job, voice, path, images, quarter, **choices):
    """Where the output differs from what went in, of each frame, turned upright."""
    shown = [turned_back(image, quarter) for image in images]
    done = job(
        face_video(path, images=shown), voice, name=f"out{quarter}.mp4", fit="cut", silence="generate",
        **choices,
    )  # fmt: skip
    made = [turned(frame, quarter).astype(int) for frame in done.frames()]
    return np.stack([np.abs(m - i).max(2) for m, i in zip(made, images, strict=True)]), done.report


def alike(a, b, least=0.8):
    """The same pixels changed, but for what a third of a pixel and the encoder move."""
    a, b = a > 30, b > 30
    return a.sum() > 100 and (a & b).sum() / (a | b).sum() > least


@pytest.mark.parametrize("quarter", [1, 2, 3])
@pytest.mark.parametrize("painter", PAINTERS)
def test_a_turned_video_is_painted_like_the_upright_one(tmp_path, job, voice, painter, quarter):
    images = [face_frame(n) for n in range(FRAMES)]
    choices = {}
    if PAINTERS[painter] is not None:
        spec = fakes.spec("painter", **PAINTERS[painter])
        choices = {"registry": fakes.registry(spec), "generators": ("painter",)}
    upright, told = changes(job, voice, tmp_path / "a.mp4", images, 0, **choices)
    lying, report = changes(job, voice, tmp_path / "b.mp4", images, quarter, **choices)
    if painter == "viseme":  # a mouth moves a few pixels by a few levels
        assert np.corrcoef(upright[4:].ravel(), lying[4:].ravel())[0, 1] > 0.7
    else:
        assert alike(upright, lying)
    assert told["faces"]["turned"] == []
    assert report["faces"]["turned"] == [{"first": 0, "last": FRAMES - 1, "degrees": 90 * quarter}]


@pytest.mark.parametrize(("rotation", "quarter"), [(90, 1), (270, 1), (180, 2), (90, 0)])
def test_rotation_tags_and_turned_faces_add_up(tmp_path, job, voice, rotation, quarter):
    """Who lies in a video that is to be shown turned, lies in the output."""
    images = [turned_back(face_frame(n), quarter) for n in range(4)]
    done = job(face_video(tmp_path / "in.mp4", images=images, rotation=rotation), voice, fit="cut")
    assert done.frames()[0].shape == images[0].shape
    told = done.report["faces"]
    assert told["frames_with_new_mouth"] == 4
    assert told["turned"] == ([{"first": 0, "last": 3, "degrees": 90 * quarter}] if quarter else [])


@pytest.mark.parametrize("quarter", [1, 2, 3])
def test_enhancers_and_blenders_see_turned_faces_upright(tmp_path, job, voice, quarter):
    images = [face_frame(n) for n in range(FRAMES)]
    kinds = (fakes.spec("painter"), fakes.enhancer(fakes.Reddener), fakes.STAMP)
    for number, choices in enumerate(({"enhancers": (("red", 1.0),)}, {"blender": "stamp"})):
        seen = [
            changes(
                job, voice, tmp_path / f"{number}{q}.mp4", images, q, generators=("painter",),
                registry=fakes.registry(*kinds), **choices,
            )[0]
            for q in (0, quarter)
        ]  # fmt: skip
        assert alike(*seen)


@pytest.mark.parametrize("idle", [True, False])
@pytest.mark.parametrize("quarter", [1, 2, 3])
def test_a_turned_picture_speaks_from_its_own_mouth(tmp_path, job, voice, quarter, idle):
    made = []
    for q in (0, quarter):
        picture = write_picture(tmp_path / f"{q}.png", turned_back(portrait(), q))
        done = job(picture, voice, name=f"{q}.mp4", idle=idle, seed=3)
        made.append(np.stack([turned(frame, q).astype(int) for frame in done.frames()]))
    # Mouth, blink and sway are those of the upright picture; the encoder makes 1.6.
    assert np.abs(made[1] - made[0]).mean() < 2.2
    # Rows and columns of the portrait's mouth.
    moved = np.abs(np.diff(made[1], axis=0))[:, 128:160, 115:175].mean()
    assert moved > 3 * np.abs(np.diff(made[1], axis=0))[:, :20, :].mean()


@pytest.fixture(scope="module")
def hidden():
    """A face before whose mouth a mask is held for a while: frames, and how much of the lips it hides."""
    detector = MediaPipeDetector()
    detector.open(OpenContext())
    images, shares = [], []
    for n, share in enumerate(entering(60, 0.3, 0.85)):
        image = face_frame(n)
        points = convert(detector.detect(image[None])[0][0].landmarks, "478", "68")
        made, lips = cover(image, points, "mask", share)
        images.append(made)
        shares.append(lips)
    detector.close()
    return images, np.array(shares)


def test_a_covered_mouth_is_left_alone_and_told(tmp_path, job, hidden):
    from facefactory import speech

    images, lips = hidden
    target, voice = face_video(tmp_path / "in.mp4", images=images), speech(tmp_path / "v.wav", 2.4)
    done = job(target, voice, silence="generate")
    (span,) = done.report["faces"]["passthrough"]
    assert span["why"] == "mouth covered"
    over = np.flatnonzero(lips > 0.5)
    assert span["first"] <= over[2] and span["last"] >= over[-3]
    assert done.report["saved"]["why"]["mouth covered"] == span["last"] - span["first"] + 1
    painted = job(target, voice, name="all.mp4", silence="generate", face_checks=False)
    assert painted.report["faces"]["passthrough"] == []
    middle = slice(span["first"] + 2, span["last"] - 1)
    before = np.stack(images).astype(int)[middle]
    left, changed = (
        np.abs(np.stack(d.frames())[middle] - before).max(0).max(2) for d in (done, painted)
    )
    assert np.percentile(changed, 99.8) > 2 * np.percentile(left, 99.8)


def test_a_still_with_a_mask_is_refused_with_the_remedy(tmp_path, job, voice):
    detector = MediaPipeDetector()
    detector.open(OpenContext())
    image = portrait()
    points = convert(detector.detect(image[None])[0][0].landmarks, "478", "68")
    picture = write_picture(tmp_path / "masked.png", cover(image, points, "mask", 1.0)[0])
    with pytest.raises(
        UnsupportedInput, match=r"masked\.png can be used: mouth covered"
    ) as refused:
        job(picture, voice)
    assert "--no-face-checks" in refused.value.hint
    assert job(picture, voice, face_checks=False).report["faces"]["frames_with_new_mouth"] == 30
