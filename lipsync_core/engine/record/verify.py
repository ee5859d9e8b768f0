"""Reads an output's provenance back, and compares it with the report beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lipsync_core.engine.record.report import report_path
from lipsync_core.errors import VerificationFailed
from lipsync_core.media.provenance import is_marked, read_tags


def verify(path: Path) -> dict[str, Any]:
    """What `path` says about itself.

    Returns:
        tool, version, generators, run, and the report's path or None.

    Raises:
        UnsupportedInput: the file cannot be read.
        VerificationFailed: it carries no mark, or the report beside it tells of another run.
    """
    tags = read_tags(path)
    if not is_marked(path):
        told = _report(path)
        if told and not told.get("provenance", {}).get("marked", True):
            raise VerificationFailed(
                f"{path} carries no mark; its report says that it is AI-edited (run {told.get('run')}).",
                "It was made with --no-provenance.",
            )
        raise VerificationFailed(
            f"{path} carries no mark of lipsync.",
            "It was not made by lipsync, was made with --no-provenance, or lost its tags since.",
        )
    told = _report(path)
    if told and told.get("run") != tags.get("lipsync_run"):
        raise VerificationFailed(
            f"{path} is of run {tags.get('lipsync_run')}, the report beside it of {told.get('run')}.",
            "One of the two was replaced.",
        )
    return {
        "file": str(path),
        "ai_edited": True,
        "tool": "lipsync",
        "version": tags.get("lipsync_version", ""),
        "generators": tags.get("lipsync_generators", ""),
        "run": tags.get("lipsync_run", ""),
        "report": str(report_path(path)) if told else None,
    }


def _report(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(report_path(path).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
