"""The video encoders that this tool knows: how each spells quality and speed, and what it can carry."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """How one encoder spells quality and speed.

    Attributes:
        quality: option that takes `crf`.
        speed: option that takes `preset`.
        crf: default quality.
        preset: default speed.
        options: always set.
        scale: lowest and highest value of `quality`; FFmpeg clamps others without a word.
        interlaces: it can code the two fields of a frame apart.
        alpha: containers in which players find the transparency that it writes.
        in_nut: NUT holds what it makes.
        parameters: option that takes further settings of its own, which may tell HDR metadata.
    """

    quality: str | None = None
    speed: str | None = None
    crf: int | None = None
    preset: str | None = None
    options: tuple[tuple[str, str], ...] = ()
    scale: tuple[int, int] = (0, 51)
    interlaces: bool = False
    alpha: tuple[str, ...] = ()
    in_nut: bool = True
    parameters: str | None = None


FAMILIES = {
    # Macroblock-tree rate control reads memory that nothing wrote (seen on av 18: other bytes for the
    # same pictures with glibc's MALLOC_PERTURB_=1, the same without mbtree), and a resumed run must
    # give the pictures of an unbroken one.
    "libx264": Family(
        quality="crf", speed="preset", crf=18, preset="veryfast",
        options=(("x264-params", "mbtree=0"),), interlaces=True,
    ),
    "libx265": Family(
        quality="crf", speed="preset", crf=20, preset="veryfast",
        options=(("x265-params", "log-level=none"),), parameters="x265-params",
    ),
    "libvpx-vp9": Family(
        quality="crf", speed="cpu-used", crf=24, preset="5",
        options=(("b", "0"), ("deadline", "good"), ("row-mt", "1")),
        scale=(0, 63), alpha=("webm", "matroska"),
    ),
    "libvpx": Family(
        quality="crf", speed="cpu-used", crf=8, preset="5",
        options=(("b", "8M"), ("deadline", "good"), ("auto-alt-ref", "0")),
        scale=(4, 63),
    ),
    "libsvtav1": Family(
        quality="crf", speed="preset", crf=24, preset="8", scale=(0, 63), parameters="svtav1-params",
    ),
    "prores_ks": Family(interlaces=True, alpha=("mov", "matroska"), in_nut=False),
    "h264_nvenc": Family(quality="cq", speed="preset", crf=19, preset="p5"),
    "hevc_nvenc": Family(quality="cq", speed="preset", crf=21, preset="p5"),
    "av1_nvenc": Family(quality="cq", speed="preset", crf=24, preset="p5"),
    "h264_videotoolbox": Family(options=(("b", "8M"),)),
    "mpeg4": Family(quality="qscale", crf=2, options=(("flags", "+qscale"),), scale=(1, 31)),
}  # fmt: skip


def family(encoder: str) -> Family:
    """What is known of an encoder; of others, nothing."""
    return FAMILIES.get(encoder, Family())
