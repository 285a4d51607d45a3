"""Convolutions along time as convolutions of pictures one pixel high: the same sums, twice as fast.

onnxruntime has fast kernels (blocks of channels side by side, fused with what follows) for
convolutions of four dimensions only; one of three, (batch, channels, time), goes channel by channel
through a general product of matrices. So every such convolution of a graph, and what lies between
two of them, gets an axis of length one, and states and outputs lose it again: inputs, outputs and
weights stay what they were. Where a graph has none of them nothing changes.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import helper, numpy_helper

_ALONG = frozenset({"Relu", "Add", "Concat", "Slice"})
"""Work the same with one axis more, as long as they know where time went."""

_CHANNELS, _HEIGHT, _TIME = 1, 2, 3  # of (batch, channels, height, time)


def lifted(graph: bytes) -> bytes:
    """The same network, ONNX to ONNX."""
    model = onnx.load_from_string(graph)
    _Lift(model.graph).apply()
    onnx.checker.check_model(model)
    data: bytes = model.SerializeToString()
    return data


class _Lift:
    """One graph on its way; names of four-dimensional values end in ``_4d``."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self._graph = graph
        self._fixed = {one.name: one for one in graph.initializer}
        self._known = set(self._fixed)
        self._known |= {node.output[0] for node in graph.node if node.op_type == "Constant"}
        self._high = self._spread()
        self._changed = {node.output[0] for node in graph.node if self._lifts(node)}
        self._out: list[onnx.NodeProto] = []
        self._raised: set[str] = set()

    def _spread(self) -> set[str]:
        """Names of the values that get an axis: around the convolutions, and between them."""
        high: set[str] = set()
        nodes = [node for node in self._graph.node if self._convolves(node)]
        for node in nodes:
            high |= {node.input[0], node.output[0]}
        grown = -1
        while grown != len(high):
            grown = len(high)
            for node in self._graph.node:
                values = {*self._values(node), *node.output}
                if node.op_type in _ALONG and values & high and not values & self._known:
                    high |= values
        return high

    def _convolves(self, node: onnx.NodeProto) -> bool:
        return node.op_type == "Conv" and len(self._fixed[node.input[1]].dims) == 3

    def _values(self, node: onnx.NodeProto) -> list[str]:
        """The inputs that are signals, not weights or bounds."""
        return list(node.input) if node.op_type in ("Add", "Concat") else list(node.input[:1])

    def _lifts(self, node: onnx.NodeProto) -> bool:
        return node.op_type in (*_ALONG, "Conv") and node.output[0] in self._high

    def apply(self) -> None:
        """Change the graph in place."""
        if not self._high:
            return
        for name, axis in (("axis_of_height", _HEIGHT), ("axis_of_time", _TIME)):
            value = numpy_helper.from_array(np.array([axis]), name)
            self._graph.initializer.append(value)
        wanted = {one.name for one in self._graph.output}
        wanted |= {name for n in self._graph.node if not self._lifts(n) for name in n.input}
        for node in list(self._graph.node):
            if not self._lifts(node):
                self._out.append(node)
                continue
            self._change(node)
            name = node.output[0]
            node.output[0] = f"{name}_4d"
            self._out.append(node)
            if name in wanted:
                squeeze = helper.make_node("Squeeze", [f"{name}_4d", "axis_of_height"], [name])
                self._out.append(squeeze)
        del self._graph.node[:]
        self._graph.node.extend(self._out)

    def _change(self, node: onnx.NodeProto) -> None:
        for index in range(len(self._values(node))):
            node.input[index] = self._raise(node.input[index])
        if node.op_type == "Conv":
            self._widen(node)
        elif node.op_type == "Concat":
            assert node.attribute[0].i in (1, 2, -1), "channels or time are put together"
            if node.attribute[0].i != _CHANNELS:
                node.attribute[0].i = _TIME
        elif node.op_type == "Slice":
            node.input[3] = "axis_of_time"

    def _widen(self, node: onnx.NodeProto) -> None:
        weights = self._fixed[node.input[1]]
        if len(weights.dims) == 3:  # weights may be shared
            flat = numpy_helper.to_array(weights)
            weights.CopyFrom(numpy_helper.from_array(flat[:, :, None], weights.name))
        for attribute in node.attribute:
            values = list(attribute.ints)
            if attribute.name in ("dilations", "strides", "kernel_shape"):
                attribute.ints[:] = [1, *values]
            elif attribute.name == "pads":
                attribute.ints[:] = [0, values[0], 0, values[1]]

    def _raise(self, name: str) -> str:
        """The value with its axis; made here where it does not come with one."""
        high = f"{name}_4d"
        if name not in self._changed | self._raised:
            self._raised.add(name)
            self._out.append(helper.make_node("Unsqueeze", [name, "axis_of_height"], [high]))
        return high
