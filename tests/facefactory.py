"""Small videos with a real face in them: the bundled portrait, moving, with each frame's number on top."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import cv2
import numpy as np
from mediafactory import display_matrix, make_sound, numbered_image

from lipsync_core import samples
from lipsync_core.conformance.inputs import portrait_face
from lipsync_core.faces.schemes import convert
from lipsync_core.media.sound import read_mono
from lipsync_core.media.still import read_still
from lipsync_core.records import Face

STRIP = 56
WIDTH, HEIGHT = 288, 336


def portrait() -> np.ndarray:
    """`(280, 288, 3)` RGB: head and shoulders, the face about 100 pixels wide."""
    return read_still(samples.portrait())[0:280, 80:368].copy()


def face_frame(number: int, *, face: bool = True, second: bool = False) -> np.ndarray:
    """`(336, 288, 3)` RGB: number strip, and below it the portrait, drifting by up to 6 pixels."""
    wide = WIDTH * (2 if second else 1)
    image = numbered_image(number, wide, HEIGHT)
    below = np.full((HEIGHT - STRIP, wide, 3), 90, np.uint8)
    shift = round(3 * np.sin(number / 5))
    if face:
        below[:, :WIDTH] = np.roll(portrait(), (shift, 2 * shift), (0, 1))
    if second:
        below[:, WIDTH:] = portrait()[:, ::-1]
    image[STRIP:] = below
    return image


@cache
def _mesh() -> np.ndarray:
    """`(478, 3)` the portrait's landmarks: cheeks 1 apart and level, their middle at the origin."""
    points = portrait_face().landmarks.astype(np.float64)
    cheeks = points[454] - points[234]
    points -= (points[454] + points[234]) / 2
    angle = np.arctan2(cheeks[1], cheeks[0])
    c, s = np.cos(angle), np.sin(angle)
    points[:, :2] = points[:, :2] @ np.array([[c, -s], [s, c]])
    return points / np.hypot(cheeks[0], cheeks[1])


def drawn_face(
    x=100.0, y=100.0, size=80.0, *, score=0.9, yaw=0.0, bow=0.0, roll=0.0, scheme="68"
) -> Face:
    """Landmarks without a picture: the portrait's, as a head with cheeks `size` apart would show them.

    Args:
        x, y: middle between the cheeks.
        yaw, bow, roll: degrees by which the head is turned to its left, bowed, and tilted clockwise.
    """
    points = _mesh()
    for angle, (a, b) in ((yaw, (0, 2)), (bow, (1, 2)), (roll, (0, 1))):
        c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
        turned = points.copy()
        turned[:, a], turned[:, b] = (
            c * points[:, a] - s * points[:, b],
            s * points[:, a] + c * points[:, b],
        )
        points = turned
    points = (points * size + (x, y, 0.0)).astype(np.float32)
    low, high = points[:468, :2].min(0), points[:468, :2].max(0)
    box = (float(low[0]), float(low[1]), float(high[0]), float(high[1]))
    return Face(box=box, score=score, landmarks=convert(points, "478", scheme), scheme=scheme)


def face_video(
    path: Path,
    frames: int = 30,
    fps: Fraction | int = 25,
    *,
    without: Collection[int] = (),
    second: bool = False,
    rotation: int = 0,
    mirrored: bool = False,
    images: Sequence[np.ndarray] | None = None,
    ticks: Sequence[int] | None = None,
    pix_fmt: str = "yuv420p",
    sound: Path | None = None,
) -> Path:
    """Write a face video.

    Args:
        without: numbers of frames that show no face.
        second: a second, mirrored face beside the first.
        rotation: counterclockwise turn the stored frames need.
        mirrored: readers mirror the stored frames left to right before that turn.
        images: upright frames instead of the drawn ones.
        ticks: presentation times in 1/1000 s, for variable rate.
        sound: a file whose sound is muxed in as AAC.
    """
    images = images or [face_frame(n, face=n not in without, second=second) for n in range(frames)]
    base = Fraction(1, 1000) if ticks else 1 / Fraction(fps)
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=Fraction(fps))
        first = np.rot90(images[0], -(rotation // 90))
        stream.width, stream.height, stream.pix_fmt = first.shape[1], first.shape[0], pix_fmt
        stream.codec_context.time_base = stream.time_base = base
        stream.codec_context.gop_size = 12
        stream.options = {"crf": "14", "preset": "veryfast"}
        if rotation or mirrored:
            stream.set_display_matrix(display_matrix(rotation, mirrored))
        heard = out.add_stream("aac", rate=16000, layout="mono") if sound else None
        for n, image in enumerate(images):
            stored = np.rot90(image, -(rotation // 90))
            stored = np.ascontiguousarray(stored[:, ::-1] if mirrored else stored)
            frame = av.VideoFrame.from_ndarray(stored, "rgb24").reformat(
                format=pix_fmt, dst_colorspace=6
            )
            frame.pts, frame.time_base = (ticks[n] if ticks else n), base
            for packet in stream.encode(frame):
                out.mux(packet)
        for packet in stream.encode(None):
            out.mux(packet)
        if heard is not None and sound is not None:
            voice = np.concatenate(list(read_mono(sound, 16000)))
            part = av.AudioFrame.from_ndarray(voice[None], "fltp", "mono")
            part.sample_rate = 16000
            for packet in [*heard.encode(part), *heard.encode(None)]:
                out.mux(packet)
    return path


def speech(path: Path, seconds: float, **choices) -> Path:
    """The first `seconds` of the bundled voice in any format (see `make_sound`)."""
    rate = choices.pop("rate", 16000)
    voice = np.concatenate(list(read_mono(samples.voice(), rate)))[: round(seconds * rate)]
    channels = choices.pop("channels", 1)
    return make_sound(path, rate=rate, samples=np.tile(voice, (channels, 1)), **choices)


def write_picture(path: Path, image: np.ndarray) -> Path:
    """Write RGB `image` as PNG or JPEG, by ending."""
    done, data = cv2.imencode(path.suffix, cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    assert done
    path.write_bytes(data.tobytes())
    return path
