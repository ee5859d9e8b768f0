"""Makes the ONNX file of a checkpoint, once, in the cache: what then runs needs no torch."""

from __future__ import annotations

import logging
import warnings
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from lipsync_core import packages
from lipsync_core.errors import OutputError, PluginFault, PluginUnavailable, UsageError
from lipsync_wav2lip import exported
from lipsync_wav2lip.choice import EXPORT_PACKAGES, INSTALL_EXPORT, get
from lipsync_wav2lip.spec import ONNX_INPUTS, STEMS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from lipsync_core.contracts import OpenContext

TOLERANCE = 1e-4
"""Largest difference, in shares of full light, that an export may have from the network (1e-6 is usual)."""


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
    """Make one export; it appears under its name when it is whole and gives what the network gives.

    Older exports of a checkpoint of that name are removed.

    Raises:
        PluginUnavailable: a damaged checkpoint.
        PluginFault: the export gives something else than the network.
        OutputError: the folder cannot be written.
    """
    import torch

    from lipsync_wav2lip.torch_runtime import folded

    network = folded(checkpoint)
    random = np.random.default_rng(0)
    example = {
        ONNX_INPUTS[0][0]: random.uniform(-4, 4, (2, 1, 80, 16)).astype(np.float32),
        ONNX_INPUTS[1][0]: random.uniform(0, 1, (2, 6, 96, 96)).astype(np.float32),
    }
    tensors = tuple(torch.from_numpy(array) for array in example.values())
    with torch.inference_mode():
        expected: NDArray[np.float32] = network(*tensors).numpy()
    frames = torch.export.Dim("frames")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".export-", dir=path.parent) as folder:
            new = Path(folder) / path.name
            with _quiet():
                program = torch.onnx.export(
                    network,
                    tensors,
                    input_names=list(example),
                    output_names=["output"],
                    dynamic_shapes=({0: frames}, {0: frames}),
                    dynamo=True,
                    verbose=False,
                )
            assert program is not None
            program.save(new, external_data=False)
            _check(new, example, expected)
            new.replace(path)
    except OSError as error:
        raise OutputError(
            f"The export {path} cannot be written: {error.strerror or error}.",
            "Free some space (150 MB), or name another folder with LIPSYNC_CACHE.",
        ) from error
    drop_older(path)


def drop_older(path: Path) -> None:
    """Remove exports that were made from earlier contents of the same checkpoint."""
    for old in exported.all_of(path.parent, path.stem.rpartition("-")[0]):
        if old != path:
            old.unlink(missing_ok=True)


def _check(
    model: Path,
    example: dict[str, NDArray[np.float32]],
    expected: NDArray[np.float32],
) -> None:
    from lipsync_wav2lip.onnx_runtime import OnnxRuntime

    apart = float(np.abs(OnnxRuntime(model, "cpu", 1).run(*example.values()) - expected).max())
    if not apart <= TOLERANCE:
        raise PluginFault(
            f"The ONNX export of Wav2Lip differs from the network by {apart:.2g}.",
            "Use --option wav2lip.runtime=torch, and report this with your versions of torch and onnx.",
        )


@contextmanager
def _quiet() -> Iterator[None]:
    """The exporter's remarks on packages that are not wanted here, and on its own future."""
    logger = logging.getLogger("torch.onnx")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)
