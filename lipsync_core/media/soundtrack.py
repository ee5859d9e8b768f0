"""Put the given sound on an output: copied packet by packet where that is right, else encoded.

Yields packets in time order; it neither opens the output nor knows its pictures.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal, cast

import av

from lipsync_core.media.containers import open_input, packets_of
from lipsync_core.media.sound import Resampler, decoded, head_of, silence_like

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from av.audio.stream import AudioStream
    from av.container import OutputContainer

    from lipsync_core.media.probe import SoundInfo

    Timed = tuple[Fraction, av.Packet[Any]]

_COPIED = {
    "mp4": ("aac", "mp3", "ac3", "eac3", "alac"),
    "mov": ("aac", "mp3", "ac3", "eac3", "alac", "pcm_s16le", "pcm_s24le", "pcm_f32le"),
    "matroska": (
        "aac", "mp3", "ac3", "eac3", "alac", "flac", "opus", "vorbis", "dts",
        "pcm_s16le", "pcm_s24le", "pcm_f32le", "pcm_u8",
    ),
    "webm": ("opus", "vorbis"),
}  # fmt: skip
"""Codecs that players expect in each container; MP4 may hold more, but few players play it."""
_AAC_RATES: tuple[int, ...] = (
    7350,
    8000,
    11025,
    12000,
    16000,
    22050,
    24000,
    32000,
    44100,
    48000,
    64000,
    88200,
    96000,
)
_OPUS_RATES = (8000, 12000, 16000, 24000, 48000)
_BITS_PER_CHANNEL = 96_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundPlan:
    """How the sound gets into the output.

    Attributes:
        way: "copied" or "encoded".
        reason: why it is encoded; empty for a copy.
        encoder: FFmpeg's encoder, or the codec that is copied.
        sample_rate: in the output, Hz.
        samples: in the output, at `sample_rate`.
    """

    way: Literal["copied", "encoded"]
    reason: str
    encoder: str
    sample_rate: int
    samples: int


def plan_sound(
    sound: SoundInfo, container: str, video_duration: Fraction, tolerance: Fraction
) -> SoundPlan:
    """Decide how `sound` goes into `container` beside a video of `video_duration` seconds.

    It is copied if players expect its codec there and its length is within `tolerance` seconds (one
    frame) of the video's; else encoded at its own rate and layout (the next higher rate the codec
    takes), padded with silence or cut to the video's length.
    """
    difference = sound.duration - video_duration
    if sound.codec not in _COPIED[container]:
        reason = f"{sound.codec} sound is not usual in {container}"
    elif difference <= -tolerance:
        reason = "padded with silence to the length of the video"
    elif difference >= tolerance:
        reason = "cut to the length of the video"
    else:
        return SoundPlan(
            way="copied", reason="", encoder=sound.codec, sample_rate=sound.sample_rate,
            samples=sound.samples,
        )  # fmt: skip
    lossless = sound.codec.startswith(("pcm_", "flac", "alac"))
    encoder, rates = "aac", _AAC_RATES
    if container == "webm":
        encoder, rates = "libopus", _OPUS_RATES
    elif container == "matroska" and lossless:
        encoder, rates = "flac", (sound.sample_rate,)
    rate = next((rate for rate in rates if rate >= sound.sample_rate), rates[-1])
    return SoundPlan(
        way="encoded", reason=reason, encoder=encoder, sample_rate=rate,
        samples=round(video_duration * rate),
    )  # fmt: skip


def add_sound(output: OutputContainer, sound: SoundInfo, plan: SoundPlan) -> Generator[Timed]:
    """Add the stream to `output` at once; return an iterator of `(seconds, packet)` to mux.

    The iterator must be used up or closed: it holds the sound file open.
    """
    if plan.way == "copied":
        with open_input(sound.path, "audio") as source:
            copy = output.add_stream_from_template(source.streams.audio[0], opaque=True)
        return _copied(sound, copy)
    stream = cast("AudioStream", output.add_stream(plan.encoder, rate=plan.sample_rate))
    layout = _known_layout(sound)
    stream.codec_context.layout = layout
    wanted = _sample_format(stream, sound)
    stream.codec_context.format = wanted
    stream.codec_context.time_base = Fraction(1, plan.sample_rate)
    if plan.encoder != "flac":
        stream.codec_context.bit_rate = _BITS_PER_CHANNEL * max(1, sound.channels)
    stream.codec_context.open()  # only then is the frame size known
    return _encoded(stream, sound, plan, layout, wanted)


def _known_layout(sound: SoundInfo) -> str:
    """Name the layout: headers of mono and stereo files may give only a number of channels."""
    plain = {1: "mono", 2: "stereo", 3: "2.1", 4: "quad", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
    if "channels" in sound.layout:
        return plain.get(sound.channels, "stereo")
    return sound.layout


def _sample_format(stream: AudioStream, sound: SoundInfo) -> str:
    """Return the encoder's format; FLAC keeps 24 bits where the sound may have more than 16."""
    names = [format_.name for format_ in stream.codec_context.codec.audio_formats or ()]
    if stream.codec_context.name == "flac":
        return "s16" if sound.codec in ("pcm_s16le", "pcm_s16be", "pcm_u8") else "s32"
    return next((name for name in ("fltp", "flt") if name in names), names[0])


