"""Landmarks that cannot be trusted: bowed heads, shapes that are no face, jumps, sinking scores."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from facefactory import drawn_face

from lipsync_core.faces.analysis import FORMAT, Analysis, AnalysisWriter
from lipsync_core.faces.plausibility import below_nose, bowed, jump, misfit
from lipsync_core.faces.selection import REASONS, FaceRule, choose

SCHEMES = ["5", "68", "478"]


def chosen(tmp_path, faces, **choices):
    with AnalysisWriter(tmp_path / "a", {}) as writer:
        for n, face in enumerate(faces):
            writer.add(n, [face], [0])
        analysis = writer.finish(len(faces))
    return choose(analysis, FaceRule.parse("largest"), (400, 300), **choices)


def told(choice):
    return [REASONS[n] for n in choice.reasons]


def curve(most, frames=60, level=25, turning=10):
    """Degrees: level, then turning to `most` and staying there."""
    return most * np.clip((np.arange(frames) - level) / turning, 0, 1)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_bowed_head_passes_through_and_fades(tmp_path, scheme):
    faces = [drawn_face(150, 120, bow=b, scheme=scheme) for b in curve(42)]
    choice = chosen(tmp_path, faces)
    assert (choice.strength[:22] > 0.95).all() and not choice.strength[38:].any()
    assert (np.diff(choice.strength) <= 1e-6).all() and np.diff(choice.strength).min() > -0.5
    assert set(told(choice)) == {"", "head bowed"}, "one reason, even where others hold as well"
    assert len(set(np.diff(choice.reasons).nonzero()[0].tolist())) == 1, "one span"
    assert chosen(tmp_path, faces, checks=False).strength[35] > 0.1


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("pose", [{"bow": 12}, {"yaw": 18}, {"roll": 60}, {"roll": 180}], ids=str)
def test_heads_that_nod_and_turn_keep_their_mouths(tmp_path, scheme, pose):
    (axis, most), *_ = pose.items()
    base = 0 if axis != "roll" else most
    swing = most * np.sin(np.arange(60) / 6) if axis != "roll" else np.full(60, 0.0)
    faces = [drawn_face(150, 120, scheme=scheme, **{axis: base + d}) for d in swing]
    assert (chosen(tmp_path, faces).strength > 0.9).all()


def test_the_measure_is_the_face_s_own_level_look():
    """A long nose is no bow: only the change counts, and the mesh's pitch says what is level."""
    below = np.concatenate([np.full(40, 0.36), np.full(10, 0.36 - 0.0085 * 40)])
    assert np.abs(bowed(below, np.zeros(50))[:40]).max() < 1
    assert np.allclose(bowed(below, np.zeros(50))[40:], 40)
    always = bowed(np.full(20, 0.36 - 0.0085 * 15), np.full(20, -15.0))
    assert np.allclose(always, 15), "bowed throughout"


@pytest.mark.parametrize("scheme", ["68", "478"])
@pytest.mark.parametrize("roll", [0, 90, 180])
@pytest.mark.parametrize("yaw", [-40, 0, 40])
def test_every_pose_of_a_face_fits(scheme, roll, yaw):
    points = drawn_face(150, 120, yaw=yaw, bow=10, roll=roll, scheme=scheme).landmarks[None]
    assert misfit(points, scheme)[0] < 0.02


def test_five_points_fit_any_face():
    points = drawn_face(scheme="5").landmarks
    assert misfit(points[None], "5")[0] == 0 and jump(points, points + 9, "5") == 0
    assert 0.2 < below_nose(points[None], "5")[0] < 0.6


def crumpled(face, seed=3):
    moved = face.landmarks.copy()
    moved[27:48, :2] += np.random.default_rng(seed).normal(0, 8, (21, 2))
    return replace(face, landmarks=moved.astype(np.float32))


def slipped(face):
    """The lower face a third of a face further down."""
    moved = face.landmarks.copy()
    moved[48:] += (0, 30)
    moved[4:13] += (0, 30)
    return replace(face, landmarks=moved)


def beside(face):
    """The detector saw it a face's width further left."""
    x0, y0, x1, y1 = face.box
    return replace(face, box=(x0 - 75, y0, x1 - 75, y1))


@pytest.mark.parametrize(
    "wrong",
    [crumpled, slipped, lambda face: replace(face, score=0.3), beside],
    ids=["no face", "a jump", "a low score", "a box beside"],
)
def test_doubtful_landmarks_pass_through(tmp_path, wrong):
    faces = [drawn_face(150, 120) for _ in range(60)]
    for n in range(20, 32, 2 if wrong is slipped else 1):  # to and fro: each change is a jump
        faces[n] = wrong(faces[n])
    choice = chosen(tmp_path, faces)
    assert not choice.strength[21:30].any()
    assert set(told(choice)[21:30]) == {"landmarks unreliable"}
    assert (choice.strength[:14] > 0.95).all() and (choice.strength[38:] > 0.95).all()


def test_scores_are_compared_with_the_track_s_own(tmp_path):
    """Detectors count differently: 0.4 throughout is no doubt."""
    faces = [drawn_face(150, 120, score=0.4) for _ in range(20)]
    assert (chosen(tmp_path, faces).strength > 0.95).all()


def test_a_fast_move_is_no_jump(tmp_path):
    faces = [
        drawn_face(100 + 25 * (n % 2), 120, 80 + 6 * (n % 3), roll=10 * (n % 2)) for n in range(20)
    ]
    assert (chosen(tmp_path, faces).strength > 0.95).all()


def test_an_analysis_of_another_format_is_made_anew(tmp_path):
    with AnalysisWriter(tmp_path / "a", {}) as writer:
        writer.add(0, [drawn_face()], [0])
        writer.finish(1)
    assert Analysis.exists(tmp_path / "a")
    meta = json.loads((tmp_path / "a" / "meta.json").read_text("utf-8"))
    meta["about"]["format"] = str(FORMAT - 1)
    (tmp_path / "a" / "meta.json").write_text(json.dumps(meta), "utf-8")
    assert not Analysis.exists(tmp_path / "a")
