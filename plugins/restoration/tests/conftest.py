"""Small ONNX files with the inputs and outputs of the real ones: a known change in place of a network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from lipsync_core.testing import own_folders as own_folders

Make = Callable[..., Path]


@pytest.fixture(scope="session")
def write_model() -> Make:
    """Writes a file; see `_write`. Tests that want one skip where `onnx` is missing (extra `test`)."""
    pytest.importorskip("onnx", reason="small ONNX files are written with it")
    return _write


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LIPSYNC_HOME", str(tmp_path))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    return tmp_path


def _write(
    path: Path,
    *,
    size: int | str = 512,
    out_size: int | str | None = None,
    batch: int | str = 1,
    image: str = "input",
    output: str = "output",
    weight: tuple[str, int, list[int]] | None = None,
    add: NDArray[np.float32] | float = 0.0,
    change: str = "add",
    channels: int = 3,
) -> Path:
    """One network file.

    Args:
        path: where.
        size: side of the picture, or a name.
        out_size: side of the result.
        batch: number or name.
        image: name of the input.
        output: name of the result.
        weight: name, type (1: float, 11: double) and shape of the scalar input, added to the picture.
        add: what is added to the picture in -1..1: anything that broadcasts.
        change: "add"; "double": twice the size too; "shade": light that lies differently on the face with the
            tiniest change of the picture, as it does in restoration frame by frame.
        channels: of the picture.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    shape = [batch, channels, size, size]
    result = [batch, channels, *[out_size or size] * 2]
    inputs = [helper.make_tensor_value_info(image, TensorProto.FLOAT, shape)]
    constants = {"amount": np.asarray(add, np.float32)}
    nodes = [helper.make_node("Add", [image, "amount"], ["changed"])]
    if weight is not None:
        name, kind, weight_shape = weight
        inputs.append(helper.make_tensor_value_info(name, kind, weight_shape))
        nodes.append(helper.make_node("Cast", [name], ["as_float"], to=TensorProto.FLOAT))
        nodes.append(helper.make_node("Add", ["changed", "as_float"], [output]))
    elif change == "shade":
        rows, columns = np.mgrid[0:512, 0:512] * (2 * np.pi / 400)
        constants |= {
            "turns": np.float32(60.0),
            "light": (0.12 * np.sin(rows) * np.sin(columns)).astype(np.float32)[None, None],
        }
        nodes = [
            helper.make_node("GlobalAveragePool", [image], ["mean"]),
            helper.make_node("Mul", ["mean", "turns"], ["angle"]),
            helper.make_node("Sin", ["angle"], ["wave"]),
            helper.make_node("Mul", ["wave", "light"], ["shade"]),
            helper.make_node("Add", [image, "shade"], [output]),
        ]
    elif change == "double":
        constants["scales"] = np.array([1, 1, 2, 2], np.float32)
        nodes.append(
            helper.make_node("Resize", ["changed", "", "scales"], [output], mode="nearest")
        )
    else:
        nodes.append(helper.make_node("Identity", ["changed"], [output]))
    graph = helper.make_graph(
        nodes,
        "restorer",
        inputs,
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, result)],
        [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, str(path))
    return path
