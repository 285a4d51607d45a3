"""Compose programmes: segments of music, speech, noise and silence, alone or together.

A programme is made in the sample domain with what is true of every 20 ms: for each class 1 (heard),
0 (not there) or IGNORE (nobody should be asked). A layer 12 to 20 dB under another is ignored, one
further down is not there; 0.1 s around a change is ignored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from streamseg.training import augment, field, hums, synthetic, tones
from streamseg.training.augment import Samples
from streamseg.training.data import CELL, RATE_HZ, SOUNDING, runs
from streamseg.training.layers import CLASSES, Layers

IGNORE = 2
HEARD_DB, GONE_DB = -12.0, -20.0
EDGE_CELLS = 5  # 0.1 s


@dataclass(frozen=True, slots=True)
class Segment:
    """One entry of the truth, in seconds, for evaluation like that of the corpus' programmes."""

    start_s: float
    end_s: float
    label: str
    level_db: float
    """Of this layer against the loudest other that sounds with it; 99 where alone."""


@dataclass(frozen=True, slots=True)
class Programme:
    """Shape: ``samples`` is (n,) float32 at 44.1 kHz; ``truth`` is (cells, classes) uint8."""

    samples: Samples
    truth: NDArray[np.uint8]
    segments: tuple[Segment, ...] = ()


def compose(
    layers: Layers,
    random: Generator,
    seconds: float,
    pauses: bool = False,
    mains: bool = False,
    many_hums: bool = False,
) -> Programme:
    """A programme as composed, before anything has happened to it on its way.

    With ``pauses`` a third of the segments are silences, most of them with faint room tone, hiss or
    hum under them, far under the programme: still nothing. So that hiss on air is not taken for
    room tone, half of the noises there are steady ones, also quiet ones. With ``mains`` too, half
    of what is faint is hum and buzz, 8 to 45 dB under the programme; with ``many_hums`` that of
    ``hums``.
    """
    cells = int(seconds * RATE_HZ) // CELL
    samples = np.zeros(cells * CELL, np.float32)
    truth = np.zeros((cells, 3), np.uint8)
    segments: list[Segment] = []
    at = -int(random.integers(0, 100)) if random.random() < 0.5 else int(random.integers(0, 25))
    before = ""
    while at < cells:
        labels = _draw_labels(random, before, pauses)
        before = labels[0] if labels else ""
        length = int(np.clip(np.exp(random.normal(1.85, 0.6)), 1.6, 20.0) * 50)
        if not labels:
            length = int(random.uniform(30, 250))
        placed = _segment(layers, random, labels, length, pauses)
        if pauses and not labels and random.random() < 0.7:
            placed[0][:] = _faint(random, len(placed[0]), mains, many_hums)
        _place(samples, truth, at, *placed[:2])
        for label, level_db in placed[2]:
            bounds = (max(at, 0) * 0.02, min(at + length, cells) * 0.02)
            if bounds[1] > bounds[0]:
                segments.append(Segment(*bounds, label, level_db))
        gap = [0, 10, 30, -int(random.integers(5, 75))]
        at += length + int(random.choice(gap, p=[0.35, 0.2, 0.15, 0.3]))
    return Programme(samples, _ignore_edges(truth), tuple(segments))


def _segment(
    layers: Layers, random: Generator, labels: Sequence[str], length: int, pauses: bool = False
) -> tuple[Samples, NDArray[np.uint8], list[tuple[str, float]]]:
    """One segment: samples, truth (2 beats nothing, see ``_place``), layers with levels."""
    samples = np.zeros(length * CELL, np.float32)
    truth = np.zeros((length, 3), np.uint8)
    if not labels:
        return samples, truth, []
    under_db = [0.0, *random.uniform(-15, 15, len(labels) - 1)]
    if len(labels) > 1 and random.random() < 0.12:
        under_db[1] = float(random.choice([-1, 1]) * random.uniform(15, 26))
    overall = 10 ** (float(random.normal(0, 3.5)) / 20)
    manners = {"noise": "steady"} if pauses and random.random() < 0.5 else {}
    if manners and list(labels) == ["noise"]:
        overall *= 10 ** (float(random.uniform(-25, 0)) / 20)
    levels: list[tuple[str, float]] = []
    for index, label in enumerate(labels):
        seconds = length * CELL / RATE_HZ + 0.001
        layer = layers.layer(random, label, seconds, manners.get(label, ""))
        others = [under_db[i] for i in range(len(labels)) if i != index]
        relative_db = under_db[index] - max(others) if others else 99.0
        gain = overall * 10 ** ((under_db[index] - max(under_db)) / 20)
        samples[: len(layer.samples)] += layer.samples * np.float32(gain)
        column = layer.cells[:length].copy()
        if relative_db < GONE_DB:
            column[:] = 0
        elif relative_db < HEARD_DB:
            column[column == SOUNDING] = IGNORE
        which = CLASSES.index(label)
        truth[: len(column), which] = np.maximum(truth[: len(column), which], column)
        levels.append((label, relative_db))
    return samples, truth, levels


