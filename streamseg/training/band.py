"""Pieces of music whose drums, bass, other instruments and voice are known exactly, one by one.

A piece is played stem by stem: the parts of a MIDI file of the corpus by FluidSynth (other
programs, soundfont, pace, key and effects each time), drum machines and synthesisers by rule
(``electronic``), a voice from the banks of singing and speech. What is heard is the sum. The stems
of the corpus join them as they are.

Called by renderer processes (``band_data``); without torch.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr
from numpy.random import Generator
from numpy.typing import NDArray

from streamseg.training import augment, effects, electronic, melodies
from streamseg.training.augment import Samples
from streamseg.training.data import RATE_HZ, Bank, Entry
from streamseg.training.melodies import Played, midi_file
from streamseg.training.scores import DRUMS, Score, read_score

STEMS = ("drums", "bass", "other", "vocals")
STEM_RATE_HZ = 22050  # the paper's
SECONDS = 24.0
COUNT = int(SECONDS * STEM_RATE_HZ)
SOUNDFONTS = (melodies.SOUNDFONT, Path("/usr/share/sounds/sf2/TimGM6mb.sf2"))

_BASSES = (*range(32, 40), 43, 58, 33, 34, 38, 39)
_KITS = (0, 8, 16, 24, 25, 32, 40)
_LOW_KEY = 55  # a melodic part with a lower mean key is the bass of a file that names none
# What the music of the corpus is not: sung (52 to 54, 85, 91), struck, or noises of no pitch.
_NOT_OTHER = frozenset((*range(32, 40), 47, 52, 53, 54, 85, 91, *range(112, 128)))
_PEAK = 0.7
# Mean and deviation of the level of a stem in decibels, before the voice is put on top.
_LEVELS_DB = {"drums": (0, 4), "bass": (-1, 4), "other": (0, 4), "vocals": (1.5, 4)}


@dataclass(frozen=True, slots=True)
class Piece:
    """Shape: ``stems`` is (4, n) float32 at 22.05 kHz in the order of ``STEMS``, silent ones 0."""

    stems: Samples
    origins: tuple[str, ...]
    """Where the notes and the voice come from: MIDI file, speaker group; "generated" is by rule."""


@dataclass(frozen=True, slots=True)
class Voices:
    """What may sing: sounds of a bank."""

    bank: Bank
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A MIDI file and the repository it comes from."""

    source: str
    path: Path


@dataclass(frozen=True, slots=True)
class Band:
    """Everything that one share of the pieces is made of; see ``band_data.open_band``."""

    sheets: tuple[Sheet, ...]
    voices: tuple[Voices, ...]

    def piece(self, random: Generator) -> Piece:
        """One piece: two in three from a score where there are any, the rest by rule."""
        scored = bool(self.sheets) and melodies.available() and random.random() < 0.68
        dry, origins = self._score(random) if scored else (_by_rule(random), ["generated"])
        if self.voices and random.random() < 0.65:
            shelf = self.voices[random.integers(len(self.voices))]
            dry["vocals"], singer = voice(random, shelf)
            origins.append(singer)
        return Piece(mixed(random, dry), tuple(origins))

    def _score(self, random: Generator) -> tuple[dict[str, Samples], list[str]]:
        # Sources come by the root of their size, or every other score would be a chorale.
        sizes = Counter(sheet.source for sheet in self.sheets)
        weights = np.sqrt(list(sizes.values()))
        source = str(random.choice(list(sizes), p=weights / weights.sum()))
        own = [sheet.path for sheet in self.sheets if sheet.source == source]
        path = own[random.integers(len(own))]
        dry = {}
        available = [path for path in SOUNDFONTS if path.is_file()]
        for stem, midi in arranged(random, read_score(path), SECONDS).items():
            soundfont = available[0 if random.random() < 0.7 else -1]
            dry[stem] = _played(midi, soundfont, dry=random.random() < 0.6)
        beat_s = float(random.uniform(0.22, 0.5))
        if "drums" not in dry and random.random() < 0.6:
            dry["drums"] = electronic.beat(random, SECONDS, beat_s)
        if "bass" not in dry and random.random() < 0.4:
            dry["bass"] = _synth_bass(random, beat_s)
        return dry, [f"{source}:{path.name}"]


