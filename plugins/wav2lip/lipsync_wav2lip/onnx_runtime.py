"""The face network in ONNX Runtime: our own export, or a conversion that a user has. Needs no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnxruntime

from lipsync_core.errors import OutOfMemory, PluginUnavailable
from lipsync_wav2lip.runtime import CPU_BATCH

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_MEL, _FACES, _MADE = (1, 80, 16), (6, 96, 96), (3, 96, 96)
"""What inputs and output look like behind the batch, whatever they are called."""
_GPU_BATCH = 16


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
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Spinning workers would steal the cores of decoder and encoder between two chunks.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        providers = _providers(device)
        try:
            self._session = onnxruntime.InferenceSession(str(model), options, providers=providers)
        except Exception as error:
            raise PluginUnavailable(
                f"The ONNX file {model} cannot be opened: {_short(error)}.",
                "Delete it and make it again with `lipsync weights export wav2lip --format onnx`.",
            ) from error
        self._mel, mel_batch = self._input(_MEL, model)
        self._faces, faces_batch = self._input(_FACES, model)
        if [tuple(o.shape[1:]) for o in self._session.get_outputs()] != [_MADE]:
            raise _other(model, "its output is no 96x96 picture")
        fixed = [n for n in (mel_batch, faces_batch) if isinstance(n, int)]
        self.batch = min(fixed, default=CPU_BATCH if device == "cpu" else _GPU_BATCH)
        self._exactly = bool(fixed)

    def run(self, mel: NDArray[np.float32], faces: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `runtime.FaceRuntime.run`."""
        count = len(mel)
        if self._exactly and count < self.batch:  # a file made for so many frames and no fewer
            more = [(0, self.batch - count), (0, 0), (0, 0), (0, 0)]
            mel, faces = np.pad(mel, more), np.pad(faces, more)
        try:
            made = self._session.run(None, {self._mel: mel, self._faces: faces})[0]
        except Exception as error:
            if "allocate" in str(error).lower() or "bad_alloc" in str(error):
                raise OutOfMemory("Wav2Lip ran out of memory.", "Close other programs.") from error
            raise
        return np.asarray(made, np.float32)[:count]

    def close(self) -> None:
        """See `runtime.FaceRuntime.close`."""
        del self._session

    def _input(self, shape: tuple[int, ...], model: Path) -> tuple[str, object]:
        """Name and batch of the input that looks like `shape` behind the batch."""
        for one in self._session.get_inputs():
            if tuple(one.shape[1:]) == shape and one.type == "tensor(float)":
                return str(one.name), one.shape[0]
        sides = " x ".join(str(side) for side in shape)
        raise _other(model, f"it has no float32 input of frames x {sides}")


def _providers(device: str) -> list[str | tuple[str, dict[str, str]]]:
    kind, _, index = device.partition(":")
    if kind != "cuda":
        return ["CPUExecutionProvider"]
    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        raise PluginUnavailable(
            "Wav2Lip cannot run: the onnxruntime that is installed here cannot use the GPU.",
            "pip install onnxruntime-gpu, or choose --device cpu.",
        )
    return [("CUDAExecutionProvider", {"device_id": index or "0"}), "CPUExecutionProvider"]


def _other(model: Path, why: str) -> PluginUnavailable:
    return PluginUnavailable(
        f"The ONNX file {model} is not Wav2Lip's generator: {why}.",
        "Make it with `lipsync weights export wav2lip --format onnx`.",
    )


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:200].rstrip(".")
