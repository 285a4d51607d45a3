"""People singing together outside a concert: the choirs of field recordings, for the banks.

``singers.choir`` sings in parts, as choirs with a conductor do. Here everyone has the same melody,
each in an octave of their own, some cents and some hundredths of a second apart: in unison, each
with their own ornaments, over a drone, or a chorus that answers one voice. Some clap. All of it is
music.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

import numpy as np
import soxr
from numpy.random import Generator
from numpy.typing import NDArray

from streamseg.training import synthetic
from streamseg.training.data import RATE_HZ, Clip, Part, Sound
from streamseg.training.singers import voices
from streamseg.training.singing import VOICE_HZ, Style, Voice, Way, random_style, sing
from streamseg.training.tunes import Note, compose

MANNERS = {"unison": 0.34, "heterophony": 0.22, "drone": 0.18, "answer": 0.26}
LARGEST = 40
_SUNG = 7  # singers with a voice of their own; the rest are these again, each elsewhere


def phrases_of(notes: Sequence[Note]) -> list[list[Note]]:
    """A melody cut behind its rests."""
    found: list[list[Note]] = [[]]
    for note in notes:
        found[-1].append(note)
        if note.hz == 0.0:
            found.append([])
    return [phrase for phrase in found if any(note.hz for note in phrase)]


def seconds_of(notes: Sequence[Note]) -> float:
    """Length of a melody."""
    return sum(note.seconds for note in notes)


def own_version(
    random: Generator, notes: Sequence[Note], ornaments: float, loose_s: float
) -> list[Note]:
    """The same melody as somebody else sings it: as long, with ``ornaments`` (share of the notes)
    and with every beginning moved by ``loose_s`` (standard deviation).
    """
    result: list[Note] = []
    for note in notes:
        if note.hz and note.seconds > 0.3 and random.random() < ornaments:
            first_s = note.seconds * float(random.uniform(0.2, 0.6))
            step = 2 ** (float(random.choice([-3, -2, -1, 1, 2, 3])) / 12)
            result.append(Note(first_s, note.hz * step))
            result.append(Note(note.seconds - first_s, note.hz))
        else:
            result.append(note)
    ends_s = np.cumsum([note.seconds for note in result])
    moved = ends_s + random.normal(0, loose_s, len(ends_s))
    moved[-1] = ends_s[-1]
    lengths = np.maximum(np.diff(moved, prepend=0.0), 0.06)
    lengths *= ends_s[-1] / lengths.sum()
    return [Note(float(s), note.hz) for s, note in zip(lengths, result, strict=True)]


def _rest(notes: Sequence[Note]) -> list[Note]:
    return [Note(seconds_of(notes), 0.0)]


def _drone(random: Generator, notes: Sequence[Note], root_hz: float) -> list[Note]:
    """One note as long as the melody, with breaths."""
    left_s, result = seconds_of(notes), []
    while left_s > 0.3:
        held_s = min(float(random.uniform(1.5, 5)), left_s)
        result += [Note(held_s, root_hz), Note(float(random.uniform(0.05, 0.4)), 0.0)]
        left_s -= seconds_of(result[-2:])
    return result or [Note(0.3, root_hz)]


def lines(random: Generator, manner: str, count: int, seconds: float) -> list[list[Note]]:
    """What each of ``count`` singers sings, in one octave (``in_reach`` moves it)."""
    melody = compose(random, seconds, float(random.uniform(100, 190)))
    loose_s = float(random.uniform(0.008, 0.035))
    ornaments = float(random.uniform(0.15, 0.5)) if manner == "heterophony" else 0.04
    if manner == "answer":
        phrases = phrases_of(melody)[: max(1, len(phrases_of(melody)) // 2)]
        call = list(chain.from_iterable([*phrase, *_rest(phrase)] for phrase in phrases))
        reply = list(chain.from_iterable([*_rest(phrase), *phrase] for phrase in phrases))
        made = [own_version(random, reply, ornaments, loose_s) for _ in range(count - 1)]
        return [call, *made]
    made = [own_version(random, melody, ornaments, loose_s) for _ in range(count)]
    if manner == "drone":
        root_hz = min(note.hz for note in melody if note.hz)
        below = int(random.integers(1, max(2, count)))
        made[-below:] = [_drone(random, melody, root_hz) for _ in range(below)]
    return made


def in_reach(voice: Voice, notes: Sequence[Note]) -> list[Note]:
    """The melody in the octave that lies nearest to a fifth above the speaking voice."""
    first_hz = next(note.hz for note in notes if note.hz)
    octave = 2 ** float(np.round(np.log2(1.5 * voice.median_hz / first_hz)))
    return [Note(note.seconds, note.hz * octave) for note in notes]


def _singer(random: Generator, apart_cents: float) -> Style:
    style = random_style(random)
    return Style(
        vibrato_hz=style.vibrato_hz,
        vibrato_cents=style.vibrato_cents * 0.4,
        glide_s=style.glide_s,
        drift_cents=style.drift_cents,
        detune_cents=float(random.normal(0, apart_cents)),
        formant_ratio=style.formant_ratio,
        ring_db=style.ring_db * 0.5,
    )


def somebody_else(random: Generator, line: NDArray[np.float32]) -> NDArray[np.float32]:
    """A line again from elsewhere in the crowd: later, some cents off, wandering, (n,)."""
    time = np.arange(len(line), dtype=np.float64)
    late = np.full(len(line), float(random.uniform(0.0, 0.08)) * VOICE_HZ)
    for rate_hz in (float(random.uniform(0.15, 0.6)), float(random.uniform(3.5, 6.5))):
        # A delay of a * sin moves the pitch by 2 pi rate a: 5 to 40 cents.
        cents = float(random.uniform(5, 40))
        depth = cents / 1731 / (2 * np.pi * rate_hz) * VOICE_HZ
        late = late + depth * (1 + np.sin(2 * np.pi * rate_hz / VOICE_HZ * time + random.random()))
    return np.asarray(np.interp(time - late, time, line, left=0.0), np.float32)


def _claps(random: Generator, count: int) -> NDArray[np.float32]:
    """Some people clapping on the beat, (count,) at ``VOICE_HZ``."""
    total = np.zeros(count, np.float32)
    beat_s = float(random.uniform(0.32, 0.95))
    people = int(random.integers(1, 8))
    burst = synthetic.coloured(random, VOICE_HZ // 12, float(random.uniform(0, 0.8)))
    burst *= np.exp(-np.arange(len(burst)) / (float(random.uniform(0.004, 0.018)) * VOICE_HZ))
    for start_s in np.arange(float(random.uniform(0, beat_s)), count / VOICE_HZ - 0.2, beat_s):
        for _ in range(people):
            at = int((start_s + abs(float(random.normal(0, 0.012)))) * VOICE_HZ)
            stop = min(count, at + len(burst))
            total[at:stop] += burst[: stop - at] * np.float32(random.uniform(0.3, 1))
    return total


def gathering(
    singers: Sequence[Voice], seconds: float, random: Generator, way: Way
) -> NDArray[np.float32]:
    """Three to ``LARGEST`` people singing together: (n,) float32 at ``VOICE_HZ``."""
    manner = str(random.choice(list(MANNERS), p=list(MANNERS.values())))
    apart_cents = float(random.uniform(10, 50))
    sung = []
    parts = lines(random, manner, len(singers), seconds)
    count = int(max(seconds_of(part) for part in parts) * VOICE_HZ) + VOICE_HZ // 4
    for voice, part in zip(singers, parts, strict=True):
        line = sing(voice, in_reach(voice, part), _singer(random, apart_cents), random, way)
        line = np.resize(np.pad(line, (0, max(0, count - len(line)))), count)
        loud = line[np.abs(line) > 0.02 * np.abs(line).max()]
        sung.append(line / np.float32(np.sqrt(np.mean(loud**2)) + 1e-9))
    solo = 1 if manner == "answer" else 0
    most = int(np.exp(random.uniform(np.log(len(sung)), np.log(LARGEST))))
    total = sung[0] * np.float32(random.uniform(1, 2.5)) if solo else np.zeros(count, np.float32)
    for index in range(most - solo):
        line = sung[solo + index % (len(sung) - solo)]
        if index >= len(sung) - solo:
            line = somebody_else(random, line)
        late = int(random.uniform(0, 0.06) * VOICE_HZ)
        total[late:] += line[: count - late] * np.float32(random.uniform(0.5, 1.0))
    if random.random() < 0.25:
        claps = _claps(random, count)
        share = 10 ** (float(random.uniform(-14, 0)) / 20)
        total += claps * np.float32(share * np.abs(total).max() / (np.abs(claps).max() + 1e-9))
    return np.asarray(total, np.float32)


def gathering_sounds(
    clips: Sequence[Clip], part: Part, speakers: int, count: int, seed: int
) -> Iterator[Sound]:
    """``count`` gatherings of ``speakers`` of one part, sung in both ways by turns."""
    random = np.random.default_rng([seed, part == "fit", 21])
    people = list(voices(clips, part, speakers, random))
    for index in range(count if len(people) >= 3 else 0):
        size = int(random.integers(3, min(len(people), _SUNG) + 1))
        chosen = [people[i] for i in random.permutation(len(people))[:size]]
        way: Way = "grains" if index % 2 else "world"
        sung = gathering(chosen, float(random.uniform(10, 16)), random, way)
        full = np.asarray(soxr.resample(sung, VOICE_HZ, RATE_HZ), np.float32)
        yield Sound(full, "generated:gathering", "generated", "gathering", part, vocals=True)
