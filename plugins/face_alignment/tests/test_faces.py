"""FAN's geometry: crops and points against made-up heatmaps, and the whole path against the package's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the networks are torch's")
pytest.importorskip("face_alignment", reason="the networks' code comes with it")

from lipsync_face_alignment.detector import FaceAlignmentDetector  # noqa: E402
from lipsync_face_alignment.faces import HEATMAP, MIRRORED, Window, peaks, unmirrored  # noqa: E402

from lipsync_core.conformance import inputs  # noqa: E402
from lipsync_core.contracts import OpenContext  # noqa: E402
from lipsync_core.errors import PluginFault  # noqa: E402
from lipsync_core.faces.schemes import convert  # noqa: E402

BOX = np.array([100.0, 80.0, 190.0, 200.0, 0.9], np.float32)


def detector(
    published: Path,
    fan: str = "2DFAN4-11f355bf06.pth.tar",
    precision: str = "auto",
    **options: object,
):
    made = FaceAlignmentDetector()
    made.open(
        OpenContext(
            threads=2,
            precision=precision,
            weights={
                "s3fd-619a316812.pth": published / "s3fd-619a316812.pth",
                fan: published / fan,
            },
            options=options,  # type: ignore[arg-type]
        )
    )
    return made


def dots(cells: np.ndarray) -> np.ndarray:
    """Heatmaps `(K, 64, 64)` that are highest at `(K, 2)` x, y."""
    y, x = np.mgrid[0:HEATMAP, 0:HEATMAP]
    away = (x - cells[:, 0, None, None]) ** 2 + (y - cells[:, 1, None, None]) ** 2
    return np.exp(-away / 8.0).astype(np.float32)


def test_a_spot_in_the_frame_comes_out_where_it_is():
    frame = np.zeros((300, 300, 3), np.uint8)
    frame[120:124, 150:154] = 255  # around (151.5, 121.5)
    window = Window.around(BOX)
    crop = window.cut(frame).astype(np.float32)[..., 0]
    seen = crop.reshape(HEATMAP, 4, HEATMAP, 4).mean((1, 3))
    (point,) = window.points(seen[None])
    assert point == pytest.approx([151.5, 121.5], abs=window.side / HEATMAP * 0.6)


def test_the_window_is_that_of_the_package():
    utils = pytest.importorskip("face_alignment.utils")
    frame = inputs.portrait()
    for box in (
        BOX,
        np.array([-40.0, -30, 70, 90, 1.0]),
        np.array([430.0, 400, 560.3, 551.7, 1.0]),
    ):
        window = Window.around(box)
        centre = np.array([window.x, window.y])
        theirs = utils.crop(frame, centre, window.side / 200.0)
        assert np.array_equal(window.cut(frame), theirs)


def test_peaks_lean_to_the_higher_neighbour_and_not_at_the_rim():
    found = peaks(dots(np.array([[10.2, 20.0], [30.0, 40.4], [0.0, 63.0]])))
    assert found[0] == pytest.approx([10 + 0.25 + 0.5, 20.5])
    assert found[1] == pytest.approx([30.5, 40 + 0.25 + 0.5])
    assert found[2] == pytest.approx([0.5, 63.5])


def test_the_mirror_swaps_sides_and_is_its_own_inverse():
    face = convert(inputs.portrait_face().landmarks, "478", "68")
    assert np.array_equal(MIRRORED[MIRRORED], np.arange(68))
    mirrored = (face * (-1, 1))[MIRRORED] - face
    assert np.abs(mirrored - mirrored.mean(0)).max() < 15  # a face is nearly symmetric
    cells = np.random.default_rng(0).uniform(5, 58, (68, 2)).round()
    there = (cells * (-1, 1) + (HEATMAP - 1, 0))[MIRRORED]
    assert np.array_equal(unmirrored(dots(there)[None])[0], dots(cells))


def test_landmarks_are_those_of_the_package_before_it_cuts_them_to_whole_pixels(published: Path):
    """The same weights, the package's own detector and its own way from picture to points."""
    api = pytest.importorskip("face_alignment.api")
    from face_alignment.detection.sfd import FaceDetector
    from face_alignment.models.fan import FAN

    theirs = api.FaceAlignment.__new__(api.FaceAlignment)  # its __init__ would fetch weights
    theirs.device, theirs.dtype, theirs.max_batch_size = "cpu", torch.float32, 8
    theirs.flip_input, theirs.landmarks_type = True, api.LandmarksType.TWO_D
    theirs.face_detector = FaceDetector(
        "cpu", path_to_detector=str(published / "s3fd-619a316812.pth")
    )
    theirs.face_alignment_net = FAN(4).eval()
    theirs.face_alignment_net.load_state_dict(
        torch.load(published / "2DFAN4-11f355bf06.pth.tar", weights_only=True)
    )
    frame = inputs.portrait()
    landmarks, _, boxes = theirs.get_landmarks_from_image(frame, return_bboxes=True)
    (face,) = detector(published).detect(frame[None])[0]
    assert len(boxes) == 1
    assert (*face.box, face.score) == pytest.approx(tuple(boxes[0]), abs=0.02)
    corners = face.landmarks + 0.5  # pixel centres -> the package's corners
    off = np.abs(np.trunc(corners) - landmarks[0])
    assert (off <= 1).all()
    assert (off == 0).mean() > 0.97  # the box's last digits may push one over a whole number
    assert np.abs(corners - landmarks[0]).max() < 1.1


