"""Reads a network's tensors from the files that users have, in any wrapping; runs no code of theirs."""

from __future__ import annotations

import pickle
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lipsync_core.errors import PluginUnavailable
from lipsync_core.weights import nesting, torchscript
from lipsync_core.weights.wrapping import damaged, wants_code, wrapping_of

if TYPE_CHECKING:
    import torch

__all__ = ["load", "read"]


_SHOWN = 3
"""Names told in an error, of each sort."""


def read(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a checkpoint by name, without `module.` prefixes, on the CPU, as they are stored.

    Reads safetensors, a pickled state dict (also nested as `state_dict`, `model`, `generator`, `params`,
    `params_ema`; what lies beside it, such as an optimizer, is left), and TorchScript archives, whose code
    is not run. The file decides, not its suffix. Numbers are mapped from the file where the format allows
    it (all but a torch of before 1.6), so they cost memory only when they are used.

    Raises:
        PluginUnavailable: the file is truncated, is not a checkpoint, or needs code to be run.
    """
    import torch

    kind = wrapping_of(path)
    if kind == "onnx":
        raise PluginUnavailable(
            f"The weight file {path} is an ONNX model, and a PyTorch checkpoint is wanted.",
            "Choose the file that the publisher offers for PyTorch (.pth, .pt, .ckpt or .safetensors).",
        )
    try:
        tree: Any
        if kind == "safetensors":
            from safetensors.torch import load_file

            tree = load_file(path)
        elif kind == "torchscript":
            tree = torchscript.tensors(path)
        else:
            with torch.serialization.safe_globals(_harmless()):
                tree = torch.load(
                    path,
                    map_location="cpu",
                    weights_only=True,
                    mmap=kind == "archive" and _can_be_mapped(path),
                )
    except MemoryError:
        raise
    except pickle.UnpicklingError as error:
        raise _unpicklable(path, error) from None
    except Exception as error:  # noqa: BLE001 - a damaged file fails in whatever way its bytes say
        raise damaged(path, f"is truncated or damaged ({_short(error)})") from None
    found = nesting.network(tree, lambda value: isinstance(value, torch.Tensor))
    if not found:
        keys = ", ".join(map(str, list(tree)[:6])) if isinstance(tree, Mapping) else ""
        inside = f"only {keys}" if keys else f"a {type(tree).__name__}"
        raise damaged(path, f"holds no tensors of a network, {inside}")
    return found  # type: ignore[return-value] # network() keeps what the predicate let through


def load(module: torch.nn.Module, tensors: Mapping[str, torch.Tensor], path: Path) -> None:
    """Put `tensors` into `module`: every name, every shape, nothing left over.

    The tensors become the module's own, converted where its type or device is another one, so that a
    network does not lie in memory twice; a module on the "meta" device gets the CPU. Counters of batch
    normalisation (`num_batches_tracked`), which files of before torch 0.4.1 lack, may be missing.

    Raises:
        PluginUnavailable: they are another network's; says which names or shapes differ.
    """
    import torch

    own = module.state_dict()
    given = dict(tensors)
    for name, tensor in own.items():
        if name.rpartition(".")[2] == "num_batches_tracked" and name not in given:
            given[name] = torch.zeros(tensor.shape, dtype=tensor.dtype)
    differences = _differences(own, given)
    if differences:
        raise PluginUnavailable(
            f"The weight file {path} is of another network: {'; '.join(differences)}.",
            "Choose the variant that the plugin names (`lipsync weights list`).",
        )
    fitting = {
        name: given[name].to(
            device="cpu" if tensor.device.type == "meta" else tensor.device, dtype=tensor.dtype
        )
        for name, tensor in own.items()
    }
    module.load_state_dict(fitting, strict=True, assign=True)


def _differences(own: Mapping[str, torch.Tensor], given: Mapping[str, torch.Tensor]) -> list[str]:
    shapes = [
        f"{name} is {_shape(given[name])} instead of {_shape(tensor)}"
        for name, tensor in own.items()
        if name in given and given[name].shape != tensor.shape
    ]
    sorts = (
        ("missing", [name for name in own if name not in given]),
        ("not wanted", [name for name in given if name not in own]),
        ("of another shape", shapes),
    )
    return [f"{len(names)} {sort} ({_few(names)})" for sort, names in sorts if names]


def _few(names: list[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")


def _shape(tensor: torch.Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "a number"


def _unpicklable(path: Path, error: Exception) -> PluginUnavailable:
    named = re.search(r"GLOBAL (\S+) (?:was not an allowed|whose module)", str(error))
    if named is None:
        return damaged(path, f"is truncated or damaged ({_short(error)})")
    return wants_code(path, named[1])


def _can_be_mapped(path: Path) -> bool:
    """Whether the numbers lie in the archive as they are; somebody may have zipped it anew, compressed."""
    with zipfile.ZipFile(path) as archive:
        return all(entry.compress_type == zipfile.ZIP_STORED for entry in archive.infolist())


def _short(error: Exception) -> str:
    """The last line that says something, of torch's long messages."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = next((line for line in lines if "WeightsUnpickler error" in line), "") or (
        lines[0] if lines else type(error).__name__
    )
    return told.rpartition("WeightsUnpickler error:")[2].strip()[:120].rstrip(".") or "no more data"


def _harmless() -> list[Any]:
    """Classes that training code leaves beside weights, and whose making runs nothing: numbers, settings."""
    import argparse

    import numpy as np
    from numpy._core import multiarray

    kinds = {type(np.dtype(code)) for code in "?bBhHiIlLqQefd"}
    return [
        argparse.Namespace,
        np.dtype,
        np.ndarray,
        *kinds,
        *((multiarray.scalar, f"numpy.{core}.multiarray.scalar") for core in ("core", "_core")),
        *(
            (multiarray._reconstruct, f"numpy.{core}.multiarray._reconstruct")
            for core in ("core", "_core")
        ),
    ]
