"""Loudness of a whole programme, however long, in constant memory: integrated loudness and range.

Both work on the K-weighted powers of 100 ms that ``loudness`` makes, belong to the thread that
pushes, and keep a histogram of 0.1 LU, as libebur128 does. Each bin keeps the sum of its powers, so
only the place of a gate is rounded, not the loudness.
"""

from __future__ import annotations

import numpy as np

from streamseg.frontend.loudness import (
    ABSOLUTE_GATE_LUFS,
    BLOCK_STEPS,
    RELATIVE_GATE_LU,
    SHORT_STEPS,
    Float64Array,
    lufs,
    mean_square,
)

_BINS_PER_LU = 10
_TOP_LUFS = 30.0  # a full-scale square wave in five channels reads +11: nothing real is louder

RANGE_GATE_LU = -20.0  # EBU Tech 3342, section 3
RANGE_PERCENT = (10.0, 95.0)


class _Windows:
    """Mean powers of windows of some steps, each a step after the last; those above the gate."""

    def __init__(self, steps: int) -> None:
        bins = round((_TOP_LUFS - ABSOLUTE_GATE_LUFS) * _BINS_PER_LU)
        self.count = np.zeros(bins, np.int64)
        self.power = np.zeros(bins)
        self._steps = steps
        self.reset()

    def reset(self) -> None:
        self.count[:] = 0
        self.power[:] = 0.0
        self.interrupt()

    def interrupt(self) -> None:
        self._tail = np.empty(0)  # the last steps, which the next window begins with

    def push(self, powers: Float64Array) -> None:
        steps = np.concatenate((self._tail, powers))
        self._tail = steps[max(0, len(steps) - self._steps + 1) :]
        if len(steps) < self._steps:
            return
        blocks = np.convolve(steps, np.full(self._steps, 1.0 / self._steps), mode="valid")
        blocks = blocks[blocks > mean_square(ABSOLUTE_GATE_LUFS)]
        if not blocks.size:
            return
        place = (10.0 * np.log10(blocks / mean_square(ABSOLUTE_GATE_LUFS))) * _BINS_PER_LU
        index = np.clip(place.astype(np.int64), 0, len(self.count) - 1)
        np.add.at(self.count, index, 1)
        np.add.at(self.power, index, blocks)

    def kept(self, gate_lu: float) -> slice:
        """Bins above the relative gate."""
        mean = lufs(float(self.power.sum() / self.count.sum()))
        return slice(max(0, round((mean + gate_lu - ABSOLUTE_GATE_LUFS) * _BINS_PER_LU)), None)


class ProgrammeLoudness:
    """Integrated loudness of a whole stream (BS.1770-4, annex 1)."""

    def __init__(self) -> None:
        self._blocks = _Windows(BLOCK_STEPS)

    def reset(self) -> None:
        """Forget the stream."""
        self._blocks.reset()

    def push(self, powers: Float64Array) -> None:
        """Shape: (steps,) mean squares of 100 ms, from ``KWeightedPower.push``."""
        self._blocks.push(powers)

    def interrupt(self) -> None:
        """A hole in the stream: no block reaches across it."""
        self._blocks.interrupt()

    @property
    def lufs(self) -> float | None:
        """Loudness so far; None while every block was gated out."""
        blocks = self._blocks
        if not blocks.count.any():
            return None
        kept = blocks.kept(RELATIVE_GATE_LU)
        return lufs(float(blocks.power[kept].sum() / blocks.count[kept].sum()))


class LoudnessRange:
    """Loudness range of a whole stream: how far its loud and its quiet parts lie apart.

    EBU Tech 3342: the 3 s loudness every 100 ms, above -70 LUFS and above 20 LU under its mean; the
    distance from its 10th to its 95th percentile.
    """

    def __init__(self) -> None:
        self._blocks = _Windows(SHORT_STEPS)

    def reset(self) -> None:
        """Forget the stream."""
        self._blocks.reset()

    def push(self, powers: Float64Array) -> None:
        """Shape: (steps,) mean squares of 100 ms, from ``KWeightedPower.push``."""
        self._blocks.push(powers)

    def interrupt(self) -> None:
        """A hole in the stream: no window reaches across it."""
        self._blocks.interrupt()

    @property
    def lu(self) -> float | None:
        """The range so far in LU; None before the first 3 s of sound."""
        blocks = self._blocks
        if not blocks.count.any():
            return None
        kept = blocks.kept(RANGE_GATE_LU)
        upto = np.cumsum(blocks.count[kept])
        # The same rounding as in the appendix of Tech 3342.
        places = [round((int(upto[-1]) - 1) * percent / 100.0) for percent in RANGE_PERCENT]
        low, high = np.searchsorted(upto, places, side="right")
        return float(high - low) / _BINS_PER_LU
