"""Crops for ``activity`` that no shard holds: transposed, over each other, with hum under them,
coloured.

All of it happens in features, so that it costs little beside a step: powers of two sounds add up in
a band but for what their phases do to each other, which has a mean of zero.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor

from streamseg.training import augment, fronts, hum_lines, render, synthetic
from streamseg.training.data import RATE_HZ
from streamseg.training.fit import Material, Plan
from streamseg.training.mixing import GONE_DB, HEARD_DB, IGNORE
from streamseg.training.render import Focus
from streamseg.training.shelves import CLASSES
from streamseg.training.transpose import transposed

TRANSPOSED = 0.12
"""Deviation of the logarithm of the factor by which a crop is transposed."""
UNCHANGED = 0.25
"""Share of the crops that keep their pitch."""
OVERLAID = 0.2
"""Share of the crops with another crop over them."""
RATIO_DB = 14.0
"""Largest difference of level between the two."""
HUMMING = 0.12
"""Share of the crops with hum."""
LEAST_DB, MOST_DB = 3.0, 35.0
"""How far hum lies under a crop."""
NOT_ASKED_DB = 8.0
"""Louder hum is not told from noise: nobody is asked whether a pause with it is noise."""
STEADY = 0.1
"""Share of the crops that are one steady noise from beginning to end, so that it stays noise."""
STEADY_DBFS = (-50.0, -15.0)
"""Its level."""
COLOURED = 0.35
"""Share of the crops with a steep equaliser over everything."""
TILT_DB, BUMPS_DB = 14.0, 3.0
"""Its ends are up to so far from the middle, and bumps deviate so much."""
OFTEN: dict[Focus, float] = {
    "singing": 1.5,
    "broad": 1.2,
    "voices": 1.5,
    "varied": 1.2,
    "unaccompanied": 2.5,
    "ambient": 2.5,
}
"""How often programmes are drawn that dwell on something, beside 1 of the plain ones."""
_SMOOTHED_FRAMES = 25  # half a second

Crop = tuple[NDArray[np.float32], NDArray[np.uint8]]
"""Features (frames, bands) in decibels and truth (frames, 3)."""


@dataclass(frozen=True, slots=True)
class Remixed:
    """Stock of a run of ``activity``: crops of ``material`` in ever new forms."""

    material: Material
    weights: NDArray[np.float64]
    """How often each programme is drawn, (programmes,), any scale."""
    hums: NDArray[np.float16]
    """See ``hum_lines.bank``."""
    noises: NDArray[np.float16]
    """Features of steady noises with a root mean square of 1, (count, frames, bands)."""

    @classmethod
    def of(cls, material: Material, numbers: Sequence[int], seed: int, made: int) -> Remixed:
        """``numbers`` are those of the shards in ``material``, in order; so many hums and noises
        are made.
        """
        each = [OFTEN.get(render.focus_of(number), 1.0) for number in numbers]
        programmes = len(material.features) // len(numbers)
        seconds = material.features.shape[1] * material.spec.hop_s
        hums, noises = hum_lines.bank(seed, made), steady_noises(seed, made, seconds)
        return cls(material, np.repeat(each, programmes), hums, noises)

    def batches(self, plan: Plan, first: int, last: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Features (batch, frames, bands) and truth (batch, frames, 3) of the steps ``first`` to
        ``last - 1``; the same for the same seed and step.
        """
        ends = np.cumsum(self.weights / self.weights.sum())
        for step in range(first, last):
            random = np.random.default_rng([plan.seed, 3, step])
            generator = torch.Generator().manual_seed(plan.seed * 1_000_003 + step)
            over = random.random(plan.batch) < OVERLAID
            drawn = random.random(plan.batch + int(over.sum()))
            rows = np.minimum(np.searchsorted(ends, drawn), len(ends) - 1)
            frames = self.material.frames_at(plan, step)
            starts = self.material.starts(random, len(rows), frames)
            features, marks = self.material.crops(rows, starts, frames)
            heard = self._transposed(torch.from_numpy(features), random, generator).numpy()
            for row in np.flatnonzero(random.random(plan.batch) < STEADY):
                heard[row], marks[row] = self._noise(random, frames)
            for turn, row in enumerate(np.flatnonzero(over)):
                other = plan.batch + turn
                ratio_db = float(random.uniform(-RATIO_DB, RATIO_DB))
                heard[row], marks[row] = overlaid(
                    (heard[row], marks[row]), (heard[other], marks[other]), ratio_db
                )
            for row in np.flatnonzero(random.random(plan.batch) < HUMMING):
                heard[row] = self._with_hum(random, heard[row], marks[row])
            for row in np.flatnonzero(random.random(plan.batch) < COLOURED):
                heard[row] = coloured(random, heard[row])
            yield torch.from_numpy(heard[: plan.batch]), torch.from_numpy(marks[: plan.batch])

    def _transposed(
        self, features: Tensor, random: Generator, generator: torch.Generator
    ) -> Tensor:
        moved = transposed(features, self.material.spec, TRANSPOSED, generator)
        kept = torch.from_numpy(random.random(len(features)) < UNCHANGED)
        return torch.where(kept[:, None, None], features, moved)

    def _noise(self, random: Generator, frames: int) -> Crop:
        """One noise for as long as a crop."""
        noise = self.noises[random.integers(len(self.noises))]
        begin = int(random.integers(len(noise) - frames + 1))
        level_dbfs = float(random.uniform(*STEADY_DBFS))
        heard = noise[begin : begin + frames].astype(np.float32) + level_dbfs
        marks = np.zeros((frames, len(CLASSES)), np.uint8)
        marks[:, CLASSES.index("noise")] = 1
        return np.maximum(heard, np.float32(self.material.spec.floor_db)), marks

    def _with_hum(
        self, random: Generator, heard: NDArray[np.float32], marks: NDArray[np.uint8]
    ) -> NDArray[np.float32]:
        """The crop with hum; ``marks`` (frames, 3) lose what nobody can know then."""
        under_db = float(random.uniform(LEAST_DB, MOST_DB))
        if under_db < NOT_ASKED_DB:
            marks[(marks != 1).all(axis=1), CLASSES.index("noise")] = IGNORE
        line = self.hums[random.integers(len(self.hums))]
        return hum_lines.added(random, heard, line, under_db)


