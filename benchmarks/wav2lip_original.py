"""Wav2Lip as its own script does it, as a process: everything in memory, 128 frames at a time, two encodes.

`python -m benchmarks.wav2lip_original job CHECKPOINT VIDEO WAV OUT` makes a video, `... network CHECKPOINT`
prints how fast the network alone is there and in lipsync, `... weights OUT` makes a checkpoint of random
numbers in the published layout. Written from the facts of the script (Rudrabha/Wav2Lip as of 2025-04), with
the plugin's `compat`. The script runs S3FD on every frame in full size, 16 at a time, which takes seconds a
frame on a CPU: here it looks at the first `LOOKED` frames only, and what that took is written beside the
video, as JSON.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
import wave
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import torch
from lipsync_wav2lip import compat, pictures
from lipsync_wav2lip.network import FaceNetwork
from lipsync_wav2lip.runtime import CPU_BATCH
from lipsync_wav2lip.torch_runtime import TorchRuntime
from numpy.typing import NDArray

from benchmarks.wav2lip import LOOKED
from lipsync_core.contracts import OpenContext
from lipsync_core.machine.hardware import detect
from lipsync_core.networks.precision import precision_for
from lipsync_core.records import Image
from lipsync_core.voice.mel import MelStream
from lipsync_core.weights import state_dict

ROUNDS = 4
DETECTED_AT_ONCE = 16


class Eager:
    """The network as published: BatchNorm apart, fp32, channels first."""

    batch = compat.BATCH

    def __init__(self, checkpoint: Path) -> None:
        self._network = FaceNetwork()
        state_dict.load(self._network, state_dict.read(checkpoint), checkpoint)
        self._network.eval()

    def run(self, mel: NDArray[np.float32], faces: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `FaceRuntime.run`."""
        with torch.no_grad():
            made: NDArray[np.float32] = self._network(
                torch.from_numpy(mel), torch.from_numpy(faces)
            ).numpy()
        return made


def job(checkpoint: Path, video: Path, sound: Path, output: Path) -> None:
    """The whole job."""
    frames, fps = _all_frames(video)
    with wave.open(str(sound)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2") / np.float32(32768)
    windows = _windows(samples.astype(np.float32), fps)
    frames = frames[: len(windows)]
    each = _detection(frames)
    Path(f"{output}.json").write_text(json.dumps({"frames": len(frames), "detection": each}))
    height, width = frames[0].shape[:2]
    side = height // 3  # a face; where it lies does not change the cost
    box = (width // 2 - side // 2, height // 3, width // 2 + side // 2, height // 3 + side)
    with tempfile.TemporaryDirectory() as folder:
        silent = Path(folder) / "result.avi"
        writer = cv2.VideoWriter(str(silent), cv2.VideoWriter.fourcc(*"DIVX"), fps, (width, height))
        boxes = [box] * len(frames)
        for frame in compat.render(frames, boxes, windows, Eager(checkpoint)):
            writer.write(frame)
        writer.release()
        _joined(silent, sound, output)


def _detection(frames: list[Image]) -> float:
    """Seconds that S3FD, with random weights, takes for one frame; where 16 do not fit, 8, and so on."""
    from face_alignment.detection.sfd.net_s3fd import s3fd

    network, size = s3fd().eval(), DETECTED_AT_ONCE
    means = np.array([104, 117, 123], np.float32)
    begin = time.perf_counter()
    looked, at = min(LOOKED, len(frames)), 0
    while at < looked:
        batch = np.stack(frames[at : at + size])[..., ::-1].astype(np.float32) - means
        try:
            with torch.no_grad():
                network(torch.from_numpy(batch.transpose(0, 3, 1, 2)))
        except RuntimeError:
            size //= 2
            if not size:
                raise
            continue
        at += size
    return (time.perf_counter() - begin) / looked


def _all_frames(video: Path) -> tuple[list[Image], float]:
    capture = cv2.VideoCapture(str(video))
    fps = capture.get(cv2.CAP_PROP_FPS)
    frames: list[Image] = []
    while True:
        good, frame = capture.read()
        if not good:
            capture.release()
            return frames, fps
        frames.append(np.asarray(frame, np.uint8))


def _windows(samples: NDArray[np.float32], fps: float) -> NDArray[np.float32]:
    stream = MelStream(Fraction(fps).limit_denominator(1001))
    rows = np.concatenate([stream.push(samples), stream.flush()])
    return rows[: len(compat.mel_starts(1 + len(samples) // 200, fps))]


def _joined(silent: Path, sound: Path, output: Path) -> None:
    """What `ffmpeg -i SOUND -i SILENT OUT` does: x264 and AAC with their defaults."""
    with (
        av.open(str(silent)) as pictures_in,
        av.open(str(sound)) as sound_in,
        av.open(str(output), "w") as out,
    ):
        source = pictures_in.streams.video[0]
        video = out.add_stream("libx264", rate=source.average_rate)
        video.width, video.height, video.pix_fmt = source.width, source.height, "yuv420p"
        audio = out.add_stream("aac", rate=sound_in.streams.audio[0].rate)
        for picture in pictures_in.decode(video=0):
            picture.pict_type = 0
            out.mux(video.encode(picture))
        out.mux(video.encode(None))
        for part in sound_in.decode(audio=0):
            out.mux(audio.encode(part))
        out.mux(audio.encode(None))


def network(checkpoint: Path) -> dict[str, float]:
    """Frames a second of the network alone."""
    cores = detect().cores
    torch.set_num_threads(cores)
    random = np.random.default_rng(0)

    def speed(run: Callable[..., object], count: int) -> float:
        mel = random.uniform(-4, 4, (count, 1, 80, 16)).astype(np.float32)
        faces = random.uniform(0, 1, (count, 6, pictures.SIDE, pictures.SIDE)).astype(np.float32)
        run(mel, faces)
        times = []
        for _ in range(ROUNDS):
            begin = time.perf_counter()
            run(mel, faces)
            times.append(time.perf_counter() - begin)
        return count / min(times)

    eager = Eager(checkpoint)
    told = {f"as published, {n}": speed(eager.run, n) for n in (CPU_BATCH, compat.BATCH)}
    for precision in dict.fromkeys(("fp32", precision_for(OpenContext()))):
        runtime = TorchRuntime(checkpoint, "cpu", precision, cores)
        told[f"lipsync, {precision}, {CPU_BATCH}"] = speed(runtime.run, CPU_BATCH)
    return told


def weights(path: Path) -> None:
    """Random numbers as torch initialises them, in the published layout."""
    torch.manual_seed(0)
    tensors = {f"module.{name}": value for name, value in FaceNetwork().state_dict().items()}
    torch.save({"state_dict": tensors, "optimizer": {}, "global_step": 0, "global_epoch": 0}, path)


if __name__ == "__main__":
    verb, *words = sys.argv[1:]
    if verb == "job":
        job(*(Path(word) for word in words))
    elif verb == "weights":
        weights(Path(words[0]))
    else:
        print(json.dumps(network(Path(words[0]))))
