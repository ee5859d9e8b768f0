"""Engine tests: one way to run a job and look at its frames."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mediafactory import number_of

from lipsync_core.engine.run import run
from lipsync_core.media.reader import VideoReader
from lipsync_core.requests import RunRequest


@dataclass
class Job:
    """A finished run: its output, its report, and what its frames show."""

    output: Path
    report: dict[str, Any]

    def frames(self) -> list[np.ndarray]:
        with VideoReader(self.output) as reader:
            return [picture.rgb() for picture in reader.frames()]

    def numbers(self) -> list[int]:
        return [number_of(frame) for frame in self.frames()]


@pytest.fixture
def job(tmp_path):
    """`job(target, audio, **request)` runs it and gives a `Job`."""

    def make(target, audio, name="out.mp4", registry=None, progress=None, **choices) -> Job:
        output = tmp_path / name
        request = RunRequest.of(target, audio, output, **choices)
        return Job(output, run(request, progress, registry))

    return make
