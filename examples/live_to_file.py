"""A live session written to a file: sound goes in by 20 ms, frames come out, both are muxed.

python examples/live_to_file.py portrait.png voice.wav live.mp4
"""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from lipsync_core import Session
from lipsync_core.footage import read_mono


def main(face: str, voice: str, output: str) -> None:
    """Push the voice, take frames until it has been spoken."""
    sound = np.concatenate(list(read_mono(Path(voice), 16000)))
    with Session(face) as session, av.open(output, "w") as out:
        for start in range(0, len(sound), 320):
            session.push_audio(sound[start : start + 320])
        session.flush()
        frames = session.frames(paced=False)
        video = out.add_stream("libx264", rate=session.fps)
        audio = out.add_stream("aac", rate=16000, layout="mono")
        heard = 0
        for frame in frames:
            if frame.number == 0:
                video.height, video.width = frame.image.shape[:2]
                video.pix_fmt = "yuv420p"
            shown = av.VideoFrame.from_ndarray(frame.image, "rgb24")
            shown.pts, shown.time_base = frame.number, 1 / Fraction(session.fps)
            out.mux(video.encode(shown))
            part = av.AudioFrame.from_ndarray(frame.samples[None], "fltp", "mono")
            part.sample_rate, part.pts = 16000, heard
            heard += len(frame.samples)
            out.mux(audio.encode(part))
            if not frame.speaking:
                break
        out.mux(video.encode(None))
        out.mux(audio.encode(None))


if __name__ == "__main__":
    main(*sys.argv[1:])
