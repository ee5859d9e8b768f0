"""From the command line: a whole video with an enhancer; and how steady it is from frame to frame."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from lipsync_restoration.spec import CROP, GFPGAN
from numpy.typing import NDArray

from lipsync_core import samples
from lipsync_core.conformance import inputs
from lipsync_core.contracts import Blender, Enhancer
from lipsync_core.faces.crops import cut, place, transform
from lipsync_core.faces.schemes import convert
from lipsync_core.faces.smoothing import gaussian
from lipsync_core.records import BlendInput, Crops
from lipsync_core.registry import Registry, create
from lipsync_core.registry.probing import context_for
from lipsync_core.specs import BlenderSpec
from lipsync_core.testing import lipsync, talk, write_voice

FRAMES = 10


def refused(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """`lipsync run` with words that it does not take: no traceback, and nothing is written."""
    out = folder / "out.mp4"
    sound = write_voice(folder / "voice.wav", FRAMES)
    done = lipsync("run", samples.portrait(), sound, "-o", out, "--still", "--json", *words)
    assert "Traceback" not in done.stderr
    assert not out.exists()
    return done


def test_a_video_with_gfpgan_at_a_strength(home: Path, write_model):
    redder = np.array([40 / 127.5, 0, -40 / 127.5], np.float32).reshape(1, 3, 1, 1)
    write_model(home / "weights" / "gfpgan" / "gfpgan_1.4.onnx", add=redder)
    # Without what keeps colours: the network's change is to be seen.
    words = ("--crf", "0", "--option", "feather.match=false")
    shift: dict[str, float] = {}
    plain = talk(home, FRAMES, *words).frames.astype(int)
    for strength in ("0.7", "0.35"):
        enhance = ("--enhance", f"gfpgan:{strength}", "--option", "gfpgan.steady=0")
        enhanced = talk(home, FRAMES, *enhance, *words)
        assert enhanced.report["chain"]["used"] == {"viseme": FRAMES}
        assert "gfpgan" in json.dumps(enhanced.report)
        made = enhanced.frames.astype(int)
        x0, y0, x1, y1 = (int(v) for v in inputs.PORTRAIT_FACE)
        cheeks = np.s_[:, y0 + 50 : y0 + 70, x0 + 30 : x1 - 30]
        change = (made - plain)[cheeks].mean((0, 1, 2))
        shift[strength] = float(change[0])
        assert change[0] == pytest.approx(40 * float(strength), abs=4)
        assert change[2] == pytest.approx(-40 * float(strength), abs=4)
        outside = np.ones(made.shape[1:3], bool)
        outside[y0 - 40 : y1 + 30, x0 - 30 : x1 + 30] = False
        assert np.array_equal(made[:, outside], plain[:, outside])
    assert shift["0.7"] == pytest.approx(2 * shift["0.35"], rel=0.15)


def test_a_missing_file_ends_the_run_before_anything_is_written(home: Path):
    done = refused(home, "--enhance", "gfpgan:0.7")
    assert done.returncode == 4
    assert "its weights are not here: gfpgan_1.4.onnx" in " ".join(done.stderr.split())


def test_a_wrong_file_ends_the_run_with_its_name(home: Path, write_model):
    write_model(home / "weights" / "gfpgan" / "gfpgan_1.4.onnx", weight=("weight", 11, [1]))
    done = refused(home, "--enhance", "gfpgan:0.7")
    assert done.returncode == 4
    assert "is no ONNX file of GFPGAN" in " ".join(done.stderr.split())


def test_an_unknown_strength_is_refused(home: Path):
    assert refused(home, "--enhance", "gfpgan:1.7").returncode == 2


def flicker(frames: NDArray[np.uint8]) -> float:
    """Mean change from frame to frame in the face, in levels."""
    x0, y0, x1, y1 = (int(v) for v in inputs.PORTRAIT_FACE)
    face = frames[:, y0:y1, x0:x1].astype(np.float32)
    return float(np.abs(np.diff(face, axis=0)).mean())


def shown(landmarks: NDArray[np.float32], steady: float) -> NDArray[np.uint8]:
    """Frames of the still portrait, enhanced where `landmarks` `(T, 68, 2)` say and blended."""
    registry = Registry.load()
    enhancer = create(GFPGAN)
    assert isinstance(enhancer, Enhancer)
    enhancer.open(context_for(GFPGAN, options={"steady": str(steady)}))
    blender_spec = registry.get(BlenderSpec, "feather")
    blender = create(blender_spec)
    assert isinstance(blender, Blender)
    blender.open(context_for(blender_spec))
    frame = inputs.portrait()
    matrices, size = place(CROP, np.zeros((len(landmarks), 4)), landmarks, "68")
    made = []
    for k, (points, matrix) in enumerate(zip(landmarks, matrices, strict=True)):
        crops = Crops(
            frames=np.array([k]), track=0, images=cut(frame, matrix, size)[None],
            matrices=matrix[None], landmarks=transform(points, matrix)[None], scheme="68",
        )  # fmt: skip
        patch = blender.blend(
            BlendInput(
                frame=frame,
                crop=enhancer.enhance(crops)[0],
                matrix=matrix,
                landmarks=points,
                region="face",
                strength=1.0,
            )
        )
        assert patch is not None
        canvas = frame.copy()
        h, w = patch.image.shape[:2]
        canvas[patch.y : patch.y + h, patch.x : patch.x + w] = patch.image
        made.append(canvas)
    return np.stack(made)


def test_a_still_face_stays_still_and_trembling_landmarks_are_borne(home: Path, write_model):
    """A network whose light turns with the tiniest change, as restoration frame by frame does."""
    write_model(home / "weights" / "gfpgan" / "gfpgan_1.4.onnx", change="shade")
    face = inputs.portrait_face()
    points = convert(face.landmarks, face.scheme, "68")
    still = np.repeat(points[None], 4, 0)
    assert flicker(shown(still, 0.0)) == 0.0
    noise = np.random.default_rng(0).normal(0.0, 0.5, (12, 68, 2))
    trembling = (points[None] + noise).astype(np.float32)
    raw, smoothed = flicker(shown(trembling, 0.0)), flicker(shown(gaussian(trembling), 0.0))
    steadied = flicker(shown(gaussian(trembling), 24.0))
    assert smoothed < 0.6 * raw  # the engine's smoothing of landmarks
    assert steadied < 0.75 * smoothed  # shading from the video
