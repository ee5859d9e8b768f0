"""Reads the public names and the first paragraph of their docstrings, for docs/api.md and its test.

Modules are parsed, not imported: the page can be written where torch is not installed.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator, Sequence
from pathlib import Path

import lipsync_core
from lipsync_core.api import PUBLIC

CORE = Path(lipsync_core.__file__).parent


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
            parts += [f"- `{n}`: {described(module, n)}\n" for n in sorted(public_names(module))]
    return "".join(parts)


def public_names(module: str) -> list[str]:
    """The `__all__` of a module of the core."""
    for node in _tree(module).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return list(ast.literal_eval(node.value))
    raise ValueError(f"{module} has no __all__")


def described(module: str, name: str) -> str:
    """First paragraph of a name's docstring; "" without one.

    A constant or alias has it as a string below the assignment, a re-exported name where it comes from.
    """
    tree = _tree(module)
    found = dict(_documented(tree.body))
    if name in found:
        return found[name]
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names if node.module.startswith("lipsync_core") else ():
                if (alias.asname or alias.name) == name:
                    return described(node.module, alias.name)
    return ""


def _tree(module: str) -> ast.Module:
    path = CORE.joinpath(*module.split(".")[1:])
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return ast.parse(file.read_text("utf-8"))


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
