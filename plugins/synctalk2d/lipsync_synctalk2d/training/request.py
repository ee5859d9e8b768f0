"""The settings of a training run, as data. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from lipsync_synctalk2d.layouts import Layout, layout_for

Features = Literal["ave", "mel", "viseme", "hubert"]
FEATURES: tuple[Features, ...] = ("ave", "mel", "viseme", "hubert")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainRequest:
    """One training.

    Attributes:
        footage: a video of the person with sound, or upstream's folder `dataset/NAME`.
        name: what the person will be called.
        consent: who agreed to what; stored on the card.
        licence: terms of use of the result; stored on the card.
        features: the audio features.
        side: width and height of its pictures.
        thin: all numbers of channels are divided by this.
        batch: pictures in a step.
        epochs: how often the U-Net sees the footage.
        sync_epochs: how often SyncNet does; 0: no SyncNet, and no sync loss.
        sync_weight: of the sync loss.
        face_rule: whose face, as for `lipsync run --face`.
        detector: name, or None for the built-in one.
        offset_ms: milliseconds by which the sound is moved later, to correct footage whose sound is early.
        device: "auto", "cpu", "cuda", "cuda:1".
        precision: "auto", "fp32", "bf16".
        threads: CPU threads.
        seed: of everything that is drawn.
        save_seconds: at most so many seconds of work are lost by a kill.
        anyway: train although the footage was found wanting.
        tensorboard: write its files as well.
    """

    footage: Path
    name: str
    consent: str
    licence: str
    features: Features
    side: Literal[320, 160]
    thin: int
    batch: int
    epochs: int
    sync_epochs: int
    sync_weight: float
    face_rule: str = "largest"
    detector: str | None = None
    offset_ms: int = 0
    device: str = "auto"
    precision: str = "auto"
    threads: int = 1
    seed: int = 0
    save_seconds: float = 60.0
    anyway: bool = False
    tensorboard: bool = False

    @property
    def layout(self) -> Layout:
        """Of the network."""
        return layout_for(self.side, self.features, self.thin)

    def recipe(self, footage: str) -> dict[str, Any]:
        """What must be the same for a training to resume: all that affects the numbers but the epochs.

        Args:
            footage: digest of the footage's content.
        """
        names = ("features", "side", "thin", "batch", "sync_epochs", "sync_weight", "face_rule")
        more = ("detector", "offset_ms", "precision", "seed")
        return {"footage": footage} | {name: getattr(self, name) for name in (*names, *more)}
