"""`lipsync plugins check`: the contract tests on one plugin."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.markup import escape

from lipsync_core.cli.console import print_json, stdout
from lipsync_core.cli.flags import Json
from lipsync_core.cli.plugins.finding import find_specs
from lipsync_core.conformance.check import check_spec
from lipsync_core.errors import PluginFault
from lipsync_core.registry import Registry

_COLOURS = {"passed": "green", "failed": "bold red", "skipped": "yellow"}


def check(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A plugin, or something that it offers.")
    ],
    as_json: Json = False,
) -> None:
    """Run the contract tests on a plugin.

    They check case by case what the engine relies on. Exit code 0: no test failed; a test that cannot run
    here says why. 7: a test failed.

    Example: `lipsync plugins check viseme`
    """
    registry = Registry.load()
    results: list[dict[str, Any]] = [
        {"kind": spec.kind, "name": spec.name} | asdict(result)
        for spec in find_specs(registry, name)
        for result in check_spec(registry, spec)
    ]
    if as_json:
        print_json(results)
    else:
        for result in results:
            _show(result)
    failed = [result for result in results if result["outcome"] == "failed"]
    if failed:
        raise PluginFault(
            f"'{name}' fails {len(failed)} of {len(results)} contract tests, "
            f"the first is: {failed[0]['case']}.",
            failed[0]["detail"],
        )


def _show(result: dict[str, Any]) -> None:
    outcome, detail = result["outcome"], result["detail"]
    told = f"{result['kind']} {result['name']}: {result['case']}{' - ' if detail else ''}{detail}"
    stdout.print(f"[{_COLOURS[outcome]}]{outcome:>7}[/] {escape(told)}", soft_wrap=True)
