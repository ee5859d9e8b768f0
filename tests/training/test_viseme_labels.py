"""Labels of the training pipeline, and the runtime's curves against its independent reference."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from lipsync_core.builtin.viseme.articulation import ArticulationStream
from lipsync_core.builtin.viseme.targets import CURVES, VISEMES

phonemes = pytest.importorskip("training.viseme.phonemes", reason="not in an installed package")


def names(labels: np.ndarray) -> list[str]:
    """The visemes in order, repeats dropped."""
    return [VISEMES[label] for i, label in enumerate(labels) if i == 0 or label != labels[i - 1]]


def test_diphthongs_and_affricates_share_their_time() -> None:
    segments = phonemes.arpabet_segments(0.0, 0.2, "AW") + phonemes.arpabet_segments(0.2, 0.4, "CH")
    assert names(phonemes.track(segments, 0.39)) == ["aa", "ou", "DD", "CH"]
    assert segments[1].start == pytest.approx(0.1)


def test_h_has_the_mouth_of_what_follows() -> None:
    segments = phonemes.arpabet_segments(0.0, 0.1, "HH") + phonemes.arpabet_segments(0.1, 0.3, "UW")
    assert names(phonemes.track(segments, 0.29)) == ["ou"]


def test_a_short_ah_is_a_schwa() -> None:
    assert phonemes.arpabet_segments(0.0, 0.05, "AH")[0].viseme == "E"
    assert phonemes.arpabet_segments(0.0, 0.15, "AH")[0].viseme == "aa"


def test_ipa_ignores_stress_and_length() -> None:
    assert phonemes.ipa_visemes("ˈaɪ") == ("aa", "ih")
    assert phonemes.ipa_visemes("tʃ") == ("DD", "CH")
    assert phonemes.ipa_visemes("ː") == ()


def test_streamed_curves_follow_the_offline_reference() -> None:
    """Perfect weights through the causal kernels keep nearly all of every curve."""
    reference = pytest.importorskip("training.viseme.reference")
    rng = np.random.default_rng(3)
    labels = np.repeat(rng.integers(0, 15, 120), rng.integers(5, 16, 120)).astype(np.int8)
    weights = np.eye(15, dtype=np.float32)[labels[::2]]
    made = ArticulationStream(Fraction(25)).push(weights, np.ones(len(weights)))[:, len(VISEMES) :]
    wanted = reference.at_frames(reference.curves(labels), 25.0, len(made))
    for column, name in enumerate(CURVES):
        correlation = np.corrcoef(made[:, column], wanted[:, column])[0, 1]
        assert correlation > (0.97 if name == "jaw" else 0.9), name
