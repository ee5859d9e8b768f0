"""A model in ONNX Runtime: found by its shapes, refused in one sentence where it is another one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import lipsync_core.builtin.viseme as viseme
from lipsync_core.errors import PluginUnavailable
from lipsync_core.networks.onnx_session import OnnxSession

MODEL = Path(viseme.__file__).parent / "visemes.onnx"


def opened(path: Path = MODEL, device: str = "cpu") -> OnnxSession:
    return OnnxSession(path, device, 1, "Visemes", "`make it`")


def test_inputs_are_found_by_their_shape():
    session = opened()
    told = session._session.get_inputs()[0]
    name, batch = session.input(tuple(told.shape[1:]))
    assert name == told.name
    shape = [d if isinstance(d, int) else 2 for d in told.shape]
    made = session.run({name: np.zeros(shape, np.float32)})
    assert made.dtype == np.float32
    assert batch == told.shape[0]


def test_other_models_and_files_are_refused(tmp_path: Path):
    with pytest.raises(
        PluginUnavailable, match=r"is not Visemes's: it has no float32 input"
    ) as error:
        opened().input((5, 7))
    assert "`make it`" in error.value.hint
    with pytest.raises(PluginUnavailable, match="its output is no cat"):
        opened().demand_output((1, 2, 3), "cat")
    (tmp_path / "damaged.onnx").write_bytes(b"no model")
    with pytest.raises(PluginUnavailable, match=r"damaged\.onnx cannot be opened"):
        opened(tmp_path / "damaged.onnx")


def test_a_gpu_that_cannot_be_used_is_told():
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("there is one")
    with pytest.raises(PluginUnavailable, match="Visemes cannot run: the onnxruntime"):
        opened(device="cuda")
