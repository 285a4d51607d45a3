"""Layers of ``stem_unet_small``: narrow bands of frequency units, each with weights of its own, and
blocks along time and over the bands (band-split network, Luo and Yu 2023, sections II-A and II-B;
their recurrent layers are convolutions here).

A block that looks ahead says everything late by as many frames as it looks ahead, so that what it
adds to and what it adds stand for the same frame.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

BANDS = ((12, 4), (10, 8), (4, 32), (4, 64))
"""So many bands of so many units each, from the lowest on: most lie below 1.4 kHz, where harmonics
of all stems meet."""
COUNT = sum(count for count, _ in BANDS)
CHANNELS = 64
SQUEEZED, GATHERED = 12, 64
LONG_BANDS = BANDS[:2]
LONG_PER_UNIT = 4  # bins of the long window in a bin of the other
_TAPS = 3


class BandBlock(nn.Module):
    """Residual: a dilated convolution along time, the same in every band; beside it a dense layer
    over a few channels of all bands; a mix of both.
    """

    def __init__(self, dilation: int, ahead: bool) -> None:
        super().__init__()
        self.context = (_TAPS - 1) * dilation
        self.late = dilation if ahead else 0
        self.along = nn.Conv2d(CHANNELS, CHANNELS, (_TAPS, 1), dilation=(dilation, 1), bias=False)
        self.norm = nn.BatchNorm2d(CHANNELS)
        self.squeeze = nn.Conv2d(CHANNELS, SQUEEZED, 1, bias=False)
        self.squeezed_norm = nn.BatchNorm2d(SQUEEZED)
        self.gather = nn.Conv2d(SQUEEZED, GATHERED, (1, COUNT))
        self.scatter = nn.Conv2d(GATHERED, COUNT * SQUEEZED, 1)
        self.mix = nn.Conv2d(CHANNELS + SQUEEZED, CHANNELS, 1)

    def forward(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What is said, what was gathered from all bands (batch, 64, frames), the next state.

        Shape: (batch, 64, frames, bands); state has ``context`` frames.
        """
        x = torch.cat((state, x), dim=2)
        frames = x.shape[2]
        own = torch.relu(self.norm(self.along(x)))
        few = torch.relu(self.squeezed_norm(self.squeeze(own)))
        gathered = torch.relu(self.gather(few))
        few = torch.relu(self.scatter(gathered)).squeeze(3)
        few = few.reshape(few.shape[0], COUNT, SQUEEZED, few.shape[2]).permute(0, 2, 3, 1)
        passed = x[:, :, self.context - self.late : frames - self.late]
        y = passed + self.mix(torch.cat((own, few), dim=1))
        return y, gathered.squeeze(3), x[:, :, frames - self.context :]


class Split(nn.Module):
    """Units to bands: a convolution over three frames with weights of its own for every band.
    What a longer window tells of the lowest bands joins it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.sizes = [count * width for count, width in BANDS]
        self.convs = nn.ModuleList(
            [
                nn.Conv2d(count * width, count * CHANNELS, (_TAPS, 1), groups=count, bias=False)
                for count, width in BANDS
            ]
        )
        self.long_sizes = [count * width * LONG_PER_UNIT for count, width in LONG_BANDS]
        self.long_convs = nn.ModuleList(
            [
                nn.Conv2d(size, count * CHANNELS, 1, groups=count, bias=False)
                for (count, _), size in zip(LONG_BANDS, self.long_sizes, strict=True)
            ]
        )
        self.norm = nn.BatchNorm2d(COUNT * CHANNELS)

    def forward(self, x: Tensor, long: Tensor) -> Tensor:
        """Shape: (batch, units, 2 + frames, 1) and (batch, long bins, frames, 1) in; out
        (batch, 64, frames, bands).
        """
        parts = [
            conv(part) for conv, part in zip(self.convs, torch.split(x, self.sizes, 1), strict=True)
        ]
        for index, part in enumerate(torch.split(long, self.long_sizes, 1)):
            parts[index] = parts[index] + self.long_convs[index](part)
        y = torch.relu(self.norm(torch.cat(parts, dim=1)))
        frames = y.shape[2]
        return y.reshape(y.shape[0], COUNT, CHANNELS, frames).permute(0, 2, 3, 1).contiguous()


class Heads(nn.Module):
    """Bands to units: a dense layer of its own for every band gives logits of all stems."""

    def __init__(self, stems: int) -> None:
        super().__init__()
        self.stems = stems
        self.sizes = [count * CHANNELS for count, _ in BANDS]
        self.convs = nn.ModuleList(
            [
                nn.Conv2d(count * CHANNELS, count * width * stems, 1, groups=count)
                for count, width in BANDS
            ]
        )

    def forward(self, x: Tensor) -> Tensor:
        """Shape: (batch, 64, frames, bands) in, (batch, stems, frames, units) out."""
        batch, frames = x.shape[0], x.shape[2]
        x = x.permute(0, 3, 1, 2).reshape(batch, COUNT * CHANNELS, frames, 1)
        parts = []
        for (count, width), conv, part in zip(
            BANDS, self.convs, torch.split(x, self.sizes, 1), strict=True
        ):
            said = conv(part).reshape(batch, count, self.stems, width, frames)
            said = said.transpose(1, 2).reshape(batch, self.stems, count * width, frames)
            parts.append(said)
        return torch.cat(parts, dim=2).transpose(2, 3)
