"""From blocks of sound to what the window draws of them: spectrum columns and meters.

``DisplayAnalyser`` belongs to the display worker's thread. It allocates per block; a hole in the
sound (``restart``) forgets filters and windows, never the maxima that are held.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streamseg.frontend.stft import Stft
from streamseg.messages import Float32Array
from streamseg.view.measure import Measure, Meters

COLUMNS_PER_S = 25
WINDOW_S = 0.085  # 4096 samples at 48 kHz: tells two semitones apart from 190 Hz on
BINS = 512
BOTTOM_DB = -127.5
STEP_DB = 0.5
"""A stored byte b means ``BOTTOM_DB + b * STEP_DB``; a full-scale sine reads 0 dB."""


def bin_edges_hz(rate_hz: int) -> NDArray[np.float64]:
    """Borders of the ``BINS`` stored bins: equal steps on the mel scale from 0 to half the rate.

    Fine enough at the bottom for a logarithmic axis and at the top for a linear one.
    """
    top = 2595 * math.log10(1 + rate_hz / 2 / 700)
    edges: NDArray[np.float64] = 700 * (10 ** (np.linspace(0, top, BINS + 1) / 2595) - 1)
    return edges


def hop_samples(rate_hz: int) -> int:
    """Samples that a column stands for."""
    return max(1, round(rate_hz / COLUMNS_PER_S))


@dataclass(frozen=True, slots=True)
class Columns:
    """Spectrum columns in order: (n, BINS) uint8, the first with this number."""

    first: int
    data: NDArray[np.uint8]


class DisplayAnalyser:
    """Everything that the window draws of the sound itself."""

    def __init__(self, rate_hz: int, *, dual_mono: bool = False) -> None:
        self.rate_hz = rate_hz
        self.hop = hop_samples(rate_hz)
        n_fft = 1 << max(5, round(math.log2(rate_hz * WINDOW_S)))
        self._n_fft = max(n_fft, 1 << (self.hop - 1).bit_length())
        self._stft = Stft(self._n_fft, self.hop)
        self._pooling = _Pooling(rate_hz, self._n_fft)
        # A full-scale sine has a bin of n_fft/4 under a Hann window, spread over 1.5 bins.
        self._scale = 1.0 / (self._n_fft / 4) ** 2
        self._measure = Measure(rate_hz, dual_mono=dual_mono)
        self.restart(0)

    def restart(self, sample: int) -> None:
        """Sound before ``sample`` was lost: nothing may reach across the hole."""
        self._stft.reset()
        self._measure.restart()
        self.sample = sample
        # Column c has its middle at (c + 1/2) hops on the source's counter, whatever the hole.
        self._column = sample // self.hop
        before = sample - self._column * self.hop + (self._n_fft - self.hop) // 2
        self._stft.push(np.zeros(before, np.float32))

    def reset_maxima(self) -> None:
        """Begin the integrated loudness and the highest peak anew."""
        self._measure.reset_maxima()

    def push(self, samples: Float32Array, channels: Float32Array | None = None) -> Columns:
        """The columns that became complete.

        Shape: ``samples`` is (n,) float32 that follow the last ones; ``channels`` is (n, channels),
        what they were mixed from: the meters measure those.
        """
        self.sample += samples.size
        spectra = self._stft.push(samples)
        power = spectra.real**2 + spectra.imag**2
        pooled = self._pooling(power) * self._scale
        level_db = 10 * np.log10(np.maximum(pooled, 1e-13))
        data = np.clip(np.rint((level_db - BOTTOM_DB) / STEP_DB), 0, 255).astype(np.uint8)
        columns = Columns(self._column, data)
        self._column += len(data)
        self._measure.push(samples[None] if channels is None else channels.T)
        return columns

    def meters(self) -> Meters:
        """The newest readings."""
        return self._measure.meters()


class _Pooling:
    """FFT powers to stored bins: the highest inside, interpolated where there are less than two.

    The highest and not the mean, so that a tone reads its level on every axis (to the 1.4 dB by
    which it may miss the middle of an FFT bin).
    """

    def __init__(self, rate_hz: int, n_fft: int) -> None:
        edges = bin_edges_hz(rate_hz) / (rate_hz / n_fft)
        first = np.ceil(edges).astype(np.int64)  # FFT bin that a stored one begins with
        # The widths only grow: the narrow bins are all at the bottom.
        narrow = int(np.argmax(np.append(np.diff(first) >= 2, True)))
        while narrow < BINS and np.diff(first)[narrow:].min() < 2:
            narrow += 1
        middle = (edges[:narrow] + edges[1 : narrow + 1]) / 2
        self._below = np.minimum(middle.astype(np.int64), n_fft // 2 - 1)
        self._share = (middle - self._below).astype(np.float32)
        self._starts = np.minimum(first[narrow:-1], n_fft // 2)

    def __call__(self, power: Float32Array) -> Float32Array:
        """Shape: (frames, n_fft // 2 + 1) to (frames, BINS)."""
        low = power[:, self._below] * (1 - self._share) + power[:, self._below + 1] * self._share
        if not len(self._starts):
            return low
        return np.concatenate((low, np.maximum.reduceat(power, self._starts, axis=1)), axis=1)
