"""Decides which file runs on what: the one truth that the probe tells and `open` follows. Loads nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lipsync_core.contracts import Unavailable
from lipsync_core.machine import packages
from lipsync_core.networks import exported
from lipsync_core.networks.precision import precision_for, unfit_precision
from lipsync_core.registry.probing import unfit_onnx, unfit_torch
from lipsync_core.weights.remedy import remedy
from lipsync_wav2lip.spec import STEMS, WAV2LIP

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lipsync_core.contracts import OpenContext

CHECKPOINTS = {"auto": STEMS, "gan": ("wav2lip_gan",), "plain": ("wav2lip",)}
RUNTIMES = ("auto", "torch", "onnx")
EXPORT_PACKAGES = ("torch", "onnx", "onnxscript")
INSTALL_TORCH = 'pip install "lipsync-wav2lip[runtime]"'
INSTALL_EXPORT = 'pip install "lipsync-wav2lip[export]"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What a run uses.

    Attributes:
        runtime: which one.
        file: the checkpoint, or the ONNX file; for runtime "onnx" it may still have to be made.
        checkpoint: what the ONNX file has to be made from; None when it is there.
        precision: "fp32", "bf16" or "fp16".
    """

    runtime: Literal["torch", "onnx"]
    file: Path
    checkpoint: Path | None = None
    precision: str = "fp32"


def choose(context: OpenContext) -> Choice | Unavailable:
    """What `context` runs with on this computer, or why it cannot."""
    wrong = _contradiction(context)
    if wrong is not None:
        return wrong
    stems = CHECKPOINTS[_option(context, "checkpoint")]
    stem = _stem(stems, context)
    if stem is None:
        names = " or ".join(f"{s}.pth" for s in stems)
        return Unavailable(
            reason=f"its weights are not here: {names}",
            hint=get(stems[0]),
        )
    runtime = _option(context, "runtime")
    if runtime == "onnx":
        return _onnx(stem, context, make=True)
    with_torch = _torch(stem, context)
    if runtime == "torch":
        return with_torch
    return _faster(with_torch, _onnx(stem, context, make=False), stem, context)


def _contradiction(context: OpenContext) -> Unavailable | None:
    """What is wrong with the settings themselves."""
    for name, known in (("checkpoint", tuple(CHECKPOINTS)), ("runtime", RUNTIMES)):
        if _option(context, name) not in known:
            return Unavailable(
                reason=f"option wav2lip.{name} is none of {', '.join(known)}",
                hint=f"For example --option wav2lip.{name}={known[1]}.",
            )
    return unfit_precision(context)


def _option(context: OpenContext, name: str) -> str:
    return str(context.options.get(name, "auto"))


def _faster(
    with_torch: Choice | Unavailable,
    with_onnx: Choice | Unavailable,
    stem: str,
    context: OpenContext,
) -> Choice | Unavailable:
    """The faster one of those that can run; if none can, what would help."""
    if isinstance(with_torch, Choice) and isinstance(with_onnx, Choice):
        # Measured on a CPU in fp32: ONNX Runtime is a little faster for few frames, equal for eight, and
        # starts without torch. In half precision, and on GPUs, it is torch.
        prefers_onnx = context.device == "cpu" and with_torch.precision == "fp32"
        return with_onnx if prefers_onnx else with_torch
    if isinstance(with_torch, Choice):
        return with_torch
    if isinstance(with_onnx, Choice):
        return with_onnx
    if _model(stem, context) is None:  # which is not what is wrong first
        return with_torch
    return Unavailable(
        reason=f"{with_torch.reason}; {with_onnx.reason}",
        hint=f"{with_torch.hint.rstrip('.')}. Or: {with_onnx.hint}",
    )


def _stem(stems: Sequence[str], context: OpenContext) -> str | None:
    """The first of the wanted variants of which there is anything."""
    for stem in stems:
        if f"{stem}.pth" in context.weights or _model(stem, context) is not None:
            return stem
    return None


def _model(stem: str, context: OpenContext) -> Path | None:
    """An ONNX file: one of the user's, or an export of the checkpoint that is there."""
    own = context.weights.get(f"{stem}.onnx")
    return own or exported.find(context.cache, stem, context.weights.get(f"{stem}.pth"))


def _torch(stem: str, context: OpenContext) -> Choice | Unavailable:
    checkpoint = context.weights.get(f"{stem}.pth")
    if checkpoint is None:
        return Unavailable(
            reason=f"its weights are not here: {stem}.pth (torch cannot read the ONNX file)",
            hint=f"{get(stem)}; or leave out --option wav2lip.runtime=torch and --precision.",
        )
    if not packages.installed("torch"):
        if _model(stem, context) is not None:
            return Unavailable(reason="the package 'torch' is not installed", hint=INSTALL_TORCH)
        return Unavailable(
            reason="the package 'torch' is not installed, and there is no ONNX file to do without",
            hint=f"{INSTALL_TORCH}, or make {stem}.onnx on another computer with "
            "`lipsync weights export wav2lip --format onnx` and import it here.",
        )
    unfit = unfit_torch(context.device)
    if unfit is not None:
        return unfit
    exact = bool(context.options.get("compat", False))
    return Choice(runtime="torch", file=checkpoint, precision=precision_for(context, exact=exact))


def _onnx(stem: str, context: OpenContext, *, make: bool) -> Choice | Unavailable:
    """`make`: an export that is missing may be made."""
    unfit = unfit_onnx(context, "--option wav2lip.runtime=torch")
    if unfit is not None:
        return unfit
    model = _model(stem, context)
    if model is not None:
        return Choice(runtime="onnx", file=model)
    checkpoint = context.weights[f"{stem}.pth"]
    absent = [package for package in EXPORT_PACKAGES if not packages.installed(package)]
    if not make or absent or context.cache is None:
        return Unavailable(
            reason=f"there is no ONNX file of {checkpoint.name}"
            + (f", and to make one {_listed(absent)} not installed" if absent else ""),
            hint=(f"{INSTALL_EXPORT}, then " if absent else "Run ")
            + "`lipsync weights export wav2lip --format onnx`.",
        )
    return Choice(
        runtime="onnx",
        file=exported.path_for(context.cache, stem, checkpoint),
        checkpoint=checkpoint,
    )


def get(stem: str) -> str:
    """How to come by a checkpoint."""
    return remedy(WAV2LIP.name, [w for w in WAV2LIP.weights if w.path == f"{stem}.pth"])


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"'{n}'" for n in names) + (" is" if len(names) == 1 else " are")
