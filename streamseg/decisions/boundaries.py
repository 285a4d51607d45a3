"""Where the sound turns into another one: a novelty curve over a stream, and its peaks.

Foote (ICME 2000): a checkerboard kernel along the diagonal of the self-similarity matrix. Only the
last and the next ``half_s`` are ever compared, so a stream needs no more memory than these, and a
value is late by ``half_s``. Whoever decides on boundaries calls ``push`` on one thread with frames
of decibels by band, in any split: the steps that they complete come out. Nothing waits here but
what is needed for the next value; the work of a step is ``(2 half_s / step_s) ** 2`` similarities,
of which all but one row are kept from the step before.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streamseg.messages import Float32Array

Float64Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class NoveltySpec:
    """How far and how finely the novelty curve looks. Chosen on composed songs and broadcasts of
    held-out training material, see docs/results.md.
    """

    step_s: float = 0.2
    """Frames are averaged over so long: boundaries are found to half of it."""
    half_s: float = 6.0
    """Half of the kernel: what came before against what comes after."""
    spread_db: float = 12.0
    """Steps that differ by this much (root mean square over the bands) are 1/e alike."""
    threshold: float = 0.2
    """Least novelty of a boundary; 0 is none, 2 is two worlds."""
    apart_s: float = 2.0
    """A boundary is the highest value within so much on both sides."""

    def __post_init__(self) -> None:
        for name in ("step_s", "half_s", "spread_db", "apart_s"):
            if not getattr(self, name) > 0:
                raise ValueError(f"expected {name} > 0, got {getattr(self, name)}")


class Novelty:
    """Frames of decibels in, novelty out. Value k belongs to the moment ``k * step_s``."""

    def __init__(self, hop_s: float, bands: int, spec: NoveltySpec | None = None) -> None:
        self._spec = spec or NoveltySpec()
        self._per_step = max(1, round(self._spec.step_s / hop_s))
        self.step_s = self._per_step * hop_s
        """The true length of a step: a whole number of frames."""
        self.half = max(1, round(self._spec.half_s / self.step_s))
        self._bands = bands
        away = (np.arange(self.half) + 0.5) / self.half
        self._taper = np.exp(-2 * away**2)  # from the middle outwards
        self.reset()

    def reset(self) -> None:
        """The next frame is frame 0."""
        self._rest = np.empty((0, self._bands), np.float32)  # short of a step
        self._alike = np.empty((0, 0))  # similarities of the last steps, up to 2 * half
        self._steps = np.empty((0, self._bands), np.float32)  # the same steps

    def push(self, features: Float32Array) -> Float64Array:
        """Shape: (frames, bands) in; (values,) that are ready out, from value 0 on."""
        frames = np.concatenate((self._rest, features))
        count = len(frames) // self._per_step
        used = frames[: count * self._per_step].reshape(count, self._per_step, self._bands)
        self._rest = frames[count * self._per_step :]
        values = [value for step in used for value in self._step(step.mean(axis=0))]
        return np.array(values)

    def flush(self) -> Float64Array:
        """The values that still wait, over what comes after them as far as it goes; a reset."""
        size = len(self._steps)
        values = [
            self._value(max(0, middle - self.half), middle, size)
            for middle in range(max(0, size - self.half + 1), size)
        ]
        self.reset()
        return np.array(values)

    def _step(self, step: Float32Array) -> list[float]:
        away = np.sqrt(np.mean((self._steps - step) ** 2, axis=1))
        row = np.append(np.exp(-away / self._spec.spread_db), 1.0)
        size = len(row)
        alike = np.empty((size, size))
        alike[:-1, :-1] = self._alike
        alike[-1] = alike[:, -1] = row
        self._steps = np.concatenate((self._steps, step[None]))
        self._alike = alike
        if size > 2 * self.half:
            self._steps, self._alike = self._steps[1:], self._alike[1:, 1:]
            size -= 1
        if size < self.half:
            return []
        middle = size - self.half
        return [self._value(max(0, middle - self.half), middle, size)]

    def _value(self, first: int, middle: int, last: int) -> float:
        """Novelty between the steps before ``middle`` and those from it on."""
        if middle in (first, last):
            return 0.0
        before = self._taper[: middle - first][::-1]
        after = self._taper[: last - middle]
        before, after = before / before.sum(), after / after.sum()
        alike = self._alike
        own = before @ alike[first:middle, first:middle] @ before
        own += after @ alike[middle:last, middle:last] @ after
        return float(own - 2 * before @ alike[first:middle, middle:last] @ after)


class Peaks:
    """The highest values of a curve, as indices; late by ``apart_s``."""

    def __init__(self, step_s: float, spec: NoveltySpec | None = None) -> None:
        spec = spec or NoveltySpec()
        self._threshold = spec.threshold
        self._apart = max(1, round(spec.apart_s / step_s))
        self.reset()

    def reset(self) -> None:
        """The next value is value 0."""
        self._values = np.full(self._apart, -np.inf)  # context before the next candidate, then it
        self._next = 0

    def push(self, values: Float64Array) -> list[int]:
        """Shape: (values,) in; the indices of boundaries that are sure now."""
        self._values = np.concatenate((self._values, values))
        found = []
        while len(self._values) > 2 * self._apart:
            window = self._values[: 2 * self._apart + 1]
            candidate = window[self._apart]
            # Of equal values the first one counts.
            if (
                candidate >= self._threshold
                and candidate > window[: self._apart].max()
                and candidate >= window[self._apart :].max()
            ):
                found.append(self._next)
            self._next += 1
            self._values = self._values[1:]
        return found

    def flush(self) -> list[int]:
        """The boundaries among the values that still wait, and a reset."""
        found = self.push(np.full(self._apart, -np.inf))
        self.reset()
        return found
