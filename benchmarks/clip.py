"""The clip that the benchmarks run on, made from the bundled portrait and voice; kept in a cache folder.

1280x720 at 25 frames a second: the portrait sways, nods, turns a little and comes nearer before a wall
with some texture that moves more slowly, all under sensor noise; the default encoder makes about 200 kB
a second of it (a real 720p talking head with a camera that stood still: 120). The movement repeats after
`PERIOD` seconds without a jump, so longer clips are that one repeated, without encoding anew.

Run as a process of its own (`python -m benchmarks.clip OUT SECONDS`), so that who measures stays small:
a child's peak memory counts what its parent held when it started it.
"""

from __future__ import annotations

import math
import subprocess
import sys
import tempfile
from fractions import Fraction
from pathlib import Path

VERSION = 1
"""Part of the file's name: another recipe, another file."""
WIDTH, HEIGHT, RATE = 1280, 720, 25
PERIOD = 20
NOISE, GRAIN = 0.5, 3.0
KEEP_NOISES = 7
"""Different noise pictures, used in turn with shifts: drawing new ones costs more than encoding."""


def folder() -> Path:
    """Where made clips are kept: a folder of this project's benchmarks in the system's temporary one."""
    where = Path(tempfile.gettempdir()) / "lipsync-benchmarks"
    where.mkdir(exist_ok=True)
    return where


def clip(seconds: int) -> Path:
    """The clip of that length; made on first use."""
    path = folder() / f"clip-v{VERSION}-{WIDTH}x{HEIGHT}-{seconds}s.mp4"
    if not path.exists():
        part = path.with_suffix(".part.mp4")
        subprocess.run(
            [sys.executable, "-m", "benchmarks.clip", str(part), str(seconds)], check=True
        )
        part.replace(path)
    return path


def voice(seconds: int) -> Path:
    """The bundled voice, repeated and cut to that length, as WAV."""
    path = folder() / f"voice-v{VERSION}-{seconds}s.wav"
    if not path.exists():
        part = path.with_suffix(".part.wav")
        subprocess.run(
            [sys.executable, "-m", "benchmarks.clip", str(part), str(seconds)], check=True
        )
        part.replace(path)
    return path


def seconds_of(path: Path) -> float:
    """Length of any video, asked of a process of its own."""
    code = (
        "import sys; from pathlib import Path; from lipsync_core.media.probe import probe_target;"
        "print(float(probe_target(Path(sys.argv[1])).index.duration))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], check=True, capture_output=True, text=True
    )
    return float(done.stdout)


def _make_clip(path: Path, seconds: int) -> None:
    import av
    import cv2
    import numpy as np

    import lipsync_core

    cv2.setNumThreads(1)
    samples = Path(lipsync_core.__file__).parent / "samples"
    portrait = np.asarray(cv2.imread(str(samples / "portrait.png")), np.uint8)
    random = np.random.default_rng(7)
    side = WIDTH + 160
    behind = cv2.GaussianBlur(cv2.resize(portrait[:, ::-1], (side, side)), (0, 0), 25)
    grain = cv2.GaussianBlur(random.normal(0, 1, (side, side)).astype(np.float32), (0, 0), 1.2)
    grain *= GRAIN / grain.std()
    behind = np.clip(0.6 * behind + 40 + grain[..., None], 0, 255).astype(np.float32)
    oval = np.zeros(portrait.shape[:2], np.float32)
    cv2.ellipse(oval, (256, 330), (200, 290), 0, 0, 360, 1.0, -1)
    alpha = np.dstack([cv2.GaussianBlur(oval, (0, 0), 12)] * 3)
    noises = [
        np.asarray(
            cv2.merge(
                [random.normal(0.5, NOISE, (HEIGHT + 64, WIDTH + 64)).astype(np.float32)] * 3
            ),
            np.float32,
        )
        for _ in range(KEEP_NOISES)
    ]

    def wave(t: float, turns: int, size: float, phase: float = 0.0) -> float:
        """Comes back after `PERIOD`."""
        return size * math.sin(2 * math.pi * turns * t / PERIOD + phase)

    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.options = {
            "crf": "17",
            "preset": "veryfast",
            "g": "125",
            "x264-params": "open-gop=0",
        }
        for n in range(seconds * RATE):
            t = n / RATE
            zoom = 1.5 + wave(t, 1, 0.05)
            turn = wave(t, 2, 0.04) + wave(t, 7, 0.01)
            c, s = zoom * math.cos(turn), zoom * math.sin(turn)
            x = WIDTH / 2 + wave(t, 1, 40.0, 1.0) + wave(t, 6, 4.0)
            y = HEIGHT / 2 + wave(t, 2, 10.0, 2.0) + wave(t, 7, 4.0)
            matrix = np.array([[c, -s, x - c * 226 + s * 190], [s, c, y - s * 226 - c * 190]])
            person = cv2.warpAffine(portrait, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC)
            share = cv2.warpAffine(alpha, matrix, (WIDTH, HEIGHT))
            shift = np.array([[1, 0, -80 + wave(t, 1, 8.0)], [0, 1, -200.0]])
            frame = np.asarray(cv2.warpAffine(behind, shift, (WIDTH, HEIGHT)), np.float32)
            frame += share * (person - frame)
            dx, dy = random.integers(0, 64, 2)
            frame += noises[n % KEEP_NOISES][dy : dy + HEIGHT, dx : dx + WIDTH]
            image = np.clip(frame, 0, 255).astype(np.uint8)
            picture = av.VideoFrame.from_ndarray(image, format="bgr24")
            picture.pts, picture.time_base = n, Fraction(1, RATE)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))


def _repeat_clip(path: Path, once: Path, times: int) -> None:
    import av

    with av.open(str(path), "w") as out:
        stream = None
        for turn in range(times):
            with av.open(str(once)) as read:
                source = read.streams.video[0]
                stream = stream or out.add_stream_from_template(source)
                assert source.time_base is not None
                shift = round(turn * PERIOD / source.time_base)
                for packet in read.demux(source):
                    if packet.dts is None or packet.pts is None:
                        continue
                    packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                    packet.stream = stream
                    out.mux(packet)


def _make_voice(path: Path, seconds: int) -> None:
    import wave

    import av
    import numpy as np
    from numpy.typing import NDArray

    import lipsync_core

    rate = 16000
    source = Path(lipsync_core.__file__).parent / "samples" / "voice.flac"
    resampler = av.AudioResampler(format="s16", layout="mono", rate=rate)
    parts: list[NDArray[np.int16]] = []
    with av.open(str(source)) as container:
        for frame in container.decode(audio=0):
            parts += [np.ravel(p.to_ndarray()).astype(np.int16) for p in resampler.resample(frame)]
    once = np.concatenate(parts)
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(np.resize(once, seconds * rate).astype("<i2").tobytes())


if __name__ == "__main__":
    target, length = Path(sys.argv[1]), int(sys.argv[2])
    if target.suffix == ".wav":
        _make_voice(target, length)
    elif length > PERIOD and length % PERIOD == 0:
        _repeat_clip(target, clip(PERIOD), length // PERIOD)
    else:
        _make_clip(target, length)
