"""What the meters say: level, true peak, loudness and phase of the channels as they came in.

Belongs to the display worker's thread. Measured are the channels before they were mixed to what
the networks hear; where only one came in, that one.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import numpy as np

from streamseg.frontend.loudness import (
    BLOCK_STEPS,
    LOWEST_RATE_HZ,
    SHORT_STEPS,
    Float64Array,
    KWeightedPower,
    channel_weights,
    lufs,
)
from streamseg.frontend.loudness_stats import LoudnessRange, ProgrammeLoudness
from streamseg.frontend.true_peak import TruePeak
from streamseg.messages import Float32Array

PEAK_HOLD_S = 3.0
LEVEL_S = 0.3  # the integration time of a VU meter
PHASE_S = 1.0  # phase meters are slow, or they could not be read
_FLOOR_DB = -120.0


@dataclass(frozen=True, slots=True)
class Meters:
    """What the meters show. None: nothing to say yet."""

    level_dbfs: float | None = None
    """Mean power of the last 0.3 s, of the louder channel; a full-scale sine is 0."""
    channels_dbfs: tuple[float, ...] = ()
    """The same of each of two channels, left and right; empty for any other number."""
    correlation: float | None = None
    """Of left and right over a second: 1 mono, 0 unrelated, -1 one of them inverted."""
    true_peak_db: float | None = None
    """Highest in the last block, in dBTP (BS.1770-4, annex 2)."""
    held_peak_db: float | None = None
    """Highest of the last ``PEAK_HOLD_S``."""
    highest_peak_db: float | None = None
    """Highest since the start or the last reset."""
    momentary_lufs: float | None = None
    short_lufs: float | None = None
    integrated_lufs: float | None = None
    highest_momentary_lufs: float | None = None
    highest_short_lufs: float | None = None
    range_lu: float | None = None
    """Loudness range (EBU Tech 3342)."""


class Measure:
    """Allocates per block; what is held survives a hole in the sound, nothing else does."""

    def __init__(self, rate_hz: int, *, dual_mono: bool = False) -> None:
        """``dual_mono``: a single channel is measured as two loudspeakers."""
        self._rate_hz, self._dual_mono = rate_hz, dual_mono
        self._programme, self._range = ProgrammeLoudness(), LoudnessRange()
        self._sums: deque[tuple[Float64Array, int]] = deque()
        self._steps: deque[float] = deque(maxlen=SHORT_STEPS)
        self._held: deque[tuple[int, float]] = deque()
        self._position = 0
        self.reset_maxima()
        self._prepare(1)

    def _prepare(self, channels: int) -> None:
        self._channels = channels
        self._peak = TruePeak(self._rate_hz, channels)
        self._weights = channel_weights(channels) * (2 if self._dual_mono and channels == 1 else 1)
        self._weighting = (
            [KWeightedPower(self._rate_hz) for _ in range(channels)]
            if self._rate_hz >= LOWEST_RATE_HZ
            else []
        )
        self._sums.clear()
        self._steps.clear()
        self._programme.interrupt()
        self._range.interrupt()

    def restart(self) -> None:
        """Sound was lost: nothing may reach across the hole."""
        self._prepare(self._channels)

    def reset_maxima(self) -> None:
        """Begin integrated loudness, range and everything highest anew."""
        self._programme.reset()
        self._range.reset()
        self._held.clear()
        self._highest = 0.0
        self._highest_power = [0.0, 0.0]  # momentary, short

    def push(self, samples: Float32Array) -> None:
        """Shape: (channels, n) float32 that follow the last ones."""
        if not samples.shape[1]:
            return
        if len(samples) != self._channels:
            self._prepare(len(samples))
        self._position += samples.shape[1]
        self._sum(samples)
        peak = self._peak.push(samples).value
        self._highest = max(self._highest, peak)
        self._held.append((self._position, peak))
        while self._held[0][0] < self._position - PEAK_HOLD_S * self._rate_hz:
            self._held.popleft()
        if self._weighting:
            powers = [one.push(x) for one, x in zip(self._weighting, samples, strict=True)]
            self._loudness(self._weights @ np.array(powers))

    def _sum(self, samples: Float32Array) -> None:
        """Squares of each channel, and of two the product of both."""
        sums = np.einsum("cn,cn->c", samples, samples).astype(np.float64)
        if self._channels == 2:
            sums = np.append(sums, float(np.dot(samples[0], samples[1])))
        self._sums.append((sums, samples.shape[1]))
        while sum(size for _, size in self._sums) > PHASE_S * self._rate_hz + samples.shape[1]:
            self._sums.popleft()

    def _loudness(self, powers: Float64Array) -> None:
        self._programme.push(powers)
        self._range.push(powers)
        for power in powers.tolist():
            self._steps.append(power)
            for index, count in enumerate((BLOCK_STEPS, SHORT_STEPS)):
                if (mean := self._mean(count)) is not None:
                    self._highest_power[index] = max(self._highest_power[index], mean)

    def _mean(self, count: int) -> float | None:
        """Of the last steps of 100 ms."""
        if len(self._steps) < count:
            return None
        return sum(list(self._steps)[-count:]) / count

    def meters(self) -> Meters:
        """The newest readings."""
        levels = self._levels()
        held = max((peak for _, peak in self._held), default=0.0)
        measured = bool(self._held)
        momentary, short = (self._mean(count) for count in (BLOCK_STEPS, SHORT_STEPS))
        high = self._highest_power
        return Meters(
            level_dbfs=max(levels, default=None),
            channels_dbfs=tuple(levels) if self._channels == 2 else (),
            correlation=self._correlation(),
            true_peak_db=_db(self._held[-1][1], 20) if measured else None,
            held_peak_db=_db(held, 20) if measured else None,
            highest_peak_db=_db(self._highest, 20) if measured else None,
            momentary_lufs=_lufs(momentary),
            short_lufs=_lufs(short),
            integrated_lufs=self._programme.lufs,
            highest_momentary_lufs=_lufs(high[0] or None),
            highest_short_lufs=_lufs(high[1] or None),
            range_lu=self._range.lu,
        )

    def _levels(self) -> list[float]:
        """Of each channel over ``LEVEL_S``, in dBFS."""
        total, count = np.zeros(self._channels), 0
        for sums, size in reversed(self._sums):
            total += sums[: self._channels]
            count += size
            if count >= LEVEL_S * self._rate_hz:
                break
        return [_db(2 * power / count, 10) for power in total.tolist()] if count else []

    def _correlation(self) -> float | None:
        if self._channels != 2 or not self._sums:
            return None
        left, right, both = np.sum([sums for sums, _ in self._sums], axis=0)
        energy = math.sqrt(left * right)
        return float(both / energy) if energy > 0 else None


def _db(value: float, factor: float) -> float:
    return max(_FLOOR_DB, factor * math.log10(value)) if value > 0 else _FLOOR_DB


def _lufs(power: float | None) -> float | None:
    return None if power is None else max(_FLOOR_DB, lufs(power))
