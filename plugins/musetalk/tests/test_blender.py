"""The blender `parsing`: follows the face's parts, with any generator's crops; says what it lacks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import wave
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from lipsync_musetalk import face_shapes, parsing_choice
from lipsync_musetalk.parsing_blender import _KEPT, ParsingBlender, face_box
from lipsync_musetalk.spec import MUSETALK, PARSING

from lipsync_core import samples
from lipsync_core.conformance import inputs
from lipsync_core.contracts import Ready, Unavailable
from lipsync_core.errors import PluginFault, PluginUnavailable, UsageError
from lipsync_core.faces.schemes import convert
from lipsync_core.records import BlendInput, Patch
from lipsync_core.registry.probing import context_for, probe
from lipsync_core.specs import AlignedCrop, BoxCrop, CropSpec, NativeCrop
from lipsync_core.testing import recipe
from lipsync_core.testing.engine import window_around

CROPS: dict[str, CropSpec] = {
    "musetalk": MUSETALK.crop,
    "native": NativeCrop(),
    "box": BoxCrop(size=(96, 96)),
    "turned": AlignedCrop(
        size=(120, 120),
        groups=((36, 39), (42, 45), (48, 54)),
        reference=((50.0, 35.0), (85.0, 50.0), (50.0, 85.0)),
    ),
}


class Parts:
    """In place of the network: tells the same parts of every picture, and counts them."""

    def __init__(self, parts: np.ndarray) -> None:
        self.parts, self.asked = parts, 0

    def __call__(self, picture: np.ndarray) -> np.ndarray:
        assert picture.shape == (512, 512, 3)
        self.asked += 1
        return self.parts

    def close(self) -> None:
        pass


def opened(**options: str) -> ParsingBlender:
    blender = ParsingBlender()
    blender.open(context_for(PARSING, options=options, threads=1))
    return blender


def with_parts(parts: np.ndarray, **options: str) -> tuple[ParsingBlender, Parts]:
    """A blender whose network tells `parts`."""
    blender = opened(mode="ellipse")
    context = context_for(PARSING, options={"mode": "raw", **options})
    chosen = parsing_choice.choose(context)
    assert isinstance(chosen, parsing_choice.Choice), chosen
    blender._chosen, blender._parser = chosen, Parts(parts)  # type: ignore[assignment]
    return blender, blender._parser  # type: ignore[return-value]


@pytest.fixture
def weights(home, parsing_file: Path) -> None:
    home("parsing", {"79999_iter.pth": parsing_file})


@pytest.fixture(scope="module")
def points() -> np.ndarray:
    """The portrait's 68 landmarks."""
    face = inputs.portrait_face()
    return convert(face.landmarks, face.scheme, "68")


def blend(
    blender: ParsingBlender, points: np.ndarray, crop: str = "musetalk", region="lower_face", strength=1.0
) -> tuple[np.ndarray, Patch | None]:  # fmt: skip
    """`(512, 512)` how much each pixel of the portrait changes under a crop that is quite another one."""
    frame = inputs.portrait()
    crops = inputs.crops_of(
        CROPS[crop], inputs.Shot(images=[frame], faces=[inputs.portrait_face()])
    )
    new = np.ascontiguousarray(255 - crops.images[0])
    patch = blender.blend(
        BlendInput(
            frame=frame,
            crop=new,
            matrix=crops.matrices[0],
            landmarks=points,
            region=region,
            strength=strength,
        )
    )
    change = np.zeros(frame.shape[:2])
    if patch is not None:
        h, w = patch.image.shape[:2]
        old = frame[patch.y : patch.y + h, patch.x : patch.x + w]
        change[patch.y : patch.y + h, patch.x : patch.x + w] = np.abs(
            patch.image.astype(int) - old
        ).max(2)
    return change, patch


