"""The contract of the whole package, over every kind of target: right frame, right time, right length."""

from __future__ import annotations

from fractions import Fraction

import pytest
from mediafactory import make_sound, make_video

from lipsync_core.media.probe import probe_sound, probe_target
from lipsync_core.media.provenance import is_marked

F = Fraction
BT709 = (1, 1, 1, 1)
TARGETS = {
    "23.976": {"fps": F(24000, 1001)},
    "24": {"fps": 24},
    "25": {"fps": 25},
    "29.97": {"fps": F(30000, 1001)},
    "30": {"fps": 30},
    "50": {"fps": 50},
    "59.94": {"fps": F(60000, 1001)},
    "variable": {"ticks": [0, 3, 8, 9, 20, 21, 24, 30], "time_base": F(1, 100), "fps": 25},
    "variable 90 kHz": {"ticks": [0, 3003, 9009, 9010, 15015], "time_base": F(1, 90000), "fps": 30},
    "rotated 90": {"rotation": 90},
    "rotated 180": {"rotation": 180},
    "rotated 270": {"rotation": 270},
    "odd size": {"size": (161, 97), "pix_fmt": "yuv444p", "codec": "libx264"},
    "odd and rotated": {"size": (161, 97), "pix_fmt": "yuv444p", "rotation": 90},
    "10 bit": {"pix_fmt": "yuv420p10le"},
    "10 bit rotated": {"pix_fmt": "yuv420p10le", "rotation": 90},
    "4:2:2": {"pix_fmt": "yuv422p"},
    "grey": {"pix_fmt": "gray"},
    "BT.709": {"colour": BT709},
    "full range": {"colour": (1, 1, 1, 2)},
    "B-frames": {
        "options": {"bf": "3", "b-pyramid": "normal", "crf": "16"},
        "frames": 20,
        "gop": 20,
    },
    "one frame": {"frames": 1},
    "two frames": {"frames": 2},
    "anamorphic": {"aspect": F(16, 15)},
    "mkv 59.94": {"fps": F(60000, 1001), "name": "t.mkv"},
    "mkv 23.976": {"fps": F(24000, 1001), "name": "t.mkv", "frames": 30},
    "vp9": {"codec": "libvpx-vp9", "name": "t.webm", "options": {"deadline": "realtime"}},
    "vp8": {
        "codec": "libvpx",
        "name": "t.webm",
        "options": {"auto-alt-ref": "1", "lag-in-frames": "8"},
    },
    "hevc": {"codec": "libx265", "options": {"x265-params": "log-level=none"}},
    "av1": {"codec": "libsvtav1", "options": {"preset": "12"}},
    "mpeg-ps": {
        "codec": "mpeg1video",
        "name": "t.mpg",
        "options": {"b": "2M", "bf": "2"},
        "frames": 25,
    },
    "mpeg-ts": {"name": "t.ts"},
    "avi with B-frames": {"codec": "mpeg4", "name": "t.avi", "options": {"bf": "2", "b": "2M"}},
    "rgb24": {"codec": "rawvideo", "pix_fmt": "rgb24", "name": "t.nut"},
    "ffv1": {"codec": "ffv1", "pix_fmt": "yuv444p", "name": "t.mkv"},
    "mjpeg": {"codec": "mjpeg", "pix_fmt": "yuvj420p", "name": "t.avi", "options": {"qscale": "2"}},
    "gif": {"codec": "gif", "pix_fmt": "rgb8", "name": "t.gif", "fps": F(25, 2)},
    "negative start": {"ticks": list(range(-3, 9)), "name": "t.ts"},
    "late start": {"ticks": list(range(50, 62)), "name": "t.mkv"},
    "edit list": {"ticks": list(range(50, 62))},
}


@pytest.mark.parametrize("kind", TARGETS)
def test_every_output_frame_shows_its_source_at_its_time(kind, tmp_path, render, shown):
    options = dict(TARGETS[kind])
    target = make_video(tmp_path / options.pop("name", "t.mp4"), **options)
    count = len(options["ticks"]) if "ticks" in options else options.get("frames", 12)
    done = render(target)
    info, out = done.target, probe_target(done.output)

    assert info.frames == count == done.result.frames == out.frames
    assert shown(info) == list(range(count))
    assert shown(out) == list(range(count))
    assert (out.video.width, out.video.height) == (info.video.width, info.video.height)
    times = [out.index.info(k).time for k in range(count)]
    assert times == [done.schedule.time(k) for k in range(count)]
    rough = info.video.frame_duration if info.video.variable_rate else 0  # of the last frame only
    assert abs(out.duration - info.duration) <= rough
    assert is_marked(done.output)


