"""Level in dB relative to full scale, one value per frame. Runs on the analysis thread."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from streamseg.frontend.framing import frames_of
from streamseg.messages import Float32Array

FLOOR_DBFS = -120.0
"""Digital silence reads as this: below the noise of any 20-bit converter."""


def power_to_dbfs(power: float | Float32Array) -> Float32Array:
    """Mean square to dBFS by AES17: a full-scale sine (mean square 0.5) reads 0 dBFS."""
    power = np.asarray(power, np.float64)
    with np.errstate(divide="ignore"):
        level = np.maximum(10.0 * np.log10(2.0 * power), FLOOR_DBFS)
    out: Float32Array = level.astype(np.float32)
    return out


class Level:
    """Mean square of frame k: ``frame_s`` of sound from time ``k * hop_s`` on.

    Measured at the rate of the source, before any resampling takes the highs away. Frame borders
    are rounded to whole samples from the exact time, so they never drift.
    """

    def __init__(self, rate_hz: int, frame_s: float, hop_s: float) -> None:
        self._size = max(1, round(frame_s * rate_hz))
        self._hop = hop_s * rate_hz  # samples, not always whole
        self.reset()

    def reset(self) -> None:
        """Forget the signal: the next sample begins frame 0."""
        self._tail = np.empty(0, np.float32)
        self._tail_sample = 0  # position of _tail[0]
        self._frame = 0

    def push(self, samples: Float32Array) -> Float32Array:
        """Shape: (n,) float32 in; (frames,) float32 mean squares out, full scale 1.0."""
        signal = np.concatenate((self._tail, samples))
        starts = self._starts(signal.size)
        power = self._mean_squares(signal, starts)
        self._frame += starts.size
        keep = min(signal.size, round(self._frame * self._hop) - self._tail_sample)
        self._tail = signal[keep:]
        self._tail_sample += keep
        return power

    def _starts(self, held: int) -> NDArray[np.int64]:
        """Where the frames that lie in the held samples begin, counted from the first of these."""
        end = self._tail_sample + held
        last = int((end - self._size) / self._hop) + 1  # one too many at most
        starts: NDArray[np.int64] = np.rint(np.arange(self._frame, last + 1) * self._hop).astype(
            np.int64
        )
        whole: NDArray[np.int64] = starts[starts + self._size <= end]
        return whole - self._tail_sample

    def _mean_squares(self, signal: Float32Array, starts: NDArray[np.int64]) -> Float32Array:
        if not starts.size:
            return np.empty(0, np.float32)
        if self._hop == int(self._hop):
            frames = frames_of(signal[starts[0] :], self._size, int(self._hop), starts.size)
        else:
            frames = frames_of(signal, self._size, 1, int(starts[-1]) + 1)[starts]
        # Sums of each frame alone: a running sum over hours would lose quiet sounds.
        sums: Float32Array = np.vecdot(frames, frames)
        return sums / np.float32(self._size)
