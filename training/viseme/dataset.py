"""Sessions of labelled log-mel frames: made from a source, stored, loaded."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lipsync_core.builtin.viseme.melspec import SAMPLE_RATE, log_mel
from training.viseme.augment import augment
from training.viseme.espeak import Espeak
from training.viseme.hibari_voice import Hibari
from training.viseme.phonemes import LABELS_PER_SECOND, Segment, track
from training.viseme.recorded import Festival, Flite
from training.viseme.speech import Source, at_model_rate

SOURCES: dict[str, type[Source]] = {s.name: s for s in (Espeak, Flite, Festival, Hibari)}
SESSION_SECONDS = (6.0, 14.0)
"""Long enough that a session begins with untrained running statistics and ends with settled ones."""


@dataclass(frozen=True, kw_only=True)
class Session:
    """One voice in one recording condition: raw log-mel (t, 64) float16, viseme labels (t,) int8."""

    mel: NDArray[np.float16]
    labels: NDArray[np.int8]


def make_session(source: Source, rng: np.random.Generator, held_out: bool) -> Session:
    """A few sentences of one voice with pauses between them, in one random recording condition."""
    source.cast(rng, held_out)
    warp = float(rng.uniform(0.84, 1.2))
    wanted = rng.uniform(*SESSION_SECONDS)
    position = rng.uniform(0.0, 0.8)
    pieces = [np.zeros(int(position * SAMPLE_RATE), np.float32)]
    segments: list[Segment] = []
    position = len(pieces[0]) / SAMPLE_RATE
    while position < wanted:
        spoken = source.say(rng)
        if spoken is None:
            source.cast(rng, held_out)
            continue
        speech = at_model_rate(spoken, warp)
        pause = np.zeros(int(rng.uniform(0.0, 0.6) * SAMPLE_RATE), np.float32)
        pieces += [speech.samples, pause]
        segments += [Segment(a + position, b + position, v) for a, b, v in speech.segments]
        position += (len(speech.samples) + len(pause)) / SAMPLE_RATE
    samples = augment(np.concatenate(pieces), rng)
    mel = log_mel(samples)
    labels = track(segments, len(samples) / SAMPLE_RATE)
    count = min(len(mel), len(labels))
    return Session(mel=mel[:count].astype(np.float16), labels=labels[:count])


def make(source_name: str, seconds: float, seed: int, held_out: bool, path: Path) -> None:
    """Write at least `seconds` of sessions of one source to a .npz file."""
    started = time.process_time()
    source = SOURCES[source_name]()
    rng = np.random.default_rng(seed)
    sessions: list[Session] = []
    while sum(len(s.labels) for s in sessions) < seconds * LABELS_PER_SECOND:
        sessions.append(make_session(source, rng, held_out))
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(
        path,
        mel=np.concatenate([s.mel for s in sessions]),
        labels=np.concatenate([s.labels for s in sessions]),
        lengths=np.asarray([len(s.labels) for s in sessions]),
        cpu_seconds=time.process_time() - started,
    )


def load(path: Path) -> list[Session]:
    """What `make` wrote."""
    with np.load(path) as stored:
        cuts = np.cumsum(stored["lengths"])[:-1]
        mels, labels = np.split(stored["mel"], cuts), np.split(stored["labels"], cuts)
    return [Session(mel=m, labels=y) for m, y in zip(mels, labels, strict=True)]
