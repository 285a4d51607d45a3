"""Where the sound turns into another one: a novelty curve over a stream, and its peaks.

Foote (ICME 2000): a checkerboard kernel along the diagonal of the self-similarity matrix. Only the
last and the next ``half_s`` are ever compared, so a stream needs no more memory than these, and a
value is late by ``half_s``. Whoever decides on boundaries calls ``push`` on one thread with frames
of decibels by band, in any split: the steps that they complete come out, ``GROUP`` at a time.
Nothing waits here but what is needed for the next values. Groups always begin at a multiple of
``GROUP`` steps, so every split gives the very same numbers; one after the other, steps would cost
six times as much.

``Boundaries`` is both for one source, with moments as samples.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streamseg.messages import Float32Array

Float64Array = NDArray[np.float64]

GROUP = 5
"""Steps that are compared at once, 1 s of them."""
_NO_VALUES: Float64Array = np.empty(0)
_NONE: Float32Array = np.empty(0, np.float32)


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
        whole = self._kernel(self.half, self.half)
        self._kernels = np.zeros((GROUP, 2 * self.half + GROUP - 1))
        for row in range(GROUP):
            self._kernels[row, row : row + len(whole)] = whole
        self.reset()

    def reset(self) -> None:
        """The next frame is frame 0."""
        self._rest: list[Float32Array] = []  # short of a group
        self._waiting = 0  # frames in it
        self._alike = np.empty((0, 0))  # similarities of the last steps, up to 2 * half - 1
        self._steps = np.empty((0, self._bands))  # the same steps
        self._count = 0  # steps so far
        self._next = 0  # value

    def push(self, features: Float32Array) -> Float64Array:
        """Shape: (frames, bands) in; (values,) that are ready out, from value 0 on."""
        self._rest.append(features)
        self._waiting += len(features)
        size = GROUP * self._per_step
        if self._waiting < size:
            return _NO_VALUES
        frames = np.concatenate(self._rest)
        used = len(frames) // size * size
        self._rest, self._waiting = [frames[used:]], len(frames) - used
        return np.concatenate([self._group(frames[at : at + size]) for at in range(0, used, size)])

    def flush(self) -> Float64Array:
        """The values that still wait, over what comes after them as far as it goes; a reset."""
        values = []
        if self._waiting >= self._per_step:
            frames = np.concatenate(self._rest)
            used = self._waiting // self._per_step * self._per_step
            values.append(self._group(frames[:used]))
        values.append(self._values(self._count))
        self.reset()
        return np.concatenate(values)

    def _group(self, frames: Float32Array) -> Float64Array:
        """Shape: (some whole steps, bands) in; the values that they make ready out."""
        steps = frames.reshape(-1, self._per_step, self._bands).mean(axis=1, dtype=np.float64)
        new = len(steps)
        self._count += new
        self._steps = np.concatenate((self._steps, steps))
        square = np.einsum("ij,ij->i", self._steps, self._steps)
        away = square[:, None] + square[-new:] - 2 * (self._steps @ steps.T)
        away = np.sqrt(np.maximum(away, 0) / self._bands)
        rows = np.exp(away / -self._spec.spread_db)
        alike = np.empty((len(self._steps), len(self._steps)))
        alike[:-new, :-new] = self._alike
        alike[:, -new:] = rows
        alike[-new:] = rows.T
        self._alike = alike
        values = self._values(self._count - self.half + 1)
        kept = 2 * self.half - 1
        self._steps, self._alike = self._steps[-kept:], self._alike[-kept:, -kept:]
        return values

    def _values(self, until: int) -> Float64Array:
        """The next values, up to one; the steps after it are there as far as it matters."""
        middles = range(self._next, max(self._next, until))
        self._next = middles.stop
        first = self._count - len(self._steps)  # step 0 of those that are here
        if len(middles) == GROUP and len(self._steps) == self._kernels.shape[1]:
            return np.asarray(((self._kernels @ self._alike) * self._kernels).sum(axis=1))
        return np.array([self._value(middle - first) for middle in middles])

    def _value(self, middle: int) -> float:
        """Novelty between the steps before ``middle`` and those from it on."""
        before, after = min(middle, self.half), min(len(self._steps) - middle, self.half)
        if not before or not after:
            return 0.0
        kernel, here = self._kernel(before, after), slice(middle - before, middle + after)
        return float(kernel @ self._alike[here, here] @ kernel)

    def _kernel(self, before: int, after: int) -> Float64Array:
        """Weights of so many steps: both sides sum to 1, what came before counts negative."""
        one, two = self._taper[:before][::-1], self._taper[:after]
        return np.concatenate((-one / one.sum(), two / two.sum()))


class Peaks:
    """The highest values of a curve, as indices; late by ``apart_s``.

    The first ``apart_s`` hold none: that a sound fades in is no change of what sounds.
    """

    def __init__(self, step_s: float, spec: NoveltySpec | None = None) -> None:
        spec = spec or NoveltySpec()
        self._threshold = spec.threshold
        self._apart = max(1, round(spec.apart_s / step_s))
        self.reach = 2 * self._apart + 1
        """Of the newest values, those that may still become or prevent a boundary."""
        self.reset()

    def reset(self) -> None:
        """The next value is value 0."""
        # Context before the next candidate, then it and what follows.
        self._values = [np.inf] * self._apart
        self._next = 0

    def push(self, values: Float64Array) -> list[int]:
        """Shape: (values,) in; the indices of boundaries that are sure now."""
        self._values += values.tolist()
        found, apart = [], self._apart
        at = apart
        while at + apart < len(self._values):
            candidate = self._values[at]
            # Of equal values the first one counts.
            if (
                candidate >= self._threshold
                and candidate > max(self._values[at - apart : at])
                and candidate >= max(self._values[at : at + apart + 1])
            ):
                found.append(self._next)
            self._next += 1
            at += 1
        del self._values[: at - apart]
        return found

    def flush(self) -> list[int]:
        """The boundaries among the values that still wait, and a reset."""
        found = self.push(np.full(self._apart, -np.inf))
        self.reset()
        return found


@dataclass(frozen=True, slots=True)
class Changes:
    """What some frames made known. Shape: ``values`` is (steps,) float32, of the curve."""

    values: Float32Array
    sample: int
    """Position of the moment of ``values[0]``."""
    found: tuple[tuple[int, float], ...]
    """Boundaries: position and height of the curve."""


class Boundaries:
    """The curve of one source and its peaks, stretch by stretch.

    Late: a value by ``half_s`` and up to ``GROUP`` steps, a boundary by ``apart_s`` more.
    """

    def __init__(
        self,
        rate_hz: int,
        hop_s: float,
        first_s: float,
        bands: int,
        spec: NoveltySpec | None = None,
    ) -> None:
        """``rate_hz`` counts samples; frame 0 is centred ``first_s`` after a stretch's begin."""
        self._novelty = Novelty(hop_s, bands, spec)
        self._peaks = Peaks(self._novelty.step_s, spec)
        self.step_s = self._novelty.step_s
        self._rate_hz = rate_hz
        # Between two steps lies the middle between the centres of their frames.
        self._first_s = first_s - hop_s / 2
        self.begin(0)

    def begin(self, sample: int) -> None:
        """A stretch begins: the next frame is the first one behind this position."""
        self._novelty.reset()
        self._peaks.reset()
        self._origin = sample
        self._known = _NO_VALUES  # the newest values
        self._next = 0

    def push(self, features: Float32Array) -> Changes:
        """Shape: (frames, bands) float32 decibels, the next ones of the stretch."""
        values = self._novelty.push(features)
        return self._changes(values, self._peaks.push(values) if len(values) else [])

    def flush(self) -> Changes:
        """The end of the stretch, as far as it was heard; ``begin`` must follow."""
        values = self._novelty.flush()
        return self._changes(values, self._peaks.push(values) + self._peaks.flush())

    def _changes(self, values: Float64Array, found: list[int]) -> Changes:
        if not len(values) and not found:
            return Changes(_NONE, self._sample(self._next), ())
        self._known = np.concatenate((self._known, values))
        first, self._next = self._next, self._next + len(values)
        oldest = self._next - len(self._known)
        peaks = tuple((self._sample(at), float(self._known[at - oldest])) for at in found)
        self._known = self._known[-self._peaks.reach :]
        return Changes(values.astype(np.float32), self._sample(first), peaks)

    def _sample(self, value: int) -> int:
        at_s = max(0.0, self._first_s + value * self.step_s)
        return self._origin + round(at_s * self._rate_hz)
