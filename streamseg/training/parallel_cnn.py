"""``parallel_cnn_1``, ``_2``, ``_3``: the networks of Lidy and Schindler (MIREX 2016), streaming.

A window of 80 frames (2.82 s) by 40 mel bands goes through one or two convolutions side by side,
each followed by max pooling; all that comes out is laid flat into a dense layer of 200 units and
a softmax. Section and figure numbers below are the paper's.

Gain must not matter: a window counts decibels from its loudest frame (mean over bands), which is
not the paper's. A convolution answers a shift of its input by a shift, and neither pooling nor the
leaky ReLU, which rises everywhere, changes which value is largest. So the shift of a window, known
when the window is complete, is applied to what comes out of pooling.

The window slides by one pooled step. Pooled along time in steps of 20 (or 17) frames, a window
shares all but one of its pooled steps with the window before it, so a stream keeps as state the
frames under the next convolution, the pooled steps and the loudness of the window's frames, and no
column is computed twice. The result equals that of every window by itself (``alone``), where what
lies before the stream is digital silence: states are zero at a stream's start, and count frames in
decibels above silence and pooled steps from what silence gives.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from streamseg.training.fronts import PARALLEL_CNN
from streamseg.training.streaming import Network

WINDOW = 80  # frames; 2.82 s with the overlap of the first one
DENSE = 200
SILENCE_DB = -75.0  # of a band: 16-bit noise lies below, white noise of -94 dBFS there
SLOPE = 0.3  # of the leaky ReLU (2.3)
DROPOUT = 0.2


@dataclass(frozen=True, slots=True)
class Pipe:
    """One of the parallel pipelines: filters of bands x frames, max pooling of bands x frames."""

    filters: int
    bands: int
    frames: int
    pool_bands: int
    pool_frames: int

    @property
    def steps(self) -> int:
        """Pooled steps in a window; a rest too short for one is left out, as Theano did."""
        return (WINDOW - self.frames + 1) // self.pool_frames

    @property
    def used(self) -> int:
        """Frames of the window on which the pooled steps depend."""
        return self.steps * self.pool_frames + self.frames - 1

    @property
    def rows(self) -> int:
        """Pooled positions along frequency."""
        return (PARALLEL_CNN.n_mels - self.bands + 1) // self.pool_bands


class _Pipeline(nn.Module):
    """Convolution and pooling of one pipe, and its part of the dense layer.

    ``delay``: frames by which this pipe lags, so that the windows of all pipes begin together.
    """

    def __init__(self, pipe: Pipe, stride: int, delay: int) -> None:
        super().__init__()
        self.pipe = pipe
        self.delay = delay
        self.context = delay + pipe.frames - 1
        self.conv = nn.Conv2d(1, pipe.filters, (pipe.frames, pipe.bands))
        self.pool = nn.MaxPool2d((pipe.pool_frames, pipe.pool_bands))
        self.new = stride // pipe.pool_frames  # pooled steps from one window to the next
        self.kept = pipe.steps - self.new
        self.width = pipe.filters * pipe.rows
        self.dense = nn.Linear(self.width * pipe.steps, DENSE, bias=False)

    def pooled(self, x: Tensor) -> Tensor:
        """(batch, 1, frames, bands) to (batch, filters x rows, steps), before the leaky ReLU."""
        largest: Tensor = self.pool(self.conv(x))
        return largest.transpose(2, 3).flatten(1, 2)

    def per_unit(self) -> Tensor:
        """By how much ``pooled`` rises with its input, (filters x rows, 1, 1)."""
        slopes = self.conv.weight.sum(dim=(1, 2, 3))
        return slopes.repeat_interleave(self.pipe.rows)[:, None, None]

    def windows(self, steps: Tensor, loudest: Tensor) -> Tensor:
        """The dense layer's sums for every window, (batch, windows, 200).

        Shape: ``steps`` is (batch, filters x rows, kept + windows * new), ``loudest`` is (batch,
        windows): what to take off the input of each window.
        """
        count = loudest.shape[1]
        first = torch.arange(count, device=steps.device)[:, None] * self.new
        which = first + torch.arange(self.pipe.steps, device=steps.device)
        taken = steps[:, :, which] - loudest[:, None, :, None] * self.per_unit()
        flat = nn.functional.leaky_relu(taken, SLOPE).permute(0, 2, 1, 3).flatten(2)
        sums: Tensor = self.dense(flat)
        return sums


class ParallelCnn(Network):
    """What the three models share; features are decibels as ``fronts.PARALLEL_CNN`` gives them."""

    pipes: tuple[Pipe, ...]
    mean: Tensor
    scale: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.used = max(pipe.used for pipe in self.pipes)
        self.begins = self.stride - self.used
        """First frame of the window of output 0; that of output j begins ``j * stride`` later."""
        self.pipelines = nn.ModuleList(
            _Pipeline(pipe, self.stride, self.used - pipe.used) for pipe in self.pipes
        )
        self.context = max(line.context for line in self.lines)
        self.bias = nn.Parameter(torch.zeros(DENSE))
        self.drop = nn.Dropout(DROPOUT)
        self.classes = nn.Linear(DENSE, 3)
        # Constants of the training data (``standardise``), over decibels below the loudest frame.
        self.register_buffer("mean", torch.full((PARALLEL_CNN.n_mels,), -10.0))
        self.register_buffer("scale", torch.tensor(0.05))
        kept = tuple((line.width, line.kept) for line in self.lines)
        levels = (self.used - self.stride,)
        self.state_shapes = ((self.context, PARALLEL_CNN.n_mels), levels, *kept)
        self._glorot()

    @property
    def lines(self) -> list[_Pipeline]:
        """The pipelines, typed."""
        return [line for line in self.pipelines if isinstance(line, _Pipeline)]

    def _glorot(self) -> None:
        """Glorot uniform (2.3); the parts of the dense layer count as the one layer they are."""
        inputs = sum(line.dense.in_features for line in self.lines)
        limit = (6 / (inputs + DENSE)) ** 0.5
        for line in self.lines:
            nn.init.xavier_uniform_(line.conv.weight)
            nn.init.zeros_(line.conv.bias)  # type: ignore[arg-type]
            nn.init.uniform_(line.dense.weight, -limit, limit)
        nn.init.xavier_uniform_(self.classes.weight)
        nn.init.zeros_(self.classes.bias)

    def standardise(self, features: NDArray[np.floating]) -> None:
        """Take the mean of each band and the deviation of all from training features.

        Shape: (programmes, frames, bands) decibels.
        """
        above = _above(torch.from_numpy(features).float())
        around = nn.functional.pad(above.mean(dim=2), (WINDOW // 2, WINDOW // 2 - 1))
        loudest = nn.functional.max_pool1d(around, WINDOW, 1)
        below = above - loudest[:, :, None]
        self.mean.copy_(below.mean(dim=(0, 1)))
        self.scale.copy_(1 / (below - self.mean).std())

    def scores(self, features: Tensor, *states: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Scores before the softmax, (batch, windows, 3), and the next states."""
        above = _above(features)
        seen = torch.cat((states[0], above), dim=1)
        levels = torch.cat((states[1], above.mean(dim=2)), dim=1)
        after = [
            seen[:, seen.shape[1] - self.context :],
            levels[:, levels.shape[1] - (self.used - self.stride) :],
        ]
        loudest = nn.functional.max_pool1d(levels.unsqueeze(1), self.used, self.stride)
        loudest = loudest.squeeze(1) * self.scale
        x = ((seen - self.mean) * self.scale).unsqueeze(1)
        total: Tensor = self.bias
        for line, state in zip(self.lines, states[2:], strict=True):
            silent = self._silent(line)
            steps = line.pooled(x[:, :, self.context - line.context : x.shape[2] - line.delay])
            steps = torch.cat((state, steps - silent), dim=2)
            after.append(steps[:, :, steps.shape[2] - line.kept :])
            total = total + line.windows(steps + silent, loudest)
        return self.classes(self.drop(torch.sigmoid(total))), after

    def _silent(self, line: _Pipeline) -> Tensor:
        """What one pooled step of digital silence gives, (1, filters x rows, 1)."""
        frames = line.pipe.frames + line.pipe.pool_frames - 1
        return line.pooled((-self.mean * self.scale).expand(1, 1, frames, -1))

    def forward(self, features: Tensor, *states: Tensor) -> tuple[Tensor, ...]:
        """Softmax of every window that is complete, (batch, windows, 3), and the next states."""
        scores, after = self.scores(features, *states)
        return torch.softmax(scores, dim=2), *after

    def alone(self, windows: Tensor) -> Tensor:
        """The network as it stands on paper: (n, 80, bands) decibels to (n, 3). No state, no reuse.

        For tests and measurements: what a stream must agree with.
        """
        above = _above(windows)
        loudest = above[:, : self.used].mean(dim=2).amax(dim=1)[:, None, None]
        x = ((above - loudest - self.mean) * self.scale).unsqueeze(1)
        total: Tensor = self.bias
        for line in self.lines:
            steps = nn.functional.leaky_relu(line.pooled(x)[:, :, : line.pipe.steps], SLOPE)
            total = total + line.dense(steps.flatten(1))
        return torch.softmax(self.classes(torch.sigmoid(total)), dim=1)

    @property
    def receptive_field_s(self) -> float:
        """Frames on which an answer depends: at most the window."""
        frames = self.stride - self.begins
        return (frames - 1) * PARALLEL_CNN.hop_s + PARALLEL_CNN.n_fft / PARALLEL_CNN.rate_hz


