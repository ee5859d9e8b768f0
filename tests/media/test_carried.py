"""Tags, language, time code, chapters and subtitles of a target are in the output, or it is told why not."""

from __future__ import annotations

from fractions import Fraction

import av
import pytest
from mediafactory import make_sound, make_video

from lipsync_core.media import carried
from lipsync_core.media.captions import add_text_stream, text_of, wrapped
from lipsync_core.media.carried import plan_carried
from lipsync_core.media.output import container_of
from lipsync_core.media.probe import probe_target
from lipsync_core.media.schedule import make_schedule

WORDS = [(0.2, 0.9, "Hello there"), (1.0, 1.6, "Zweite Zeile: é\n漢"), (1.7, 5.0, "too long")]
CHAPTERS = [(0, 800, "One"), (800, 1500, "Two"), (1500, 9000, "Three")]
TAGS = {"title": "A title", "artist": "Somebody", "date": "2020", "location": "+37-122/"}
SOURCES = {
    "t.mp4": "mov_text",
    "t.mov": "mov_text",
    "t.mkv": "subrip",
    "styled.mkv": "ass",
    "t.webm": "webvtt",
}
ASS = "{n},0,Default,,0,0,0,,{{\\i1}}{text}{{\\i0}}"


def rich_video(path, late: float = 0.0):
    """A video of 2 s with everything in it; its clock begins `late` seconds after 0."""
    codec = SOURCES[path.name]
    webm = path.suffix == ".webm"
    bare = make_video(
        path.with_name(f"bare{path.suffix}"), frames=50,
        options={"crf": "20"} if webm else {"crf": "16", "bf": "0"},
        codec="libvpx-vp9" if webm else "libx264",
    )  # fmt: skip
    with av.open(str(bare)) as source, av.open(str(path), "w") as out:
        stream = out.add_stream_from_template(source.streams.video[0])
        stream.metadata["language"] = "deu"
        stream.metadata["timecode" if path.suffix in (".mp4", ".mov") else "x"] = "01:02:03:04"
        if path.suffix == ".mkv":
            out.metadata["timecode"] = "01:02:03:04"
        out.metadata.update(TAGS)
        if codec == "ass":
            words = out.add_stream("ass")
            from lipsync_core.media.captions import _STYLE

            words.codec_context.subtitle_header = _STYLE
            words.codec_context.open()
        else:
            words = add_text_stream(out, codec)
        words.metadata.update({"language": "fra", "title": "Words"})
        base = Fraction(1, 1000)
        out.set_chapters([
            {"id": k, "start": a + round(late * 1000), "end": b + round(late * 1000),
             "time_base": base, "metadata": {"title": name}}
            for k, (a, b, name) in enumerate(CHAPTERS)
        ])  # fmt: skip
        packets = []
        for packet in source.demux(video=0):
            if packet.size:
                packet.pts += round(late / packet.time_base)
                packet.dts, packet.stream = packet.pts, stream
                packets.append((packet.dts * packet.time_base, packet))
        for n, (start, stop, text) in enumerate(WORDS):
            data = ASS.format(n=n, text=text.replace("\n", "\\N")).encode()
            packet = av.Packet(data if codec == "ass" else wrapped(text, codec))
            packet.time_base, packet.stream, packet.is_keyframe = base, words, True
            packet.pts = packet.dts = round((start + late) * 1000)
            packet.duration = round((stop - start) * 1000)
            packets.append((packet.pts * base, packet))
        for _, packet in sorted(packets, key=lambda pair: pair[0]):
            out.mux(packet)
    return path


def words_in(path):
    """(start, stop, text) of every subtitle."""
    with av.open(str(path)) as source:
        stream = source.streams.subtitles[0]
        codec = stream.codec_context.codec.canonical_name
        found = []
        for packet in source.demux(stream):
            if packet.size and text_of(bytes(packet), codec):
                start = float(packet.pts * packet.time_base)
                stop = start + float((packet.duration or 0) * packet.time_base)
                found.append((round(start, 2), round(stop, 2), text_of(bytes(packet), codec)))
        return found


def chapters_in(path):
    with av.open(str(path)) as source:
        return [
            (
                round(float(c["start"] * c["time_base"]), 2),
                round(float(c["end"] * c["time_base"]), 2),
                c["metadata"]["title"],
            )
            for c in source.chapters()
        ]


@pytest.mark.parametrize("output", ["o.mp4", "o.mov", "o.mkv", "o.webm"])
@pytest.mark.parametrize("name", SOURCES)
def test_everything_is_taken_over(name, output, tmp_path, render):
    made = render(rich_video(tmp_path / name), name=output, carry=True)
    assert made.result.frames == 50
    whole = [*WORDS[:2], (1.7, 2.0, "too long")]
    assert words_in(made.output) == whole, "the last one ends with the video"
    assert chapters_in(made.output) == [(0.0, 0.8, "One"), (0.8, 1.5, "Two"), (1.5, 2.0, "Three")]
    with av.open(str(made.output)) as out:
        tags = {key.lower(): value for key, value in out.metadata.items()}
        assert (tags["title"], tags["artist"]) == ("A title", "Somebody")
        assert "location" not in tags and tags["lipsync_ai_edited"] == "true"
        words = out.streams.subtitles[0].metadata
        assert words["language"] == "fra"
        video = out.streams.video[0].metadata
        if name != "t.mov":  # FFmpeg left it out of the test's own file
            assert video["language"] == ("ger" if output == "o.mov" else "deu")
        if name != "t.webm":
            assert (video | tags)["timecode"] == "01:02:03:04"
    styled = name == "styled.mkv" and output != "o.mkv"
    assert bool(made.carried.notes) == styled


