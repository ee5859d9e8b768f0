"""The painted inside of the mouth: shadow at tiny openings, light, teeth."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from lipsync_core.builtin.viseme import own_teeth, teeth, tone
from lipsync_core.builtin.viseme.canonical import neutral
from lipsync_core.builtin.viseme.topology import LOWER_INNER, UPPER_INNER
from lipsync_core.records import Crops

from .conftest import pose


def tinted(crops: Crops, light: tuple[float, float, float]) -> Crops:
    """The same picture under coloured light."""
    images = np.clip(crops.images * np.array(light), 0, 255).astype(np.uint8)
    return Crops(
        frames=crops.frames, track=0, images=images, matrices=crops.matrices,
        landmarks=crops.landmarks, scheme="478",
    )  # fmt: skip


def inside(stage, frame) -> np.ndarray:
    """Pixels between the inner lips, found again, `(n, 3)` float."""
    points = stage.face(frame).landmarks[:, :2]
    upper, lower = points[UPPER_INNER], points[LOWER_INNER]
    mask = np.zeros(frame.shape[:2], np.uint8)
    cv2.fillPoly(mask, [np.round(np.concatenate([upper, lower[::-1]])).astype(np.int32)], 255)
    return frame[mask > 0].astype(float)


def bright(pixels: np.ndarray) -> np.ndarray:
    """Mean colour of the brightest third: the teeth."""
    light = pixels.sum(axis=1)
    return pixels[light >= np.quantile(light, 0.67)].mean(axis=0)


@pytest.fixture(scope="module")
def sheet(smiling):
    return teeth.Sheet(neutral(smiling.landmarks.astype(np.float64)), 80.0)


def test_an_open_mouth_shows_bright_teeth_over_a_dark_hollow(stage, closed):
    pixels = inside(stage, stage.speak(closed, pose(jaw=0.8))[0]).mean(axis=1)
    skin = closed.images[0][tuple(closed.landmarks[0, 205, 1::-1].astype(int))].mean()
    assert np.quantile(pixels, 0.95) > 0.6 * skin
    assert np.quantile(pixels, 0.1) < 0.3 * skin


def test_a_tiny_opening_is_a_dark_line_not_a_grey_one(stage, closed):
    """From lips that just part to teeth in full view, never brighter than the lips too early."""
    lip = closed.images[0][tuple(closed.landmarks[0, 16, 1::-1].astype(int))].mean()
    rows = [pose(jaw=j) for j in (0.04, 0.08, 0.12, 0.5)]
    frames = stage.speak(closed, *rows)
    points = closed.landmarks[0, :, :2]
    x, y = points[[13, 14]].mean(axis=0)
    darkest = []
    brightest = []
    for frame in frames:
        column = frame[int(y) - 3 : int(y) + 32, int(x) - 2 : int(x) + 3].mean(axis=(1, 2))
        darkest.append(column.min())
        brightest.append(column[: 3 + 8].max())
    assert max(darkest[:3]) < 0.75 * lip
    pixels = inside(stage, frames[3]).mean(axis=1)
    assert np.quantile(pixels, 0.9) > lip * 0.8


def test_nothing_pops_as_the_mouth_opens(stage, closed):
    frames = stage.speak(closed, *(pose(jaw=j) for j in np.linspace(0, 0.3, 16)))
    steps = np.abs(np.diff(frames.astype(int), axis=0)).mean(axis=(1, 2, 3))
    assert steps.max() < 4 * np.median(steps) + 0.05


@pytest.mark.parametrize("light", [(1.0, 0.75, 0.5), (0.6, 0.8, 1.0), (0.45, 0.45, 0.45)])
def test_teeth_take_the_colour_of_the_light(stage, closed, light):
    """Bundled teeth (the source's mouth is closed) under warm, cold and dim light."""
    plain = bright(inside(stage, stage.speak(closed, pose(jaw=0.7))[0]))
    lit = tinted(closed, light)
    under = bright(inside(stage, stage.speak(lit, pose(jaw=0.7))[0]))
    expected = plain * np.array(light)
    assert under.sum() == pytest.approx(expected.sum(), rel=0.25)
    assert np.abs(under / under.sum() - expected / expected.sum()).max() < 0.06


@pytest.mark.parametrize("mouth", ["closed", "smiling", "shouting"])
def test_a_picture_without_colour_stays_without(stage, mouth, request):
    """Black and white: no channel differs anywhere, whatever the mouth does, with own teeth and bundled
    ones."""
    crops = request.getfixturevalue(mouth)
    grey = np.repeat(crops.images.mean(axis=3, keepdims=True).astype(np.uint8), 3, axis=3)
    rows = [pose(jaw=0.9), pose(jaw=0.3, tongue=1.0), pose(low=0.8, up=0.6)]
    for frame in stage.speak(replace(crops, images=grey), *rows):
        assert np.ptp(frame.astype(int), axis=2).max() == 0


def test_sepia_gives_a_sepia_mouth(stage, closed):
    grey = closed.images.mean(axis=3, keepdims=True)
    sepia = np.clip(grey * (1.07, 0.95, 0.78), 0, 255).astype(np.uint8)
    pixels = inside(stage, stage.speak(replace(closed, images=sepia), pose(jaw=0.9))[0])
    bright = pixels[pixels.mean(axis=1) > 40]
    hue = bright.mean(axis=0) / bright.mean()
    assert hue == pytest.approx(
        np.array((1.07, 0.95, 0.78)) / np.mean((1.07, 0.95, 0.78)), abs=0.06
    )


@pytest.mark.parametrize("dim", [0.5, 0.2, 0.05, 0.0])
def test_the_mouth_fades_with_the_picture(stage, closed, dim):
    """Prepared in full light, one frame of a fade: every part of the mouth is as dim as the skin."""
    row = pose(jaw=0.8)
    bright = inside(stage, stage.speak(closed, row)[0])
    images = np.round(closed.images * dim).astype(np.uint8)
    faded = stage.speak(
        replace(closed, images=images), row, prepared=stage.generator.prepare(closed)
    )
    shown = stage.speak(closed, row)[0]
    points = stage.face(shown).landmarks[:, :2]
    hole = np.concatenate([points[UPPER_INNER], points[LOWER_INNER][::-1]])
    mask = np.zeros(shown.shape[:2], np.uint8)
    cv2.fillPoly(mask, [np.round(hole).astype(np.int32)], 255)
    found = faded[0][mask > 0].astype(float)
    assert found.mean() == pytest.approx(dim * bright.mean(), rel=0.15, abs=1.5)
    assert found.max() <= dim * bright.max() + 8


def test_lower_teeth_show_in_wide_vowels(stage, closed):
    """Just above the lower lip it is lighter than in the middle of the mouth."""
    frame = stage.speak(closed, pose(jaw=0.9, low=0.6, up=0.5))[0]
    points = stage.face(frame).landmarks[:, :2]
    x, top = points[13]
    column = frame[int(top) : int(points[14, 1]) + 1, int(x) - 2 : int(x) + 3].mean(axis=(1, 2))
    throat = column[int(0.45 * len(column)) : int(0.7 * len(column))].min()
    assert column[int(0.75 * len(column)) :].max() > throat + 40


def test_the_tongue_has_the_colour_of_the_person(stage, closed):
    """Darker skin and lips make a darker mouth, and no tongue is redder than the lips."""
    dark = replace(
        closed, images=np.clip(closed.images * (0.42, 0.36, 0.33), 0, 255).astype(np.uint8)
    )
    lights = [tone.read(c.images, c.landmarks.astype(np.float64)) for c in (closed, dark)]
    assert lights[1].flesh @ tone.LUMA < 0.5 * (lights[0].flesh @ tone.LUMA)
    for light in lights:
        assert light.flesh[0] / light.flesh[1] < 1.15 * light.lips[0] / light.lips[1] + 0.3


def test_own_teeth_are_taken_from_a_smile(stage, smiling, sheet):
    light = tone.read(smiling.images, smiling.landmarks.astype(np.float64))
    own = own_teeth.harvest(
        smiling.images, smiling.landmarks.astype(np.float64), sheet.canonical, light, sheet
    )
    assert own is not None
    assert own.shape[:2] == sheet.size[::-1]
    solid = own[own[..., 3] > 200][:, :3].astype(float)
    assert len(solid) > 50
    assert solid.mean() > 0.6 * light.teeth


def test_a_closed_mouth_has_no_teeth_to_take(closed, sheet):
    landmarks = closed.landmarks.astype(np.float64)
    light = tone.read(closed.images, landmarks)
    assert own_teeth.harvest(closed.images, landmarks, sheet.canonical, light, sheet) is None


def test_a_dark_open_mouth_is_not_taken_for_teeth(shouting, sheet):
    landmarks = shouting.landmarks.astype(np.float64)
    light = tone.read(shouting.images, landmarks)
    images = shouting.images.copy()
    points = shouting.landmarks[0, :, :2]
    hole = np.concatenate([points[UPPER_INNER], points[LOWER_INNER][::-1]])
    cv2.fillPoly(images[0], [np.round(hole).astype(np.int32)], (50, 20, 24))
    assert own_teeth.harvest(images, landmarks, sheet.canonical, light, sheet) is None


def test_lower_teeth_are_not_taken_for_upper_ones(smiling, sheet):
    """The same smile with its teeth at the lower lip and shadow above them."""
    landmarks = smiling.landmarks.astype(np.float64)
    light = tone.read(smiling.images, landmarks)
    images = smiling.images.copy()
    points = smiling.landmarks[0, :, :2]
    upper, lower = points[UPPER_INNER], points[LOWER_INNER]
    shadow = np.concatenate([upper, (0.4 * upper + 0.6 * lower)[::-1]])
    cv2.fillPoly(images[0], [np.round(shadow).astype(np.int32)], (70, 30, 34))
    assert own_teeth.harvest(images, landmarks, sheet.canonical, light, sheet) is None


def test_the_bundled_teeth():
    texture = teeth.bundled()
    assert texture.shape[2] == 4
    assert teeth.BUNDLED.stat().st_size < 30_000
    solid = texture[texture[..., 3] > 200][:, :3].astype(float)
    assert solid.mean() > 140
    # White is near to grey: nothing of lip or gum dominates.
    assert np.ptp(solid.mean(axis=0)) < 60


def test_light_of_a_neutral_picture_is_nearly_white(smiling):
    light = tone.read(smiling.images, smiling.landmarks.astype(np.float64))
    assert np.abs(light.tint - 1).max() < 0.15
    assert 150 < light.brightness < 230
    assert light.chroma == 1.0
    assert light.lips[0] > 1.2 * light.lips[1], "lips are red"
    assert light.tint @ tone.LUMA == pytest.approx(1, abs=1e-6)


def test_light_without_eyes_comes_from_the_skin(smiling):
    landmarks = smiling.landmarks.astype(np.float64).copy()
    landmarks[:, :, :2] -= landmarks[:, :, :2].mean(axis=1, keepdims=True)
    landmarks[:, :, :2] = landmarks[:, :, :2] * 0.05 + smiling.landmarks[:, [205], :2]
    light = tone.read(smiling.images, landmarks)
    assert np.isfinite(light.tint).all()
    assert np.abs(light.tint - 1).max() < 0.4


def test_textures_lie_where_the_mouth_is(smiling, sheet):
    head = np.array([[80.0, 0.0], [0.0, 80.0], [0.0, 0.0], [100.0, 100.0]])
    width, height = sheet.size
    line = np.array([width / 2, height * teeth.LINE, 1.0])
    face = sheet.canonical
    expected = np.array([80 * face.centre + 100, 80 * face.line + 100])
    assert np.allclose(sheet.place(head) @ line, expected, atol=0.6)
    dropped = sheet.place(head, drop=0.2) @ line
    assert dropped[1] - expected[1] == pytest.approx(16, abs=0.6)
    narrow = sheet.place(head, narrow=0.5) @ line
    assert narrow[0] == pytest.approx(expected[0], abs=0.6)
