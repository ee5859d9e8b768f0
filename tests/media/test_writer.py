"""One segment: whole or absent, beginning with a keyframe, equal bytes for equal pictures."""

from __future__ import annotations

import os
import subprocess
import sys
from fractions import Fraction

import av
import pytest
from mediafactory import make_video

from lipsync_core.errors import OutputError
from lipsync_core.media.encoders import EncoderSettings
from lipsync_core.media.probe import probe_target
from lipsync_core.media.reader import VideoReader
from lipsync_core.media.writer import SegmentWriter

FRAME = Fraction(1, 25)


@pytest.fixture
def source(tmp_path):
    with VideoReader(probe_target(make_video(tmp_path / "t.mp4", gop=3))) as reader:
        yield reader.target, list(reader.frames())


def write(path, target, pictures, settings=None):
    with SegmentWriter(path, target.video, settings or EncoderSettings()) as writer:
        for picture in pictures:
            writer.write(picture, picture.info.time, picture.info.duration)
    return writer


def test_a_segment_appears_when_it_is_closed(source, tmp_path):
    target, pictures = source
    path = tmp_path / "s.nut"
    with SegmentWriter(path, target.video, EncoderSettings()) as writer:
        writer.write(pictures[0], Fraction(0), FRAME)
        assert not path.exists()
    assert path.exists()
    assert writer.frames == 1


def test_an_error_leaves_nothing(source, tmp_path):
    target, pictures = source
    path = tmp_path / "s.nut"
    before = sorted(tmp_path.iterdir())
    with (
        pytest.raises(RuntimeError),
        SegmentWriter(path, target.video, EncoderSettings()) as writer,
    ):
        writer.write(pictures[0], Fraction(0), FRAME)
        raise RuntimeError
    assert sorted(tmp_path.iterdir()) == before


def test_no_picture_is_no_segment(source, tmp_path):
    target, _ = source
    with pytest.raises(OutputError, match="has no frames"):
        write(tmp_path / "s.nut", target, [])
    assert not (tmp_path / "s.nut").exists()


def test_a_segment_begins_with_a_keyframe_wherever_it_is_cut(source, tmp_path):
    target, pictures = source
    write(tmp_path / "s.nut", target, pictures[5:])
    with av.open(str(tmp_path / "s.nut")) as container:
        packets = [p for p in container.demux(container.streams.video[0]) if p.size]
    assert packets[0].is_keyframe


def test_the_source_does_not_choose_the_frame_types(source, tmp_path):
    """Decoded frames remember I, P and B; x264 would repeat them (here: a keyframe every 3)."""
    target, pictures = source
    write(tmp_path / "s.nut", target, pictures)
    with av.open(str(tmp_path / "s.nut")) as container:
        packets = [p for p in container.demux(container.streams.video[0]) if p.size]
    assert sum(packet.is_keyframe for packet in packets) == 1


def test_equal_pictures_give_equal_bytes_and_one_header(source, tmp_path):
    target, pictures = source
    for name, part in (("a", pictures[:6]), ("b", pictures[:6]), ("c", pictures[6:])):
        write(tmp_path / name, target, part)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    headers = set()
    for name in "abc":
        with av.open(str(tmp_path / name)) as container:
            headers.add(bytes(container.streams.video[0].codec_context.extradata))
    assert len(headers) == 1


def test_time_must_go_on(source, tmp_path):
    target, pictures = source
    with pytest.raises(ValueError, match="does not come after"):
        write(tmp_path / "s.nut", target, [pictures[3], pictures[3]])


def test_the_same_picture_can_be_shown_again(source, tmp_path):
    target, pictures = source
    with SegmentWriter(tmp_path / "s.nut", target.video, EncoderSettings()) as writer:
        for k in range(4):
            writer.write(pictures[0], k * FRAME, FRAME)
    assert writer.frames == 4


def test_a_missing_folder_is_an_output_error(source, tmp_path):
    target, _ = source
    with pytest.raises(OutputError):
        SegmentWriter(tmp_path / "no" / "s.nut", target.video, EncoderSettings())


@pytest.mark.parametrize("encoder", ["libx265", "libvpx-vp9", "libsvtav1", "mpeg4", "libvpx"])
def test_other_encoders_work_from_segment_to_output(encoder, tmp_path, render, shown):
    name = "o.webm" if encoder.startswith("libvpx") else "o.mp4"
    done = render(make_video(tmp_path / "t.mp4"), name=name, encoder=encoder)
    assert shown(done.output) == list(range(12))


@pytest.mark.skipif(sys.platform != "linux", reason="glibc can fill fresh memory with a pattern")
def test_bytes_do_not_depend_on_what_memory_held_before(tmp_path):
    """x264's mbtree reads memory that nothing wrote; a resumed run would then differ."""
    source = make_video(tmp_path / "t.mp4", size=(288, 336), frames=50)
    script = (
        "import sys, hashlib; from pathlib import Path\n"
        "from lipsync_core.media.encoders import EncoderSettings\n"
        "from lipsync_core.media.reader import VideoReader\n"
        "from lipsync_core.media.writer import SegmentWriter\n"
        "path = Path(sys.argv[2])\n"
        "with VideoReader(sys.argv[1]) as r, "
        "SegmentWriter(path, r.target.video, EncoderSettings()) as w:\n"
        "    for p in r.frames(): w.write(p, p.info.time, p.info.duration)\n"
        "print(hashlib.md5(path.read_bytes()).hexdigest())\n"
    )

    def digest(pattern):
        words = [sys.executable, "-c", script, str(source), str(tmp_path / "s.nut")]
        env = os.environ | {"MALLOC_PERTURB_": pattern}
        return subprocess.run(words, env=env, capture_output=True, text=True, check=True).stdout

    assert digest("0") == digest("1") != ""
