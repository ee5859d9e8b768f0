"""What an evaluation is asked to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lipsync_core.requests import RunRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalRequest:
    """A video to judge.

    Attributes:
        video: the lip-synced video.
        reference: the same frames with the true mouth, or None.
        audio: the sound it should fit; None: its own.
        phones: file with the times of the phones (`evaluation.phones`), or None.
        face_rule: whose mouth, as for `lipsync run --face`.
        detector: name, or None for the embedded one.
        scorers: names; empty: all that can run here.
        device: "auto", "cpu", "cuda", "cuda:N", "mps".
        options: plugin name -> option -> value as text.
    """

    video: Path
    reference: Path | None = None
    audio: Path | None = None
    phones: Path | None = None
    face_rule: str = "largest"
    detector: str | None = None
    scorers: tuple[str, ...] = ()
    device: str = "auto"
    options: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @classmethod
    def of_run(cls, request: RunRequest) -> EvalRequest:
        """What judges the video that a run made."""
        return cls(
            video=request.output,
            face_rule=request.face_rule,
            detector=request.detector,
            device=request.device,
            options=request.options,
        )

    @property
    def sound(self) -> Path:
        """The file whose sound counts."""
        return self.audio or self.video

    def seeing(self, path: Path) -> RunRequest:
        """The part of a run that finds the face in `path`."""
        return RunRequest(
            face=path,
            audio=self.sound,
            output=path,
            face_rule=self.face_rule,
            detector=self.detector,
            device=self.device,
            options=self.options,
        )
