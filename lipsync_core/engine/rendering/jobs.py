"""A shot to be rendered, and what became of it, as plain data: it can be pickled and rendered anywhere.

Everything that a job names by path (target, features, segments) must be readable where it is rendered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lipsync_core.engine.chain.failures import Attempt
from lipsync_core.engine.chain.resolve import Candidate
from lipsync_core.engine.rendering.segments import PASSTHROUGH, Segment
from lipsync_core.media.encoders import EncoderSettings
from lipsync_core.media.formats import VideoFormat
from lipsync_core.registry.resolving import Resolved
from lipsync_core.specs import BlenderSpec, EnhancerSpec
from lipsync_core.targets.target import Target
from lipsync_core.voice.features import FeatureFile

__all__ = ["RenderSettings", "ShotJob", "ShotResult"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderSettings:
    """What all shots of a run share.

    Attributes:
        target: output frames with their faces.
        folder: where segments go; it belongs to this run alone.
        video: format that the encoder takes.
        encoder: how segments are encoded.
        blender: puts new crops into the frame.
        enhancers: with their strengths, in order.
        rest: closes the lips in silence, or None.
        activity: speech activity, or None where everybody always speaks.
        emphasis: how far the head of a still picture goes with the voice, or None.
    """

    target: Target
    folder: Path
    video: VideoFormat
    encoder: EncoderSettings
    blender: Resolved[BlenderSpec]
    enhancers: tuple[tuple[Resolved[EnhancerSpec], float], ...] = ()
    rest: Candidate | None = None
    activity: FeatureFile | None = None
    emphasis: FeatureFile | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShotJob:
    """One shot for one generator. The chain decides elsewhere what follows when it fails.

    Attributes:
        settings: what all shots share.
        shot: its number.
        segments: its segments, in order; those that are on disk already are not rendered again.
        candidate: the generator; None passes every frame through.
        features: what its audio encoder made of the audio; None for passing through.
    """

    settings: RenderSettings
    shot: int
    segments: tuple[Segment, ...]
    candidate: Candidate | None = None
    features: FeatureFile | None = None

    @property
    def generator(self) -> str:
        """Name under which the segments are kept."""
        return self.candidate.name if self.candidate else PASSTHROUGH

    @property
    def frames(self) -> int:
        """Number of output frames."""
        return sum(s.stop - s.start for s in self.segments)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShotResult:
    """What became of a job.

    Attributes:
        shot: its number.
        generator: as in the job.
        failure: why the generator could not make it; None when all segments are on disk.
        stages: stage -> seconds and calls, of this job.
        counters: counter -> number, of this job.
    """

    shot: int
    generator: str
    failure: Attempt | None = None
    stages: Mapping[str, tuple[float, int]] = field(default_factory=dict)
    counters: Mapping[str, int] = field(default_factory=dict)
