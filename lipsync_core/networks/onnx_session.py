"""A network in ONNX Runtime: opened for a device, run; what goes wrong in the engine's words. No torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from lipsync_core.errors import OutOfMemory, PluginUnavailable

__all__ = ["OnnxSession"]


Array = NDArray[np.float32]


class OnnxSession:
    """A loaded model.

    Args:
        model: the ONNX file.
        device: "cpu", "cuda", "cuda:1".
        threads: CPU threads.
        who: the plugin, as a person reads it.
        remedy: how the file is made, for what is said of a bad one.

    Raises:
        PluginUnavailable: the file is damaged, or this onnxruntime cannot use the device.
    """

    def __init__(self, model: Path, device: str, threads: int, who: str, remedy: str) -> None:
        self._model, self._who, self._remedy = model, who, remedy
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Spinning workers would steal the cores of decoder and encoder between two chunks.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        providers = _providers(device, who)
        try:
            self._session = onnxruntime.InferenceSession(str(model), options, providers=providers)
        except Exception as error:
            raise PluginUnavailable(
                f"The ONNX file {model} cannot be opened: {_short(error)}.",
                f"Delete it and make it again with {remedy}.",
            ) from error

    def input(self, shape: Sequence[int]) -> tuple[str, object]:
        """Name and batch size (a number or a symbol) of the input with this shape, without the batch.

        Raises:
            PluginUnavailable: there is none.
        """
        for one in self._session.get_inputs():
            if tuple(one.shape[1:]) == tuple(shape) and one.type == "tensor(float)":
                return str(one.name), one.shape[0]
        sides = " x ".join(str(side) for side in shape)
        raise self.other(f"it has no float32 input of frames x {sides}")

    def demand_output(self, shape: Sequence[int], what: str) -> None:
        """Check the shape, without the batch, of its only output.

        Raises:
            PluginUnavailable: it does not; `what` says what it is not.
        """
        if [tuple(o.shape[1:]) for o in self._session.get_outputs()] != [tuple(shape)]:
            raise self.other(f"its output is no {what}")

    def run(self, inputs: Mapping[str, Array]) -> Array:
        """The one output.

        Raises:
            OutOfMemory: it does not fit.
        """
        try:
            return np.asarray(self._session.run(None, dict(inputs))[0], np.float32)
        except Exception as error:
            if "allocate" in str(error).lower() or "bad_alloc" in str(error):
                raise OutOfMemory(
                    f"{self._who} ran out of memory.", "Close other programs."
                ) from error
            raise

    def other(self, why: str) -> PluginUnavailable:
        """The error for a file that holds another model."""
        return PluginUnavailable(
            f"The ONNX file {self._model} is not {self._who}'s: {why}.",
            f"Make it with {self._remedy}.",
        )


def _providers(device: str, who: str) -> list[str | tuple[str, dict[str, str]]]:
    kind, _, index = device.partition(":")
    if kind != "cuda":
        return ["CPUExecutionProvider"]
    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        raise PluginUnavailable(
            f"{who} cannot run: the onnxruntime that is installed here cannot use the GPU.",
            "pip install onnxruntime-gpu, or choose --device cpu.",
        )
    return [("CUDAExecutionProvider", {"device_id": index or "0"}), "CPUExecutionProvider"]


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:200].rstrip(".")
