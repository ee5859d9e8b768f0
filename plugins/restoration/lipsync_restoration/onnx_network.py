"""Opens a face restorer's ONNX file with onnxruntime and runs it on batches of pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime

from lipsync_core.errors import LipsyncError, OutOfMemory, PluginFault, PluginUnavailable
from lipsync_restoration.interface import read_interface

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipsync_core.contracts import OpenContext

_PROVIDERS = {"cuda": "CUDAExecutionProvider", "mps": "CoreMLExecutionProvider"}
"""Device type -> onnxruntime's execution provider; the CPU always stands behind it."""
_MOST = 4
"""Pictures in one call where a file leaves the number open: activations of 512x512 are large."""
_NO_MEMORY = ("failed to allocate memory", "out of memory", "bad_alloc", "alloc_failed")


class OnnxNetwork:
    """One open file.

    Args:
        path: the file.
        context: device and threads.
        model: what it should be, for people.
        sizes: sides of the picture that the model has.
        fidelity: value for the scalar input; None for models without one.

    Raises:
        PluginUnavailable: the file cannot be read, or is another model.
        OutOfMemory: it does not fit.
    """

    def __init__(
        self,
        path: Path,
        context: OpenContext,
        *,
        model: str,
        sizes: tuple[int, ...],
        fidelity: float | None,
    ) -> None:
        self._path = path
        self._session = _session(path, context)
        self._fidelity = fidelity
        self._io = read_interface(
            self._session.get_inputs(),
            self._session.get_outputs(),
            model=model,
            sizes=sizes,
            weighted=fidelity is not None,
            path=path,
        )
        self.size = self._io.size

    def __call__(self, pictures: NDArray[np.float32]) -> NDArray[np.floating[Any]]:
        """`(N, 3, size, size)` RGB in -1..1 -> `(N, 3, S, S)`, S as the file gives it.

        Raises:
            OutOfMemory: too large for the device.
            PluginFault: it failed, or gave something that is no square RGB picture.
        """
        step = self._io.batch or min(_MOST, len(pictures))
        return np.concatenate(
            [self._part(pictures[a : a + step], step) for a in range(0, len(pictures), step)]
        )

    def _part(self, pictures: NDArray[np.float32], step: int) -> NDArray[np.floating[Any]]:
        count = len(pictures)
        if self._io.batch and count < step:  # a file of a fixed batch above 1: fill it up
            pictures = np.concatenate([pictures, np.repeat(pictures[-1:], step - count, 0)])
        feed: dict[str, Any] = {self._io.image: pictures.astype(self._io.dtype)}
        if self._io.weight is not None and self._fidelity is not None:
            feed[self._io.weight] = np.full(
                self._io.weight_shape, self._fidelity, self._io.weight_dtype
            )
        try:
            made = self._session.run([self._io.output], feed)[0]
        except Exception as error:
            raise _failed(self._path, error) from error
        if made.ndim != 4 or made.shape[:2] != (len(pictures), 3) or made.shape[2] != made.shape[3]:
            raise PluginFault(
                f"{self._path} gave an array of shape {made.shape} for {len(pictures)} pictures.",
                "It is no face restorer: put the right file in its place.",
            )
        return np.asarray(made[:count])


def _session(path: Path, context: OpenContext) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = context.threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Spinning workers would steal the cores of decoder and encoder between two frames.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=_providers(context))
    except Exception as error:
        found = _failed(path, error)
        if isinstance(found, OutOfMemory):
            raise found from error
        raise PluginUnavailable(
            f"{path} cannot be read as an ONNX model: {_first_line(error)}.",
            "It may be truncated or another kind of file; fetch it again and import it: "
            "lipsync weights import FILE.",
        ) from error


def _providers(context: OpenContext) -> list[Any]:
    """Execution providers, best first. One that this onnxruntime lacks is left out: the CPU does it."""
    kind, _, index = context.device.partition(":")
    wanted = _PROVIDERS.get(kind)
    if wanted is None or wanted not in onnxruntime.get_available_providers():
        return ["CPUExecutionProvider"]
    if kind == "cuda":
        return [(wanted, {"device_id": int(index or 0)}), "CPUExecutionProvider"]
    return [wanted, "CPUExecutionProvider"]


def _failed(path: Path, error: Exception) -> LipsyncError:
    if any(sign in str(error).lower() for sign in _NO_MEMORY) or isinstance(error, MemoryError):
        return OutOfMemory(
            f"{path.name} does not fit into the memory of this device.",
            "Choose --device cpu, or a smaller model (gpen at 256 or 512).",
        )
    return PluginFault(f"{path} failed: {_first_line(error)}.", "Try another export of this model.")


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
