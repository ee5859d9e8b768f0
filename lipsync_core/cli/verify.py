"""`lipsync verify`: reads back what an output says about itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lipsync_core.cli.flags import Json


def verify(
    video: Annotated[Path, typer.Argument(metavar="VIDEO", help="Any video.")],
    as_json: Json = False,
) -> None:
    """Check whether VIDEO is marked as AI-edited by lipsync.

    Exit code 0: it is marked, and its report (if there is one) agrees. 8: it is not marked, or they disagree.

    Example: `lipsync verify talk.mp4`
    """
    from rich.markup import escape

    from lipsync_core.cli.console import print_json, stdout
    from lipsync_core.engine.record.verify import verify as read

    found = read(video)
    if as_json:
        print_json(found)
        return
    stdout.print(f"{escape(str(video))}: marked as AI-edited", soft_wrap=True)
    for key in ("tool", "version", "generators", "run"):
        stdout.print(f"  {key}: {escape(str(found[key]))}", soft_wrap=True)
    stdout.print(f"  report: {escape(str(found['report'] or 'none beside it'))}", soft_wrap=True)
