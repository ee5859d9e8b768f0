"""The reference of the contract, read off the code: hooks, specs, contracts with their contexts, records.

Every public class of these modules is in it, so that a new one cannot be forgotten.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from types import ModuleType

from lipsync_core import contracts, hookspecs, records, specs
from lipsync_core.kinds import KINDS


def page() -> str:
    """The page in Markdown."""
    return "".join(
        [
            "# Hooks, specs, contracts and records\n\n",
            f"Contract version {specs.API_VERSION}.\n",
            "\n## Kinds of plugins\n\n",
            _kinds(),
            "\n## Hooks: how a plugin registers\n",
            *(_hook(kind.hook) for kind in KINDS),
            *_section("Specs: what a plugin declares", specs),
            *_section("Contracts: what a plugin implements, and what it is opened with", contracts),
            *_section("Records: what crosses the contract", records),
        ]
    )


def classes(module: ModuleType) -> Iterator[type]:
    """Public classes that a module defines, in its order."""
    for name, value in vars(module).items():
        if inspect.isclass(value) and value.__module__ == module.__name__ and name[0] != "_":
            yield value


def _kinds() -> str:
    rows = [
        f"| {kind.name} | `{kind.hook}` | `{kind.spec.__name__}` | "
        f"{f'`{kind.contract.__name__}`' if kind.contract else 'a function'} |\n"
        for kind in KINDS
    ]
    return "| kind | hook | declares | implements |\n|---|---|---|---|\n" + "".join(rows)


def _hook(name: str) -> str:
    function = getattr(hookspecs, name)
    arguments = ", ".join(f"{k}: {v}" for k, v in function.__annotations__.items() if k != "return")
    return f"\n### `{name}({arguments})`\n\n{inspect.getdoc(function)}\n"


def _section(title: str, module: ModuleType) -> Iterator[str]:
    yield f"\n## {title}\n"
    for kind in classes(module):
        yield f"\n### `{kind.__name__}`\n\n{_text(kind)}\n"
        yield from _methods(kind)


def _text(kind: type) -> str:
    """Docstring, and the fields that a record declares itself."""
    parts = [inspect.getdoc(kind) or ""]
    if is_dataclass(kind):
        inherited = {
            f.name for base in kind.__mro__[1:] if is_dataclass(base) for f in fields(base)
        }
        own = [f for f in fields(kind) if f.name not in inherited]
        if own:
            parts += ["\n", *(f"- `{f.name}: {f.type}`" for f in own)]
    return "\n".join(parts)


def _methods(kind: type) -> Iterator[str]:
    for name, method in vars(kind).items():
        if inspect.isfunction(method) and not name.startswith("_"):
            text = inspect.getdoc(method) or ""
            yield f"\n`{name}{inspect.signature(method)}`\n\n```text\n{text}\n```\n"
