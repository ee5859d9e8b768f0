"""The face network in ONNX Runtime: our own export, or a conversion that a user has. Needs no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lipsync_core.networks.onnx_session import OnnxSession
from lipsync_wav2lip.runtime import CPU_BATCH

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_MEL, _FACES, _MADE = (1, 80, 16), (6, 96, 96), (3, 96, 96)
"""What inputs and output look like behind the batch, whatever they are called."""
_GPU_BATCH = 16
_REMEDY = "`lipsync weights export wav2lip --format onnx`"


class OnnxRuntime:
    """See `runtime.FaceRuntime`.

    Args:
        model: the ONNX file.
        device: "cpu", "cuda", "cuda:1".
        threads: CPU threads.

    Raises:
        PluginUnavailable: the file is damaged or another model; this onnxruntime cannot use the device.
    """

    def __init__(self, model: Path, device: str, threads: int) -> None:
        self._session = OnnxSession(model, device, threads, "Wav2Lip", _REMEDY)
        self._mel, mel_batch = self._session.input(_MEL)
        self._faces, faces_batch = self._session.input(_FACES)
        self._session.demand_output(_MADE, "96x96 picture")
        fixed = [n for n in (mel_batch, faces_batch) if isinstance(n, int)]
        self.batch = min(fixed, default=CPU_BATCH if device == "cpu" else _GPU_BATCH)
        self._exactly = bool(fixed)

    def run(self, mel: NDArray[np.float32], faces: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `runtime.FaceRuntime.run`."""
        count = len(mel)
        if self._exactly and count < self.batch:  # a file made for so many frames and no fewer
            more = [(0, self.batch - count), (0, 0), (0, 0), (0, 0)]
            mel, faces = np.pad(mel, more), np.pad(faces, more)
        return self._session.run({self._mel: mel, self._faces: faces})[:count]

    def close(self) -> None:
        """See `runtime.FaceRuntime.close`."""
        del self._session
