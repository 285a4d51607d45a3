"""What plays above the bass: stabs, pads, arpeggios, leads, drones, bleeps; with their effects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import scipy.signal
from numpy.random import Generator

from streamseg.training import effects, synthetic
from streamseg.training.augment import Samples, fit_length
from streamseg.training.dance.basses import any_patch, between
from streamseg.training.dance.harmony import Harmony
from streamseg.training.dance.synth import Clock, Note, Patch, play, swept
from streamseg.training.data import RATE_HZ

Part = Callable[[Generator, Harmony, Clock], Samples]


def _echo(random: Generator, samples: Samples, clock: Clock) -> Samples:
    """Repeats in time with the beat."""
    delay = int(float(random.choice([2, 3, 3, 4, 6])) * clock.step_s * RATE_HZ)
    taps = np.zeros(5 * delay + 1)
    taps[::delay] = float(random.uniform(0.3, 0.7)) ** np.arange(6)
    return fit_length(scipy.signal.oaconvolve(samples, taps), len(samples))


def _wet(random: Generator, samples: Samples, clock: Clock, share: float) -> Samples:
    if random.random() < share:
        samples = _echo(random, samples, clock)
    if random.random() < share:
        samples = effects.hall(random, samples)
    if random.random() < 0.3:
        samples = effects.chorus(random, samples)
    return samples


def _hits(
    random: Generator, harmony: Harmony, clock: Clock, onsets: list[int], patch: Patch
) -> Samples:
    """Chords at these steps of every two bars, held ``patch.decay_s`` or so."""
    octave, tones = int(random.choice([3, 4, 4])), int(random.choice([3, 3, 4, 5]))
    held = float(random.uniform(0.5, 2.5))
    steps = [bar + step for bar in range(0, 16 * clock.bars, 32) for step in onsets]
    parallel = random.random() < 0.35  # one chord, moved as a sampler moves it
    total = np.zeros(clock.count, np.float32)
    for tone in range(tones):
        keys = [
            harmony.chord(0, octave, tones)[tone]
            + harmony.key(harmony.degree_at(step), 4) - harmony.key(harmony.degree_at(0), 4)
            if parallel
            else harmony.chord(step, octave, tones)[tone]
            for step in steps
        ]  # fmt: skip
        notes = [Note(step, held, key) for step, key in zip(steps, keys, strict=True)]
        total += play(patch, notes, clock, random)
    return total


def _bright(random: Generator) -> Patch:
    return replace(any_patch(random), sub=0.0, cutoff_hz=between(random, 500, 7000))


def stabs(random: Generator, harmony: Harmony, clock: Clock) -> Samples:
    """Short syncopated chords."""
    figures = ([3, 6, 14, 22, 30], [2, 6, 10, 14, 18, 22, 26, 30], [0, 3, 6, 16, 19, 22, 28])
    if random.random() < 0.5:
        onsets = np.flatnonzero(random.random(32) < np.tile([0.15, 0.15, 0.3, 0.25], 8)).tolist()
    else:
        onsets = figures[random.integers(len(figures))]
    patch = replace(_bright(random), decay_s=between(random, 0.05, 0.3), sustain=0.1)
    return _wet(random, _hits(random, harmony, clock, onsets or [2], patch), clock, 0.5)


def keys(random: Generator, harmony: Harmony, clock: Clock) -> Samples:
    """A piano or organ: chords that ring on."""
    onsets = [0, *np.flatnonzero(random.random(32) < 0.14).tolist()]
    patch = replace(
        _bright(random),
        wave=random.choice(["fm", "sine", "square"]),
        unison=1,
        fm_ratio=float(random.choice([1, 2, 3, 4])),
        decay_s=between(random, 0.3, 1.2),
        sustain=0.15,
    )
    onsets = sorted({int(step) for step in onsets})
    return _wet(random, _hits(random, harmony, clock, onsets, patch), clock, 0.35)


def rave(random: Generator, harmony: Harmony, clock: Clock) -> Samples:
    """One sampled chord, loud and detuned, played as a figure."""
    onsets = np.flatnonzero(random.random(16) < 0.3).tolist() or [0]
    patch = replace(
        _bright(random), wave="saw", unison=4, detune_cents=float(random.uniform(15, 45)),
        decay_s=between(random, 0.1, 0.5), drive=float(random.uniform(1, 6)),
    )  # fmt: skip
    onsets = [*onsets, *(step + 16 for step in onsets)]
    return _wet(random, _hits(random, harmony, clock, onsets, patch), clock, 0.3)


def pad(random: Generator, harmony: Harmony, clock: Clock) -> Samples:
    """Held chords, soft and wide."""
    patch = replace(
        _bright(random), wave=random.choice(["saw", "saw", "square"]),
        unison=int(random.integers(2, 5)), attack_s=between(random, 0.03, 0.8), sustain=0.9,
        release_s=0.4, cutoff_hz=between(random, 300, 5000), sweep_octaves=0.0,
        drift_octaves=float(random.uniform(-2, 2)),
    )  # fmt: skip
    tones, octave = int(random.choice([3, 4])), int(random.choice([3, 4]))
    total = np.zeros(clock.count, np.float32)
    for tone in range(tones):
        notes = [
            Note(16 * bar, 15.5, harmony.chord(16 * bar, octave, tones)[tone])
            for bar in range(clock.bars)
        ]
        total += play(patch, notes, clock, random)
    return _wet(random, total, clock, 0.4)


def supersaw(random: Generator, harmony: Harmony, clock: Clock) -> Samples:
    """Chords of many saws, held or gated in sixteenths."""
    patch = replace(
        _bright(random), wave="saw", unison=int(random.integers(4, 7)),
        detune_cents=float(random.uniform(12, 35)), sustain=0.8, sweep_octaves=0.5,
        cutoff_hz=between(random, 1500, 9000), drift_octaves=float(random.uniform(-1.5, 2)),
    )  # fmt: skip
    gate = random.random(16) < float(random.choice([0.25, 0.5, 0.8]))
    onsets = [0, *(int(step) for step in np.flatnonzero(gate[1:]) + 1)]
    onsets = [*onsets, *(step + 16 for step in onsets)]
    return _wet(random, _hits(random, harmony, clock, onsets, patch), clock, 0.5)


def arpeggio(random: Generator, harmony: Harmony, clock: Clock) -> Samples:
    """Chord tones one by one in sixteenths or eighths, with echo."""
    every = int(random.choice([1, 1, 2, 3]))
    order = random.integers(0, 5, 16)
    rests = random.random(16) < float(random.uniform(0, 0.35))
    octave = int(random.choice([3, 4, 5]))
    notes = [
        Note(step, 0.8 * every, harmony.chord(step, octave, 5)[order[i % 16]])
        for i, step in enumerate(range(0, 16 * clock.bars, every))
        if not rests[i % 16]
    ]
    patch = replace(
        _bright(random), decay_s=between(random, 0.05, 0.4), sustain=0.2,
        drift_octaves=float(random.uniform(-2, 3)),
    )  # fmt: skip
    return _wet(random, play(patch, notes, clock, random), clock, 0.7)


def lead(random: Generator, harmony: Harmony, clock: Clock) -> Samples:
    """A melody of two bars."""
    notes, at, degree = [], 0.0, int(random.integers(0, 8))
    while at < 32:
        length = float(random.choice([1, 2, 2, 3, 4, 6, 8]))
        if random.random() < 0.8:
            notes.append(Note(at, 0.9 * length, degree))
        degree = int(np.clip(degree + random.integers(-3, 4), -3, 10))
        at += length
    octave = int(random.choice([4, 4, 5]))
    repeated = [
        replace(note, step=bar + note.step, key=harmony.key(int(note.key), octave))
        for bar in range(0, 16 * clock.bars, 32)
        for note in notes
    ]
    patch = replace(_bright(random), glide_s=float(random.uniform(0, 0.06)), sustain=0.8)
    return _wet(random, play(patch, repeated, clock, random), clock, 0.6)


def drone(random: Generator, harmony: Harmony, clock: Clock) -> Samples:
    """One or two notes that last, and a bed of filtered noise."""
    patch = replace(
        _bright(random), unison=3, sustain=1.0, attack_s=0.5, cutoff_hz=between(random, 200, 2500),
        lfo_steps=(float(random.choice([8, 16, 32, 64])),),
        lfo_octaves=float(random.uniform(0.3, 2)),
    )  # fmt: skip
    length = 16 * clock.bars
    total = play(patch, [Note(0, length, harmony.key(0, 3))], clock, random)
    total += play(patch, [Note(0, length, harmony.key(4, 3))], clock, random)
    bed = fit_length(synthetic.steady(random, clock.count / RATE_HZ + 0.1), clock.count)
    track = between(random, 300, 4000) * np.exp2(np.sin(np.linspace(0, 6, clock.count // 441 + 2)))
    return total + np.float32(random.uniform(0.05, 0.5)) * swept(bed, track)


def bleeps(random: Generator, harmony: Harmony, clock: Clock) -> Samples:
    """Short tones out of key, in a rhythm of their own."""
    length = int(random.choice([3, 5, 6, 7, 8, 12, 16]))
    onsets = np.flatnonzero(random.random(length) < 0.4).tolist() or [0]
    pitches = harmony.key(0, 4) + random.integers(-7, 20, length)
    notes = [
        Note(cycle + step, float(random.uniform(0.4, 1.5)), int(pitches[step]))
        for cycle in range(0, 16 * clock.bars, length)
        for step in onsets
    ]
    patch = replace(_bright(random), decay_s=between(random, 0.03, 0.2), sustain=0.05)
    return _wet(random, play(patch, notes, clock, random), clock, 0.7)


PARTS: dict[str, Part] = {
    "stabs": stabs,
    "keys": keys,
    "rave": rave,
    "pad": pad,
    "supersaw": supersaw,
    "arpeggio": arpeggio,
    "lead": lead,
    "drone": drone,
    "bleeps": bleeps,
}
