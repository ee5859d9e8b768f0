"""Make small videos, sounds and pictures whose content can be checked after lossy coding.

Every video frame carries its number as a strip of 16 black and white blocks along its upper edge,
so a test can ask "which frame is this?" of any output. Nothing here needs an ffmpeg program.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

BITS = 16


def numbered_image(number: int, width: int, height: int) -> np.ndarray:
    """RGB `(height, width, 3)`: a soft coloured picture with `number` along the upper edge."""
    y, x = np.mgrid[0:height, 0:width]
    image = np.stack(
        [60 + 140 * x / width, 60 + 140 * y / height, 120 + 60 * np.sin((x + y + number) / 20)], -1
    )
    strip = max(8, height // 6)
    for bit in range(BITS):
        left, right = bit * width // BITS, (bit + 1) * width // BITS
        image[:strip, left:right] = 235 if number >> bit & 1 else 20
    return image.astype(np.uint8)


def number_of(image: np.ndarray) -> int:
    """The number that `numbered_image` put into an upright RGB picture."""
    height, width = image.shape[:2]
    strip = max(8, height // 6)
    number = 0
    for bit in range(BITS):
        left, right = bit * width // BITS, (bit + 1) * width // BITS
        inner = image[
            strip // 4 : strip * 3 // 4, left + (right - left) // 4 : right - (right - left) // 4
        ]
        number |= int(inner.mean() > 128) << bit
    return number


def make_video(
    path: Path,
    size: tuple[int, int] = (160, 96),
    fps: Fraction | int = 25,
    frames: int = 12,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    rotation: int = 0,
    mirrored: bool = False,
    ticks: list[int] | None = None,
    time_base: Fraction | None = None,
    sound: bool = False,
    sound_codec: str = "aac",
    colour: tuple[int, int, int, int] | None = None,
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    format: str | None = None,
    gop: int = 6,
    aspect: Fraction | None = None,
) -> Path:
    """Write a numbered video.

    Args:
        size: stored `(width, height)`.
        rotation: counterclockwise turn to upright; the stored picture is turned the other way.
        mirrored: readers mirror the stored picture left to right before that turn.
        ticks: presentation times in `time_base` (variable rate); default one frame apart.
        sound: add a 440 Hz sound of the same length.
        colour: H.273 primaries, transfer, matrix, range.
    """
    fps = Fraction(fps)
    base = time_base or 1 / fps
    ticks = ticks or list(range(frames))
    length = (ticks[-1] - ticks[0]) * base + 1 / fps
    with av.open(str(path), "w", format=format, options=container_options or {}) as out:
        stream = out.add_stream(codec, rate=fps)
        context = stream.codec_context
        stream.width, stream.height, stream.pix_fmt = *size, pix_fmt
        context.time_base = base
        stream.time_base = base
        context.gop_size = gop
        if aspect:
            context.sample_aspect_ratio = aspect
        context.options = options or ({"crf": "16", "preset": "veryfast"} if "264" in codec else {})
        matrix, span = 6, 1
        if colour:
            primaries, trc, matrix, span = colour
            context.color_primaries, context.color_trc = primaries, trc
            context.colorspace, context.color_range = matrix, span
        if rotation or mirrored:
            stream.set_display_matrix(display_matrix(rotation, mirrored))
        voice = out.add_stream(sound_codec, rate=44100, layout="stereo") if sound else None
        for number, tick in enumerate(ticks):
            width, height = size if rotation % 180 == 0 else size[::-1]
            stored = np.rot90(numbered_image(number, width, height), -(rotation // 90))
            stored = stored[:, ::-1] if mirrored else stored
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(stored), "rgb24")
            if context.pix_fmt != "rgb24":
                frame = frame.reformat(format=pix_fmt, dst_colorspace=matrix, dst_color_range=span)
            frame.pts, frame.time_base = tick, base
            for packet in stream.encode(frame):
                out.mux(packet)
        for packet in stream.encode(None):
            out.mux(packet)
        if voice is not None:
            encode_sound(out, voice, tone(float(length), 44100, 2), 44100)
    return path


def mux_frame(out, stream, frame=None, number: int = 0, rate: int = 25) -> None:
    """Encode frame `number`, or with no frame what the encoder still holds."""
    if frame is not None:
        frame.pts, frame.time_base = number, Fraction(1, rate)
    for packet in stream.encode(frame):
        out.mux(packet)


def copy_later(out, packets, copy, seconds: float) -> None:
    """Copy packets into a stream of `out`, their times moved by so much."""
    for packet in packets:
        if packet.size:
            shift = round(Fraction(seconds) / packet.time_base)
            packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
            packet.stream = copy
            out.mux(packet)


def display_matrix(rotation: int, mirrored: bool) -> list[int]:
    """The display matrix of MP4 that mirrors left to right if so, then turns counterclockwise."""
    cosine, sine = {0: (1, 0), 90: (0, 1), 180: (-1, 0), 270: (0, -1)}[rotation]
    across = -1 if mirrored else 1
    one = 1 << 16
    return [
        cosine * across * one,
        -sine * across * one,
        0,
        sine * one,
        cosine * one,
        0,
        0,
        0,
        1 << 30,
    ]


def tone(seconds: float, rate: int, channels: int = 1, hertz: float = 440.0) -> np.ndarray:
    """`(channels, samples)` float32 sine of amplitude 0.3."""
    time = np.arange(round(seconds * rate)) / rate
    return np.tile((0.3 * np.sin(2 * np.pi * hertz * time)).astype(np.float32), (channels, 1))


def make_sound(
    path: Path,
    seconds: float = 1.0,
    rate: int = 16000,
    channels: int = 1,
    codec: str | None = None,
    samples: np.ndarray | None = None,
    layout: str | None = None,
) -> Path:
    """Write a tone, or `samples` `(channels, n)` float32; codec by ending if not named."""
    codec = codec or {
        ".wav": "pcm_s16le", ".mp3": "libmp3lame", ".flac": "flac", ".m4a": "aac", ".mp4": "aac",
        ".ogg": "libopus", ".opus": "libopus", ".mka": "flac",
    }[path.suffix]  # fmt: skip
    data = tone(seconds, rate, channels) if samples is None else samples
    layout = layout or {1: "mono", 2: "stereo", 6: "5.1"}[len(data)]
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=rate, layout=layout)
        out.start_encoding()
        encode_sound(out, stream, data, rate)
    return path


def encode_sound(out, stream, data: np.ndarray, rate: int) -> None:
    """Encode `(channels, n)` float32 into a stream of an open output."""
    layout = stream.codec_context.layout.name
    if data.shape[1]:
        packed = np.ascontiguousarray(data.T.reshape(1, -1))
        frame = av.AudioFrame.from_ndarray(packed, "flt", layout)
        frame.sample_rate = rate
        if not stream.codec_context.is_open:
            stream.codec_context.open()
        fifo = av.AudioFifo()
        resampler = av.AudioResampler(
            stream.codec_context.format, layout, stream.codec_context.sample_rate
        )
        for piece in (*resampler.resample(frame), *resampler.resample(None)):
            piece.pts = None
            fifo.write(piece)
        size, given = stream.codec_context.frame_size or 1024, 0
        while fifo.samples:
            piece = fifo.read(min(size, fifo.samples))
            piece.pts, piece.time_base = given, Fraction(1, stream.codec_context.sample_rate)
            given += piece.samples
            for packet in stream.encode(piece):
                out.mux(packet)
    for packet in stream.encode(None):
        out.mux(packet)


def make_picture(path: Path, size: tuple[int, int] = (120, 90), alpha: bool = False) -> Path:
    """Write a numbered still picture (number 5); with alpha its right half is transparent."""
    image = cv2.cvtColor(numbered_image(5, *size), cv2.COLOR_RGB2BGR)
    if alpha:
        image = cv2.cvtColor(image, cv2.COLOR_BGR2BGRA)
        image[:, size[0] // 2 :, 3] = 0
    _, data = cv2.imencode(path.suffix, image)
    path.write_bytes(data.tobytes())
    return path
