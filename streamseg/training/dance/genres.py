"""The six genres: tempi, grooves, kits, idioms, and how often each comes.

Every genre borrows from its neighbours, as records do: house with a broken beat, techno with a
bass of trance, drum and bass at half time. Idioms, tempi and sounds overlap.
"""

from __future__ import annotations

from dataclasses import dataclass

from numpy.random import Generator

Shares = dict[str, float]


@dataclass(frozen=True, slots=True)
class Genre:
    """What to draw a piece from; shares need not add up to 1."""

    name: str
    bpm: tuple[float, float, float]
    """Slowest, commonest and fastest."""
    grooves: Shares
    kits: Shares
    basses: Shares
    parts: Shares
    vocals: float
    """Share of pieces with a voice."""
    ducking: tuple[float, float]
    """How deep the kick ducks the rest, from 0 to 1."""
    moves: float
    """Share of pieces whose chords change."""
    tilts_db: tuple[float, float, float]
    """How much brighter drums, bass and other are than elsewhere, in the mean, over six octaves."""
    levels_db: tuple[float, float]
    """How much louder bass and other are than elsewhere, in the mean."""


GENRES: dict[str, Genre] = {
    genre.name: genre
    for genre in (
        Genre(
            name="house",
            bpm=(114, 125, 134),
            grooves={"house": 0.87, "techno": 0.05, "broken": 0.05, "trance": 0.01, "funk": 0.01},
            kits={"machine": 0.59, "deep": 0.28, "sampled": 0.1, "hard": 0.02},
            basses={"funk": 0.53, "offbeat": 0.2, "pulse": 0.09, "sub": 0.07, "rolling": 0.05,
                    "acid": 0.03, "reese": 0.02},
            parts={"stabs": 0.33, "keys": 0.33, "pad": 0.2, "lead": 0.04, "rave": 0.03,
                   "arpeggio": 0.04, "supersaw": 0.01, "bleeps": 0.01},
            vocals=0.5,
            ducking=(0.0, 0.8),
            moves=0.65,
            tilts_db=(0.0, -2.0, -2.0),
            levels_db=(1.0, 1.0),
        ),
        Genre(
            name="techno",
            bpm=(118, 132, 150),
            grooves={"techno": 0.86, "house": 0.04, "broken": 0.08, "trance": 0.02},
            kits={"hard": 0.43, "machine": 0.35, "deep": 0.22},
            basses={"pulse": 0.41, "rolling": 0.21, "sub": 0.12, "acid": 0.15, "offbeat": 0.05,
                    "reese": 0.05, "funk": 0.01},
            parts={"drone": 0.32, "bleeps": 0.26, "stabs": 0.26, "pad": 0.09, "arpeggio": 0.05,
                   "lead": 0.01, "rave": 0.01},
            vocals=0.25,
            ducking=(0.0, 0.9),
            moves=0.12,
            tilts_db=(1.0, -3.0, -3.0),
            levels_db=(-1.0, -3.0),
        ),
        Genre(
            name="trance",
            bpm=(122, 136, 148),
            grooves={"trance": 0.89, "techno": 0.06, "house": 0.02, "broken": 0.01, "funk": 0.01},
            kits={"machine": 0.62, "hard": 0.32, "deep": 0.05},
            basses={"rolling": 0.54, "offbeat": 0.24, "pulse": 0.11, "acid": 0.05, "reese": 0.03,
                    "sub": 0.03},
            parts={"supersaw": 0.29, "arpeggio": 0.33, "pad": 0.17, "lead": 0.15, "stabs": 0.04,
                   "keys": 0.01, "drone": 0.01},
            vocals=0.35,
            ducking=(0.2, 0.9),
            moves=0.85,
            tilts_db=(2.0, 0.0, 4.0),
            levels_db=(0.0, 3.0),
        ),
        Genre(
            name="drum and bass",
            bpm=(156, 173, 182),
            grooves={"two_step": 0.66, "amen": 0.27, "half_time": 0.04, "funk": 0.03},
            kits={"sampled": 0.61, "hard": 0.22, "machine": 0.11, "deep": 0.06},
            basses={"reese": 0.51, "sub": 0.27, "wobble": 0.11, "funk": 0.05, "pulse": 0.03,
                    "rolling": 0.01, "acid": 0.01},
            parts={"pad": 0.44, "stabs": 0.16, "drone": 0.11, "lead": 0.08, "keys": 0.08,
                   "bleeps": 0.05, "rave": 0.05, "arpeggio": 0.04},
            vocals=0.4,
            ducking=(0.0, 0.4),
            moves=0.5,
            tilts_db=(3.0, 1.0, 0.0),
            levels_db=(1.0, -2.0),
        ),
        Genre(
            name="dubstep",
            bpm=(128, 140, 152),
            grooves={"half_time": 0.91, "broken": 0.06, "funk": 0.02, "two_step": 0.01},
            kits={"hard": 0.39, "deep": 0.32, "machine": 0.18, "sampled": 0.12},
            basses={"wobble": 0.57, "sub": 0.28, "reese": 0.1, "pulse": 0.02, "funk": 0.02,
                    "acid": 0.01},
            parts={"pad": 0.36, "stabs": 0.22, "drone": 0.13, "lead": 0.13, "bleeps": 0.08,
                   "keys": 0.04, "arpeggio": 0.03, "supersaw": 0.01},
            vocals=0.4,
            ducking=(0.0, 0.5),
            moves=0.4,
            tilts_db=(-1.0, 4.0, -1.0),
            levels_db=(4.0, -1.0),
        ),
        Genre(
            name="breakbeat",
            bpm=(112, 132, 162),
            grooves={"funk": 0.71, "amen": 0.16, "broken": 0.06, "two_step": 0.04, "house": 0.03},
            kits={"sampled": 0.61, "machine": 0.22, "hard": 0.11, "deep": 0.06},
            basses={"funk": 0.45, "acid": 0.21, "sub": 0.12, "reese": 0.08, "pulse": 0.05,
                    "offbeat": 0.04, "wobble": 0.05},
            parts={"rave": 0.26, "stabs": 0.29, "pad": 0.13, "keys": 0.11, "lead": 0.06,
                   "bleeps": 0.08, "arpeggio": 0.04, "drone": 0.02},
            vocals=0.45,
            ducking=(0.0, 0.5),
            moves=0.4,
            tilts_db=(-3.0, 2.0, 2.0),
            levels_db=(-2.0, 1.0),
        ),
    )
}  # fmt: skip
"""In the order of the classes."""


def pick(random: Generator, shares: Shares) -> str:
    """One of the names, by its share."""
    total = sum(shares.values())
    return str(random.choice(list(shares), p=[share / total for share in shares.values()]))
