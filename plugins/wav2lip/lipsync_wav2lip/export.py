"""Makes the ONNX file of a checkpoint, once, in the cache: what then runs needs no torch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lipsync_core.errors import PluginUnavailable, UsageError
from lipsync_core.machine import packages
from lipsync_core.networks import exported
from lipsync_wav2lip.choice import EXPORT_PACKAGES, INSTALL_EXPORT, get
from lipsync_wav2lip.spec import ONNX_INPUTS, STEMS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipsync_core.contracts import OpenContext


def export(context: OpenContext, format: str) -> list[Path]:
    """Export every checkpoint that is there.

    Returns:
        The ONNX files in the cache; one that is there for the same content is not made again.

    Raises:
        UsageError: another format than "onnx".
        PluginUnavailable: no checkpoint, packages missing, or a damaged checkpoint.
        OutputError: the cache cannot be written.
    """
    if format != "onnx":
        raise UsageError(f"Wav2Lip cannot be exported as {format}.", "Choose --format onnx.")
    if context.cache is None:
        raise UsageError("There is no cache folder to export into.", "Set LIPSYNC_CACHE.")
    checkpoints = {s: context.weights[f"{s}.pth"] for s in STEMS if f"{s}.pth" in context.weights}
    if not checkpoints:
        raise PluginUnavailable(
            f"There is no checkpoint of Wav2Lip to export ({' or '.join(f'{s}.pth' for s in STEMS)}).",
            get(STEMS[0]),
        )
    absent = [package for package in EXPORT_PACKAGES if not packages.installed(package)]
    if absent:
        raise PluginUnavailable(
            f"To export Wav2Lip these packages are missing: {', '.join(absent)}.", INSTALL_EXPORT
        )
    made = []
    for stem, checkpoint in checkpoints.items():
        path = exported.path_for(context.cache, stem, checkpoint)
        if not path.is_file():
            export_to(path, checkpoint)
        made.append(path)
    return made


def export_to(path: Path, checkpoint: Path) -> None:
    """Make one export; see `write_onnx`.

    Raises:
        PluginUnavailable: a damaged checkpoint.
        PluginFault: the export gives something else than the network.
        OutputError: the folder cannot be written.
    """
    from lipsync_core.networks.exporting import write_onnx
    from lipsync_wav2lip.torch_runtime import folded

    random = np.random.default_rng(0)
    example = {
        ONNX_INPUTS[0][0]: random.uniform(-4, 4, (2, 1, 80, 16)).astype(np.float32),
        ONNX_INPUTS[1][0]: random.uniform(0, 1, (2, 6, 96, 96)).astype(np.float32),
    }
    write_onnx(path, folded(checkpoint), example, "output", _run, "Wav2Lip")


def _run(model: Path, example: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
    from lipsync_wav2lip.onnx_runtime import OnnxRuntime

    return OnnxRuntime(model, "cpu", 1).run(*example.values())
