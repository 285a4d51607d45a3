"""How the boundary head of ``stem_unet_small`` is trained: on joins, the network frozen under it.

A sequence is composed of sections from rendered pieces: whole mixtures, the band without its
voice, the voice alone, noise and silence, with hard cuts, short fades and cross-fades; layers of
noise or speech come and go over some of them. A boundary lies where a section or a layer begins or
ends. Nothing of the masks is touched.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor, nn

from streamseg.decisions.boundaries import NoveltySpec, Peaks
from streamseg.training import synthetic
from streamseg.training.band import STEM_RATE_HZ
from streamseg.training.fit import Check, Plan
from streamseg.training.fronts import STEM_UNET
from streamseg.training.stem_data import Pieces, disturbed, features_of, samples_of
from streamseg.training.stem_unet_small import BOUNDARY_LOOKAHEAD, BoundaryHead, StemUnetSmall
from streamseg.training.streaming import Network

Samples = NDArray[np.float32]

TOLERANCE_S = 0.5  # a boundary said is right within so much
APART_S = 2.0  # a boundary is the highest value within so much on both sides
CASES = 24
POOL = 300  # batches of four times 24 s: 8 hours
_WIDTH_S = 0.25  # the target falls from 1 to 0 within this time of a boundary
_LAYER_EVERY_S = 45.0
_VOCALS = 3


@dataclass(frozen=True, slots=True)
class Composed:
    """Shape: ``samples`` is (n,) float32 at 22.05 kHz."""

    samples: Samples
    joins_s: tuple[float, ...]


def _section(random: Generator, pieces: Pieces, count: int) -> Samples:
    """One thing for so many samples, (count,), with a root mean square of 0.1 +- 4 dB."""
    kind = random.random()
    if kind < 0.05:
        return np.zeros(count, np.float32)
    if kind < 0.13:
        sound = synthetic.noise(random, count / 44_100 + 0.1)[:count]
        section = np.resize(sound, count).astype(np.float32)
    else:
        shard, row = pieces.places[int(random.integers(len(pieces.places)))]
        start = int(random.integers(pieces.shards[shard].shape[2] - count + 1))
        stems = pieces.shards[shard][row, :, start : start + count].astype(np.float32)
        voice, band = stems[_VOCALS], stems[:_VOCALS].sum(axis=0)
        section = voice if kind < 0.25 else band if kind < 0.4 else voice + band
    level = float(np.std(section))
    gain = 0.1 * 10 ** (float(random.normal(0, 4)) / 20) / level if level > 1e-4 else 0.0
    return section * np.float32(gain)


def _joined(random: Generator, one: Samples, two: Samples) -> tuple[Samples, int]:
    """Two sections one after the other, (n,), and where the second begins: by a cut, by short
    fades with a dip between them, or by a cross-fade whose middle is the join.
    """
    way = random.random()
    if way < 0.45:
        return np.concatenate((one, two)), len(one)
    if way < 0.8:
        one, two = one.copy(), two.copy()
        ramp = np.linspace(0, 1, int(random.uniform(0.02, 0.3) * STEM_RATE_HZ), dtype=np.float32)
        one[-len(ramp) :] *= ramp[::-1]
        two[: len(ramp)] *= ramp
        return np.concatenate((one, two)), len(one)
    count = int(random.uniform(0.2, 1.5) * STEM_RATE_HZ)
    ramp = np.linspace(0, 1, count, dtype=np.float32)
    faded = one[-count:] * ramp[::-1] + two[:count] * ramp
    return np.concatenate((one[:-count], faded, two[count:])), len(one) - count // 2


def sequence(random: Generator, pieces: Pieces, seconds: float) -> Composed:
    """Sections of 3 to 16 s; the last one is cut where the sequence ends."""
    count = int(seconds * STEM_RATE_HZ)

    def length_s() -> float:
        return float(random.uniform(3, 16))

    samples = _section(random, pieces, int(length_s() * STEM_RATE_HZ))
    joins: list[float] = []
    while len(samples) < count:
        following = _section(random, pieces, int(length_s() * STEM_RATE_HZ))
        samples, at = _joined(random, samples, following)
        joins.append(at / STEM_RATE_HZ)
    samples = samples[:count]
    for _ in range(int(random.poisson(seconds / _LAYER_EVERY_S))):
        samples, edges = _layered(random, pieces, samples)
        joins += edges
    return Composed(samples, tuple(sorted(join for join in joins if join < seconds - 0.5)))


def _layered(random: Generator, pieces: Pieces, samples: Samples) -> tuple[Samples, list[float]]:
    """Something else for 4 to 12 s on top, and the two moments at which it begins and ends."""
    count = min(int(random.uniform(4, 12) * STEM_RATE_HZ), len(samples) // 2)
    at = int(random.integers(len(samples) - count + 1))
    layer = _section(random, pieces, count)
    if not layer.any():
        return samples, []
    result = samples.copy()
    result[at : at + count] += layer * np.float32(10 ** (float(random.uniform(-6, 8)) / 20))
    return result, [at / STEM_RATE_HZ, (at + count) / STEM_RATE_HZ]


def target(joins_s: Sequence[float], frames: int) -> Samples:
    """1 at the frames nearest a boundary, falling to 0 around them: (frames,)."""
    middles_s = (np.arange(frames) * STEM_UNET.hop + STEM_UNET.n_fft / 2) / STEM_UNET.rate_hz
    curve = np.zeros(frames, np.float32)
    for join_s in joins_s:
        near = np.clip(1 - np.abs(middles_s - join_s) / _WIDTH_S, 0, 1)
        curve = np.maximum(curve, near.astype(np.float32))
    return curve


# Training -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sequences:
    """Sequences as the frozen network hears them: ``POOL`` batches that are heard several times,
    kept as float16, since hearing them costs more than the head does.
    """

    pieces: Pieces
    trunk: StemUnetSmall
    pool: dict[int, tuple[Tensor, Tensor]] = field(default_factory=dict)

    def batches(self, plan: Plan, first: int, last: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Deep layers (batch, frames, 640); truth (batch, frames) as ``target``."""
        for step in range(first, last):
            number = step % POOL
            if number not in self.pool:
                self.pool[number] = self._batch(plan, number)
            deep, truth = self.pool[number]
            yield deep.float(), truth

    def _batch(self, plan: Plan, number: int) -> tuple[Tensor, Tensor]:
        random = np.random.default_rng([plan.seed, 12, number])
        frames = round(plan.crop_s / STEM_UNET.hop_s)
        seconds = samples_of(frames) / STEM_RATE_HZ
        made = [sequence(random, self.pieces, seconds) for _ in range(plan.batch)]
        features = np.stack([features_of(one.samples)[:frames] for one in made])
        truth = np.stack([target(one.joins_s, features.shape[1]) for one in made])
        with torch.no_grad():
            deep = self.trunk.deep(disturbed(random, torch.from_numpy(features)))
        return deep.half(), torch.from_numpy(truth)


