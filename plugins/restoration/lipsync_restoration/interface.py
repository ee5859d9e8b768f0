"""What an ONNX file of a face restorer takes and gives, and whether it is the model that it should be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lipsync_core.errors import PluginUnavailable

FLOATS = {"tensor(float)": "float32", "tensor(float16)": "float16", "tensor(double)": "float64"}


class Node(Protocol):
    """An input or output as onnxruntime tells it; unknown sizes are None or a name."""

    name: str
    type: str
    shape: Sequence[int | str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Interface:
    """How to call a file.

    Attributes:
        image: name of the picture input `(N, 3, size, size)`.
        dtype: its numpy dtype.
        size: side of the picture it takes.
        batch: pictures in one call: 1 where the file says so, None where any number is fine.
        weight: name of the scalar input (CodeFormer's fidelity), or None.
        weight_dtype: its numpy dtype.
        weight_shape: its shape, `()` or `(1,)`.
        output: name of the restored picture.
    """

    image: str
    dtype: str
    size: int
    batch: int | None
    weight: str | None
    weight_dtype: str
    weight_shape: tuple[int, ...]
    output: str


def read_interface(
    inputs: Sequence[Node],
    outputs: Sequence[Node],
    *,
    model: str,
    sizes: tuple[int, ...],
    weighted: bool,
    path: Path,
) -> Interface:
    """Recognise a file by its inputs and outputs.

    Args:
        inputs: of the graph.
        outputs: of the graph.
        model: what it should be, for people ("GFPGAN").
        sizes: sides of the picture that this model has; the first is taken where the file leaves it open.
        weighted: it has a scalar input besides the picture.
        path: the file, for people.

    Raises:
        PluginUnavailable: it is something else; one sentence says what it was found to be.
    """
    pictures = [node for node in inputs if _is_picture(node)]
    scalars = [node for node in inputs if node.type in FLOATS and _is_scalar(node)]
    told = f"{path.name} has inputs {_told(inputs)} and outputs {_told(outputs)}"
    if len(pictures) != 1 or len(pictures) + len(scalars) != len(inputs):
        raise _refusal(path, model, f"{told}; a face restorer takes one square RGB picture")
    if weighted and len(scalars) != 1:
        raise _refusal(path, model, f"{told}; it lacks the fidelity weight that {model} takes")
    if not weighted and scalars:
        raise _refusal(path, model, f"{told}; a weight beside the picture is CodeFormer's")
    image = pictures[0]
    size = _size(image) or sizes[0]
    if size not in sizes:
        fits = ", ".join(str(s) for s in sorted(sizes))
        raise _refusal(path, model, f"{told}; {model} takes pictures of {fits} pixels")
    restored = [node for node in outputs if _is_picture(node)]
    if not restored:
        raise _refusal(path, model, f"{told}; it gives no picture")
    scalar = scalars[0] if scalars else None
    first = image.shape[0]
    return Interface(
        image=image.name,
        dtype=FLOATS[image.type],
        size=size,
        batch=first if isinstance(first, int) and first > 0 else None,
        weight=scalar.name if scalar else None,
        weight_dtype=FLOATS[scalar.type] if scalar else "float32",
        weight_shape=(1,) if scalar is None or len(scalar.shape) else (),
        output=restored[0].name,
    )


def _is_picture(node: Node) -> bool:
    """Four axes, three channels, square as far as it is stated."""
    if node.type not in FLOATS or len(node.shape) != 4:
        return False
    _, channels, *sides = node.shape
    known = {n for n in sides if isinstance(n, int)}
    return (channels == 3 or not isinstance(channels, int)) and len(known) <= 1


def _is_scalar(node: Node) -> bool:
    return all(n == 1 or not isinstance(n, int) for n in node.shape) and len(node.shape) <= 1


def _size(node: Node) -> int | None:
    return next((n for n in node.shape[2:] if isinstance(n, int)), None)


def _told(nodes: Sequence[Node]) -> str:
    return ", ".join(f"{n.name} {tuple(n.shape)}" for n in nodes) or "none"


def _refusal(path: Path, model: str, why: str) -> PluginUnavailable:
    return PluginUnavailable(
        f"{path} is no ONNX file of {model}: {why}.",
        "Take the file away, or put the right one in its place: lipsync weights import FILE.",
    )
