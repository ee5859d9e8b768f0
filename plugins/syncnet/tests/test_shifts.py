"""The scoring arithmetic: the original's numbers, shifts that are known, embeddings in any pieces."""

from __future__ import annotations

import numpy as np
import pytest
from lipsync_syncnet import shifts

from lipsync_core.testing import recipe


def scored(faces, voices, step=None):
    stream = shifts.Shifts(faces.shape[1])
    step = step or len(faces)
    for at in range(0, len(faces), step):
        stream.push(faces[at : at + step], voices[at : at + step])
    return stream.finish()


def test_figures_are_those_that_the_original_gave(parity):
    voices = recipe.normal("sv_fa", (30, 16))
    faces = recipe.normal("sv_fv", (30, 16)) + np.float32(1.5) * np.roll(voices, 3, axis=0)
    found = scored(faces, voices)
    parity.check("syncnet_v2", "mean_dists", found.means)
    offset = -found.later  # there it is positive where the voice is earlier
    figures = np.array([offset, found.distance, found.confidence])
    parity.check("syncnet_v2", "offset_min_conf", figures)


@pytest.mark.parametrize("later", [0, 1, -1, 7, -15, 15])
def test_a_shift_that_is_known(later):
    moments = np.random.default_rng(5).normal(size=(120, 64)).astype(np.float32)
    faces, voices = moments[15:105], moments[15 - later : 105 - later]
    found = scored(faces, voices)
    assert found.later == later
    # Where the voice that belongs to a mouth is within the span it is the same; else there are zeros.
    lost = abs(later) / 90
    assert found.distance == pytest.approx(lost * 8, abs=0.4)
    assert found.confidence > 6


def test_beyond_the_ends_of_the_voice_there_are_zeros():
    """By hand: three mouths, three voices, one number each."""
    faces, voices = np.array([[3.0], [5.0], [9.0]]), np.array([[1.0], [2.0], [4.0]])
    stream = shifts.Shifts(1)
    stream.push(faces.astype(np.float32), voices.astype(np.float32))
    means = []
    for shift in range(-15, 16):
        at = [k + shift for k in range(3)]
        heard = [voices[i, 0] if 0 <= i < 3 else 0.0 for i in at]
        means.append(np.mean(np.abs(faces[:, 0] - heard)))
    found = stream.finish()
    assert found.distance == pytest.approx(min(means), abs=1e-5)
    assert found.later == int(np.argmin(means)) - 15 == 0
    assert found.confidence == pytest.approx(np.median(means) - min(means), abs=1e-5)


@pytest.mark.parametrize("step", [1, 4, 16, 31])
def test_pieces_of_any_size_give_the_same(step):
    random = np.random.default_rng(1)
    faces, voices = random.normal(size=(2, 70, 32)).astype(np.float32)
    whole, pieces = scored(faces, voices), scored(faces, voices, step)
    assert (pieces.distance, pieces.confidence, pieces.later) == (
        whole.distance, whole.confidence, whole.later,
    )  # fmt: skip
    assert np.array_equal(pieces.moments, whole.moments)


def test_the_confidence_of_a_moment_is_the_median_of_nine():
    signal = pytest.importorskip("scipy.signal", reason="extra `test`")
    faces = np.random.default_rng(2).normal(size=(40, 8)).astype(np.float32)
    voices = faces.copy()
    voices[20:27] = 0  # a word that was not spoken
    found = scored(faces, voices)
    assert found.later == 0
    raw = found.confidence + found.distance - np.linalg.norm(faces - voices + 1e-6, axis=1)
    assert np.allclose(found.moments, signal.medfilt(raw, 9), atol=1e-5)
    assert found.moments[23] < found.moments[10]


def test_without_a_moment_there_is_nothing_to_say():
    assert shifts.Shifts(16).finish() is None
