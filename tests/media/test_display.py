"""Videos stand upright as their display matrix asks: four turns, each with and without a mirror."""

from __future__ import annotations

import numpy as np
import pytest
from mediafactory import make_video, number_of, numbered_image

from lipsync_core.media.probe import probe_target
from lipsync_core.media.reader import VideoReader

ORIENTATIONS = [(turn, mirrored) for turn in (0, 90, 180, 270) for mirrored in (False, True)]


@pytest.mark.parametrize("name", ["t.mp4", "t.mov", "t.mkv"])
@pytest.mark.parametrize(("turn", "mirrored"), ORIENTATIONS)
def test_all_eight_orientations_stand_upright(turn, mirrored, name, tmp_path):
    path = make_video(tmp_path / name, rotation=turn, mirrored=mirrored)
    info = probe_target(path)
    assert (info.video.rotation, info.video.mirrored) == (turn, mirrored)
    assert (info.video.width, info.video.height) == ((160, 96) if turn % 180 == 0 else (96, 160))
    with VideoReader(info) as reader:
        pictures = [picture.rgb() for picture in reader.frames()]
    assert [number_of(image) for image in pictures] == list(range(12))
    wanted = numbered_image(0, info.video.width, info.video.height).astype(int)
    assert np.abs(pictures[0] - wanted).mean() < 4


def test_an_output_is_upright_without_a_matrix(tmp_path, render, shown):
    made = render(make_video(tmp_path / "t.mp4", rotation=90, mirrored=True))
    out = probe_target(made.output).video
    assert (out.rotation, out.mirrored, out.width, out.height) == (0, False, 96, 160)
    assert shown(made.output) == list(range(12))
