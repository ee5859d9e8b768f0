"""Requests: every choice of the user, as data that can travel to another process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args

from lipsync_core.errors import UsageError
from lipsync_core.specs import PluginSpec

__all__ = [
    "EncoderChoice",
    "Fit",
    "Interlaced",
    "PluginSettings",
    "Precision",
    "RunRequest",
    "Silence",
    "TargetRequest",
]

Fit = Literal["bounce", "loop", "hold", "cut"]
"""What to do where the sound is longer than the target."""
Interlaced = Literal["deinterlace", "keep"]
"""What becomes of interlaced frames."""
Silence = Literal["close", "keep", "generate"]
"""The mouth while nobody speaks."""
Precision = Literal["auto", "fp32", "bf16", "fp16"]
"""Arithmetic of networks."""
"""What to show while nobody speaks."""


def listed(choices: Sequence[str]) -> str:
    """Choices in words: "close, keep or generate"."""
    *others, last = choices
    return f"{', '.join(others)} or {last}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetRequest:
    """Which face of which file, and how a still picture becomes a moving target.

    Attributes:
        path: a video, an animation, a picture, a folder of pictures or an edit list.
        face: which of its faces: `largest`, `center`, `id:N` or `point:x,y`.
        idle: a still picture blinks and sways.
        fps: frame rate of a video made from still pictures, in frames a second.
        face_checks: frames pass through whose landmarks are doubtful, or whose mouth something covers.
        video_track: which of the video streams in the file: its number from 0, or a language such as "deu";
            None for the one that the file marks as its default.
        interlaced: whether interlaced video becomes whole frames or stays as it is.
    """

    path: Path
    face: str = "largest"
    idle: bool = True
    fps: int = 25
    face_checks: bool = True
    video_track: str | None = None
    interlaced: Interlaced = "deinterlace"

    def check(self) -> None:
        """Check what can be checked without opening the file.

        Raises:
            UsageError: a frame rate that no video can have.
        """
        if not 1 <= self.fps <= 240:
            raise UsageError(f"--fps {self.fps} is out of range.", "Choose a value from 1 to 240.")
        if self.interlaced not in get_args(Interlaced):
            raise UsageError(
                f"interlaced='{self.interlaced}' is not {listed(get_args(Interlaced))}."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginSettings:
    """Which plugins work, and how.

    Attributes:
        generators: names in the order they are tried; empty: the embedded default.
        strict: do not add the embedded default as the chain's last link.
        isolate: generators that run in a process of their own; the frames are the same.
        detector: name of the detector; None: the built-in one.
        blender: name of the blender.
        enhancers: (name, strength 0..1 or None for the plugin's own) in order.
        device: "auto", "cpu", "cuda", "cuda:N", "mps".
        precision: "auto", "fp32", "bf16", "fp16".
        options: plugin name -> option -> value as text.
        commercial_only: exclude plugins whose weights may not clearly be used commercially.
        seed: for whatever is random.
    """

    generators: tuple[str, ...] = ()
    strict: bool = False
    isolate: tuple[str, ...] = ()
    detector: str | None = None
    blender: str = "feather"
    enhancers: tuple[tuple[str, float | None], ...] = ()
    device: str = "auto"
    precision: str = "auto"
    options: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    commercial_only: bool = False
    seed: int = 0

    def options_for(self, spec: PluginSpec) -> dict[str, str]:
        """What the user set for `spec`. A generator and its encoder may share a name, not the options."""
        declared = {option.key for option in spec.options}
        return {k: v for k, v in self.options.get(spec.name, {}).items() if k in declared}


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderChoice:
    """How the video is encoded; None takes the encoder's default."""

    encoder: str | None = None
    crf: int | None = None
    preset: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """One video to make.

    Attributes:
        target: whose mouth is replaced.
        audio: the sound that drives the mouth: any file with sound. The sound of a video stays as far from
            the first picture as in its file.
        output: the video to make.
        plugins: which plugins work, and how.
        fit: what happens when the audio is longer than the target.
        silence: the mouth while nobody speaks: closed, as in the target, or as generated.
        encoding: how the video is encoded.
        provenance: mark the output as AI-edited in its container.
        overwrite: replace an existing output.
        segment_seconds: length of the unit that is rendered, kept and resumed.
        audio_track: which of the sound streams in the audio file, like `TargetRequest.video_track`.
    """

    target: TargetRequest
    audio: Path
    output: Path
    plugins: PluginSettings = field(default_factory=PluginSettings)
    fit: Fit = "bounce"
    silence: Silence = "close"
    encoding: EncoderChoice = field(default_factory=EncoderChoice)
    provenance: bool = True
    overwrite: bool = True
    segment_seconds: int = 4
    audio_track: str | None = None

    def check(self) -> None:
        """Check what can be checked without opening a file or asking a plugin.

        Raises:
            UsageError: a value that is out of range.
        """
        self.target.check()
        if self.fit not in get_args(Fit):
            raise UsageError(f"fit='{self.fit}' is not {listed(get_args(Fit))}.")
        if self.segment_seconds < 1:
            raise UsageError("Segments must be at least one second long.")

    @classmethod
    def of(
        cls,
        target: Path | str,
        audio: Path | str,
        output: Path | str,
        **choices: Any,  # noqa: ANN401 - each is checked by the record it belongs to
    ) -> RunRequest:
        """A request from three files and any fields of the records above, by name.

        `RunRequest.of("clip.mp4", "dub.wav", "out.mp4", generators=("wav2lip",), fit="loop")`

        Raises:
            UsageError: a choice that none of the records has.
        """
        parts: dict[type, dict[str, Any]] = {TargetRequest: {}, PluginSettings: {}, cls: {}}
        for name, value in choices.items():
            owner = next((p for p in parts if name in {f.name for f in fields(p)}), None)
            if owner is None:
                raise UsageError(f"A run has no setting '{name}'.")
            parts[owner][name] = value
        return cls(
            target=TargetRequest(path=Path(target), **parts[TargetRequest]),
            audio=Path(audio),
            output=Path(output),
            plugins=PluginSettings(**parts[PluginSettings]),
            **parts[cls],
        )