def coloured(random: Generator, heard: NDArray[np.float32]) -> NDArray[np.float32]:
    """A crop (frames, bands) through another line: tilted, and some regions louder or softer."""
    places = np.linspace(-1, 1, heard.shape[1])
    tilt_db = float(random.uniform(-TILT_DB, TILT_DB)) * places
    bumps_db = np.interp(places, np.linspace(-1, 1, 8), random.normal(0, BUMPS_DB, 8))
    curve_db = (tilt_db + bumps_db).astype(np.float32)
    return np.asarray(np.maximum(heard + curve_db, fronts.ACTIVITY.floor_db), np.float32)


def steady_noises(seed: int, count: int, seconds: float) -> NDArray[np.float16]:
    """Features of noises with a root mean square of 1, (count, frames, bands) float16: of every
    colour, half of them now and then in a band or swelling.
    """
    spec = fronts.ACTIVITY
    frames = round(seconds / spec.hop_s)
    made = []
    for index in range(count):
        random = np.random.default_rng([seed, 8, index])
        samples = int((seconds + 1) * RATE_HZ)
        if index % 2:
            noise = synthetic.steady(random, seconds + 1)
        else:
            noise = synthetic.coloured(random, samples, float(random.uniform(-0.3, 2.2)))
        heard = fronts.features(spec, noise / np.float32(augment.rms(noise)))
        made.append(heard[:frames].astype(np.float16))
    return np.stack(made)


def overlaid(one: Crop, other: Crop, ratio_db: float) -> Crop:
    """Two crops as they sound together, the first so many decibels over the second.

    What lies 12 dB under the other is not asked for, and 20 dB under it is not there, as where
    programmes are made.
    """
    powers = [10 ** (features.astype(np.float64) / 10) for features, _ in (one, other)]
    powers[1] *= powers[0].mean() / max(powers[1].mean(), 1e-12) * 10 ** (-ratio_db / 10)
    levels_db = [_level_db(power) for power in powers]
    first = _beside(one[1], levels_db[0] - levels_db[1])
    second = _beside(other[1], levels_db[1] - levels_db[0])
    truth = np.where((first == IGNORE) | (second == IGNORE), IGNORE, 0)
    truth[(first == 1) | (second == 1)] = 1
    total = 10 * np.log10(powers[0] + powers[1])
    return np.maximum(total, fronts.ACTIVITY.floor_db).astype(np.float32), truth.astype(np.uint8)


def _level_db(power: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of (frames, bands), over half a second around each frame, (frames,)."""
    half = _SMOOTHED_FRAMES // 2
    sums = np.concatenate(([0.0], np.cumsum(power.mean(axis=1))))
    frames = np.arange(len(power))
    first, last = np.maximum(frames - half, 0), np.minimum(frames + half + 1, len(power))
    mean: NDArray[np.float64] = (sums[last] - sums[first]) / (last - first)
    return np.asarray(10 * np.log10(mean + 1e-12))


def _beside(truth: NDArray[np.uint8], level_db: NDArray[np.float64]) -> NDArray[np.uint8]:
    """What is known of a crop at such a level against another, frame by frame."""
    known = truth.copy()
    known[(level_db < HEARD_DB)[:, None] & (truth == 1)] = IGNORE
    known[(level_db < GONE_DB)[:, None] & (truth == 1)] = 0
    return known
