"""What of a target gets into the output besides its pictures: tags, time code, chapters and subtitles.

Decided before the work from what the file says and the output's container holds; done when the output is
joined, without decoding.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from io import BytesIO
from typing import TYPE_CHECKING, Any, cast

import av
import av.error
import numpy as np

from lipsync_core.media.captions import TEXT, add_text_stream, text_of, wrapped
from lipsync_core.media.containers import open_input, video_stream

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from pathlib import Path

    from av.container import InputContainer, OutputContainer
    from av.container.core import Chapter
    from av.stream import Stream
    from av.video.stream import VideoStream

    from lipsync_core.media.probe import TargetInfo
    from lipsync_core.media.schedule import Schedule

    Timed = tuple[Fraction, av.Packet[Any]]

_TAGS = (
    "title", "artist", "album", "album_artist", "author", "composer", "copyright", "date", "genre",
    "grouping", "keywords", "network", "performer", "publisher", "show", "season_number", "episode_id",
    "synopsis",
)  # fmt: skip
"""Tags that are as true of the output. Where it was filmed, and with what, is not passed on."""
_COPIED = {
    "mp4": ("mov_text",),
    "mov": ("mov_text",),
    "matroska": (
        "subrip", "ass", "ssa", "webvtt", "hdmv_pgs_subtitle", "dvd_subtitle", "dvb_subtitle",
    ),
    "webm": ("webvtt",),
}  # fmt: skip
_QUICKTIME = {"deu": "ger", "nld": "dut", "ell": "gre", "isl": "ice", "zho": "chi", "sqi": "alb"}
"""Languages that QuickTime numbers, and FFmpeg knows for .mov, by their other code (ISO 639-2/B) only."""
_TEXT_CODEC = {"mp4": "mov_text", "mov": "mov_text", "matroska": "subrip", "webm": "webvtt"}
"""What text subtitles of other kinds become."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subtitles:
    """One stream of subtitles.

    Attributes:
        index: of the stream in the target.
        codec: FFmpeg's name.
        text_codec: what its text is written as; None: the packets are copied.
    """

    index: int
    codec: str
    text_codec: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """What the output takes over.

    Attributes:
        path: the target.
        begin: time of its first frame, on the file's clock, seconds.
        tags: of the container.
        video_tags: of the video stream.
        chapters: start, end (seconds in the output) and tags.
        subtitles: streams.
        notes: sentences on what is left out.
    """

    path: Path
    begin: Fraction = Fraction(0)
    tags: Mapping[str, str] = field(default_factory=dict)
    video_tags: Mapping[str, str] = field(default_factory=dict)
    chapters: tuple[tuple[Fraction, Fraction, Mapping[str, str]], ...] = ()
    subtitles: tuple[Subtitles, ...] = ()
    notes: tuple[str, ...] = ()

    def later(self, seconds: Fraction) -> Carried:
        """The same for an output whose first picture is shown at `seconds`."""
        moved = tuple((a + seconds, b + seconds, tags) for a, b, tags in self.chapters)
        return replace(self, begin=self.begin - seconds, chapters=moved)

    def as_dict(self) -> dict[str, object]:
        """What is taken over, for the report."""
        return {
            "tags": {**self.tags, **self.video_tags},
            "chapters": len(self.chapters),
            "subtitles": [each.codec for each in self.subtitles],
        }


def plan_carried(info: TargetInfo, container: str, schedule: Schedule) -> Carried:
    """Decide what the output of a target takes over.

    Args:
        info: the target; pictures have nothing.
        container: of the output, FFmpeg's name.
        schedule: which frame of the target is shown when: chapters and subtitles are left out where frames
            come again, and end with the output.

    Raises:
        UnsupportedInput: the file cannot be read.
    """
    if info.kind != "video" or info.pictures:
        return Carried(path=info.path)
    with open_input(info.path, "target") as source:
        stream = video_stream(source, info.path, info.track)
        base = Fraction(0) if info.index.counted else stream.time_base or Fraction(0)
        begin = int(info.index.stamps[0]) * base
        plan = Carried(
            path=info.path,
            begin=begin,
            tags=_kept_tags(source, stream, container),
            video_tags=_video_tags(source, stream, container),
            chapters=_chapters(source, begin, schedule.duration),
            subtitles=tuple(_subtitles(source, container)),
        )
        present = [
            name
            for name, there in (
                ("chapters", plan.chapters),
                ("subtitles", source.streams.subtitles),
            )
            if there
        ]
        if present and not _in_order(schedule):
            note = (
                f"The {' and '.join(present)} of {info.path} are left out: its frames come again."
            )
            return replace(plan, chapters=(), subtitles=(), notes=(note,))
        return replace(plan, notes=tuple(_left_out(source, plan, container)))


def add_carried(
    output: OutputContainer, stream: VideoStream, carried: Carried, duration: Fraction
) -> Generator[Timed]:
    """Add tags, chapters and subtitle streams at once; return an iterator of `(seconds, packet)` to mux.

    The iterator must be used up or closed: it holds the target open.

    Args:
        output: nothing was muxed to it yet.
        stream: its pictures.
        carried: what it takes over.
        duration: of the output, seconds.
    """
    for name, value in carried.tags.items():
        output.metadata.setdefault(name, value)
    stream.metadata.update(carried.video_tags)
    if carried.chapters:
        output.set_chapters([_chapter(k, *each) for k, each in enumerate(carried.chapters)])
    streams: dict[int, Stream] = {}
    if carried.subtitles:
        with open_input(carried.path, "target") as source:
            for each in carried.subtitles:
                streams[each.index] = _added(output, source.streams[each.index], each)
    return _packets(carried, streams, duration)


