"""``window_mask``: the 64 x 256 observation window of the paper on music and noise, streaming.

Four times a 3 x 3 convolution without padding (32 maps), a 2 x 2 max-pool and a rectifier bring a
window of 64 bins x 256 frames to 2 x 14; dropout and a dense layer of that size decide. The pools
make a stride of 16 pixels on both axes, which is the paper's shift: the sliding window is one fully
convolutional pass, and what a window shares with its neighbours is computed once.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy

import torch
from torch import Tensor, nn

from streamseg.training.fronts import WINDOW_MASK
from streamseg.training.streaming import CausalConv2d, Network, last

MAPS = 32
UNIT = 16  # pixels of a shift, 2 ** 4
WINDOW_FRAMES, WINDOW_BINS = 256, 64
DROPPED = 0.1  # the paper gives no share
COLUMNS, ROWS = 14, 2  # what four layers leave of a window
POSITIONS = (WINDOW_MASK.n_mels - WINDOW_BINS) // UNIT + 1  # 9, the paper's M
WARM_STEPS = WINDOW_FRAMES // UNIT - 1  # 15 steps of a stream end before a whole window has passed

# Two columns of delay put the pools of a stream in step with those of a window: pool k of layer 2
# starts at column 2 k + 1 of layer 1 otherwise. The last two columns of a window are lost in the
# pools of any order (125 columns give 62), so the delay costs no answer anything.
_DELAY = 2


class WindowMask(Network):
    """See the module; features are decibels as ``fronts.WINDOW_MASK`` gives them.

    Step j of ``prob`` (batch, frames / 16, 9, 3) is the softmax of the windows that hold the frames
    ``16 * j - 240`` to ``16 * j + 15``; position m of a step holds the bins from ``16 * m`` on. The
    first 15 steps of a stream reach before its start and mean nothing.
    """

    stem = "window_mask"
    stride = UNIT
    outputs = (("prob", 0),)

    def __init__(self) -> None:
        super().__init__()
        bins, inputs = WINDOW_MASK.n_mels, 1
        convolutions: list[CausalConv2d] = []
        norms: list[nn.Module] = []
        states: list[tuple[int, ...]] = []
        for index in range(4):
            convolutions.append(CausalConv2d(inputs, MAPS, (3, 3), (1, 1), False, bias=True))
            states.append((inputs, 2 + _DELAY * (index == 0), bins))
            norms.append(_norm())
            bins, inputs = (bins - 2) // 2, MAPS
        self.convolutions = nn.ModuleList(convolutions)
        self.norms = nn.ModuleList(norms)
        self.drop = nn.Dropout(DROPPED)
        self.window = CausalConv2d(MAPS, 3, (COLUMNS, ROWS), (1, 1), False, bias=True)
        self.state_shapes = (*states, (MAPS, COLUMNS - 1, bins))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                assert module.bias is not None
                nn.init.zeros_(module.bias)
        # Kernels that sum to zero see differences of level, not level, from the first step on: in
        # short runs that saved half of the steps.
        first = convolutions[0].conv.weight
        with torch.no_grad():
            first -= first.mean(dim=(2, 3), keepdim=True)
        nn.init.normal_(self.window.conv.weight, std=0.003)  # 896 inputs: start undecided
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # see logits

    def forward(self, features: Tensor, *states: Tensor) -> tuple[Tensor, ...]:
        """Probabilities (batch, frames / 16, 9, 3) and the next states."""
        x = torch.cat((states[0], scaled(features)), dim=2)
        after = [last(x, self.state_shapes[0][1])]
        x = x[:, :, :-_DELAY]
        for index, (layer, norm) in enumerate(self._layers()):
            if index == 0:
                x = layer.conv(x)
            else:
                x, kept = layer(x, states[index])
                after.append(kept)
            x = torch.relu(norm(nn.functional.max_pool2d(x, 2)))
        x, kept = self.window(self.drop(x), states[-1])
        return torch.softmax(x.permute(0, 2, 3, 1), dim=3), *after, kept

    def logits(self, features: Tensor) -> Tensor:
        """All whole windows of (batch, frames, bins), before the softmax, without streaming.

        Shape: (batch, (frames - 256) / 16 + 1, (bins - 64) / 16 + 1, 3). Training runs this; with
        exactly one window it is the paper's network as printed.
        """
        x = scaled(features)
        for layer, norm in self._layers():
            # What has one channel is in any order; from its maps on, channels last is three times
            # as fast in the pool.
            x = layer.conv(x).contiguous(memory_format=torch.channels_last)
            x = torch.relu(norm(nn.functional.max_pool2d(x, 2)))
        scores: Tensor = self.window.conv(self.drop(x))
        return scores.permute(0, 2, 3, 1)

    def _layers(self) -> Iterator[tuple[CausalConv2d, nn.Module]]:
        for layer, norm in zip(self.convolutions, self.norms, strict=True):
            assert isinstance(layer, CausalConv2d)
            yield layer, norm

    def folded(self) -> WindowMask:
        """The same network with the norms inside the convolutions: the paper's layers, no more.

        A norm without a scale of its own divides by a positive number, which commutes with the
        maximum of a pool: the equality is exact.
        """
        network = deepcopy(self).eval()
        for index, (layer, norm) in enumerate(network._layers()):
            if isinstance(norm, nn.BatchNorm2d):
                weight, bias = layer.conv.weight, layer.conv.bias
                assert norm.running_mean is not None
                assert norm.running_var is not None
                assert bias is not None
                gain = torch.rsqrt(norm.running_var + norm.eps)
                with torch.no_grad():
                    weight *= gain[:, None, None, None]
                    bias.copy_((bias - norm.running_mean) * gain + norm.bias)
                network.norms[index] = nn.Identity()
        return network

    @property
    def receptive_field_s(self) -> float:
        """A window's length."""
        return ((WINDOW_FRAMES - 1) * WINDOW_MASK.hop + WINDOW_MASK.n_fft) / WINDOW_MASK.rate_hz


def _norm() -> nn.BatchNorm2d:
    """Batch normalisation with a trained shift and no scale (the next convolution has one)."""
    norm = nn.BatchNorm2d(MAPS)
    norm.weight.requires_grad_(False)
    return norm


def scaled(features: Tensor) -> Tensor:
    """Decibels (batch, frames, bins) to about -2..2, (batch, 1, frames, bins)."""
    return ((features + 50.0) * 0.04).unsqueeze(1)
