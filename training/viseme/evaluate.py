"""Scores of the shipped runtime: recordings through the streaming encoder, against the reference curves."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lipsync_core.builtin.viseme import network
from lipsync_core.builtin.viseme.articulation import LEAD, PRESS
from lipsync_core.builtin.viseme.encoder import VisemeStream
from lipsync_core.builtin.viseme.network import load
from lipsync_core.builtin.viseme.normalisation import RunningStatistics
from lipsync_core.builtin.viseme.targets import CURVES, VISEMES
from training.viseme import reference
from training.viseme.dataset import Session
from training.viseme.phonemes import LABELS_PER_SECOND
from training.viseme.realspeech import Clip

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

FPS = Fraction(25)
PUSH = 1600
"""Samples per push (0.1 s): scores are of the live path."""
CLOSED_REFERENCE, CLOSED_MADE = 0.5, 0.4
"""A closure begins where `press` rises above this; the thresholds of the prototype's evaluation."""
TOLERANCE = 2
"""Frames (80 ms) that a closure may be off."""


@dataclass(frozen=True, kw_only=True)
class Scores:
    """Correlations and spreads are over all frames of all clips; closures are counted by their onsets."""

    seconds: float
    frame_accuracy: float
    correlation: dict[str, float]
    spread: dict[str, tuple[float, float]]
    """Standard deviation of (reference, made)."""
    closures: int
    closure_recall: float
    closure_precision: float

    def record(self) -> dict[str, object]:
        """Plain data, rounded, for the figures file."""
        return {key: _rounded(value) for key, value in asdict(self).items()}


def _rounded(value: object) -> object:
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [_rounded(item) for item in value]
    return value


def onsets(press: NDArray[np.float64], threshold: float) -> list[int]:
    """Frames where `press` rises above the threshold."""
    above = press > threshold
    return [i for i in range(len(above)) if above[i] and (i == 0 or not above[i - 1])]


def _matched(some: list[int], others: list[int]) -> int:
    return sum(any(abs(a - b) <= TOLERANCE for b in others) for a in some)


def encode(session: InferenceSession, clip: Clip) -> NDArray[np.float32]:
    """All rows of a clip through the streaming encoder."""
    stream = VisemeStream(session, FPS)
    pushes = [clip.samples[i : i + PUSH] for i in range(0, len(clip.samples), PUSH)]
    return np.concatenate([*map(stream.push, pushes), stream.flush()])


def evaluate(clips: list[Clip], session: InferenceSession | None = None) -> Scores:
    """Scores over the clips; without a session, of the file that ships."""
    session = load() if session is None else session
    wanted, made, hits, frames = [], [], 0, 0
    found = expected = found_right = expected_right = 0
    for clip in clips:
        rows = encode(session, clip)
        visemes, poses = rows[:, : len(VISEMES)], rows[:, len(VISEMES) :].astype(np.float64)
        truth = reference.at_frames(reference.curves(clip.labels), float(FPS), len(rows))
        times = np.arange(len(rows)) / float(FPS) + float(LEAD)
        index = np.minimum((times * LABELS_PER_SECOND).round().astype(int), len(clip.labels) - 1)
        hits += int((visemes.argmax(1) == clip.labels[index]).sum())
        frames += len(rows)
        real = onsets(truth[:, PRESS], CLOSED_REFERENCE)
        seen = onsets(poses[:, PRESS], CLOSED_MADE)
        expected, found = expected + len(real), found + len(seen)
        expected_right += _matched(real, seen)
        found_right += _matched(seen, real)
        wanted.append(truth)
        made.append(poses)
    a, b = np.concatenate(wanted), np.concatenate(made)
    return Scores(
        seconds=sum(len(clip.samples) for clip in clips) / 16000,
        frame_accuracy=hits / frames,
        correlation={
            name: float(np.corrcoef(a[:, i], b[:, i])[0, 1]) for i, name in enumerate(CURVES)
        },
        spread={
            name: (float(a[:, i].std()), float(b[:, i].std())) for i, name in enumerate(CURVES)
        },
        closures=expected,
        closure_recall=expected_right / max(expected, 1),
        closure_precision=found_right / max(found, 1),
    )


def synthetic_accuracy(sessions: list[Session]) -> float:
    """Share of right visemes, step by step, in sessions of the training's own kind."""
    session, right, steps = load(), 0, 0
    for item in sessions:
        mel = item.mel.astype(np.float32)
        weights = network.WeightStream(session).push(mel, RunningStatistics().push(mel))
        labels = item.labels[:: network.FRAMES_PER_STEP][: len(weights)]
        right += int((weights.argmax(1) == labels).sum())
        steps += len(labels)
    return right / steps
