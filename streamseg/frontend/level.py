"""Level in dB relative to full scale, one value per frame. Runs on the analysis thread."""

from __future__ import annotations

import numpy as np

from streamseg.frontend.framing import Framer
from streamseg.messages import Float32Array

FLOOR_DBFS = -120.0
"""Digital silence reads as this: below the noise of any 20-bit converter."""


def power_to_dbfs(power: float | Float32Array) -> Float32Array:
    """Mean square to dBFS by AES17: a full-scale sine (mean square 0.5) reads 0 dBFS."""
    floor = 10.0 ** (FLOOR_DBFS / 10.0)
    return np.asarray(10.0 * np.log10(np.maximum(2.0 * np.asarray(power), floor)), np.float32)


class Level:
    """Mean square of frame k, samples [k*hop, k*hop + size)."""

    def __init__(self, size: int, hop: int) -> None:
        self._framer = Framer(size, hop)

    def reset(self) -> None:
        """Forget the signal."""
        self._framer.reset()

    def push(self, samples: Float32Array) -> Float32Array:
        """Shape: (n,) float32 in; (frames,) float32 mean squares out, full scale 1.0."""
        frames = self._framer.push(samples)
        return np.einsum("fs,fs->f", frames, frames) / np.float32(frames.shape[1])
