"""Bass idioms: what is played, and with which patch. Each idiom varies from piece to piece."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.random import Generator

from streamseg.training.dance.harmony import Harmony
from streamseg.training.dance.synth import Clock, Note, Patch


@dataclass(frozen=True, slots=True)
class Line:
    """Notes and the patch that plays them."""

    patch: Patch
    notes: list[Note]


Bass = Callable[[Generator, Harmony, Clock], Line]


def between(random: Generator, low: float, high: float) -> float:
    """A number between two, even in its logarithm."""
    return float(np.exp(random.uniform(np.log(low), np.log(high))))


def any_patch(random: Generator) -> Patch:
    """A plain bass, from which the idioms depart."""
    waves: tuple[Literal["saw", "square", "sine", "fm"], ...] = ("saw", "square", "sine", "fm")
    return Patch(
        wave=waves[int(random.choice(4, p=[0.42, 0.22, 0.18, 0.18]))],
        unison=int(random.choice([1, 1, 2, 3])),
        detune_cents=float(random.uniform(4, 25)),
        sub=float(random.choice([0.0, 0.6])),
        decay_s=between(random, 0.06, 0.6),
        sustain=float(random.uniform(0.2, 0.9)),
        release_s=between(random, 0.01, 0.12),
        cutoff_hz=between(random, 150, 2500),
        resonance=float(random.uniform(0, 1.2)),
        sweep_octaves=float(random.uniform(0, 3)),
        sweep_s=between(random, 0.03, 0.25),
        drive=float(random.choice([0.0, random.uniform(0.5, 4)])),
        fm_ratio=float(random.choice([0.5, 1, 2, 3])),
        fm_depth=float(random.uniform(0.5, 4)),
    )


def _octave(random: Generator) -> int:
    return int(random.choice([1, 1, 2]))


def _figure(harmony: Harmony, clock: Clock, steps: list[Note], octave: int) -> list[Note]:
    """A figure of one or two bars, repeated; a note's ``key`` is degrees above the chord's root."""
    length = 16 * (1 + int(max(note.step for note in steps) >= 16))
    notes = []
    for bar in range(0, 16 * clock.bars, length):
        for note in steps:
            step = bar + note.step
            degree = harmony.degree_at(step) + int(note.key)
            notes.append(replace(note, step=step, key=harmony.key(degree, octave)))
    return notes


def offbeat(random: Generator, harmony: Harmony, clock: Clock) -> Line:
    """Between the kicks."""
    length = float(random.uniform(0.8, 2))
    up = [7 if random.random() < 0.2 else 0 for _ in range(4)]
    steps = [Note(4 * beat + 2, length, up[beat]) for beat in range(4)]
    return Line(any_patch(random), _figure(harmony, clock, steps, _octave(random)))


def rolling(random: Generator, harmony: Harmony, clock: Clock) -> Line:
    """Sixteenths that leave the beat to the kick."""
    loud = random.uniform(0.6, 1, 4)
    first = int(random.choice([1, 1, 2]))
    steps = [
        Note(4 * beat + step, float(random.uniform(0.5, 0.9)), 0, float(loud[step]))
        for beat in range(4)
        for step in range(first, 4)
    ]
    patch = replace(any_patch(random), decay_s=between(random, 0.05, 0.2))
    return Line(patch, _figure(harmony, clock, steps, _octave(random)))


def pulse(random: Generator, harmony: Harmony, clock: Clock) -> Line:
    """One note in eighths or sixteenths, with accents."""
    every = int(random.choice([1, 1, 2]))
    accents = random.uniform(0.3, 1, 16)
    steps = [Note(s, 0.8 * every, 0, float(accents[s])) for s in range(0, 16, every)]
    return Line(any_patch(random), _figure(harmony, clock, steps, _octave(random)))


def funk(random: Generator, harmony: Harmony, clock: Clock) -> Line:
    """A syncopated line of roots, fifths, octaves and passing notes."""
    chance = np.tile([0.85, 0.3, 0.5, 0.45], 4) * float(random.uniform(0.6, 1))
    onsets = np.flatnonzero(random.random(32) < np.tile(chance, 2)).tolist() or [0]
    notes = []
    for step in onsets:
        degree = int(random.choice([0, 0, 0, 4, 7, 6, 2, -1]))
        notes.append(Note(step, float(random.choice([0.7, 1, 2])), degree, random.uniform(0.6, 1)))
    return Line(any_patch(random), _figure(harmony, clock, notes, _octave(random)))


def acid(random: Generator, harmony: Harmony, clock: Clock) -> Line:
    """A resonant saw in sixteenths with slides, accents and octaves; the filter opens slowly."""
    notes = []
    for step in range(16):
        if random.random() < 0.8:
            degree = int(random.choice([0, 0, 0, 7, -7, 2, 4, 6]))
            slides = random.random() < 0.3
            loud = float(random.choice([0.6, 1.0]))
            notes.append(Note(step, 1.1 if slides else 0.6, degree, loud))
    patch = replace(
        any_patch(random),
        wave=random.choice(["saw", "square"]),
        unison=1,
        sub=0.0,
        cutoff_hz=between(random, 200, 900),
        resonance=float(random.uniform(1.5, 5)),
        sweep_octaves=float(random.uniform(1, 3.5)),
        drift_octaves=float(random.uniform(-2, 2)),
        glide_s=float(random.uniform(0.005, 0.03)),
    )
    steps = notes or [Note(0, 1, 0)]
    return Line(patch, _figure(harmony, clock, steps, int(random.choice([1, 2]))))


def sub(random: Generator, harmony: Harmony, clock: Clock) -> Line:
    """Long low notes, with slides."""
    lengths = [(16.0,), (10.0, 6.0), (8.0, 8.0), (6.0, 10.0), (3.0, 3.0, 10.0)]
    notes, at = [], 0.0
    for length in lengths[random.integers(len(lengths))]:
        degree = int(random.choice([0, 0, 0, 4, -1]))
        notes.append(Note(at, length * float(random.uniform(0.6, 1)), degree))
        at += length
    patch = replace(
        any_patch(random),
        wave=random.choice(["sine", "sine", "square"]),
        sustain=0.9,
        cutoff_hz=between(random, 120, 900),
        glide_s=float(random.uniform(0, 0.08)),
    )
    return Line(patch, _figure(harmony, clock, notes, 1))


def reese(random: Generator, harmony: Harmony, clock: Clock) -> Line:
    """Detuned saws that beat against each other, behind a filter that moves slowly."""
    line = sub(random, harmony, clock)
    patch = replace(
        line.patch,
        wave="saw",
        unison=int(random.integers(2, 5)),
        detune_cents=float(random.uniform(15, 60)),
        sub=float(random.uniform(0.3, 1)),
        cutoff_hz=between(random, 250, 2500),
        lfo_steps=(float(random.choice([8, 16, 32])),),
        lfo_octaves=float(random.uniform(0.2, 1.3)),
        drive=float(random.uniform(0.5, 5)),
    )
    return Line(patch, line.notes)


def wobble(random: Generator, harmony: Harmony, clock: Clock) -> Line:
    """Long notes through a filter that opens and closes in eighths, triplets, sixteenths."""
    count = int(random.choice([2, 3, 4]))
    notes = [
        Note(16 * bar + 16 / count * index, 15.5 / count, int(random.choice([0, 0, 0, 7, 4, -1])))
        for bar in range(2)
        for index in range(count)
    ]
    rates = [float(random.choice([1, 4 / 3, 2, 8 / 3, 4, 8])) for _ in range(len(notes))]
    patch = replace(
        any_patch(random),
        wave=random.choice(["saw", "square", "fm"]),
        unison=int(random.integers(1, 4)),
        sub=float(random.uniform(0, 1)),
        sustain=0.9,
        cutoff_hz=between(random, 250, 900),
        resonance=float(random.uniform(0, 2)),
        sweep_octaves=0.0,
        lfo_steps=tuple(rates),
        lfo_octaves=float(random.uniform(1, 2.5)),
        drive=float(random.uniform(0.5, 6)),
    )
    return Line(patch, _figure(harmony, clock, notes, int(random.choice([1, 1, 2]))))


BASSES: dict[str, Bass] = {
    "offbeat": offbeat,
    "rolling": rolling,
    "pulse": pulse,
    "funk": funk,
    "acid": acid,
    "sub": sub,
    "reese": reese,
    "wobble": wobble,
}
