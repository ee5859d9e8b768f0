"""`python -m training.viseme <step>`: the pipeline from text to shipped network."""

from __future__ import annotations

import argparse
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(prog="training.viseme", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("build/viseme"))
    steps = parser.add_subparsers(dest="step", required=True)
    data = steps.add_parser("data")
    data.add_argument("source")
    data.add_argument("seconds", type=float)
    data.add_argument("seed", type=int)
    data.add_argument("--held-out", action="store_true")
    arguments = parser.parse_args()
    if arguments.step == "data":
        from training.viseme.dataset import make

        kind = "heldout" if arguments.held_out else "train"
        path = arguments.data / f"{kind}_{arguments.source}_{arguments.seed}.npz"
        make(arguments.source, arguments.seconds, arguments.seed, arguments.held_out, path)


if __name__ == "__main__":
    main()
