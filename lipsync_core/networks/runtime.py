"""Decides whether a network runs in torch or, from an ONNX export, in ONNX Runtime. Loads neither.

A plugin's probe tells this decision and its `open` follows it, so both call `choose_runtime`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lipsync_core.contracts import Unavailable
from lipsync_core.errors import PluginUnavailable, UsageError
from lipsync_core.machine import packages
from lipsync_core.networks import exported
from lipsync_core.networks.precision import precision_for, unfit_precision
from lipsync_core.registry.probing import unfit_onnx, unfit_onnxruntime, unfit_torch

if TYPE_CHECKING:
    from pathlib import Path

    from lipsync_core.contracts import OpenContext

__all__ = [
    "EXPORT_PACKAGES",
    "RUNTIMES",
    "Exportable",
    "RuntimeChoice",
    "choose_runtime",
    "export_folder",
]

RUNTIMES = ("auto", "torch", "onnx")
"""Choices of the option `runtime`, which a plugin that uses `choose_runtime` declares."""
EXPORT_PACKAGES = ("torch", "onnx", "onnxscript")
"""Packages that making an ONNX export needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exportable:
    """A network that runs in torch from its checkpoint, or in ONNX Runtime from an export.

    Attributes:
        plugin: name of the spec it belongs to.
        distribution: package whose extras `runtime` and `export` install torch and the exporter.
        stem: name of the export, before the digest of the checkpoint's content.
        title: what messages call the network, such as the checkpoint's file name.
        checkpoint: the torch file; None when only an ONNX file is there.
        remedy: how to get the checkpoint, for messages.
        model: an ONNX file that the user brought; None: only exports in the cache count.
        arguments: what `lipsync weights export PLUGIN` needs besides, such as "--option person=anna".
        half: torch may compute in bf16 or fp16; False: the network always computes in fp32, whatever
            precision the run asks for.
        onnx_on_cpu: with `runtime=auto`, an existing ONNX file is preferred on a CPU in fp32.
    """

    plugin: str
    distribution: str
    stem: str
    title: str
    checkpoint: Path | None
    remedy: str = ""
    model: Path | None = None
    arguments: str = ""
    half: bool = True
    onnx_on_cpu: bool = False

    @property
    def install_runtime(self) -> str:
        """The command that installs torch for this plugin."""
        return f'pip install "{self.distribution}[runtime]"'

    @property
    def install_export(self) -> str:
        """The command that installs what an export needs."""
        return f'pip install "{self.distribution}[export]"'

    @property
    def export_command(self) -> str:
        """The command that makes the ONNX file."""
        words = ("lipsync weights export", self.plugin, "--format onnx", self.arguments)
        return f"`{' '.join(word for word in words if word)}`"

    def found(self, context: OpenContext) -> Path | None:
        """The ONNX file that is there: the user's, or an export of the checkpoint."""
        return self.model or exported.find(context.cache, self.stem, self.checkpoint)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeChoice:
    """What a network runs with.

    Attributes:
        runtime: "torch" or "onnx".
        checkpoint: the torch file; None for runtime "onnx" without one.
        model: the ONNX file of runtime "onnx"; None for torch.
        precision: "fp32", "bf16" or "fp16".
        missing: `model` has to be exported from `checkpoint` first.
    """

    runtime: Literal["torch", "onnx"]
    checkpoint: Path | None
    model: Path | None = None
    precision: str = "fp32"
    missing: bool = False

    @property
    def file(self) -> Path:
        """The file that the runtime opens."""
        file = self.checkpoint if self.model is None else self.model
        assert file is not None  # torch has a checkpoint, ONNX Runtime a model
        return file


def choose_runtime(context: OpenContext, network: Exportable) -> RuntimeChoice | Unavailable:
    """What `network` runs with on this computer, or why it cannot.

    Follows the option `runtime`. "onnx" may have the export made at first use; "auto" takes torch where it is
    installed, and an ONNX file that exists already where torch is missing or (`onnx_on_cpu`) slower.
    """
    wrong = unfit_precision(context) if network.half else None
    if wrong is not None:
        return wrong
    asked = context.options.get("runtime", "auto")
    if asked == "onnx":
        return _onnx(context, network, make=True)
    with_torch = _torch(context, network)
    if asked == "torch":
        return with_torch
    with_onnx = _onnx(context, network, make=False)
    if isinstance(with_torch, Unavailable):
        return with_onnx if isinstance(with_onnx, RuntimeChoice) else _neither(
            context, network, with_torch, with_onnx
        )  # fmt: skip
    on_cpu = context.device == "cpu" and with_torch.precision == "fp32"
    if network.onnx_on_cpu and on_cpu and isinstance(with_onnx, RuntimeChoice):
        return with_onnx
    return with_torch


