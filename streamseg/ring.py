"""A ring of samples between exactly one writing and one reading thread.

Thread safety: ``Producer`` may be used by one thread only, ``Consumer`` by one (other) thread only;
then no lock is needed. Each side writes one counter and only reads the other's. A counter is a
Python int, replaced in one step under the interpreter's own rules, so a reader sees an old value or
a new one, never half of each; an old value only makes the ring look fuller (to the producer) or
emptier (to the consumer) than it is, which is safe. The samples are written before the counter
that publishes them.

``push`` never blocks, never allocates more than a view, and takes all of a block or none of it:
what does not fit is counted in ``refused_frames``, so a hole is always at a block border and its
place is known.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(slots=True)
class _Shared:
    data: NDArray[np.float32]
    """(capacity, channels). Invariant: frames [read, written) modulo capacity are valid."""
    written: int = 0
    """Frames ever accepted. Only the producer writes it. Invariant: written - read <= capacity."""
    read: int = 0
    """Frames ever taken. Only the consumer writes it. Invariant: read <= written."""
    refused: int = 0
    """Frames ever refused. Only the producer writes it."""


class Producer:
    """The writing end: one thread only. Called from audio callbacks, so it only copies."""

    def __init__(self, shared: _Shared) -> None:
        self._shared = shared
        self._capacity: int = shared.data.shape[0]

    @property
    def free_frames(self) -> int:
        """Frames that a ``push`` would accept now (it can only grow until the next push)."""
        return self._capacity - (self._shared.written - self._shared.read)

    @property
    def refused_frames(self) -> int:
        """Frames refused since the ring was made."""
        return self._shared.refused

    def push(self, frames: NDArray[np.float32]) -> bool:
        """Copy a block into the ring.

        Shape: ``frames`` is (n, channels) float32. Returns False, and counts all n frames as
        refused, when they do not fit.
        """
        shared = self._shared
        count: int = frames.shape[0]
        if count > self._capacity - (shared.written - shared.read):
            shared.refused += count
            return False
        start = shared.written % self._capacity
        head = min(count, self._capacity - start)
        shared.data[start : start + head] = frames[:head]
        shared.data[: count - head] = frames[head:]
        shared.written += count
        return True


class Consumer:
    """The reading end: one thread only."""

    def __init__(self, shared: _Shared) -> None:
        self._shared = shared
        self._capacity: int = shared.data.shape[0]

    @property
    def available_frames(self) -> int:
        """Frames that can be popped now (it can only grow until the next pop)."""
        return self._shared.written - self._shared.read

    @property
    def read_frames(self) -> int:
        """Frames popped since the ring was made."""
        return self._shared.read

    @property
    def refused_frames(self) -> int:
        """Frames that the producer could not place since the ring was made."""
        return self._shared.refused

    def pop(self, max_frames: int) -> NDArray[np.float32]:
        """Take up to ``max_frames`` of the oldest frames.

        Returns a fresh (n, channels) float32 array, n = 0 when the ring is empty.
        """
        shared = self._shared
        count = min(max_frames, shared.written - shared.read)
        start = shared.read % self._capacity
        head = min(count, self._capacity - start)
        out = np.empty((count, shared.data.shape[1]), np.float32)
        out[:head] = shared.data[start : start + head]
        out[head:] = shared.data[: count - head]
        shared.read += count
        return out


def ring_buffer(capacity_frames: int, channels: int = 1) -> tuple[Producer, Consumer]:
    """Make a ring that holds ``capacity_frames`` and return its two ends.

    Raises ValueError for a capacity or channel count below one.
    """
    if capacity_frames < 1 or channels < 1:
        raise ValueError(
            f"expected a capacity and a channel count of at least 1, "
            f"got {capacity_frames} and {channels}"
        )
    shared = _Shared(np.zeros((capacity_frames, channels), np.float32))
    return Producer(shared), Consumer(shared)
