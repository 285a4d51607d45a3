"""Blocks of sound from a recording process to the process that listens, through shared memory.

Thread safety: ``BlockWriter`` belongs to one thread of one process (PortAudio's callback),
``BlockReader`` to one thread of another. No lock: each side writes its own counters and only reads
the other's; a counter is one aligned 64-bit word, written after what it publishes. x86 keeps that
order for the other process. Other processors may not, so there the reader takes only what it had
already seen when it looked the time before (20 ms ago, when nothing is left in any store buffer).

Full: a block that does not fit is refused as a whole. Every block carries its position among all
the frames that came, refused ones included, so a hole is where the next position says it is.

The memory has no name: it goes away with the last process that has it, whoever is killed and how.
"""

from __future__ import annotations

import mmap
import os
import platform
import tempfile
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamseg.messages import Float32Array

_ORDERED = platform.machine().lower() in ("x86_64", "amd64", "i386", "i686", "x86")
_HEADER = 64  # 64-bit words, so that the two sides do not share a cache line
_WRITTEN, _TOTAL, _BEAT, _READ, _FRAMES_READ = 0, 1, 2, 32, 33
_ROW = 4  # time, position, frames, overflow


class Shape(NamedTuple):
    """What both sides must agree on."""

    frames: int
    """Capacity of the ring."""
    channels: int
    blocks: int
    """How many blocks it may be divided into."""

    @property
    def bytes(self) -> int:
        """Size of the memory."""
        return 8 * (_HEADER + _ROW * self.blocks) + 4 * self.frames * self.channels


@dataclass(frozen=True, slots=True)
class Captured:
    """One callback's worth of sound, before it is taken."""

    at_s: float
    """When the callback came, by ``ticks.now_s``."""
    position: int
    """Frames that came before it since the stream began."""
    frames: int
    overflow: bool
    """The back end says that it lost sound before this block."""


class Memory:
    """Memory without a name, for this process and one child.

    Made before the child starts, which inherits ``descriptor``; sized later, when the number of
    channels is known. Elsewhere than on POSIX there are no such descriptors, so ``tag`` names it;
    such a name goes away with its last user, too.
    """

    def __init__(self) -> None:
        self.tag = ""
        self.descriptor = -1
        if os.name != "posix":
            self.tag = f"streamseg-{os.getpid()}-{id(self)}-{os.urandom(8).hex()}"
        elif hasattr(os, "memfd_create"):
            self.descriptor = os.memfd_create("streamseg")
        else:
            with tempfile.TemporaryFile() as file:  # deleted already, the descriptor keeps it
                self.descriptor = os.dup(file.fileno())

    def sized(self, size: int) -> mmap.mmap:
        """Map ``size`` bytes, all zero at first."""
        if os.name == "posix":
            os.ftruncate(self.descriptor, size)
        return attach(self.descriptor, self.tag, size)

    def close(self) -> None:
        """This process needs no more maps of it. Maps that are there stay. Safe to call twice."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


def attach(descriptor: int, tag: str, size: int) -> mmap.mmap:
    """Map the memory that another process has sized."""
    if os.name == "posix":
        return mmap.mmap(descriptor, size)
    return mmap.mmap(-1, size, tagname=tag)  # type: ignore[call-arg,unused-ignore]


class _Views:
    def __init__(self, memory: mmap.mmap, shape: Shape) -> None:
        self.memory = memory
        self.counters = np.frombuffer(memory, np.int64, _HEADER)
        self.times = np.frombuffer(memory, np.float64, _HEADER)
        rows = np.frombuffer(memory, np.float64, _ROW * shape.blocks, 8 * _HEADER)
        self.rows = rows.reshape(shape.blocks, _ROW)
        begin = 8 * (_HEADER + _ROW * shape.blocks)
        samples = np.frombuffer(memory, np.float32, shape.frames * shape.channels, begin)
        self.samples = samples.reshape(shape.frames, shape.channels)


class BlockWriter:
    """The writing end. Called from an audio callback: it only copies."""

    def __init__(self, memory: mmap.mmap, shape: Shape) -> None:
        self._views = _Views(memory, shape)
        self._shape = shape
        self._blocks = 0  # accepted
        self._frames = 0  # accepted
        self._total = 0  # that came
        self._flagged = False

    def push(self, frames: NDArray[np.float32], at_s: float, overflow: bool) -> bool:
        """Shape: (n, channels) float32. False when the block was refused."""
        views, shape = self._views, self._shape
        count: int = frames.shape[0]
        counters = views.counters
        self._flagged |= overflow
        free = shape.frames - (self._frames - int(counters[_FRAMES_READ]))
        fits = count <= free and self._blocks - int(counters[_READ]) < shape.blocks
        if fits:
            start = self._frames % shape.frames
            head = min(count, shape.frames - start)
            views.samples[start : start + head] = frames[:head]
            views.samples[: count - head] = frames[head:]
            views.rows[self._blocks % shape.blocks] = (at_s, self._total, count, self._flagged)
            self._flagged = False
            self._frames += count
            self._blocks += 1
            counters[_WRITTEN] = self._blocks
        self._total += count
        counters[_TOTAL] = self._total
        views.times[_BEAT] = at_s
        return fits


class BlockReader:
    """The reading end."""

    def __init__(self, memory: mmap.mmap, shape: Shape) -> None:
        self._views = _Views(memory, shape)
        self._shape = shape
        self._blocks = 0  # announced by ``next``
        self._frames = 0  # popped
        self._seen = 0
        self._ordered = _ORDERED

    @property
    def total(self) -> int:
        """Frames that came since the stream began, refused ones included."""
        return int(self._views.counters[_TOTAL])

    @property
    def beat_s(self) -> float:
        """When the newest block came, refused or not; 0 before the first."""
        return float(self._views.times[_BEAT])

    def next(self) -> Captured | None:
        """The next block, to be popped later; None when there is none yet."""
        if self._blocks >= self._published():
            return None
        at_s, position, frames, overflow = self._views.rows[self._blocks % self._shape.blocks]
        self._blocks += 1
        return Captured(float(at_s), int(position), int(frames), bool(overflow))

    def pop(self, frames: int) -> Float32Array:
        """Take the oldest ``frames`` of what ``next`` announced; (frames, channels), a copy."""
        shape, samples = self._shape, self._views.samples
        start = self._frames % shape.frames
        head = min(frames, shape.frames - start)
        out = np.empty((frames, shape.channels), np.float32)
        out[:head] = samples[start : start + head]
        out[head:] = samples[: frames - head]
        self._frames += frames
        self._views.counters[_FRAMES_READ] = self._frames
        # Rows may be written over as soon as they were announced: ``next`` has copied them.
        self._views.counters[_READ] = self._blocks
        return out

    def finish(self) -> None:
        """The writer is gone for good: all that it wrote may be taken."""
        self._ordered = True

    def _published(self) -> int:
        seen, self._seen = self._seen, int(self._views.counters[_WRITTEN])
        return self._seen if self._ordered else seen
