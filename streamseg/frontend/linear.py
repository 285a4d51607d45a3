"""Power of single STFT bins in decibels. Runs on the analysis thread of one source."""

from __future__ import annotations

import numpy as np

from streamseg.frontend.stft import Stft
from streamseg.messages import Float32Array


class LogPower:
    """Samples to ``10 * log10(power)`` of the lowest ``bins`` bins, limited below at ``floor_db``.

    Power is that of the unscaled transform, as in ``LogMel``. Bin b lies at ``b * rate / n_fft``.
    With ``long_n_fft`` the lowest ``long_bins`` bins of a second window follow them, which ends at
    the same sample; silence lies before the signal.
    """

    def __init__(
        self,
        n_fft: int,
        hop: int,
        bins: int,
        floor_db: float,
        long_n_fft: int = 0,
        long_bins: int = 0,
    ) -> None:
        for size, count in ((n_fft, bins), (long_n_fft, long_bins))[: 2 if long_n_fft else 1]:
            if not 1 <= count <= size // 2 + 1:
                raise ValueError(
                    f"expected 1 to {size // 2 + 1} bins of a transform of {size} samples, "
                    f"got {count}"
                )
        if 0 < long_n_fft < n_fft:
            raise ValueError(f"expected a long window of at least {n_fft}, got {long_n_fft}")
        self._stft = Stft(n_fft, hop)
        self._bins = bins
        self._long = Stft(long_n_fft, hop) if long_n_fft else None
        self._long_bins = long_bins
        self._before = np.zeros(max(long_n_fft - n_fft, 0), np.float32)
        self._floor = np.float32(10.0 ** (floor_db / 10.0))
        self.reset()

    def reset(self) -> None:
        """Forget the signal."""
        self._stft.reset()
        if self._long is not None:
            self._long.reset()
            self._long.push(self._before)

    def push(self, samples: Float32Array) -> Float32Array:
        """Shape: (n,) float32 in; (frames, bins + long_bins) float32 decibels out."""
        spectrum = self._stft.push(samples)[:, : self._bins]
        if self._long is not None:
            low = self._long.push(samples)[:, : self._long_bins]
            spectrum = np.concatenate((spectrum, low), axis=1)
        power: Float32Array = spectrum.real**2 + spectrum.imag**2
        np.maximum(power, self._floor, out=power)
        np.log10(power, out=power)
        power *= np.float32(10.0)
        return power
