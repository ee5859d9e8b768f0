"""Writes the skeleton of a new generator plugin: it installs, keeps the contract, and moves a mouth."""

from __future__ import annotations

import keyword
import re
from importlib import resources
from pathlib import Path
from string import Template

from lipsync_core._version import __version__
from lipsync_core.errors import OutputError, UsageError

_FILES = {
    "pyproject.toml": "pyproject.toml",
    "README.md": "README.md",
    "$module/__init__.py": "init.py",
    "$module/plugin.py": "plugin.py",
    "$module/generator.py": "generator.py",
    "tests/conftest.py": "conftest.py",
    "tests/test_$identifier.py": "test_contract.py",
}
"""File of the new plugin -> template."""
_NAME = re.compile(r"[a-z][a-z0-9]*([_-][a-z0-9]+)*")


def write_skeleton(name: str, folder: Path) -> list[Path]:
    """Write a generator plugin that can be installed as it is.

    Args:
        name: of the generator: lower-case letters, digits, single - and _.
        folder: where to put it; new or empty.

    Returns:
        The files, in the order in which to read them.

    Raises:
        UsageError: the name cannot be used, or the folder holds something.
        OutputError: the folder cannot be written.
    """
    words = _words(name)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(
            f"{folder} exists and is not empty.", "Choose another place with --folder."
        )
    written = []
    try:
        for target, source in _FILES.items():
            path = folder / Template(target).substitute(words)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(_template(source).substitute(words), encoding="utf-8")
            written.append(path)
    except OSError as error:
        raise OutputError(
            f"{folder} cannot be written: {error.strerror}.", "Choose another place with --folder."
        ) from error
    return written


def _words(name: str) -> dict[str, str]:
    if not _NAME.fullmatch(name) or keyword.iskeyword(name):
        raise UsageError(
            f"'{name}' cannot be the name of a plugin.",
            "Use lower-case letters and digits, with single - or _ between, for example my-model.",
        )
    identifier = name.replace("-", "_")
    return {
        "name": name,
        "identifier": identifier,
        "distribution": f"lipsync-{name.replace('_', '-')}",
        "module": f"lipsync_{identifier}",
        "cls": "".join(word.capitalize() for word in identifier.split("_")),
        "constant": identifier.upper(),
        "core": ".".join(__version__.split(".")[:2]),
    }


def _template(name: str) -> Template:
    file = resources.files("lipsync_core.conformance") / "templates" / f"{name}.template"
    return Template(file.read_text(encoding="utf-8"))
