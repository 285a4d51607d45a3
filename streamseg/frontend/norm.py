"""Causal normalisation per frequency. Runs on the analysis thread of one source.

A paper may normalise a whole file by its own mean and deviation; a live monitor has no whole file.
Here the statistics of frame t come from the active frames up to and including t, weighted
exponentially; the weights are corrected for the short past at the start (as in Adam, Kingma and
Ba 2015, section 3), so the first seconds are a plain running average.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from streamseg.messages import Float32Array


class RunningNorm:
    """Subtract the running mean of each band and divide by its running deviation."""

    def __init__(
        self,
        bands: int,
        hop_s: float,
        time_constant_s: float,
        min_deviation_db: float,
        gate_db: float,
        clip: float,
    ) -> None:
        # Half of a program's start, and only some networks normalise.
        import scipy.signal

        self._filter = scipy.signal.lfilter
        self._bands = bands
        self._decay = float(np.exp(-hop_s / time_constant_s))
        self._min_variance = min_deviation_db**2
        self._gate_db = gate_db
        self._clip = clip
        self.reset()

    def reset(self) -> None:
        """Forget the statistics: the next frame is the first one."""
        self._moments = np.zeros((2, self._bands))  # decayed sums of x and x^2, float64
        self._weight = 0.0  # decayed sum of ones

    def push(self, features: Float32Array) -> Float32Array:
        """Shape: (frames, bands) float32 decibels in, (frames, bands) float32 out."""
        if not len(features):
            return features
        active = features.max(axis=1) > self._gate_db
        sums, weights = self._accumulate(features[active].astype(np.float64))
        # An inactive frame uses the statistics of the last active one before it.
        row = np.cumsum(active)
        weight = np.maximum(weights[row], 1e-12)[:, None]
        mean = sums[0][row] / weight
        variance = np.maximum(sums[1][row] / weight - mean**2, self._min_variance)
        scaled = (features - mean) / np.sqrt(variance)
        clipped: Float32Array = np.clip(scaled, -self._clip, self._clip).astype(np.float32)
        return clipped

    def _accumulate(
        self, active: NDArray[np.float64]
    ) -> tuple[list[NDArray[np.float64]], NDArray[np.float64]]:
        """Statistics before the block (row 0) and after each active frame (rows 1..n)."""
        decay = [1.0, -self._decay]
        gain = [1.0]
        sums = []
        for index, values in enumerate((active, active**2)):
            before = self._moments[index]
            after, _ = self._filter(gain, decay, values, axis=0, zi=(self._decay * before)[None])
            sums.append(np.concatenate((before[None], after)))
            self._moments[index] = sums[index][-1]
        ones = np.ones(len(active))
        after, _ = self._filter(gain, decay, ones, zi=[self._decay * self._weight])
        weights = np.concatenate(([self._weight], after))
        self._weight = float(weights[-1])
        return sums, weights
