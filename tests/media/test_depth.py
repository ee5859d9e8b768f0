"""Depth, transparency and HDR metadata of a target reach the output where it can carry them."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest
from av.sidedata.sidedata import Type
from mediafactory import make_video, mux_frame, number_of, numbered_image

from lipsync_core.media import encoders, hdr
from lipsync_core.media.encoders import (
    EncoderSettings,
    carries_alpha,
    check_encoder,
    losses,
    settings_for,
)
from lipsync_core.media.formats import VideoFormat
from lipsync_core.media.hdr import HdrMetadata, Mastering
from lipsync_core.media.picture import Picture
from lipsync_core.media.planes import views
from lipsync_core.media.probe import probe_target
from lipsync_core.media.reader import VideoReader

CLEAR = {  # what has transparency: codec, its format, depth that is kept
    "t.mov": ("prores_ks", "yuva444p10le", 10, {"profile": "4444"}),
    "t.webm": ("libvpx-vp9", "yuva420p", 8, {"crf": "10", "b": "0"}),
    "t.mkv": ("ffv1", "yuva420p10le", 10, {}),
    "t.avi": ("ffv1", "bgra", 8, {}),
    "t.nut": ("ffv1", "gbrap16le", 10, {}),
    "t.gif": ("gif", "pal8", 8, {}),
}
MASTERING = Mastering(
    primaries=((0.68, 0.32), (0.265, 0.69), (0.15, 0.06)), white=(0.3127, 0.329),
    darkest=0.0001, brightest=1000.0,
)  # fmt: skip
HDR = HdrMetadata(mastering=MASTERING, light=(1000, 400))


def clear_image(number: int, size=(160, 96)) -> np.ndarray:
    """RGBA: the numbered picture, its lower right quarter transparent, red beneath."""
    image = np.dstack([numbered_image(number, *size), np.full(size[::-1], 255, np.uint8)])
    image[48:, 80:] = (200, 30, 30, 0)
    return image


def clear_video(path, frames=6, size=(160, 96)):
    codec, pix_fmt, _, options = CLEAR[path.name]
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = *size, pix_fmt
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(clear_image(number, size), "rgba")
            if pix_fmt == "pal8":
                frame = paletted(number)
            else:
                frame = frame.reformat(format=pix_fmt, dst_colorspace=5, dst_color_range=1)
            mux_frame(out, stream, frame, number)
        mux_frame(out, stream)
    return path


def paletted(number):
    """A GIF's frame: 216 colours, and a transparent one."""
    rgba = clear_image(number)
    codes = (rgba[..., 0] // 43) * 36 + (rgba[..., 1] // 43) * 6 + rgba[..., 2] // 43
    codes[rgba[..., 3] == 0] = 216
    palette = np.zeros((256, 4), np.uint8)  # bytes of ARGB, little-endian: B, G, R, A
    for k in range(216):
        palette[k] = (k % 6 * 51, k // 6 % 6 * 51, k // 36 * 51, 255)
    frame = av.VideoFrame(160, 96, "pal8")
    plane = np.zeros((96, frame.planes[0].line_size), np.uint8)
    plane[:, :160] = codes
    frame.planes[0].update(plane.tobytes())
    frame.planes[1].update(palette.tobytes().ljust(frame.planes[1].buffer_size, b"\0"))
    return frame


def alpha_of(path):
    """`(frames, h, w)` transparency of an output, 0..255, by the decoder that sees it."""
    info = probe_target(path)
    assert info.has_alpha
    unit = 1 << (info.video.bit_depth - 8)
    with VideoReader(info.with_alpha()) as reader:
        frames = [picture.video_frame() for picture in reader.frames()]
    planes = [
        np.frombuffer(bytes(f.planes[3]), np.uint16 if unit > 1 else np.uint8) for f in frames
    ]
    rows = [p.reshape(info.video.height, -1)[:, : info.video.width] // unit for p in planes]
    return np.stack(rows).astype(int)


@pytest.mark.parametrize("name", CLEAR)
def test_transparency_is_seen_and_composed_over_white(name, tmp_path):
    info = probe_target(clear_video(tmp_path / name))
    assert info.has_alpha and not info.video.alpha
    assert info.video.bit_depth == CLEAR[name][2]
    with VideoReader(info) as reader:
        images = [picture.rgb() for picture in reader.frames()]
    assert [number_of(image) for image in images] == list(range(6))
    assert images[3][52:92, 84:156].min() > 240
    assert np.abs(images[3][20:46].astype(int) - numbered_image(3, 160, 96)[20:46]).mean() < 16


@pytest.mark.parametrize("name", CLEAR)
def test_kept_transparency_changes_nothing_for_those_who_look(name, tmp_path):
    info = probe_target(clear_video(tmp_path / name))
    with VideoReader(info) as plain, VideoReader(info.with_alpha()) as kept:
        before, after = next(plain.frames()), next(kept.frames())
        assert np.abs(before.rgb().astype(int) - after.rgb()).max() <= 3
        assert np.abs(before.quick_rgb().astype(int) - after.quick_rgb()).max() <= 6
        assert after.video_frame(info.video).format.name == info.video.working_format


@pytest.mark.parametrize("name", ["t.mov", "t.mkv", "t.avi"])
def test_painting_sees_the_colours_beneath_and_leaves_the_alpha(name, tmp_path):
    info = probe_target(clear_video(tmp_path / name)).with_alpha()
    with VideoReader(info) as reader:
        picture = next(reader.frames())
    picture.rgb()
    part = picture.region(60, 40, 100, 60)
    assert part[12, 30, 0] > 150 and part[12, 30, 1] < 80, "red, where others see white"
    new = part.copy()
    new[2:6, 2:6] = 0
    made = picture.repainted(60, 40, part, new)
    frames = [p.video_frame() for p in (picture, made)]
    assert np.array_equal(*(views(frame)[3] for frame in frames))
    assert made.rgb()[43, 63].max() < 30 and picture.rgb()[43, 63].max() > 60
    assert made.rgb()[70, 120].min() > 240


@pytest.mark.parametrize(
    ("rotation", "mirrored"), [(0, True), (90, False), (180, True), (270, False)]
)
def test_alpha_of_odd_sizes_turns_with_its_picture(rotation, mirrored, tmp_path):
    size = (161, 97)
    info = probe_target(clear_video(tmp_path / "t.mkv", 1, size)).with_alpha()
    wide = rotation % 180 == 0
    video = replace(
        info.video, rotation=rotation, mirrored=mirrored,
        width=162 if wide else 98, height=98 if wide else 162,
    )  # fmt: skip
    with av.open(str(tmp_path / "t.mkv")) as container:
        frame = next(container.decode(video=0))
    made = Picture.from_frame(frame, info.index.info(0), video).video_frame()
    alpha = views(made)[3]
    stored = np.pad(clear_image(0, size)[..., 3] > 0, ((0, 1), (0, 1)), mode="edge")
    stored = stored[:, ::-1] if mirrored else stored
    wanted = np.rot90(stored, rotation // 90)
    assert ((alpha > 512) == wanted).mean() > 0.99


@pytest.mark.parametrize("source", ["t.mov", "t.webm", "t.gif"])
@pytest.mark.parametrize(
    ("output", "codec", "depth"), [("o.mov", "prores", 10), ("o.webm", "vp9", 8)]
)
def test_an_output_that_can_carries_the_transparency(
    source, output, codec, depth, tmp_path, render
):
    made = render(clear_video(tmp_path / source), name=output, alpha=True)
    out = probe_target(made.output)
    assert (out.codec, out.video.bit_depth) == (codec, depth)
    alpha = alpha_of(made.output)
    assert len(alpha) == 6
    assert alpha[:, 52:92, 84:156].max() < 8 and alpha[:, 4:44].min() > 247
    with VideoReader(out) as reader:
        assert [number_of(picture.rgb()) for picture in reader.frames()] == list(range(6))


@pytest.mark.parametrize(
    ("output", "encoder", "carried"),
    [
        ("o.mov", None, True), ("o.webm", None, True), ("o.mp4", None, False), ("o.mkv", None, False),
        ("o.mkv", "prores_ks", True), ("o.mkv", "libvpx-vp9", True), ("o.mp4", "libvpx-vp9", False),
        ("o.mov", "libx264", False), ("o.webm", "libsvtav1", False),
    ],
)  # fmt: skip
def test_who_carries_transparency(output, encoder, carried, tmp_path):
    video = VideoFormat(
        width=64, height=64, frame_rate=Fraction(25), time_base=Fraction(1, 25), alpha=True
    )
    settings = settings_for(tmp_path / output, encoder, video=video)
    assert carries_alpha(settings, tmp_path / output) == carried


@pytest.mark.parametrize(
    ("pix_fmt", "codec"),
    [
        ("yuv422p10le", "prores_ks"),
        ("gbrp10le", "ffv1"),
        ("yuv444p12le", "ffv1"),
        ("rgb48le", "png"),
    ],
)
@pytest.mark.parametrize("output", ["o.mp4", "o.mov", "o.mkv", "o.webm"])
def test_deep_pictures_stay_deep(pix_fmt, codec, output, tmp_path, render, shown):
    name = "t.mov" if codec in ("prores_ks", "png") else "t.mkv"
    path = make_video(
        tmp_path / name,
        codec=codec,
        pix_fmt="rgb48be" if codec == "png" else pix_fmt,
        options={"a": ""},
    )
    info = probe_target(path)
    assert info.video.bit_depth == 10
    made = render(path, name=output)
    assert probe_target(made.output).video.bit_depth == 10
    assert shown(made.output) == list(range(12))


def hdr_video(path, transfer=16, metadata=HDR):
    """A video with metadata in it, written by our own settings."""
    info = VideoFormat(
        width=160, height=96, frame_rate=Fraction(25), time_base=Fraction(1, 25), bit_depth=10,
        color_primaries=9, color_trc=transfer, color_space=9, color_range=1, hdr=metadata,
    )  # fmt: skip
    from lipsync_core.media.encoders import configure

    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx265", rate=25)
        configure(
            stream.codec_context, EncoderSettings(encoder="libx265", preset="ultrafast"), info
        )
        for number in range(12):
            frame = av.VideoFrame.from_ndarray(numbered_image(number, 160, 96), "rgb24")
            frame = frame.reformat(format="yuv420p10le", dst_colorspace=9, dst_color_range=1)
            mux_frame(out, stream, frame, number)
        mux_frame(out, stream)
    return path


def near(found: HdrMetadata | None, wanted: HdrMetadata) -> bool:
    """Encoders store fractions of different steps."""
    if found is None or found.light != wanted.light:
        return False
    if found.mastering is None or wanted.mastering is None:
        return found.mastering is wanted.mastering
    one, other = (
        [*(v for point in (*m.primaries, m.white) for v in point), m.darkest, m.brightest / 1000]
        for m in (found.mastering, wanted.mastering)
    )
    return bool(np.allclose(one, other, atol=2e-4))


@pytest.mark.parametrize(
    "metadata",
    [HDR, HdrMetadata(mastering=MASTERING), HdrMetadata(light=(800, 200))],
    ids=["both", "mastering", "light"],
)
@pytest.mark.parametrize(
    ("output", "codec"),
    [("o.mp4", "hevc"), ("o.mov", "hevc"), ("o.mkv", "hevc"), ("o.webm", "av1")],
)
def test_hdr_keeps_its_metadata(output, codec, metadata, tmp_path, render, shown):
    path = hdr_video(tmp_path / "t.mp4", metadata=metadata)
    info = probe_target(path)
    assert near(info.video.hdr, metadata)
    made = render(path, name=output)
    out = probe_target(made.output)
    assert (out.codec, out.video.bit_depth) == (codec, 10)
    assert (out.video.color_primaries, out.video.color_trc, out.video.color_space) == (9, 16, 9)
    assert near(out.video.hdr, metadata)
    assert shown(made.output) == list(range(12))


def test_hlg_without_metadata_gets_the_encoder_of_hdr(tmp_path, render):
    path = hdr_video(tmp_path / "t.mp4", transfer=18, metadata=None)
    made = render(path, name="o.mp4")
    out = probe_target(made.output)
    assert (out.codec, out.video.bit_depth, out.video.color_trc) == ("hevc", 10, 18)
    assert out.video.hdr is None


@pytest.mark.parametrize(
    ("encoder", "told"),
    [
        ("libx265", ["The target is HDR (PQ); it is encoded with libx265."]),
        ("libx264", ["The target is HDR (PQ); its mastering data are lost, which libx264 does"]),
        ("mpeg4", ["The encoder mpeg4 takes 8 bits", "The target is HDR (PQ); its mastering data"]),
    ],
)
def test_what_an_encoder_takes_away_is_told(encoder, told, tmp_path):
    video = probe_target(hdr_video(tmp_path / "t.mp4")).video
    settings = settings_for(tmp_path / "o.mp4", encoder, video=video)
    found = losses(settings, video, check_encoder(settings, video))
    assert len(found) == len(told)
    assert all(sentence.startswith(start) for sentence, start in zip(found, told, strict=True))


@pytest.mark.parametrize(
    ("kind", "name"), [(Type.DOVI_METADATA, "Dolby Vision"), (Type.DYNAMIC_HDR_PLUS, "HDR10+")]
)
def test_dynamic_metadata_that_are_left_out_are_told(kind, name, tmp_path, monkeypatch):
    """No encoder here makes such a file, so its side data are put in place of those of another."""
    path = make_video(tmp_path / "t.mp4")
    assert not probe_target(path).notes
    monkeypatch.setattr(hdr, "side_data", lambda frame, asked: b"x" if asked == kind else None)
    (note,) = probe_target(path).notes
    assert note.startswith(f"The {name} data of {path} are left out")


@pytest.mark.parametrize(("output", "usual"), [("o.mp4", "libx264"), ("o.webm", "libvpx-vp9")])
def test_without_the_encoder_of_hdr_the_usual_one_serves(output, usual, tmp_path, monkeypatch):
    """Some builds of PyAV lack libx265."""
    video = probe_target(hdr_video(tmp_path / "t.mp4")).video
    monkeypatch.setattr(encoders, "video_encoders", lambda: ["libx264", "libvpx-vp9"])
    settings = settings_for(tmp_path / output, video=video)
    assert settings.encoder == usual
    assert "mastering data are lost" in losses(settings, video, check_encoder(settings, video))[-1]


def test_an_ordinary_target_keeps_its_usual_encoder_and_nothing_is_told(tmp_path):
    video = probe_target(make_video(tmp_path / "t.mp4")).video
    for name, encoder in (("o.mp4", "libx264"), ("o.webm", "libvpx-vp9")):
        settings = settings_for(tmp_path / name, video=video)
        assert settings.encoder == encoder
        assert losses(settings, video, check_encoder(settings, video)) == []


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv420p10le"])
def test_an_encoder_without_420_gets_what_it_takes(pix_fmt, tmp_path, render, shown):
    made = render(
        make_video(tmp_path / "t.mp4", pix_fmt=pix_fmt), name="o.mov", encoder="prores_ks"
    )
    assert probe_target(made.output).video.pixel_format == "yuv422p10le"
    assert shown(made.output) == list(range(12))
