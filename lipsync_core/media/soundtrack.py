"""Put the given sound on an output: copied packet by packet where that is right, else encoded.

How is decided, and tried, before anything is rendered (`plan_sound`). Yields packets in time order; it
neither opens the output nor knows its pictures.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal, cast

import av
import av.error

from lipsync_core.errors import OutputError
from lipsync_core.media.containers import open_input, packets_of, sound_stream
from lipsync_core.media.pieces import Resampler, silence_like, split
from lipsync_core.media.sound import decoded, read_mono

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from av.audio.codeccontext import AudioCodecContext
    from av.audio.stream import AudioStream
    from av.container import OutputContainer

    from lipsync_core.media.schedule import Schedule
    from lipsync_core.media.sound_info import SoundInfo

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
_BY_CHANNELS = ("mono", "stereo", "3.0", "quad", "5.0", "5.1", "6.1", "7.1")
"""The layout that encoders take, by number of channels (those of Opus, RFC 7845, and of Vorbis)."""
_TRIED = 8
"""Packets that are copied into an output in memory to see whether its container takes them."""
_EARLY = Fraction(1, 20)
"""Seconds of sound before the first picture that are left out; before more of it the picture waits, as it
does in the file that the sound is from. Encoders put less before their sound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundPlan:
    """How the sound gets into the output.

    Attributes:
        way: "copied" or "encoded".
        reason: why it is encoded, and as what; empty for a copy.
        encoder: FFmpeg's encoder, or the codec that is copied.
        sample_rate: in the output, Hz.
        layout: of the channels in the output.
        samples: in the output, at `sample_rate`.
        offset: seconds from the output's beginning to the first sample; a negative one leaves samples out.
        wait: seconds from the output's beginning to the first picture.
    """

    way: Literal["copied", "encoded"]
    reason: str
    encoder: str
    sample_rate: int
    layout: str
    samples: int
    offset: Fraction
    wait: Fraction


def plan_sound(sound: SoundInfo, container: str, schedule: Schedule) -> SoundPlan:
    """Decide how `sound` goes into `container` beside the pictures of `schedule`.

    It is copied if players expect its codec there, its packets can be, and it ends within one frame of the
    video's end; else encoded at its own rate (the next higher one the codec takes) and layout (the nearest
    one the encoder takes), padded with silence or cut to the video's length.

    Raises:
        OutputError: there is no encoder for it.
    """
    wait = Fraction(0)
    if sound.lead <= -_EARLY:  # whole ticks, so that the sound can be placed exactly
        wait = math.ceil(-sound.lead / schedule.time_base) * schedule.time_base
    reason = _reason(sound, container, schedule)
    if reason:
        return _encoding(sound, container, schedule.duration + wait, wait, reason)
    return SoundPlan(
        way="copied", reason="", encoder=sound.codec, sample_rate=sound.sample_rate,
        layout=sound.layout, samples=sound.samples, offset=sound.lead + wait, wait=wait,
    )  # fmt: skip


def without_copy(
    sound: SoundInfo, container: str, schedule: Schedule, plan: SoundPlan
) -> SoundPlan:
    """Return the plan that encodes a sound whose copy failed."""
    reason = "its packets could not be copied"
    return _encoding(sound, container, schedule.duration + plan.wait, plan.wait, reason)


def _reason(sound: SoundInfo, container: str, schedule: Schedule) -> str:
    """Say why a sound is not copied; empty where it is."""
    longer = sound.lead + sound.duration - schedule.duration
    tolerance = schedule.duration / len(schedule)
    if sound.codec not in _COPIED[container]:
        return f"{sound.codec} sound is not usual in {container}"
    if sound.uncopyable:
        return sound.uncopyable
    if longer <= -tolerance:
        return "padded with silence to the length of the video"
    if longer >= tolerance:
        return "cut to the length of the video"
    if not _copy_works(sound, container):
        return f"{container} does not take its packets"
    return ""