def _above(features: Tensor) -> Tensor:
    """Decibels above silence, never less than 0."""
    return (features - SILENCE_DB).clamp(min=0)


def _lookahead(stride: int, begins: int) -> int:
    """Frames by which an answer lags, a multiple of the stride.

    Output j then describes the ``stride`` frames that lie nearest the middle of its window, which
    begins with frame ``j * stride + begins``.
    """
    middle = begins + (WINDOW - 1) / 2
    return stride * round(((stride - 1) / 2 - middle) / stride)


class ParallelCnn1(ParallelCnn):
    """Model 1 (2.2.1, figure 2): one layer that listens along frequency."""

    stem = "parallel_cnn_1"
    pipes = (Pipe(30, 10, 12, 1, 20),)
    stride = 20
    outputs = (("prob", _lookahead(20, 20 - 71)),)


class ParallelCnn2(ParallelCnn):
    """Model 2 (2.2.2, figure 3): frequency beside time.

    For 80 x 40 inputs; the sizes that the paper prints (67 x 68, 5 x 75) would need 82 x 80.
    """

    stem = "parallel_cnn_2"
    pipes = (Pipe(32, 14, 15, 1, 17), Pipe(32, 4, 8, 15, 1))
    stride = 17
    outputs = (("prob", _lookahead(17, 17 - 80)),)


class ParallelCnn3(ParallelCnn):
    """Model 3 (2.2.3, figure 4): short and long filters side by side."""

    stem = "parallel_cnn_3"
    pipes = (Pipe(30, 10, 12, 1, 20), Pipe(30, 10, 34, 1, 20))
    stride = 20
    outputs = (("prob", _lookahead(20, 20 - 73)),)
