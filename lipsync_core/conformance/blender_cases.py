"""Cases for blenders: patches lie in the frame, nothing beside the crop changes, strength is obeyed."""

from __future__ import annotations

from typing import cast, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from lipsync_core.conformance import inputs
from lipsync_core.conformance.bench import Bench
from lipsync_core.conformance.case import Case
from lipsync_core.conformance.verdict import demand, demand_array
from lipsync_core.contracts import Blender
from lipsync_core.faces.crops import invert
from lipsync_core.faces.schemes import convert
from lipsync_core.records import BlendInput, Crops, Image, Patch
from lipsync_core.specs import AlignedCrop, BlenderSpec, BoxCrop, CropSpec, NativeCrop, Region

_CROPS: tuple[CropSpec, ...] = (
    NativeCrop(),
    BoxCrop(size=(96, 96)),
    AlignedCrop(
        size=(120, 120),
        groups=((36, 39), (42, 45), (48, 54)),
        reference=((40.0, 45.0), (80.0, 45.0), (60.0, 85.0)),
    ),
)
_REGIONS: tuple[Region, ...] = get_args(Region)


def _blended(bench: Bench, frame: Image, crops: Crops, new: Image, region: Region, strength: float) -> (
    Patch | None
):  # fmt: skip
    spec = cast(BlenderSpec, bench.spec)
    face = inputs.portrait_face()
    points = convert(face.landmarks, face.scheme, spec.scheme)
    if frame.shape != inputs.portrait().shape or not np.array_equal(frame, inputs.portrait()):
        points = points.copy()
        points[:, 1] += 375.0
    patch = cast(Blender, bench.shared()).blend(
        BlendInput(
            frame=frame,
            crop=new,
            matrix=crops.matrices[0],
            landmarks=points,
            region=region,
            strength=strength,
        )
    )
    if patch is not None:
        _inside(patch, frame)
    return patch


def _inside(patch: object, frame: Image) -> None:
    demand(
        isinstance(patch, Patch), f"blend gave a {type(patch).__name__}: return a Patch or None."
    )
    assert isinstance(patch, Patch)
    image = demand_array(patch.image, "the patch's image")
    demand(
        image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3 and image.size,
        f"the patch's image is {image.dtype} {image.shape}: give uint8 (h, w, 3), not empty.",
    )
    h, w = image.shape[:2]
    demand(
        patch.x >= 0
        and patch.y >= 0
        and patch.x + w <= frame.shape[1]
        and patch.y + h <= frame.shape[0],
        f"a patch of {w}x{h} at ({patch.x}, {patch.y}) leaves the frame of {frame.shape[1]}x"
        f"{frame.shape[0]}: cut it off at the frame's edge.",
    )


def _frames() -> list[tuple[Image, inputs.Shot]]:
    face = inputs.portrait_face()
    whole = inputs.portrait()
    image, low = inputs.moved(np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 375.0]]))
    return [
        (whole, inputs.Shot(images=[whole], faces=[face])),
        (image, inputs.Shot(images=[image], faces=[low])),
    ]


def _other(crop: Image) -> Image:
    """A crop that differs clearly in every pixel."""
    return np.ascontiguousarray(255 - crop[::-1])


def stays_inside(bench: Bench) -> None:
    """Whatever the crop and region: a patch in the frame, and no change beside the crop."""
    for frame, shot in _frames():
        for spec in _CROPS:
            crops = inputs.crops_of(spec, shot)
            new = _other(crops.images[0])
            for region in _REGIONS:
                patch = _blended(bench, frame.copy(), crops, new, region, 1.0)
                if patch is not None:
                    _beside(patch, frame, crops)


def _beside(patch: Patch, frame: Image, crops: Crops) -> None:
    h, w = crops.images.shape[1:3]
    corners = np.array([[-1, -1], [w, -1], [w, h], [-1, h]], np.float64)
    back = invert(crops.matrices[0])
    quad = corners @ back[:, :2].T + back[:, 2]
    inside: NDArray[np.uint8] = np.zeros(frame.shape[:2], np.uint8)
    cv2.fillConvexPoly(inside, np.round(quad).astype(np.int32), 1)
    inside = np.asarray(cv2.dilate(inside, np.ones((5, 5), np.uint8)), np.uint8)
    ys = slice(patch.y, patch.y + patch.image.shape[0])
    xs = slice(patch.x, patch.x + patch.image.shape[1])
    changed = (patch.image != frame[ys, xs]).any(2) & (inside[ys, xs] == 0)
    demand(
        not changed.any(),
        f"{int(changed.sum())} pixels beside the crop were changed: outside the crop's outline the patch "
        "holds the frame's own pixels.",
    )


def obeys_strength(bench: Bench) -> None:
    """Strength 0 changes nothing; 1 changes something; a half lies between."""
    frame, shot = _frames()[0]
    crops = inputs.crops_of(_CROPS[1], shot)
    new = _other(crops.images[0])
    for region in _REGIONS:
        changes = []
        for strength in (0.0, 0.5, 1.0):
            patch = _blended(bench, frame.copy(), crops, new, region, strength)
            changes.append(0.0 if patch is None else _change(patch, frame))
        demand(
            changes[0] == 0.0,
            f"strength 0 changes the frame (region '{region}'): return None there.",
        )
        demand(
            changes[2] > 0.0,
            f"strength 1 changes nothing (region '{region}'): put the new crop in.",
        )
        demand(
            changes[0] < changes[1] < changes[2],
            f"strength 0.5 changes the frame by {changes[1]:.2f} levels, strength 1 by {changes[2]:.2f}: mix "
            "frame and crop in that share.",
        )


def _change(patch: Patch, frame: Image) -> float:
    """Sum of changed levels over the frame."""
    h, w = patch.image.shape[:2]
    old = frame[patch.y : patch.y + h, patch.x : patch.x + w]
    return float(np.abs(patch.image.astype(float) - old).sum())


def keeps_frame(bench: Bench) -> None:
    """The engine owns frame and crop, so they stay unchanged."""
    frame, shot = _frames()[0]
    frame = frame.copy()
    crops = inputs.crops_of(_CROPS[1], shot)
    new = _other(crops.images[0])
    crop = new.copy()
    _blended(bench, frame, crops, crop, "lower_face", 1.0)
    demand(
        np.array_equal(frame, inputs.portrait()) and np.array_equal(crop, new),
        "blend wrote into the frame or the crop it was given: work on a copy of the rectangle.",
    )


CASES: tuple[Case, ...] = (
    Case(name="changes nothing beside the crop", run=stays_inside),
    Case(name="obeys the strength", run=obeys_strength),
    Case(name="leaves frame and crop as they are", run=keeps_frame),
)
