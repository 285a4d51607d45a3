"""``stem_unet_small``: four masks on a live spectrogram, drums, bass, other and vocals. Our own.

A U-Net along frequency only: three strided convolutions lead from 512 frequency units to 32, a
dense layer and ten residual blocks of dilated convolutions hold the time context (5.8 s), and the
way back meets what the way down saw. All is causal; the paths across are late by ``LOOKAHEAD``
frames, so that a mask is said when 0.19 s of what follows is known. Level falls out: every frame
is seen relative to the mean level of the three seconds before it, which a stream can know.

A head on the deep layers says where another piece or part begins: it needs to hear what follows
for longer, so its curve is later than the masks (``BOUNDARY_LOOKAHEAD``). It is trained on the
finished network (``stem_boundary``) and changes no mask.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from streamseg.frontend.units import BIN_UNITS, UNITS
from streamseg.training.fronts import STEM_UNET
from streamseg.training.streaming import CausalConv1d, CausalConv2d, Network, SlidingMean

STEMS = 4
LOOKAHEAD = 8  # frames: 0.19 s
BOUNDARY_LOOKAHEAD = 86  # frames: 2.0 s
LEVEL_FRAMES = 128  # 3.0 s
NOMINAL_DB = -20.0  # level of a frame of ordinary music, mean of its decibels
_CHANNELS = (24, 32, 48)
_DEEP = 184  # a million parameters and no more
_DILATIONS = (1, 2, 4, 8, 16, 1, 2, 4, 8, 16)
_KERNEL = 5
_HEAD = 40
_HEAD_DILATIONS = (1, 4, 16)
_CONTRASTS = (17, 43, 86)  # frames
_SHAPES = (UNITS // 4, UNITS // 8, UNITS // 16)  # frequency units behind each way down


class Delay(nn.Module):
    """Time axis 2, late by ``frames``."""

    def __init__(self, frames: int) -> None:
        super().__init__()
        self.frames = frames

    def forward(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Shape: state is as ``x`` with ``frames`` frames."""
        x = torch.cat((state, x), dim=2)
        return x[:, :, : -self.frames], x[:, :, -self.frames :]


class Block(nn.Module):
    """Residual: a dilated convolution of each channel, then a mix of all."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.along = CausalConv1d(channels, channels, _KERNEL, dilation, channels)
        self.norm = nn.BatchNorm1d(channels)
        self.mix = nn.Conv1d(channels, channels, 1)

    def forward(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Shape: (batch, channels, frames)."""
        y, after = self.along(x, state)
        return x + self.mix(torch.relu(self.norm(y))), after


class Up(nn.Module):
    """Twice or four times as many frequency units, together with what the way down saw there."""

    def __init__(self, inputs: int, outputs: int, factor: int) -> None:
        super().__init__()
        kernel = 2 * factor
        self.conv = nn.ConvTranspose2d(
            inputs, outputs, (1, kernel), (1, factor), (0, factor // 2), bias=False
        )
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor, across: Tensor) -> Tensor:
        """Shape: (batch, channels, frames, units), both with as many units."""
        return torch.relu(self.norm(self.conv(torch.cat((x, across), dim=1))))


