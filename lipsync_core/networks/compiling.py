"""Networks compiled by torch: whether they can be, settled before torch is there, and what is said if not."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from lipsync_core.contracts import Unavailable
from lipsync_core.errors import LipsyncError, OutOfMemory, PluginUnavailable
from lipsync_core.machine import packages, places

if TYPE_CHECKING:
    from lipsync_core.contracts import OpenContext

__all__ = ["compiled", "unfit_compiler"]


Given = ParamSpec("Given")
Made = TypeVar("Made")
_COMPILERS = {"linux": ("g++", "clang++"), "darwin": ("clang++",), "win32": ("cl",)}
"""That torch writes C++ for, beside the one that CXX names."""


def unfit_compiler(context: OpenContext) -> Unavailable | None:
    """Why a network cannot be compiled on this computer, as far as can be told without trying; else None.

    Args:
        context: whose option `compile` was set.
    """
    kind = context.device.partition(":")[0]
    missing = ""
    if kind not in ("cpu", "cuda"):
        missing = f"torch compiles nothing for {kind}"
    elif not any(map(shutil.which, _compilers())):
        missing = f"there is no C++ compiler ({' or '.join(_compilers())})"
    elif kind == "cuda" and not packages.installed("triton"):
        missing = "the package 'triton' is not installed"
    elif not (Path(sysconfig.get_paths()["include"]) / "Python.h").is_file():
        missing = "the header files of Python are not installed"
    if not missing:
        return None
    return Unavailable(
        reason=f"it cannot be compiled here: {missing}",
        hint="Omit the option compile, or install what is missing.",
    )


def compiled(call: Callable[Given, Made], who: str) -> Callable[Given, Made]:
    """A network, or a method of one, that is compiled when it is first called, which takes minutes.

    What was compiled is kept below lipsync's cache for later runs.

    Args:
        call: takes and gives tensors; changes nothing.
        who: name of the plugin in error messages.

    Returns:
        A function that raises PluginUnavailable where torch cannot compile it after all.
    """
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(places.cache() / "compiled"))
    import torch

    quick = torch.compile(call)

    def guarded(*words: Given.args, **more: Given.kwargs) -> Made:
        try:
            return quick(*words, **more)
        except (LipsyncError, OutOfMemory, torch.OutOfMemoryError):
            raise
        except Exception as error:
            if not type(error).__module__.startswith(("torch._dynamo", "torch._inductor")):
                raise
            lines = str(error).strip().splitlines() or [type(error).__name__]
            raise PluginUnavailable(
                f"{who} cannot be compiled by torch here: {lines[0][:200]}",
                "Omit the option compile.",
            ) from error

    return guarded


def _compilers() -> tuple[str, ...]:
    named = os.environ.get("CXX")
    return (named,) if named else _COMPILERS.get(sys.platform, ("c++",))
