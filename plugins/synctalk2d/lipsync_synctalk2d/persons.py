"""Finds the people whose networks are here: trained here, in upstream's folders, in single files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lipsync_core.people import store

CHECKPOINT, DATASET = "checkpoint", "dataset"
"""Upstream's folders for each person: the states of the training, and the frames it learnt from."""
LAST = "last.pth"
"""Ultralight's newest state, beside its numbered ones."""


NETWORK = "network.pth"
"""The network among the files of a person who was trained here."""
_HUBERT, _AVE = "aud_hu.npy", "aud_ave.npy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A person's network: its file, and the features named by its card or folder ("" without)."""

    file: Path
    features: str = ""


def trained(generator: str, folder: Path) -> dict[str, Found]:
    """The people of a generator, by name.

    Args:
        generator: its name; people trained here are kept by it.
        folder: its weights folder, with `persons/NAME.pth` and `checkpoint/NAME/N.pth`.
    """
    found = {}
    for person in store.everybody(generator):
        if person.card is not None and (person.folder / NETWORK).is_file():
            features = person.card.features
            found[person.folder.name] = Found(file=person.folder / NETWORK, features=features)
    for file in sorted(folder.glob("persons/*.pth")):
        if file.is_file():
            found.setdefault(file.stem, Found(file=file))
    for place in sorted(folder.glob(f"{CHECKPOINT}/*/")):
        newest_file = newest(place)
        if newest_file is not None:
            found.setdefault(place.name, _of_upstream(newest_file))
    return found


def newest(folder: Path) -> Path | None:
    """The state of a training that is used: the highest number, as upstream does it, or else the last one."""
    files = [file for file in folder.glob("*.pth") if file.is_file()]
    numbered = [file for file in files if file.stem.isdecimal()]
    if numbered:
        return max(numbered, key=lambda file: int(file.stem))
    return next((file for file in files if file.name == LAST), None)


def named(path: str) -> Found | None:
    """The file that a user's path means: a file, or a folder with a training's states.

    Upstream's `dataset/NAME`, which holds what was learnt from, stands for `checkpoint/NAME` beside it.
    """
    place = Path(path).expanduser().absolute()
    if place.is_file():
        return _of_upstream(place)
    found = newest(place)
    if found is None and place.parent.name == DATASET:
        found = newest(place.parent.with_name(CHECKPOINT) / place.name)
    return _of_upstream(found) if found is not None else None


def _of_upstream(file: Path) -> Found:
    """With the features that lie in `dataset/NAME`, where `file` is one of `checkpoint/NAME`."""
    beside = file.parent.parent.with_name(DATASET) / file.parent.name
    hubert = (beside / _HUBERT).is_file() and not (beside / _AVE).is_file()
    return Found(file=file, features="hubert" if hubert else "")
