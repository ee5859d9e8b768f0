"""What flows between the stages: small records of numbers, strings and numpy arrays.

Every record carries its own index and time, so no two lists ever have to stay in step. Nothing here
holds a torch tensor, a callback or an open file: each record can cross to a worker process as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from fractions import Fraction

    import numpy as np
    from numpy.typing import NDArray

    from lipsync_core.specs import Region

    Image = NDArray[np.uint8]
    """RGB, uint8, `(height, width, 3)`, contiguous."""
    Matrix = NDArray[np.float64]
    """2x3 affine map, frame pixels -> crop pixels (pixel centres at integer coordinates)."""
    Points = NDArray[np.float32]
    """`(K, 2)` pixels, or `(K, 3)` where z is depth in the same pixels (smaller is nearer)."""
    Samples = NDArray[np.float32]
    """Sound as float32 in -1..1: `(n,)` mono."""
else:  # names for annotations only: this module stays free of numpy
    Image = Matrix = Points = Samples = object

__all__ = [
    "AudioClip",
    "BlendInput",
    "Chunk",
    "Crops",
    "Face",
    "Frame",
    "FrameInfo",
    "Generated",
    "Image",
    "Matrix",
    "Patch",
    "Points",
    "Prepared",
    "Samples",
    "Scheme",
    "Scores",
]


Scheme = Literal["5", "68", "478"]
"""Landmark schemes: 5 points (eyes, nose tip, mouth corners), iBUG 68, MediaPipe 478."""

Prepared = Mapping[str, "NDArray[np.generic]"]
"""What a generator made once from the target alone: named arrays, storable as one `.npz`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameInfo:
    """Which frame of the target this is, and when it is shown.

    Attributes:
        index: position in decoding order, from 0.
        time: exact presentation time in seconds from the first frame.
        duration: exact time in seconds until the next frame.
    """

    index: int
    time: Fraction
    duration: Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One decoded picture of the target, upright (rotation metadata already applied)."""

    info: FrameInfo
    image: Image


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """One detected face in one frame.

    Attributes:
        box: `(x0, y0, x1, y1)` in frame pixels.
        score: detector's confidence, 0..1.
        landmarks: points in frame pixels, in `scheme`'s order; `(K, 3)` for "478", else `(K, 2)`.
        scheme: which landmark scheme `landmarks` follows.
    """

    box: tuple[float, float, float, float]
    score: float
    landmarks: Points
    scheme: Scheme


@dataclass(frozen=True, slots=True, kw_only=True)
class MouthRange:
    """How far a person opens and widens the mouth when speaking, in distances of the eyes' middles.

    Attributes:
        seconds: how long the mouth was seen moving.
        opening: 5th, 50th and 95th percentile of the gap of the inner lips.
        opening_spread: its standard deviation.
        width: the same percentiles of the distance between the mouth's corners.
        width_spread: its standard deviation.
    """

    seconds: float
    opening: tuple[float, float, float]
    opening_spread: float
    width: tuple[float, float, float]
    width_spread: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Crops:
    """N crops of one track, cut by one affine matrix each.

    Attributes:
        frames: `(N,)` int64, the index of each crop's frame in the target.
        track: id of the track all N crops belong to.
        images: `(N, H, W, 3)` uint8 RGB.
        matrices: `(N, 2, 3)` float64, frame -> crop.
        landmarks: `(N, K, 2 or 3)` float32 in crop pixels.
        scheme: landmark scheme of `landmarks`.
        mouth: range of the mouth over the whole track, for `prepare` with scope "track"; None where the
            target is a picture or the mouth hardly moves.
    """

    frames: NDArray[np.int64]
    track: int
    images: NDArray[np.uint8]
    matrices: NDArray[np.float64]
    landmarks: NDArray[np.float32]
    scheme: Scheme
    mouth: MouthRange | None = None

    def __len__(self) -> int:
        return len(self.frames)

    def only(self, chosen: Sequence[int] | slice) -> Crops:
        """Those at some places; for a sequence in arrays of their own."""
        return replace(
            self,
            frames=self.frames[chosen],
            images=self.images[chosen],
            matrices=self.matrices[chosen],
            landmarks=self.landmarks[chosen],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """What a generator gets in one call.

    Attributes:
        crops: the N crops. Where frames are independent of each other, they may be of several faces at once;
            `crops.track` is then the first one's.
        features: `(N, *feature_shape)` float32, one row per crop, from the declared audio encoder.
        strength: `(N,)` float32 in 0..1, how much of the new mouth is wanted (1 for a good face,
            falling to 0 where the pose turns away). Only generators whose spec says `fades` need
            to look at it; for the others the blender fades.
        prepared: what `prepare` returned for this track (and these frames).
    """

    crops: Crops
    features: NDArray[np.float32]
    strength: NDArray[np.float32]
    prepared: Prepared = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.crops)


@dataclass(frozen=True, slots=True, kw_only=True)
class Generated:
    """New crops with a note on how they were made.

    Attributes:
        images: `(N, H, W, 3)` uint8 RGB.
        note: what the report says about these N frames, such as which of several networks made them and
            why; "" for nothing. Equal notes of consecutive frames are reported as one range.
    """

    images: NDArray[np.uint8]
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlendInput:
    """A crop to be blended into its frame.

    Attributes:
        frame: `(H, W, 3)` uint8 RGB, the frame or the part of it that the blender sees; read-only.
        crop: `(h, w, 3)` uint8 RGB, the generated crop; read-only.
        matrix: 2x3 float64, frame -> crop.
        landmarks: `(K, 2 or 3)` of the original face in pixels of `frame`, in the scheme that the
            blender's spec asks for.
        region: the part of the crop that the generator repainted.
        strength: 0..1, share of the new picture; 0 changes nothing.
    """

    frame: Image
    crop: Image
    matrix: Matrix
    landmarks: Points
    region: Region
    strength: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """A rectangle of new pixels for a frame; everything outside it stays as it was.

    Attributes:
        x: left edge in frame pixels.
        y: top edge in frame pixels.
        image: `(h, w, 3)` uint8 RGB.
    """

    x: int
    y: int
    image: Image


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioClip:
    """Mono sound for a model: `samples` float32 `(n,)` in -1..1 at `sample_rate` Hz."""

    samples: Samples
    sample_rate: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """What a scorer says of one span.

    Attributes:
        figures: one finite number for each measure that the spec declares; optional ones may be missing.
        curves: named `(N,)` float32 arrays for plots, one value for each of the N crops (NaN: nothing
            to say); may be empty.
    """

    figures: Mapping[str, float]
    curves: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
