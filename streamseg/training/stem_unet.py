"""``stem_unet``: the paper's U-Net for four stems and a boundary curve, on clips of 4 s. Offline.

Banerjee and Bodhak (2025), "Enhanced U-Net": three encoder blocks of two 3 x 3 convolutions with
instance norm, leaky rectifier and a shortcut, each followed by a max-pool of 2; a fourth block at
the bottom; three times an upsampling, a 3 x 3 convolution, what the way down saw, and a block;
attention where the way up meets the third encoder block; four sigmoid masks.

The slides print 8,967,941 parameters and no widths. 64, 128, 256 and 512 maps, convolutions with
bias, norms without parameters, shortcuts of 1 x 1, attention as a 1 x 1 convolution of 256 maps
whose sigmoid weighs them, and a boundary head of one more map at the end give exactly that number,
so this reading is taken.

Instance norm looks at the whole clip, so a clip is late by its own length. As a stream it hears
clips of 168 frames, ``BLOCK`` new ones behind ``OVERLAP`` old ones; over the overlap one clip fades
into the next, so a seam is not heard. The first clip begins with as much silence.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor, nn

from streamseg.frontend import units
from streamseg.training.band import STEMS
from streamseg.training.fit import Plan
from streamseg.training.fronts import STEM_UNET
from streamseg.training.stem_data import Cases, Pieces, samples_of, transformed
from streamseg.training.stem_unet_small import grouped
from streamseg.training.streaming import Network

FRAMES = 168  # 3.9 s: the paper's 4 s, in frames that three pools of 2 divide
OVERLAP = FRAMES // 4  # the paper's 25 %
BLOCK = FRAMES - OVERLAP
LENGTHS = ((0.6, 40), (0.9, 80), (1.0, FRAMES))
"""Frames of the clips trained on up to each share of the plan: a step costs as its clips do."""
PAPER_PARAMETERS = 8_967_941
_WIDTHS = (64, 128, 256, 512)
_SLOPE = 0.2
_BOUNDARY_S = 0.25  # the curve falls from 1 to 0 within this time of a join
_SQUARED, _CONVERGENCE = 0.7, 0.3  # the paper's
_SILENCE = 1.0  # energy of a clip whose stems are silent; one that sounds has one a bin
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
    """See the module. Decibels (batch, frames, 1024) go in, whole blocks of ``BLOCK`` frames;
    ``prob`` (batch, frames, 512, 4), units, and ``boundary`` (batch, frames, 1) come out, frame j
    for feature frame ``j - OVERLAP``.
    """

    stem = "stem_unet"
    stride = 1
    block = BLOCK
    half_weights = True
    outputs = (("prob", OVERLAP), ("boundary", OVERLAP))
    # The last frames heard, in decibels above the floor, and what the last clip says of them.
    state_shapes = ((OVERLAP, units.BINS), (OVERLAP, units.UNITS, len(STEMS)), (OVERLAP, 1))

    def __init__(self) -> None:
        super().__init__()
        ins = (1, *_WIDTHS[:-1])
        self.falls = nn.ModuleList([Residual(a, b) for a, b in zip(ins, _WIDTHS, strict=True)])
        steps = list(zip(_WIDTHS[:0:-1], _WIDTHS[-2::-1], strict=True))
        self.rises = nn.ModuleList(
            [Rise(a, b, attention=index == 0) for index, (a, b) in enumerate(steps)]
        )
        self.masks = nn.Conv2d(_WIDTHS[0], len(STEMS), 1)
        self.boundary = nn.Conv2d(_WIDTHS[0], 1, 1)

    def forward(self, features: Tensor, *states: Tensor) -> tuple[Tensor, ...]:
        """Masks, boundary curve and the next states."""
        heard, *ends = states
        floor = STEM_UNET.floor_db
        blocks = features.reshape(features.shape[0], -1, BLOCK, units.BINS)
        last = blocks[:, :, BLOCK - OVERLAP :]
        before = torch.cat(((heard + floor).unsqueeze(1), last[:, :-1]), dim=1)
        said = self.clip(torch.cat((before, blocks), dim=2).flatten(0, 1))
        masks, curve = grouped_masks(said[0]), said[1]
        joined, after = [], [last[:, -1] - floor]
        for clips, end in zip((masks, curve), ends, strict=True):
            apart = clips.reshape(features.shape[0], -1, *clips.shape[1:])
            whole, next_end = faded(apart, end)
            joined.append(whole)
            after.append(next_end)
        return *joined, *after

    def clip(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Of clips, any multiple of 8 frames: masks (batch, frames, 1024, 4) and the boundary curve
        (batch, frames, 1), in 0..1.
        """
        x = ((features + 20.0) / 25.0).unsqueeze(1)
        seen: list[Tensor] = []
        for index, fall in enumerate(self.falls):
            x = fall(nn.functional.max_pool2d(x, 2) if index else x)
            seen.append(x)
        for rise, across in zip(self.rises, reversed(seen[:-1]), strict=True):
            x = rise(x, across)
        masks = torch.sigmoid(self.masks(x)).permute(0, 2, 3, 1)
        return masks, torch.sigmoid(self.boundary(x).mean(dim=3).permute(0, 2, 1))


