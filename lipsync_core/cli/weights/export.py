"""`lipsync weights export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lipsync_core.cli.console import print_json
from lipsync_core.cli.flags import Json
from lipsync_core.cli.plugins.finding import find_plugins
from lipsync_core.cli.weights.choosing import Name
from lipsync_core.errors import UsageError
from lipsync_core.registry import Registry
from lipsync_core.registry.exporting import export as run_exporter
from lipsync_core.specs import PluginSpec


def export(
    name: Name,
    format_: Annotated[
        str, typer.Option("--format", metavar="FORMAT", help="Format to make, such as onnx.")
    ],
    option: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="An option of the plugin; may be repeated."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Convert weights to another format.

    A faster runtime can then run NAME.

    Example: `lipsync weights export wav2lip --format onnx`
    """
    options = dict(text.partition("=")[::2] for text in option or [])
    made: list[Path] = []
    for spec in _exporting(name, format_):
        made += run_exporter(spec, format_, options)
    if as_json:
        print_json({"files": made})
        return
    for path in made:
        typer.echo(path)


def _exporting(name: str, format_: str) -> list[PluginSpec]:
    """The plugins of that name that export to a format.

    Raises:
        UsageError: there is none.
    """
    able = [spec for spec in find_plugins(Registry.load(), name) if spec.exporter]
    specs = [spec for spec in able if format_ in spec.exports]
    if not specs:
        offered = sorted({form for spec in able for form in spec.exports})
        raise UsageError(
            f"'{name}' cannot be exported to {format_}.",
            f"It exports to {', '.join(offered)}." if offered else "It cannot be exported at all.",
        )
    return specs
