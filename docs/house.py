"""Measures the structure of the core: `python -m docs.house` prints rooms, floors, arrows and long functions.

A room is a folder of `lipsync_core` (of the engine: each of its folders by itself); the files of the contract
are one room. An arrow is an import from one room into another, wherever in a file it stands. The floor of a
room is the longest way down from it; arrows must never run upwards, so no rooms form a circle.
"""

from __future__ import annotations

import ast
import contextlib
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
CORE = "lipsync_core"
CONTRACT = ("_version", "specs", "contracts", "records", "errors", "requests", "kinds", "hookspecs")
LONG = 40
"""Lines beyond which a function is called long."""

Arrows = dict[str, set[str]]


def room_of(module: str) -> str:
    """The room of a module, by its dotted name."""
    parts = module.split(".")[1:]
    if parts and parts[0] in CONTRACT:
        return "contract"
    if not parts or parts[0] in ("__main__", "api"):
        return "package"  # lipsync_core itself: what a program imports
    if parts[0] == "engine" and len(parts) > 1:
        folder = ROOT / CORE / "engine" / parts[1]
        return f"engine/{parts[1]}" if folder.is_dir() else "engine"
    return parts[0]


def modules() -> dict[str, Path]:
    """Dotted name -> file, for all of the core."""
    found = {}
    for path in sorted((ROOT / CORE).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(path: Path, known: set[str]) -> Iterator[str]:
    """The core's modules that a file imports."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module in known:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in known else node.module


def arrows() -> Arrows:
    """Room -> the rooms that it imports from."""
    files = modules()
    found: Arrows = {room_of(name): set() for name in files}
    for name, path in files.items():
        for other in imports(path, set(files)):
            if room_of(other) != room_of(name):
                found[room_of(name)].add(room_of(other))
    return found


def floors(found: Arrows) -> dict[str, int]:
    """Room -> its floor, from 1; rooms of a circle share one."""
    level = dict.fromkeys(found, 1)
    for _ in found:
        for room, others in found.items():
            for other in others:
                if room not in _reach(found, other):
                    level[room] = max(level[room], level[other] + 1)
    return level


def circles(found: Arrows) -> list[tuple[str, str]]:
    """Pairs of rooms that reach each other."""
    reach = {room: _reach(found, room) for room in found}
    return [(a, b) for a in found for b in sorted(reach[a]) if a < b and a in reach[b]]


def _reach(found: Arrows, start: str) -> set[str]:
    seen: set[str] = set()
    todo = [start]
    while todo:
        for other in found[todo.pop()] - seen:
            seen.add(other)
            todo.append(other)
    return seen


def long_functions() -> list[tuple[str, int]]:
    """Functions of core and plugins with more than `LONG` lines, longest first."""
    files = [*(ROOT / CORE).rglob("*.py"), *ROOT.glob("plugins/*/lipsync_*/**/*.py")]
    found = [
        (f"{path.relative_to(ROOT)}:{node.name}", node.end_lineno - node.lineno + 1)
        for path in files
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef) and node.end_lineno
    ]
    return sorted(((n, lines) for n, lines in found if lines > LONG), key=lambda row: -row[1])


def main() -> None:
    """Print the structure."""
    found = arrows()
    level = floors(found)
    by_floor: dict[int, list[str]] = defaultdict(list)
    for room, floor in level.items():
        by_floor[floor].append(room)
    out = sys.stdout.write
    for floor in sorted(by_floor, reverse=True):
        for room in sorted(by_floor[floor]):
            out(f"floor {floor:>2}  {room:<20} -> {', '.join(sorted(found[room])) or '-'}\n")
    count = sum(len(others) for others in found.values())
    out(f"\n{len(found)} rooms on {len(by_floor)} floors, {count} arrows\n")
    out(f"circles: {', '.join(f'{a} and {b}' for a, b in circles(found)) or 'none'}\n")
    inside = {r: o for r, o in found.items() if r.startswith("engine")}
    own = sum(len({x for x in others if x.startswith("engine")}) for others in inside.values())
    out(f"engine: {len(inside)} rooms, {own} arrows among them\n")
    long = long_functions()
    out(f"{len(long)} functions over {LONG} lines\n")
    for name, lines in long:
        out(f"  {lines:>4}  {name}\n")


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        main()
