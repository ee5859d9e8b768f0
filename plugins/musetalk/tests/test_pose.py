"""DWPose's landmarks: the network against the original's numbers, the arithmetic around it, the detector."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from lipsync_musetalk import compat_crops, pose
from lipsync_musetalk.pose_detector import PoseDetector, believed
from lipsync_musetalk.pose_network import POINTS, PoseNetwork, PoseRuntime
from lipsync_musetalk.pose_spec import DWPOSE, FILE
from lipsync_musetalk.spec import MUSETALK

from lipsync_core import samples
from lipsync_core.builtin.mediapipe.detector import MediaPipeDetector
from lipsync_core.conformance import inputs
from lipsync_core.contracts import Ready, Unavailable
from lipsync_core.errors import PluginFault, PluginUnavailable
from lipsync_core.faces.schemes import convert
from lipsync_core.networks.loading import loaded
from lipsync_core.records import Face
from lipsync_core.registry.probing import context_for, probe
from lipsync_core.testing import lipsync, recipe, write_voice

GOLDEN = "dwpose_rtmpose"


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def weights(own_home, pose_file: Path) -> None:
    own_home({f"dwpose/{FILE}": pose_file})


def opened(**options: str) -> PoseDetector:
    detector = PoseDetector()
    detector.open(context_for(DWPOSE, options=options, threads=1))
    return detector


def known() -> np.ndarray:
    """`(68, 2)` of the bundled portrait."""
    face = inputs.portrait_face()
    return convert(face.landmarks[None], face.scheme, "68")[0]


def test_the_network_is_the_originals(parity, pose_file: Path):
    network = loaded(PoseNetwork, pose_file)
    taps: dict[str, torch.Tensor] = {}
    stages = ("stem", "stage1", "stage2", "stage3", "stage4")
    for name in (*(f"backbone.{s}" for s in stages), *("head.final_layer", "head.mlp", "head.gau")):
        network.get_submodule(name).register_forward_hook(
            lambda module, given, made, name=name: taps.update({name: made})
        )
    shown = recipe.normal("dw_img", (1, 3, pose.HEIGHT, pose.WIDTH))
    with torch.inference_mode():
        columns, rows = network(torch.from_numpy(shown))
    for name, made in taps.items():
        parity.check(GOLDEN, f"tap__{name}", made.numpy())
    parity.check(GOLDEN, "pred_x", columns.numpy())
    parity.check(GOLDEN, "pred_y", rows.numpy())
    # With folded norms on a device, as runs have it.
    runtime = PoseRuntime(pose_file, "cpu", "fp32", 1)
    for made, there in zip(runtime(shown), (columns, rows), strict=True):
        assert np.abs(made - there.numpy()).max() < 1e-3 * float(there.std())
    runtime.close()


def test_places_are_decoded_as_there(parity):
    columns, rows = recipe.normal("dw_sx", (POINTS, 576)), recipe.normal("dw_sy", (POINTS, 768))
    points, scores = pose.decoded(columns, rows)
    parity.check(GOLDEN, "decode_keypoints", points)
    parity.check(GOLDEN, "decode_scores", scores)
    assert (pose.decoded(columns - 100, rows)[0] == -0.5).all()


@pytest.mark.parametrize("size", [(1280, 720), (360, 640), (512, 512), (300, 400)])
def test_points_come_back_to_where_they_are_on_the_frame(size: tuple[int, int]):
    """A bright spot on a black frame, seen by the network, told in pixels of the frame."""
    width, height = size
    spot = np.array([width * 0.4, height * 0.7])
    frame = np.zeros((height, width, 3), np.uint8)
    cv2.circle(frame, tuple(int(v) for v in spot), 9, (255, 255, 255), -1)
    seen = pose.picture_of(frame)
    assert seen.shape == (3, pose.HEIGHT, pose.WIDTH)
    rows, columns = np.nonzero(seen[0] > 0)
    found = pose.on_frame(np.array([[columns.mean(), rows.mean()]], np.float32), width, height)[0]
    assert np.abs(found - spot).max() < 2.0
    corner, whole = pose.window(width, height)
    assert whole[0] / whole[1] == pytest.approx(0.75)
    assert (corner < 0).all()
    assert (whole >= 1.25 * np.array(size) - 1e-9).all()


def test_a_mirrored_face_gives_the_same_points():
    place = np.random.default_rng(1).integers(20, 260, (68, 2))
    columns, rows = np.zeros((1, 68, 576), np.float32), np.zeros((1, 68, 768), np.float32)
    for n, (x, y) in enumerate(place):
        columns[0, n, x], rows[0, n, y] = 1, 1
    mirrored = (columns[:, pose.MIRRORED, ::-1], rows[:, pose.MIRRORED])
    both = pose.both_ways((columns, rows), mirrored)
    assert np.array_equal(both[0], columns)
    assert np.array_equal(both[1], rows)
    points = known()
    turned = points[pose.MIRRORED] * (-1, 1)
    assert np.abs((turned - turned.mean(0)) - (points - points.mean(0))).max() < 60  # left is left


def lines_of(points: np.ndarray, size: int = 512) -> tuple[np.ndarray, np.ndarray]:
    """What the network would say of a face with these landmarks on a square frame."""
    corner, whole = pose.window(size, size)
    at = np.rint((points - corner) / whole * (pose.WIDTH, pose.HEIGHT) * 2).astype(int)
    columns = np.full((1, POINTS, 576), 0.1, np.float32)
    rows = np.full((1, POINTS, 768), 0.1, np.float32)
    for n, (x, y) in enumerate(at, pose.FACE.start):
        columns[0, n, x], rows[0, n, y] = 5, 5
    return columns, rows


def test_its_points_are_taken_where_they_lie_on_the_face(weights, monkeypatch):
    detector = opened(flip="false")
    told = known() + np.array((3.0, -2.0))
    monkeypatch.setattr(detector, "_network", lambda pictures: lines_of(told))
    (face,) = detector.detect(inputs.portrait()[None])[0]
    pixel = 1.25 * 512 / 288  # of the network's picture, in pixels of the frame
    assert np.abs(face.landmarks - told).max() <= pixel / 2
    assert face.landmarks.dtype == np.float32
    there = compat_crops.face_box(face.landmarks.astype(np.int32), (0, 0, 9, 9))
    assert there[2] - there[0] == pytest.approx(np.ptp(told[:, 0]), abs=pixel + 1)
    monkeypatch.setattr(detector, "_network", lambda pictures: lines_of(told * 0.2))
    (other,) = detector.detect(inputs.portrait()[None])[0]
    assert np.abs(other.landmarks - known()).max() < 12  # the built-in detector's


def test_points_belong_to_one_face():
    face = Face(box=(0, 0, 9, 9), score=0.9, landmarks=known(), scheme="68")
    beside = replace(face, landmarks=known() + np.float32(400))
    points = known() + np.float32(2)
    one, other = believed([beside, face], points)
    assert one is beside
    assert other.landmarks is points
    assert believed([face], np.zeros((68, 2), np.float32)) == [face]


def test_flipping_is_an_option(weights, monkeypatch):
    for flip, calls in (("true", 2), ("false", 1)):
        detector, shown = opened(flip=flip), []
        network = detector._network
        monkeypatch.setattr(
            detector, "_network", lambda p, n=network, s=shown: (s.append(p), n(p))[1]
        )
        detector.detect(inputs.portrait()[None])
        assert len(shown) == calls
        assert np.array_equal(shown[-1], shown[0] if calls == 1 else shown[0][..., ::-1])


def test_without_a_face_nothing_is_asked(weights, monkeypatch):
    detector = opened()
    monkeypatch.setattr(detector, "_network", None)
    with pytest.raises(PluginFault, match="before it was opened"):
        detector.detect(inputs.portrait()[None])
    monkeypatch.setattr(detector, "_network", lambda pictures: 1 / 0)
    assert detector.detect(np.full((2, 90, 120, 3), 128, np.uint8)) == [[], []]


def test_says_what_it_runs_with(weights):
    assert probe(DWPOSE) == Ready(detail="in fp32 on cpu")
    told = probe(DWPOSE, context_for(DWPOSE, precision="fp16"))
    assert isinstance(told, Unavailable)
    assert "fp16" in told.reason


def test_what_is_missing_or_damaged_is_told(own_home, tmp_path: Path, pose_file: Path):
    own_home()
    told = probe(DWPOSE)
    assert isinstance(told, Unavailable)
    assert "lipsync weights pull dwpose" in told.hint
    with pytest.raises(PluginUnavailable, match="lacks its weights"):
        opened()
    tensors = torch.load(pose_file, weights_only=True)["state_dict"]
    tensors.pop("head.cls_x.weight")
    torch.save(tensors, tmp_path / FILE)
    own_home({f"dwpose/{FILE}": tmp_path / FILE})
    with pytest.raises(
        PluginUnavailable, match=r"another network: 1 missing \(head.cls_x.weight\)"
    ):
        opened()


def test_the_mirror_table_is_its_own_inverse():
    assert np.array_equal(pose.MIRRORED[pose.MIRRORED], np.arange(68))


def test_a_video_with_its_landmarks(weights, own_home, small_files, whisper_files, tmp_path: Path):
    own_home({f"musetalk/{name}": path for name, path in small_files.items()})
    own_home({"whisper/pytorch_model.bin": whisper_files["pytorch_model.bin"]})
    sound, out = write_voice(tmp_path / "v.wav", 4), tmp_path / "out.mp4"
    done = lipsync(
        "run", samples.portrait(), sound, "-o", out, "--generator", MUSETALK.name, "--strict",
        "--detector", "dwpose", "--still", "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["faces"]["detector"] == "dwpose"
    assert {"detector", "generator"} <= {each["kind"] for each in report["licences"]}
    assert report["faces"]["frames_with_new_mouth"] == 4


def test_the_built_in_detector_is_the_one_asked():
    assert isinstance(PoseDetector()._faces, MediaPipeDetector)
