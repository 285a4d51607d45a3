"""The sound of the last hour on disk, so that any stretch can be heard and exported.

Written by the display worker, read by whoever plays or exports; a lock stands between them. One
file without a name (a kill leaves nothing behind), 16 bits mono at the source's rate: 350 MB an
hour at 48 kHz, and no more, because it is a ring. Full disk: the error is kept in ``problem``,
nothing more is kept, and the window says so.
"""

from __future__ import annotations

import os
import tempfile
import threading
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from streamseg.messages import Float32Array

BYTES = 2
_SCALE = 32767.0


def spool_dir() -> Path:
    """A folder for large temporary files: the system's own may lie in memory."""
    large = Path("/var/tmp")  # noqa: S108  # the file there has no name
    return large if os.access(large, os.W_OK) else Path(tempfile.gettempdir())


class AudioSpool:
    """A ring of ``capacity`` samples addressed by their positions in the source."""

    def __init__(self, capacity: int, folder: Path | None = None) -> None:
        """Raises OSError where no temporary file can be made."""
        self._capacity = max(1, capacity)
        self._lock = threading.Lock()
        # Closed in close(): it lives as long as the window's state.
        self._file = tempfile.TemporaryFile(dir=folder or spool_dir())  # noqa: SIM115
        self.problem: str | None = None
        self.end = 0
        self._begin = 0

    @property
    def first(self) -> int:
        """Position of the oldest sample that is kept."""
        return max(self._begin, self.end - self._capacity)

    def write(self, sample: int, samples: Float32Array) -> None:
        """Append; a hole before ``sample`` becomes silence. Never raises."""
        with self._lock:
            if self.problem is not None or self._file.closed:
                return
            try:
                if sample > self.end:
                    self._skip(sample)
                self._put(sample, samples)
            except OSError as error:
                self.problem = error.strerror or str(error)

    def read(self, start: int, stop: int) -> Float32Array:
        """Samples ``start`` to ``stop`` as (n,) float32; what is not kept is silence."""
        out = np.zeros(max(0, stop - start), np.float32)
        with self._lock:
            low, high = max(start, self.first), min(stop, self.end)
            if high <= low or self._file.closed:
                return out
            parts = [self._get(a, b) for a, b in self._pieces(low, high)]
            out[low - start : high - start] = np.concatenate(parts).astype(np.float32) / _SCALE
        return out

    def close(self) -> None:
        """Give the disk space back. Safe to call twice."""
        with self._lock:
            self._file.close()

    def _skip(self, sample: int) -> None:
        if self.end == 0 and self._begin == 0:
            self._begin = self.end = sample
            return
        start = max(self.end, sample - self._capacity)
        while start < sample:
            size = min(1 << 16, sample - start)
            self._put(start, np.zeros(size, np.float32))
            start += size
        self.end = sample

    def _put(self, sample: int, samples: Float32Array) -> None:
        whole: NDArray[np.int16] = np.rint(np.clip(samples, -1, 1) * _SCALE).astype("<i2")
        whole = whole[-self._capacity :]
        begin = sample + len(samples) - len(whole)
        for start, stop in self._pieces(begin, begin + len(whole)):
            self._file.seek(start % self._capacity * BYTES)
            self._file.write(whole[start - begin : stop - begin].tobytes())
        self.end = sample + len(samples)

    def _get(self, start: int, stop: int) -> NDArray[np.int16]:
        self._file.seek(start % self._capacity * BYTES)
        return np.frombuffer(self._file.read((stop - start) * BYTES), "<i2")

    def _pieces(self, start: int, stop: int) -> list[tuple[int, int]]:
        """Cut where the ring begins anew."""
        turn = (start // self._capacity + 1) * self._capacity
        return [(start, stop)] if stop <= turn else [(start, turn), (turn, stop)]
