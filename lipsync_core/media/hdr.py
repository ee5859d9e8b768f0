"""HDR video: its static metadata (SMPTE ST 2086, CTA-861.3) as it is read and as encoders take it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from av.sidedata.sidedata import Type

from lipsync_core.media.display import side_data

if TYPE_CHECKING:
    import av

    from lipsync_core.media.formats import VideoFormat

TRANSFERS = {16: "PQ", 18: "HLG"}
"""H.273 transfer characteristics of HDR video."""
_COLOUR_STEP, _LIGHT_STEP = 50_000, 10_000
"""x265 counts chromaticity in 1/50000 and luminance in 1/10000 cd/m2, as HEVC does (H.265, D.3.28)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mastering:
    """The display that a video was mastered on.

    Attributes:
        primaries: chromaticity x, y of red, green and blue.
        white: chromaticity x, y of white.
        darkest: cd/m2.
        brightest: cd/m2.
    """

    primaries: tuple[tuple[float, float], ...]
    white: tuple[float, float]
    darkest: float
    brightest: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HdrMetadata:
    """Static metadata of an HDR video.

    Attributes:
        mastering: None where the file does not say.
        light: brightest pixel and brightest frame average (MaxCLL, MaxFALL), cd/m2; None where it does not.
    """

    mastering: Mastering | None = None
    light: tuple[int, int] | None = None


_DYNAMIC = {
    "Dolby Vision": (Type.DOVI_METADATA, Type.DOVI_RPU_BUFFER),
    "HDR10+": (Type.DYNAMIC_HDR_PLUS,),
    "HDR Vivid": (Type.DYNAMIC_HDR_VIVID,),
}


def dynamic_metadata(frame: av.VideoFrame) -> list[str]:
    """Return the names of the dynamic HDR metadata that a frame carries; no encoder here writes them."""
    return [
        name
        for name, kinds in _DYNAMIC.items()
        if any(side_data(frame, kind) is not None for kind in kinds)
    ]


def is_hdr(video: VideoFormat) -> bool:
    """Whether a video is HDR by its transfer."""
    return video.color_trc in TRANSFERS


def hdr_metadata(frame: av.VideoFrame) -> HdrMetadata | None:
    """Return the static metadata that a decoded frame carries; None if it carries none."""
    mastering = _mastering(side_data(frame, Type.MASTERING_DISPLAY_METADATA))
    data = side_data(frame, Type.CONTENT_LIGHT_LEVEL)
    light = None
    if data is not None:
        most, average = np.frombuffer(data, np.uint32)[:2].tolist()
        light = (most, average) if most or average else None  # 0: unknown
    if mastering is None and light is None:
        return None
    return HdrMetadata(mastering=mastering, light=light)


def _mastering(data: bytes | None) -> Mastering | None:
    """FFmpeg's AVMasteringDisplayMetadata: ten fractions of two int32, and what of them is set."""
    if data is None:
        return None
    numbers = np.frombuffer(data, np.int32)
    has_primaries, has_luminance = numbers[20:22].tolist()
    if not (has_primaries and has_luminance) or not numbers[1:20:2].all():
        return None
    values = (numbers[0:20:2] / numbers[1:20:2]).tolist()
    return Mastering(
        primaries=tuple((values[k], values[k + 1]) for k in (0, 2, 4)),
        white=(values[6], values[7]),
        darkest=values[8],
        brightest=values[9],
    )


def x265_parameters(metadata: HdrMetadata) -> list[str]:
    """Return the metadata as `x265-params`."""
    told = ["hdr10=1", "repeat-headers=1"]
    if metadata.mastering is not None:
        told.append(f"master-display={_display(metadata.mastering, _COLOUR_STEP, _LIGHT_STEP)}")
    if metadata.light is not None:
        told.append(f"max-cll={metadata.light[0]},{metadata.light[1]}")
    return told


def svtav1_parameters(metadata: HdrMetadata) -> list[str]:
    """Return the metadata as `svtav1-params`."""
    told = []
    if metadata.mastering is not None:
        told.append(f"mastering-display={_display(metadata.mastering)}")
    if metadata.light is not None:
        told.append(f"content-light={metadata.light[0]},{metadata.light[1]}")
    return told


def _display(mastering: Mastering, colour: int | None = None, light: int | None = None) -> str:
    """`G(x,y)B(x,y)R(x,y)WP(x,y)L(max,min)`, in whole steps where steps are given."""

    def pair(name: str, values: tuple[float, float], step: int | None) -> str:
        shown = [f"{v:.6f}" if step is None else str(round(v * step)) for v in values]
        return f"{name}({','.join(shown)})"

    red, green, blue = mastering.primaries
    points = (("G", green), ("B", blue), ("R", red), ("WP", mastering.white))
    levels = mastering.brightest, mastering.darkest
    return "".join(pair(name, value, colour) for name, value in points) + pair("L", levels, light)
