"""Cases for detectors: the bundled portrait is found, nothing is found in nothing, shapes as declared."""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import NDArray

from lipsync_core.conformance import inputs
from lipsync_core.conformance.bench import Bench
from lipsync_core.conformance.case import Case
from lipsync_core.conformance.verdict import NotApplicable, demand
from lipsync_core.contracts import Detector
from lipsync_core.faces.crops import transform
from lipsync_core.faces.schemes import POINTS, convert
from lipsync_core.faces.turns import QUARTERS, to_upright, turned_back
from lipsync_core.records import Face, Image, Points
from lipsync_core.specs import DetectorSpec

_FAR = 0.2
"""Share of the face's width by which a landmark may lie off: schemes differ, ears and jaws most."""


def _open(bench: Bench) -> Detector:
    detector = cast(Detector, bench.shared())
    detector.reset()
    return detector


def _spec(bench: Bench) -> DetectorSpec:
    return cast(DetectorSpec, bench.spec)


def _empty() -> Image:
    return np.full_like(inputs.portrait(), 128)


def _found(detector: Detector, images: NDArray[np.uint8]) -> list[list[Face]]:
    found = detector.detect(images)
    demand(
        isinstance(found, list) and len(found) == len(images),
        f"detect gave {len(found)} lists for {len(images)} pictures: give one for each, empty where no "
        "face is.",
    )
    return found


def finds_nothing(bench: Bench) -> None:
    """No face in a grey picture."""
    for faces in _found(_open(bench), np.stack([_empty()] * 2)):
        demand(
            not faces,
            f"{len(faces)} faces were found in a plain grey picture: raise the threshold.",
        )


def finds_portrait(bench: Bench) -> None:
    """The face of the bundled portrait, with its landmarks where they are."""
    faces = _found(_open(bench), inputs.portrait()[None])[0]
    demand(faces, "the face of the bundled portrait was not found: is the picture RGB, not BGR?")
    best = max(faces, key=lambda face: face.score)
    _shaped(_spec(bench), best)
    overlap = _overlap(best.box, inputs.PORTRAIT_FACE)
    demand(
        overlap > 0.35,
        f"its box {tuple(round(v) for v in best.box)} overlaps the face by {overlap:.0%}: give (x0, y0, x1, "
        "y1) in pixels of the frame.",
    )
    known = inputs.portrait_face()
    expected = convert(known.landmarks, known.scheme, best.scheme)
    off = float(np.median(_apart(best.landmarks, expected))) / (known.box[2] - known.box[0])
    demand(
        off < _FAR,
        f"half of its landmarks lie more than {off:.0%} of the face's width off: are they in pixels of the "
        f"frame, and in the order of scheme '{best.scheme}'?",
    )


def finds_turned(bench: Bench) -> None:
    """What a detector says that finds faces in any turn; the engine turns pictures for the others."""
    if not _spec(bench).any_turn:
        raise NotApplicable("the spec does not say so")
    known, upright = inputs.portrait_face(), inputs.portrait()
    for quarter in range(1, QUARTERS):
        shown = turned_back(upright, quarter)
        detector = _open(bench)
        faces = _found(detector, shown[None])[0]
        off = np.inf
        if faces:
            best = max(faces, key=lambda face: face.score)
            matrix = to_upright(quarter, shown.shape[1], shown.shape[0])
            expected = convert(known.landmarks, known.scheme, best.scheme)
            apart = _apart(transform(best.landmarks, matrix), expected)
            off = float(np.median(apart)) / (known.box[2] - known.box[0])
        demand(
            off < _FAR,
            f"the portrait turned by {90 * quarter} degrees was not found where it is: leave `any_turn` out "
            "of the spec, and the engine turns pictures where no face is found.",
        )


def misses_between(bench: Bench) -> None:
    """A picture without a face between two with one."""
    shown, empty = inputs.portrait(), _empty()
    counts = [len(faces) for faces in _found(_open(bench), np.stack([shown, empty, shown]))]
    demand(
        counts[0] and counts[2] and not counts[1],
        f"portrait, grey picture, portrait gave {counts} faces: look anew where tracking loses the face.",
    )


def resets(bench: Bench) -> None:
    """After reset earlier pictures do not matter."""
    detector = _open(bench)
    first = _found(detector, inputs.portrait()[None])[0]
    moved, _ = inputs.moved(np.array([[1.2, 0.0, 60.0], [0.0, 1.2, 40.0]]))
    detector.reset()
    _found(detector, moved[None])
    detector.reset()
    again = _found(detector, inputs.portrait()[None])[0]
    same = len(first) == len(again) and all(
        np.allclose(a.landmarks, b.landmarks, atol=0.01) for a, b in zip(first, again, strict=True)
    )
    demand(same, "after reset the same picture gives other landmarks: forget everything in reset.")


def keeps_pictures(bench: Bench) -> None:
    """The pictures are the engine's."""
    images = inputs.portrait()[None].copy()
    _found(_open(bench), images)
    demand(
        np.array_equal(images[0], inputs.portrait()),
        "detect changed the picture it was given: draw or scale on a copy.",
    )


def bears_any_size(bench: Bench) -> None:
    """Small, odd and oblong pictures."""
    for height, width in ((1, 1), (37, 251), (480, 33)):
        _found(_open(bench), np.full((1, height, width, 3), 90, np.uint8))


def _shaped(spec: DetectorSpec, face: Face) -> None:
    demand(
        face.scheme in spec.schemes,
        f"a face has scheme '{face.scheme}', declared are {spec.schemes}: correct the spec.",
    )
    due = (POINTS[face.scheme], 3 if face.scheme == "478" else 2)
    demand(
        face.landmarks.shape == due and face.landmarks.dtype == np.float32,
        f"landmarks are {face.landmarks.dtype} {face.landmarks.shape}: scheme '{face.scheme}' is float32 "
        f"{due}.",
    )
    demand(
        np.isfinite(face.landmarks).all(), "landmarks hold NaN or infinity: leave such faces out."
    )
    demand(0.0 <= face.score <= 1.0, f"score {face.score} should be from 0 to 1.")
    x0, y0, x1, y1 = face.box
    demand(
        x1 > x0 and y1 > y0,
        f"box {face.box} is empty: give (x0, y0, x1, y1), not width and height.",
    )


def _overlap(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> float:
    """Intersection over union."""
    w = min(a[2], b[2]) - max(a[0], b[0])
    h = min(a[3], b[3]) - max(a[1], b[1])
    both = max(w, 0.0) * max(h, 0.0)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    return both / (sum(areas) - both)


def _apart(a: Points, b: Points) -> NDArray[np.float64]:
    return np.asarray(np.linalg.norm(a[:, :2].astype(float) - b[:, :2], axis=1))


CASES: tuple[Case, ...] = (
    Case(name="finds nothing in an empty picture", run=finds_nothing),
    Case(name="finds the bundled portrait's face and landmarks", run=finds_portrait),
    Case(name="gives an empty list between two faces", run=misses_between),
    Case(name="forgets on reset", run=resets),
    Case(name="finds the face in any turn, if the spec says so", run=finds_turned),
    Case(name="leaves the pictures as they are", run=keeps_pictures),
    Case(name="bears small and odd sizes", run=bears_any_size),
)
