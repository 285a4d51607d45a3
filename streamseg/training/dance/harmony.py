"""Key, scale and chords of a piece."""

from __future__ import annotations

from dataclasses import dataclass

from numpy.random import Generator

# Natural minor, dorian, phrygian, harmonic minor, major.
_SCALES = (
    (0, 2, 3, 5, 7, 8, 10),
    (0, 2, 3, 5, 7, 9, 10),
    (0, 1, 3, 5, 7, 8, 10),
    (0, 2, 3, 5, 7, 8, 11),
    (0, 2, 4, 5, 7, 9, 11),
)
_SCALE_SHARES = (0.5, 0.17, 0.12, 0.08, 0.13)
_STILL = ((0,), (0,), (0, 0, 0, 6), (0, 0, 5, 5))
_MOVING = ((0, 5, 2, 6), (0, 3, 5, 4), (0, 6, 5, 6), (0, 2, 3, 5), (5, 6, 0, 0), (0, 5), (0, 3))


@dataclass(frozen=True, slots=True)
class Harmony:
    """Degrees count from 0; a degree of 7 is the root an octave higher."""

    root: int
    """Semitones above C."""
    scale: tuple[int, ...]
    degrees: tuple[int, ...]
    """Of the chord of each bar (or two bars), in turn."""
    bars_each: int

    def degree_at(self, step: float) -> int:
        """Degree of the chord that sounds at a step."""
        return self.degrees[int(step // 16) // self.bars_each % len(self.degrees)]

    def key(self, degree: int, octave: int) -> int:
        """MIDI key of a degree; octave 4 holds middle C."""
        up, index = divmod(degree, len(self.scale))
        return 12 * (octave + 1 + up) + self.root + self.scale[index]

    def chord(self, step: float, octave: int, tones: int) -> list[int]:
        """Keys of the chord at a step: thirds upon its degree."""
        degree = self.degree_at(step)
        return [self.key(degree + 2 * index, octave) for index in range(tones)]


def draw(random: Generator, moves: float) -> Harmony:
    """A harmony that moves with probability ``moves``, or stands still."""
    choices = _MOVING if random.random() < moves else _STILL
    return Harmony(
        root=int(random.integers(12)),
        scale=_SCALES[int(random.choice(len(_SCALES), p=_SCALE_SHARES))],
        degrees=choices[random.integers(len(choices))],
        bars_each=int(random.choice([1, 1, 2])),
    )
