"""Chooses the weight file of a model, or says why there is none. Looks at names only, opens nothing."""

from __future__ import annotations

from lipsync_core.contracts import OpenContext, Unavailable
from lipsync_core.machine import packages
from lipsync_core.specs import EnhancerSpec, WeightFile
from lipsync_core.weights import location
from lipsync_core.weights.remedy import remedy

PTH_PACKAGES = ("torch", "spandrel", "torchvision")
"""What a .pth file needs. spandrel imports torchvision as soon as it is imported."""


def choose(spec: EnhancerSpec, context: OpenContext) -> WeightFile | Unavailable:
    """The file that will be used: the one that option `file` names, or the first that is there."""
    weight = _named(spec, context)
    if isinstance(weight, Unavailable):
        return weight
    return _blocked(weight) or weight


def _named(spec: EnhancerSpec, context: OpenContext) -> WeightFile | Unavailable:
    wanted = str(context.options.get("file", "auto"))
    files = spec.weights
    if wanted != "auto":
        files = tuple(w for w in files if wanted in (w.path, *w.alternatives))
    here = [w for w in files if w.path in context.weights]
    return here[0] if here else _missing(spec, files)


def _blocked(weight: WeightFile) -> Unavailable | None:
    """Why a file that is there cannot be used here: packages that a .pth file needs."""
    if not weight.path.endswith(".pth"):
        return None
    absent = [name for name in PTH_PACKAGES if not packages.installed(name)]
    if not absent:
        return None
    return Unavailable(
        reason=f"to read {weight.path} it needs {', '.join(absent)}, not installed here",
        hint="Use the model's ONNX file, which needs none of them, or: "
        "pip install 'lipsync-restoration[pth]' (with the torchvision that fits your torch).",
    )


def _missing(spec: EnhancerSpec, files: tuple[WeightFile, ...]) -> Unavailable:
    names = " or ".join(w.path for w in files)
    return Unavailable(
        reason=f"its weights are not here: {names}",
        hint=f"{remedy(spec.name, files[:1])} (from {files[0].repository or files[0].origin}); "
        f"a file that you have: lipsync weights import FILE (it goes into {location.folder(spec)}).",
    )
