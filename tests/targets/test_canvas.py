"""The window of a frame that is painted on, and spans that pass through."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from lipsync_core.faces.crops import cut
from lipsync_core.media.formats import picture_format
from lipsync_core.media.picture import Picture
from lipsync_core.records import FrameInfo, Patch
from lipsync_core.targets.canvas import Canvas, window_around
from lipsync_core.targets.target import passthrough_spans


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
