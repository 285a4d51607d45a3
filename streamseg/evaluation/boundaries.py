"""``python -m streamseg.evaluation boundaries``: are the joins of songs and programmes found?

Scored by ``mir_eval.segment.detection`` (hit rate within 0.5 s and 3 s, first and last boundary
left out), as precision, recall and F of all joins of a set of recordings:

*Songs* are composed of sections of 8 to 20 s from test pieces (``training.band_data``), some of
them heard again, with hard cuts and short fades. *Programmes* are the corpus' broadcasts; a
boundary is where a layer begins or ends; those nearer than a second to each other are one.

Beside the novelty curve stand the boundary heads of the two U-Nets, the sums of their curves with
it, and a grid of equal steps, with as many boundaries as there are joins: what one hits without
listening.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mir_eval
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from rich.table import Table

from streamseg.decisions.boundaries import Float64Array, Novelty, NoveltySpec, Peaks
from streamseg.evaluation.separation import RATE_HZ
from streamseg.evaluation.tables import Record
from streamseg.evaluation.truth import Programme, Truth
from streamseg.messages import Float32Array
from streamseg.models import StemJob, StemNetwork
from streamseg.stages import SourceFront
from streamseg.training import fronts
from streamseg.training.data import decode

WINDOWS_S = (0.5, 3.0)
PIECE_S = 1.0  # of sound a call of the network
APART_S = 2.0  # a boundary is the highest value within so much on both sides


@dataclass(frozen=True, slots=True)
class HeadSpec:
    """Least height of a peak in the curve of a network's boundary head, and in its sum with the
    novelty curve. Chosen on validation sequences and songs (``boundary_thresholds``).
    """

    alone: float
    with_novelty: float


HEADS = {
    "stem_unet_small": HeadSpec(0.5, 0.7),
    "stem_unet": HeadSpec(0.15, 0.35),
}
"""By network."""
SONGS, SONG_SEED = 12, 11
_TOGETHER_S = 1.0


@dataclass(frozen=True, slots=True)
class Joined:
    """A recording with known joins. Shape: ``samples`` (n,) float32 at 22.05 kHz."""

    samples: Float32Array
    joins_s: tuple[float, ...]

    @property
    def seconds(self) -> float:
        """Its length."""
        return len(self.samples) / RATE_HZ


@dataclass(slots=True)
class Hits:
    """Sums over recordings: joins, boundaries said, and hits by window."""

    joins: int = 0
    said: int = 0
    hits: dict[float, float] = field(default_factory=lambda: dict.fromkeys(WINDOWS_S, 0.0))

    def figures(self, window_s: float) -> tuple[float, float, float]:
        """Precision, recall, F; 0 where nothing was said or asked."""
        found = self.hits[window_s]
        precision = found / self.said if self.said else 0.0
        recall = found / self.joins if self.joins else 0.0
        total = precision + recall
        return precision, recall, 2 * precision * recall / total if total else 0.0


def song(random: Generator, pieces: Sequence[Float32Array]) -> Joined:
    """Five to eight sections of two to four pieces; neighbours are never of one piece."""
    chosen = random.choice(len(pieces), int(random.integers(2, 5)), replace=False)
    parts: list[Float32Array] = []
    joins, at, last = [], 0, -1
    for _ in range(int(random.integers(5, 9))):
        which = int(random.choice([index for index in range(len(chosen)) if index != last]))
        last, piece = which, pieces[chosen[which]]
        length = int(random.uniform(8, 20) * RATE_HZ)
        start = int(random.integers(0, len(piece) - length + 1))
        part = piece[start : start + length] * np.float32(0.1 / (np.std(piece) + 1e-6))
        if random.random() < 0.5:  # a short fade at both ends instead of a cut
            ramp = np.linspace(0, 1, int(random.uniform(0.02, 0.3) * RATE_HZ), dtype=np.float32)
            part = part.copy()
            part[: len(ramp)] *= ramp
            part[-len(ramp) :] *= ramp[::-1]
        parts.append(part)
        at += length
        joins.append(at / RATE_HZ)
    return Joined(np.concatenate(parts), tuple(joins[:-1]))


def songs(pieces: Sequence[Float32Array], count: int = SONGS) -> Iterator[Joined]:
    """Composed songs, the same for the same pieces."""
    random = np.random.default_rng(SONG_SEED)
    for _ in range(count):
        yield song(random, pieces)


def changes_s(truth: Iterable[Truth], seconds: float) -> tuple[float, ...]:
    """Where a layer begins or ends, without the ends of the recording."""
    groups: list[list[float]] = []
    for edge in sorted({edge for layer in truth for edge in (layer.start_s, layer.end_s)}):
        if not _TOGETHER_S < edge < seconds - _TOGETHER_S:
            continue
        if groups and edge - groups[-1][0] < _TOGETHER_S:
            groups[-1].append(edge)
        else:
            groups.append([edge])
    return tuple(float(np.mean(group)) for group in groups)


def programmes(found: Iterable[Programme]) -> Iterator[Joined]:
    """The corpus' broadcasts."""
    for programme in found:
        samples = decode(programme.audio, RATE_HZ)
        yield Joined(samples, changes_s(programme.truth, len(samples) / RATE_HZ))


