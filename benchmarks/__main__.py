"""`python -m benchmarks [names] [--json OUT] [--clip FILE] [--device cuda]`; see README.md."""

from __future__ import annotations

import argparse
import json
from importlib import import_module
from pathlib import Path

from benchmarks.measure import hardware
from benchmarks.table import Setting, Table

DEFAULT = ("startup", "stages", "live", "main_job")
ALL = (*DEFAULT, "memory", "wav2lip", "musetalk", "synctalk2d", "latentsync", "sessions")


def main() -> None:
    """Run what was asked for; a table each on stdout, and JSON where wanted."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(ALL)}")
    parser.add_argument("--json", type=Path, help="also write everything here")
    parser.add_argument("--clip", type=Path, help="a video with a face instead of the made one")
    parser.add_argument(
        "--device",
        choices=("cpu", "cuda"),
        default="cpu",
        help="where networks run, of models",
    )
    given = parser.parse_args()
    wrong = sorted(set(given.names) - set(ALL))
    if wrong:
        parser.error(f"unknown: {', '.join(wrong)}; there are {', '.join(ALL)}")
    known = hardware()
    load = " ".join(f"{v:.2f}" for v in known["load_before"])
    print(f"{known['cpu']}, {known['cores']} cores, Python {known['python']}; load before: {load}")
    setting = Setting(given.clip.resolve() if given.clip else None, given.device)
    tables: dict[str, Table] = {}
    for name in given.names or DEFAULT:
        tables[name] = import_module(f"benchmarks.{name}").run(setting)
        print(f"\n{tables[name]}", flush=True)
    if given.json:
        told = {"hardware": known, "tables": {k: t.as_dict() for k, t in tables.items()}}
        given.json.write_text(json.dumps(told, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
