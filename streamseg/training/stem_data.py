"""What the stem networks train and are chosen on: pieces remixed as they are read, and cases.

A crop takes its stems from one piece, or each from another one, at levels of their own; what is
heard is their sum. The truth of a frequency unit and stem is the gain that brings the mixture
nearest to the stem, ``Re(sum S conj X) / sum |X|^2``: the squared error of any other gain m is
larger by ``sum |X|^2 (m - gain)^2``, phases included.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import scipy.fft
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor

from streamseg.frontend import units
from streamseg.frontend.features import log_bands
from streamseg.training.band import STEMS, loudness
from streamseg.training.band_data import read_pieces
from streamseg.training.fit import Plan
from streamseg.training.fronts import STEM_UNET, STEM_UNET_SMALL

CASE_FRAMES = 430  # 10 s
_REAL_TIMES = 3  # the corpus' stems are few and real: each counts as three pieces
_WINDOW = np.hanning(STEM_UNET.n_fft + 1)[:-1].astype(np.float32)
_SPEEDS = 0.3  # octaves by which a crop is played faster or slower
KNOTS_HZ = 30.0 * 2.0 ** np.arange(9.5)  # of a stem's own equaliser


@dataclass(frozen=True, slots=True)
class Bins:
    """Shape: ``features`` (frames, 1536) decibels of the mixture as the front end of
    ``stem_unet_small`` gives them, of which the first 1024 are that of ``stem_unet``; ``heard``
    (frames, 512) its power
    in each unit; ``cross`` (4, frames, 512) ``Re(S conj X)`` and ``power`` (4,) the energy of each
    stem.
    """

    features: NDArray[np.float32]
    heard: NDArray[np.float32]
    cross: NDArray[np.float32]
    power: NDArray[np.float64]


def samples_of(frames: int) -> int:
    """Samples under so many frames."""
    return (frames - 1) * STEM_UNET.hop + STEM_UNET.n_fft


def transformed(stems: NDArray[np.float32]) -> NDArray[np.complex64]:
    """Shape: (4, n) in, (4, frames, 1024) out, unscaled as ``frontend.stft``."""
    views = np.lib.stride_tricks.sliding_window_view(stems, STEM_UNET.n_fft, axis=1)
    frames = views[:, :: STEM_UNET.hop] * _WINDOW
    return np.asarray(scipy.fft.rfft(frames, axis=2)[..., : units.BINS], np.complex64)


def bins_of(stems: NDArray[np.float32]) -> Bins:
    """What training needs of four stems, (4, n) float32."""
    each = transformed(stems)
    mixture = each.sum(axis=0)
    heard = mixture.real**2 + mixture.imag**2
    cross = each.real * mixture.real + each.imag * mixture.imag
    power = np.array([np.vdot(one, one).real for one in each])
    return Bins(features_of(stems.sum(axis=0)), units.sums(heard), units.sums(cross), power)


def features_of(mixture: NDArray[np.float32]) -> NDArray[np.float32]:
    """What the front end makes of a stream from its start on, (frames, 1536)."""
    return log_bands(STEM_UNET_SMALL).push(mixture)


@dataclass(frozen=True, slots=True)
class Pieces:
    """Rendered pieces to train on: samples stay on disk."""

    shards: tuple[NDArray[np.int16], ...]
    places: NDArray[np.int64]
    """Shard and row of each piece, (n, 2); real ones several times."""

    @classmethod
    def read(cls, folder: Path) -> Pieces:
        """Every finished shard. Raises FileNotFoundError where there is none."""
        made = read_pieces(folder, real=False)
        try:
            real = read_pieces(folder, real=True)
        except FileNotFoundError:
            real = []
        places = [(index, row) for index, shard in enumerate(made) for row in range(len(shard))]
        for index, shard in enumerate(real, len(made)):
            places += [(index, row) for row in range(len(shard))] * _REAL_TIMES
        return cls((*made, *real), np.array(places))

    @property
    def hours(self) -> float:
        """Length of all pieces."""
        samples = sum(shard.shape[0] * shard.shape[2] for shard in self.shards)
        return float(samples / STEM_UNET.rate_hz / 3600)

    def crop(self, random: Generator, piece: int, count: int) -> NDArray[np.float32]:
        """Four stems, (4, count): of one piece, or each of another, at levels of their own."""
        together = random.random() < 0.5
        stems = np.zeros((len(STEMS), count), np.float32)
        length = self.shards[0].shape[2]
        for stem in range(len(STEMS)):
            if not together and stem:
                piece = int(random.integers(len(self.places)))
            if not together or not stem:
                speed = 2.0 ** random.uniform(-_SPEEDS, _SPEEDS)
                needed = scipy.fft.next_fast_len(round(count * speed), real=True)
                start = int(random.integers(length - needed + 1))
            curve_db = random.normal(0, 3, KNOTS_HZ.size)
            if random.random() < 0.08:
                continue
            shard, row = self.places[piece]
            taken = self.shards[shard][row, stem, start : start + needed]
            samples = played(taken.astype(np.float32) / np.float32(32768), count, curve_db)
            level = 1.0 if together else 0.1 / max(loudness(samples), 1e-3)
            gain = level * 10 ** (float(random.normal(0, 3)) / 20)
            stems[stem] = samples * np.float32(gain)
        return stems

    def batches(self, plan: Plan, first: int, last: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Crops; truth is (batch, frames, 512, 5): the gains of the stems, then the power heard."""
        frames = round(plan.crop_s / STEM_UNET.hop_s)
        count = len(self.places)
        per_epoch = max(1, count // plan.batch)
        for step in range(first, last):
            order = np.random.default_rng([plan.seed, 4, step // per_epoch]).permutation(count)
            random = np.random.default_rng([plan.seed, 6, step])
            features, truth = [], []
            for piece in order[step % per_epoch * plan.batch :][: plan.batch]:
                found = bins_of(self.crop(random, int(piece), samples_of(frames)))
                features.append(found.features)
                truth.append(truth_of(found))
            stacked = torch.from_numpy(np.stack(features))
            yield disturbed(random, stacked), torch.from_numpy(np.stack(truth))


def played(
    samples: NDArray[np.float32], count: int, curve_db: NDArray[np.float64]
) -> NDArray[np.float32]:
    """As many samples in ``count``, faster or slower, through an equaliser with so many decibels
    at ``KNOTS_HZ``: what stays the same are the notes' relations, not their pitch or timbre.
    """
    spectrum = scipy.fft.rfft(samples)
    kept = min(len(spectrum), count // 2 + 1)
    bins_hz = np.arange(kept) * STEM_UNET.rate_hz / count
    curve = np.interp(np.log2(np.maximum(bins_hz, 1)), np.log2(KNOTS_HZ), curve_db)
    gain = (10 ** (curve / 20) * count / len(samples)).astype(np.float32)
    shaped = np.zeros(count // 2 + 1, np.complex64)
    shaped[:kept] = spectrum[:kept] * gain
    said: NDArray[np.float32] = scipy.fft.irfft(shaped, count)
    return said


def truth_of(found: Bins) -> NDArray[np.float32]:
    """Best gains of the stems within 0..1, then the power heard, (frames, 512, 5) float32."""
    gains = np.clip(found.cross / np.maximum(found.heard, 1e-9), 0, 1)
    together: NDArray[np.float32] = np.concatenate((gains, found.heard[None])).astype(np.float32)
    return together.transpose(1, 2, 0)


def disturbed(random: Generator, features: Tensor) -> Tensor:
    """Another level (-25 to +10 dB) and a smooth equaliser: the best gains stay what they are."""
    batch = len(features)
    level = torch.from_numpy(random.uniform(-25, 10, (batch, 1, 1)).astype(np.float32))
    knots = torch.from_numpy(random.normal(0, 3, (batch, 1, 7)).astype(np.float32))
    curve = torch.nn.functional.interpolate(knots, units.BINS, mode="linear", align_corners=True)
    front = STEM_UNET_SMALL
    within = front.long_n_fft // front.n_fft  # bins of the long window in one of the other
    longs = curve[:, :, : front.long_bins // within].repeat_interleave(within, dim=2)
    both = torch.cat((curve, longs), dim=2)
    return (features + level + both).clamp(min=STEM_UNET.floor_db)


# Validation ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cases:
    """Excerpts of 10 s as they are, two of each validation piece."""

    excerpts: tuple[Bins, ...]

    @classmethod
    def read(cls, folder: Path) -> Cases:
        """Raises FileNotFoundError where there is none."""
        count = samples_of(CASE_FRAMES)
        excerpts = []
        for shard in read_pieces(folder):
            for piece in shard:
                for start in (0, piece.shape[1] - count):
                    part = piece[:, start : start + count].astype(np.float32) / np.float32(32768)
                    excerpts.append(bins_of(part))
        return cls(tuple(excerpts))

    def bands_only(self) -> Cases:
        """The same as the front end of ``stem_unet`` has them."""
        short = [replace(one, features=one.features[:, : units.BINS]) for one in self.excerpts]
        return Cases(tuple(short))

    def sdr_db(self, excerpt: int, masks: NDArray[np.float32]) -> NDArray[np.float64]:
        """Energy of each stem over that of its error in decibels, (4,); NaN for silent stems.

        Shape: ``masks`` is (frames, 512, 4).
        """
        found = self.excerpts[excerpt]
        gains = masks.transpose(2, 0, 1)
        lost = (gains**2 * found.heard - 2 * gains * found.cross).sum(axis=(1, 2), dtype=np.float64)
        audible = found.power > 1e-4 * found.power.sum()  # 40 dB under all of them is silence
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = found.power / np.maximum(found.power + lost, 1e-6 * found.power)
            return np.where(audible, 10 * np.log10(ratio), np.nan)
