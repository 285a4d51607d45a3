"""A ring of frames plus what happened between them, in order.

Thread safety: ``TapeWriter`` belongs to one thread (an audio callback or a reader thread),
``TapeReader`` to one other. A mark is published before the frames that follow it, and the reader
counts the frames before it looks for marks, so no frame behind a mark is ever read before the mark.

The writer never blocks and takes no lock. Frames that do not fit are counted and become one
``Loss`` at exactly the place where they are missing; that mark is made when the next block fits,
so a long overflow costs one mark. When the marks are full too, blocks are refused as if the ring
were full.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from streamseg.capture.base import Delivery, Lost, Restored
from streamseg.messages import Block, Float32Array, Loss
from streamseg.ring import Consumer, Producer, ring_buffer

_MARKS = 256
"""Far more than can happen in the seconds that a ring holds."""


@dataclass(frozen=True, slots=True)
class _Mark:
    at: int
    """Frames accepted by the ring before it."""
    skip: int
    """Frames by which the sample counter moves on."""
    delivery: Loss | Lost | Restored
    """Its ``sample`` is filled in by the reader, which owns the counter."""


class TapeWriter:
    """The writing end."""

    def __init__(self, ring: Producer, marks: deque[_Mark]) -> None:
        self._ring = ring
        self._marks = marks
        self._accepted = 0
        self._hole = 0

    def push(self, frames: NDArray[np.float32]) -> bool:
        """Append frames, shape (n, channels) float32; False when they were refused."""
        count = frames.shape[0]
        if self._hole and self._ring.free_frames >= count and len(self._marks) < _MARKS:
            # ``free_frames`` only grows, so the push below succeeds.
            self._close_hole()
        if self._hole or not self._ring.push(frames):
            self._hole += count
            return False
        self._accepted += count
        return True

    def lost(self, reason: str) -> None:
        """Say that the source stopped delivering. Not for audio callbacks."""
        self._close_hole()
        self._mark(0, Lost(0, reason))

    def restored(self, gap_s: float, gap_frames: int) -> None:
        """Say that the source is back; the counter moves on over the gap."""
        self._mark(gap_frames, Restored(0, gap_s))

    def _close_hole(self) -> None:
        if self._hole:
            self._mark(self._hole, Loss(0, self._hole, "ring"))
            self._hole = 0

    def _mark(self, skip: int, delivery: Loss | Lost | Restored) -> None:
        self._marks.append(_Mark(self._accepted, skip, delivery))


class TapeReader:
    """The reading end; it owns the sample counter."""

    def __init__(
        self,
        ring: Consumer,
        marks: deque[_Mark],
        to_mono: Callable[[NDArray[np.float32]], Float32Array],
        max_frames: int,
        channels_of: Callable[[NDArray[np.float32]], Float32Array | None],
    ) -> None:
        self._ring = ring
        self._marks = marks
        self._to_mono = to_mono
        self._channels_of = channels_of
        self._max_frames = max_frames
        self.sample = 0
        """Position of the next frame on the source's sample counter."""

    def read(self) -> Delivery | None:
        """What comes next on the tape, without waiting; None when it is empty."""
        available = min(self._ring.available_frames, self._max_frames)
        if self._marks:
            ahead = self._marks[0].at - self._ring.read_frames
            if ahead == 0:
                mark = self._marks.popleft()
                self.sample += mark.skip
                return replace(mark.delivery, sample=self.sample)
            available = min(available, ahead)
        if not available:
            return None
        frames = self._ring.pop(available)
        block = Block(self._to_mono(frames), self.sample, self._channels_of(frames))
        self.sample += available
        return block

    def skip(self, frames: int, queue: str) -> Loss:
        """Move the counter on over frames that never reached the tape."""
        self.sample += frames
        return Loss(self.sample, frames, queue)


def tape(
    capacity_frames: int,
    channels: int,
    to_mono: Callable[[NDArray[np.float32]], Float32Array],
    max_frames: int,
    channels_of: Callable[[NDArray[np.float32]], Float32Array | None] = lambda frames: None,
) -> tuple[TapeWriter, TapeReader]:
    """Make a tape and return its two ends; blocks have at most ``max_frames``.

    ``to_mono`` and ``channels_of`` make ``samples`` and ``channels`` of a block out of frames.
    """
    producer, consumer = ring_buffer(capacity_frames, channels)
    marks: deque[_Mark] = deque()
    reader = TapeReader(consumer, marks, to_mono, max_frames, channels_of)
    return TapeWriter(producer, marks), reader
