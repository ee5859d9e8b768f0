"""Makes the ONNX files of a person's network and of the AVE encoder, once, in the cache; for servers too."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lipsync_core.errors import PluginUnavailable
from lipsync_core.networks import exported
from lipsync_core.networks.runtime import export_folder
from lipsync_synctalk2d.ave_choice import exportable_ave
from lipsync_synctalk2d.choice import Choice, exportable, find

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipsync_core.contracts import OpenContext
    from lipsync_synctalk2d.layouts import Layout

AVE_INPUT, AVE_OUTPUT = "mel", "features"
PICTURES, SOUND, MADE = "pictures", "sound", "made"
"""Names of inputs and outputs."""


def export_328(context: OpenContext, format: str) -> list[Path]:
    """The chosen person's large network: `(N, 6, 320, 320)` and the sound -> `(N, 3, 320, 320)`.

    Raises:
        UsageError: another format than "onnx".
        PluginUnavailable: there is no such person, or packages are missing.
        OutputError: the cache cannot be written.
    """
    return _export_person(320, context, format)


def export_160(context: OpenContext, format: str) -> list[Path]:
    """The same for a small one."""
    return _export_person(160, context, format)


def export_ave(context: OpenContext, format: str) -> list[Path]:
    """The AVE encoder: `(N, 1, 80, 16)` mel windows -> `(N, 512)`.

    Raises:
        UsageError: another format than "onnx".
        PluginUnavailable: its weights or packages are missing.
        OutputError: the cache cannot be written.
    """
    network = exportable_ave(context)
    cache, checkpoint = export_folder(context, format, "SyncTalk_2D", network), network.checkpoint
    assert checkpoint is not None  # `export_folder` has seen to it
    path = exported.path_for(cache, network.stem, checkpoint)
    if not path.is_file():
        ave_to(path, checkpoint)
    return [path]


def _export_person(side: int, context: OpenContext, format: str) -> list[Path]:
    chosen = find(side, context)
    if not isinstance(chosen, Choice):
        raise PluginUnavailable(f"No person can be exported: {chosen.reason}.", chosen.hint)
    cache = export_folder(context, format, "SyncTalk_2D", exportable(chosen))
    path = exported.path_for(cache, chosen.stem, chosen.file)
    if not path.is_file():
        person_to(path, chosen.file, chosen.layout)
    return [path]


def person_to(path: Path, checkpoint: Path, layout: Layout) -> None:
    """Make one person's export; see `write_onnx`.

    Raises:
        PluginUnavailable: a damaged checkpoint.
        PluginFault: the export gives something else than the network.
        OutputError: the folder cannot be written.
    """
    from lipsync_core.networks.exporting import write_onnx
    from lipsync_synctalk2d.loading import face_network

    network, _ = face_network(checkpoint, hubert=layout.sound == "hubert")
    random = np.random.default_rng(0)
    example = {
        PICTURES: random.uniform(0, 1, (2, 6, layout.side, layout.side)).astype(np.float32),
        SOUND: random.normal(0, 1, (2, *layout.shape)).astype(np.float32),
    }
    write_onnx(path, network, example, MADE, _run_person, "SyncTalk_2D")


def ave_to(path: Path, checkpoint: Path) -> None:
    """Make the encoder's export; errors as for `person_to`."""
    from torch import nn

    from lipsync_core.networks.exporting import write_onnx
    from lipsync_synctalk2d.loading import audio_network

    network = nn.Sequential(audio_network(checkpoint), nn.Flatten(1)).eval()
    windows = np.random.default_rng(0).uniform(-4, 4, (2, 1, 80, 16)).astype(np.float32)
    write_onnx(path, network, {AVE_INPUT: windows}, AVE_OUTPUT, _run_ave, "the AVE encoder")


def _run_person(model: Path, example: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
    from lipsync_synctalk2d.onnx_runtime import OnnxRuntime

    pictures, sound = example.values()
    return OnnxRuntime(model, pictures.shape[-1], sound.shape[1:], "cpu", 1).run(pictures, sound)


def _run_ave(model: Path, example: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
    from lipsync_synctalk2d.onnx_runtime import OnnxAve

    (windows,) = example.values()
    return OnnxAve(model, "cpu", 1).encode(windows[:, 0])
