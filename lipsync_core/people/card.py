"""The card of a trained person: who, for which generator, how good, on whose word. JSON beside the files."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from lipsync_core.errors import UnsupportedInput, UsageError

__all__ = ["Card"]


SCHEMA = 1
"""Version of the fields below; a reader refuses what is newer."""
CARD = "card.json"
Setting = bool | int | float | str
_NAME = re.compile(r"[\w][\w .-]{0,63}", re.UNICODE)
_FILE = re.compile(r"[A-Za-z0-9][\w.-]{0,99}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonFile:
    """One file of a person: its plain name, bytes, and SHA-256 in hexadecimal digits."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """The description of a trained person.

    Attributes:
        name: what users call the person.
        generator: name of the generator that the files are for.
        variant: which of the generator's networks, in words ("160 pixels").
        features: audio features of the network, as the generator names them ("viseme").
        epochs: how often it saw the footage.
        made: when, as an ISO 8601 date and time.
        licence: terms of use of the files, in words.
        consent: who agreed to what, in the words of whoever trained.
        footage: what it was trained on, in words.
        figures: what was measured on footage that was held out, by name.
        settings: how it was trained.
        files: what belongs to it.
    """

    name: str
    generator: str
    variant: str = ""
    features: str = ""
    epochs: int = 0
    made: str = ""
    licence: str = "not stated"
    consent: str = "not stated"
    footage: str = ""
    figures: Mapping[str, float] = field(default_factory=dict)
    settings: Mapping[str, Setting] = field(default_factory=dict)
    files: tuple[PersonFile, ...] = ()

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    def as_dict(self) -> dict[str, Any]:
        """As plain data for JSON."""
        return {"schema": SCHEMA, **asdict(self)}


def checked_name(name: str) -> str:
    """A name that can be a folder's everywhere.

    Raises:
        UsageError: it cannot.
    """
    if not _NAME.fullmatch(name) or name.endswith((".", " ")):
        raise UsageError(
            f"'{name}' cannot be a person's name.",
            "Use 1 to 64 letters, digits, spaces, dots, - and _, beginning with a letter or digit.",
        )
    return name


def read(path: Path) -> Card:
    """The card in a file.

    Raises:
        UnsupportedInput: it cannot be read, or is not a card.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, ValueError) as error:
        raise UnsupportedInput(f"The card {path} cannot be read: {error}.", _AGAIN) from error
    return parse(text, str(path))


def parse(text: str, where: str) -> Card:
    """The card that JSON holds.

    Args:
        text: JSON.
        where: the file it is from, for what is said of it.

    Raises:
        UnsupportedInput: it is not a card, or a newer one than this version knows.
    """
    try:
        told = json.loads(text)
    except ValueError as error:
        raise UnsupportedInput(f"The card {where} is no JSON: {error}.", _AGAIN) from None
    if not isinstance(told, dict) or not isinstance(told.get("schema"), int):
        raise UnsupportedInput(f"{where} is not the card of a trained person.", _AGAIN)
    if told["schema"] > SCHEMA:
        raise UnsupportedInput(
            f"The card {where} has layout {told['schema']}; this lipsync knows {SCHEMA}.",
            "pip install --upgrade lipsync-core",
        )
    try:
        return _card(told)
    except (KeyError, TypeError, ValueError, UsageError) as error:
        why = error.message if isinstance(error, UsageError) else str(error)
        raise UnsupportedInput(f"The card {where} is damaged: {why.rstrip('.')}.", _AGAIN) from None


_AGAIN = "Export the person anew where it was trained, or train it again."


def _card(told: Mapping[str, Any]) -> Card:
    texts = {
        name: _kind(told.get(name, default), str, name)
        for name, default in (
            ("variant", ""), ("features", ""), ("made", ""), ("licence", "not stated"),
            ("consent", "not stated"), ("footage", ""),
        )
    }  # fmt: skip
    figures = {
        str(name): float(_kind(value, (int, float), name))
        for name, value in _kind(told.get("figures", {}), dict, "figures").items()
    }
    if not all(math.isfinite(value) for value in figures.values()):
        raise ValueError("a figure is not a number")
    settings = {
        str(name): _kind(value, (bool, int, float, str), name)
        for name, value in _kind(told.get("settings", {}), dict, "settings").items()
    }
    return Card(
        name=checked_name(_kind(told["name"], str, "name")),
        generator=_kind(told["generator"], str, "generator"),
        epochs=_kind(told.get("epochs", 0), int, "epochs"),
        figures=figures,
        settings=settings,
        files=tuple(_file(entry) for entry in _kind(told.get("files", []), list, "files")),
        **texts,
    )


def _file(told: Mapping[str, Any]) -> PersonFile:
    known = {name.name for name in fields(PersonFile)}
    if not isinstance(told, dict) or set(told) != known:
        raise ValueError("an entry of 'files' is none")
    name = _kind(told["name"], str, "name of a file")
    if not _FILE.fullmatch(name) or name == CARD:
        raise ValueError(f"'{name}' is not a plain file name")
    size = _kind(told["size"], int, "size of a file")
    if size < 0 or not re.fullmatch(r"[0-9a-f]{64}", str(told["sha256"])):
        raise ValueError(f"size or checksum of '{name}' is none")
    return PersonFile(name=name, size=size, sha256=str(told["sha256"]))


def _kind(value: Any, kind: type | tuple[type, ...], name: str) -> Any:  # noqa: ANN401 - JSON
    if not isinstance(value, kind):
        raise ValueError(f"'{name}' is a {type(value).__name__}")
    return value
