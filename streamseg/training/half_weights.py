"""Weights of a large graph as float16, half of the file: it computes in float32 as before.

onnxruntime turns them back when it loads the graph. Round the network first (``rounded``), and the
graph is exactly it.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from torch import nn

LEAST = 1024  # numbers of a tensor that is worth it


def rounded(network: nn.Module) -> None:
    """Every weight becomes the nearest float16, still held as float32."""
    network.half().float()


def halved(graph: bytes) -> bytes:
    """The same network, ONNX to ONNX. Raises ValueError where float16 would lose a weight."""
    model = onnx.load_from_string(graph)
    casts: list[onnx.NodeProto] = []
    for index, tensor in enumerate(model.graph.initializer):
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < LEAST:
            continue
        half = values.astype(np.float16)
        if not np.array_equal(half.astype(np.float32), values):
            raise ValueError(f"expected weights rounded to float16, {tensor.name} is not")
        name = f"{tensor.name}_float16"
        casts.append(helper.make_node("Cast", [name], [tensor.name], to=TensorProto.FLOAT))
        model.graph.initializer[index].CopyFrom(numpy_helper.from_array(half, name))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.checker.check_model(model)
    data: bytes = model.SerializeToString()
    return data
