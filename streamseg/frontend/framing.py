"""Cut a stream into overlapping (or spaced) frames. Runs on the analysis thread of one source."""

from __future__ import annotations

import numpy as np

from streamseg.messages import Float32Array


def frames_of(signal: Float32Array, size: int, hop: int, count: int) -> Float32Array:
    """Frames 0 to ``count`` - 1 of a contiguous signal that holds them all, without a copy.

    Shape: (n,) float32 in; (count, size) float32 out, of which overlapping frames share memory:
    only to be read. The same as numpy's ``sliding_window_view`` by steps of ``hop``, whose checks
    take longer than the transform of a short block.
    """
    assert signal.flags.c_contiguous
    assert (count - 1) * hop + size <= signal.size, "the signal must hold every frame"
    step = signal.itemsize
    frames: Float32Array = np.ndarray((count, size), signal.dtype, signal, 0, (hop * step, step))
    frames.flags.writeable = False
    return frames


class Framer:
    """Frame k covers samples [k*hop, k*hop + size); ``hop`` may exceed ``size``.

    Keeps at most ``size`` samples between calls.
    """

    def __init__(self, size: int, hop: int) -> None:
        if size < 1 or hop < 1:
            raise ValueError(f"expected frame size and hop of at least 1, got {size} and {hop}")
        self.size = size
        self.hop = hop
        self.reset()

    def reset(self) -> None:
        """Forget the signal: the next sample begins frame 0."""
        self._tail = np.empty(0, np.float32)
        self._skip = 0  # samples of a gap between frames (hop > size) still to be thrown away

    def push(self, samples: Float32Array) -> Float32Array:
        """Shape: (n,) float32 in; (frames, size) float32 out, a read-only view of a fresh array."""
        skipped = min(self._skip, samples.size)
        self._skip -= skipped
        signal = np.concatenate((self._tail, samples[skipped:]))
        count = (signal.size - self.size) // self.hop + 1 if signal.size >= self.size else 0
        used = count * self.hop
        self._skip += max(0, used - signal.size)
        self._tail = signal[used:]
        if count == 0:
            return np.empty((0, self.size), np.float32)
        return frames_of(signal, self.size, self.hop, count)
