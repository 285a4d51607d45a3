"""From blocks of sound to what the window draws of them: spectrum columns, level, peak, loudness.

``DisplayAnalyser`` belongs to the display worker's thread. It allocates per block; a hole in the
sound (``restart``) forgets filters and windows, never the maxima that are held.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray

from streamseg.frontend.loudness import KWeightedPower, ProgrammeLoudness, lufs
from streamseg.frontend.stft import Stft
from streamseg.messages import Float32Array

COLUMNS_PER_S = 25
WINDOW_S = 0.085  # 4096 samples at 48 kHz: tells two semitones apart from 190 Hz on
BINS = 512
BOTTOM_DB = -127.5
STEP_DB = 0.5
"""A stored byte b means ``BOTTOM_DB + b * STEP_DB``; a full-scale sine reads 0 dB."""

PEAK_HOLD_S = 3.0
LEVEL_S = 0.3  # the integration time of a VU meter
MOMENTARY_STEPS, SHORT_STEPS = 4, 30  # EBU Tech 3341: 0.4 s and 3 s, in steps of 0.1 s


@dataclass(frozen=True, slots=True)
class Meters:
    """What the meters show. None: nothing to say yet."""

    level_dbfs: float | None = None
    """Mean power of the last 0.3 s; a full-scale sine is 0."""
    true_peak_db: float | None = None
    """Highest in the last block of columns, in dBTP (BS.1770-4, annex 2)."""
    held_peak_db: float | None = None
    """Highest of the last ``PEAK_HOLD_S``."""
    highest_peak_db: float | None = None
    """Highest since the start or the last reset."""
    momentary_lufs: float | None = None
    short_lufs: float | None = None
    integrated_lufs: float | None = None


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

    def __init__(self, rate_hz: int) -> None:
        self.rate_hz = rate_hz
        self.hop = hop_samples(rate_hz)
        n_fft = 1 << max(5, round(math.log2(rate_hz * WINDOW_S)))
        self._n_fft = max(n_fft, 1 << (self.hop - 1).bit_length())
        self._stft = Stft(self._n_fft, self.hop)
        self._pooling = _Pooling(rate_hz, self._n_fft)
        # A full-scale sine has a bin of n_fft/4 under a Hann window, spread over 1.5 bins.
        self._scale = 1.0 / (self._n_fft / 4) ** 2
        self._peak = TruePeak(rate_hz)
        self._weighting = KWeightedPower(rate_hz) if rate_hz >= 4000 else None
        self._programme = ProgrammeLoudness()
        self._steps: deque[float] = deque(maxlen=SHORT_STEPS)
        self._squares: deque[tuple[float, int]] = deque()
        self._held: deque[tuple[int, float]] = deque()
        self._highest = 0.0
        self.restart(0)

    def restart(self, sample: int) -> None:
        """Sound before ``sample`` was lost: nothing may reach across the hole."""
        self._stft.reset()
        self._peak.reset()
        if self._weighting is not None:
            self._weighting.reset()
        self._programme.interrupt()
        self._steps.clear()
        self._squares.clear()
        self.sample = sample
        # Column c has its middle at (c + 1/2) hops on the source's counter, whatever the hole.
        self._column = sample // self.hop
        before = sample - self._column * self.hop + (self._n_fft - self.hop) // 2
        self._stft.push(np.zeros(before, np.float32))

    def reset_maxima(self) -> None:
        """Begin the integrated loudness and the highest peak anew."""
        self._programme.reset()
        self._highest = 0.0
        self._held.clear()

    def push(self, samples: Float32Array) -> Columns:
        """Shape: (n,) float32 that follow the last ones; the columns that became complete."""
        self.sample += samples.size
        spectra = self._stft.push(samples)
        power = spectra.real**2 + spectra.imag**2
        pooled = self._pooling(power) * self._scale
        level_db = 10 * np.log10(np.maximum(pooled, 1e-13))
        data = np.clip(np.rint((level_db - BOTTOM_DB) / STEP_DB), 0, 255).astype(np.uint8)
        columns = Columns(self._column, data)
        self._column += len(data)
        self._measure(samples)
        return columns

    def meters(self) -> Meters:
        """The newest readings."""
        count = sum(size for _, size in self._squares)
        power = sum(square for square, _ in self._squares) / count if count else 0.0
        held = max((peak for _, peak in self._held), default=0.0)
        steps = list(self._steps)
        return Meters(
            level_dbfs=_db(2 * power, 10) if count else None,
            true_peak_db=_db(self._held[-1][1], 20) if self._held else None,
            held_peak_db=_db(held, 20) if self._held else None,
            highest_peak_db=_db(self._highest, 20) if self._held else None,
            momentary_lufs=_loudness(steps, MOMENTARY_STEPS),
            short_lufs=_loudness(steps, SHORT_STEPS),
            integrated_lufs=self._programme.lufs,
        )

    def _measure(self, samples: Float32Array) -> None:
        if not samples.size:
            return
        self._squares.append((float(np.dot(samples, samples)), samples.size))
        while sum(size for _, size in self._squares) > LEVEL_S * self.rate_hz + samples.size:
            self._squares.popleft()
        peak = self._peak.push(samples)
        self._highest = max(self._highest, peak)
        self._held.append((self.sample, peak))
        while self._held[0][0] < self.sample - PEAK_HOLD_S * self.rate_hz:
            self._held.popleft()
        if self._weighting is not None:
            steps = self._weighting.push(samples)
            self._steps.extend(steps.tolist())
            self._programme.push(steps)


class TruePeak:
    """Highest magnitude of the signal between the samples too: oversampled to 192 kHz at least."""

    def __init__(self, rate_hz: int) -> None:
        self._rates = (rate_hz, rate_hz * max(1, math.ceil(min(4.0, 192_000 / rate_hz))))
        self.reset()

    def reset(self) -> None:
        """Forget the signal."""
        same = self._rates[0] == self._rates[1]
        self._stream = None if same else soxr.ResampleStream(*self._rates, 1, quality="MQ")

    def push(self, samples: Float32Array) -> float:
        """Shape: (n,) float32; the highest since the last call, never below the samples' own."""
        highest = float(np.abs(samples).max(initial=0.0))
        if self._stream is not None and samples.size:
            between = self._stream.resample_chunk(samples)
            highest = max(highest, float(np.abs(between).max(initial=0.0)))
        return highest


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


def _db(value: float, factor: float) -> float:
    return max(-120.0, factor * math.log10(value)) if value > 0 else -120.0


def _loudness(steps: list[float], count: int) -> float | None:
    if len(steps) < count:
        return None
    return max(-120.0, lufs(sum(steps[-count:]) / count))