def _faint(random: Generator, count: int, mains: bool = False, many_hums: bool = False) -> Samples:
    """What a room, a line (42 to 70 dB under) or the mains (28 to 60 dB under) leave in a pause."""
    if mains and random.random() < 0.5:
        level = 0.1 * 10 ** (float(random.uniform(-45, -8)) / 20)
        buzz = hums.hum(random, count) if many_hums else tones.mains(random, count)
        return buzz * np.float32(level / augment.rms(buzz))
    if random.random() < 0.25:
        level = 0.1 * 10 ** (float(random.uniform(-60, -28)) / 20)
        hum = augment.hum(random, np.full(count, 1e-3, np.float32)) - np.float32(1e-3)
        return hum * np.float32(level / augment.rms(hum))
    level = 0.1 * 10 ** (float(random.uniform(-70, -42)) / 20)
    noise = synthetic.coloured(random, count, float(random.uniform(-0.3, 2.2)))
    return noise * np.float32(level / augment.rms(noise))


def _draw_labels(random: Generator, before: str, pauses: bool) -> list[str]:
    """Which classes sound in the next segment; none is silence."""
    shares = [0.35, 0.5, 0.12, 0.03] if pauses else [0.10, 0.55, 0.30, 0.05]
    kind = random.choice(4, p=shares)
    labels = [str(label) for label in random.permutation(CLASSES)[:kind]]
    if labels and labels[0] == before and random.random() < 0.5:
        labels = [str(label) for label in random.permutation(CLASSES)[:kind]]
    return labels


def _place(
    samples: Samples, truth: NDArray[np.uint8], at: int, new: Samples, cells: NDArray[np.uint8]
) -> None:
    """Add a segment at cell ``at`` (may be negative); where both overlap, both fade."""
    skip = max(0, -at)
    new, cells, at = new[skip * CELL :], cells[skip:], max(at, 0)
    count = min(len(cells), len(truth) - at)
    if count <= 0:
        return
    new, cells = new[: count * CELL].copy(), cells[:count]
    already = np.flatnonzero(np.any(truth[at : at + count] > 0, axis=1))
    overlap = int(already[-1]) + 1 if len(already) else 0
    if 0 < overlap < count:
        fade = np.linspace(0, 1, overlap * CELL, dtype=np.float32)
        new[: len(fade)] *= np.sqrt(fade)
        samples[at * CELL : at * CELL + len(fade)] *= np.sqrt(fade[::-1])
    samples[at * CELL : (at + count) * CELL] += new
    old = truth[at : at + count]
    both = np.where((old == 1) | (cells == 1), 1, np.maximum(old, cells)).astype(np.uint8)
    # In a fade the quiet ends are nobody's: only the middle is asked for.
    third = overlap // 3
    if third:
        changed_in = (cells == 1) & (old != 1)
        both[:third][changed_in[:third]] = IGNORE
        changed_out = (old == 1) & (cells != 1)
        both[overlap - third : overlap][changed_out[overlap - third : overlap]] = IGNORE
    truth[at : at + count] = both


def _ignore_edges(truth: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Ignore each class for 0.1 s on both sides of its own changes."""
    result = truth.copy()
    for column in range(truth.shape[1]):
        for change in np.flatnonzero(np.diff(truth[:, column].astype(np.int8))) + 1:
            result[max(0, change - EDGE_CELLS) : change + EDGE_CELLS, column] = IGNORE
    return result


def ring_on(truth: NDArray[np.uint8], seconds: float) -> NDArray[np.uint8]:
    """Ignore a class for as long as a room may ring after its end."""
    result = truth.copy()
    for column in range(truth.shape[1]):
        for _, end in runs(truth[:, column] > 0):
            result[end : end + round(seconds * 50), column] = IGNORE
    return result


def troubled(random: Generator, programme: Programme) -> Programme:
    """Something through all of a programme: hum of any kind, or a recorder in a place outdoors.

    Hum lies 3 to 35 dB under a quarter of the programmes: what else sounds stays the answer, and
    pauses are nothing; where it is less than 8 dB under, nobody is asked whether they are noise. A
    fifth is taken by a phone or on tape, half of that outdoors, where the place lies 20 to 40 dB
    under: nobody is asked whether that is noise either.
    """
    kind = random.random()
    samples, truth = programme.samples, programme.truth
    asked = True
    if kind < 0.25:
        under_db = float(random.uniform(3, 35))
        samples, asked = hums.under(random, samples, under_db), under_db >= 8
    elif kind < 0.45:
        if random.random() < 0.5:
            samples = field.outdoors(random, samples, float(random.uniform(20, 40)))
            asked = False
        samples = field.taken(random, samples)
    if not asked:
        truth = truth.copy()
        truth[(truth != 1).all(axis=1), CLASSES.index("noise")] = IGNORE
    return Programme(samples, truth, programme.segments)