def test_a_batch_with_several_sizes_of_faces_and_none(published: Path):
    shown = inputs.portrait()
    larger, face = inputs.moved(np.array([[1.2, 0.0, 60.0], [0.0, 1.2, 40.0]]))
    found = detector(published, flip=False).detect(
        np.stack([shown, np.full_like(shown, 128), larger])
    )
    assert [len(faces) for faces in found] == [1, 0, 1]
    x0, y0, x1, y1 = found[2][0].box
    assert ((x0 + x1) / 2, (y0 + y1) / 2) == pytest.approx(
        (225.0 * 1.2 + 60, 123.0 * 1.2 + 40), abs=4
    )
    assert found[2][0].landmarks.shape == (68, 2)
    assert np.abs(found[2][0].landmarks - convert(face.landmarks, "478", "68")).mean() < 40


def test_large_frames_are_searched_at_the_limit_and_boxes_are_in_their_pixels(published: Path):
    """The portrait twice as large, searched at its own size."""
    shown = inputs.portrait()
    large = shown.repeat(2, 0).repeat(2, 1)
    opened = detector(published, limit=512, flip=False)
    seen: list[tuple[int, ...]] = []
    network = opened._boxes
    opened._boxes = lambda images: (seen.append(images.shape), network(images))[1]  # type: ignore[assignment]
    (face,) = opened.detect(large[None])[0]
    assert seen == [(1, 512, 512, 3)]
    assert face.box == pytest.approx([2 * v for v in inputs.PORTRAIT_FACE], abs=3)
    points = convert(inputs.portrait_face().landmarks, "478", "68") * 2
    assert np.median(np.linalg.norm(face.landmarks - points, axis=1)) < 0.2 * 184


def test_the_torchscript_file_gives_the_same_without_running_its_code(
    published: Path, monkeypatch: pytest.MonkeyPatch
):
    def forbidden(*args: object, **kwargs: object) -> None:
        raise AssertionError("the archive's code was loaded")

    monkeypatch.setattr(torch.jit, "load", forbidden)
    opened = detector(published, "2DFAN4-cd938726ad.zip", flip=False)
    other = detector(published, flip=False)
    (one,) = opened.detect(inputs.portrait()[None])[0]
    (two,) = other.detect(inputs.portrait()[None])[0]
    assert np.array_equal(one.landmarks, two.landmarks)


def test_bf16_finds_the_same(published: Path):
    (exact,) = detector(published, flip=False).detect(inputs.portrait()[None])[0]
    (made,) = detector(published, precision="bf16", flip=False).detect(inputs.portrait()[None])[0]
    assert made.box == pytest.approx(exact.box, abs=1.0)
    assert np.median(np.abs(made.landmarks - exact.landmarks)) < 1.0


def test_numbers_that_overflow_in_fp16_are_told(published: Path):
    """The made-up weights grow beyond fp16's range; NaN must not leave the detector."""
    opened = detector(published, precision="fp16", flip=False)
    with pytest.raises(PluginFault, match="no numbers") as error:
        opened.detect(inputs.portrait()[None])
    assert "--precision" in error.value.hint