class Contrast(nn.Module):
    """How far the mean of the last frames is from that of the frames before them, by channel."""

    def __init__(self, last: int, before: int) -> None:
        super().__init__()
        self.last = SlidingMean(last)
        self.before = SlidingMean(before)
        self.gap = last

    @property
    def context(self) -> int:
        """Frames of the state."""
        return self.gap + self.before.size - 1

    def forward(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Shape: (batch, frames, channels); state is as ``x`` with ``context`` frames."""
        joined = torch.cat((state, x), dim=1)
        size = self.gap - 1
        last, _ = self.last(x, joined[:, self.context - size : self.context])
        late = joined[:, : joined.shape[1] - self.gap]
        before, _ = self.before(late[:, self.before.size - 1 :], late[:, : self.before.size - 1])
        return torch.abs(last - before), joined[:, joined.shape[1] - self.context :]


class BoundaryHead(Network):
    """Deep layers of ``StemUnetSmall`` (batch, frames, 368) in; ``boundary`` (batch, frames, 1)
    out: near 1 where something else begins ``BOUNDARY_LOOKAHEAD`` frames before, else near 0.

    Beside forty channels of its own it is shown how far each has moved: the mean of the last 0.4,
    1 and 2 s against that of twice as long before.
    """

    stem = "stem_boundary"
    stride = 1
    outputs = (("boundary", BOUNDARY_LOOKAHEAD),)
    state_shapes = (
        *((last + 2 * last - 1, _HEAD) for last in _CONTRASTS),
        *((_HEAD, (_KERNEL - 1) * dilation) for dilation in _HEAD_DILATIONS),
    )

    def __init__(self) -> None:
        super().__init__()
        self.into = nn.Conv1d(2 * _DEEP, _HEAD, 1, bias=False)
        self.norm = nn.BatchNorm1d(_HEAD)
        self.contrasts = nn.ModuleList([Contrast(last, 2 * last) for last in _CONTRASTS])
        self.mix = nn.Conv1d((1 + len(_CONTRASTS)) * _HEAD, _HEAD, 1)
        self.blocks = nn.ModuleList([Block(_HEAD, dilation) for dilation in _HEAD_DILATIONS])
        self.out = nn.Conv1d(_HEAD, 1, 1)

    def forward(self, features: Tensor, *states: Tensor) -> tuple[Tensor, ...]:
        """The curve in 0..1 and the next states."""
        logits, after = self.logits(features, states)
        return torch.sigmoid(logits), *after

    def logits(self, features: Tensor, states: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Shape: (batch, frames, 1), before the sigmoid; and the next states."""
        x = self.norm(self.into(features.transpose(1, 2)))
        given, after, seen = iter(states), list[Tensor](), [x]
        for contrast in self.contrasts:
            moved, kept = contrast(x.transpose(1, 2), next(given))
            after.append(kept)
            seen.append(moved.transpose(1, 2))
        x = torch.relu(self.mix(torch.cat(seen, dim=1)))
        for block in self.blocks:
            x, kept = block(x, next(given))
            after.append(kept)
        logits: Tensor = self.out(x).transpose(1, 2)
        return logits, after


class StemUnetSmall(Network):
    """See the module. Decibels (batch, frames, 1024) go in as ``fronts.STEM_UNET`` gives
    them; ``prob`` (batch, frames, 512, 4) comes out, frame j for feature frame ``j - LOOKAHEAD``,
    and ``boundary`` (batch, frames, 1) of ``BoundaryHead``.
    """

    stem = "stem_unet_small"
    stride = 1
    outputs = (("prob", LOOKAHEAD), *BoundaryHead.outputs)

    def __init__(self) -> None:
        super().__init__()
        one, two, three = _CHANNELS
        self.level = SlidingMean(LEVEL_FRAMES)
        self.scale = nn.Parameter(torch.full((UNITS,), 1 / 15))
        self.shift = nn.Parameter(torch.zeros(UNITS))
        self.downs = nn.ModuleList(
            [
                CausalConv2d(1, one, (3, 9), (1, 4)),
                CausalConv2d(one, two, (2, 5), (1, 2)),
                CausalConv2d(two, three, (2, 5), (1, 2)),
            ]
        )
        self.down_norms = nn.ModuleList([nn.BatchNorm2d(channels) for channels in _CHANNELS])
        # Dense layers over all units of a frame, as convolutions: no reshape of a free length.
        self.into = nn.Conv2d(three, _DEEP, (1, _SHAPES[2]))
        self.blocks = nn.ModuleList([Block(_DEEP, dilation) for dilation in _DILATIONS])
        self.out = nn.ConvTranspose2d(_DEEP, three, (1, _SHAPES[2]), bias=False)
        self.out_bias = nn.Parameter(torch.zeros(three, 1, _SHAPES[2]))
        self.delays = nn.ModuleList([Delay(LOOKAHEAD) for _ in range(4)])
        self.ups = nn.ModuleList([Up(2 * three, two, 2), Up(2 * two, one, 2), Up(2 * one, 8, 4)])
        self.last = nn.Conv2d(9, STEMS, (1, 5), padding=(0, 2))
        self.head = BoundaryHead()
        self.state_shapes = (
            (LEVEL_FRAMES - 1, 1),
            (1, 2, UNITS),
            (one, 1, _SHAPES[0]),
            (two, 1, _SHAPES[1]),
            *((_DEEP, (_KERNEL - 1) * dilation) for dilation in _DILATIONS),
            (1, LOOKAHEAD, UNITS),
            *((c, LOOKAHEAD, f) for c, f in zip(_CHANNELS, _SHAPES, strict=True)),
            *BoundaryHead.state_shapes,
        )

    def forward(self, features: Tensor, *states: Tensor) -> tuple[Tensor, ...]:
        """Masks (batch, frames, 512, 4) and the boundary curve (batch, frames, 1), both in 0..1,
        and the next states.
        """
        own = len(self.state_shapes) - len(BoundaryHead.state_shapes)
        given, after = iter(states[:own]), list[Tensor]()
        seen, layers = self._down(features, given, after)
        masks = torch.sigmoid(self._up(seen, layers[1], given, after).permute(0, 2, 3, 1))
        curve, *head_after = self.head(_stacked(layers), *states[own:])
        return masks, curve, *after, *head_after

    def logits(self, features: Tensor, states: list[Tensor]) -> Tensor:
        """Of the masks, before the sigmoid: (batch, 4, frames, 512)."""
        given, after = iter(states), list[Tensor]()
        seen, layers = self._down(features, given, after)
        return self._up(seen, layers[1], given, after)

    def deep(self, features: Tensor) -> Tensor:
        """What the boundary head hears of streams at their start: (batch, frames, 368)."""
        return _stacked(self._down(features, iter(self.start(len(features))), [])[1])

    def _down(
        self, features: Tensor, given: Iterator[Tensor], after: list[Tensor]
    ) -> tuple[list[Tensor], tuple[Tensor, Tensor]]:
        """What each way across carries, and the deep layers before and behind the blocks, each
        (batch, 184, frames).
        """
        x = self._seen(features, given, after)
        seen = [x]
        for down, norm in zip(self.downs, self.down_norms, strict=True):
            x, kept = down(x, next(given))
            after.append(kept)
            x = torch.relu(norm(x))
            seen.append(x)
        first = deep = torch.relu(self.into(x).squeeze(3))
        for block in self.blocks:
            deep, kept = block(deep, next(given))
            after.append(kept)
        return seen, (first, deep)

    def _up(
        self, seen: list[Tensor], deep: Tensor, given: Iterator[Tensor], after: list[Tensor]
    ) -> Tensor:
        """Shape: (batch, 4, frames, 512)."""
        x = torch.relu(self.out(deep.unsqueeze(3)) + self.out_bias)
        late = []
        for delay, one in zip(self.delays, seen, strict=True):
            passed, kept = delay(one, next(given))
            late.append(passed)
            after.append(kept)
        for up, across in zip(self.ups, reversed(late[1:]), strict=True):
            x = up(x, across)
        logits: Tensor = self.last(torch.cat((x, late[0]), dim=1))
        return logits

    def _seen(self, features: Tensor, given: Iterator[Tensor], after: list[Tensor]) -> Tensor:
        """Units relative to the level of the last seconds, (batch, 1, frames, 512)."""
        units = grouped(features)
        mean = (units.mean(dim=2, keepdim=True) - NOMINAL_DB) / 20
        level, kept = self.level(mean, next(given))
        after.append(kept)
        seen: Tensor = (units - NOMINAL_DB - 20 * level) * self.scale + self.shift
        return seen.unsqueeze(1)

    @property
    def receptive_field_s(self) -> float:
        """What an answer has heard, looking back from the newest frame."""
        dilations = (*_DILATIONS, *_HEAD_DILATIONS)
        frames = 4 + 3 * _CONTRASTS[-1] + sum((_KERNEL - 1) * dilation for dilation in dilations)
        return (frames * STEM_UNET.hop + STEM_UNET.n_fft) / STEM_UNET.rate_hz


def _stacked(layers: tuple[Tensor, Tensor]) -> Tensor:
    """Shape: (batch, 184, frames) twice to (batch, frames, 368)."""
    return torch.cat(layers, dim=1).transpose(1, 2)


def grouped(features: Tensor) -> Tensor:
    """Bins (batch, frames, 1024) to units (batch, frames, 512): means, by ``units.BIN_UNITS``."""
    parts, first = [], 0
    for count, size in BIN_UNITS:
        part = features[:, :, first : first + count * size]
        if size > 1:
            part = nn.functional.avg_pool1d(part, size)
        parts.append(part)
        first += count * size
    return torch.cat(parts, dim=2)
