"""What a benchmark gives back: figures, each with its target where there is one."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value; `target` is words, such as "at most 2.0", and is documented, not enforced."""

    name: str
    value: float
    unit: str
    target: str = ""


@dataclass(slots=True)
class Table:
    """The figures of one benchmark, and what it says about itself."""

    title: str
    figures: list[Figure] = field(default_factory=list)

    def add(self, name: str, value: float, unit: str, target: str = "") -> None:
        """One more figure."""
        self.figures.append(Figure(name, round(value, 4), unit, target))

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)

    def __str__(self) -> str:
        rows = [("", "value", "", "target")]
        rows += [(f.name, f"{f.value:.3g}", f.unit, f.target) for f in self.figures]
        widths = [max(len(row[k]) for row in rows) for k in range(4)]
        lines = [
            f"  {a:<{widths[0]}}  {b:>{widths[1]}} {c:<{widths[2]}}  {d}".rstrip()
            for a, b, c, d in rows
        ]
        return "\n".join([self.title, *lines])


@dataclass(frozen=True, slots=True)
class Setting:
    """What all benchmarks are given.

    Attributes:
        clip: named on the command line, or None for the made one.
        device: "cpu" or "cuda", for those of networks.
    """

    clip: Path | None
    device: str = "cpu"