def _added(output: OutputContainer, given: Stream, how: Subtitles) -> Stream:
    if how.text_codec is None:
        made = output.add_stream_from_template(given)
    else:
        made = add_text_stream(output, how.text_codec)
    made.metadata.update(_naming(given, output.format.name))
    made.disposition = given.disposition
    return made


def _packets(
    carried: Carried, streams: Mapping[int, Stream], duration: Fraction
) -> Generator[Timed]:
    """Yield the subtitles, moved to the output's clock and cut at its ends."""
    if not streams:
        return
    how = {each.index: each for each in carried.subtitles}
    with open_input(carried.path, "target") as source:
        for packet in source.demux([source.streams[index] for index in streams]):
            base = packet.time_base
            if not packet.size or packet.pts is None or not base:
                continue
            start = packet.pts * base - carried.begin
            stop = start + (packet.duration or 0) * base
            kept = max(start, Fraction(0)), min(stop, duration)
            if kept[0] >= duration or (stop > start and kept[1] <= kept[0]):
                continue
            made = _moved(packet, how[packet.stream_index], *kept)
            if made is not None:
                made.stream = streams[packet.stream_index]
                yield kept[0], made


def _moved(
    packet: av.Packet[Any], how: Subtitles, start: Fraction, stop: Fraction
) -> av.Packet[Any] | None:
    """The packet, or its text as another codec writes it, at its time; None for a text that is empty."""
    base, made = packet.time_base, packet
    if how.text_codec is not None:
        text = text_of(bytes(cast("bytes", packet)), how.codec)
        if not text:
            return None
        made = av.Packet(wrapped(text, how.text_codec))
        made.is_keyframe = True
        base = made.time_base = Fraction(1, 1000)
    made.pts = made.dts = round(start / base)
    made.duration = max(0, round((stop - start) / base))
    return made


def _kept_tags(source: InputContainer, stream: VideoStream, container: str) -> dict[str, str]:
    told = {name.lower(): value for name, value in source.metadata.items()}
    kept = {name: told[name] for name in _TAGS if told.get(name)}
    code = _time_code(source, stream)
    return kept | ({"timecode": code} if code and container in ("matroska", "webm") else {})


def _video_tags(source: InputContainer, stream: VideoStream, container: str) -> dict[str, str]:
    kept = _naming(stream, container)
    code = _time_code(source, stream)
    return kept | ({"timecode": code} if code and container in ("mp4", "mov") else {})


def _naming(stream: Stream, container: str) -> dict[str, str]:
    """Language and title of a stream, as the output's container knows them."""
    kept: dict[str, str] = {
        name: stream.metadata[name] for name in ("language", "title") if name in stream.metadata
    }
    language = kept.pop("language", "und")
    if container == "mov":
        language = _QUICKTIME.get(language, language)
    return kept if language == "und" else kept | {"language": language}


def _time_code(source: InputContainer, stream: VideoStream) -> str | None:
    """The time code of the first frame: in MP4 the video's own, elsewhere the file's."""
    for tags in (stream.metadata, source.metadata):
        for name, value in tags.items():
            if name.lower() == "timecode":
                return value
    return None


def _chapters(
    source: InputContainer, begin: Fraction, duration: Fraction
) -> tuple[tuple[Fraction, Fraction, Mapping[str, str]], ...]:
    found = []
    for chapter in source.chapters():
        base = chapter["time_base"] or Fraction(1, 1000)
        start = max(Fraction(0), chapter["start"] * base - begin)
        stop = min(duration, chapter["end"] * base - begin)
        if stop > start:
            found.append((start, stop, dict(chapter["metadata"])))
    return tuple(found)


def _chapter(number: int, start: Fraction, stop: Fraction, tags: Mapping[str, str]) -> Chapter:
    base = Fraction(1, 1000)
    return {
        "id": number + 1, "start": round(start / base), "end": round(stop / base), "time_base": base,
        "metadata": dict(tags),
    }  # fmt: skip


def _subtitles(source: InputContainer, container: str) -> Generator[Subtitles]:
    for stream in source.streams.subtitles:
        codec = _codec(stream)
        for text_codec in (None, _TEXT_CODEC[container]):
            fits = codec in (_COPIED[container] if text_codec is None else TEXT)
            how = Subtitles(index=stream.index, codec=codec, text_codec=text_codec)
            if fits and _is_taken(stream, how, container):
                yield how
                break


def _is_taken(stream: Stream, how: Subtitles, container: str) -> bool:
    """Whether the muxer takes the stream: tried before anything is rendered, as some lack their header."""
    try:
        with av.open(BytesIO(), "w", format=container) as trial:
            _added(trial, stream, how)
            trial.start_encoding()
    except (av.error.FFmpegError, ValueError):
        return False
    return True


def _left_out(source: InputContainer, plan: Carried, container: str) -> Generator[str]:
    kept = {each.index for each in plan.subtitles}
    for stream in source.streams.subtitles:
        if stream.index not in kept:
            where = "; .mkv takes them" if _codec(stream) in _COPIED["matroska"] else ""
            yield (
                f"The subtitles of {plan.path} in stream {stream.index} ({_codec(stream) or 'unknown'}) "
                f"are left out: {container} does not take them{where}."
            )
    styled = [each for each in plan.subtitles if each.codec in ("ass", "ssa") and each.text_codec]
    if styled:
        yield f"The subtitles of {plan.path} keep their words and lose their style in {container}."


def _codec(stream: Stream) -> str:
    context = stream.codec_context
    return context.codec.canonical_name if context is not None else ""


def _in_order(schedule: Schedule) -> bool:
    """Whether the target is shown once from its first frame on, its last one perhaps held."""
    once = len(schedule) <= len(schedule.order) or bool(schedule.held)
    return once and bool((np.diff(schedule.order) == 1).all())
