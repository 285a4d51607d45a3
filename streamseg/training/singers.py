"""Who sings, and what: solos, choirs and held vowels by the corpus' speakers, for the banks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import soxr
from numpy.random import Generator
from numpy.typing import NDArray

from streamseg.training.data import RATE_HZ, Clip, Part, Sound, decode
from streamseg.training.singing import (
    FRAME_S,
    VOICE_HZ,
    Voice,
    Way,
    analyse,
    random_style,
    respoken,
    sing,
)
from streamseg.training.tunes import Note, compose


def voices(clips: Sequence[Clip], part: Part, count: int, random: Generator) -> Iterator[Voice]:
    """Up to ``count`` speakers of one part, each with up to 25 s of speech."""
    groups: dict[str, list[Clip]] = {}
    for clip in clips:
        # Single words of a second give no melody; their speakers are left out.
        if clip.label == "speech" and clip.part == part and "keywords" not in clip.detail:
            group = clip.group if clip.group != f"{clip.repo}:" else f"{clip.repo}:{clip.path.stem}"
            groups.setdefault(group, []).append(clip)
    names = sorted(groups)
    made = 0
    for index in random.permutation(len(names)):
        parts = [decode(clip.path, VOICE_HZ) for clip in groups[names[index]][:6]]
        samples = np.concatenate(parts)[: 25 * VOICE_HZ]
        samples = samples / max(float(np.abs(samples).max()), 1e-6)
        voice = analyse(samples)
        if len(voice.syllables) >= 8:
            yield voice
            made += 1
        if made == count:
            return


def choir(
    singers: Sequence[Voice], seconds: float, random: Generator, way: Way = "world"
) -> NDArray[np.float32]:
    """Several voices on one melody, in unison, octaves or parallel parts: (n,) at ``VOICE_HZ``."""
    melody = compose(random, seconds, float(random.uniform(100, 190)))
    intervals = [(0,), (0, 12), (0, 7, 12), (0, 4, 7, 12), (0, 3, 7), (0, 5, 12), (0, -12, 7)]
    chord = intervals[random.integers(len(intervals))]
    length = sum(max(8, round(note.seconds / FRAME_S)) for note in melody)
    total = np.zeros(int(length * FRAME_S * VOICE_HZ) + VOICE_HZ, np.float32)
    for index, voice in enumerate(singers):
        shift = 2 ** (chord[index % len(chord)] / 12)
        # Everyone sings in the octave that lies nearest to a fifth above their speaking voice.
        octave = np.round(np.log2(1.5 * voice.median_hz / (melody[0].hz * shift)))
        part = [Note(note.seconds, float(note.hz * shift * 2**octave)) for note in melody]
        sung = sing(voice, part, random_style(random), random, way)
        sung = sung / max(float(np.sqrt(np.mean(sung**2))), 1e-6)
        delay = int(random.uniform(0, 0.06) * VOICE_HZ)
        stop = min(len(total), delay + len(sung))
        total[delay:stop] += sung[: stop - delay] * float(random.uniform(0.5, 1.0))
    return total


def out(samples: NDArray[np.float32], detail: str, part: Part) -> Sound:
    """A voice at ``VOICE_HZ`` on its way into a bank."""
    full = np.asarray(soxr.resample(samples, VOICE_HZ, RATE_HZ), np.float32)
    return Sound(
        full,
        f"generated:{detail}",
        "generated",
        detail,
        part,
        detail not in ("respoken", "syllable"),
    )


def made_sounds(
    clips: Sequence[Clip], part: Part, count: int, seed: int, songs: int = 2, way: Way = "world"
) -> Iterator[Sound]:
    """Solo songs, choirs and speech made anew from ``count`` speakers of one part."""
    random = np.random.default_rng([seed, part == "fit", *((5,) if way == "grains" else ())])
    recent: list[Voice] = []
    for index, voice in enumerate(voices(clips, part, count, random)):
        recent = [*recent[-9:], voice]
        for _ in range(songs):
            octave = float(random.choice([1.0, 1.26, 1.5, 2.0]))
            root_hz = float(np.clip(voice.median_hz * octave * 0.85, 75, 480))
            notes = compose(random, float(random.uniform(12, 22)), root_hz)
            yield out(sing(voice, notes, random_style(random), random, way), "solo", part)
        yield out(respoken(voice, random, way), "respoken", part)
        if index % 2 and len(recent) >= 3:
            size = int(random.integers(3, min(len(recent), 9) + 1))
            chosen = [recent[i] for i in random.permutation(len(recent))[:size]]
            yield out(choir(chosen, float(random.uniform(12, 20)), random, way), "choir", part)


def _exercise(random: Generator, seconds: float, root_hz: float) -> list[Note]:
    """Held notes one by one, with rests: scales, arpeggios, half tones, one note repeated."""
    steps = np.array([(0, 2, 4, 5, 7), (0, 4, 7, 12, 7), (0, 1, 2, 3, 4), (0, 0, 0, 0, 0)])
    chosen = steps[random.integers(len(steps))] * int(random.choice([-1, 1]))
    length_s, rest_s = float(random.uniform(0.5, 3.0)), float(random.uniform(0.05, 1.0))
    notes: list[Note] = []
    while sum(note.seconds for note in notes) < seconds:
        hz = root_hz * 2 ** (float(chosen[len(notes) // 2 % 5]) / 12)
        notes.append(Note(length_s * float(random.uniform(0.8, 1.25)), hz))
        notes.append(Note(rest_s, 0.0))
    return notes


def held_sounds(clips: Sequence[Clip], part: Part, count: int, seed: int) -> Iterator[Sound]:
    """Vowels alone, held: what is left of singing when words and melody are taken away."""
    random = np.random.default_rng([seed, part == "fit", 9])
    for voice in voices(clips, part, count, random):
        longest = sorted(voice.syllables, key=lambda syllable: syllable[1] - syllable[2])[:12]
        for _ in range(3):
            picked = [longest[i] for i in random.permutation(len(longest))[:2]]
            vowels = tuple((start, start, end) for _, start, end in picked)
            root_hz = voice.median_hz * float(np.exp2(random.uniform(-0.2, 1.2)))
            notes = _exercise(random, float(random.uniform(10, 18)), min(root_hz, 600.0))
            sung = sing(replace(voice, syllables=vowels), notes, random_style(random), random)
            yield out(sung, "held", part)
