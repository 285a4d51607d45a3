"""The sound of the last hour on disk, so that any stretch can be heard and exported.

Written by the display worker, read by whoever plays or exports; a lock stands between them. One
file without a name (a kill leaves nothing behind), 16 bits at the source's rate: 350 MB an hour and
channel at 48 kHz, and no more, because it is a ring. Full disk: the error is kept in ``problem``,
nothing more is kept, and the window says so.
"""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from streamseg.messages import Float32Array
from streamseg.view.ring_file import RingFile

BYTES = 2
MOST_CHANNELS = 2  # of more, the mono mix is kept that the analysis hears
_SCALE = 32767.0


class AudioSpool:
    """A ring of ``capacity`` frames addressed by their positions in the source."""

    def __init__(self, capacity: int, channels: int = 1, folder: Path | None = None) -> None:
        """Raises OSError where no temporary file can be made."""
        self._capacity = max(1, capacity)
        self.channels = channels
        self._lock = threading.Lock()
        self._file = RingFile(self._capacity, BYTES * channels, folder)
        self._ended = False
        self.problem: str | None = None
        self.end = 0
        self._begin = 0

    @property
    def first(self) -> int:
        """Position of the oldest sample that is kept."""
        return max(self._begin, self.end - self._capacity)

    def write(self, sample: int, samples: Float32Array) -> None:
        """Append; a hole before ``sample`` becomes silence. Never raises.

        Shape: (n, channels) float32; of fewer, the first stands for all.
        """
        with self._lock:
            if self.problem is not None or self._ended:
                return
            try:
                if sample > self.end:
                    self._skip(sample)
                self._put(sample, samples)
            except OSError as error:
                self.problem = error.strerror or str(error)

    def read(self, start: int, stop: int) -> Float32Array:
        """Frames ``start`` to ``stop`` as (n, channels) float32; what is not kept is silence."""
        out = np.zeros((max(0, stop - start), self.channels), np.float32)
        with self._lock:
            low, high = max(start, self.first), min(stop, self.end)
            if high <= low:
                return out
            kept = np.frombuffer(self._file.get(low, high), "<i2").reshape(-1, self.channels)
            out[low - start : high - start] = kept.astype(np.float32) / _SCALE
        return out

    def close(self) -> None:
        """Nothing more is written. Safe to call twice.

        The disk space is given back when nobody holds this object any more: a region that is being
        saved is saved whole, also when its source or the window is closed meanwhile.
        """
        with self._lock:
            self._ended = True

    def _skip(self, sample: int) -> None:
        if self.end == 0 and self._begin == 0:
            self._begin = self.end = sample
            return
        start = max(self.end, sample - self._capacity)
        while start < sample:
            size = min(1 << 16, sample - start)
            self._put(start, np.zeros((size, self.channels), np.float32))
            start += size
        self.end = sample

    def _put(self, sample: int, samples: Float32Array) -> None:
        if samples.shape[1] != self.channels:
            samples = np.repeat(samples[:, :1], self.channels, axis=1)
        whole: NDArray[np.int16] = np.rint(np.clip(samples, -1, 1) * _SCALE).astype("<i2")
        whole = whole[-self._capacity :]
        begin = sample + len(samples) - len(whole)
        self._file.put(begin, whole.tobytes())
        self.end = sample + len(samples)
