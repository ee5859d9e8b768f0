"""The pipeline from text to shipped network: `python -m training.viseme all` from the repository's root.

Steps: `data` speaks and labels, `train` trains and exports, `evaluate` writes figures.json, `all` is the
three after each other. What exists in the --data folder is not made again.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from training.viseme.pipeline import data, evaluate, train


def main() -> None:
    """Read the command line and run one step or all."""
    parser = argparse.ArgumentParser(prog="python -m training.viseme", description=__doc__)
    parser.add_argument("step", choices=("data", "train", "evaluate", "all"))
    parser.add_argument("--data", type=Path, default=Path("build/viseme"), help="working folder")
    parser.add_argument("--jobs", type=int, default=1, help="processes that speak at once")
    arguments = parser.parse_args()
    folder: Path = arguments.data
    folder.mkdir(parents=True, exist_ok=True)
    if arguments.step in ("data", "all"):
        data(folder, arguments.jobs)
    if arguments.step in ("train", "all"):
        train(folder)
    if arguments.step in ("evaluate", "all"):
        evaluate(folder)


if __name__ == "__main__":
    main()
