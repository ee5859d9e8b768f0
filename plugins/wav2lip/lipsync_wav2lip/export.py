"""Makes the ONNX file of a checkpoint, once, in the cache: what then runs needs no torch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lipsync_core.networks import exported
from lipsync_core.networks.runtime import export_folder
from lipsync_wav2lip.choice import exportable
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
    networks = [exportable(stem, context) for stem in STEMS]
    here = [n for n in networks if n.checkpoint is not None] or networks[:1]
    made = []
    for network in here:
        cache = export_folder(context, format, "Wav2Lip", network)
        assert network.checkpoint is not None  # `export_folder` has seen to it
        path = exported.path_for(cache, network.stem, network.checkpoint)
        if not path.is_file():
            export_to(path, network.checkpoint)
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
