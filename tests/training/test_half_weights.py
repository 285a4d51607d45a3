"""Half of the file, the same network."""

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from streamseg.training.half_weights import halved, rounded


def graph_of(weights: np.ndarray, bias: np.ndarray) -> bytes:
    """``x @ weights + bias``."""
    x, y = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 64]) for name in ("x", "y")
    )
    nodes = [
        helper.make_node("MatMul", ["x", "weights"], ["product"]),
        helper.make_node("Add", ["product", "bias"], ["y"]),
    ]
    fixed = [numpy_helper.from_array(weights, "weights"), numpy_helper.from_array(bias, "bias")]
    graph = helper.make_graph(nodes, "test", [x], [y], fixed)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    data: bytes = made.SerializeToString()
    return data


def answer(graph: bytes, x: np.ndarray) -> np.ndarray:
    """What onnxruntime makes of it."""
    session = ort.InferenceSession(graph, providers=["CPUExecutionProvider"])
    result: np.ndarray = session.run(["y"], {"x": x})[0]
    return result


@pytest.fixture
def weights() -> np.ndarray:
    """64 x 64 of ordinary size, rounded to float16."""
    random = np.random.default_rng(1)
    return random.normal(0, 0.3, (64, 64)).astype(np.float16).astype(np.float32)


def test_a_halved_graph_gives_the_very_same_answers(weights: np.ndarray) -> None:
    """To the last bit, from half of the bytes; small tensors stay as they are."""
    bias = np.full(64, 1 / 3, np.float32)  # no float16
    whole = graph_of(weights, bias)
    half = halved(whole)
    x = np.random.default_rng(2).normal(0, 1, (5, 64)).astype(np.float32)
    np.testing.assert_array_equal(answer(half, x), answer(whole, x))
    assert len(half) < 0.6 * len(whole)
    kinds = {one.name: one.data_type for one in onnx.load_from_string(half).graph.initializer}
    assert kinds == {"weights_float16": TensorProto.FLOAT16, "bias": TensorProto.FLOAT}


def test_weights_that_float16_would_change_are_refused(weights: np.ndarray) -> None:
    """Round them first: nothing is lost in silence."""
    with pytest.raises(ValueError, match="expected weights rounded to float16, weights is not"):
        halved(graph_of(weights + np.float32(1e-6), np.zeros(64, np.float32)))


def test_a_rounded_network_computes_in_float32_with_weights_of_float16() -> None:
    """And is near what it was."""
    layer = torch.nn.Linear(64, 64)
    before = layer.weight.detach().clone()
    rounded(layer)
    assert layer.weight.dtype == torch.float32
    assert torch.equal(layer.weight.half().float(), layer.weight)
    torch.testing.assert_close(layer.weight.detach(), before, rtol=1e-3, atol=1e-6)
