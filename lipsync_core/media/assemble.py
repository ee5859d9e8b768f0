"""Join finished segments by packet copy, add sound and tags, move the output into place."""

from __future__ import annotations

import heapq
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal

import av
import av.error
import numpy as np

from lipsync_core.errors import OutputError
from lipsync_core.media.carried import add_carried
from lipsync_core.media.containers import media_url
from lipsync_core.media.output import atomic_output, container_of
from lipsync_core.media.soundtrack import add_sound, plan_sound, without_copy

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence
    from pathlib import Path

    from av.container import OutputContainer
    from av.video.stream import VideoStream
    from numpy.typing import NDArray

    from lipsync_core.media.carried import Carried
    from lipsync_core.media.schedule import Schedule
    from lipsync_core.media.sound_info import SoundInfo
    from lipsync_core.media.soundtrack import SoundPlan

    _Timed = tuple[Fraction, av.Packet[Any]]

_OPTIONS = {
    "mp4": {"movflags": "+faststart+use_metadata_tags"},
    "mov": {"movflags": "+faststart+use_metadata_tags"},
    "matroska": {"fflags": "+bitexact"},  # else every file gets random ids
    "webm": {"fflags": "+bitexact"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AssembleResult:
    """What is in the output.

    Attributes:
        frames: number of video frames.
        video_duration: seconds.
        audio_duration: seconds; 0 without sound.
        sound: how the sound got in.
        reason: why the sound was encoded, or is missing.
    """

    frames: int
    video_duration: Fraction
    audio_duration: Fraction
    sound: Literal["copied", "encoded", "none"]
    reason: str


@dataclass(frozen=True, slots=True)
class _Order:
    """Of one segment: the rank of each packet's frame, in stored order, and the codec's header."""

    ranks: NDArray[np.int64]
    header: bytes


def assemble(
    segments: Sequence[Path],
    output: Path,
    schedule: Schedule,
    sound: SoundInfo | None = None,
    metadata: Mapping[str, str] | None = None,
    carried: Carried | None = None,
) -> AssembleResult:
    """Write `output` from segments of one run, in order, the sound, and what else the target holds.

    Nothing is decoded except a sound that must be encoded; memory does not grow with length. Frame
    k of all segments together gets the exact time `schedule.time(k)` (WebM and Matroska round it to
    milliseconds); all of them wait for a sound that begins before its picture. The file appears in one
    step; on failure nothing changes.

    Args:
        segments: files of `SegmentWriter`, same format and settings.
        output: .mp4, .m4v, .mov, .mkv or .webm.
        schedule: times of all output frames.
        sound: what is to be heard, beside the pictures as in its own file (`SoundInfo.lead`); None or an
            empty one for a silent output.
        metadata: container tags (see `provenance`).
        carried: what the output takes over of the target besides its pictures.

    Raises:
        OutputError: segments are missing, damaged or do not fit, or writing failed.
    """
    container = container_of(output)
    orders = [_read_order(path) for path in segments]
    count = sum(len(order.ranks) for order in orders)
    if count != len(schedule):
        raise OutputError(
            f"The segments of {output} hold {count} frames where {len(schedule)} are due.",
            "Delete the run's temporary folder and start again.",
        )
    if len({order.header for order in orders}) != 1:
        raise OutputError(
            f"The segments of {output} were encoded with different settings.",
            "Delete the run's temporary folder and start again.",
        )
    heard = sound if sound is not None and sound.samples else None
    plan = plan_sound(heard, container, schedule) if heard else None
    joined = _Joined(segments, orders, schedule, heard, metadata or {}, carried)
    try:
        plan = joined.written(output, plan)
    except (av.error.FFmpegError, OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise OutputError(
            f"The output {output} cannot be written: {reason}.",
            "Check the free space, or use another ending or encoder.",
        ) from error
    return AssembleResult(
        frames=count,
        video_duration=schedule.duration,
        audio_duration=Fraction(plan.samples, plan.sample_rate) if plan else Fraction(0),
        sound=plan.way if plan else "none",
        reason=plan.reason if plan else ("" if sound is None else "the sound is empty"),
    )


@dataclass(frozen=True, slots=True)
class _Joined:
    """What becomes one file."""

    segments: Sequence[Path]
    orders: Sequence[_Order]
    schedule: Schedule
    sound: SoundInfo | None
    metadata: Mapping[str, str]
    carried: Carried | None

    def written(self, output: Path, plan: SoundPlan | None) -> SoundPlan | None:
        """Write the file, and return how its sound got in: a copy that fails is encoded instead."""
        try:
            self._write(output, plan)
        except (av.error.FFmpegError, ValueError):
            if self.sound is None or plan is None or plan.way != "copied":
                raise
            plan = without_copy(self.sound, container_of(output), self.schedule, plan)
            self._write(output, plan)
        return plan

    def _write(self, output: Path, plan: SoundPlan | None) -> None:
        """Write the file, with the sound as planned."""
        container = container_of(output)
        with atomic_output(output) as part:
            target = av.open(
                media_url(part), "w", format=container, options=dict(_OPTIONS[container])
            )
            with target, av.open(media_url(self.segments[0])) as first:
                target.metadata.update(self.metadata)
                stream = target.add_stream_from_template(first.streams.video[0], opaque=True)
                stream.time_base = self.schedule.time_base
                _describe(stream, first.streams.video[0], container)
                sounds = add_sound(target, self.sound, plan) if self.sound and plan else _nothing()
                wait = plan.wait if plan else Fraction(0)
                words = self._words(target, stream, wait)
                pictures = _pictures(self.segments, self.orders, self.schedule, stream, wait)
                with closing(pictures), closing(sounds), closing(words):
                    for _, packet in heapq.merge(pictures, sounds, words, key=_time_of):
                        target.mux(packet)

    def _words(
        self, target: OutputContainer, stream: VideoStream, wait: Fraction
    ) -> Generator[_Timed]:
        if self.carried is None:
            return _nothing()
        end = self.schedule.duration + wait
        return add_carried(target, stream, self.carried.later(wait), end)


def _describe(stream: VideoStream, segment: VideoStream, container: str) -> None:
    """Say of the pictures what a copy of their packets does not."""
    tags = {name.lower(): value for name, value in segment.metadata.items()}
    if "alpha_mode" in tags:
        stream.metadata["alpha_mode"] = tags["alpha_mode"]
    codec = segment.codec_context.codec.canonical_name
    if container in ("mp4", "mov") and codec == "hevc":
        stream.codec_context.codec_tag = "hvc1"  # QuickTime plays no "hev1", FFmpeg's own choice
    elif codec == "prores":  # its profile, for which FFmpeg would write that of ProRes HQ
        stream.codec_context.codec_tag = segment.codec_context.codec_tag


def _time_of(timed: _Timed) -> Fraction:
    return timed[0]


def _nothing() -> Generator[_Timed]:
    yield from ()


def _read_order(path: Path) -> _Order:
    """Read a segment's packets without decoding.

    Raises:
        OutputError: the segment is missing, damaged, or does not begin with a keyframe.
    """
    stamps: list[int] = []
    whole = True
    try:
        with av.open(media_url(path)) as container:
            stream = container.streams.video[0]
            header = bytes(stream.codec_context.extradata or b"")
            for packet in container.demux(stream):
                if packet.size and packet.pts is not None:
                    whole = whole and (bool(stamps) or packet.is_keyframe) and not packet.is_corrupt
                    stamps.append(packet.pts)
    except (av.error.FFmpegError, OSError, IndexError) as error:
        raise _damaged(path) from error
    if not stamps or not whole:
        raise _damaged(path)
    order = np.array(stamps, np.int64)
    ranks = np.empty(len(order), np.int64)
    ranks[np.argsort(order, kind="stable")] = np.arange(len(order))
    return _Order(ranks, header)


def _damaged(path: Path) -> OutputError:
    return OutputError(
        f"The segment {path} is missing or damaged.", "Start the run again: it makes it anew."
    )


def _pictures(
    segments: Sequence[Path],
    orders: Sequence[_Order],
    schedule: Schedule,
    stream: VideoStream,
    wait: Fraction,
) -> Generator[_Timed]:
    """Yield `(decoding time, packet)` with times from the schedule, which begins after `wait` seconds.

    Decoding times are the presentation times `depth` frames earlier, where `depth` is the largest
    distance that any frame was moved, so they ascend and never exceed the presentation times.
    """
    base = schedule.time_base
    late = round(wait / base)
    depth = max(int((np.arange(len(o.ranks)) - o.ranks).max()) for o in orders)
    lead = schedule.ticks(1)
    begin = 0
    for path, order in zip(segments, orders, strict=True):
        with av.open(media_url(path)) as container:
            packets = (p for p in container.demux(container.streams.video[0]) if p.size)
            for place, (packet, rank) in enumerate(zip(packets, order.ranks, strict=True)):
                shown, sent = begin + int(rank), begin + place - depth
                packet.time_base = base
                packet.pts = late + schedule.ticks(shown)
                packet.dts = late + (schedule.ticks(sent) if sent >= 0 else sent * lead)
                packet.duration = late + schedule.ticks(shown + 1) - packet.pts
                packet.stream = stream
                yield packet.dts * base, packet
        begin += len(order.ranks)