def _copy_works(sound: SoundInfo, container: str) -> bool:
    """Copy the first packets into an output in memory."""
    try:
        with av.open(io.BytesIO(), "w", format=container) as trial:
            for _, packet in islice(_copied(sound, _template(trial, sound), Fraction(0)), _TRIED):
                trial.mux(packet)
    except (av.error.FFmpegError, ValueError):
        return False
    return True


def _encoding(
    sound: SoundInfo, container: str, duration: Fraction, wait: Fraction, reason: str
) -> SoundPlan:
    lossless = sound.codec.startswith(("pcm_", "flac", "alac"))
    encoder, rates = "aac", _AAC_RATES
    if container == "webm":
        encoder, rates = "libopus", _OPUS_RATES
    elif container == "matroska" and lossless:
        encoder, rates = "flac", (sound.sample_rate,)
    rate = next((rate for rate in rates if rate >= sound.sample_rate), rates[-1])
    plan = SoundPlan(
        way="encoded", reason=reason, encoder=encoder, sample_rate=rate, layout=sound.layout,
        samples=round(duration * rate), offset=sound.lead + wait, wait=wait,
    )  # fmt: skip
    for layout in _layouts(sound):
        if _encodes(replace(plan, layout=layout), sound):
            named = "channels" not in sound.layout
            if layout != sound.layout and (
                named or layout not in _BY_CHANNELS[sound.channels - 1 :]
            ):
                plan = replace(plan, reason=f"{reason}; {sound.layout} becomes {layout}")
            return replace(plan, layout=layout)
    raise OutputError(
        f"The encoder {encoder} refuses the sound of {sound.path} ({sound.layout}, {rate} Hz).",
        "Convert it to a stereo WAV file first.",
    )


def _layouts(sound: SoundInfo) -> list[str]:
    """Name the layouts to try: its own, one of as many channels, then ever fewer.

    Channels without names can only be taken as they are, or mixed as they are listened to.
    """
    if "channels" in sound.layout:
        return [*_BY_CHANNELS[sound.channels - 1 : sound.channels], "mono"]
    return [sound.layout, *reversed(_BY_CHANNELS[: sound.channels])]