def export_folder(context: OpenContext, format: str, title: str, network: Exportable) -> Path:
    """The cache folder for `network`'s export, once everything that an export needs is there.

    Args:
        context: of the exporter.
        format: as the user asked; only "onnx" is known.
        title: the model's name for people.
        network: what is to be exported.

    Raises:
        UsageError: another format than "onnx", or no cache folder.
        PluginUnavailable: the checkpoint or packages are missing.
    """
    if format != "onnx":
        raise UsageError(f"{title} cannot be exported as {format}.", "Choose --format onnx.")
    if context.cache is None:
        raise UsageError("There is no cache folder to export into.", "Set LIPSYNC_CACHE.")
    if network.checkpoint is None:
        raise PluginUnavailable(
            f"There is no checkpoint of {title} to export ({network.title}).", network.remedy
        )
    absent = _absent()
    if absent:
        raise PluginUnavailable(
            f"To export {title} these packages are missing: {', '.join(absent)}.",
            network.install_export,
        )
    return context.cache


def _torch(context: OpenContext, network: Exportable) -> RuntimeChoice | Unavailable:
    if network.checkpoint is None:
        return Unavailable(
            reason=f"its weights are not here: {network.title} (torch cannot read the ONNX file)",
            hint=f"{network.remedy}; or omit --option {network.plugin}.runtime=torch and "
            "--precision.",
        )
    if not packages.installed("torch"):
        return Unavailable(
            reason="the package 'torch' is not installed", hint=network.install_runtime
        )
    unfit = unfit_torch(context.device)
    if unfit is not None:
        return unfit
    exact = bool(context.options.get("compat", False))
    precision = precision_for(context, exact=exact) if network.half else "fp32"
    return RuntimeChoice(runtime="torch", checkpoint=network.checkpoint, precision=precision)


def _onnx(context: OpenContext, network: Exportable, *, make: bool) -> RuntimeChoice | Unavailable:
    """`make`: a missing export may be made."""
    instead = f"--option {network.plugin}.runtime=torch"
    unfit = unfit_onnx(context, instead) if network.half else unfit_onnxruntime(context.device)
    if unfit is not None:
        return unfit
    model = network.found(context)
    if model is not None:
        return RuntimeChoice(runtime="onnx", checkpoint=network.checkpoint, model=model)
    if context.cache is None:
        return Unavailable(reason="there is no cache folder", hint="Set LIPSYNC_CACHE.")
    absent = _absent()
    if not make or absent or network.checkpoint is None:
        verb = "is" if len(absent) == 1 else "are"
        listed = ", ".join(f"'{name}'" for name in absent)
        why = f", and to make one {listed} {verb} not installed" if absent else ""
        return Unavailable(
            reason=f"there is no ONNX file of {network.title}{why}",
            hint=(f"{network.install_export}, then " if absent else "Run ")
            + f"{network.export_command}.",
        )
    try:
        model = exported.path_for(context.cache, network.stem, network.checkpoint)
    except OSError as error:
        return Unavailable(
            reason=f"{network.checkpoint} cannot be read: {error.strerror or error}",
            hint="Check the path, and your rights to read it.",
        )
    return RuntimeChoice(runtime="onnx", checkpoint=network.checkpoint, model=model, missing=True)


def _neither(
    context: OpenContext, network: Exportable, with_torch: Unavailable, with_onnx: Unavailable
) -> Unavailable:
    """Why neither runtime works, and what would help."""
    if network.found(context) is None:
        if packages.installed("torch"):
            return with_torch
        return Unavailable(
            reason=f"{with_torch.reason}, and there is no ONNX file to do without",
            hint=f"{with_torch.hint}, or make {network.stem}.onnx on another computer with "
            f"{network.export_command} and import it here.",
        )
    return Unavailable(
        reason=f"{with_torch.reason}; {with_onnx.reason}",
        hint=f"{with_torch.hint.rstrip('.')}. Or: {with_onnx.hint}",
    )


def _absent() -> list[str]:
    return [package for package in EXPORT_PACKAGES if not packages.installed(package)]
