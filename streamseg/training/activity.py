"""``activity``: independent probabilities of music, speech and noise, twice: early and confirmed.

Log-mel in, also as it stands above its own past; a strided convolution front sees harmonics and
onsets at 25 steps a second; residual separable temporal convolutions with growing dilation see
about ten seconds of past. All is causal: look-ahead is a delay of the answer, so the early and the
late answer come from one pass.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from streamseg.training.fronts import ACTIVITY
from streamseg.training.streaming import CausalConv1d, CausalConv2d, Network

PROVISIONAL_FRAMES = 20  # 0.40 s
CONFIRMED_FRAMES = 70  # 1.40 s


@dataclass(frozen=True, slots=True)
class Shape:
    """Size of the network; the variants tried are instances of it."""

    channels: tuple[int, ...] = (32, 36, 48, 64)
    width: int = 128
    early: tuple[int, ...] = (1, 2, 4, 8, 16, 1, 2, 4)
    """Dilations of the blocks before the provisional head (kernel 5 at 40 ms)."""
    late: tuple[int, ...] = (8, 16)
    """Dilations of the blocks between it and the confirmed head."""
    contrast: bool = True
    """Also give the network each frame without its mean level."""
    pasts: tuple[int, ...] = (12, 50, 200)
    """Also give it each band above its mean over so many feature frames before it, and itself."""


class _Block(nn.Module):
    """Residual: depthwise temporal convolution, then a mix of channels."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.time = CausalConv1d(width, width, 5, dilation, groups=width)
        self.time_norm = nn.BatchNorm1d(width)
        self.mix = nn.Conv1d(width, width, 1, bias=False)
        self.mix_norm = nn.BatchNorm1d(width)

    def forward(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        y, state = self.time(x, state)
        y = torch.relu(self.time_norm(y))
        return torch.relu(x + self.mix_norm(self.mix(y))), state


class Activity(Network):
    """See the module; features are decibels as ``fronts.ACTIVITY`` gives them."""

    stem = "activity"
    stride = 2
    outputs = (("provisional", PROVISIONAL_FRAMES), ("confirmed", CONFIRMED_FRAMES))

    def __init__(self, shape: Shape = Shape()) -> None:
        super().__init__()
        self.shape = shape
        bands = ACTIVITY.n_mels
        channels = (1 + shape.contrast + len(shape.pasts), *shape.channels)
        convolutions, norms = [], []
        states: list[tuple[int, ...]] = []
        for index in range(len(shape.channels)):
            kernel, stride = ((5, 5), (2, 2)) if index == 0 else ((3, 3), (1, 2))
            layer = CausalConv2d(channels[index], channels[index + 1], kernel, stride)
            convolutions.append(layer)
            norms.append(nn.BatchNorm2d(channels[index + 1]))
            states.append((channels[index], layer.context, bands))
            bands = (bands + 1) // 2
        self.front = nn.ModuleList(convolutions)
        self.front_norms = nn.ModuleList(norms)
        self.dense = nn.Conv1d(shape.channels[-1] * bands, shape.width, 1, bias=False)
        self.dense_norm = nn.BatchNorm1d(shape.width)
        self.early = nn.ModuleList(_Block(shape.width, d) for d in shape.early)
        self.late = nn.ModuleList(_Block(shape.width, d) for d in shape.late)
        states += [(shape.width, 4 * d) for d in (*shape.early, *shape.late)]
        self.keeps_past = bool(shape.pasts)
        """Whether the last state holds the frames before a call."""
        if shape.pasts:
            longest = max(shape.pasts) + 1
            states.append((longest, ACTIVITY.n_mels))
            windows = torch.zeros(len(shape.pasts), longest)
            for index, frames in enumerate(shape.pasts):
                windows[index, longest - frames - 1 :] = 1.0
            self.register_buffer("windows", windows, persistent=False)
            shares = torch.tensor([2.0 / (frames + 1) for frames in shape.pasts])
            self.register_buffer("shares", shares[:, None, None], persistent=False)
        self.state_shapes = tuple(states)
        self.drop = nn.Dropout(0.1)
        self.heads = nn.ModuleList(_head(shape.width) for _ in range(2))
        # Calibration, fitted on validation after training: logit * scale + shift.
        self.register_buffer("scale", torch.ones(2, 3))
        self.register_buffer("shift", torch.zeros(2, 3))

    def logits(self, features: Tensor, *states: Tensor) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Both heads before the sigmoid, (batch, frames / 2, 3), and the next states."""
        after: list[Tensor] = []
        pending = list(states)
        x, past = self._seen(features, pending.pop() if self.keeps_past else None)
        for conv, norm in zip(self.front, self.front_norms, strict=True):
            x, state = conv(x, pending.pop(0))
            after.append(state)
            x = torch.relu(norm(x))
        x = x.transpose(2, 3).flatten(1, 2)
        x = torch.relu(self.dense_norm(self.dense(x)))
        for block in self.early:
            x, state = block(x, pending.pop(0))
            after.append(state)
        early = self.heads[0](self.drop(x)).transpose(1, 2)
        x = self._longer(x, pending, after)
        late = self.heads[1](self.drop(x)).transpose(1, 2)
        return early, late, after if past is None else [*after, past]

    def _seen(self, features: Tensor, past: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Planes of the picture that the front looks at, (batch, planes, frames, bands), and the
        frames that the next call needs.
        """
        x = (features + 50.0) * 0.04
        planes = [x]
        if self.shape.contrast:
            planes.append((x - x.mean(dim=2, keepdim=True)) * 1.5)
        if past is None:
            return torch.stack(planes, dim=1), None
        # The sum over a window is that before the first frame, and what came since less what left:
        # as many steps as the call has frames, however long the window is.
        longest = max(self.shape.pasts) + 1
        heard = torch.cat((past, x), dim=1)
        begun = self.get_buffer("windows") @ past
        left = [heard[:, longest - frames - 1 : -(frames + 1)] for frames in self.shape.pasts]
        now = x.unsqueeze(1)
        sums = begun.unsqueeze(2) + (now - torch.stack(left, dim=1)).cumsum(dim=2)
        above = now * 2.0 - sums * self.get_buffer("shares")
        seen = torch.cat((torch.stack(planes, dim=1), above), dim=1)
        return seen, heard[:, -longest:]

    def _longer(self, x: Tensor, pending: list[Tensor], after: list[Tensor]) -> Tensor:
        """What the second head hears: more past. Takes its states, appends the next ones."""
        for block in self.late:
            x, state = block(x, pending.pop(0))
            after.append(state)
        return x

    def forward(self, features: Tensor, *states: Tensor) -> tuple[Tensor, ...]:
        """Calibrated probabilities and the next states."""
        early, late, after = self.logits(features, *states)
        scale, shift = self.get_buffer("scale"), self.get_buffer("shift")
        provisional = torch.sigmoid(early * scale[0] + shift[0])
        confirmed = torch.sigmoid(late * scale[1] + shift[1])
        return provisional, confirmed, *after

    @property
    def receptive_field_s(self) -> float:
        """Past and look-ahead that one answer can depend on."""
        blocks = sum(4 * d for d in (*self.shape.early, *self.shape.late))
        frames = 1 + 2 * blocks + 2 * 2 * (len(self.shape.channels) - 1) + 4
        frames += max(self.shape.pasts, default=0)
        return frames * ACTIVITY.hop_s + ACTIVITY.n_fft / ACTIVITY.rate_hz


def _head(width: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv1d(width, 48, 1), nn.ReLU(), nn.Conv1d(48, 3, 1))
