"""``frame_conv``: the all-convolutional network of Bhatia and Thakur (MIREX 2018), streaming.

Pairs of a 5 x 5 convolution (16 filters, stride 1) and learned pooling, a convolution with stride
along frequency: 5 x 1 once and 2 x 1 three times bring 40 bands to 1. Then 1 x 1 convolutions with
196 filters (sigmoid) and one filter a class, softmax, mean over ten frames.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from streamseg.training.fronts import FRAME_CONV
from streamseg.training.streaming import CausalConv2d, Network, SlidingMean

FILTERS = 16
POOLS = (5, 2, 2, 2)
TOGETHER = 10  # frames whose scores are averaged: "10 frames at a time"
# The middle of what an answer has heard: 8 of the 16 context frames of four 5 x 5 convolutions,
# and the middle of the ten averaged frames.
LOOKAHEAD_FRAMES = 8 + 5


class FrameConv(Network):
    """See the module; features are normalised as ``fronts.FRAME_CONV`` says."""

    stem = "frame_conv"
    stride = 1
    outputs = (("prob", LOOKAHEAD_FRAMES),)

    def __init__(self) -> None:
        super().__init__()
        bands, inputs = FRAME_CONV.n_mels, 1
        convolutions, pools, states = [], [], []
        for pool in POOLS:
            convolutions.append(CausalConv2d(inputs, FILTERS, (5, 5), bias=True))
            pools.append(nn.Conv2d(FILTERS, FILTERS, (1, pool), (1, pool)))
            states.append((inputs, 4, bands))
            bands, inputs = bands // pool, FILTERS
        self.convolutions = nn.ModuleList(convolutions)
        self.pools = nn.ModuleList(pools)
        self.dense = nn.Conv2d(FILTERS, 196, 1)
        self.classes = nn.Conv2d(196, 3, 1)
        self.mean = SlidingMean(TOGETHER)
        self.state_shapes = (*states, (TOGETHER - 1, 3))

    def forward(self, features: Tensor, *states: Tensor) -> tuple[Tensor, ...]:
        """Mean softmax scores (batch, frames, 3) and the next states."""
        x = features.unsqueeze(1)
        after = []
        for conv, pool, state in zip(self.convolutions, self.pools, states[:4], strict=True):
            x, kept = conv(x, state)
            after.append(kept)
            x = torch.relu(pool(torch.relu(x)))
        x = torch.sigmoid(self.dense(x))
        x = torch.softmax(self.classes(x), dim=1).squeeze(3).transpose(1, 2)
        mean, kept = self.mean(x, states[4])
        return mean, *after, kept

    @property
    def receptive_field_s(self) -> float:
        """Frames of the convolutions and of the mean."""
        frames = 4 * 4 + 1 + TOGETHER - 1
        return (frames - 1) * FRAME_CONV.hop_s + FRAME_CONV.n_fft / FRAME_CONV.rate_hz
