"""Opens one of the bundled networks: onnxruntime, CPU, quiet."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import onnxruntime

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MODELS = Path(__file__).parent / "models"


class Network:
    """One ONNX file of `models/`; arrays by name in, arrays in declared order out."""

    def __init__(self, file: str, threads: int = 1) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Spinning workers would steal the cores of decoder and encoder between two frames.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(
            str(MODELS / file), options, providers=["CPUExecutionProvider"]
        )
        self._outputs = [output.name for output in self._session.get_outputs()]

    def run(self, inputs: Mapping[str, NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        """All outputs for one set of inputs."""
        outputs: list[NDArray[np.float32]] = self._session.run(self._outputs, dict(inputs))
        return outputs
