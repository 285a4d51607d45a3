"""Loudness in LUFS after ITU-R BS.1770-4 and EBU R 128.

Runs on the analysis thread of one source. ``KWeighting`` and ``KWeightedPower`` turn samples into
one mean square per 100 ms, and everything else works on those: ``loudness_stats`` over all of a
stream, however long, ``LoudnessHistory`` over any stretch of the recent past (the events of a log).

*What is measured.* The channels that came in, not the mix that the networks hear: the powers of
left and right (and of the others, with ``channel_weights``) are added. Where only one channel came
in, or was picked, that one is measured with weight 1, as the standard says; it reads 3 LU less than
the same sound from both loudspeakers (``alarms.dual_mono`` takes it as that).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from streamseg.messages import STEP_S, Float32Array, step_start

Float64Array = NDArray[np.float64]

BLOCK_STEPS = 4  # gating blocks of 400 ms that overlap by 75 % (BS.1770-4, annex 1)
SHORT_STEPS = 30  # short-term loudness: 3 s (EBU Tech 3341)
ABSOLUTE_GATE_LUFS = -70.0
RELATIVE_GATE_LU = -10.0
_OFFSET_LU = -0.691  # BS.1770-4, equation 2: takes out the gain of the K curve at 997 Hz
LOWEST_RATE_HZ = 4000  # the shelf at 1.7 kHz must fit under half the rate


def lufs(power: float) -> float:
    """K-weighted mean square to LUFS; minus infinity for digital silence."""
    return _OFFSET_LU + 10.0 * math.log10(power) if power > 0 else -math.inf


def mean_square(level_lufs: float) -> float:
    """The inverse of ``lufs``."""
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


def channel_weights(channels: int) -> Float64Array:
    """Weights of BS.1770-4, table 3, for the usual order of so many channels.

    Five are L R C Ls Rs, six have the LFE (not counted) in fourth place, eight two more at the
    sides; with any other number all count alike. Shape: (channels,) float64.
    """
    rear = 1.41
    usual = {5: (1, 1, 1, rear, rear), 6: (1, 1, 1, 0, rear, rear)}
    usual[8] = (*usual[6], rear, rear)
    return np.array(usual.get(channels, (1.0,) * channels), np.float64)


class KWeighting:
    """The K curve over a stream of channels; keeps four filter states a channel."""

    def __init__(self, rate_hz: int, channels: int = 1) -> None:
        # Half of a program's start: ``scan`` measures no loudness.
        import scipy.signal

        self._filter = scipy.signal.sosfilt
        self._sections = k_weighting(rate_hz)
        self._channels = channels
        self.reset()

    def reset(self) -> None:
        """Forget the signal."""
        self._state = np.zeros((len(self._sections), self._channels, 2))

    def push(self, samples: Float32Array) -> Float64Array:
        """Shape: (channels, n) float32 in, the same shape in float64 out."""
        weighted: Float64Array
        weighted, self._state = self._filter(
            self._sections, samples.astype(np.float64), zi=self._state
        )
        return weighted


class KWeightedPower:
    """K-weighted mean square of every 100 ms of one channel, at any rate from 4 kHz on.

    Step k covers the samples from ``round(k * rate / 10)`` to ``round((k + 1) * rate / 10)``.
    """

    def __init__(self, rate_hz: int) -> None:
        self.rate_hz = rate_hz
        self._weighting = KWeighting(rate_hz)
        self.reset()

    def reset(self) -> None:
        """Forget the signal: the next sample begins step 0."""
        self._weighting.reset()
        self._position = 0  # samples since the reset
        self._step = 0  # the step that is being summed
        self._sum = 0.0

    def push(self, samples: Float32Array) -> Float64Array:
        """Shape: (n,) float32 in, full scale 1.0; (steps,) float64 out, those that are complete."""
        if not samples.size:
            return np.empty(0)
        square = self._weighting.push(samples[None])[0] ** 2
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


def gated_lufs(powers: Float64Array) -> float | None:
    """Integrated loudness of (steps,) mean squares of 100 ms; None if every block is gated out.

    BS.1770-4, annex 1, equations 3 to 7. Under 400 ms there is no block.
    """
    if len(powers) < BLOCK_STEPS:
        return None
    blocks = np.convolve(powers, np.full(BLOCK_STEPS, 1.0 / BLOCK_STEPS), mode="valid")
    blocks = blocks[blocks > mean_square(ABSOLUTE_GATE_LUFS)]
    if not blocks.size:
        return None
    relative = lufs(float(blocks.mean())) + RELATIVE_GATE_LU
    return lufs(float(blocks[blocks > mean_square(relative)].mean()))


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
