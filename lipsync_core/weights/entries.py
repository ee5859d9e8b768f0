"""Every weight file that plugins declare, once for each plugin name: what the store's commands work on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lipsync_core.specs import Licence, PluginSpec, WeightFile
from lipsync_core.weights import location


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A declared file.

    Attributes:
        spec: a plugin that declares it (its namesakes of other kinds share the folder).
        weight: the declaration.
        kinds: kinds of the plugins of that name that declare it.
    """

    spec: PluginSpec
    weight: WeightFile
    kinds: tuple[str, ...]

    @property
    def name(self) -> str:
        """Name of the plugin."""
        return self.spec.name

    @property
    def licence(self) -> Licence:
        """What the plugin says about code and weights."""
        return self.spec.licence

    @property
    def label(self) -> str:
        """As `--as` takes it: "wav2lip/wav2lip_gan.pth"."""
        return f"{self.name}/{self.weight.path}"

    @property
    def place(self) -> Path:
        """Where the store keeps it."""
        return location.folder(self.spec) / self.weight.path

    @property
    def identity(self) -> tuple[str, str]:
        """Equal for the same file of the same publisher, which several plugins may want."""
        if self.weight.repository:
            return self.weight.repository, self.weight.file or self.weight.path
        return self.name, self.weight.path

    def find(self) -> Path | None:
        """Where it is on this computer, or None."""
        return location.find(self.spec, self.weight)


def entries(specs: Iterable[PluginSpec]) -> list[Entry]:
    """The files of `specs`, in their order; what a generator and its namesake encoder share, once."""
    found: dict[tuple[str, str], Entry] = {}
    for spec in specs:
        for weight in spec.weights:
            before = found.get((spec.name, weight.path))
            kinds = (*(before.kinds if before else ()), spec.kind)
            first = before or Entry(spec=spec, weight=weight, kinds=())
            found[spec.name, weight.path] = Entry(spec=first.spec, weight=first.weight, kinds=kinds)
    return list(found.values())
