"""The request of an evaluation."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from lipsync_core.requests import PluginSettings, RunRequest, TargetRequest

__all__ = ["EvalRequest"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalRequest:
    """A video to judge.

    Attributes:
        video: the lip-synced video.
        reference: the same frames with the true mouth, or None.
        audio: the sound it should fit, as for `RunRequest`; None: its own.
        phones: file with the times of the phones (`evaluation.phones`), or None.
        face: whose mouth, as for `lipsync run --face`.
        scorers: names; empty: all that can run here.
        plugins: detector, device and options.
        video_track: which of the video's pictures, as in `TargetRequest`.
        audio_track: which of the sounds, as in `RunRequest`.
    """

    video: Path
    reference: Path | None = None
    audio: Path | None = None
    phones: Path | None = None
    face: str = "largest"
    scorers: tuple[str, ...] = ()
    plugins: PluginSettings = field(default_factory=PluginSettings)
    video_track: str | None = None
    audio_track: str | None = None

    @classmethod
    def of_run(cls, request: RunRequest) -> EvalRequest:
        """What judges the video that a run made."""
        return cls(video=request.output, face=request.target.face, plugins=request.plugins)

    @property
    def sound(self) -> Path:
        """The file whose sound counts."""
        return self.audio or self.video

    def target(self, path: Path) -> TargetRequest:
        """The face to look for in the video, or in its reference."""
        return TargetRequest(path=path, face=self.face)
