"""A person's network and the AVE encoder in ONNX Runtime, from our own exports. Needs no torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lipsync_core.networks.batches import in_batches
from lipsync_core.networks.onnx_session import OnnxSession

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

_CPU_BATCH, _GPU_BATCH = 1, 8
_AVE_BATCH = 64
_REMEDY = "`lipsync weights export synctalk2d --format onnx`"


class OnnxRuntime:
    """See `runtime.FaceRuntime`.

    Args:
        model: the ONNX file.
        side: 320 or 160, the width and height of its pictures.
        shape: of the features of one frame.
        device: "cpu", "cuda", "cuda:1".
        threads: CPU threads.

    Raises:
        PluginUnavailable: the file is damaged or another model; this onnxruntime cannot use the device.
    """

    def __init__(
        self, model: Path, side: int, shape: Sequence[int], device: str, threads: int
    ) -> None:
        self._session = OnnxSession(model, device, threads, "SyncTalk_2D", _REMEDY)
        self._pictures, _ = self._session.input((6, side, side))
        self._sound, _ = self._session.input(tuple(shape))
        self._session.demand_output((3, side, side), f"picture of {side} pixels")
        self.side = side
        self.batch = _CPU_BATCH if device == "cpu" else _GPU_BATCH

    def run(self, pictures: NDArray[np.float32], sound: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `runtime.FaceRuntime.run`."""
        return self._session.run({self._pictures: pictures, self._sound: sound})

    def close(self) -> None:
        """See `runtime.FaceRuntime.close`."""
        del self._session


class OnnxAve:
    """The AVE encoder; the same as `audio_runtime.AveRuntime`.

    Args:
        model: the ONNX file.
        device: "cpu", "cuda", "cuda:1".
        threads: CPU threads.

    Raises:
        PluginUnavailable: the file is damaged or another model; this onnxruntime cannot use the device.
    """

    def __init__(self, model: Path, device: str, threads: int) -> None:
        self._session = OnnxSession(model, device, threads, "The AVE encoder", _REMEDY)
        self._mel, _ = self._session.input((1, 80, 16))
        self._session.demand_output((512,), "row of 512 numbers")

    def encode(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        """`(N, 80, 16)` mel windows in -4..4 -> `(N, 512)`.

        Raises:
            OutOfMemory: they do not fit.
        """
        return in_batches(self._encode, _AVE_BATCH, windows[:, None])

    def close(self) -> None:
        """Release the memory."""
        del self._session

    def _encode(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        return self._session.run({self._mel: windows})
