"""From overlapping windows to a map of units: each is the mean over the windows that cover it.

"Music-noise segmentation in spectrotemporal domain using convolutional neural networks" (section
3.2 and figure 3) averages all overlapping windows in every 16 x 16 pixels of the spectrogram. A
unit inside the picture lies under 16 windows along time and up to 4 of the 9 positions along
frequency, at the borders under fewer. It is provisional until the last window that covers it has
passed.

``UnitMap`` belongs to the worker thread of the masks. Its memory is one window of units; nothing
is dropped in it, and any split of the windows into calls gives the same sums, to the bit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from streamseg.messages import Float32Array
from streamseg.models.card import MapSpec


@dataclass(frozen=True, slots=True)
class Units:
    """Time units of a map, in order.

    Shape: ``prob`` is (classes, frequency units, time units) float32 in 0..1; ``first`` is the
    number of the first one since the stream began. ``early`` goes on where ``prob`` ends: units
    that more windows will cover.
    """

    prob: Float32Array
    early: Float32Array
    first: int


class UnitMap:
    """Windows of one stream to its units."""

    def __init__(self, spec: MapSpec, positions: int, classes: int) -> None:
        """``positions``: windows along frequency, one per unit of shift."""
        self._steps, self._rows = spec.unit_steps, spec.unit_rows
        self._positions, self._classes = positions, classes
        self.units = positions + self._rows - 1
        ones = np.ones((1, positions, classes))
        self._across = self._over_rows(ones)[0]  # windows along frequency over each unit
        self.reset()

    def reset(self) -> None:
        """Forget the windows: the next one begins with unit 0."""
        self._sums = np.zeros((0, self.units, self._classes))  # open units, the oldest first
        self._counts = np.zeros(0)  # windows along time that were added to each
        self._first = 0  # number of the oldest open unit

    def push(self, windows: Float32Array) -> Units:
        """Shape: (steps, positions, classes) float32, windows one unit apart in time."""
        ready = []
        for step in self._over_rows(windows.astype(np.float64)):
            missing = self._steps - len(self._sums)
            if missing:
                more = np.zeros((missing, self.units, self._classes))
                self._sums = np.concatenate((self._sums, more))
                self._counts = np.concatenate((self._counts, np.zeros(missing)))
            self._sums += step
            self._counts += 1
            ready.append(self._mean(0, 1))
            self._sums, self._counts = self._sums[1:], self._counts[1:]
        return self._units(ready)

    def flush(self) -> Units:
        """End of the stream: what is open will not change any more."""
        ready = [self._mean(0, len(self._sums))]
        self._sums, self._counts = self._sums[:0], self._counts[:0]
        return self._units(ready)

    def _units(self, ready: list[Float32Array]) -> Units:
        empty = np.empty((self._classes, self.units, 0), np.float32)
        prob = np.concatenate((empty, *ready), axis=2)
        first = self._first
        self._first += prob.shape[2]
        return Units(prob, self._mean(0, len(self._sums)), first)

    def _mean(self, start: int, stop: int) -> Float32Array:
        """Shape: (classes, frequency units, stop - start) float32."""
        windows = self._across * self._counts[start:stop, None, None]
        mean = (self._sums[start:stop] / windows).astype(np.float32)
        return np.ascontiguousarray(mean.transpose(2, 1, 0))

    def _over_rows(self, windows: np.ndarray) -> np.ndarray:
        """(steps, positions, classes) to sums over the positions that cover each unit."""
        sums = np.zeros((len(windows), self._positions + self._rows - 1, self._classes))
        for row in range(self._rows):
            sums[:, row : row + self._positions] += windows
        return sums
