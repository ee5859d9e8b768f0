"""Tags in the output that say it is AI-edited, by what, and in which run.

MP4 and MOV keep free tag names only with `use_metadata_tags` (the writer sets it); Matroska
upper-cases them, so reading goes by lower case.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lipsync_core.media.containers import open_input

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PREFIX = "lipsync_"
_NOTICE = "AI-edited: the lips in this video were synthesised to match the sound."


def provenance_tags(
    *, version: str, generators: str, run: str, extra: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return the tags for an output.

    Args:
        version: of this tool.
        generators: names of the generators that made pictures, comma-separated.
        run: id of the run, as in the report.
        extra: more tags; names get the prefix `lipsync_`.
    """
    return {
        "comment": _NOTICE,
        "description": f"{_NOTICE} Made with lipsync {version} ({generators}), run {run}.",
        "lipsync_ai_edited": "true",
        "lipsync_version": version,
        "lipsync_generators": generators,
        "lipsync_run": run,
        **{PREFIX + name: value for name, value in (extra or {}).items()},
    }


def read_tags(path: Path) -> dict[str, str]:
    """Return all container tags of a file, names in lower case.

    Raises:
        UnsupportedInput: the file cannot be read.
    """
    with open_input(path, "target") as container:
        return {name.lower(): value for name, value in container.metadata.items()}


def is_marked(path: Path) -> bool:
    """Whether a file's tags say that it is AI-edited by this tool."""
    return read_tags(path).get("lipsync_ai_edited") == "true"
