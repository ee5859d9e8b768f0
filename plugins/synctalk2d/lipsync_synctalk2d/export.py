"""Makes the ONNX files of a person's network and of the AVE encoder, once, in the cache; for servers too."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lipsync_core.errors import PluginUnavailable, UsageError
from lipsync_core.machine import packages
from lipsync_core.networks import exported
from lipsync_synctalk2d.choice import EXPORT_PACKAGES, INSTALL_EXPORT, Choice, choose
from lipsync_synctalk2d.spec import AVE_FILE, AVE_STEM

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
    cache, checkpoint = _ready(context, format), context.weights[AVE_FILE]
    path = exported.path_for(cache, AVE_STEM, checkpoint)
    if not path.is_file():
        ave_to(path, checkpoint)
    return [path]


def _export_person(side: int, context: OpenContext, format: str) -> list[Path]:
    cache = _ready(context, format)
    chosen = choose(side, context)
    if not isinstance(chosen, Choice):
        raise PluginUnavailable(f"Nobody can be exported: {chosen.reason}.", chosen.hint)
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


def _ready(context: OpenContext, format: str) -> Path:
    """The cache folder, if an export can be made at all."""
    if format != "onnx":
        raise UsageError(f"SyncTalk_2D cannot be exported as {format}.", "Choose --format onnx.")
    if context.cache is None:
        raise UsageError("There is no cache folder to export into.", "Set LIPSYNC_CACHE.")
    absent = [package for package in EXPORT_PACKAGES if not packages.installed(package)]
    if absent:
        raise PluginUnavailable(
            f"To export SyncTalk_2D these packages are missing: {', '.join(absent)}.",
            INSTALL_EXPORT,
        )
    return context.cache


def _run_person(model: Path, example: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
    from lipsync_synctalk2d.onnx_runtime import OnnxRuntime

    pictures, sound = example.values()
    return OnnxRuntime(model, pictures.shape[-1], sound.shape[1:], "cpu", 1).run(pictures, sound)


def _run_ave(model: Path, example: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
    from lipsync_synctalk2d.onnx_runtime import OnnxAve

    (windows,) = example.values()
    return OnnxAve(model, "cpu", 1).encode(windows[:, 0])
