"""A folder of pictures is read like a video: in the order of its numbers, one picture at a time."""

from __future__ import annotations

import tracemalloc
from fractions import Fraction

import numpy as np
import pytest
from facefactory import write_picture
from mediafactory import make_sound, number_of, numbered_image

from lipsync_core.errors import UnsupportedInput
from lipsync_core.media.folder import pictures_in
from lipsync_core.media.probe import probe_target
from lipsync_core.media.reader import VideoReader


@pytest.fixture
def folder(tmp_path):
    """Twelve pictures, named so that letters alone would order them otherwise, and other files."""
    place = tmp_path / "frames"
    place.mkdir()
    for k in range(12):
        form = ("png", "JPG", "bmp")[k % 3]
        write_picture(place / f"img{k + 1}.{form.lower()}", numbered_image(k, 120, 90)).rename(
            place / f"img{k + 1}.{form}"
        )
    (place / "notes.txt").write_text("img3.png is the best")
    (place / ".hidden.png").write_bytes((place / "img1.png").read_bytes())
    (place / "more.png").mkdir()
    return place


def test_pictures_come_by_their_numbers(folder):
    names = [path.name for path in pictures_in(folder)]
    assert [int(name[3:].split(".")[0]) for name in names] == list(range(1, 13))


def test_it_is_a_video_at_the_rate_that_was_asked_for(folder):
    info = probe_target(folder, Fraction(30))
    assert (info.kind, info.codec, info.frames) == ("video", "pictures", 12)
    assert (info.video.width, info.video.height) == (120, 90)
    assert info.duration == Fraction(12, 30) and not info.video.variable_rate
    assert probe_target(folder).duration == Fraction(12, 25)


def test_any_order_is_exact(folder):
    order = [*range(12), *range(10, -1, -1), 0, 0, 7, 3, 11]
    with VideoReader(folder) as reader:
        pictures = list(reader.frames_at(order))
    assert [number_of(picture.rgb()) for picture in pictures] == order
    assert [picture.info.index for picture in pictures] == order
    assert [picture.info.time for picture in pictures[:3]] == [0, Fraction(1, 25), Fraction(2, 25)]


def test_one_picture_at_a_time_is_held(tmp_path):
    for k in range(20):
        write_picture(tmp_path / f"{k}.png", np.full((600, 800, 3), k, np.uint8))
    one = 600 * 800 * 3
    with VideoReader(tmp_path) as reader:
        tracemalloc.start()
        for picture in reader.frames():
            assert picture.rgb()[0, 0, 0] == picture.info.index
        for index in range(19, -1, -1):
            next(reader.frames_at([index]))
        assert (
            tracemalloc.get_traced_memory()[1] < 6 * one
        )  # of 20: the one before, and what decoding takes
        tracemalloc.stop()


def test_odd_sizes_are_made_even(tmp_path):
    for k in range(2):
        write_picture(tmp_path / f"{k}.png", numbered_image(k, 121, 91))
    with VideoReader(tmp_path) as reader:
        assert [picture.rgb().shape for picture in reader.frames()] == [(92, 122, 3)] * 2


def test_a_whole_output_shows_every_picture_forth_and_back(folder, render, tmp_path):
    voice = make_sound(tmp_path / "v.wav", 0.8)
    made = render(folder, voice)
    with VideoReader(made.output) as reader:
        numbers = [number_of(picture.rgb()) for picture in reader.frames()]
    assert numbers == made.expected() == [*range(12), *range(10, 2, -1)]


def test_a_folder_without_pictures_is_told(tmp_path):
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(UnsupportedInput, match="is a folder without pictures"):
        probe_target(tmp_path)


def test_pictures_of_another_size_and_damaged_ones_are_named(folder):
    write_picture(folder / "img5.png", numbered_image(4, 100, 90))
    with VideoReader(folder) as reader:
        assert number_of(next(reader.frames(3)).rgb()) == 3
        with pytest.raises(UnsupportedInput, match=r"img5\.png is 100x90, .* 120x90"):
            list(reader.frames())
    (folder / "img5.png").write_bytes((folder / "img4.png").read_bytes()[:60])
    with pytest.raises(UnsupportedInput, match=r"img5\.png"), VideoReader(folder) as reader:
        list(reader.frames())
