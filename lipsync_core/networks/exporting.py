"""Writes a network as an ONNX file: whole, compared with the network, replacing earlier ones of its name."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from numpy.typing import NDArray

from lipsync_core.errors import OutputError, PluginFault
from lipsync_core.networks import exported

__all__ = ["drop_older", "write_onnx"]


PACKAGES = ("torch", "onnx", "onnxscript")
"""What an export needs."""
TOLERANCE = 1e-4
"""Largest difference that an export's numbers, which lie in 0..1 or near it, may have (1e-6 is usual)."""
Array = NDArray[np.float32]


def write_onnx(
    path: Path,
    network: torch.nn.Module,
    example: Mapping[str, Array],
    output: str,
    run: Callable[[Path, Mapping[str, Array]], Array],
    who: str,
) -> None:
    """Make one export; it appears under its name when it is whole and gives what the network gives.

    Any number of rows can be put in at a time. Older exports of the same name are removed.

    Args:
        path: `exported.path_for`.
        network: on the CPU, in fp32, ready to be used.
        example: input names -> two rows of plausible numbers each, in the order of the network's arguments.
        output: name of its output.
        run: opens a file and gives what it makes of the example.
        who: the network, as a person reads it.

    Raises:
        PluginFault: the export gives something else than the network.
        OutputError: the folder cannot be written.
    """
    tensors = tuple(torch.from_numpy(array) for array in example.values())
    with torch.inference_mode():
        expected = network(*tensors).numpy()
    rows = torch.export.Dim("frames")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".export-", dir=path.parent) as folder:
            new = Path(folder) / path.name
            with _quiet():
                program = torch.onnx.export(
                    network,
                    tensors,
                    input_names=list(example),
                    output_names=[output],
                    dynamic_shapes=tuple({0: rows} for _ in tensors),
                    dynamo=True,
                    verbose=False,
                )
            assert program is not None
            program.save(new, external_data=False)
            apart = float(np.abs(run(new, example) - expected).max())
            if not apart <= TOLERANCE:
                raise PluginFault(
                    f"The ONNX export of {who} differs from the network by {apart:.2g}.",
                    "Use its option runtime=torch, and report this with your versions of torch and onnx.",
                )
            new.replace(path)
    except OSError as error:
        raise OutputError(
            f"The export {path} cannot be written: {error.strerror or error}.",
            "Free some space, or name another folder with LIPSYNC_CACHE.",
        ) from error
    drop_older(path)


def drop_older(path: Path) -> None:
    """Remove exports that were made from earlier contents of the same checkpoint."""
    for old in exported.all_of(path.parent, path.stem.rpartition("-")[0]):
        if old != path:
            old.unlink(missing_ok=True)


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
