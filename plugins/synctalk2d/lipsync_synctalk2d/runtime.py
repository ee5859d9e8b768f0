"""What runtimes look like to the generator and the audio encoder: networks that take arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class FaceRuntime(Protocol):
    """A loaded network.

    Attributes:
        side: 320 or 160, the width and height of its pictures.
        batch: preferred number of frames per call.
    """

    side: int
    batch: int

    def run(self, pictures: NDArray[np.float32], sound: NDArray[np.float32]) -> NDArray[np.float32]:
        """Paint.

        Args:
            pictures: `(N, 6, side, side)` in 0..1, see `pictures.network_pictures`.
            sound: `(N, 32, 16, 16)` features.

        Returns:
            `(N, 3, side, side)` BGR in 0..1.

        Raises:
            OutOfMemory: N frames do not fit.
        """
        ...

    def close(self) -> None:
        """Release the memory."""
        ...


class AudioRuntime(Protocol):
    """The AVE encoder's network, loaded."""

    def encode(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        """`(N, 80, 16)` mel windows in -4..4 -> `(N, 512)`.

        Raises:
            OutOfMemory: they do not fit.
        """
        ...

    def close(self) -> None:
        """Release the memory."""
        ...