@pytest.mark.parametrize("name", ["t.mp4", "t.mkv"])
def test_a_clock_that_begins_late_moves_nothing_apart(name, tmp_path, render):
    made = render(rich_video(tmp_path / name, late=3.0), name="o.mkv", carry=True)
    assert words_in(made.output)[:2] == WORDS[:2]
    assert chapters_in(made.output)[1] == (0.8, 1.5, "Two")


@pytest.mark.parametrize(
    ("fit", "kept"), [("cut", True), ("hold", True), ("loop", False), ("bounce", False)]
)
def test_a_longer_sound(fit, kept, tmp_path, render):
    """Held frames keep what belongs to the frames before; frames that come again do not."""
    sound = make_sound(tmp_path / "v.wav", 3.0)
    made = render(rich_video(tmp_path / "t.mkv"), sound, name="o.mkv", fit=fit, carry=True)
    if kept:
        end = 2.0 if fit == "cut" else 3.0
        assert [text for *_, text in words_in(made.output)] == [text for *_, text in WORDS]
        assert words_in(made.output)[-1][1] == chapters_in(made.output)[-1][1] == end
        assert not made.carried.notes
    else:
        (note,) = made.carried.notes
        assert note.endswith("The chapters and subtitles of {} are left out: its frames come again.".format(
            tmp_path / "t.mkv"
        ))  # fmt: skip
        with av.open(str(made.output)) as out:
            assert not out.streams.subtitles and not out.chapters()
            assert out.metadata["title"] == "A title"


def test_subtitles_that_a_container_does_not_take_are_told(tmp_path):
    path = tmp_path / "t.mkv"
    bare = make_video(tmp_path / "bare.mkv")
    with av.open(str(bare)) as source, av.open(str(path), "w") as out:
        stream = out.add_stream_from_template(source.streams.video[0])
        words = out.add_mux_stream("dvd_subtitle")
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = stream
                out.mux(packet)
        packet = av.Packet(bytes(20))
        packet.pts = packet.dts = 0
        packet.time_base, packet.stream, packet.duration = Fraction(1, 1000), words, 100
        out.mux(packet)
    info = probe_target(path)
    schedule = make_schedule(info.index)
    for name, told in (("o.mp4", True), ("o.webm", True), ("o.mkv", False)):
        plan = plan_carried(info, container_of(tmp_path / name), schedule)
        assert bool(plan.subtitles) != told
        assert [
            ("dvd_subtitle) are left out" in n, ".mkv takes them" in n) for n in plan.notes
        ] == ([(True, True)] if told else [])


def test_a_stream_that_no_muxer_takes_is_told_before_anything_is_rendered(tmp_path, monkeypatch):
    """As subtitles without the header that their codec needs."""
    info = probe_target(rich_video(tmp_path / "t.mkv"))
    added = carried._added

    def refuses_copies(output, given, how):
        if how.text_codec is None:
            raise ValueError("no header")
        return added(output, given, how)

    monkeypatch.setattr(carried, "_added", refuses_copies)
    plan = plan_carried(info, "matroska", make_schedule(info.index))
    assert [each.text_codec for each in plan.subtitles] == ["subrip"], "its text goes in anew"
    monkeypatch.setattr(carried, "_added", lambda *_: av.open(str(tmp_path / "none.mkv")))
    plan = plan_carried(info, "matroska", make_schedule(info.index))
    assert not plan.subtitles and "(subrip) are left out" in plan.notes[0]


def test_pictures_and_plain_videos_carry_nothing(tmp_path):
    from mediafactory import make_picture

    for path in (make_picture(tmp_path / "p.png"), make_video(tmp_path / "t.mp4")):
        info = probe_target(path)
        plan = plan_carried(info, "mp4", make_schedule(info.index))
        assert not (plan.tags or plan.chapters or plan.subtitles or plan.notes)


@pytest.mark.parametrize(
    ("data", "codec", "text"),
    [
        (b"<i>One</i> {\\an8}two\r\nthree", "subrip", "One two\nthree"),
        (b"1 < 2 > 0", "subrip", "1 < 2 > 0"),
        (b"<v Anna>Hi</v>", "webvtt", "Hi"),
        (b"3,0,Default,,0,0,0,,{\\b1}One, two\\Nthree\\hfour", "ass", "One, two\nthree four"),
        (b"\0\x03One\0\0\0\x16styl", "mov_text", "One"),
        (b"\0\0", "mov_text", ""),
        (b"caf\xe9", "text", "caf\ufffd"),
    ],
)
def test_the_text_of_a_packet(data, codec, text):
    assert text_of(data, codec) == text


def test_a_text_longer_than_mp4_counts_is_cut_between_letters():
    data = wrapped("é" * 40_000, "mov_text")
    assert len(data) == 2 + int.from_bytes(data[:2], "big") <= 2 + 65_535
    assert text_of(data, "mov_text") == "é" * 32_767
