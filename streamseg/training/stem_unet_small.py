"""``stem_unet_small``: four masks on a live spectrogram, drums, bass, other and vocals. Our own.

512 frequency units are cut into 30 bands, narrow ones below 1.4 kHz, each with weights of its own
on the way in and out (``band_split``). Down there a window of 372 ms is heard beside that of 93 ms,
about the same moments: it tells the notes of a bass apart. Ten blocks go along time, the same in
every band, and over all bands; the first four of them look ahead, 0.35 s together. All is causal,
and level falls out: every frame is seen relative to the mean level of the three seconds before it,
or of what there was, which a stream can know.

A head on what the blocks gather from all bands says where another piece or part begins: it needs to
hear what follows for longer, so its curve is later than the masks (``BOUNDARY_LOOKAHEAD``). It is
trained on the finished network (``stem_boundary``) and changes no mask.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from streamseg.frontend.units import BIN_UNITS, BINS, UNITS
from streamseg.training.band_split import (
    CHANNELS,
    COUNT,
    GATHERED,
    BandBlock,
    Heads,
    Split,
)
from streamseg.training.fronts import STEM_UNET_SMALL
from streamseg.training.streaming import CausalConv1d, Network, SlidingMean

STEMS = 4
_BLOCKS = (
    (1, True), (2, True), (4, True), (8, True), (1, False), (4, False), (16, False), (32, False),
    (2, False), (64, False),
)  # fmt: skip
"""Dilation of each block, and whether one of its three taps lies ahead."""
_AHEAD = sum(dilation for dilation, ahead in _BLOCKS if ahead)
_LATE = (STEM_UNET_SMALL.long_n_fft - STEM_UNET_SMALL.n_fft) // 2 // STEM_UNET_SMALL.hop
"""Frames by which the middle of a long window lies before that of the short one it ends with."""
LOOKAHEAD = _LATE + 1 + _AHEAD  # frames: 0.51 s
_LONG = STEM_UNET_SMALL.long_bins
_LONGER_DB = 20 * math.log10(STEM_UNET_SMALL.long_n_fft / STEM_UNET_SMALL.n_fft)
BOUNDARY_LOOKAHEAD = 86  # frames: 2.0 s
LEVEL_FRAMES = 128  # 3.0 s
NOMINAL_DB = -20.0  # level of a frame of ordinary music, mean of its decibels
_KERNEL = 5
_HEAD = 40
_HEAD_DILATIONS = (1, 4, 16)
_CONTRASTS = (17, 43, 86)  # frames


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
    """Deep layers of ``StemUnetSmall`` (batch, frames, 640) in; ``boundary`` (batch, frames, 1)
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
        self.into = nn.Conv1d(len(_BLOCKS) * GATHERED, _HEAD, 1, bias=False)
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
    """See the module. Decibels (batch, frames, 1536) go in as ``fronts.STEM_UNET_SMALL`` gives
    them; ``prob`` (batch, frames, 512, 4) comes out, frame j for feature frame ``j - LOOKAHEAD``,
    and ``boundary`` (batch, frames, 1) of ``BoundaryHead``.
    """

    stem = "stem_unet_small"
    stride = 1
    outputs = (("prob", LOOKAHEAD), *BoundaryHead.outputs)

    def __init__(self) -> None:
        super().__init__()
        self.level = SlidingMean(LEVEL_FRAMES)
        self.scale = nn.Parameter(torch.full((UNITS,), 1 / 15))
        self.shift = nn.Parameter(torch.zeros(UNITS))
        self.long_scale = nn.Parameter(torch.full((_LONG,), 1 / 15))
        self.long_shift = nn.Parameter(torch.zeros(_LONG))
        self.split = Split()
        self.blocks = nn.ModuleList([BandBlock(dilation, ahead) for dilation, ahead in _BLOCKS])
        self.fuse = nn.Conv2d(2 * CHANNELS, CHANNELS, 1, bias=False)
        self.norm = nn.BatchNorm2d(CHANNELS)
        self.heads = Heads(STEMS)
        self.head = BoundaryHead()
        self.state_shapes = (
            (LEVEL_FRAMES - 1, 2),
            (_LATE, UNITS),
            (UNITS, 2, 1),
            *((CHANNELS, 2 * dilation, COUNT) for dilation, _ in _BLOCKS),
            (CHANNELS, _AHEAD, COUNT),
            *BoundaryHead.state_shapes,
        )

    def forward(self, features: Tensor, *states: Tensor) -> tuple[Tensor, ...]:
        """Masks (batch, frames, 512, 4) and the boundary curve (batch, frames, 1), both in 0..1,
        and the next states.
        """
        own = len(self.state_shapes) - len(BoundaryHead.state_shapes)
        after = list[Tensor]()
        logits, deep = self._both(features, iter(states[:own]), after)
        curve, *head_after = self.head(deep, *states[own:])
        return torch.sigmoid(logits.permute(0, 2, 3, 1)), curve, *after, *head_after

    def logits(self, features: Tensor, states: list[Tensor]) -> Tensor:
        """Of the masks, before the sigmoid: (batch, 4, frames, 512)."""
        return self._both(features, iter(states), [])[0]

    def deep(self, features: Tensor) -> Tensor:
        """What the boundary head hears of streams at their start: (batch, frames, 640)."""
        return self._both(features, iter(self.start(len(features))), [])[1]

    def _both(
        self, features: Tensor, given: Iterator[Tensor], after: list[Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Logits (batch, 4, frames, 512) and what the blocks gathered (batch, frames, 640)."""
        seen, long = self._seen(features, given, after)
        seen = torch.cat((next(given), seen), dim=2)
        after.append(seen[:, :, seen.shape[2] - 2 :])
        first = x = self.split(seen, long)
        gathered = []
        for block in self.blocks:
            x, deep, kept = block(x, next(given))
            gathered.append(deep)
            after.append(kept)
        late = torch.cat((next(given), first), dim=2)
        after.append(late[:, :, late.shape[2] - _AHEAD :])
        late = late[:, :, : late.shape[2] - _AHEAD]
        x = torch.relu(self.norm(self.fuse(torch.cat((x, late), dim=1))))
        return self.heads(x), torch.cat(gathered, dim=1).transpose(1, 2)

    def _seen(
        self, features: Tensor, given: Iterator[Tensor], after: list[Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Relative to the level of the last seconds: units, late, (batch, 512, frames, 1), and bins
        of the long window about the same moments, (batch, 512, frames, 1).
        """
        units, long = grouped(features[:, :, :BINS]), features[:, :, BINS:]
        mean = (units.mean(dim=2, keepdim=True) - NOMINAL_DB) / 20
        # Beside the level goes how much of the window has been heard: a stream's start is no pause.
        both, kept = self.level(torch.cat((mean, torch.ones_like(mean)), dim=2), next(given))
        after.append(kept)
        level_db = NOMINAL_DB + 20 * both[:, :, :1] / both[:, :, 1:]
        own = (units - level_db) * self.scale + self.shift
        own = torch.cat((next(given), own), dim=1)
        after.append(own[:, own.shape[1] - _LATE :])
        own = own[:, : own.shape[1] - _LATE]
        beside = (long - _LONGER_DB - level_db) * self.long_scale + self.long_shift
        return own.transpose(1, 2).unsqueeze(3), beside.transpose(1, 2).unsqueeze(3)

    @property
    def receptive_field_s(self) -> float:
        """What an answer has heard, looking back from the newest frame."""
        dilations = [2 * dilation for dilation, _ in _BLOCKS]
        dilations += [(_KERNEL - 1) * dilation for dilation in _HEAD_DILATIONS]
        frames = 2 + 3 * _CONTRASTS[-1] + sum(dilations)
        return (frames * STEM_UNET_SMALL.hop + STEM_UNET_SMALL.long_n_fft) / STEM_UNET_SMALL.rate_hz


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
