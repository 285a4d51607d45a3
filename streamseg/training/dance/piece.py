"""Compose and mix one piece: ``make(genre, seed)`` gives stems whose sum is the mixture.

Whatever acts on the mixture (the compressor's gain, the last equaliser, the level) is drawn once
and applied to every stem alike, so the stems stay exact. The excerpt begins anywhere in a bar, and
may begin in an intro, a build-up or a break, or end in one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.signal
from numpy.random import Generator
from numpy.typing import NDArray

from streamseg.training import augment
from streamseg.training.augment import Samples
from streamseg.training.dance import harmony, kits, patterns, voices
from streamseg.training.dance.basses import BASSES
from streamseg.training.dance.chords import PARTS
from streamseg.training.dance.genres import GENRES, Genre, pick
from streamseg.training.dance.synth import Clock, play
from streamseg.training.data import RATE_HZ

STEMS = ("drums", "bass", "other", "vocals")
SECONDS = 10.75  # 458 frames of 2048 samples every 512 at 22.05 kHz, and a little more
_PLANS = {
    "drop": 0.6, "intro drop": 0.1, "build drop": 0.12, "break drop": 0.08, "drop break": 0.1
}  # fmt: skip
# Loudness of (kick, other drums, bass, other, vocals) in each kind of section.
_SECTIONS = {
    "drop": (1.0, 1.0, 1.0, 1.0, 1.0),
    "intro": (1.0, 0.7, 0.0, 0.4, 0.0),
    "build": (0.0, 0.6, 0.2, 1.0, 1.0),
    "break": (0.0, 0.25, 0.3, 1.0, 1.0),
}
_STEM_DB = {"bass": (-8.0, 4.0), "other": (-12.0, 1.0), "vocals": (-14.0, 0.0)}
_TILT_SPREAD_DB = 4.0  # of the pieces of a genre around its mean


@dataclass(frozen=True, slots=True)
class Piece:
    """An excerpt of ``SECONDS``, mono float32 at 44.1 kHz."""

    genre: str
    bpm: float
    idioms: tuple[str, ...]
    """Groove, kit, bass, parts, plan of sections: what was drawn."""
    stems: dict[str, Samples]

    @property
    def mixture(self) -> Samples:
        """The sum of the stems."""
        return _sum(self.stems)


def _sum(stems: dict[str, Samples]) -> Samples:
    total = np.zeros_like(stems["drums"])
    for name in STEMS:
        total += stems[name]
    return total


@dataclass(frozen=True, slots=True)
class _Sheet:
    """What was drawn for a piece before any sound is made."""

    genre: Genre
    clock: Clock
    harmony: harmony.Harmony
    groove: str
    kit: kits.Style
    bass: str
    parts: tuple[str, ...]
    sections: tuple[str, ...]
    """One a bar."""


def _sections(random: Generator, bars: int) -> tuple[str, ...]:
    """The drop has half of the bars or more."""
    first, _, second = pick(random, _PLANS).partition(" ")
    if not second:
        return (first,) * bars
    longest = max(1, bars // 2)
    other = int(random.integers(1, longest + 1))
    change = other if second == "drop" else bars - other
    return (first,) * change + (second,) * (bars - change)


def _sheet(random: Generator, genre: Genre, count: int) -> _Sheet:
    bpm = float(random.triangular(*genre.bpm))
    groove = pick(random, genre.grooves)
    swung = random.random() < (0.6 if groove in ("house", "funk", "broken") else 0.25)
    swing = float(random.uniform(0.05, 0.3)) if swung else 0.0
    bar = int(240 / bpm * RATE_HZ)
    clock = Clock(bpm, swing, count + bar)
    number = int(random.choice([1, 2, 3], p=[0.35, 0.45, 0.2]))
    style: kits.Style = pick(random, genre.kits)  # type: ignore[assignment]
    return _Sheet(
        genre=genre,
        clock=clock,
        harmony=harmony.draw(random, genre.moves),
        groove=groove,
        kit=style,
        bass=pick(random, genre.basses),
        parts=tuple(dict.fromkeys(pick(random, genre.parts) for _ in range(number))),
        sections=_sections(random, clock.bars),
    )


def _levels(sheet: _Sheet, column: int) -> NDArray[np.floating]:
    """How loud the sections have a part at every sample, with edges of 10 ms."""
    clock, levels = sheet.clock, [_SECTIONS[name][column] for name in sheet.sections]
    starts = [clock.sample_of(16 * bar) for bar in range(len(levels))]
    moments = np.concatenate([[start, start + 441] for start in starts])
    before = [levels[0], *levels[:-1]]
    values = np.ravel(np.column_stack((before, levels)))
    return np.asarray(np.interp(np.arange(clock.count), moments, values))


def _add(total: Samples, hit: Samples, at: int, loud: float) -> None:
    count = min(len(hit), len(total) - at)
    if count > 0:
        total[at : at + count] += np.float32(loud) * hit[:count]


def _place(
    total: Samples, kit: kits.Kit, pattern: patterns.Pattern, clock: Clock, first: int, steps: int
) -> None:
    """``steps`` steps of a pattern, from step ``first`` of the piece on."""
    for drum, loud in pattern.items():
        for step in range(steps):
            value = float(loud[(first + step) % len(loud)])
            if value:
                _add(total, kit[drum], clock.sample_of(first + step), value)


def _drums(random: Generator, sheet: _Sheet) -> tuple[Samples, Samples]:
    """The drums, and the kick alone."""
    clock, kit = sheet.clock, kits.make_kit(random, sheet.kit)
    gains = {drum: 10 ** (float(random.uniform(-14, -3)) / 20) for drum in kit}
    gains |= {"kick": 1.0, "snare": 10 ** (float(random.uniform(-7, 1)) / 20)}
    kit = {drum: hit * np.float32(gains[drum]) for drum, hit in kit.items()}
    pattern = patterns.draw(random, sheet.groove)
    alone, rest = np.zeros(clock.count, np.float32), np.zeros(clock.count, np.float32)
    kicks = {"kick": pattern.pop("kick")}
    changes = [
        bar
        for bar in range(1, clock.bars)
        if sheet.sections[bar - 1] != sheet.sections[bar] or random.random() < 0.12
    ]
    for bar in range(clock.bars):
        plain = 8 if bar + 1 in changes and random.random() < 0.6 else 16
        _place(alone, kit, kicks, clock, 16 * bar, plain)
        _place(rest, kit, pattern, clock, 16 * bar, plain)
        if plain == 8:
            _place(rest, kit, patterns.fill(random), clock, 16 * bar + 8, 8)
        if sheet.sections[bar] == "build":
            roll = {"snare": np.where(np.arange(16) % int(random.choice([1, 2, 4])), 0, 0.7)}
            _place(rest, kit, roll, clock, 16 * bar, 16)
    if changes and random.random() < 0.6:
        _add(rest, kit["crash"], clock.sample_of(16 * changes[0]), 0.8)
    alone = np.asarray(alone * _levels(sheet, 0), np.float32)
    rest = np.asarray(rest * _levels(sheet, 1), np.float32)
    if random.random() < 0.3:
        rest = augment.reverberate(random, rest, [], far=False)
    return alone + rest, alone


def _ducked(random: Generator, sheet: _Sheet, kick: Samples) -> NDArray[np.floating]:
    """Gain of everything but the drums while the kick sounds."""
    depth = float(random.uniform(*sheet.genre.ducking))
    blocks = np.abs(np.pad(kick, (0, -len(kick) % 441))).reshape(-1, 441).max(axis=1)
    release = float(np.exp(-0.01 / float(random.uniform(0.05, 0.2))))
    envelope = np.zeros(len(blocks))
    level = 0.0
    for index, peak in enumerate(blocks):
        level = max(min(float(peak), 1.0), release * level)
        envelope[index] = level
    return np.interp(np.arange(len(kick)), 441 * np.arange(len(blocks)), 1 - depth * envelope)


def _riser(random: Generator, sheet: _Sheet) -> Samples:
    """Noise that grows through a build-up."""
    grows = np.zeros(sheet.clock.count)
    bars = [bar for bar, name in enumerate(sheet.sections) if name == "build"]
    if bars:
        edges = [sheet.clock.sample_of(16 * bar) for bar in (bars[0], bars[-1] + 1)]
        part = grows[edges[0] : edges[1]]
        part[:] = np.linspace(0, float(random.uniform(0.05, 0.4)), len(part)) ** 1.5
    return np.asarray(grows * random.standard_normal(len(grows)), np.float32)


def _tilted(samples: Samples, tilt_db: float) -> Samples:
    """Brighter by so much from 80 Hz to 5 kHz, around 630 Hz."""
    points_hz = np.array([0, 80, 5000, RATE_HZ / 2])
    gains = 10 ** (np.array([-0.5, -0.5, 0.5, 0.5]) * tilt_db / 20)
    taps = scipy.signal.firwin2(511, points_hz, gains, fs=RATE_HZ)
    return np.asarray(scipy.signal.oaconvolve(samples, taps, "same"), np.float32)


def _stems(random: Generator, sheet: _Sheet, sources: Sequence[Samples]) -> dict[str, Samples]:
    drums, kick = _drums(random, sheet)
    clock = sheet.clock
    bass = BASSES[sheet.bass](random, sheet.harmony, clock)
    raw = {"bass": play(bass.patch, bass.notes, clock, random)}
    other = _riser(random, sheet)
    for name in sheet.parts:
        part = PARTS[name](random, sheet.harmony, clock)
        other = other + part * np.float32(random.uniform(0.4, 1) / augment.rms(part))
    raw["other"] = other
    raw["vocals"] = np.zeros(clock.count, np.float32)
    if random.random() < sheet.genre.vocals:
        raw["vocals"] = voices.vocals(random, sources, clock)
    gain = _ducked(random, sheet, kick)
    tilts_db = dict(zip(STEMS, sheet.genre.tilts_db, strict=False))
    levels_db = dict(zip(("bass", "other"), sheet.genre.levels_db, strict=True))
    stems = {"drums": _tilted(drums, float(random.normal(tilts_db["drums"], _TILT_SPREAD_DB)))}
    for column, (name, samples) in enumerate(raw.items(), start=2):
        stem = np.asarray(samples * gain * _levels(sheet, column), np.float32)
        stem = _tilted(stem, float(random.normal(tilts_db.get(name, 0.0), _TILT_SPREAD_DB)))
        under_db = float(random.uniform(*_STEM_DB[name])) + levels_db.get(name, 0.0)
        scale = 10 ** (under_db / 20) * augment.rms(drums) / augment.rms(stem)
        stems[name] = stem * np.float32(scale if augment.rms(stem) > 1e-6 else 0.0)
    return stems


def _mastered(random: Generator, stems: dict[str, Samples]) -> dict[str, Samples]:
    """One equaliser, one compressor and one level for all."""
    seed = int(random.integers(2**31))
    stems = {
        name: augment.colour(np.random.default_rng(seed), stem, 7.0) for name, stem in stems.items()
    }
    mixture = _sum(stems)
    blocks = np.abs(np.pad(mixture, (0, -len(mixture) % 441))).reshape(-1, 441).max(axis=1)
    loud = np.convolve(blocks, np.ones(5) / 5, "same") + 1e-6
    ratio = float(random.uniform(0, 0.6))
    shape = (loud / np.percentile(loud, 95)) ** -ratio
    gain = np.interp(np.arange(len(mixture)), 441 * np.arange(len(shape)), np.minimum(shape, 4))
    peak = float(np.abs(mixture * gain).max()) + 1e-9
    gain *= 10 ** (float(random.uniform(-12, -0.5)) / 20) / peak
    return {name: np.asarray(stem * gain, np.float32) for name, stem in stems.items()}


def make(genre: str, seed: int, sources: Sequence[Samples] = (), seconds: float = SECONDS) -> Piece:
    """The piece of this genre and seed; ``sources`` are the voices it may use, see ``voices``."""
    random = np.random.default_rng([seed, 83, list(GENRES).index(genre)])
    count = int(seconds * RATE_HZ)
    sheet = _sheet(random, GENRES[genre], count)
    stems = _stems(random, sheet, sources or voices.made_voices())
    first = int(random.uniform(0, sheet.clock.count - count))
    cut = {name: stem[first : first + count] for name, stem in stems.items()}
    drawn = (sheet.groove, sheet.kit, sheet.bass, "+".join(sheet.parts))
    plan = " ".join(dict.fromkeys(sheet.sections))
    return Piece(genre, sheet.clock.bpm, (*drawn, plan), _mastered(random, cut))
