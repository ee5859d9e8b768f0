"""What a picture stream looks like: size, clock, colour. Data only; it opens nothing."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from lipsync_core.media.hdr import HdrMetadata

Fields = Literal["top", "bottom"]
"""Which field of an interlaced frame is shown first."""
WorkingFormat = Literal["yuv420p", "yuv420p10le", "yuva420p", "yuva420p10le"]

# ITU-T H.273 code points, as FFmpeg's AVCOL_* use them.
UNSPECIFIED = 2
BT709 = 1
BT470BG = 5
LIMITED = 1
FULL = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoFormat:
    """How the pictures of one target look, after rotation.

    Attributes:
        width: of the upright picture, pixels; always even (see `lipsync_core.media.picture`).
        height: of the upright picture, pixels; always even.
        rotation: 0, 90, 180 or 270: the turn, counterclockwise in degrees, that the stored frames
            need to stand upright. Readers apply it; outputs carry no rotation flag.
        mirrored: the stored frames are mirrored left to right before that turn.
        frame_rate: average frames per second, exact where the rate is constant.
        time_base: seconds per tick of the target's clock; every frame time is a whole number of
            ticks.
        pixel_format: FFmpeg's name of the stored frames' format.
        bit_depth: 8 or 10, the depth the pictures are kept in.
        color_primaries: H.273 code, or None if the file does not say.
        color_trc: H.273 transfer characteristics, or None.
        color_space: H.273 matrix coefficients, or None.
        color_range: 1 limited ("tv"), 2 full ("pc"), or None.
        sample_aspect_ratio: width of an upright pixel over its height, or None if not said.
        variable_rate: frames last differently long.
        fields: the pictures are kept interlaced, with that field shown first; None: whole frames.
        alpha: the pictures keep their transparency; False: it is composed over white.
        hdr: static metadata of HDR video.
        encoded_format: FFmpeg's name of the format that the encoder takes; None: the working format.
    """

    width: int
    height: int
    frame_rate: Fraction
    time_base: Fraction
    rotation: int = 0
    mirrored: bool = False
    pixel_format: str = "yuv420p"
    bit_depth: int = 8
    color_primaries: int | None = None
    color_trc: int | None = None
    color_space: int | None = None
    color_range: int | None = None
    sample_aspect_ratio: Fraction | None = None
    variable_rate: bool = False
    fields: Fields | None = None
    alpha: bool = False
    hdr: HdrMetadata | None = None
    encoded_format: str | None = None

    @property
    def working_format(self) -> WorkingFormat:
        """The planar 4:2:0 format that pictures are kept in."""
        if self.alpha:
            return "yuva420p" if self.bit_depth == 8 else "yuva420p10le"
        return "yuv420p" if self.bit_depth == 8 else "yuv420p10le"

    @property
    def matrix(self) -> int:
        """H.273 matrix code that decodes the pictures, guessed where the file is silent.

        The guess is that of the common players (mpv, VLC): BT.709 from 1280 wide or 577 high.
        """
        if self.color_space is not None:
            return self.color_space
        return BT709 if self.width >= 1280 or self.height > 576 else BT470BG

    @property
    def full_range(self) -> bool:
        """Whether luma uses 0..255 rather than 16..235."""
        return self.color_range == FULL

    @property
    def frame_duration(self) -> Fraction:
        """Average seconds per frame."""
        return 1 / self.frame_rate


def picture_format(width: int, height: int, frame_rate: Fraction) -> VideoFormat:
    """Return the format of pictures made from RGB (stills, GIF): BT.709, limited range, 8 bit."""
    return VideoFormat(
        width=width + width % 2,
        height=height + height % 2,
        frame_rate=frame_rate,
        time_base=1 / frame_rate,
        pixel_format="rgb24",
        color_primaries=BT709,
        color_trc=BT709,
        color_space=BT709,
        color_range=LIMITED,
    )
