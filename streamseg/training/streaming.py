"""Layers that keep their left context as explicit state, so that a stream equals one long block.

Each layer takes and returns its state; the state of a stream's start is zeros, and training begins
every crop with it, so a network knows how a stream starts. Time is axis 2 throughout.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


def last(x: Tensor, frames: int) -> Tensor:
    """The last frames along axis 2, of which there are as many. Counted from the end, they need no
    arithmetic of shapes in the graph, which costs a short call as much as a convolution.
    """
    return x[:, :, -frames:] if frames else x[:, :, :0]


class CausalConv2d(nn.Module):
    """Convolution over (batch, channels, time, frequency): causal in time, "same" in frequency.

    With a time stride, a call takes a multiple of it.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: tuple[int, int],
        stride: tuple[int, int] = (1, 1),
        pad_frequency: bool = True,
        bias: bool = False,
    ) -> None:
        super().__init__()
        self.context = kernel[0] - stride[0]
        self.inputs = inputs
        padding = (0, kernel[1] // 2 if pad_frequency else 0)
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=bias)

    def forward(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Shape: state is (batch, inputs, context, frequency)."""
        x = torch.cat((state, x), dim=2)
        return self.conv(x), last(x, self.context)


class CausalConv1d(nn.Module):
    """Convolution over (batch, channels, time), causal."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, dilation: int = 1, groups: int = 1
    ) -> None:
        super().__init__()
        self.context = (kernel - 1) * dilation
        self.inputs = inputs
        self.conv = nn.Conv1d(inputs, outputs, kernel, 1, 0, dilation, groups, bias=False)

    def forward(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Shape: state is (batch, inputs, context)."""
        x = torch.cat((state, x), dim=2)
        return self.conv(x), last(x, self.context)


class SlidingMean(nn.Module):
    """Mean over the last ``size`` frames of (batch, time, classes)."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Shape: state is (batch, size - 1, classes)."""
        x = torch.cat((state, x), dim=1)
        mean = nn.functional.avg_pool1d(x.transpose(1, 2), self.size, 1).transpose(1, 2)
        return mean, x[:, x.shape[1] - (self.size - 1) :]


class Network(nn.Module):
    """Contract of all trained networks.

    ``forward(features, *states)`` takes (batch, frames, bands) and returns the outputs named in
    ``outputs`` followed by the next states in the order of ``state_shapes``.
    """

    stem: str
    stride: int
    block: int = 1
    """A call takes a multiple of so many feature frames, too."""
    half_weights: bool = False
    """The graph holds weights as float16: half of the file."""
    outputs: tuple[tuple[str, int], ...]
    """Name and look-ahead in feature frames of each output."""
    state_shapes: tuple[tuple[int, ...], ...]

    def start(self, batch: int) -> list[Tensor]:
        """The states at the start of a stream."""
        return [torch.zeros(batch, *shape, device=self.device) for shape in self.state_shapes]

    @property
    def device(self) -> torch.device:
        """Where the weights lie."""
        return next(self.parameters()).device

    @property
    def call_frames(self) -> int:
        """Feature frames that a call takes a multiple of."""
        return math.lcm(self.stride, self.block)

    def parameters_count(self) -> int:
        """Trained numbers."""
        return sum(p.numel() for p in self.parameters() if p.requires_grad)


_COUNTED = nn.Conv1d | nn.Conv2d | nn.ConvTranspose2d | nn.Linear


def macs_per_s(network: Network, bands: int, frames_per_s: float) -> float:
    """Multiplications of all convolutions and dense layers for a second of audio, by hooks."""
    total = 0.0

    def count(module: nn.Module, given: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal total
        if isinstance(module, nn.ConvTranspose2d):  # every input goes through its whole kernel
            total += float(given[0].numel()) * module.weight[0].numel()
        elif isinstance(module, _COUNTED):
            per_output = module.weight[0].numel()
            total += float(output.numel()) * per_output

    hooks = [m.register_forward_hook(count) for m in network.modules() if isinstance(m, _COUNTED)]
    frames = network.call_frames * (50 if network.block == 1 else 1)
    with torch.no_grad():
        network(torch.zeros(1, frames, bands), *network.start(1))
    for hook in hooks:
        hook.remove()
    return total / frames * frames_per_s
