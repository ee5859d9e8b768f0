"""Writes what can be read off the code: `python -m docs.generate`; `--check` says if it is fresh."""

from __future__ import annotations

import inspect
import sys
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from docs import parity, public_names, reference
from lipsync_core import errors, specs
from lipsync_core.cli.app import ROOT
from lipsync_core.cli.lazy import Group, Verb, command
from lipsync_core.registry.catalogue import CATALOGUE

Command = Any
"""What typer makes of a verb; its class is private to typer."""
HERE = Path(__file__).parent
NOTE = "<!-- Written by `python -m docs.generate`; do not edit. -->\n\n"


def cli() -> str:
    """Every verb with its arguments and options, those of the project's plugins included."""
    _our_specs()  # makes the plugins importable
    parts = ["# Command line\n\n", ROOT.help, "\n"]
    for name, verb in ROOT.verbs.items():
        if not verb.hidden:
            parts += _pages(f"lipsync {name}", verb)
    return NOTE + "".join(parts)


def _pages(path: str, verb: Verb) -> list[str]:
    module, _, attribute = verb.target.partition(":")
    target = getattr(import_module(module), attribute)
    if isinstance(target, Group):
        rows = dict(target.verbs)
        if target.plugins is not None:
            rows |= _plugin_verbs(target.plugins)
        return [page for name, row in rows.items() for page in _pages(f"{path} {name}", row)]
    return _typer_pages(path, command(target, path.rpartition(" ")[2]))


def _typer_pages(path: str, made: Command) -> list[str]:
    inner = getattr(made, "commands", None)
    if inner:
        return [page for name, sub in inner.items() for page in _typer_pages(f"{path} {name}", sub)]
    text = inspect.cleandoc(made.help or "")
    return [f"\n## `{path}`\n\n{text}\n", _parameters(made)]


def _plugin_verbs(group: str) -> dict[str, Verb]:
    """The verbs that the project's plugins add to a group."""
    return {
        spec.name: Verb(target=spec.factory, help=spec.summary)
        for _, spec in _our_specs()
        if isinstance(spec, specs.CommandSpec) and spec.group == group
    }


def _parameters(made: Command) -> str:
    rows = []
    for parameter in made.params:
        if getattr(parameter, "hidden", False):
            continue
        names = ", ".join(f"`{opt}`" for opt in [*parameter.opts, *parameter.secondary_opts])
        if parameter.param_type_name == "argument":
            names = f"`{(parameter.metavar or parameter.name).upper()}`"
        elif parameter.metavar:
            names += f" `{parameter.metavar}`"
        default = parameter.default
        shown = (
            ""
            if default in (None, False, "", ()) or callable(default)
            else f" Default: `{_plain(default)}`."
        )
        choices = _choices(parameter)
        listed = f" One of {', '.join(f'`{choice}`' for choice in choices)}." if choices else ""
        help_ = (getattr(parameter, "help", "") or "").strip().replace("|", "\\|")
        rows.append(f"| {names} | {help_}{listed}{shown} |")
    return "\n| option | meaning |\n|---|---|\n" + "\n".join(rows) + "\n" if rows else ""


def _choices(parameter: Any) -> tuple[str, ...]:  # noqa: ANN401 - private to typer
    annotation = getattr(getattr(parameter, "type_descriptor", None), "annotation", None)
    return get_args(annotation) if get_origin(annotation) is Literal else ()


def _plain(value: object) -> str:
    return str(getattr(value, "value", value))


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
        if not isinstance(spec, specs.PluginSpec):
            continue  # a verb: cli.md
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


def _our_specs() -> list[tuple[str, specs.Spec]]:
    """Package and spec of all that this repository offers, installed or not."""
    found: list[tuple[str, specs.Spec]] = []
    modules = {"lipsync-core": "lipsync_core.builtin.plugin"}
    for package in dict.fromkeys(CATALOGUE.values()):
        module = package.replace("-", "_")
        folder = str(HERE.parent / "plugins" / module.removeprefix("lipsync_"))
        if folder not in sys.path:
            sys.path.append(folder)
        modules[package] = f"{module}.plugin"
    for package, module in modules.items():
        for name, hook in vars(import_module(module)).items():
            if name.startswith("lipsync_register_"):
                hook(lambda spec, package=package: found.append((package, spec)))
    return found


PAGES = {
    "api.md": lambda: NOTE + public_names.page(),
    "cli.md": cli,
    "hooks.md": lambda: NOTE + reference.page(),
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
