"""Frequency units of the stem masks: single bins below, groups of two and four above.

A mask needs to tell harmonics apart where there are harmonics: below 2.8 kHz a unit is a bin of the
transform (10.8 Hz), up to 5.5 kHz two of them, then four. Pure numpy.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from streamseg.messages import Float32Array

BIN_UNITS = ((256, 1), (128, 2), (128, 4))
"""So many units of so many bins each, from the lowest on."""
BINS = sum(count * size for count, size in BIN_UNITS)  # 1024, all but that of half the rate
UNITS = sum(count for count, _ in BIN_UNITS)  # 512
STARTS: NDArray[np.int64] = np.concatenate(
    ([0], np.cumsum([size for count, size in BIN_UNITS for _ in range(count)])[:-1])
)
"""First bin of each unit, (512,)."""


def sums(bins: Float32Array) -> Float32Array:
    """Sum over the bins of each unit. Shape: (..., 1024) in, (..., 512) out."""
    assert bins.shape[-1] == BINS, f"expected {BINS} bins, got {bins.shape[-1]}"
    return np.add.reduceat(bins, STARTS, axis=-1)


def spread(units: Float32Array) -> Float32Array:
    """Every bin as its unit says. Shape: (..., 512) in, (..., 1024) out."""
    sizes = np.diff(np.append(STARTS, BINS))
    return np.repeat(units, sizes, axis=-1)


def middles_hz(rate_hz: int, n_fft: int) -> NDArray[np.float64]:
    """Middle of each unit, (512,); a bin is centred on its own frequency."""
    sizes = np.diff(np.append(STARTS, BINS))
    middles: NDArray[np.float64] = (STARTS + (sizes - 1) / 2) * rate_hz / n_fft
    return middles