@pytest.mark.parametrize("kind", ["29.97", "59.94", "variable", "rotated 90", "mpeg-ps", "gif"])
@pytest.mark.parametrize("fit", ["bounce", "loop", "hold"])
def test_a_longer_sound_is_covered_to_within_a_frame(kind, fit, tmp_path, render, shown):
    options = dict(TARGETS[kind])
    target = make_video(tmp_path / options.pop("name", "t.mp4"), **options)
    voice = make_sound(tmp_path / "v.wav", 3.3, 16000)
    done = render(target, voice, fit=fit, length=17)

    assert shown(done.output) == done.expected()
    last = done.schedule.info(len(done.schedule) - 1)
    assert last.time < done.sound.duration <= done.schedule.duration
    heard = probe_sound(done.output).duration
    assert abs(heard - probe_target(done.output).duration) < done.target.video.frame_duration


@pytest.mark.parametrize("rate", ["23.976", "29.97", "59.94"])
def test_an_hour_does_not_drift(rate):
    """The clock of a long output is the exact rate, not a rounded one (pitfall 3)."""
    from lipsync_core.media.index import constant_index
    from lipsync_core.media.schedule import make_schedule

    fps = TARGETS[rate]["fps"]
    schedule = make_schedule(constant_index(1, fps), "hold", F(3600))
    assert schedule.time(len(schedule) - 1) == (len(schedule) - 1) / fps
    assert 0 <= schedule.duration - 3600 < 1 / fps


def test_colour_tags_and_pixel_aspect_survive(tmp_path, render):
    target = make_video(tmp_path / "t.mp4", colour=(1, 13, 1, 2), aspect=F(16, 15))
    out = probe_target(render(target).output).video
    assert (out.color_primaries, out.color_trc, out.color_space, out.color_range) == (1, 13, 1, 2)
    assert out.sample_aspect_ratio == F(16, 15)


def test_missing_colour_tags_stay_missing(tmp_path, render):
    out = probe_target(render(make_video(tmp_path / "t.mp4")).output).video
    assert (out.color_primaries, out.color_trc, out.color_space) == (None, None, None)


def test_ten_bits_are_kept(tmp_path, render):
    out = probe_target(render(make_video(tmp_path / "t.mp4", pix_fmt="yuv420p10le")).output).video
    assert out.pixel_format == "yuv420p10le"


def test_rotation_is_baked_in(tmp_path, render):
    done = render(make_video(tmp_path / "t.mp4", rotation=90))
    out = probe_target(done.output).video
    assert (out.rotation, out.width, out.height) == (0, 96, 160)


@pytest.mark.parametrize("ending", [".mp4", ".m4v", ".mov", ".mkv", ".webm"])
def test_every_container_holds_picture_sound_and_mark(ending, tmp_path, render, shown):
    target = make_video(tmp_path / "t.mp4", fps=F(30000, 1001))
    done = render(target, make_sound(tmp_path / "v.wav", 1.0, 44100, 2), name=f"out{ending}")
    assert shown(done.output) == done.expected()
    assert is_marked(done.output)
    sound = probe_sound(done.output)
    assert sound.channels == 2
    assert abs(sound.duration - done.schedule.duration) < done.target.video.frame_duration


@pytest.mark.parametrize(
    "name",
    ["a b.mp4", 'it\'s "q".mp4', "v1.2.3.mp4", "größe 你好.mp4", "f%d.mp4", "-dash.mp4", "a:b.mp4"],
)
def test_odd_names_work_in_and_out(name, tmp_path, render, shown):
    target = make_video(tmp_path / "plain.mp4").rename(tmp_path / name)
    voice = make_sound(tmp_path / "plain.wav", 0.2).rename(tmp_path / (name + ".wav"))
    done = render(target, voice, name="out " + name)
    assert shown(done.output) == list(range(12))
