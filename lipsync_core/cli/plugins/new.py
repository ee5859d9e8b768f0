"""`lipsync plugins new`: the skeleton of a generator plugin."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lipsync_core.cli.console import stdout
from lipsync_core.conformance.skeleton import write_skeleton


def new(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Short lower-case name of the new generator.")
    ],
    folder: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Folder to write. Default: lipsync-NAME."),
    ] = None,
) -> None:
    """Write the skeleton of a generator plugin.

    It can be installed, passes `lipsync plugins check`, and runs.

    Example: `lipsync plugins new mymodel && pip install -e lipsync-mymodel`
    """
    target = folder or Path(f"lipsync-{name}")
    for path in write_skeleton(name, target):
        stdout.print(str(path), markup=False, soft_wrap=True)
    stdout.print(
        f"Next: pip install -e {target} && lipsync plugins check {name}",
        markup=False,
        soft_wrap=True,
    )
