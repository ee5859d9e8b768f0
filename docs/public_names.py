"""Reads the public names and the first paragraph of their docstrings, for docs/api.md and its test."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path

from lipsync_core.api import PUBLIC


def page() -> str:
    """The page docs/api.md."""
    parts = [
        "# Public modules\n\n",
        "Plugins, their tests, and programs may import these modules and the names listed. Everything "
        "else in `lipsync_core` may change without notice.\n",
    ]
    for group, modules in PUBLIC.items():
        parts.append(f"\n## {group}\n")
        for module, purpose in modules.items():
            parts.append(f"\n### `{module}`\n\n{purpose}\n\n")
            names = import_module(module).__all__
            parts += [f"- `{name}`: {described(module, name)}\n" for name in sorted(names)]
    return "".join(parts)


def described(module: str, name: str) -> str:
    """First paragraph of a name's docstring; "" without one.

    A constant or alias has it as a string below the assignment, a re-exported name where it comes from.
    """
    tree = ast.parse(Path(inspect.getsourcefile(import_module(module)) or "").read_text("utf-8"))
    found = dict(_documented(tree.body))
    if name in found:
        return found[name]
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                if (alias.asname or alias.name) == name:
                    return described(node.module, alias.name)
    return ""


def _documented(body: Sequence[ast.stmt]) -> Iterator[tuple[str, str]]:
    for node, following in zip(body, [*body[1:], None], strict=True):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name, _first(ast.get_docstring(node))
        elif isinstance(node, ast.If):
            yield from _documented(node.body)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            text = ""
            if isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant):
                text = inspect.cleandoc(str(following.value.value))
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                parts = target.elts if isinstance(target, ast.Tuple) else [target]
                yield from ((part.id, _first(text)) for part in parts if isinstance(part, ast.Name))


def _first(text: str | None) -> str:
    return " ".join((text or "").split("\n\n")[0].split())
