"""A scorer around one network with one weight file: opening, closing, and starting a span."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar, Generic, Protocol, TypeVar

from lipsync_core.contracts import Scorer
from lipsync_core.errors import PluginUnavailable
from lipsync_core.networks.quiet import wait_quietly
from lipsync_core.weights.remedy import remedy

if TYPE_CHECKING:
    from pathlib import Path

    from lipsync_core.contracts import OpenContext, ScoreStream
    from lipsync_core.specs import ScorerSpec

__all__ = ["NetworkScorer"]


class Closable(Protocol):
    """A network that can be closed."""

    def close(self) -> None:
        """Release the memory."""


Network = TypeVar("Network", bound=Closable)


class NetworkScorer(Scorer, Generic[Network]):
    """Base class: a subclass sets `spec`, `file` and `title`, and implements `loaded` and `span`.

    Attributes:
        spec: of the scorer.
        file: path of its weight file, as the spec says it.
        title: what people call the network.
    """

    spec: ClassVar[ScorerSpec]
    file: ClassVar[str]
    title: ClassVar[str]

    def __init__(self) -> None:
        self._network: Network | None = None

    def open(self, context: OpenContext) -> None:
        """Load the network.

        Raises:
            PluginUnavailable: the file is missing, damaged or holds another network; torch cannot use the
                device.
            OutOfMemory: it does not fit.
        """
        file = context.weights.get(self.file)
        if file is None:
            raise PluginUnavailable(
                f"{self.title} cannot run: its weights are not here: {self.file}.",
                f"{remedy(self.spec.name, self.spec.weights)}.",
            )
        wait_quietly()
        self._network = self.loaded(file, context)

    def stream(self) -> ScoreStream:
        """Begin a span."""
        return self.span(self.opened(self._network, self.spec.name))

    def close(self) -> None:
        """Release the network."""
        if self._network is not None:
            self._network.close()
        self._network = None

    @abstractmethod
    def loaded(self, file: Path, context: OpenContext) -> Network:
        """The network with its weights; the first place where torch may be imported."""

    @abstractmethod
    def span(self, network: Network) -> ScoreStream:
        """Start a span that is scored with the network."""
