"""The baseline as a process: decode a file with PyAV, encode the pictures as lipsync would. Nothing else.

`python -m benchmarks.baseline IN OUT`. Same encoder, options, threads and pixel format as the main
job; the sound is left out, no segment is joined, no picture is looked at.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import cast

import av
from av.video.stream import VideoStream

from lipsync_core.media.encoders import configure, settings_for
from lipsync_core.media.probe import probe_target


def main(source: Path, output: Path) -> None:
    """Decode and encode."""
    settings, video = settings_for(output), probe_target(source).video
    with av.open(str(source)) as read, av.open(str(output), "w") as write:
        read.streams.video[0].thread_type = "AUTO"
        stream = cast(VideoStream, write.add_stream(settings.encoder, rate=video.frame_rate))
        configure(stream.codec_context, settings, video)
        for frame in read.decode(video=0):
            frame.pict_type = 0
            write.mux(stream.encode(frame))
        write.mux(stream.encode(None))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
