"""The picture of an evaluation."""

from __future__ import annotations

import numpy as np
import pytest

from lipsync_core.media.waveform import loudest


@pytest.mark.parametrize("size", [1, 7, 80, 341, 1024, 5000])
def test_the_waveform_keeps_time_whatever_the_pieces(size):
    """Pieces of decoded sound have any length; a column stands for its own hundredth of a second."""
    sound = np.zeros(4010, np.float32)
    sound[[0, 1600, 1679, 3999, 4005]] = 0.5, -0.9, 0.2, -0.4, 0.1
    found = loudest((sound[a : a + size] for a in range(0, len(sound), size)), 80)
    expected = np.zeros(51, np.float32)
    expected[[0, 20, 49, 50]] = 0.5, 0.9, 0.4, 0.1
    np.testing.assert_array_equal(found, expected)


def test_no_sound_at_all():
    assert len(loudest([], 80)) == 0