def _copied(sound: SoundInfo, copy: AudioStream) -> Generator[Timed]:
    """Yield the packets as they are, shifted so that the first sample is heard at 0."""
    with open_input(sound.path, "audio") as source:
        given = source.streams.audio[0]
        base = given.time_base or Fraction(1, sound.sample_rate)
        shift = round(sound.start / base)
        latest = None
        for packet in packets_of(source, given):
            if not packet.size or packet.pts is None:
                continue
            packet.pts -= shift
            if latest is not None and packet.pts <= latest:
                continue
            latest = packet.dts = packet.pts
            packet.stream = copy
            yield packet.pts * base, packet


def _encoded(
    stream: AudioStream, sound: SoundInfo, plan: SoundPlan, layout: str, sample_format: str
) -> Generator[Timed]:
    """Decode, resample, pad or cut to `plan.samples`, encode."""
    base = Fraction(1, plan.sample_rate)
    fifo = av.AudioFifo()
    given = 0
    size = stream.codec_context.frame_size or 4096
    for frame in _fitted(sound, plan, layout, sample_format):
        frame.pts = None
        fifo.write(frame)
        while fifo.samples >= size:
            given, packets = _encode(stream, fifo.read(size), given, base)
            yield from packets
    rest = fifo.read(0, partial=True) if fifo.samples else None
    if rest is not None:
        given, packets = _encode(stream, rest, given, base)
        yield from packets
    yield from _encode(stream, None, given, base)[1]


def _encode(
    stream: AudioStream, frame: av.AudioFrame | None, given: int, base: Fraction
) -> tuple[int, list[Timed]]:
    if frame is not None:
        frame.pts, frame.time_base = given, base
        given += frame.samples
    packets = stream.encode(frame)
    return given, [(Fraction(packet.pts or 0) * packet.time_base, packet) for packet in packets]


def _fitted(
    sound: SoundInfo, plan: SoundPlan, layout: str, sample_format: str
) -> Iterator[av.AudioFrame]:
    """Yield resampled frames that add up to exactly `plan.samples`."""
    resampler = Resampler(sample_format, layout, plan.sample_rate)
    left = plan.samples
    for frame in _resampled(sound, resampler):
        if frame.samples >= left:
            if left:
                yield head_of(frame, left)
            return
        left -= frame.samples
        yield frame
    model = av.AudioFrame(sample_format, layout, 1)
    model.sample_rate = plan.sample_rate
    yield from silence_like(model, left)


def _resampled(sound: SoundInfo, resampler: Resampler) -> Iterator[av.AudioFrame]:
    for frame in decoded(sound.path):
        yield from resampler.push(frame)
    yield from resampler.flush()
