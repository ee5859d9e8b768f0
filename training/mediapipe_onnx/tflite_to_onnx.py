"""Translates the TFLite networks of MediaPipe's face solutions to ONNX, operator by operator.

Only the operators that those networks use are known; anything else is an error. TFLite is NHWC,
ONNX is NCHW: every 4-D tensor is transposed once, on the way in, and the graph stays NCHW inside.
"SAME" padding, which TensorFlow makes asymmetric for even sizes, is written out as numbers.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import onnx
import tflite
from onnx import TensorProto, helper, numpy_helper

Attribute: TypeAlias = int | list[int]
Record: TypeAlias = Any
"""A table of the flatbuffer; the generated readers carry no types."""

OPERATOR_NAMES = {
    getattr(tflite.BuiltinOperator, name): name
    for name in dir(tflite.BuiltinOperator)
    if name.isupper()
}
DTYPES = {0: np.float32, 1: np.float16, 2: np.int32, 3: np.uint8, 4: np.int64}
SMALL = 64
"""Tensors up to this many values stay fp32: nothing to save, and biases keep their digits."""


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """TensorFlow's SAME padding along one axis: (before, after)."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


class Converter:
    """One TFLite file, read once; `convert` cuts a piece out of it and writes it as ONNX."""

    def __init__(self, path: Path) -> None:
        self.model = tflite.Model.GetRootAsModel(path.read_bytes(), 0)
        self.graph = self.model.Subgraphs(0)
        self.shapes: dict[int, list[int]] = {}
        self.constants: dict[int, np.ndarray] = {}
        for i in range(self.graph.TensorsLength()):
            tensor = self.graph.Tensors(i)
            shape = [int(v) for v in tensor.ShapeAsNumpy()] if tensor.ShapeLength() else []
            self.shapes[i] = shape
            buffer = self.model.Buffers(tensor.Buffer())
            if buffer.DataLength():
                raw = np.frombuffer(bytes(buffer.DataAsNumpy()), DTYPES[tensor.Type()])
                self.constants[i] = raw.reshape(shape)
        self.producer = {
            int(out): k
            for k in range(self.graph.OperatorsLength())
            for out in self.graph.Operators(k).OutputsAsNumpy()
        }

    def convert(self, target: Path, inputs: dict[int, str], outputs: dict[int, str]) -> None:
        """Write the piece between `inputs` and `outputs` (tensor number -> name) to `target`."""
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self.names = {**inputs, **outputs}
        for k in sorted(self._needed(inputs, outputs)):
            self._operator(k)
        graph = helper.make_graph(
            self.nodes,
            target.stem,
            [self._value_info(i) for i in inputs],
            [self._value_info(i) for i in outputs],
            self.initializers,
        )
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name=""
        )
        onnx.checker.check_model(model)
        onnx.save(model, target)

    def _needed(self, inputs: dict[int, str], outputs: dict[int, str]) -> set[int]:
        needed: set[int] = set()
        todo = list(outputs)
        while todo:
            tensor = todo.pop()
            k = self.producer.get(tensor)
            if tensor in inputs or k is None or k in needed:
                continue
            needed.add(k)
            todo += [int(v) for v in self.graph.Operators(k).InputsAsNumpy()]
        return needed

    def _name(self, tensor: int) -> str:
        return self.names.get(tensor, f"t{tensor}")

    def _value_info(self, tensor: int) -> onnx.ValueInfoProto:
        s = self.shapes[tensor]
        shape = [s[0], s[3], s[1], s[2]] if len(s) == 4 else s
        return helper.make_tensor_value_info(self._name(tensor), TensorProto.FLOAT, shape)

    def _constant(self, value: np.ndarray, exact: bool = False) -> str:
        name = f"c{len(self.initializers)}"
        value = np.ascontiguousarray(value)
        if value.dtype == np.float32 and value.size > SMALL and not exact:
            # fp16 on disk, fp32 in the arithmetic; onnxruntime folds the Cast when it loads.
            half = numpy_helper.from_array(value.astype(np.float16), f"{name}_fp16")
            self.initializers.append(half)
            self.nodes.append(helper.make_node("Cast", [half.name], [name], to=TensorProto.FLOAT))
        else:
            self.initializers.append(numpy_helper.from_array(value, name))
        return name

    def _emit(self, kind: str, inputs: list[str], output: str, **attributes: Attribute) -> None:
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))

    def _emit_activated(
        self, kind: str, inputs: list[str], output: str, activation: int, **attributes: Attribute
    ) -> None:
        if activation == tflite.ActivationFunctionType.NONE:
            self._emit(kind, inputs, output, **attributes)
        elif activation == tflite.ActivationFunctionType.RELU:
            self._emit(kind, inputs, f"{output}_linear", **attributes)
            self._emit("Relu", [f"{output}_linear"], output)
        else:
            raise ValueError(f"activation {activation} is not known")

    def _operator(self, k: int) -> None:
        op = self.graph.Operators(k)
        code = self.model.OperatorCodes(op.OpcodeIndex())
        kind = OPERATOR_NAMES[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
        ins = [int(v) for v in op.InputsAsNumpy()]
        out = int(op.OutputsAsNumpy()[0])
        options = op.BuiltinOptions()
        match kind:
            case "DEQUANTIZE":
                self.constants[out] = self.constants[ins[0]].astype(np.float32)
            case "CONV_2D":
                self._convolution(ins, out, self._options(tflite.Conv2DOptions(), options))
            case "DEPTHWISE_CONV_2D":
                self._convolution(ins, out, self._options(tflite.DepthwiseConv2DOptions(), options))
            case "PRELU":
                self._prelu(ins[0], self.constants[ins[1]].astype(np.float32).reshape(-1), out)
            case "RELU":
                self._emit("Relu", [self._name(ins[0])], self._name(out))
            case "ADD":
                activation = self._options(tflite.AddOptions(), options).FusedActivationFunction()
                names = [self._name(i) for i in ins]
                self._emit_activated("Add", names, self._name(out), activation)
            case "MAX_POOL_2D":
                self._max_pool(ins[0], out, self._options(tflite.Pool2DOptions(), options))
            case "PAD":
                pads = self.constants[ins[1]][[0, 3, 1, 2]]
                flat = np.concatenate([pads[:, 0], pads[:, 1]]).astype(np.int64)
                self._emit("Pad", [self._name(ins[0]), self._constant(flat)], self._name(out))
            case "RESHAPE":
                name = self._name(out)
                self._emit("Transpose", [self._name(ins[0])], f"{name}_nhwc", perm=[0, 2, 3, 1])
                shape = self._constant(np.array(self.shapes[out], np.int64))
                self._emit("Reshape", [f"{name}_nhwc", shape], name)
            case "CONCATENATION":
                self._emit("Concat", [self._name(i) for i in ins], self._name(out), axis=1)
            case _:
                raise ValueError(f"operator {kind} is not known")

    @staticmethod
    def _options(record: Record, raw: Record) -> Record:
        record.Init(raw.Bytes, raw.Pos)
        return record

    def _pads(self, tensor: int, kernel: tuple[int, int], options: Record) -> list[int]:
        if options.Padding() != tflite.Padding.SAME:
            return [0, 0, 0, 0]
        height, width = self.shapes[tensor][1:3]
        top, bottom = same_padding(height, kernel[0], options.StrideH())
        left, right = same_padding(width, kernel[1], options.StrideW())
        return [top, left, bottom, right]

    def _convolution(self, ins: list[int], out: int, options: Record) -> None:
        depthwise = isinstance(options, tflite.DepthwiseConv2DOptions)
        weights = self.constants[ins[1]].astype(np.float32)
        weights = weights.transpose((3, 0, 1, 2) if depthwise else (0, 3, 1, 2))
        kernel = (weights.shape[2], weights.shape[3])
        bias = self.constants[ins[2]].astype(np.float32)
        self._emit_activated(
            "Conv",
            [self._name(ins[0]), self._constant(weights), self._constant(bias)],
            self._name(out),
            options.FusedActivationFunction(),
            kernel_shape=list(kernel),
            strides=[options.StrideH(), options.StrideW()],
            pads=self._pads(ins[0], kernel, options),
            group=weights.shape[0] if depthwise else 1,
        )

    def _prelu(self, source: int, slope: np.ndarray, out: int) -> None:
        """PReLU as slope * x + (1 - slope) * relu(x), with 1x1 depthwise convolutions.

        onnxruntime has no blocked kernel for PRelu: the operator alone took half of the mesh network's
        time, and the reordering around it a fifth. So written the network takes a third (3.6 -> 1.2 ms
        on one core), and its outputs differ by no more than rounding (3e-5 px).
        """
        name, channels = self._name(out), len(slope)
        self._emit("Relu", [self._name(source)], f"{name}_relu")
        for part, given, factor in (
            ("linear", self._name(source), slope),
            ("positive", f"{name}_relu", 1 - slope),
        ):
            weights = self._constant(factor.reshape(channels, 1, 1, 1), exact=True)
            shape = {"kernel_shape": [1, 1], "group": channels}
            self._emit("Conv", [given, weights], f"{name}_{part}", **shape)
        self._emit("Add", [f"{name}_linear", f"{name}_positive"], name)

    def _max_pool(self, source: int, out: int, options: Record) -> None:
        kernel = (options.FilterHeight(), options.FilterWidth())
        self._emit(
            "MaxPool",
            [self._name(source)],
            self._name(out),
            kernel_shape=list(kernel),
            strides=[options.StrideH(), options.StrideW()],
            pads=self._pads(source, kernel, options),
        )