def _encodes(plan: SoundPlan, sound: SoundInfo) -> bool:
    """Whether the encoder takes the layout, and the sound can be converted to it."""
    try:
        context = cast("AudioCodecContext", av.CodecContext.create(plan.encoder, "w"))
        _configure(context, plan, sound)
        context.open()
        if not _is_mixed(sound, plan):
            model = av.AudioFrame("flt", sound.layout, 1)
            model.sample_rate = sound.sample_rate
            resampler = Resampler(context.format.name, plan.layout, plan.sample_rate)
            for quiet in silence_like(model, sound.sample_rate // 10):
                list(resampler.push(quiet))
            list(resampler.flush())
    except (av.error.FFmpegError, ValueError):
        return False
    return True


def _is_mixed(sound: SoundInfo, plan: SoundPlan) -> bool:
    """Whether the output gets what is listened to: of channels without names nobody knows how to mix them."""
    return plan.layout == "mono" and sound.channels > 1


def _configure(context: AudioCodecContext, plan: SoundPlan, sound: SoundInfo) -> None:
    """Set everything on an encoder that is not yet open."""
    context.sample_rate = plan.sample_rate
    context.layout = plan.layout
    context.format = _sample_format(context, sound)
    context.time_base = Fraction(1, plan.sample_rate)
    if plan.encoder != "flac":
        context.bit_rate = _BITS_PER_CHANNEL * max(1, av.AudioLayout(plan.layout).nb_channels)


def _sample_format(context: AudioCodecContext, sound: SoundInfo) -> str:
    """Return the encoder's format; FLAC keeps 24 bits where the sound may have more than 16."""
    names = [format_.name for format_ in context.codec.audio_formats or ()]
    if context.name == "flac":
        return "s16" if sound.codec in ("pcm_s16le", "pcm_s16be", "pcm_u8") else "s32"
    return next((name for name in ("fltp", "flt") if name in names), names[0])


def add_sound(output: OutputContainer, sound: SoundInfo, plan: SoundPlan) -> Generator[Timed]:
    """Add the stream to `output` at once; return an iterator of `(seconds, packet)` to mux.

    The iterator must be used up or closed: it holds the sound file open.
    """
    if plan.way == "copied":
        return _copied(sound, _template(output, sound), plan.offset)
    stream = cast("AudioStream", output.add_stream(plan.encoder, rate=plan.sample_rate))
    _configure(stream.codec_context, plan, sound)
    stream.codec_context.open()  # only then is the frame size known
    return _encoded(stream, sound, plan)


def _template(output: OutputContainer, sound: SoundInfo) -> AudioStream:
    with open_input(sound.path, "audio") as source:
        given = sound_stream(source, sound.path, sound.track)
        assert given is not None, "it was probed"
        return output.add_stream_from_template(given, opaque=True)


def _copied(sound: SoundInfo, copy: AudioStream, offset: Fraction) -> Generator[Timed]:
    """Yield the packets as they are, shifted so that the first sample is heard at `offset` seconds."""
    with open_input(sound.path, "audio") as source:
        given = sound_stream(source, sound.path, sound.track)
        assert given is not None, "it was probed"
        base = given.time_base or Fraction(1, sound.sample_rate)
        shift = round((sound.start - offset) / base)
        end = round((sound.start + sound.duration) / base)
        kept: list[av.Packet[AudioStream]] = []
        for packet in packets_of(source, given):
            if not packet.size or packet.pts is None:
                continue
            if kept and packet.pts <= (kept[0].pts or 0):
                continue
            yield from (_moved(each, copy, shift) for each in kept)
            kept = [packet]
        for last in kept:
            if not last.duration:  # in MP4 it would not be played
                last.duration = max(0, end - (last.pts or 0))
            yield _moved(last, copy, shift)


def _moved(packet: av.Packet[AudioStream], copy: AudioStream, shift: int) -> Timed:
    time = (packet.pts or 0) - shift
    packet.pts = packet.dts = time
    packet.stream = copy
    return time * packet.time_base, packet


def _encoded(stream: AudioStream, sound: SoundInfo, plan: SoundPlan) -> Generator[Timed]:
    """Decode, resample, pad or cut to `plan.samples`, encode."""
    base = Fraction(1, plan.sample_rate)
    fifo = av.AudioFifo()
    given = 0
    size = stream.codec_context.frame_size or 4096
    for frame in _fitted(sound, plan, stream.codec_context.format.name):
        frame.pts, frame.time_base = None, base
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


def _fitted(sound: SoundInfo, plan: SoundPlan, sample_format: str) -> Iterator[av.AudioFrame]:
    """Yield resampled frames that add up to exactly `plan.samples`, the first sample at `plan.offset`."""
    model = av.AudioFrame(sample_format, plan.layout, 1)
    model.sample_rate = plan.sample_rate
    before = round(plan.offset * plan.sample_rate)
    left = plan.samples - max(0, before)
    yield from silence_like(model, min(plan.samples, before))
    late = max(0, -before)  # samples that are left out
    for whole in _resampled(sound, plan, sample_format):
        frame = split(whole, late)[1]
        late = max(0, late - whole.samples)
        head = split(frame, left)[0] if frame is not None else None
        if head is not None:
            left -= head.samples
            yield head
        if left <= 0:
            return
    yield from silence_like(model, left)


def _resampled(sound: SoundInfo, plan: SoundPlan, sample_format: str) -> Iterator[av.AudioFrame]:
    resampler = Resampler(sample_format, plan.layout, plan.sample_rate)
    for frame in _mixed(sound) if _is_mixed(sound, plan) else decoded(sound):
        yield from resampler.push(frame)
    yield from resampler.flush()


def _mixed(sound: SoundInfo) -> Iterator[av.AudioFrame]:
    """Yield what is listened to, at the sound's own rate."""
    for samples in read_mono(sound, sound.sample_rate):
        frame = av.AudioFrame.from_ndarray(samples[None], "flt", "mono")
        frame.sample_rate = sound.sample_rate
        yield frame
