"""What is installed beside lipsync, looked up without importing it."""

from __future__ import annotations

import sys
from functools import cache
from importlib import metadata, util
from importlib.machinery import PathFinder

__all__ = ["installed", "version"]


def installed(module: str) -> bool:
    """Whether a module could be imported; its parents are looked at, not imported."""
    folders, name = None, ""
    for part in module.split("."):
        name = f"{name}.{part}".lstrip(".")
        try:
            found = util.find_spec(name) if folders is None else PathFinder.find_spec(name, folders)
        except (
            ImportError,
            ValueError,
        ):  # something forbids it, or it was not imported from a file
            found = None
        if found is None:
            return sys.modules.get(name) is not None
        folders = list(found.submodule_search_locations or ())
    return True


@cache
def version(distribution: str) -> str:
    """The version of a distribution; empty where it is not installed. Looked up once per process."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ""
