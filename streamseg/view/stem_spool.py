"""The stem masks of the last hour on disk, as fine as the network draws them.

The picture needs 128 frequency units in a column of 40 ms; a stem that is heard or saved alone
needs every unit and every frame, or it would not be what ``streamseg mask`` keeps. So those lie in
a ring on disk, a byte a gain: 320 MB an hour, less than the sound. The byte is the root of the
gain, so that small gains are as true as large ones (2 % at 0.01, and 0.4 % at 1).

Written by the thread that draws the masks, read by whoever plays or exports; a lock stands between
them. Full disk: the error is kept in ``problem``, and nothing more is kept.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from streamseg.messages import Float32Array, Mask
from streamseg.view.ring_file import RingFile

_GAINS = ((np.arange(256) / 255) ** 2).astype(np.float32)


@dataclass(frozen=True, slots=True)
class StemGrid:
    """What stretch of stem masks there is for a region, on a grid without holes.

    Shape: ``freq_hz`` is (frequency units,); time unit k has its middle at ``first + k * step``
    samples of the source.
    """

    freq_hz: NDArray[np.float64]
    first: float
    step: float


class StemSpool:
    """A ring of the masks of ``history_s`` of sound, found by their positions in the source."""

    def __init__(self, history_s: float, rate_hz: int, folder: Path | None = None) -> None:
        """Nothing is made before the first mask: without stems it costs nothing."""
        self._history_s, self._rate_hz, self._folder = history_s, rate_hz, folder
        self._lock = threading.Lock()
        self._file: RingFile | None = None
        self._middle: NDArray[np.float64] = np.empty(0)  # of the time unit in each row
        self._count = 0  # rows ever written
        self.classes: tuple[str, ...] = ()
        self._freq_hz: NDArray[np.float64] = np.empty(0)
        self._step = 0.0
        self.problem: str | None = None

    def write(self, mask: Mask) -> None:
        """Append final masks; units older than the newest there is are refused. Never raises."""
        with self._lock:
            if self.problem is not None or not mask.final:
                return
            try:
                self._put(mask)
            except OSError as error:
                self.problem = error.strerror or str(error)

    def grid(self, start: int, stop: int) -> StemGrid | None:
        """The grid on which the masks of samples ``start`` to ``stop`` lie; None: there are none.

        It is that of the first unit; units after a hole are laid on it where they are nearest.
        """
        with self._lock:
            kept = self._kept()
            low, high = np.searchsorted(kept, (start - self._step, stop + self._step))
            if low == high:
                return None
            return StemGrid(self._freq_hz, float(kept[low]), self._step)

    def gains(self, stem: str, middle: NDArray[np.float64]) -> Float32Array:
        """Gains of one stem at these positions, each of the nearest unit that is kept.

        Shape: ``middle`` is (n,) rising; the result (frequency units, n). Raises ValueError for a
        stem that is not drawn, and where nothing is kept.
        """
        with self._lock:
            kept, index = self._kept(), self.classes.index(stem)
            if not len(kept) or self._file is None:
                raise ValueError("expected masks of stems, got none; wait until they are there")
            after = np.minimum(np.searchsorted(kept, middle), len(kept) - 1)
            before = np.maximum(after - 1, 0)
            near = np.where(middle - kept[before] < kept[after] - middle, before, after)
            low, high = int(near[0]), int(near[-1]) + 1
            oldest = self._count - len(kept)
            data = self._file.get(oldest + low, oldest + high)
        shape = (high - low, len(self.classes), len(self._freq_hz))
        rows = np.frombuffer(data, np.uint8).reshape(shape)[:, index]
        gains: Float32Array = _GAINS[rows[near - low]].T
        return gains

    def _kept(self) -> NDArray[np.float64]:
        """Middles of the units that are kept, the oldest first."""
        capacity = len(self._middle)
        if self._count <= capacity:
            return self._middle[: self._count]
        return np.roll(self._middle, -(self._count % capacity))

    def _put(self, mask: Mask) -> None:
        step = mask.unit_s * self._rate_hz
        if (mask.classes, step, len(mask.freq_hz)) != (
            self.classes, self._step, len(self._freq_hz),
        ):  # fmt: skip
            self._begin(mask, step)
        assert self._file is not None
        middle = mask.sample + (np.arange(mask.prob.shape[2]) + 0.5) * step
        # Half a unit of grace: positions are rounded to samples.
        newest = self._middle[(self._count - 1) % len(self._middle)] if self._count else -np.inf
        fresh = (middle > newest + step / 2)[-len(self._middle) :]
        middle, prob = middle[-len(fresh) :][fresh], mask.prob[:, :, -len(fresh) :][:, :, fresh]
        rows = np.rint(255 * np.sqrt(np.clip(prob, 0, 1))).astype(np.uint8)
        self._file.put(self._count, np.ascontiguousarray(rows.transpose(2, 0, 1)).tobytes())
        self._middle[(self._count + np.arange(len(middle))) % len(self._middle)] = middle
        self._count += len(middle)

    def _begin(self, mask: Mask, step: float) -> None:
        """Masks of this kind, from now on."""
        capacity = max(1, round(self._history_s / mask.unit_s))
        self._file = RingFile(capacity, mask.prob.shape[0] * mask.prob.shape[1], self._folder)
        self._middle = np.zeros(capacity)
        self._count = 0
        self.classes, self._freq_hz, self._step = mask.classes, mask.freq_hz, step