@pytest.mark.parametrize("crop", CROPS)
def test_only_what_parsing_says_is_skin_changes(weights, points: np.ndarray, crop: str):
    parts = np.zeros((512, 512), np.uint8)
    parts[:, :256] = face_shapes.SKIN  # the other half of the face is behind something
    blender, _ = with_parts(parts)
    change, patch = blend(blender, points, crop)
    assert patch is not None
    x1, y1, x2, y2 = face_box(points) or (0, 0, 0, 0)
    middle, soft = (x1 + x2) // 2, 12
    lower = slice((y1 + y2) // 2 + soft, y2 - soft)
    mouth = slice(int(points[50, 1]), int(points[57, 1]))
    left, right = points[48, 0], points[54, 0]
    assert (change[mouth, int(left) : middle - soft] > 8).mean() > 0.6
    assert not change[:, middle + soft :].any()
    assert right > middle  # so half of the mouth was left alone
    assert not change[: (y1 + y2) // 2 - soft].any()  # nor the upper half of the face
    assert change[lower, x1 + soft : middle - soft].max() > 8


def test_a_whole_face_is_for_what_repaints_whole_faces(weights, points: np.ndarray):
    parts = np.full((512, 512), face_shapes.SKIN, np.uint8)
    blender, _ = with_parts(parts)
    _, y1, _, y2 = face_box(points) or (0, 0, 0, 0)
    upper = np.s_[y1 + 15 : (y1 + y2) // 2 - 12, :]
    assert not blend(blender, points, "box", "lower_face")[0][upper].any()
    assert blend(blender, points, "box", "face")[0][upper].max() > 30


def test_crops_fade_towards_their_edge(weights, points: np.ndarray):
    """Everything is skin, so that the crop alone ends the change: no step at its edge."""
    blender, _ = with_parts(np.full((512, 512), face_shapes.SKIN, np.uint8))
    for crop in CROPS:
        change, patch = blend(blender, points, crop, "face")
        assert patch is not None
        inner = np.abs(patch.image.astype(int)).shape[:2]
        assert min(inner) > 20
        rim = np.concatenate([
            change[patch.y, :], change[patch.y + inner[0] - 1, :],
            change[:, patch.x], change[:, patch.x + inner[1] - 1],
        ])  # fmt: skip
        assert rim.max() < 30
        assert change.max() > 90


def test_pictures_that_come_again_are_parsed_once(weights, points: np.ndarray):
    parts = np.zeros((512, 512), np.uint8)
    parts[100:, 100:400] = face_shapes.SKIN
    blender, parser = with_parts(parts)
    first, _ = blend(blender, points)
    again, _ = blend(blender, points, strength=1.0)
    assert np.array_equal(first, again)
    assert parser.asked == 1
    blend(blender, points, region="face")  # another mask
    assert parser.asked == 2
    frames = [recipe.image(f"other{n}", 64, 64) for n in range(_KEPT + 5)]
    for frame in frames:
        blender._mask(frame, (16, 16, 48, 48), (8, 8, 56, 56), all_of_it=False)
    assert parser.asked == 2 + len(frames)
    assert len(blender._masks) == _KEPT
    assert sum(bits.nbytes for bits in blender._masks.values()) <= _KEPT * 32 * 1024
    blender.close()
    assert not blender._masks


class Light(Parts):
    """In place of the network: what is light is skin, so that every pixel that is seen counts."""

    def __call__(self, picture: np.ndarray) -> np.ndarray:
        super().__call__(picture)
        light = picture.astype(int).sum(2) > 3 * int(picture.mean())
        return np.where(light, face_shapes.SKIN, 0).astype(np.uint8)


PLACES = {
    "inside": (1.0, 0.0, 0.0),
    "at the top": (1.5, -80.0, -150.0),
    "at the left": (1.2, -200.0, 0.0),
    "below": (1.0, 0.0, 375.0),
    "large": (2.2, -260.0, -30.0),
}


@pytest.mark.parametrize("crop", CROPS)
@pytest.mark.parametrize("place", PLACES)
def test_a_part_of_the_frame_is_as_good_as_the_whole(
    weights, parts: np.ndarray, crop: str, place: str
):
    """The engine shows a blender what its spec says it sees; without that, masks would be others."""
    scale, right, down = PLACES[place]
    frame, face = inputs.moved(np.array([[scale, 0.0, right], [0.0, scale, down]]))
    points = convert(face.landmarks, face.scheme, "68")
    crops = inputs.crops_of(CROPS[crop], inputs.Shot(images=[frame], faces=[face]))
    new, matrix = np.ascontiguousarray(255 - crops.images[0]), crops.matrices[0]
    assert PARSING.sees is not None
    seen = inputs.crops_of(PARSING.sees, inputs.Shot(images=[frame], faces=[face]))
    reached = [(c.matrices[0], c.images.shape[2:0:-1]) for c in (crops, seen)]
    blender, _ = with_parts(parts, mode="jaw")
    parser = blender._parser = Light(parts)  # type: ignore[assignment]

    def blended(window: tuple[int, int, int, int]) -> np.ndarray:
        x0, y0, x1, y1 = window
        part, local = np.ascontiguousarray(frame[y0:y1, x0:x1]), matrix.copy()
        local[:, 2] += matrix[:, :2] @ (x0, y0)
        made = frame.astype(int)
        there = points - np.float32([x0, y0])
        patch = blender.blend(
            BlendInput(
                frame=part,
                crop=new,
                matrix=local,
                landmarks=there,
                region="lower_face",
                strength=1.0,
            )
        )
        if patch is not None:
            x, y, (h, w) = patch.x + x0, patch.y + y0, patch.image.shape[:2]
            made[y : y + h, x : x + w] = patch.image
        return made

    whole = blended((0, 0, 512, 512))
    assert place == "below" or np.abs(whole - frame).max() > 90
    assert np.abs(blended(window_around(reached, (512, 512))) - whole).max() <= 1
    assert parser.asked == 1  # the very same pixels were parsed
    if (place, crop) == ("inside", "musetalk"):
        blended(window_around(reached[:1], (512, 512)))
        assert parser.asked == 2


def test_an_ellipse_stands_in_where_no_face_is_found(weights, points: np.ndarray):
    blender, parser = with_parts(np.zeros((512, 512), np.uint8))
    found, _ = blend(blender, points)
    assert parser.asked == 1
    expected, _ = blend(opened(mode="ellipse"), points)
    assert np.array_equal(found, expected)
    assert found.max() > 90


def test_strength_mixes(home, points: np.ndarray):
    home()
    blender = opened(mode="ellipse")
    full, half = (blend(blender, points, strength=s)[0] for s in (1.0, 0.5))
    assert blend(blender, points, strength=0.0)[1] is None
    assert np.abs(half - full / 2).max() <= 1


def test_compat_is_the_original(weights, parity, parts: np.ndarray):
    blender, _ = with_parts(parts, mode="jaw", compat="true")
    frame, face = recipe.image("mt_frame", 360, 300), recipe.image("mt_face", 170, 140)
    for edge, (x, y) in {"": (80, 100), "edge_": (4, 20)}.items():
        matrix = np.array([[1.0, 0.0, -x], [0.0, 1.0, -y]])
        points = np.zeros((68, 2), np.float32)  # not looked at
        given = BlendInput(
            frame=frame,
            crop=face,
            matrix=matrix,
            landmarks=points,
            region="lower_face",
            strength=1.0,
        )
        patch = blender.blend(given)
        assert patch is not None
        made = frame.copy()
        h, w = patch.image.shape[:2]
        made[patch.y : patch.y + h, patch.x : patch.x + w] = patch.image
        assert not parity.check("musetalk_blending", f"blend_{edge}jaw", made).any()
        half = blender.blend(replace(given, strength=0.5))
        assert half is not None
        under = frame[patch.y : patch.y + h, patch.x : patch.x + w].astype(float)
        assert np.abs(half.image - (under + patch.image) / 2).max() <= 1


def test_landmarks_that_span_nothing_change_nothing(home):
    home()
    blender = opened(mode="ellipse")
    assert face_box(np.zeros((68, 2), np.float32)) is None
    change, patch = blend(blender, np.full((68, 2), 100.0, np.float32))
    assert patch is None
    assert not change.any()


def test_without_weights_the_ellipse_is_offered(home, monkeypatch):
    home()
    told = probe(PARSING)
    assert isinstance(told, Unavailable)
    assert told.reason == "its weights are not here: 79999_iter.pth"
    assert "face-parsing.PyTorch" in told.hint
    assert "lipsync weights import FILE" in told.hint
    assert "--option parsing.mode=ellipse" in told.hint
    with pytest.raises(PluginUnavailable, match="The blender parsing cannot run: its weights"):
        opened()
    monkeypatch.setattr(parsing_choice, "installed", lambda package: False)
    context = context_for(PARSING, options={"mode": "ellipse"})
    assert probe(PARSING, context) == Ready(detail="an ellipse, without a network")


def test_without_torch(weights, monkeypatch):
    assert probe(PARSING) == Ready(detail="jaw, 79999_iter.pth on cpu")
    monkeypatch.setattr(parsing_choice, "installed", lambda package: False)
    told = probe(PARSING)
    assert isinstance(told, Unavailable)
    assert told.reason == "the package 'torch' is not installed"


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"mode": "beard"}, "parsing.mode=beard is not one of jaw, raw, neck, ellipse"),
        ({"left_cheek": "300"}, "parsing.left_cheek=300 is not from 0 to 256"),
        ({"softness": "0.7"}, "parsing.softness=0.7 is not from 0 to 0.5"),
    ],
)
def test_options_out_of_range_are_told(options: dict[str, str], reason: str):
    with pytest.raises(UsageError, match=reason):
        context_for(PARSING, options=options)