def grouped_masks(masks: Tensor) -> Tensor:
    """Bins (batch, frames, 1024, 4) to units (batch, frames, 512, 4): means."""
    apart = grouped(masks.permute(0, 3, 1, 2).flatten(0, 1))
    frames, bands = apart.shape[1:]
    return apart.reshape(-1, len(STEMS), frames, bands).permute(0, 2, 3, 1)


def faded(clips: Tensor, end: Tensor) -> tuple[Tensor, Tensor]:
    """Clips that overlap as one: each fades in while the one before it fades out.

    Shape: ``clips`` is (batch, clips, 168, ...) and ``end`` (batch, 42, ...), the faded end of the
    clip before them; returned are (batch, frames, ...) and the faded end of the last.
    """
    shape = (OVERLAP,) + (1,) * (clips.dim() - 3)
    ramp = ((torch.arange(OVERLAP, device=clips.device) + 0.5) / OVERLAP).reshape(shape)
    ends = clips[:, :, BLOCK:] * (1 - ramp)
    head = clips[:, :, :OVERLAP] * ramp + torch.cat((end.unsqueeze(1), ends[:, :-1]), dim=1)
    return torch.cat((head, clips[:, :, OVERLAP:BLOCK]), dim=2).flatten(1, 2), ends[:, -1]


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
            frames = next(length for share, length in LENGTHS if step < share * plan.steps)
            made = [self._clip(random, frames) for _ in range(plan.batch)]
            features, truth = (torch.from_numpy(np.stack(part)) for part in zip(*made, strict=True))
            yield features, truth

    def _clip(
        self, random: Generator, frames: int
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        count = samples_of(frames)
        one, two = (int(index) for index in random.integers(0, len(self.pieces.places), 2))
        stems = self.pieces.crop(random, one, count)
        curve = np.zeros(frames, np.float32)
        if random.random() < 0.5:
            at = int(random.integers(count // 8, count * 7 // 8))
            stems[:, at:] = self.pieces.crop(random, two, count)[:, at:]
            middles = np.arange(frames) * STEM_UNET.hop + STEM_UNET.n_fft / 2
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
    assert isinstance(network, StemUnet)
    masks, boundary = network.clip(features)
    heard = 10 ** (features.float() / 20)
    scale = heard.square().mean(dim=(1, 2), keepdim=True).sqrt().clamp(min=1e-4).unsqueeze(3)
    got = masks.float() * heard.unsqueeze(3) / scale
    wanted = truth[..., :4] / scale
    squared = (got - wanted).square()
    wrong, whole = squared.sum(dim=(1, 2, 3)), wanted.square().sum(dim=(1, 2, 3))
    sounds = whole > _SILENCE
    convergence = sounds * (wrong / torch.where(sounds, whole, 1.0) + 1e-9).sqrt()
    curve = truth[:, :, 0, 4]
    entropy = nn.functional.binary_cross_entropy(boundary[..., 0].float().clamp(1e-6, 1), curve)
    paper: Tensor = _SQUARED * squared.mean() + _CONVERGENCE * convergence.mean()
    return paper + _BOUNDARY * entropy


def some(cases: Cases) -> Cases:
    """Every eighth validation excerpt: what a check of this network can afford."""
    return Cases(cases.excerpts[::8])


def plan_of(seed: int, quick: bool) -> Plan:
    """The paper's optimizer and rate. It gives no length; this one is what two cores can do."""
    if quick:
        return Plan(steps=1, batch=1, averaging=0.5, check_every=1, seed=seed)
    half = bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return Plan(
        steps=1200,
        batch=2,
        rate=1e-3,
        weight_decay=1e-4,
        averaging=0.99,
        check_every=200,
        seed=seed,
        half=half,
    )
