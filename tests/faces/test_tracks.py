"""Shots, tracks, smoothing, the analysis on disk, and the choice of who speaks."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from facefactory import drawn_face as face
from facefactory import face_frame

from lipsync_core.contracts import Detector
from lipsync_core.errors import PluginFault, UsageError
from lipsync_core.faces.analyse import analyse
from lipsync_core.faces.analysis import Analysis, AnalysisWriter
from lipsync_core.faces.selection import REASONS, FaceRule, choose
from lipsync_core.faces.shots import DELAY, ShotDetector, with_cuts
from lipsync_core.faces.smoothing import gaussian, runs
from lipsync_core.faces.tracking import MAX_GAP, Tracker, overlap
from lipsync_core.records import Face


class Scripted(Detector):
    """Gives what the script says for each frame, in order."""

    def __init__(self, script):
        self.script, self.at, self.resets = script, 0, 0

    def open(self, context):
        pass

    def detect(self, images):
        found = self.script[self.at : self.at + len(images)]
        self.at += len(images)
        return found

    def reset(self):
        self.resets += 1


def analysed(tmp_path, script, images=None, batch=1) -> Analysis:
    images = images or [np.full((240, 320, 3), 100, np.uint8)] * len(script)
    watched = with_cuts(images, Fraction(25))
    with AnalysisWriter(tmp_path / "a", {"by": "test"}) as writer:
        return analyse(watched, Scripted(script), writer, batch=batch)


def test_cuts_are_found_where_they_are():
    detector = ShotDetector(Fraction(25))
    cuts = []
    for n in range(40):
        image = face_frame(n) if n < 21 else 255 - face_frame(n)[::-1]
        found = detector.push(np.ascontiguousarray(image))
        assert all(c <= n - DELAY for c in found)
        cuts += found
    assert cuts == [21]


def test_motion_is_no_cut():
    detector = ShotDetector(Fraction(25))
    assert [c for n in range(40) for c in detector.push(np.roll(face_frame(n), 4 * n, 1))] == []


def test_ids_stay_with_their_faces():
    tracker = Tracker()
    left, right = face(80), face(220)
    assert tracker.push(0, [left, right]) == [0, 1]
    assert tracker.push(1, [right, left]) == [1, 0]
    assert tracker.push(2, [right]) == [1]
    assert tracker.push(3, [face(84), right]) == [0, 1], "found again where it was"
    tracker.cut()
    assert tracker.push(4, [left]) == [2], "a new shot, a new track"
    assert tracker.push(4 + MAX_GAP + 1, [left]) == [3], "lost for too long"


def test_overlap():
    assert overlap((0, 0, 2, 2), (1, 0, 3, 2)) == pytest.approx(1 / 3)
    assert overlap((0, 0, 1, 1), (1, 1, 2, 2)) == 0.0


def test_smoothing_calms_noise_and_leaves_stillness():
    noisy = np.random.default_rng(0).normal(0, 1, (200, 5)).astype(np.float32)
    assert gaussian(noisy).std() < 0.65
    still = np.full((9, 3), 7.25, np.float32)
    assert np.array_equal(gaussian(still), still)
    assert runs(np.array([3, 4, 5, 9, 10])) == [(0, 3), (3, 5)]
    assert runs(np.array([], np.int64)) == []


def test_landmarks_come_back_from_disk(tmp_path):
    rng = np.random.default_rng(1)
    points = (rng.normal(0, 1, (478, 3)) * (30, 40, 25) + (600, 300, 0)).astype(np.float32)
    with AnalysisWriter(tmp_path / "a", {}) as writer:
        writer.add(0, [Face(box=(1, 2, 3, 4), score=1, landmarks=points, scheme="478")], [0])
        analysis = writer.finish(1)
    assert np.abs(analysis.landmarks(np.array([0]))[0] - points).max() < 0.01


def test_an_analysis_is_whole_or_not_there(tmp_path):
    with pytest.raises(RuntimeError), AnalysisWriter(tmp_path / "a", {}) as writer:
        writer.add(0, [face()], [0])
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
    assert not Analysis.exists(tmp_path / "a")
    analysed(tmp_path, [[face()]])
    assert Analysis.exists(tmp_path / "a")


@pytest.mark.parametrize("batch", [1, 4, 7])
def test_batches_never_span_a_cut(tmp_path, batch):
    images = [face_frame(n) if n < 13 else 255 - face_frame(n)[::-1] for n in range(24)]
    script = [[face(100 + n)] for n in range(24)]
    detector = Scripted(script)
    watched = with_cuts((np.ascontiguousarray(i) for i in images), Fraction(25))
    with AnalysisWriter(tmp_path / "a", {}) as writer:
        result = analyse(watched, detector, writer, batch=batch)
    assert result.frames == 24 and result.shots == [(0, 13), (13, 24)]
    assert result.rows["frame"].tolist() == list(range(24))
    assert result.rows["track"].tolist() == [0] * 13 + [1] * 11
    assert detector.resets == 2


def test_smoothed_landmarks_do_not_depend_on_what_is_asked(tmp_path):
    rng = np.random.default_rng(2)
    analysis = analysed(tmp_path, [[face(100 + rng.normal())] for _ in range(30)])
    whole, boxes = analysis.smoothed(np.arange(30))
    for chosen in ([0, 1, 2], range(10, 20), [27, 28, 29], [3, 4, 15, 29], [0, 29]):
        part, part_boxes = analysis.smoothed(np.array(chosen))
        assert np.array_equal(part, whole[list(chosen)])
        assert np.array_equal(part_boxes, boxes[list(chosen)])


def test_only_the_landmarks_at_hand_are_read(tmp_path, monkeypatch):
    analysis = analysed(tmp_path, [[face()]] * 300)
    read = []
    whole = Analysis.landmarks
    monkeypatch.setattr(
        Analysis, "landmarks", lambda self, at: read.append(len(at)) or whole(self, at)
    )
    analysis.smoothed(np.array([0, 150, 299]))
    assert sum(read) <= 27


def test_a_detector_that_breaks_the_contract_is_named(tmp_path):
    with pytest.raises(PluginFault, match="answered for 0"):
        analysed(tmp_path, [[]], [np.zeros((64, 64, 3), np.uint8)] * 2)
    bad = Face(box=(0, 0, 1, 1), score=1, landmarks=np.zeros((5, 2), np.float32), scheme="68")
    with pytest.raises(PluginFault, match=r"\(5, 2\)"):
        analysed(tmp_path, [[bad]])


def test_rules_choose_whom_they_say(tmp_path):
    big, middle = face(80, size=90), face(170, 110, size=60)
    analysis = analysed(tmp_path, [[big, middle]] * 6)
    size = (320, 240)
    pick = {
        r: choose(analysis, FaceRule.parse(r), size).rows[3] % 2
        for r in ("largest", "center", "id:1")
    }
    assert pick == {"largest": 0, "center": 1, "id:1": 1}
    assert choose(analysis, FaceRule.parse("point:172,115"), size).rows[0] == 1
    nobody = choose(analysis, FaceRule.parse("point:310,10"), size)
    assert (nobody.rows == -1).all() and (nobody.strength == 0).all()
    with pytest.raises(UsageError, match="id 9"):
        choose(analysis, FaceRule.parse("id:9"), size)
    for text in ("tallest", "id:x", "point:3", "largest:2", ""):
        with pytest.raises(UsageError, match="--face"):
            FaceRule.parse(text)


def test_reasons_and_fades(tmp_path):
    script = [[face()]] * 10 + [[]] * 8 + [[face()]] * 10 + [[face(yaw=60)]] * 6
    choice = choose(analysed(tmp_path, script), FaceRule.parse("largest"), (320, 240))
    told = [REASONS[r] for r in choice.reasons]
    assert set(told[11:17]) == {"no face"}
    assert told[-1] == "turned away"
    assert choice.strength[5] == pytest.approx(1.0) and choice.strength[0] > 0.9
    fading = choice.strength[6:10]
    assert (np.diff(fading) < 0).all() and fading[-1] > 0, "fades before the face is lost"


def test_too_small_is_a_reason(tmp_path):
    choice = choose(
        analysed(tmp_path, [[face(size=20)]] * 6), FaceRule.parse("largest"), (320, 240)
    )
    assert {REASONS[r] for r in choice.reasons} == {"too small"} and not choice.strength.any()


def test_someone_found_again_speaks_on(tmp_path):
    script = [[face(80)]] * 5 + [[]] * (MAX_GAP + 2) + [[face(200)]] * 5
    choice = choose(analysed(tmp_path, script), FaceRule.parse("largest"), (320, 240))
    assert (choice.rows >= 0).sum() == 10
