"""Loudness in LUFS after ITU-R BS.1770-4 and EBU R 128, of a mono stream.

Runs on the analysis thread of one source. ``KWeightedPower`` turns samples into one mean square per
100 ms, and everything else works on those: ``ProgrammeLoudness`` over all of a stream, however long
(a histogram), ``LoudnessHistory`` over any stretch of the recent past (the events of a log).

*What is measured.* The analysis hears one channel, so one channel with weight 1 is measured. Of a
stereo programme that is its mono mix-down (mean of left and right), and reads 3 LU less than the
two channels together where both carry the same sound, and less again where they differ.
"""

from __future__ import annotations

import math

import numpy as np
import scipy.signal
from numpy.typing import NDArray

from streamseg.messages import Float32Array

Float64Array = NDArray[np.float64]

STEP_S = 0.1
BLOCK_STEPS = 4  # gating blocks of 400 ms that overlap by 75 % (BS.1770-4, annex 1)
ABSOLUTE_GATE_LUFS = -70.0
RELATIVE_GATE_LU = -10.0
_OFFSET_LU = -0.691  # BS.1770-4, equation 2: takes out the gain of the K curve at 997 Hz
LOWEST_RATE_HZ = 4000  # the shelf at 1.7 kHz must fit under half the rate

_BINS_PER_LU = 10
_TOP_LUFS = 30.0  # a full-scale square wave reads about +3: nothing real is louder


def lufs(power: float) -> float:
    """K-weighted mean square to LUFS; minus infinity for digital silence."""
    return _OFFSET_LU + 10.0 * math.log10(power) if power > 0 else -math.inf


def _mean_square(level_lufs: float) -> float:
    return float(10.0 ** ((level_lufs - _OFFSET_LU) / 10.0))


def k_weighting(rate_hz: int) -> Float64Array:
    """Second-order sections of the K curve at any rate.

    BS.1770-4 prints coefficients for 48 kHz alone. These come from the analogue prototypes behind
    them by the bilinear transform (B. De Man, "Evaluation of Implementations of the EBU R128
    Loudness Measurement", AES 145, 2018; libebur128 does the same).

    Shape: (2, 6) float64, for ``scipy.signal.sosfilt``. Raises ValueError below 4 kHz.
    """
    if rate_hz < LOWEST_RATE_HZ:
        raise ValueError(
            f"expected a rate of at least {LOWEST_RATE_HZ} Hz, got {rate_hz}: resample first"
        )
    shelf_hz, shelf_q, shelf_db = 1681.974450955533, 0.7071752369554196, 3.999843853973347
    k = math.tan(math.pi * shelf_hz / rate_hz)
    high = 10.0 ** (shelf_db / 20.0)
    band = high**0.4996667741545416
    a0 = 1.0 + k / shelf_q + k * k
    shelf = [
        (high + band * k / shelf_q + k * k) / a0,
        2.0 * (k * k - high) / a0,
        (high - band * k / shelf_q + k * k) / a0,
        1.0,
        2.0 * (k * k - 1.0) / a0,
        (1.0 - k / shelf_q + k * k) / a0,
    ]
    high_pass_hz, high_pass_q = 38.13547087602444, 0.5003270373238773
    k = math.tan(math.pi * high_pass_hz / rate_hz)
    a0 = 1.0 + k / high_pass_q + k * k
    high_pass = [
        1.0,
        -2.0,
        1.0,
        1.0,
        2.0 * (k * k - 1.0) / a0,
        (1.0 - k / high_pass_q + k * k) / a0,
    ]
    return np.array([shelf, high_pass])


class KWeightedPower:
    """K-weighted mean square of every 100 ms, from samples at any rate from 4 kHz on.

    Step k covers the samples from ``round(k * rate / 10)`` to ``round((k + 1) * rate / 10)``.
    Keeps four filter states and one running sum between calls.
    """

    def __init__(self, rate_hz: int) -> None:
        self.rate_hz = rate_hz
        self._sections = k_weighting(rate_hz)
        self.reset()

    def reset(self) -> None:
        """Forget the signal: the next sample begins step 0."""
        self._state = np.zeros((len(self._sections), 2))
        self._position = 0  # samples since the reset
        self._step = 0  # the step that is being summed
        self._sum = 0.0

    def push(self, samples: Float32Array) -> Float64Array:
        """Shape: (n,) float32 in, full scale 1.0; (steps,) float64 out, those that are complete."""
        if not samples.size:
            return np.empty(0)
        weighted, self._state = scipy.signal.sosfilt(
            self._sections, samples.astype(np.float64), zi=self._state
        )
        square = weighted * weighted
        powers = []
        used = 0
        while (end := step_start(self._step + 1, self.rate_hz)) <= self._position + len(square):
            stop = end - self._position
            self._sum += float(square[used:stop].sum())
            powers.append(self._sum / (end - step_start(self._step, self.rate_hz)))
            self._sum, self._step, used = 0.0, self._step + 1, stop
        self._sum += float(square[used:].sum())
        self._position += len(square)
        return np.array(powers)


