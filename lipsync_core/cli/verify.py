"""`lipsync verify`: reads back what an output says about itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def verify(
    file: Annotated[Path, typer.Argument(help="A video, made by lipsync or not.")],
    as_json: Annotated[bool, typer.Option("--json", help="Plain data on stdout.")] = False,
) -> None:
    """Say whether FILE is marked as AI-edited by lipsync, and by what.

    Exit code 0: marked, and the report beside it (if there is one) agrees. 8: not marked, or it disagrees.

    Example: `lipsync verify talk.mp4`
    """
    from rich.markup import escape

    from lipsync_core.cli.console import print_json, stdout
    from lipsync_core.engine.record.verify import verify as read

    found = read(file)
    if as_json:
        print_json(found)
        return
    stdout.print(f"{escape(str(file))}: marked as AI-edited")
    for key in ("tool", "version", "generators", "run"):
        stdout.print(f"  {key}: {escape(str(found[key]))}")
    stdout.print(f"  report: {found['report'] or 'none beside it'}")
