"""What a run is asked to do: every choice of the user, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from lipsync_core.errors import UsageError
from lipsync_core.specs import PluginSpec

Fit = Literal["bounce", "loop", "hold", "cut"]
Silence = Literal["close", "keep", "generate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderChoice:
    """How the video is encoded; None takes the media layer's default."""

    encoder: str | None = None
    crf: int | None = None
    preset: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """One job.

    Attributes:
        face: target: a video, an animation, a picture or a folder of pictures.
        audio: the voice: any file with sound.
        output: the video to make.
        generators: names in the order they are tried; empty: the embedded default.
        isolate: those of them that work in a process of their own; the pictures are the same.
        strict: do not add the embedded default as the chain's last link.
        detector: name of the detector; None: the first that is ready.
        blender: name of the blender.
        enhancers: (name, strength or None) in order.
        face_rule: `largest`, `center`, `id:N` or `point:x,y`.
        fit: what happens when the voice is longer than the target.
        silence: the mouth while nobody speaks: closed, as in the target, or as generated.
        idle: a still picture blinks and sways.
        fps: frames a second of a video made from still pictures.
        device: "auto", "cpu", "cuda", "cuda:N", "mps".
        precision: "auto", "fp32", "bf16", "fp16".
        options: plugin name -> option -> value as text.
        commercial_only: keep plugins out whose weights may not clearly be used commercially.
        provenance: mark the output as AI-edited in its container.
        seed: for whatever is random.
        segment_seconds: length of the unit that is rendered, kept and resumed.
        encoding: how the video is encoded.
        overwrite: replace an existing output.
    """

    face: Path
    audio: Path
    output: Path
    generators: tuple[str, ...] = ()
    isolate: tuple[str, ...] = ()
    strict: bool = False
    detector: str | None = None
    blender: str = "feather"
    enhancers: tuple[tuple[str, float | None], ...] = ()
    face_rule: str = "largest"
    fit: Fit = "bounce"
    silence: Silence = "close"
    idle: bool = True
    fps: int = 25
    device: str = "auto"
    precision: str = "auto"
    options: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    commercial_only: bool = False
    provenance: bool = True
    seed: int = 0
    segment_seconds: int = 4
    encoding: EncoderChoice = field(default_factory=EncoderChoice)
    overwrite: bool = True

    def check_fps(self) -> None:
        """Make sure that pictures can be shown at the rate that was asked for.

        Raises:
            UsageError: frames a second that make no video.
        """
        if not 0 < self.fps <= 240:
            raise UsageError("--fps must lie between 1 and 240.")

    def options_for(self, spec: PluginSpec) -> dict[str, str]:
        """What the user set for `spec`; a generator and its encoder may share a name, not the options."""
        declared = {option.key for option in spec.options}
        return {k: v for k, v in self.options.get(spec.name, {}).items() if k in declared}
