"""Finds the people whose networks are on this computer, in upstream's folders or single files."""

from __future__ import annotations

from pathlib import Path

CHECKPOINT, DATASET = "checkpoint", "dataset"
"""Upstream's folders for each person: the states of the training, and the frames it learnt from."""
LAST = "last.pth"
"""Ultralight's newest state, beside its numbered ones."""


def trained(folder: Path) -> dict[str, Path]:
    """The people below a weights folder, by name: `persons/NAME.pth` and `checkpoint/NAME/N.pth`."""
    found = {file.stem: file for file in sorted(folder.glob("persons/*.pth")) if file.is_file()}
    for place in sorted(folder.glob(f"{CHECKPOINT}/*/")):
        file = newest(place)
        if file is not None:
            found.setdefault(place.name, file)
    return found


def newest(folder: Path) -> Path | None:
    """The state of a training that is used: the highest number, as upstream does it, or else the last one."""
    files = [file for file in folder.glob("*.pth") if file.is_file()]
    numbered = [file for file in files if file.stem.isdecimal()]
    if numbered:
        return max(numbered, key=lambda file: int(file.stem))
    return next((file for file in files if file.name == LAST), None)


def named(path: str) -> Path | None:
    """The file that a user's path means: a file, or a folder with a training's states.

    Upstream's `dataset/NAME`, which holds what was learnt from, stands for `checkpoint/NAME` beside it.
    """
    place = Path(path).expanduser().absolute()
    if place.is_file():
        return place
    found = newest(place)
    if found is None and place.parent.name == DATASET:
        found = newest(place.parent.with_name(CHECKPOINT) / place.name)
    return found