# Ways ---------------------------------------------------------------------------------------------


def by_novelty(joined: Joined, spec: NoveltySpec | None = None) -> list[float]:
    """Boundaries in seconds, from the mel bands that ``activity`` hears."""
    front = fronts.ACTIVITY
    features = fronts.features(front, joined.samples, RATE_HZ)
    return peaks_s(features, front.hop_s, front.n_fft / 2 / front.rate_hz, spec)


def peaks_s(
    features: Float32Array, hop_s: float, first_s: float, spec: NoveltySpec | None = None
) -> list[float]:
    """Boundaries of (frames, bands) decibels; frame 0 is centred on ``first_s``."""
    novelty = Novelty(hop_s, features.shape[1], spec)
    peaks = Peaks(novelty.step_s, spec)
    found = peaks.push(novelty.push(features)) + peaks.push(novelty.flush()) + peaks.flush()
    # Between two steps lies the middle between the centres of their frames.
    return [index * novelty.step_s + first_s - hop_s / 2 for index in found]


def head_curve(joined: Joined, network: StemNetwork) -> tuple[Float32Array, float]:
    """The curve of a network's boundary head, from samples as at run time: (frames,), and the
    moment of frame 0 in seconds.
    """
    front = SourceFront("", network.card, network.grid(RATE_HZ), PIECE_S)
    spectra = front.push(joined.samples)
    spectra += front.finish(network.curve_flush_frames or 0, network.least_frames)
    stream = network.open(RATE_HZ)
    answers = [network.answers([StemJob(stream, one)])[0].curve for one in spectra]
    curves = [curve.prob for curve in answers if curve is not None]
    return np.concatenate(curves), stream.grid.first_centre_s


def by_network(joined: Joined, network: StemNetwork) -> dict[str, list[float]]:
    """Boundaries in seconds: the peaks of the head's curve, and those of its sum with the
    novelty. The ways are called by the network.
    """
    stem = network.card.stem
    spec = HEADS[stem]
    curve, first_s = head_curve(joined, network)
    hop_s = network.card.hop_s
    at_s = first_s + np.arange(len(curve)) * hop_s
    novelty, moments_s = novelty_of(joined)
    total = curve + np.interp(at_s, moments_s, novelty)
    return {
        f"head of {stem}": [float(at_s[i]) for i in peaks(curve, hop_s, spec.alone)],
        f"novelty and head of {stem}": [
            float(at_s[i]) for i in peaks(total, hop_s, spec.with_novelty)
        ],
    }


def novelty_of(joined: Joined) -> tuple[Float64Array, Float64Array]:
    """The novelty curve of a recording and the moments of its values in seconds, (steps,) each."""
    front = fronts.ACTIVITY
    features = fronts.features(front, joined.samples, RATE_HZ)
    novelty = Novelty(front.hop_s, features.shape[1])
    values = np.concatenate((novelty.push(features), novelty.flush()))
    first_s = front.n_fft / 2 / front.rate_hz - front.hop_s / 2
    return values, np.asarray(first_s + np.arange(len(values)) * novelty.step_s, np.float64)


