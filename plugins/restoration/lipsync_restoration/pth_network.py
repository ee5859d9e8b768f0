"""Opens a .pth file of GFPGAN or RestoreFormer through spandrel, where its packages are in order."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lipsync_core.errors import OutOfMemory, PluginUnavailable
from lipsync_core.weights import state_dict

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipsync_core.contracts import OpenContext

_HINT = (
    "Use the model's ONNX file, which needs neither, or install the torchvision that fits your torch: "
    "pip install 'lipsync-restoration[pth]'."
)


class PthNetwork:
    """One open file.

    Args:
        path: the file.
        context: device.
        architecture: what spandrel should take it for ("GFPGAN").

    Raises:
        PluginUnavailable: spandrel or its torchvision is missing or broken, or the file is another model.
    """

    size = 512

    def __init__(self, path: Path, context: OpenContext, *, architecture: str) -> None:
        spandrel = _spandrel(path)
        import torch

        self._torch = torch
        self._device = torch.device(context.device)
        tensors = state_dict.read(path)
        try:
            found = spandrel.ModelLoader(device="cpu").load_from_state_dict(tensors)
        except Exception as error:
            told = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
            raise PluginUnavailable(
                f"{path} cannot be read as {architecture}: {told}.",
                "Use the file as its publisher offers it, or the model's ONNX file.",
            ) from error
        if found.architecture.name != architecture:
            raise PluginUnavailable(
                f"{path} is a {found.architecture.name}, not a {architecture}.",
                "Put the right file in its place: lipsync weights import FILE.",
            )
        # The bare network, which works in -1..1; what spandrel wraps around it cuts off at 0.
        self._network = found.model.eval().to(self._device)
        # GFPGAN adds noise that is new in every call unless it is told not to: texture would flicker.
        takes = inspect.signature(self._network.forward).parameters
        self._extra = {"randomize_noise": False} if "randomize_noise" in takes else {}

    def __call__(self, pictures: NDArray[np.float32]) -> NDArray[np.floating[Any]]:
        """`(N, 3, 512, 512)` RGB in -1..1 -> the same.

        Raises:
            OutOfMemory: too large for the device.
        """
        torch = self._torch
        made = []
        try:
            with torch.inference_mode():
                for picture in pictures:
                    batch = torch.from_numpy(picture[None]).to(self._device)
                    made.append(self._network(batch, **self._extra)[0].float().cpu().numpy())
        except torch.OutOfMemoryError as error:
            raise OutOfMemory(
                "The face restorer does not fit into the memory of this device.",
                "Choose --device cpu.",
            ) from error
        return np.concatenate(made)


def _spandrel(path: Path) -> Any:  # noqa: ANN401 - a package without types that may be absent
    try:
        import spandrel  # type: ignore[import-not-found,unused-ignore]  # an optional extra
    except ModuleNotFoundError as error:
        raise PluginUnavailable(
            f"To read {path.name} the package '{error.name}' is needed, which is not installed.",
            _HINT,
        ) from error
    except Exception as error:  # torchvision of another build fails in many ways
        raise PluginUnavailable(
            f"To read {path.name} spandrel and torchvision are needed, which fail to import: "
            f"{type(error).__name__}: {error}.",
            _HINT,
        ) from error
    return spandrel