def _played(midi: bytes, soundfont: Path, dry: bool) -> Samples:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "part.mid"
        path.write_bytes(midi)
        return melodies.play(path, dry, soundfont)


# Scores -------------------------------------------------------------------------------------------


def roles(score: Score) -> dict[str, dict[tuple[int, int], list[Played]]]:
    """The parts of a score by stem; a stem that nobody plays is left out.

    Channel 10 is drums, the bass programs are bass; where there is none, the lowest part that lies
    low enough.
    """
    found: dict[str, dict[tuple[int, int], list[Played]]] = {stem: {} for stem in STEMS[:3]}
    for part, notes in score.parts.items():
        channel, program = part
        stem = "drums" if channel == DRUMS else "bass" if 32 <= program < 40 else "other"
        if stem != "other" or program < 112:
            found[stem][part] = notes
    if not found["bass"] and len(found["other"]) > 1:
        means = {
            part: np.mean([note.key for note in notes]) for part, notes in found["other"].items()
        }
        lowest = min(means, key=lambda part: means[part])
        if means[lowest] < _LOW_KEY:
            found["bass"][lowest] = found["other"].pop(lowest)
    return {stem: parts for stem, parts in found.items() if parts}


def arranged(random: Generator, score: Score, seconds: float) -> dict[str, bytes]:
    """An excerpt in another key and pace for another band: one MIDI file a stem, all in step."""
    pace, key = float(np.exp(random.normal(0, 0.15))), int(random.integers(-5, 6))
    start_s = float(random.uniform(0, max(0.0, score.seconds - seconds * pace)))
    end_s = start_s + seconds * pace
    files = {}
    for stem, parts in roles(score).items():
        kept = []
        for (channel, program), notes in parts.items():
            moved = [
                Played(
                    (note.start_s - start_s) / pace,
                    (min(max(note.end_s, note.start_s + 0.05), end_s) - start_s) / pace,
                    note.key if stem == "drums" else int(np.clip(note.key + key, 20, 112)),
                    note.velocity,
                )
                for note in notes
                if start_s <= note.start_s < end_s
            ]
            if moved:
                kept.append((channel, _program(random, stem, program), moved))
        if kept:
            files[stem] = midi_file(kept)
    return files


def _program(random: Generator, stem: str, written: int) -> int:
    if stem == "drums":
        return int(random.choice(_KITS))
    if stem == "bass":
        return int(random.choice(_BASSES))
    if random.random() < 0.3 and written not in _NOT_OTHER:
        return written
    return int(random.choice([program for program in range(112) if program not in _NOT_OTHER]))


# By rule ------------------------------------------------------------------------------------------


def _synth_bass(random: Generator, beat_s: float) -> Samples:
    makers = (electronic.lead, electronic.lead, electronic.sine, electronic.pluck)
    root_hz = float(np.exp(random.uniform(np.log(31), np.log(60))))
    step_s = beat_s * float(random.choice([0.5, 1, 1, 2]))
    return electronic.figure(random, SECONDS, makers[random.integers(len(makers))], step_s, root_hz)


def _by_rule(random: Generator) -> dict[str, Samples]:
    """A drum machine, a synthesiser's bass, pads, riffs and textures; at times one of them only."""
    beat_s = float(random.uniform(0.22, 0.55))
    high_hz = float(np.exp(random.uniform(np.log(130), np.log(600))))
    tones = (electronic.pad, electronic.pluck, electronic.bell, electronic.lead, electronic.sine)
    one, two = (tones[index] for index in random.integers(0, len(tones), 2))
    other = electronic.chords(random, SECONDS, one, beat_s * 4)
    if random.random() < 0.6:
        riff = electronic.figure(random, SECONDS, two, beat_s / 2, high_hz)
        other = other / augment.rms(other) + riff / augment.rms(riff)
    made = {
        "drums": electronic.beat(random, SECONDS, beat_s),
        "bass": _synth_bass(random, beat_s),
        "other": np.asarray(other, np.float32),
    }
    left_out = str(random.choice(["nobody", "nobody", "drums", "bass", "other"]))
    return {stem: samples for stem, samples in made.items() if stem != left_out}


