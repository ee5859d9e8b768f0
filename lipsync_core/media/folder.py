"""A folder of numbered pictures as a target: which pictures it holds, in which order, and one of them.

They are shown at a constant rate and read one at a time; their number does not matter for memory.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lipsync_core.errors import UnsupportedInput
from lipsync_core.media.still import is_still, read_still

if TYPE_CHECKING:
    from pathlib import Path

    from lipsync_core.media.formats import VideoFormat
    from lipsync_core.records import Image


def pictures_in(folder: Path) -> tuple[Path, ...]:
    """The still pictures of a folder, by the numbers in their names (2 before 10); other files do not count.

    Raises:
        UnsupportedInput: it cannot be read, or holds no picture.
    """
    try:
        files = [path for path in folder.iterdir() if path.is_file() and path.name[0] != "."]
        found = [path for path in files if is_still(path)]
    except OSError as error:
        raise UnsupportedInput(
            f"The target {folder} cannot be read: {error.strerror or error}.",
            "Check the access rights of the folder and of what is in it.",
        ) from error
    if not found:
        raise UnsupportedInput(
            f"The target {folder} is a folder without pictures.",
            "Name a video or a picture, or a folder of PNG, JPEG, WebP, BMP, TIFF, HEIC or AVIF pictures.",
        )
    return tuple(sorted(found, key=lambda path: (_numbered(path.name), path.name)))


def read_one(path: Path, video: VideoFormat) -> Image:
    """RGB of a picture of the folder, see `read_still`.

    Raises:
        UnsupportedInput: it is damaged, or of another size than the first.
    """
    image = read_still(path)
    height, width = image.shape[:2]
    if (width + width % 2, height + height % 2) != (video.width, video.height):
        raise UnsupportedInput(
            f"The picture {path} is {width}x{height}, the first one of its folder "
            f"{video.width}x{video.height}.",
            "Give all pictures one size, or take those of another size out of the folder.",
        )
    return image


def _numbered(name: str) -> list[str | int]:
    """Words and numbers by turns."""
    parts = re.split(r"(\d+)", name.lower())
    return [int(part) if n % 2 else part for n, part in enumerate(parts)]
