"""Face parsing and masks are the original's, to the last level where they are whole numbers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from lipsync_musetalk import face_shapes
from lipsync_musetalk.parsing_choice import Cheeks
from lipsync_musetalk.parsing_network import FaceParser, ParsingNetwork, normalised
from lipsync_musetalk.spec import PARSING

from lipsync_core.errors import OutOfMemory, PluginUnavailable
from lipsync_core.testing import recipe
from lipsync_core.weights import outline, state_dict

BOX, EDGE_BOX = (80, 100, 220, 270), (4, 20, 144, 190)
"""Of the stored pastes; around the second one the square leaves the picture."""


def test_the_network_is_the_originals(parity, parsing_file: Path):
    torch.set_num_threads(1)
    network = ParsingNetwork().eval()
    names = json.loads((parity.folder / "bisenet_face_parsing.keys.json").read_text())
    assert {n: list(t.shape) for n, t in network.state_dict().items()} == names
    state_dict.load(network, state_dict.read(parsing_file), parsing_file)
    picture = recipe.image("fp_img", 512, 512)
    with torch.inference_mode():
        heads = network.heads(torch.from_numpy(normalised(picture[None])))
    for name, made in zip(("out", "out16", "out32"), heads, strict=True):
        parity.check("bisenet", name, made.numpy())
    parser = FaceParser(parsing_file, "cpu", 1)
    parts = parser(picture)
    parser.close()
    parity.check("bisenet", "labels", parts.astype(np.int64))
    found = np.bincount(parts.ravel(), minlength=19)
    assert np.abs(found - parity.meta("bisenet")["label_hist"]).sum() <= 20


@pytest.mark.parametrize(
    ("array", "mode", "cheeks"),
    [
        ("fp_raw", "raw", Cheeks()),
        ("fp_neck", "neck", Cheeks()),
        ("fp_jaw", "jaw", Cheeks(left=80, right=80)),
        ("fp_jaw_90_90", "jaw", Cheeks()),
        ("fp_jaw_60_120", "jaw", Cheeks(left=60, right=120)),
    ],
)
def test_masks_of_all_modes(parity, parts: np.ndarray, array: str, mode, cheeks: Cheeks):
    made = face_shapes.lower(parts, mode, cheeks)
    assert not parity.check("musetalk_blending", array, made).any()


def test_kernels(parity):
    parity.check("musetalk_blending", "jaw_kernel", face_shapes.jaw_kernel())
    parity.check("musetalk_blending", "cheek_kernel", face_shapes.cheek_kernel())


@pytest.mark.parametrize(("edge", "box"), [("", BOX), ("edge_", EDGE_BOX)])
def test_faces_are_pasted_as_in_the_original(parity, parts: np.ndarray, edge: str, box):
    frame, face = recipe.image("mt_frame", 360, 300), recipe.image("mt_face", 170, 140)
    square = face_shapes.square_around(box)
    half = (square[2] - square[0]) // 2
    parity.check("musetalk_blending", f"{edge}crop_box", np.array([*square, half]))
    for mode in ("raw", "jaw"):
        mask = face_shapes.placed(face_shapes.lower(parts, mode, Cheeks()), square, box)
        soft = face_shapes.blurred(mask, 0.05)
        made = face_shapes.pasted(frame, face, box, soft, square)
        assert not parity.check("musetalk_blending", f"blend_{edge}{mode}", made).any()
    # What its real-time way prepares: a wider rim.
    wider = face_shapes.blurred(mask, 0.1)
    assert not parity.check("musetalk_blending", f"prep_{edge}mask", wider).any()
    made = face_shapes.pasted(frame, face, box, wider, square)
    assert not parity.check("musetalk_blending", f"prep_{edge}blend", made).any()


def test_squares_beyond_the_frame_are_filled_up():
    frame = recipe.image("mt_frame", 36, 30)
    black = face_shapes.cut(frame, (-10, -5, 40, 45))
    edge = face_shapes.cut(frame, (-10, -5, 40, 45), edge=True)
    assert black.shape == edge.shape == (50, 50, 3)
    for part in (black, edge):
        assert np.array_equal(part[5:41, 10:40], frame)
    assert not black[:5].any()
    assert np.array_equal(edge[:5, 10:40], np.repeat(frame[:1], 5, 0))
    assert not face_shapes.cut(frame, (100, 100, 110, 110)).any()


def test_a_whole_face_is_more_than_its_lower_part(parts: np.ndarray):
    whole, lower = face_shapes.whole(parts), face_shapes.lower(parts, "raw", Cheeks())
    assert (whole >= lower).all()
    assert (whole[parts == 4] == 255).all()
    assert (lower[parts == 4] == 0).all()
    assert (whole[parts == 17] == 0).all()


def test_the_ellipse_fills_the_box():
    square = face_shapes.square_around(BOX)
    mask = face_shapes.placed(face_shapes.ellipse(BOX, square), square, BOX, top=0.0) / 255.0
    assert mask.sum() == pytest.approx(np.pi / 4 * 140 * 170, rel=0.02)
    rows, columns = np.flatnonzero(mask.max(1) > 0.5), np.flatnonzero(mask.max(0) > 0.5)
    seen = (
        columns[0] + square[0],
        rows[0] + square[1],
        columns[-1] + square[0],
        rows[-1] + square[1],
    )
    assert np.abs(np.array(seen) - (80, 100, 219, 269)).max() <= 2


def test_the_published_file_is_recognised_and_others_are_refused(
    parsing_file: Path, tmp_path: Path
):
    (weight,) = PARSING.weights
    assert outline.differences(weight, outline.outline(parsing_file)) == []
    torch.save({"cp.resnet.conv1.weight": torch.zeros(64, 3, 7, 7)}, tmp_path / "other.pth")
    with pytest.raises(PluginUnavailable, match="is of another network"):
        FaceParser(tmp_path / "other.pth", "cpu", 1)


def test_running_out_of_memory_is_told_as_such(parsing_file: Path, monkeypatch):
    parser = FaceParser(parsing_file, "cpu", 1)

    def fail(*given: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(parser, "_network", fail)
    with pytest.raises(OutOfMemory, match="The blender parsing ran out of GPU memory"):
        parser(np.zeros((512, 512, 3), np.uint8))
