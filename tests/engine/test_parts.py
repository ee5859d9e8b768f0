"""Small parts of the engine: threads, segments, canvases, workspaces, reports, verification."""

from __future__ import annotations

import json
import threading
import time
from fractions import Fraction

import cv2
import numpy as np
import pytest

from lipsync_core.engine.live.utterances import Mouthpiece
from lipsync_core.engine.record.verify import verify
from lipsync_core.engine.rendering.segments import cut_segments
from lipsync_core.errors import VerificationFailed
from lipsync_core.faces.crops import cut
from lipsync_core.media.formats import picture_format
from lipsync_core.media.picture import Picture
from lipsync_core.records import FrameInfo, Patch
from lipsync_core.running.queues import Sink, ahead
from lipsync_core.running.stopwatch import Stopwatch
from lipsync_core.targets.canvas import Canvas, window_around
from lipsync_core.targets.target import passthrough_spans


def test_ahead_is_bounded_and_in_order():
    made = []

    def items():
        for n in range(50):
            made.append(n)
            yield n

    reader = ahead(items(), 3)
    assert next(reader) == 0
    time.sleep(0.2)
    assert len(made) <= 6, "one out, three waiting, one in the hand of each side"
    assert list(reader) == list(range(1, 50))


def test_ahead_hands_over_errors_and_stops_its_thread():
    closed = threading.Event()

    def items():
        try:
            yield 1
            raise ValueError("broken")
        finally:
            closed.set()

    with pytest.raises(ValueError, match="broken"):
        list(ahead(items(), 2))

    def endless():
        try:
            while True:
                yield 0
        finally:
            closed.set()

    closed.clear()
    reader = ahead(endless(), 2)
    next(reader)
    reader.close()
    assert closed.wait(2)
    assert not [t for t in threading.enumerate() if t.name == "lipsync-ahead"]


def test_a_sink_does_all_or_tells():
    done = []
    with Sink(done.append, 2) as sink:
        for n in range(20):
            sink.put(n)
    assert done == list(range(20))

    def refuse(item):
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"), Sink(refuse, 2) as sink:
        for n in range(20):
            sink.put(n)
    with pytest.raises(KeyError), Sink(lambda item: time.sleep(0.01), 50) as sink:
        for n in range(50):
            sink.put(n)
        begin = time.monotonic()
        raise KeyError
    assert time.monotonic() - begin < 0.4, "what was queued is dropped"


def test_segments_cover_every_shot_and_cross_none():
    segments = cut_segments([(0, 90), (90, 91), (91, 300)], 100)
    assert [(s.shot, s.start, s.stop) for s in segments] == [
        (0, 0, 90), (1, 90, 91), (2, 91, 161), (2, 161, 230), (2, 230, 300),
    ]  # fmt: skip
    assert [s.number for s in segments] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("scale", [1.0, 0.3, 2.5])
@pytest.mark.parametrize("corner", [(-20.0, -10.0), (70.3, 40.6), (150.0, 90.0)])
def test_a_window_holds_all_that_a_crop_looks_at(scale, corner):
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (120, 200, 3)).astype(np.uint8)
    image = np.asarray(cv2.GaussianBlur(noise, (0, 0), 1.5), np.uint8)
    picture = Picture.from_rgb(
        image, FrameInfo(index=0, time=0, duration=1), picture_format(200, 120, 25)
    )
    matrix = np.array([[scale, 0, -scale * corner[0]], [0, scale, -scale * corner[1]]])
    size = (40, 32)
    window = window_around([(matrix, size)], (200, 120))
    assert all(side % 2 == 0 for side in window)
    canvas = Canvas(picture, window)
    part, whole = cut(canvas.image, canvas.local(matrix), size), cut(image, matrix, size)
    assert np.abs(part.astype(int) - whole).max() <= (1 if scale >= 1.0 else 12)


