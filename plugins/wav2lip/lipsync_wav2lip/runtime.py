"""What both runtimes are to the generator: a face network that is handed arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CPU_BATCH = 8
"""Frames at a time on a CPU. Measured on two cores of a Zen 4: torch in bf16 45, 49, 47 frames a second with
4, 8, 16 at a time; ONNX Runtime in fp32 24.4, 24.3, 22.2: more no longer fit the cache."""


class FaceRuntime(Protocol):
    """A loaded face network.

    Attributes:
        batch: preferred number of frames per call.
    """

    batch: int

    def run(self, mel: NDArray[np.float32], faces: NDArray[np.float32]) -> NDArray[np.float32]:
        """Paint faces.

        Args:
            mel: `(N, 1, 80, 16)` in -4..4.
            faces: `(N, 6, 96, 96)` in 0..1, see `pictures.network_faces`.

        Returns:
            `(N, 3, 96, 96)` BGR in 0..1.

        Raises:
            OutOfMemory: N frames do not fit.
        """
        ...

    def close(self) -> None:
        """Release the memory."""
        ...