def voice(random: Generator, shelf: Voices) -> tuple[Samples, str]:
    """Phrases of one singer or speaker with rests between them, (n,) at 44.1 kHz, and who it is."""
    count = int(SECONDS * RATE_HZ)
    entry = shelf.entries[random.integers(len(shelf.entries))]
    own = [other for other in shelf.entries if other.group == entry.group]
    total = np.zeros(count, np.float32)
    at = int(random.uniform(0, 0.2) * count) if random.random() < 0.5 else 0
    while at < count:
        phrase = shelf.bank.samples(entry)
        if random.random() < 0.4:
            speed = float(np.exp(random.normal(0, 0.08)))
            phrase = np.asarray(soxr.resample(phrase, RATE_HZ * speed, RATE_HZ, "LQ"), np.float32)
        used = min(len(phrase), count - at)
        total[at : at + used] = phrase[:used] / np.float32(augment.rms(phrase))
        at += used + int(random.exponential(1.2) * RATE_HZ)
        entry = own[random.integers(len(own))]
    return total, f"{entry.repo}:{entry.group}"


# Mixing -------------------------------------------------------------------------------------------

_TOUCHES: dict[str, Sequence[effects.Effect]] = {
    "drums": (augment.compress, augment.colour, effects.hall),
    "bass": (augment.compress, augment.colour, effects.amplifier, effects.chorus),
    "other": effects.EFFECTS,
    "vocals": (augment.compress, augment.colour, effects.hall, effects.echo, effects.chorus),
}


def mixed(random: Generator, dry: dict[str, Samples]) -> Samples:
    """The stems of a piece through effects of their own, at levels of their own, (4, n)."""
    stems = np.zeros((len(STEMS), COUNT), np.float32)
    for row, stem in enumerate(STEMS):
        if stem not in dry or not dry[stem].any():
            continue
        samples = dry[stem] / np.float32(max(float(np.abs(dry[stem]).max()), 1e-6))
        if random.random() < 0.4:
            touches = _TOUCHES[stem]
            samples = touches[int(random.integers(len(touches)))](random, samples)
        low = np.asarray(soxr.resample(samples, RATE_HZ, STEM_RATE_HZ), np.float32)
        mean_db, deviation_db = _LEVELS_DB[stem]
        gain = 10 ** (float(random.normal(mean_db, deviation_db)) / 20) / loudness(low)
        stems[row] = augment.fit_length(low, COUNT) * np.float32(gain)
    return fitted(stems)


def loudness(samples: Samples) -> float:
    """Root mean square of the parts that sound: frames of 50 ms within 30 dB of the loudest."""
    frame = STEM_RATE_HZ // 20
    frames = samples[: len(samples) // frame * frame].reshape(-1, frame)
    power = np.einsum("fs,fs->f", frames, frames) / frame
    sounding = power > power.max(initial=0.0) * 1e-3
    return float(np.sqrt(power[sounding].mean())) + 1e-9 if sounding.any() else 1e-9


def fitted(stems: Samples) -> Samples:
    """Stems with one gain for all, so that neither they nor their sum exceed ``_PEAK``."""
    peak = max(float(np.abs(stems).max()), float(np.abs(stems.sum(axis=0)).max()), 1e-6)
    return stems * np.float32(_PEAK / peak)


def as_stored(stems: Samples) -> NDArray[np.int16]:
    """Samples within -1..1 as 16-bit numbers."""
    return np.round(np.clip(stems, -1, 1) * 32767).astype(np.int16)
