"""The scoring arithmetic: the original's numbers, shifts that are known, embeddings in any pieces."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture(scope="module")
def shifts():
    from lipsync_syncnet import shifts as module

    return module


def scored(shifts, faces, voices, step=None):
    stream = shifts.Shifts(faces.shape[1])
    step = step or len(faces)
    for at in range(0, len(faces), step):
        stream.push(faces[at : at + step], voices[at : at + step])
    return stream.finish()


def test_figures_are_those_that_the_original_gave(shifts, recipe):
    voices = recipe.normal("sv_fa", (30, 16))
    faces = recipe.normal("sv_fv", (30, 16)) + np.float32(1.5) * np.roll(voices, 3, axis=0)
    found = scored(shifts, faces, voices)
    offset, distance, confidence = recipe.stored("offset_min_conf")
    assert found.distance == pytest.approx(distance, abs=1e-5)
    assert found.confidence == pytest.approx(confidence, abs=1e-5)
    assert found.later == -offset, "there it is positive where the voice is earlier"
    means = recipe.stored("mean_dists")
    assert found.confidence + found.distance == pytest.approx(np.median(means), abs=1e-5)
    assert means[found.later + shifts.REACH] == means.min()


@pytest.mark.parametrize("later", [0, 1, -1, 7, -15, 15])
def test_a_shift_that_is_known(shifts, later):
    moments = np.random.default_rng(5).normal(size=(120, 64)).astype(np.float32)
    faces, voices = moments[15:105], moments[15 - later : 105 - later]
    found = scored(shifts, faces, voices)
    assert found.later == later
    # Where the voice that belongs to a mouth is within the stretch it is the same; else there are zeros.
    lost = abs(later) / 90
    assert found.distance == pytest.approx(lost * 8, abs=0.4)
    assert found.confidence > 6


def test_beyond_the_ends_of_the_voice_there_are_zeros(shifts):
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
def test_pieces_of_any_size_give_the_same(shifts, step):
    random = np.random.default_rng(1)
    faces, voices = random.normal(size=(2, 70, 32)).astype(np.float32)
    whole, pieces = scored(shifts, faces, voices), scored(shifts, faces, voices, step)
    assert (pieces.distance, pieces.confidence, pieces.later) == (
        whole.distance, whole.confidence, whole.later,
    )  # fmt: skip
    assert np.array_equal(pieces.moments, whole.moments)


def test_the_confidence_of_a_moment_is_the_median_of_nine(shifts):
    signal = pytest.importorskip("scipy.signal", reason="extra `test`")
    faces = np.random.default_rng(2).normal(size=(40, 8)).astype(np.float32)
    voices = faces.copy()
    voices[20:27] = 0  # a word that was not spoken
    found = scored(shifts, faces, voices)
    assert found.later == 0
    raw = found.confidence + found.distance - np.linalg.norm(faces - voices + 1e-6, axis=1)
    assert np.allclose(found.moments, signal.medfilt(raw, 9), atol=1e-5)
    assert found.moments[23] < found.moments[10]


def test_without_a_moment_there_is_nothing_to_say(shifts):
    assert shifts.Shifts(16).finish() is None
