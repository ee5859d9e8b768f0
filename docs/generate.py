"""Writes what can be read off the code: `python -m docs.generate`; `--check` says if it is fresh."""

from __future__ import annotations

import inspect
import sys
from dataclasses import fields
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import Any, get_args

from typer.main import get_command

from docs import parity, public_names
from lipsync_core import contracts, errors, hookspecs, specs
from lipsync_core.cli.app import BUILT_IN, build
from lipsync_core.registry.catalogue import CATALOGUE

Command = Any
"""What typer makes of a verb; its class is private to typer."""
HERE = Path(__file__).parent
NOTE = "<!-- Written by `python -m docs.generate`; do not edit. -->\n\n"


def cli() -> str:
    """Every verb with its arguments and options, from the application itself."""
    app = get_command(build(["run"]))
    parts = ["# Command line\n", app.help or "", "\n"]
    for name in BUILT_IN:
        command = app.commands[name]  # type: ignore[attr-defined]
        for path, leaf in _leaves(f"lipsync {name}", command):
            parts += [
                f"\n## `{path}`\n",
                "\n",
                inspect.cleandoc(leaf.help or ""),
                "\n",
                _parameters(leaf),
            ]
    return NOTE + "".join(parts)


def _leaves(path: str, command: Command) -> list[tuple[str, Command]]:
    inner = getattr(command, "commands", None)
    if not inner:
        return [(path, command)]
    return [leaf for name, sub in inner.items() for leaf in _leaves(f"{path} {name}", sub)]


def _parameters(command: Command) -> str:
    rows = []
    for parameter in command.params:
        if "--help" in parameter.opts:
            continue
        names = ", ".join(f"`{opt}`" for opt in [*parameter.opts, *parameter.secondary_opts])
        if parameter.param_type_name == "argument":
            names = f"`{(parameter.metavar or parameter.name).upper()}`"
        default = parameter.default
        shown = (
            ""
            if default in (None, False, ()) or callable(default)
            else f" Default: `{_plain(default)}`."
        )
        kind = getattr(getattr(parameter, "type_descriptor", None), "annotation", None)
        choices = list(kind) if inspect.isclass(kind) and issubclass(kind, Enum) else []
        listed = f" One of {', '.join(f'`{_plain(c)}`' for c in choices)}." if choices else ""
        rows.append(
            f"| {names} | {(getattr(parameter, 'help', '') or '').strip()}{listed}{shown} |"
        )
    return "\n| option | meaning |\n|---|---|\n" + "\n".join(rows) + "\n" if rows else ""


def _plain(value: object) -> str:
    return str(getattr(value, "value", value))


def hooks() -> str:
    """Hooks, specs and contracts, with signatures and fields."""
    parts = [
        "# Hooks, specs and contracts\n\n",
        f"Contract version {specs.API_VERSION}.\n\n## Hooks\n",
    ]
    for name, function in vars(hookspecs).items():
        if name.startswith("lipsync_register_"):
            parts += [
                f"\n### `{name}{inspect.signature(function)}`\n\n",
                f"{inspect.getdoc(function)}\n",
            ]
    parts.append("\n## Specs: what a plugin declares\n")
    # By name: a dataclass with slots stands for a class of the same name that is never used.
    declared = {kind.__name__: kind for kind in specs.PluginSpec.__subclasses__()}
    for kind in (specs.PluginSpec, *declared.values()):
        parts += [f"\n### `{kind.__name__}`\n\n", f"{inspect.getdoc(kind)}\n\n"]
        own = [
            f for f in fields(kind) if kind is specs.PluginSpec or f.name in kind.__annotations__
        ]
        parts += [f"- `{f.name}: {f.type}`\n" for f in own]
    parts.append("\n## Crops: what a spec may ask for\n")
    for kind in (*get_args(specs.CropSpec), specs.Margins, specs.Shift):
        parts += [f"\n### `{kind.__name__}`\n\n", f"{inspect.getdoc(kind)}\n\n"]
        parts += [f"- `{f.name}: {f.type}`\n" for f in fields(kind)]
    parts.append("\n## Contracts: what a plugin implements\n")
    for kind in (contracts.Plugin, *contracts.Plugin.__subclasses__(), contracts.FeatureStream):
        parts += [f"\n### `{kind.__name__}`\n\n", f"{inspect.getdoc(kind)}\n"]
        for name, method in vars(kind).items():
            if inspect.isfunction(method) and not name.startswith("_"):
                text = inspect.getdoc(method) or ""
                parts += [f"\n`{name}{inspect.signature(method)}`\n\n```text\n{text}\n```\n"]
    return NOTE + "".join(parts)


def exit_codes() -> str:
    """Exit codes, from the error classes."""
    rows = {0: "everything worked", 1: "a fault of lipsync itself: please report it"}
    for name, kind in vars(errors).items():
        if inspect.isclass(kind) and issubclass(kind, errors.LipsyncError) and kind.exit_code > 1:
            first = (inspect.getdoc(kind) or name).split("\n")[0]
            rows.setdefault(kind.exit_code, first.split(" (exit code")[0].rstrip("."))
    table = "".join(f"| {code} | {text} |\n" for code, text in sorted(rows.items()))
    return NOTE + "# Exit codes\n\n| code | meaning |\n|---|---|\n" + table


def capabilities() -> str:
    """What the core and the project's own plugins offer."""
    rows = []
    for package, spec in _our_specs():
        commercial = {True: "yes", False: "no", None: "not stated"}[spec.licence.commercial]
        streams = {True: "yes", False: "no"}.get(getattr(spec, "streams", None), "")  # type: ignore[arg-type]
        rows.append(
            f"| {spec.kind} | `{spec.name}` | {package} | {', '.join(spec.devices)} "
            f"| {streams} | {spec.licence.weights} | {commercial} | {spec.summary} |\n"
        )
    head = "| kind | name | package | devices | streams | weights | commercial | what it does |\n"
    return (
        NOTE
        + "# Capabilities\n\n"
        + head
        + "|---|---|---|---|---|---|---|---|\n"
        + "".join(sorted(rows))
    )


def _our_specs() -> list[tuple[str, specs.PluginSpec]]:
    """Package and spec of all that this repository offers, installed or not."""
    found: list[tuple[str, specs.PluginSpec]] = []
    modules = {"lipsync-core": "lipsync_core.builtin.plugin"}
    for package in dict.fromkeys(CATALOGUE.values()):
        module = package.replace("-", "_")
        sys.path.append(str(HERE.parent / "plugins" / module.removeprefix("lipsync_")))
        modules[package] = f"{module}.plugin"
    for package, module in modules.items():
        for name, hook in vars(import_module(module)).items():
            if name.startswith("lipsync_register_"):
                hook(lambda spec, package=package: found.append((package, spec)))
    return found


PAGES = {
    "api.md": lambda: NOTE + public_names.page(),
    "cli.md": cli,
    "hooks.md": hooks,
    "exit-codes.md": exit_codes,
    "capabilities.md": capabilities,
    "parity.md": lambda: NOTE + parity.page(),
}


def main(arguments: list[str]) -> int:
    """Write the pages, or compare them with what is there."""
    stale = []
    for name, page in PAGES.items():
        text, path = page(), HERE / name
        if path.exists() and path.read_text("utf-8") == text:
            continue
        stale.append(name)
        if "--check" not in arguments:
            path.write_text(text, "utf-8")
    for name in stale:
        sys.stdout.write(f"{'stale' if '--check' in arguments else 'written'}: docs/{name}\n")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
