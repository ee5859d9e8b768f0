"""The expert as a scorer: its figures are those of the embeddings, and a shifted voice is found shifted."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from lipsync_wav2lip import expert
from lipsync_wav2lip.scorer import REACH, ExpertScorer, _Span
from lipsync_wav2lip.spec import EXPERT, EXPERT_FILE

from lipsync_core.conformance import inputs
from lipsync_core.contracts import OpenContext, Unavailable
from lipsync_core.errors import PluginFault, PluginUnavailable
from lipsync_core.registry.probing import context_for, probe
from lipsync_core.voice.mel import MelStream

COUNT = 40


@pytest.fixture(scope="module")
def crops():
    return inputs.crops(EXPERT.crop, COUNT)


def test_figures_are_those_of_the_embeddings(home, expert_checkpoint: Path, crops):
    home(expert_checkpoint)
    scorer = ExpertScorer()
    scorer.open(context_for(EXPERT))
    sound = inputs.voice(16_000, COUNT / 25)
    stream = scorer.stream()
    stream.push(crops, sound)
    found = stream.finish()
    judge = expert.Expert(expert_checkpoint)
    mel = MelStream(Fraction(25))
    rows = np.concatenate([mel.push(sound), mel.flush()])[: COUNT - 4]
    windows = np.stack([crops.images[k : k + 5] for k in range(COUNT - 4)])
    faces, voices = judge.embed_faces(windows), judge.embed_mel(rows)
    cosines = expert.cosine(faces, voices)
    assert found.figures["agreement"] == pytest.approx(float(cosines.mean()), abs=1e-5)
    apart = float(expert.distance(faces, voices).mean())
    assert found.figures["distance"] == pytest.approx(apart, abs=1e-5)
    by_hand = [
        np.mean([faces[i] @ voices[i + s] for i in range(len(faces)) if 0 <= i + s < len(faces)])
        for s in range(-REACH, REACH + 1)
    ]
    assert found.figures["offset"] == int(np.argmax(by_hand)) - REACH
    curve = found.curves["agreement"]
    assert curve.shape == (COUNT,)
    assert np.isnan(curve[[0, 1, -2, -1]]).all()
    assert np.allclose(curve[2:-2], cosines, atol=1e-5)
    scorer.close()


class Numbers:
    """An expert that sees the moment in a picture's first pixel, and hears it in a window's first band."""

    def embed_faces(self, crops: np.ndarray) -> np.ndarray:
        return self._rows(crops[:, 0, 0, 0, 0].astype(int))

    def embed_mel(self, windows: np.ndarray) -> np.ndarray:
        return self._rows(np.rint(windows[:, 0, 0]).astype(int))

    def _rows(self, moments: np.ndarray) -> np.ndarray:
        rows = np.zeros((len(moments), 512), np.float32)
        rows[np.arange(len(moments)), moments + 100] = 1.0
        return rows


class Heard:
    """Rows in place of sound: each sample is one row's number."""

    def push(self, samples: np.ndarray) -> np.ndarray:
        return np.broadcast_to(samples[:, None, None], (len(samples), 80, 16)).astype(np.float32)

    def flush(self) -> np.ndarray:
        return np.zeros((0, 80, 16), np.float32)


@pytest.mark.parametrize("late", [0, 3, -7, 15])
def test_a_voice_that_is_late_or_early_is_found(crops, late: int):
    span = _Span(Numbers())  # type: ignore[arg-type]
    span._mel = Heard()  # type: ignore[assignment]
    moments = np.arange(COUNT)
    shown = inputs.piece(crops, 0, COUNT)
    shown.images[:] = moments[:, None, None, None]
    for at in range(0, COUNT, 9):
        sound = (moments[at : at + 9] - late).astype(np.float32)
        span.push(inputs.piece(shown, at, min(at + 9, COUNT)), sound)
    found = span.finish()
    assert found.figures["offset"] == late
    assert found.figures["agreement"] == (1.0 if late == 0 else 0.0)


def test_a_span_without_a_window_has_figures(home, expert_checkpoint: Path, crops):
    home(expert_checkpoint)
    scorer = ExpertScorer()
    scorer.open(context_for(EXPERT))
    stream = scorer.stream()
    stream.push(inputs.piece(crops, 0, 3), np.zeros(1920, np.float32))
    found = stream.finish()
    assert found.figures == {"agreement": 0.0, "distance": 0.0, "offset": 0.0}
    assert np.isnan(found.curves["agreement"]).all()


def test_without_its_file_it_is_unavailable(home):
    home()
    told = probe(EXPERT)
    assert isinstance(told, Unavailable)
    assert EXPERT_FILE in told.reason


def test_it_is_opened_before_it_is_used_and_with_its_file(home, expert_checkpoint: Path):
    home(expert_checkpoint)
    scorer = ExpertScorer()
    with pytest.raises(PluginFault, match="before it was opened"):
        scorer.stream()
    with pytest.raises(PluginUnavailable, match=r"not here: lipsync_expert\.pth") as error:
        scorer.open(OpenContext())
    assert "lipsync weights import FILE" in error.value.hint
    scorer.open(context_for(EXPERT))
    scorer.close()
    scorer.close()
    with pytest.raises(PluginFault, match="before it was opened"):
        scorer.stream()
