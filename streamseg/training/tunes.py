"""Melodies: notes from random walks on scales, sung by ``singing`` or played by ``playing``."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

# Semitones from the root: major, natural and harmonic minor, two pentatonics, dorian, phrygian
# dominant, a three-tone lament and a chant on a fourth.
SCALES = (
    (0, 2, 4, 5, 7, 9, 11),
    (0, 2, 3, 5, 7, 8, 10),
    (0, 2, 3, 5, 7, 8, 11),
    (0, 2, 4, 7, 9),
    (0, 3, 5, 7, 10),
    (0, 2, 3, 5, 7, 9, 10),
    (0, 1, 4, 5, 7, 8, 10),
    (0, 2, 3),
    (0, 2, 5),
)


@dataclass(frozen=True, slots=True)
class Note:
    """One note, or a rest where ``hz`` is 0."""

    seconds: float
    hz: float


def compose(random: Generator, seconds: float, root_hz: float) -> list[Note]:
    """A melody: a random walk on a scale, in one of several manners."""
    scale = SCALES[random.integers(len(SCALES))]
    manner = random.choice(["song", "slow", "chant", "free"], p=[0.4, 0.25, 0.15, 0.2])
    beat_s = {"song": 0.42, "slow": 0.9, "chant": 0.28, "free": 0.5}[str(manner)]
    beat_s *= float(random.uniform(0.7, 1.4))
    notes: list[Note] = []
    degree, total = int(random.integers(0, 5)), 0.0
    while total < seconds:
        for _ in range(int(random.integers(4, 11))):  # a phrase
            step = (
                0
                if manner == "chant" and random.random() < 0.75
                else random.choice(
                    [-3, -2, -1, -1, 0, 1, 1, 2, 4],
                    p=[0.05, 0.1, 0.22, 0.1, 0.12, 0.2, 0.08, 0.1, 0.03],
                )
            )
            degree = int(np.clip(degree + step, -3, 9))
            octave, index = divmod(degree, len(scale))
            hz = root_hz * 2 ** (octave + scale[index] / 12)
            length = beat_s * float(random.choice([0.5, 1, 1, 1.5, 2, 3]))
            if manner == "free":
                length *= float(random.uniform(0.5, 1.8))
            if random.random() < 0.08:  # a short ornament before the note
                notes.append(Note(0.09, hz * 2 ** (float(random.choice([1, 2, -2])) / 12)))
            notes.append(Note(max(length, 0.12), hz))
            total += length
        rest_s = float(random.uniform(0.08, 0.6))
        notes.append(Note(rest_s, 0.0))
        total += rest_s
    return notes
