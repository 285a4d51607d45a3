"""Decoded sound on its way from the thread of a decoder to the thread that analyses it, in order.

Thread safety: ``TapeWriter`` belongs to one thread (the decoder's), ``TapeReader`` to one other.
They share a deque, whose ends are safe to use from two threads, and two counters, each written by
one side; an old value only makes the tape look fuller, or emptier, than it is. The writer only
appends: all arithmetic on samples is done by the reader, because many decoder threads that each do
a little of it spend their time on waiting for each other (every operation of numpy on a piece lets
go of the interpreter and has to queue for it again).

The writer never blocks. What does not fit is counted and becomes one ``Loss`` at exactly the place
where it is missing; that mark is made when the next piece fits, so a long overflow costs one mark.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from streamseg.capture.base import Delivery, Lost, Restored
from streamseg.capture.decoded import Conform, Decoded, channels_of, mix_of
from streamseg.messages import Block, Float32Array, Loss

_ROUNDING_S = 1e-6
"""Lengths of pieces in seconds do not add up to the last bit."""


@dataclass(frozen=True, slots=True)
class _Refused:
    seconds: float


@dataclass(frozen=True, slots=True)
class _Gone:
    reason: str


@dataclass(frozen=True, slots=True)
class _Back:
    gap_s: float


@dataclass(slots=True)
class _Shared:
    items: deque[Decoded | _Refused | _Gone | _Back]
    written_s: float = 0.0
    """Sound ever accepted. Only the writer writes it."""
    read_s: float = 0.0
    """Sound ever taken. Only the reader writes it."""


class TapeWriter:
    """The writing end."""

    def __init__(self, shared: _Shared, capacity_s: float) -> None:
        self._shared = shared
        self._capacity_s = capacity_s
        self._hole_s = 0.0

    def push(self, decoded: Decoded) -> bool:
        """Append a piece; False when it was refused."""
        shared = self._shared
        held_s = shared.written_s - shared.read_s
        if held_s + decoded.seconds > self._capacity_s + _ROUNDING_S:
            self._hole_s += decoded.seconds
            return False
        self._close_hole()
        shared.items.append(decoded)
        shared.written_s += decoded.seconds
        return True

    def lost(self, reason: str) -> None:
        """Say that the source stopped delivering."""
        self._close_hole()
        self._shared.items.append(_Gone(reason))

    def restored(self, gap_s: float) -> None:
        """Say that the source is back; the counter moves on over the gap."""
        self._shared.items.append(_Back(gap_s))

    def _close_hole(self) -> None:
        if self._hole_s:
            self._shared.items.append(_Refused(self._hole_s))
            self._hole_s = 0.0


class TapeReader:
    """The reading end: it owns the sample counter, and makes blocks of at most ``block_s``."""

    def __init__(self, shared: _Shared, conform: Conform, block_s: float) -> None:
        self._shared = shared
        self._conform = conform
        self._block_frames = max(1, round(block_s * conform.rate_hz))
        self._ready: deque[Float32Array | Lost] = deque()
        self.sample = 0
        """Position of the next frame on the source's sample counter."""

    def read(self) -> Delivery | None:
        """What comes next on the tape, without waiting; None when it is empty."""
        while not self._ready:
            if not self._shared.items:
                return None
            item = self._shared.items.popleft()
            if isinstance(item, _Refused):
                frames = self._move_on(item.seconds)
                return Loss(self.sample, frames, "ring")
            if isinstance(item, _Back):
                self._move_on(item.gap_s)
                return Restored(self.sample, item.gap_s)
            if isinstance(item, _Gone):
                self._split(self._conform.flush())
                self._ready.append(Lost(0, item.reason))
            else:
                self._split(self._conform.push(self._and_following(item)))
        ready = self._ready.popleft()
        if isinstance(ready, Lost):
            return Lost(self.sample, ready.reason)
        block = Block(mix_of(ready), self.sample, channels_of(ready))
        self.sample += len(ready)
        return block

    def _and_following(self, first: Decoded) -> Decoded:
        """One block of pieces of one format: who comes late pays less for what has gathered."""
        items, parts, frames = self._shared.items, [first.frames], len(first.frames)
        seconds = first.seconds
        while items and frames < self._block_frames:
            following = items[0]
            if not isinstance(following, Decoded) or not following.same_format(first):
                break
            items.popleft()
            parts.append(following.frames)
            frames += len(following.frames)
            seconds += following.seconds
        self._shared.read_s += seconds
        return Decoded(np.concatenate(parts), first.rate_hz) if len(parts) > 1 else first

    def _move_on(self, seconds: float) -> int:
        frames = round(seconds * self._conform.rate_hz)
        self.sample += frames
        return frames

    def _split(self, frames: Float32Array) -> None:
        pieces = -(-len(frames) // self._block_frames)
        if pieces == 1:
            self._ready.append(frames)
        elif pieces:
            self._ready.extend(np.array_split(frames, pieces))


def tape(capacity_s: float, conform: Conform, block_s: float) -> tuple[TapeWriter, TapeReader]:
    """Make a tape that holds ``capacity_s`` of sound, and return its two ends."""
    shared = _Shared(deque())
    return TapeWriter(shared, capacity_s), TapeReader(shared, conform, block_s)