def loss(network: Network, features: Tensor, truth: Tensor) -> Tensor:
    """Cross-entropy of every frame whose look-ahead is there; those near a boundary count
    thrice.
    """
    assert isinstance(network, BoundaryHead)
    logits, _ = network.logits(features, network.start(len(features)))
    said = logits[:, BOUNDARY_LOOKAHEAD:, 0].float()
    asked = truth[:, : truth.shape[1] - BOUNDARY_LOOKAHEAD]
    weight = 1 + 2 * (asked > 0)
    return nn.functional.binary_cross_entropy_with_logits(said, asked, weight)


def plan_of(seed: int, quick: bool) -> Plan:
    """The schedule of the head: minutes."""
    if quick:
        return Plan(steps=6, batch=2, crop_s=6.0, averaging=0.9, check_every=3, seed=seed)
    return Plan(
        steps=1500, batch=4, crop_s=24.0, rate=3e-3, averaging=0.98, check_every=150, seed=seed
    )


# Validation ---------------------------------------------------------------------------------------


def cases_of(pieces: Pieces, quick: bool) -> list[Composed]:
    """Sequences of held-out pieces, a minute each; the same for the same pieces."""
    random = np.random.default_rng(13)
    count, seconds = (1, 12.0) if quick else (CASES, 60.0)
    return [sequence(random, pieces, seconds) for _ in range(count)]


def peaks_s(curve: Samples, threshold: float) -> list[float]:
    """Boundaries of a curve (frames,) without look-ahead, in seconds."""
    hop_s = STEM_UNET.hop_s
    peaks = Peaks(hop_s, NoveltySpec(threshold=threshold, apart_s=APART_S))
    found = peaks.push(curve.astype(np.float64)) + peaks.flush()
    return [index * hop_s + STEM_UNET.n_fft / 2 / STEM_UNET.rate_hz for index in found]


def f_measure(said: Sequence[Sequence[float]], cases: Sequence[Composed]) -> float:
    """Of all joins of all cases together; each join is hit by one boundary at most."""
    hits = 0
    for found, case in zip(said, cases, strict=True):
        left = sorted(found)
        for join in sorted(case.joins_s):
            near = [at for at in left if abs(at - join) <= TOLERANCE_S]
            if near:
                hits += 1
                left.remove(near[0])
    total = sum(map(len, said)) + sum(len(case.joins_s) for case in cases)
    return 2 * hits / total if total else 0.0


def curve_of(head: Network, deep: Tensor) -> Samples:
    """The curve of one sequence, look-ahead taken out: (frames,). Behind its end the deep layers
    stay what they were last. Shape: ``deep`` is (frames, 640).
    """
    padded = torch.cat((deep, deep[-1:].expand(BOUNDARY_LOOKAHEAD, -1)))[None]
    with torch.no_grad():
        said = head(padded, *head.start(1))[0]
    return np.asarray(said[0, BOUNDARY_LOOKAHEAD:, 0].float().numpy(), np.float32)


def checker(trunk: StemUnetSmall, cases: Sequence[Composed]) -> Check:
    """Validation for ``fit``: the best F within 0.5 s over thresholds, and the threshold."""
    with torch.no_grad():
        heard = [trunk.deep(torch.from_numpy(features_of(case.samples))[None])[0] for case in cases]

    def check(head: Network) -> dict[str, float]:
        head.eval()
        curves = [curve_of(head, deep) for deep in heard]
        best = (0.0, 0.0)
        for threshold in np.arange(0.1, 0.9, 0.05):
            said = [peaks_s(curve, float(threshold)) for curve in curves]
            best = max(best, (f_measure(said, cases), float(threshold)))
        return {"threshold": best[1], "score": best[0]}

    return check
