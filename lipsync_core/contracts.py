"""What a plugin implements. Only arrays, numbers, strings and small records cross these calls.

The class named by a spec's factory is instantiated without arguments, opened, used from one thread,
and closed (perhaps twice). The constructor must be cheap; `open` loads.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal, TypeVar

from lipsync_core.errors import PluginFault

if TYPE_CHECKING:
    from fractions import Fraction
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from lipsync_core.records import (
        AudioClip,
        BlendInput,
        Chunk,
        Crops,
        Face,
        Generated,
        Patch,
        Prepared,
        Samples,
        Scores,
    )

__all__ = [
    "AudioEncoder",
    "Blender",
    "Detector",
    "Enhancer",
    "FeatureStream",
    "Generator",
    "OpenContext",
    "Plugin",
    "ProbeContext",
    "ProbeResult",
    "Ready",
    "ScoreStream",
    "Scorer",
    "Unavailable",
    "Voice",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """The probe found everything that a run needs.

    Attributes:
        detail: what will be used.
        audio_encoder: for a generator whose weights determine the audio encoder: the name of the encoder
            that the weights found need; empty: the spec's.
    """

    detail: str = ""
    audio_encoder: str = ""


Lack = Literal["package", "weights", "device", "setup", "fault"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unavailable:
    """The probe found something missing.

    Attributes:
        reason: what is missing.
        hint: how to get it.
        lacks: of what kind it is, for lists: a package, weights, a device or its memory, anything else that
            the user must set up; "fault": the plugin itself is broken.
    """

    reason: str
    hint: str
    lacks: Lack = "setup"


ProbeResult = Ready | Unavailable
"""What a probe answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenContext:
    """What a plugin is opened with.

    Attributes:
        device: "cpu", "cuda", "cuda:1", "mps".
        precision: "auto", "fp32", "bf16" or "fp16".
        threads: number of CPU threads the plugin may use.
        weights: path in the spec -> file on disk, for each weight file that was found.
        cache: folder for files that the plugin derives from its weights (exports, compiled engines).
        options: every declared option of the spec, default or as the user set it.
        seed: seed of all random numbers.
    """

    device: str = "cpu"
    precision: str = "auto"
    threads: int = 1
    weights: Mapping[str, Path] = field(default_factory=dict)
    cache: Path | None = None
    options: Mapping[str, bool | int | float | str] = field(default_factory=dict)
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeContext:
    """What a spec's own probe function is called with: the context a run would open it with."""

    context: OpenContext


Part = TypeVar("Part")


class Plugin(ABC):
    """Opening and closing, the same for every kind.

    Attributes:
        kind: what messages call it.
    """

    kind: ClassVar[str] = "plugin"

    @abstractmethod
    def open(self, context: OpenContext) -> None:
        """Load what the plugin needs. Raise `Unavailable`-style errors from `lipsync_core.errors`."""

    def close(self) -> None:  # noqa: B027 - most plugins have nothing to release
        """Release everything. Called at least once, perhaps twice."""

    def opened(self, part: Part | None, name: str) -> Part:
        """`part`, which `open` sets and `close` sets back to None.

        Args:
            part: an attribute of the plugin.
            name: the plugin's name, for the message.

        Raises:
            PluginFault: `part` is None: the plugin is not open.
        """
        if part is None:
            raise PluginFault(
                f"The {self.kind} {name} was used before it was opened.", "Call open() first."
            )
        return part


class Detector(Plugin):
    """Finds faces."""

    kind: ClassVar[str] = "detector"

    @abstractmethod
    def detect(self, images: NDArray[np.uint8]) -> list[list[Face]]:
        """Faces of consecutive frames of one shot.

        Args:
            images: `(N, H, W, 3)` uint8 RGB.

        Returns:
            N lists of faces, in any order; an empty list where there is none. A detector may
            remember the last call to go faster, until `reset`.
        """

    def reset(self) -> None:
        """Forget earlier frames: a new shot begins."""


class FeatureStream(ABC):
    """One audio file or live utterance being encoded. Offline encoding is one `push` and a `flush`."""

    @abstractmethod
    def push(self, samples: Samples) -> NDArray[np.float32]:
        """Take more sound and return the rows that are now final.

        Args:
            samples: float32 mono, any number, including none.

        Returns:
            `(n, *feature_shape)` float32, n >= 0: the next rows in order; row k belongs to the
            video frame at time k / fps.
        """

    @abstractmethod
    def flush(self) -> NDArray[np.float32]:
        """End of the audio: the remaining rows, for a total of ceil(duration * fps)."""


class AudioEncoder(Plugin):
    """Turns sound into one row of features per video frame."""

    kind: ClassVar[str] = "audio encoder"

    @abstractmethod
    def stream(self, sample_rate: int, fps: Fraction) -> FeatureStream:
        """Begin an audio file or utterance: mono at `sample_rate` Hz (the spec's), rows at `fps` a second."""


class Generator(Plugin):
    """Makes the new mouth."""

    kind: ClassVar[str] = "generator"

    def prepare(self, crops: Crops) -> Prepared:
        """Make what depends on the target alone; called as the spec's `prepare` declares.

        Args:
            crops: for scope "track" the representative frames of one track, in any order; for scope
                "frame" consecutive frames.

        Returns:
            Named arrays; for scope "frame" each has one row per crop, which depends on that crop alone:
            rows are kept, and handed to `generate` when the same crop comes again.
        """
        return {}

    @abstractmethod
    def generate(self, chunk: Chunk) -> NDArray[np.uint8] | Generated:
        """The new crops.

        What comes out depends on the chunk alone (and on `prepared`), never on earlier calls: so runs
        can be resumed, repeated and spread over machines.

        Returns:
            `(N, H, W, 3)` uint8 RGB, N and size as in `chunk.crops.images`; in a `Generated` to add a
            note on these frames to the report.
        """


class Enhancer(Plugin):
    """Improves face crops."""

    kind: ClassVar[str] = "enhancer"

    @abstractmethod
    def enhance(self, crops: Crops) -> NDArray[np.uint8]:
        """`(N, H, W, 3)` uint8 RGB, same N and size as `crops.images`."""


class Blender(Plugin):
    """Puts a generated crop into its frame."""

    kind: ClassVar[str] = "blender"

    @abstractmethod
    def blend(self, given: BlendInput) -> Patch | None:
        """Blend one crop.

        Args:
            given: frame, crop, where the crop lies, the face's landmarks, and how much is wanted. Neither
                frame nor crop may be written to.

        Returns:
            The changed rectangle, or None when nothing changes.
        """


class ScoreStream(ABC):
    """One unbroken span of one face being scored; keeps numbers of it, never pictures or sound."""

    @abstractmethod
    def push(self, crops: Crops, samples: Samples) -> None:
        """Take the next crops and the next sound; their durations need not match.

        Args:
            crops: any number, including none, at the spec's `frame_rate`.
            samples: float32 mono at the spec's `sample_rate`, any number. The first sample of the
                span sounds when its first crop is shown.
        """

    @abstractmethod
    def finish(self) -> Scores:
        """End of the span: one finite figure for each of the spec's `measures`, perhaps curves."""


class Scorer(Plugin):
    """Says how well a mouth fits its audio."""

    kind: ClassVar[str] = "scorer"

    @abstractmethod
    def stream(self) -> ScoreStream:
        """Begin a span."""


class Voice(Plugin):
    """Speaks text."""

    kind: ClassVar[str] = "voice"

    @abstractmethod
    def say(self, text: str, *, language: str, speed: float = 1.0) -> AudioClip:
        """Speech for `text`; `speed` 1.0 is natural, 2.0 twice as fast."""
