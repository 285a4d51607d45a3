"""``stem_unet``: the paper's U-Net for four stems and a boundary curve, on clips of 4 s. Offline.

Banerjee and Bodhak (2025), "Enhanced U-Net": three encoder blocks of two 3 x 3 convolutions with
instance norm, leaky rectifier and a shortcut, each followed by a max-pool of 2; a fourth block at
the bottom; three times an upsampling, a 3 x 3 convolution, what the way down saw, and a block;
attention where the way up meets the third encoder block; four sigmoid masks.

The slides print 8,967,941 parameters and no widths. 64, 128, 256 and 512 maps, convolutions with
bias, norms without parameters, shortcuts of 1 x 1, attention as a 1 x 1 convolution of 256 maps
whose sigmoid weighs them, and a boundary head of one more map at the end give exactly that number,
so this reading is taken.

Instance norm looks at the whole clip: nothing here streams. A clip is late by its own length.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor, nn

from streamseg.frontend.units import BIN_UNITS
from streamseg.training.fit import Plan
from streamseg.training.fronts import STEM_UNET
from streamseg.training.stem_data import Pieces, samples_of, transformed
from streamseg.training.stem_unet_small import grouped
from streamseg.training.streaming import Network

FRAMES = 168  # 3.9 s: the paper's 4 s, in frames that three pools of 2 divide
OVERLAP = FRAMES // 4  # the paper's 25 %
PAPER_PARAMETERS = 8_967_941
_WIDTHS = (64, 128, 256, 512)
_SLOPE = 0.2
_BOUNDARY_S = 0.25  # the curve falls from 1 to 0 within this time of a join
_SQUARED, _CONVERGENCE = 0.7, 0.3  # the paper's
_BOUNDARY = 0.1  # weight of the boundary head beside them; the paper gives none

assert FRAMES % 8 == 0
assert OVERLAP * 4 == FRAMES


class Residual(nn.Module):
    """Two 3 x 3 convolutions with instance norm and leaky rectifier, and a shortcut around them."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.one = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.two = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.norms = nn.ModuleList([nn.InstanceNorm2d(outputs) for _ in range(2)])
        self.around = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Shape: (batch, maps, frames, bins)."""
        y = nn.functional.leaky_relu(self.norms[0](self.one(x)), _SLOPE)
        y = self.norms[1](self.two(y)) + self.around(x)
        return nn.functional.leaky_relu(y, _SLOPE)


class Rise(nn.Module):
    """Upsample by 2, 3 x 3, attention if asked for, then a block over both ways."""

    def __init__(self, inputs: int, outputs: int, attention: bool) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.attention = nn.Conv2d(outputs, outputs, 1) if attention else None
        self.block = Residual(2 * outputs, outputs)

    def forward(self, x: Tensor, across: Tensor) -> Tensor:
        """Shape: ``across`` has twice the frames and bins of ``x``."""
        x = self.conv(nn.functional.interpolate(x, scale_factor=2.0))
        if self.attention is not None:
            x = x * torch.sigmoid(self.attention(x))
        result: Tensor = self.block(torch.cat((x, across), dim=1))
        return result


class StemUnet(Network):
    """See the module; features are decibels of 1024 bins, frames a multiple of 8."""

    stem = "stem_unet"
    stride = 8
    outputs = (("prob", 0), ("boundary", 0))
    state_shapes = ()

    def __init__(self) -> None:
        super().__init__()
        ins = (1, *_WIDTHS[:-1])
        self.falls = nn.ModuleList([Residual(a, b) for a, b in zip(ins, _WIDTHS, strict=True)])
        steps = list(zip(_WIDTHS[:0:-1], _WIDTHS[-2::-1], strict=True))
        self.rises = nn.ModuleList(
            [Rise(a, b, attention=index == 0) for index, (a, b) in enumerate(steps)]
        )
        self.masks = nn.Conv2d(_WIDTHS[0], 4, 1)
        self.boundary = nn.Conv2d(_WIDTHS[0], 1, 1)

    def forward(self, features: Tensor, *states: Tensor) -> tuple[Tensor, ...]:
        """Masks (batch, frames, 1024, 4) and the boundary curve (batch, frames, 1), in 0..1."""
        x = ((features + 20.0) / 25.0).unsqueeze(1)
        seen: list[Tensor] = []
        for index, fall in enumerate(self.falls):
            x = fall(nn.functional.max_pool2d(x, 2) if index else x)
            seen.append(x)
        for rise, across in zip(self.rises, reversed(seen[:-1]), strict=True):
            x = rise(x, across)
        masks = torch.sigmoid(self.masks(x)).permute(0, 2, 3, 1)
        return masks, torch.sigmoid(self.boundary(x).mean(dim=3).permute(0, 2, 1))


def overlapped(network: StemUnet, features: Tensor) -> tuple[Tensor, Tensor]:
    """Masks and boundary curve of any number of frames: clips that overlap by a quarter.

    Over the overlap one clip fades into the next, so a seam is not heard. Shape: ``features`` is
    (batch, frames, 1024); returned are (batch, frames, 512, 4), units, and (batch, frames).
    """
    step = FRAMES - OVERLAP
    frames = features.shape[1]
    clips = max(1, -(-(frames - OVERLAP) // step))
    silence = torch.full((len(features), clips * step + OVERLAP - frames, features.shape[2]), -80.0)
    padded = torch.cat((features.cpu(), silence), dim=1)
    masks = torch.zeros(len(features), padded.shape[1], sum(n for n, _ in BIN_UNITS), 4)
    curve = torch.zeros(len(features), padded.shape[1])
    for clip in range(clips):
        inside = slice(clip * step, clip * step + FRAMES)
        weight = faded(clip == 0, clip == clips - 1)
        with torch.no_grad():
            said, boundary = network(padded[:, inside].to(network.device))
        units = grouped(said.permute(0, 3, 1, 2).flatten(0, 1))
        units = units.reshape(len(features), 4, FRAMES, -1).permute(0, 2, 3, 1)
        masks[:, inside] += units.float().cpu() * weight[:, None, None]
        curve[:, inside] += boundary[..., 0].float().cpu() * weight
    return masks[:, :frames], curve[:, :frames]


def faded(first: bool, last: bool) -> Tensor:
    """Weights of the frames of a clip, (168,): overlapping ones sum to 1."""
    weight = torch.ones(FRAMES)
    ramp = (torch.arange(OVERLAP) + 0.5) / OVERLAP
    if not first:
        weight[:OVERLAP] = ramp
    if not last:
        weight[-OVERLAP:] = 1 - ramp
    return weight


# Training -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Clips:
    """Clips for the U-Net out of rendered pieces, half of them with a join of two pieces inside."""

    pieces: Pieces

    def batches(self, plan: Plan, first: int, last: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Truth is (batch, frames, 1024, 5): magnitudes of the stems, then the boundary curve,
        the same in every bin.
        """
        for step in range(first, last):
            random = np.random.default_rng([plan.seed, 8, step])
            made = [self._clip(random) for _ in range(plan.batch)]
            features, truth = (torch.from_numpy(np.stack(part)) for part in zip(*made, strict=True))
            yield features, truth

    def _clip(self, random: Generator) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        count = samples_of(FRAMES)
        one, two = (int(index) for index in random.integers(0, len(self.pieces.places), 2))
        stems = self.pieces.crop(random, one, count)
        curve = np.zeros(FRAMES, np.float32)
        if random.random() < 0.5:
            at = int(random.integers(count // 8, count * 7 // 8))
            stems[:, at:] = self.pieces.crop(random, two, count)[:, at:]
            middles = np.arange(FRAMES) * STEM_UNET.hop + STEM_UNET.n_fft / 2
            away_s = np.abs(middles - at) / STEM_UNET.rate_hz
            curve = np.clip(1 - away_s / _BOUNDARY_S, 0, 1).astype(np.float32)
        each = transformed(stems)
        heard = np.abs(each.sum(axis=0))
        floor = 10 ** (STEM_UNET.floor_db / 20)
        features = 20 * np.log10(np.maximum(heard, floor)).astype(np.float32)
        wanted = [*np.abs(each), np.broadcast_to(curve[:, None], heard.shape)]
        return features, np.stack(wanted, axis=2).astype(np.float32)


def loss(network: Network, features: Tensor, truth: Tensor) -> Tensor:
    """The paper's 0.7 squared error + 0.3 spectral convergence of magnitudes, and the boundaries.

    Magnitudes count from the root mean square of their clip, so that loud clips do not rule.
    """
    masks, boundary = network(features)
    heard = 10 ** (features.float() / 20)
    scale = heard.square().mean(dim=(1, 2), keepdim=True).sqrt().clamp(min=1e-4).unsqueeze(3)
    got = masks.float() * heard.unsqueeze(3) / scale
    wanted = truth[..., :4] / scale
    squared = (got - wanted).square()
    convergence = squared.sum(dim=(1, 2, 3)).sqrt() / wanted.square().sum(dim=(1, 2, 3)).sqrt()
    curve = truth[:, :, 0, 4]
    entropy = nn.functional.binary_cross_entropy(boundary[..., 0].float().clamp(1e-6, 1), curve)
    paper: Tensor = _SQUARED * squared.mean() + _CONVERGENCE * convergence.mean()
    return paper + _BOUNDARY * entropy


def plan_of(seed: int, quick: bool) -> Plan:
    """The paper's optimizer over clips of 4 s. The length is for a GPU: see docs/training.md."""
    if quick:
        return Plan(steps=1, batch=1, averaging=0.5, check_every=1, seed=seed)
    return Plan(steps=40_000, batch=16, rate=1e-3, weight_decay=1e-4, check_every=1000, seed=seed)