def test_a_canvas_gives_back_what_was_painted():
    image = np.zeros((60, 80, 3), np.uint8)
    picture = Picture.from_rgb(
        image, FrameInfo(index=0, time=0, duration=1), picture_format(80, 60, 25)
    )
    canvas = Canvas(picture, (10, 20, 50, 40))
    canvas.paste(None)
    assert canvas.picture() is picture
    canvas.paste(Patch(x=-5, y=15, image=np.full((10, 10, 3), 9, np.uint8)))
    made = canvas.picture().rgb()
    assert made[35:40, 10:15].min() == 9 and made.sum() == 5 * 5 * 3 * 9
    assert picture.rgb().sum() == 0, "the frame itself is left alone"
    assert canvas.points(np.array([[12.0, 25.0, 3.0]], np.float32)).tolist() == [[2, 5, 3]]


def test_passthrough_spans():
    reasons = np.array([0, 1, 1, 0, 2, 3, 3], np.int8)
    assert passthrough_spans(reasons) == [
        {"first": 1, "last": 2, "why": "no face"},
        {"first": 4, "last": 4, "why": "too small"},
        {"first": 5, "last": 6, "why": "turned away"},
    ]
    assert passthrough_spans(np.zeros(3, np.int8)) == []


def test_the_stopwatch_adds_up():
    watch = Stopwatch()
    for _ in range(3):
        with watch.on("a"):
            pass
    watch.add("b", 1.5)
    told = watch.report()
    assert told["a"]["calls"] == 3 and told["b"] == {"seconds": 1.5, "calls": 1}


class Ticks:
    """A row per 640 samples (25 a second), known 100 samples later."""

    def __init__(self):
        self.heard = self.given = 0

    def push(self, samples):
        self.heard += len(samples)
        return self._to(max(0, self.heard - 100) // 640)

    def flush(self):
        return self._to(-(-self.heard // 640))

    def _to(self, until):
        rows = np.arange(self.given, until, dtype=np.float32)[:, None]
        self.given = max(self.given, until)
        return rows


def test_sound_of_the_frames_adds_up_at_odd_rates():
    mouth = Mouthpiece(Ticks, None, (1,), Fraction(30000, 1001))
    sizes = [len(mouth.step(n)[1]) for n in range(300)]
    assert sum(sizes) == int(300 * 16000 / Fraction(30000, 1001))


def test_utterances_follow_each_other():
    mouth = Mouthpiece(Ticks, None, (1,), Fraction(25))
    for value in (0.1, 0.2):
        mouth.push(np.full(1280, value, np.float32))
        mouth.flush()
    said = [mouth.step(n) for n in range(5)]
    assert [speaking for speaking, _ in said] == [True] * 4 + [False]
    assert [round(float(s.mean()), 1) for _, s in said] == [0.1, 0.1, 0.2, 0.2, 0.0]


def test_waiting_ends_early_when_someone_begins_to_speak():
    mouth = Mouthpiece(Ticks, None, (1,), Fraction(25))
    assert mouth.wait(time.monotonic() - 1) == 0.0
    threading.Timer(0.05, lambda: mouth.push(np.zeros(2000, np.float32))).start()
    begin = time.monotonic()
    left = mouth.wait(begin + 5)
    assert left > 4 and time.monotonic() - begin < 1


def test_verify_reads_back_and_compares(face_clip, voice, job):
    done = job(face_clip, voice)
    told = verify(done.output)
    assert told["generators"] == "viseme" and told["run"] == done.report["run"]
    path = done.output.with_name(done.output.name + ".report.json")
    path.write_text(json.dumps(done.report | {"run": "another"}))
    with pytest.raises(VerificationFailed, match="another"):
        verify(done.output)
    path.unlink()
    assert verify(done.output)["report"] is None
    with pytest.raises(VerificationFailed, match="no mark"):
        verify(face_clip)
    bare = job(face_clip, voice, name="bare.mp4", provenance=False)
    with pytest.raises(VerificationFailed, match="its report says"):
        verify(bare.output)
