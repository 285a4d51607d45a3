"""Power of single STFT bins in decibels. Runs on the analysis thread of one source."""

from __future__ import annotations

import numpy as np

from streamseg.frontend.stft import Stft
from streamseg.messages import Float32Array


class LogPower:
    """Samples to ``10 * log10(power)`` of the lowest ``bins`` bins, limited below at ``floor_db``.

    Power is that of the unscaled transform, as in ``LogMel``. Bin b lies at ``b * rate / n_fft``.
    """

    def __init__(self, n_fft: int, hop: int, bins: int, floor_db: float) -> None:
        if not 1 <= bins <= n_fft // 2 + 1:
            raise ValueError(
                f"expected 1 to {n_fft // 2 + 1} bins of a transform of {n_fft} samples, got {bins}"
            )
        self._stft = Stft(n_fft, hop)
        self._bins = bins
        self._floor = np.float32(10.0 ** (floor_db / 10.0))

    def reset(self) -> None:
        """Forget the signal."""
        self._stft.reset()

    def push(self, samples: Float32Array) -> Float32Array:
        """Shape: (n,) float32 in; (frames, bins) float32 decibels out."""
        spectrum = self._stft.push(samples)[:, : self._bins]
        power: Float32Array = spectrum.real**2 + spectrum.imag**2
        np.maximum(power, self._floor, out=power)
        np.log10(power, out=power)
        power *= np.float32(10.0)
        return power
