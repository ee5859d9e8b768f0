"""Interlaced video becomes whole frames, or stays as it is; both are told."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest
from mediafactory import make_video, mux_frame, number_of, numbered_image

from lipsync_core.errors import UsageError
from lipsync_core.media.encoders import check_encoder, settings_for
from lipsync_core.media.fields import deinterlaced, marked
from lipsync_core.media.probe import probe_target
from lipsync_core.media.reader import VideoReader

CODECS = {
    "h264": ("t.mp4", "libx264", "yuv420p", {"crf": "10"}),
    "h264 in mkv": ("t.mkv", "libx264", "yuv420p", {"crf": "10"}),
    "mpeg-2 in ps": ("t.mpg", "mpeg2video", "yuv420p", {"b": "4M", "bf": "2"}),
    "mpeg-2 in ts": ("t.ts", "mpeg2video", "yuv420p", {"b": "4M"}),
    "prores": ("t.mov", "prores_ks", "yuv422p10le", {}),
}


def field_image(number: int, moment: int) -> np.ndarray:
    """`(192, 160, 3)`: the number of the frame above, and a bar that moves 6 pixels from field to field."""
    image = numbered_image(number, 160, 192)
    image[60:] = 80
    image[80:160, 10 + 6 * (moment % 20) : 30 + 6 * (moment % 20)] = 220
    return image


def interlaced_video(folder, kind, fields="top"):
    """24 frames woven from two moments each."""
    name, codec, pix_fmt, options = CODECS[kind]
    path = folder / name
    flags = {"flags": "+ilme+ildct"}
    if codec == "libx264":
        flags["x264-params"] = f"{'tff' if fields == 'top' else 'bff'}=1"
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=25, options=options | flags)
        stream.width, stream.height, stream.pix_fmt = 160, 192, pix_fmt
        stream.codec_context.gop_size = 6
        stream.codec_context.field_order = 2 if fields == "top" else 3
        for number in range(24):
            first, second = field_image(number, 2 * number), field_image(number, 2 * number + 1)
            image = first.copy()
            image[1 if fields == "top" else 0 :: 2] = second[1 if fields == "top" else 0 :: 2]
            frame = av.VideoFrame.from_ndarray(image, "rgb24").reformat(format=pix_fmt)
            frame = marked(frame, fields)
            mux_frame(out, stream, frame, number)
        mux_frame(out, stream)
    return path


def combing(image: np.ndarray) -> float:
    """How much neighbouring lines differ where the bar moves, against lines two apart."""
    luma = image[84:156].astype(int).mean(-1)
    return float(np.abs(np.diff(luma, axis=0)).mean() - np.abs(luma[2:] - luma[:-2]).mean())


def pictures(info, order=None):
    with VideoReader(info) as reader:
        return [p.rgb() for p in reader.frames_at(order or range(info.frames))]


@pytest.mark.parametrize("fields", ["top", "bottom"])
@pytest.mark.parametrize("kind", CODECS)
def test_interlaced_video_becomes_whole_frames_one_for_each(kind, fields, tmp_path):
    path = interlaced_video(tmp_path, kind, fields)
    info = probe_target(path)
    assert info.deinterlace and info.video.fields is None
    assert [note for note in info.notes if "was deinterlaced" in note]
    assert [info.index.info(k).time for k in range(24)] == [Fraction(k, 25) for k in range(24)]
    shown = pictures(info)
    assert [number_of(image) for image in shown] == list(range(24))
    assert max(combing(image) for image in shown) < 3
    kept = probe_target(path, interlaced="keep")
    assert not kept.deinterlace and kept.video.fields == fields
    assert [note for note in kept.notes if f"{fields} field first) and stays so" in note]
    assert min(combing(image) for image in pictures(kept)) > 8


@pytest.mark.parametrize("kind", CODECS)
def test_a_frame_is_the_same_wherever_reading_begins(kind, tmp_path):
    """A resumed run must give the pictures of an unbroken one."""
    info = probe_target(interlaced_video(tmp_path, kind))
    whole = pictures(info)
    for start in (1, 5, 6, 7, 12, 13, 23):
        with VideoReader(info) as reader:
            begun = next(reader.frames(start)).rgb()
        assert np.array_equal(begun, whole[start]), start
    order = [20, 3, 12, 11, 10, 9, 18, 6, 5, 0]
    for number, image in zip(order, pictures(info, order), strict=True):
        assert np.array_equal(image, whole[number]), number


def test_whole_frames_between_interlaced_ones_stay_as_they_are():
    """Broadcasts mix both."""
    frames = []
    for number in range(8):
        frame = av.VideoFrame.from_ndarray(field_image(number, number), "rgb24")
        frame = frame.reformat(format="yuv420p")
        frames.append((number + 100, marked(frame, "top") if number in (2, 3, 6) else frame))
    before = [frame.to_ndarray() for _, frame in frames]
    made = list(deinterlaced(iter(frames)))
    assert [place for place, _ in made] == list(range(100, 108))
    same = [np.array_equal(f.to_ndarray(), b) for (_, f), b in zip(made, before, strict=True)]
    assert same == [number not in (2, 3, 6) for number in range(8)]


def test_frames_of_another_size_go_on(tmp_path):
    frames = [av.VideoFrame(64, 48 if k < 3 else 96, "yuv420p") for k in range(6)]
    made = [(k, frame.height) for k, frame in deinterlaced(enumerate(frames))]
    assert made == [(k, 48 if k < 3 else 96) for k in range(6)]


def test_whole_frames_are_no_interlaced_ones(tmp_path):
    for name, codec in (("t.mp4", "libx264"), ("t.mpg", "mpeg2video")):
        options = {} if codec == "libx264" else {"b": "2M"}
        info = probe_target(make_video(tmp_path / name, codec=codec, options=options))
        assert not info.deinterlace and not info.notes


@pytest.mark.parametrize("fields", ["top", "bottom"])
@pytest.mark.parametrize("name", ["o.mp4", "o.mkv", "o.mov"])
def test_kept_fields_are_marked_in_the_output(name, fields, tmp_path, render):
    made = render(interlaced_video(tmp_path, "h264", fields), name=name, interlaced="keep")
    out = probe_target(made.output, interlaced="keep")
    assert out.video.fields == fields
    assert min(combing(image) for image in pictures(out)) > 8
    plain = render(tmp_path / "t.mp4", name=f"plain-{name}")
    assert probe_target(plain.output, interlaced="keep").video.fields is None


def test_an_encoder_that_cannot_keep_fields_is_refused(tmp_path):
    info = probe_target(interlaced_video(tmp_path, "h264"), interlaced="keep")
    with pytest.raises(UsageError, match="libx265 does not write interlaced"):
        check_encoder(settings_for(tmp_path / "o.mp4", "libx265"), info.video)
