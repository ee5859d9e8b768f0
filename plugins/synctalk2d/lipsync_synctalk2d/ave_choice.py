"""Decides what the AVE encoder runs on: the one truth of the probe and of `open`. Loads nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lipsync_core.contracts import Unavailable
from lipsync_core.machine import packages
from lipsync_core.networks import exported
from lipsync_core.registry.probing import unfit_onnxruntime, unfit_torch
from lipsync_core.weights.remedy import remedy
from lipsync_synctalk2d.choice import EXPORT_PACKAGES, INSTALL_EXPORT, INSTALL_TORCH, RUNTIMES
from lipsync_synctalk2d.spec import AVE_FILE, AVE_STEM, ENCODER

if TYPE_CHECKING:
    from lipsync_core.contracts import OpenContext


@dataclass(frozen=True, slots=True, kw_only=True)
class AveChoice:
    """What a run uses.

    Attributes:
        checkpoint: the published file.
        model: its ONNX file, which may still have to be made; None: torch does the work.
    """

    checkpoint: Path
    model: Path | None = None


def choose_ave(context: OpenContext) -> AveChoice | Unavailable:
    """What the encoder runs with on this computer, or why it cannot."""
    asked = str(context.options.get("runtime", "auto"))
    if asked not in RUNTIMES:
        return Unavailable(
            reason=f"option runtime is none of {', '.join(RUNTIMES)}",
            hint=f"For example --option {ENCODER.name}.runtime={RUNTIMES[1]}.",
        )
    checkpoint = context.weights.get(AVE_FILE)
    if checkpoint is None:
        return Unavailable(
            reason=f"its weights are not here: {AVE_FILE}",
            hint=remedy(ENCODER.name, ENCODER.weights),
        )
    if asked != "onnx" and packages.installed("torch"):
        return unfit_torch(context.device) or AveChoice(checkpoint=checkpoint)
    return _in_onnx(context, checkpoint, asked)


def _in_onnx(context: OpenContext, checkpoint: Path, asked: str) -> AveChoice | Unavailable:
    if asked != "onnx":
        without = Unavailable(reason="the package 'torch' is not installed", hint=INSTALL_TORCH)
        if asked == "torch" or context.cache is None:
            return without
    unfit = unfit_onnxruntime(context.device)
    if unfit is not None:
        return unfit
    if context.cache is None:
        return Unavailable(reason="there is no cache folder", hint="Set LIPSYNC_CACHE.")
    try:
        model = exported.path_for(context.cache, AVE_STEM, checkpoint)
    except OSError as error:
        return Unavailable(
            reason=f"{checkpoint} cannot be read: {error.strerror}", hint="Check your rights."
        )
    absent = [package for package in EXPORT_PACKAGES if not packages.installed(package)]
    if not model.is_file() and absent:
        return Unavailable(
            reason=f"there is no ONNX file of {AVE_FILE}, and to make one {', '.join(absent)} is not "
            "installed",
            hint=f"{INSTALL_EXPORT}, then `lipsync weights export {ENCODER.name} --format onnx`.",
        )
    return AveChoice(checkpoint=checkpoint, model=model)
