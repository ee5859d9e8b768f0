"""Memory does not grow with length (pitfall 5): RSS of a process of its own, as libav is not traced."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from mediafactory import make_sound, make_video

PROGRAM = """
import resource, sys
from pathlib import Path
from lipsync_core.media.assemble import assemble
from lipsync_core.media.encoders import EncoderSettings, check_encoder
from lipsync_core.media.probe import probe_sound, probe_target
from lipsync_core.media.reader import VideoReader
from lipsync_core.media.schedule import make_schedule
from lipsync_core.media.sound import read_mono
from lipsync_core.media.writer import SegmentWriter

folder = Path(sys.argv[1])
target, voice = probe_target(folder / "t.mp4"), probe_sound(folder / sys.argv[2])
schedule = make_schedule(target.index, "bounce", voice.duration)
settings = EncoderSettings(preset="ultrafast")
video = check_encoder(settings, target.video)
for piece in read_mono(voice.path, 16000):
    pass
segments = []
with VideoReader(target, buffer_bytes=8 << 20) as reader:
    for first in range(0, len(schedule), 100):
        shown = range(first, min(first + 100, len(schedule)))
        segments.append(folder / f"{sys.argv[2]}.{first}.nut")
        with SegmentWriter(segments[-1], video, settings) as writer:
            pictures = reader.frames_at(schedule.source(k) for k in shown)
            for k, picture in zip(shown, pictures, strict=True):
                picture.rgb()
                writer.write(picture, schedule.time(k), schedule.info(k).duration)
assemble(segments, folder / "out.mp4", schedule, voice)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def peak_megabytes(folder: Path, voice: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder), voice],
        capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    return int(done.stdout)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs the resource module")
def test_ten_times_the_length_takes_the_same_memory(tmp_path):
    make_video(tmp_path / "t.mp4", size=(640, 360), frames=60, gop=30)
    make_sound(tmp_path / "short.wav", 10)
    make_sound(tmp_path / "long.wav", 100)
    short, long = peak_megabytes(tmp_path, "short.wav"), peak_megabytes(tmp_path, "long.wav")
    # 2250 more frames would be 780 MB as YUV and 1500 MB as RGB
    assert long < short + 60, f"{short} MB, then {long} MB"
