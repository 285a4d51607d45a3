"""Bounded memories of what the window can scroll back over. No Qt; not thread-safe by themselves.

``ViewState`` owns them and holds its lock around every call. Everything is allocated in the
constructors; what is older than the capacity is overwritten.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streamseg.messages import Float32Array, Mask

UInt8Array = NDArray[np.uint8]
BoolArray = NDArray[np.bool_]

GROUP = 8
"""Columns that one column of the next coarser level stands for."""
LEVELS = 3  # 1, 8 and 64 columns: an hour on a screen reads 64 times less than is stored
MASK_UNITS = 128  # frequency units kept of a mask; more are averaged


class ColumnRing:
    """Spectrum columns on a fixed time grid; column c stands for the samples c*hop to (c+1)*hop.

    Coarser levels hold the maximum of ``GROUP`` columns each, so that short sounds stay visible
    when an hour is on the screen.
    """

    def __init__(self, capacity: int, width: int) -> None:
        coarsest = GROUP * GROUP * GROUP
        self.capacity: int = -(-capacity // coarsest) * coarsest
        self._data = [
            np.zeros((self.capacity // GROUP**level, width), np.uint8) for level in range(LEVELS)
        ]
        self._present = [np.zeros(len(data), np.bool_) for data in self._data]
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        for present in self._present:
            present[:] = False
        self.end: int = 0

    @property
    def first(self) -> int:
        """The oldest column that may still be there."""
        return max(0, self.end - self.capacity)

    def write(self, first: int, columns: UInt8Array) -> None:
        """Shape: (n, width) uint8, columns ``first`` to ``first + n``; never before ``end``.

        Columns that are left out on the way count as never heard.
        """
        assert first >= self.end, "columns come in order"
        first += max(0, len(columns) - self.capacity)
        columns = columns[-self.capacity :]
        begin = self.end
        self.end = first + len(columns)
        self._forget(begin, self.end)
        index = np.arange(first, self.end)
        self._data[0][index % self.capacity] = columns
        self._present[0][index % self.capacity] = True
        for level in range(1, LEVELS):
            self._pool(level, first, self.end)

    def read(self, start: int, stop: int, level: int = 0) -> tuple[UInt8Array, BoolArray]:
        """Columns ``start`` to ``stop`` of a level (in that level's own numbering).

        Shape: (n, width) uint8 and (n,) bool; False where nothing was heard or is kept.
        """
        size = len(self._data[level])
        index = np.arange(start, stop)
        scale = GROUP**level
        known = (index >= -(-self.first // scale)) & (index < -(-self.end // scale))
        place = index % size
        return self._data[level][place], self._present[level][place] & known

    def _forget(self, begin: int, end: int) -> None:
        """What lay a capacity ago in these places is gone."""
        for level in range(LEVELS):
            scale = GROUP**level
            # A group that has begun keeps what it holds.
            start, stop = -(-begin // scale), -(-end // scale)
            size = len(self._present[level])
            start = max(start, stop - size)
            self._present[level][np.arange(start, stop) % size] = False

    def _pool(self, level: int, first: int, end: int) -> None:
        scale = GROUP**level
        below, ready = self._data[level - 1], self._present[level - 1]
        for group in range(first // scale, -(-end // scale)):
            place = (group * GROUP) % len(below)
            children = slice(place, place + GROUP)
            there = ready[children]
            mine = group % len(self._data[level])
            if there.any():
                self._data[level][mine] = below[children][there].max(axis=0)
                self._present[level][mine] = True


@dataclass(frozen=True, slots=True)
class Frames:
    """Probabilities and levels of a stretch of time.

    Shape: ``sample`` (n,) int64 positions of the middles; ``provisional`` and ``confirmed``
    (n, classes) float32; ``level_dbfs`` (n,) float32.
    """

    sample: NDArray[np.int64]
    provisional: Float32Array
    confirmed: Float32Array
    level_dbfs: Float32Array


class FrameRing:
    """Rows of numbers in rising order of their sample positions."""

    def __init__(self, capacity: int, classes: int) -> None:
        self._classes = classes
        self._sample = np.zeros(capacity, np.int64)
        self._rows = np.zeros((capacity, 2 * classes + 1), np.float32)
        self._count = 0  # rows ever written

    @property
    def newest(self) -> int | None:
        """Position of the last row."""
        if not self._count:
            return None
        return int(self._sample[(self._count - 1) % len(self._sample)])

    def write(self, frames: Frames) -> None:
        """Append rows; older than the newest there is are refused."""
        fresh = np.ones(len(frames.sample), np.bool_)
        newest = self.newest
        if newest is not None:
            fresh = frames.sample > newest
        capacity = len(self._sample)
        sample = frames.sample[fresh][-capacity:]
        rows = np.concatenate(
            (frames.provisional, frames.confirmed, frames.level_dbfs[:, None]), axis=1
        )[fresh][-capacity:]
        place = np.arange(self._count, self._count + len(sample)) % capacity
        self._sample[place] = sample
        self._rows[place] = rows
        self._count += len(sample)

    def read(self, start: int, stop: int, most: int | None = None) -> Frames:
        """Rows with ``start <= sample < stop``; more than ``most`` are averaged in groups."""
        capacity = len(self._sample)
        oldest = max(0, self._count - capacity)
        low = self._search(start, oldest)
        high = self._search(stop, oldest)
        place = np.arange(low, high) % capacity
        sample, rows = self._sample[place], self._rows[place]
        if most is not None and len(sample) > most:
            step = -(-len(sample) // most)
            # Groups begin at fixed rows, or the picture would shimmer while it scrolls.
            starts = np.unique(np.maximum(0, np.arange(low // step * step, high, step) - low))
            size = np.diff(np.append(starts, len(sample)))
            rows = np.add.reduceat(rows, starts, axis=0)
            rows /= size[:, None]
            sample = sample[starts + size // 2]
        split = self._classes
        return Frames(sample, rows[:, :split], rows[:, split : 2 * split], rows[:, -1])

    def _search(self, position: int, oldest: int) -> int:
        """Number of the first row at or after a position."""
        capacity = len(self._sample)
        turn = self._count // capacity * capacity  # the row at place 0
        new = self._sample[: self._count - turn]
        if (len(new) and position > new[0]) or oldest == turn:
            return turn + int(np.searchsorted(new, position))
        return oldest + int(np.searchsorted(self._sample[oldest - turn + capacity :], position))


@dataclass(frozen=True, slots=True)
class Early:
    """Provisional probabilities of the frames that have no confirmed one yet.

    Shape: ``sample`` (n,) int64 positions of the middles; ``prob`` (n, classes) float32.
    """

    sample: NDArray[np.int64]
    prob: Float32Array

    def heard_by(self, sample: int) -> Early:
        """Those whose middle was heard: at its end a source is followed by invented silence."""
        kept = self.sample < sample
        return Early(self.sample[kept], self.prob[kept])


class MaskRing:
    """Masks on the grid of the spectrum columns, as bytes; allocated with the first mask."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self.clear()

    def clear(self) -> None:
        """Forget everything, also how a mask looks."""
        self.classes: tuple[str, ...] = ()
        self.freq_hz: NDArray[np.float64] = np.empty(0)
        self._prob: UInt8Array = np.empty((0, 0, 0), np.uint8)
        self._column = np.full(self._capacity, np.iinfo(np.int64).min)  # no column has it
        self._final = np.zeros(self._capacity, np.bool_)

    def write(self, mask: Mask, hop: int, rate_hz: int) -> tuple[int, int]:
        """Lay a mask on columns of ``hop`` samples; returns the first and last + 1 of them.

        A provisional unit never replaces a final one.
        """
        if mask.classes != self.classes:
            self.clear()
        prob, freq_hz = _at_most(mask.prob, mask.freq_hz, MASK_UNITS)
        if not self.classes:
            self.classes, self.freq_hz = mask.classes, freq_hz
            shape = (self._capacity, len(mask.classes), len(freq_hz))
            self._prob = np.zeros(shape, np.uint8)
        unit = mask.unit_s * rate_hz
        units = prob.shape[2]
        first = -(-(2 * mask.sample - hop) // (2 * hop))  # first column whose middle is inside
        last = int(np.ceil((mask.sample + units * unit) / hop - 0.5))
        columns = np.arange(max(0, first), last)[-self._capacity :]
        place = columns % self._capacity
        keep = ~((self._column[place] == columns) & self._final[place] & (not mask.final))
        columns, place = columns[keep], place[keep]
        centre = (columns + 0.5) * hop - mask.sample
        index = np.clip((centre / unit).astype(np.int64), 0, units - 1)
        self._prob[place] = np.rint(prob[:, :, index] * 255).astype(np.uint8).transpose(2, 0, 1)
        self._column[place] = columns
        self._final[place] = mask.final
        return max(0, first), last

    def read(self, columns: NDArray[np.int64]) -> MaskColumns | None:
        """The mask of these columns; None while there has been no mask at all."""
        if not self.classes:
            return None
        place = columns % self._capacity
        present = self._column[place] == columns
        return MaskColumns(
            self.classes, self.freq_hz, self._prob[place], self._final[place], present
        )


@dataclass(frozen=True, slots=True)
class MaskColumns:
    """The mask of some columns.

    Shape: ``prob`` (n, classes, units) uint8, 255 is 1.0; ``final`` and ``present`` (n,) bool.
    """

    classes: tuple[str, ...]
    freq_hz: NDArray[np.float64]
    prob: UInt8Array
    final: BoolArray
    present: BoolArray


def _at_most(
    prob: Float32Array, freq_hz: NDArray[np.float64], units: int
) -> tuple[Float32Array, NDArray[np.float64]]:
    """Average neighbouring frequency units until there are at most ``units``."""
    step = -(-len(freq_hz) // units)
    if step == 1:
        return prob, freq_hz
    starts = np.arange(0, len(freq_hz), step)
    size = np.diff(np.append(starts, len(freq_hz)))
    pooled = np.add.reduceat(prob, starts, axis=1)
    pooled /= size[None, :, None]
    return pooled, np.add.reduceat(freq_hz, starts) / size