def peaks(curve: NDArray[np.floating[Any]], hop_s: float, threshold: float) -> list[int]:
    """Frames at which a curve (frames,) is highest within ``APART_S`` and reaches a threshold."""
    found = Peaks(hop_s, NoveltySpec(threshold=threshold, apart_s=APART_S))
    return found.push(curve.astype(np.float64)) + found.flush()


def by_grid(joined: Joined) -> list[float]:
    """As many boundaries as there are joins, at equal steps."""
    count = len(joined.joins_s)
    return [joined.seconds * (index + 1) / (count + 1) for index in range(count)]


def score(hits: Hits, joined: Joined, said_s: Sequence[float]) -> None:
    """Add one recording to the sums."""
    inside = [at for at in said_s if 0 < at < joined.seconds]
    hits.joins += len(joined.joins_s)
    hits.said += len(inside)
    if not inside or not joined.joins_s:
        return
    truth, said = _intervals(joined.joins_s, joined), _intervals(inside, joined)
    for window_s in WINDOWS_S:
        recall = mir_eval.segment.detection(truth, said, window=window_s, trim=True)[1]
        hits.hits[window_s] += recall * len(joined.joins_s)


def _intervals(edges_s: Sequence[float], joined: Joined) -> NDArray[np.float64]:
    edges = np.concatenate(([0.0], np.sort(edges_s), [joined.seconds]))
    return np.stack((edges[:-1], edges[1:]), axis=1)


def evaluate(
    recordings: Iterable[Joined],
    spec: NoveltySpec | None = None,
    networks: Sequence[StemNetwork] = (),
) -> dict[str, Hits]:
    """Every way over all recordings; ``networks`` are those with a boundary head."""
    found: dict[str, Hits] = {}
    for joined in recordings:
        said = {"equal steps": by_grid(joined), "novelty": by_novelty(joined, spec)}
        for network in networks:
            said |= by_network(joined, network)
        for way, said_s in said.items():
            score(found.setdefault(way, Hits()), joined, said_s)
    return found


def boundaries_table(found: Mapping[str, Mapping[str, Hits]]) -> Table:
    """Precision, recall and F by kind of recording and way."""
    table = Table(title="Hit rate of boundaries", box=None, pad_edge=False)
    for heading in ("recordings", "way"):
        table.add_column(heading)
    for heading in ("joins", "said"):
        table.add_column(heading, justify="right")
    for window_s in WINDOWS_S:
        for name in ("precision", "recall", "F"):
            table.add_column(f"{name} {window_s:g} s", justify="right")
    for kind, ways in found.items():
        for way, hits in ways.items():
            cells = [f"{value:.3f}" for w in WINDOWS_S for value in hits.figures(w)]
            table.add_row(kind, way, str(hits.joins), str(hits.said), *cells)
    return table


def boundaries_record(found: Mapping[str, Mapping[str, Hits]]) -> Record:
    """The same for programs."""
    return {
        kind: {
            way: {
                "joins": hits.joins,
                "said": hits.said,
                **{f"f_{w:g}_s": round(hits.figures(w)[2], 4) for w in WINDOWS_S},
            }
            for way, hits in ways.items()
        }
        for kind, ways in found.items()
    }


def mixtures(shards: Iterable[NDArray[np.int16]]) -> list[Float32Array]:
    """What is heard of rendered pieces, those that sound throughout; (n,) float32 each."""
    heard = []
    for shard in shards:
        for piece in shard:
            total = piece.astype(np.float32).sum(axis=0) / np.float32(32768)
            levels = total[: len(total) // RATE_HZ * RATE_HZ].reshape(-1, RATE_HZ).std(axis=1)
            if levels.min() > 0.003:
                heard.append(total)
    return heard


def held_out_mixtures(folder: Path) -> list[Float32Array]:
    """Those of the test pieces that ``stems`` has rendered into ``folder``."""
    from streamseg.training.band_data import read_pieces

    return mixtures(read_pieces(folder))
