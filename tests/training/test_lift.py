"""Convolutions along time get an axis of height, and nothing else changes."""

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from streamseg.training.activity import Activity
from streamseg.training.frame_conv import FrameConv
from streamseg.training.lift import lifted
from streamseg.training.streaming import CausalConv1d


class Small(nn.Module):
    """A dilated depthwise convolution with state, a residual mix of both, and one more look at it.

    The input is wanted both by a convolution and by an operator that knows no axis of height.
    """

    def __init__(self) -> None:
        super().__init__()
        self.time = CausalConv1d(6, 6, 3, 2, groups=6)
        self.mix = nn.Conv1d(12, 6, 1)

    def forward(self, x: torch.Tensor, state: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Shape: x is (batch, 6, frames), state (batch, 6, 4)."""
        y, after = self.time(x, state)
        y = torch.relu(x + self.mix(torch.cat((y, x), dim=1)))
        return y.transpose(1, 2) + x.mean(dim=2, keepdim=True).transpose(1, 2), after


def exported(network: nn.Module, path, *inputs: torch.Tensor) -> bytes:
    """ONNX as ``training.export`` writes it, but for what is under test."""
    torch.onnx.export(
        network,
        inputs,
        path,
        input_names=["x", "state"],
        output_names=["y", "next_state"],
        dynamic_axes={"x": {0: "batch", 2: "frames"}, "state": {0: "batch"}},
        opset_version=17,
        dynamo=False,
    )
    return path.read_bytes()


def run(graph: bytes, **feeds: np.ndarray) -> list[np.ndarray]:
    """All outputs of a graph."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    return session.run(None, feeds)


def ranks(graph: bytes) -> set[int]:
    """Dimensions of the weights of all convolutions."""
    found = onnx.load_from_string(graph).graph
    dims = {one.name: len(one.dims) for one in found.initializer}
    return {dims[node.input[1]] for node in found.node if node.op_type == "Conv"}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
def test_the_lifted_graph_gives_the_same_numbers(tmp_path) -> None:
    """Outputs and next states agree for other sizes than the one it was exported with."""
    torch.manual_seed(0)
    graph = exported(
        Small().eval(), tmp_path / "a.onnx", torch.zeros(2, 6, 8), torch.zeros(2, 6, 4)
    )
    changed = lifted(graph)
    assert ranks(graph) == {3}
    assert ranks(changed) == {4}
    rng = np.random.default_rng(1)
    feeds = {
        "x": rng.normal(size=(3, 6, 11)).astype(np.float32),
        "state": rng.normal(size=(3, 6, 4)).astype(np.float32),
    }
    for got, want in zip(run(changed, **feeds), run(graph, **feeds), strict=True):
        assert got.shape == want.shape
        np.testing.assert_allclose(got, want, atol=1e-5)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
def test_a_graph_without_such_convolutions_stays_as_it_is(tmp_path) -> None:
    """Not a byte of a network of pictures changes."""

    class Picture(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(1, 2, 3)

        def forward(self, x: torch.Tensor, state: torch.Tensor) -> tuple[torch.Tensor, ...]:
            return self.conv(x), state + 1

    graph = exported(Picture(), tmp_path / "b.onnx", torch.zeros(1, 1, 8, 8), torch.zeros(1, 2))
    assert lifted(graph) == graph


@pytest.mark.parametrize("kind", [Activity, FrameConv])
def test_no_network_is_exported_with_convolutions_of_three_dimensions(kind) -> None:
    """The export lifts them: onnxruntime would take twice as long."""
    from streamseg.training.export import graph_bytes

    bands = 80 if kind is Activity else 40
    assert ranks(graph_bytes(kind().eval(), bands)) == {4}