def step_start(step: int, rate_hz: int) -> int:
    """First sample of a step of 100 ms, counted from the last reset."""
    return round(step * rate_hz * STEP_S)


def gated_lufs(powers: Float64Array) -> float | None:
    """Integrated loudness of (steps,) mean squares of 100 ms; None if every block is gated out.

    BS.1770-4, annex 1, equations 3 to 7. Under 400 ms there is no block.
    """
    if len(powers) < BLOCK_STEPS:
        return None
    blocks = np.convolve(powers, np.full(BLOCK_STEPS, 1.0 / BLOCK_STEPS), mode="valid")
    blocks = blocks[blocks > _mean_square(ABSOLUTE_GATE_LUFS)]
    if not blocks.size:
        return None
    relative = lufs(float(blocks.mean())) + RELATIVE_GATE_LU
    return lufs(float(blocks[blocks > _mean_square(relative)].mean()))


class LoudnessHistory:
    """The last ``reach_s`` of 100 ms powers, to measure any stretch of them: 0.3 MB an hour.

    Positions are samples of the source, as everywhere. Belongs to the thread that asks; the powers
    come from a ``KWeightedPower`` that may run on another.
    """

    def __init__(self, rate_hz: int, reach_s: float) -> None:
        self._rate_hz = rate_hz
        self._powers = np.zeros(max(BLOCK_STEPS, math.ceil(reach_s / STEP_S)) + 1)
        self.reset(0)

    def reset(self, origin: int) -> None:
        """Forget the signal: the next step begins with sample ``origin``."""
        self._origin = origin
        self._steps = 0  # that came since the reset; step k lies at k modulo the length

    def push(self, powers: Float64Array) -> None:
        """Shape: (steps,) mean squares of 100 ms, from ``KWeightedPower.push``."""
        newest = powers[-len(self._powers) :]
        first = self._steps + len(powers) - len(newest)
        self._powers[np.arange(first, first + len(newest)) % len(self._powers)] = newest
        self._steps += len(powers)

    def lufs(self, start: int, end: int) -> float | None:
        """Integrated loudness of samples ``start`` to ``end``, from the steps wholly inside.

        None if that is less than 400 ms, if all of it is gated out, or if its beginning lies
        further back than ``reach_s``.
        """
        step_samples = self._rate_hz * STEP_S
        first = max(0, math.floor((start - self._origin) / step_samples))
        while step_start(first, self._rate_hz) < start - self._origin:
            first += 1
        last = min(self._steps, math.ceil((end - self._origin) / step_samples))
        while last > first and step_start(last, self._rate_hz) > end - self._origin:
            last -= 1
        if first < self._steps - len(self._powers):
            return None
        return gated_lufs(self._powers[np.arange(first, last) % len(self._powers)])


class ProgrammeLoudness:
    """Integrated loudness of a whole stream in constant memory.

    Gating blocks go into a histogram of 0.1 LU, as in libebur128. Each bin keeps the sum of its
    powers, so only the place of the relative gate is rounded (to 0.1 LU), not the loudness.
    """

    def __init__(self) -> None:
        bins = round((_TOP_LUFS - ABSOLUTE_GATE_LUFS) * _BINS_PER_LU)
        self._count = np.zeros(bins, np.int64)
        self._power = np.zeros(bins)
        self.reset()

    def reset(self) -> None:
        """Forget the stream."""
        self._count[:] = 0
        self._power[:] = 0.0
        self._tail = np.empty(0)  # the last steps, which the next block begins with

    def push(self, powers: Float64Array) -> None:
        """Shape: (steps,) mean squares of 100 ms, from ``KWeightedPower.push``."""
        steps = np.concatenate((self._tail, powers))
        self._tail = steps[-(BLOCK_STEPS - 1) :]
        if len(steps) < BLOCK_STEPS:
            return
        blocks = np.convolve(steps, np.full(BLOCK_STEPS, 1.0 / BLOCK_STEPS), mode="valid")
        blocks = blocks[blocks > _mean_square(ABSOLUTE_GATE_LUFS)]
        place = (10.0 * np.log10(blocks) + _OFFSET_LU - ABSOLUTE_GATE_LUFS) * _BINS_PER_LU
        index = np.clip(place.astype(np.int64), 0, len(self._count) - 1)
        np.add.at(self._count, index, 1)
        np.add.at(self._power, index, blocks)

    def interrupt(self) -> None:
        """A hole in the stream: no block reaches across it."""
        self._tail = np.empty(0)

    @property
    def lufs(self) -> float | None:
        """Loudness so far; None while every block was gated out."""
        if not self._count.any():
            return None
        mean = lufs(float(self._power.sum() / self._count.sum()))
        gate = (mean + RELATIVE_GATE_LU - ABSOLUTE_GATE_LUFS) * _BINS_PER_LU
        kept = slice(max(0, round(gate)), None)
        return lufs(float(self._power[kept].sum() / self._count[kept].sum()))
