"""Incremental short-time Fourier transform. Runs on the analysis thread of one source."""

from __future__ import annotations

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from streamseg.frontend.framing import Framer
from streamseg.messages import Float32Array


class Stft:
    """Periodic Hann window, no padding: frame k is centred on sample ``k*hop + n_fft/2``."""

    def __init__(self, n_fft: int, hop: int) -> None:
        self._framer = Framer(n_fft, hop)
        self._window = np.hanning(n_fft + 1)[:-1].astype(np.float32)

    def reset(self) -> None:
        """Forget the signal."""
        self._framer.reset()

    def push(self, samples: Float32Array) -> NDArray[np.complex64]:
        """Shape: (n,) float32 in; (frames, n_fft // 2 + 1) complex64 out, unscaled."""
        frames = self._framer.push(samples)
        if not len(frames):
            return np.empty((0, self._window.size // 2 + 1), np.complex64)
        return scipy.fft.rfft(frames * self._window, axis=1)
