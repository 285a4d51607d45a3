"""Sound of chosen classes: a map of probabilities laid over a sound as soft gains.

The gains go onto the short-time Fourier transform of the sound at its own rate, with frames as
long as those of the mask's front end, and come back by overlap-add. Hann windows before and after
at three quarters overlap sum to a constant, so gains of one give the sound back. Between the
middles of the units the gains are interpolated linearly in time and frequency: nothing jumps at a
border, so nothing clicks; beyond the outermost middles they stay what they are there.

Pure numpy and scipy; runs on the thread of whoever calls.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from streamseg.messages import Float32Array, Mask

FRAME_S = 512 / 44_100
OVERLAP = 4  # hops per frame; Hann squared then sums to 1.5 everywhere
FRAMES_AT_ONCE = 1024  # three seconds: bounds the memory, whatever is pushed at once
SHARPNESS = 1.0
"""Exponent of the probabilities before they are compared: 1 is the probability itself, a large one
the paper's hard decision. Chosen on validation mixtures at 0 dB: from 2 on what is kept is farther
from its original (SI-SDR) than the mixture was, and below 1 less of the rest goes."""

STEM_SHARPNESS = {"drums": 1.4, "bass": 1.0, "other": 1.7, "vocals": 1.2}
"""Exponents of the gains of stems before they are heard. A network that is unsure says a gain
between those that it thinks of, and lets some of everything through; a power above 1 takes more of
that away than of the stem. Chosen on validation pieces by SDR (docs/training.md)."""


@dataclass(frozen=True, slots=True)
class UnitGrid:
    """Where the units of a map lie on a sound.

    Shape: ``freq_hz`` is (frequency units,), the middle of each, rising.
    """

    freq_hz: NDArray[np.float64]
    first_s: float
    """Middle of time unit 0, counted from the first sample."""
    unit_s: float


def keep_classes(
    samples: Float32Array,
    rate_hz: int,
    mask: Mask,
    keep: Iterable[str],
    sample: int = 0,
    floor_db: float | None = None,
) -> Float32Array:
    """What remains of a sound when only some classes are kept.

    Shape: ``samples`` is (n,) or (n, channels) float32, the result has the same shape. ``sample``
    is the position of ``samples[0]`` on the counter of ``mask.sample``. ``floor_db``: nothing is
    turned down by more than this. Time units without any probability (all zero) take those of the
    nearest one that has some. Raises ValueError for a class that the mask does not have, and for
    a mask without any probability.
    """
    gains = class_gains(filled(mask.prob), mask.classes, keep, floor_db)
    first_s = (mask.sample - sample) / rate_hz + mask.unit_s / 2
    channels = samples[:, None] if samples.ndim == 1 else samples
    keeper = Keeper(rate_hz, channels.shape[1], UnitGrid(mask.freq_hz, first_s, mask.unit_s))
    keeper.push_gains(gains)
    kept = np.concatenate((keeper.push(channels), keeper.flush()))
    return kept[:, 0] if samples.ndim == 1 else kept


def heard_gains(gains: Float32Array, stems: Sequence[str]) -> Float32Array:
    """How loudly some stems are heard together, of which a network gives these gains.

    They are added first: all of them together are heard as they were. The exponent of the sum is
    the mean of theirs, weighted by the gains. Shape: (stems, ...) in, (...) out, within 0..1.
    """
    least = np.float32(1e-6)
    known = np.maximum(gains, least)
    own = [STEM_SHARPNESS.get(stem, 1.0) for stem in stems]
    total = known.sum(axis=0)
    exponents = np.tensordot(np.array(own, np.float32), known, axes=1) / total
    heard: Float32Array = np.power(np.minimum(total, np.float32(1)), exponents)
    return heard


def class_gains(
    prob: Float32Array,
    classes: Sequence[str],
    keep: Iterable[str],
    floor_db: float | None = None,
    *,
    overlapping: bool = False,
) -> Float32Array:
    """Gains that keep some classes: (frequency units, time units) float32 in 0..1.

    Shape: ``prob`` is (classes, frequency units, time units); of ``overlapping`` classes, stems, it
    is their gains, which add up (``heard_gains``). Raises ValueError for an unknown class.
    """
    wanted = set(keep)
    if unknown := wanted - set(classes):
        raise ValueError(f"expected classes of {', '.join(classes)}, got {sorted(unknown)}")
    chosen = [index for index, name in enumerate(classes) if name in wanted]
    gains: Float32Array
    if overlapping:
        gains = heard_gains(prob[chosen], [classes[index] for index in chosen])
    else:
        sharp = np.power(prob, np.float32(SHARPNESS))
        total = np.maximum(sharp.sum(axis=0), np.float32(1e-12))
        gains = sharp[chosen].sum(axis=0) / total
    return gains if floor_db is None else np.maximum(gains, np.float32(10 ** (floor_db / 20)))


def filled(prob: Float32Array) -> Float32Array:
    """The map with every empty time unit replaced by the nearest one that is not empty.

    Shape: (classes, frequency units, time units). Raises ValueError for a map that is all empty.
    """
    known = np.flatnonzero(prob.any(axis=(0, 1)))
    if not known.size:
        raise ValueError("expected a mask with probabilities, got none; wait until it is there")
    units = np.arange(prob.shape[2])
    after = np.minimum(np.searchsorted(known, units), known.size - 1)
    before = np.maximum(after - 1, 0)
    nearer = np.abs(known[before] - units) < np.abs(known[after] - units)
    return prob[:, :, known[np.where(nearer, before, after)]]


class Keeper:
    """Sound and gains in, each at its own pace; the sound with its gains out.

    Holds back what has no gains yet; the caller keeps the two together (full: there is no limit
    of its own). ``flush`` ends the sound; the object is not used again.
    """

    def __init__(
        self, rate_hz: int, channels: int, grid: UnitGrid, frame_s: float = FRAME_S
    ) -> None:
        quarter = max(4, round(frame_s * rate_hz / OVERLAP))
        self._hop: int = scipy.fft.next_fast_len(quarter, real=True)
        self._size = OVERLAP * self._hop
        window = np.hanning(self._size + 1)[:-1]
        self._analysis = window.astype(np.float32)
        self._synthesis = (window / (OVERLAP * 3 / 8)).astype(np.float32)
        self._rate_hz = rate_hz
        self._grid = grid
        bins_hz = np.arange(self._size // 2 + 1) * rate_hz / self._size
        self._across = _interpolation(grid.freq_hz, bins_hz)
        # Frame 0 begins this long before the sound: every sample lies in OVERLAP frames.
        self._lead = self._size - self._hop
        self._sound = np.zeros((channels, self._lead), np.float32)  # from the next frame on
        self._sum = np.zeros((channels, OVERLAP - 1, self._hop), np.float32)  # unfinished output
        self._gains = np.empty((0, len(grid.freq_hz)), np.float32)
        self._gains_from = 0  # time unit of ``_gains[0]``
        self._frame = 0  # the next one
        self._heard = self._given = 0  # samples in and out

    def push(self, samples: Float32Array) -> Float32Array:
        """Shape: (n, channels) float32 in; (m, channels) that are ready out."""
        self._heard += len(samples)
        self._sound = np.concatenate((self._sound, samples.T), axis=1)
        return self._advance(self._frames_of_gains())

    def push_gains(self, gains: Float32Array) -> Float32Array:
        """Shape: (frequency units, time units) float32 in; (m, channels) that are ready out."""
        self._gains = np.concatenate((self._gains, gains.T.astype(np.float32)))
        return self._advance(self._frames_of_gains())

    def flush(self) -> Float32Array:
        """End of the sound: the rest, (m, channels). The last gains go on to the end."""
        if not len(self._gains):
            raise ValueError("expected gains before the end of the sound, got none")
        left = self._heard - self._given
        silence = np.zeros((self._sound.shape[0], self._size), np.float32)
        self._sound = np.concatenate((self._sound, silence), axis=1)
        return self._advance(np.inf)[:left]

    def _frames_of_gains(self) -> float:
        """Frames whose middle lies at or before that of the newest time unit."""
        units = self._gains_from + len(self._gains)
        newest_s = self._grid.first_s + (units - 1) * self._grid.unit_s
        middle = self._lead - self._size / 2  # of frame 0, before the sound
        return np.floor((newest_s * self._rate_hz + middle) / self._hop) + 1 if units else 0

    def _advance(self, limit: float) -> Float32Array:
        whole = max(0, (self._sound.shape[1] - self._size) // self._hop + 1)
        count = int(max(0, min(whole, limit - self._frame)))
        parts = [np.empty((0, self._sound.shape[0]), np.float32)]
        while count:
            now = min(count, FRAMES_AT_ONCE)
            parts.append(self._frames(now))
            count -= now
        return np.concatenate(parts)

    def _frames(self, count: int) -> Float32Array:
        """The next ``count`` frames through their gains; the samples that they complete."""
        hop, size = self._hop, self._size
        views = np.lib.stride_tricks.sliding_window_view(self._sound, size, axis=1)
        spectrum = scipy.fft.rfft(views[:, : count * hop : hop] * self._analysis, axis=2)
        spectrum *= self._gains_of_frames(count)
        frames = scipy.fft.irfft(spectrum, size, axis=2) * self._synthesis
        channels = len(frames)
        parts = frames.reshape(channels, count, OVERLAP, hop)
        out = np.zeros((channels, count + OVERLAP - 1, hop), np.float32)
        out[:, : OVERLAP - 1] = self._sum
        for quarter in range(OVERLAP):
            out[:, quarter : quarter + count] += parts[:, :, quarter]
        self._sum = out[:, count:]
        self._sound = self._sound[:, count * hop :]
        lead = max(0, self._lead - self._frame * hop)  # samples before the sound
        self._frame += count
        done = out[:, :count].reshape(channels, -1)[:, lead:]
        self._given += done.shape[1]
        return done.T

    def _gains_of_frames(self, count: int) -> Float32Array:
        """Shape: (count, bins) float32, for the next frames; forgets the units before them."""
        frames = self._frame + np.arange(count)
        middle_s = (frames * self._hop - self._lead + self._size / 2) / self._rate_hz
        place = (middle_s - self._grid.first_s) / self._grid.unit_s - self._gains_from
        place = np.clip(place, 0, len(self._gains) - 1)
        below = np.minimum(place.astype(np.int64), max(0, len(self._gains) - 2))
        above = np.minimum(below + 1, len(self._gains) - 1)
        weight = (place - below).astype(np.float32)[:, None]
        along = self._gains[below] * (1 - weight) + self._gains[above] * weight
        passed = int(below[-1])
        self._gains, self._gains_from = self._gains[passed:], self._gains_from + passed
        gains: Float32Array = along @ self._across
        return gains


def _interpolation(middles: NDArray[np.float64], wanted: NDArray[np.float64]) -> Float32Array:
    """Linear interpolation as a matrix, (middles, wanted) float32; constant beyond the ends."""
    rows = [np.interp(wanted, middles, unit) for unit in np.eye(len(middles))]
    return np.stack(rows).astype(np.float32)
