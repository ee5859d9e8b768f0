"""What the media tests share: the media factory on the path, and one way to render a whole output."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from mediafactory import number_of

from lipsync_core.media.assemble import AssembleResult, assemble
from lipsync_core.media.carried import Carried, plan_carried
from lipsync_core.media.encoders import check_encoder, settings_for
from lipsync_core.media.output import container_of
from lipsync_core.media.probe import SoundInfo, TargetInfo, probe_sound, probe_target
from lipsync_core.media.provenance import provenance_tags
from lipsync_core.media.reader import VideoReader
from lipsync_core.media.schedule import Schedule, make_schedule
from lipsync_core.media.writer import SegmentWriter


@dataclass
class Rendered:
    """An output and all that went into it."""

    target: TargetInfo
    sound: SoundInfo | None
    schedule: Schedule
    segments: list[Path]
    output: Path
    result: AssembleResult
    carried: Carried | None = None

    def expected(self) -> list[int]:
        return [self.schedule.source(k) for k in range(len(self.schedule))]


def numbers_in(path: Path | TargetInfo) -> list[int]:
    """The frame numbers that a video really shows, in order."""
    with VideoReader(path) as reader:
        return [number_of(picture.rgb()) for picture in reader.frames()]


@pytest.fixture
def render(tmp_path):
    """Target and sound in, output out, nothing changed: the engine's way without a face."""

    def run(
        target, sound=None, name="out.mp4", fit="bounce", length=5, tags=None,
        interlaced="deinterlace", alpha=False, carry=False, **choices,
    ):  # fmt: skip
        info = probe_target(target, interlaced=interlaced)
        info = info.with_alpha() if alpha else info
        voice = probe_sound(sound) if sound else None
        schedule = make_schedule(info.index, fit, voice.duration if voice else None)
        output = tmp_path / name
        settings = settings_for(output, **choices, video=info.video)
        video = check_encoder(settings, info.video)
        segments = []
        with VideoReader(info) as reader:
            for first in range(0, len(schedule), length):
                path = tmp_path / f"{output.name}.{first}.nut"
                segments.append(path)
                shown = range(first, min(first + length, len(schedule)))
                sources = [schedule.source(k) for k in shown]
                with SegmentWriter(path, video, settings) as writer:
                    for k, picture in zip(shown, reader.frames_at(sources), strict=True):
                        writer.write(picture, schedule.time(k), schedule.info(k).duration)
        tags = tags or provenance_tags(version="1", generators="none", run="r1")
        carried = plan_carried(info, container_of(output), schedule) if carry else None
        result = assemble(segments, output, schedule, voice, tags, carried)
        return Rendered(info, voice, schedule, segments, output, result, carried)

    return run


@pytest.fixture
def shown():
    """The frame numbers that a video really shows."""
    return numbers_in
