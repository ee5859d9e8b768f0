"""A wrong encoder or option is one clear error before any work; the right one is chosen by ending."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest

from lipsync_core.errors import OutputError
from lipsync_core.media.encoders import (
    EncoderSettings,
    check_encoder,
    settings_for,
    video_encoders,
)
from lipsync_core.media.formats import VideoFormat

VIDEO = VideoFormat(width=64, height=48, frame_rate=Fraction(25), time_base=Fraction(1, 25))
DEEP = VideoFormat(
    width=64, height=48, frame_rate=Fraction(25), time_base=Fraction(1, 25), bit_depth=10
)


@pytest.mark.parametrize(
    ("name", "encoder"), [("a.mp4", "libx264"), ("a.mkv", "libx264"), ("a.webm", "libvpx-vp9")]
)
def test_the_ending_chooses_the_encoder(name, encoder):
    assert settings_for(Path(name)).encoder == encoder


def test_webm_refuses_h264():
    with pytest.raises(OutputError) as caught:
        settings_for(Path("a.webm"), encoder="libx264")
    assert "libvpx-vp9" in caught.value.hint


@pytest.mark.parametrize("encoder", ["no_such_encoder", "aac", ""])
def test_an_unknown_encoder_lists_those_that_are_here(encoder):
    with pytest.raises(OutputError) as caught:
        check_encoder(EncoderSettings(encoder=encoder), VIDEO)
    assert "libx264" in caught.value.hint
    assert caught.value.exit_code == 6


def test_a_wrong_preset_is_refused_before_any_work():
    with pytest.raises(OutputError, match="refuses") as caught:
        check_encoder(EncoderSettings(preset="warp9"), VIDEO)
    assert "--preset" in caught.value.hint


def test_quality_and_speed_use_the_words_of_each_encoder():
    assert EncoderSettings(crf=23, preset="fast").options() == {
        "crf": "23",
        "preset": "fast",
        "x264-params": "mbtree=0",
    }
    plain = EncoderSettings().options()
    assert (plain["crf"], plain["preset"]) == ("18", "veryfast")
    assert EncoderSettings(encoder="mpeg4", crf=3).options()["qscale"] == "3"
    assert EncoderSettings(encoder="libvpx-vp9").options()["cpu-used"] == "5"
    assert EncoderSettings(encoder="ffv1").options() == {}


def test_ten_bits_stay_where_the_encoder_takes_them():
    assert check_encoder(EncoderSettings(), DEEP).bit_depth == 10
    assert check_encoder(EncoderSettings(encoder="mpeg4"), DEEP).bit_depth == 8
    assert check_encoder(EncoderSettings(), VIDEO) == VIDEO


def test_the_list_holds_only_what_is_here():
    assert "libx264" in video_encoders()


CHECK = """
import sys
from fractions import Fraction
from lipsync_core.media.encoders import EncoderSettings, check_encoder
from lipsync_core.media.formats import VideoFormat
video = VideoFormat(width=64, height=48, frame_rate=Fraction(25), time_base=Fraction(1, 25))
check_encoder(EncoderSettings(encoder=sys.argv[1]), video)
"""


@pytest.mark.parametrize("encoder", ["libx264", "libx265", "libvpx-vp9", "libsvtav1", "mpeg4"])
def test_the_check_prints_nothing(encoder):
    # In a process of its own: SVT-AV1 reads its log level once, at the first encoder of a process.
    words = [sys.executable, "-c", CHECK, encoder]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60)
    assert (done.stdout, done.stderr) == ("", "")
