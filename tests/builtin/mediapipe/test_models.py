"""The bundled networks are the ones that training/mediapipe_onnx made."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from lipsync_core.builtin.mediapipe.session import MODELS, Network
from lipsync_core.builtin.mediapipe.spec import MEDIAPIPE
from lipsync_core.builtin.mediapipe.windows import LEFT_EYE, LIPS, LIPS_AXIS, RIGHT_EYE, Window

SHA256 = {
    "detect.onnx": "7a84a17237f13e43041eb97df8586f6e7c9bde23a884aecce5363e88a4f0733c",
    "mesh.onnx": "136973a6c2312dfed4adf9f76c8a423147fe478d992c0944a90803d20aac4e19",
    "lips.onnx": "518aec8128bdb33b3cd34d55df3b14295cae031c867db3b0a075110e02c41e60",
    "eyes.onnx": "719c30c5a8aae3d11d9ee6a0b729673714f2785f7b8577e75f2400b3a920179d",
}


@pytest.mark.parametrize("name", SHA256)
def test_hash(name):
    assert hashlib.sha256((MODELS / name).read_bytes()).hexdigest() == SHA256[name]


def test_nothing_else_is_bundled_and_it_is_small():
    assert {path.name for path in MODELS.iterdir()} == set(SHA256)
    assert sum(path.stat().st_size for path in MODELS.iterdir()) < 3_000_000


def test_the_spec_names_this_detector():
    module, _, attribute = MEDIAPIPE.factory.partition(":")
    assert (module.rsplit(".", 1)[-1], attribute) == ("detector", "MediaPipeDetector")
    assert MEDIAPIPE.schemes == ("478",)
    assert not MEDIAPIPE.weights


def test_mesh_outputs():
    mesh, presence, features = Network("mesh.onnx").run(
        {"image": np.zeros((1, 3, 192, 192), np.float32)}
    )
    assert mesh.size == 468 * 3 and presence.size == 1 and features.shape == (1, 32, 48, 48)
    assert presence.reshape(-1)[0] < 0


def test_a_window_cuts_and_places_the_same_spot():
    points = np.random.default_rng(0).uniform(60, 130, (468, 2))
    window = Window(points, LIPS, LIPS_AXIS)
    ramp = np.stack(np.meshgrid(np.arange(48.0), np.arange(48.0)))[None].astype(np.float32)
    cut = window.cut(ramp)
    # Feature pixel f has its centre at crop pixel 4 * (f + 0.5) from the crop's edge.
    for row, column in ((3, 5), (8, 8), (12, 10)):
        crop = window.place(np.array([[(column + 0.5) * 4, (row + 0.5) * 4]], np.float32))[0]
        assert np.allclose((cut[0, :, row, column] + 0.5) * 4, crop, atol=1e-3)


def test_index_lists_have_the_networks_lengths():
    assert len(LIPS) == 80 and len(LEFT_EYE) == 71 and len(RIGHT_EYE) == 71