def test_use_before_opening_is_told():
    with pytest.raises(PluginFault, match="before it was opened"):
        ParsingBlender().blend(None)  # type: ignore[arg-type]


def video(folder: Path, *words: str) -> np.ndarray:
    """`lipsync run` of ten frames on the bundled portrait, which keeps still; nothing is lost."""
    sound, out = folder / "voice.wav", folder / f"out{len(words)}.mp4"
    with wave.open(str(sound), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes((inputs.voice(16_000, 0.4) * 32767).astype("<i2").tobytes())
    done = subprocess.run(
        [sys.executable, "-m", "lipsync_core", "run", str(samples.portrait()), str(sound), "-o", str(out),
         "--still", "--json", "--silence", "generate", "--crf", "0", *words],
        capture_output=True, text=True, timeout=120, check=False, env=os.environ | {"COLUMNS": "300"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["chain"]["used"] == {"viseme": 10}
    with av.open(str(out)) as file:
        return np.stack([f.to_ndarray(format="rgb24") for f in file.decode(video=0)]).astype(int)


def test_the_default_generator_blended_by_it(weights, tmp_path: Path):
    plain = video(tmp_path)
    for words in (("--option", "parsing.mode=ellipse"), ("--device", "cpu", "--quiet")):
        made = video(tmp_path, "--blender", "parsing", *words)
        x0, y0, x1, y1 = (int(v) for v in inputs.PORTRAIT_FACE)
        assert np.abs(np.diff(made[:, (y0 + y1) // 2 + 10 : y1], axis=0)).max() > 8  # it moves
        changed = np.abs(made - made[:1]).max((0, 3)) > 24
        changed[y0 - 8 : y1 + 16, x0 - 8 : x1 + 8] = False
        assert not changed.any()
        assert not np.array_equal(made, plain)
