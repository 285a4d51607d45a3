"""Layers: a sound of one class for so many seconds, made in one of many manners.

A manner is a corpus clip, a sung melody, a choir, babble, a noise by rule and so on. Layers are
what ``mixing`` puts together; they know in which 20 ms they sound.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.signal
import soxr
from numpy.random import Generator
from numpy.typing import NDArray

from streamseg.training import augment, field, shades, synthetic, tones
from streamseg.training.augment import Samples
from streamseg.training.data import (
    CELL,
    DOUBTFUL,
    RATE_HZ,
    SOUNDING,
    Bank,
    Entry,
    Part,
    gate,
    runs,
)
from streamseg.training.shelves import (
    BORROWED,
    CLASSES,
    MADE,
    OUTDOORS,
    SHARES,
    WIDE,
    Shelf,
    Taste,
)

__all__ = ["CLASSES", "Layer", "Layers", "rooms_of"]


@dataclass(frozen=True, slots=True)
class Layer:
    """A sound of one class and the cells in which it sounds (``data.gate``)."""

    label: str
    samples: Samples
    cells: NDArray[np.uint8]
    manner: str


_LONE = ("solo", "grain_solo", "held", "cappella")
_ACROSS = (
    *_LONE,
    "choir",
    "ensemble",
    "grain_choir",
    "vocals",
)  # far singing, so that distance is no sign of speech
_SUNG = (*_ACROSS, "gathering")
_SHADED = {"band": 0.35, "dance": 0.35, "electronic": 0.35, "scored": 0.25, "clip": 0.15}


def coin(random: Generator, chance: float) -> bool:
    """True once in a while."""
    return bool(random.random() < chance)


def _level(samples: Samples, cells: NDArray[np.uint8]) -> float:
    """Root mean square where the sound sounds."""
    used = samples[: len(cells) * CELL].reshape(-1, CELL)[cells == SOUNDING]
    return augment.rms(used.ravel()) if used.size else augment.rms(samples)


class Layers:
    """Draws layers from banks: the same seed, banks and call give the same layer."""

    def __init__(
        self,
        banks: dict[str, Bank],
        part: Part,
        rooms: Sequence[Samples] = (),
        taste: Taste = "plain",
    ) -> None:
        """``taste``: what to dwell on; but for "plain", lone voices have room noise behind them."""
        self._part: Part = part
        self._taste: Taste = taste
        self._rooms = list(rooms)
        sung = banks.get("sung" if part == "fit" else "sung_held_out")
        gathered = banks.get("gatherings" if part == "fit" else "gatherings_held_out")
        grain = banks.get("grains" if part == "fit" else "grains_held_out")
        wanted: dict[tuple[str, str], tuple[Bank | None, Callable[[Entry], bool]]] = {
            ("music", "clip"): (banks.get("music"), lambda e: True),
            ("music", "cappella"): (
                banks.get("music"),
                lambda e: e.detail.startswith("a_cappella"),
            ),
            ("music", "midi"): (banks.get("midi"), lambda e: True),
            ("music", "invented"): (banks.get("invented"), lambda e: True),
            ("music", "solo"): (sung, lambda e: e.detail == "solo"),
            ("music", "choir"): (sung, lambda e: e.detail == "choir"),
            ("music", "grain_solo"): (grain, lambda e: e.detail == "solo"),
            ("music", "grain_choir"): (grain, lambda e: e.detail == "choir"),
            ("music", "gathering"): (gathered, lambda e: True),
            ("music", "band"): (banks.get("bands"), lambda e: True),
            ("music", "dance"): (banks.get("dance"), lambda e: True),
            ("music", "vocals"): (banks.get("vocals"), lambda e: True),
            ("music", "held"): (banks.get("held"), lambda e: True),
            ("music", "scored"): (banks.get("scored"), lambda e: True),
            ("music", "electronic"): (banks.get("electronic"), lambda e: True),
            ("music", "stems"): (banks.get("stems"), lambda e: True),
            ("music", "ambient"): (banks.get("ambient"), lambda e: True),
            ("speech", "clip"): (banks.get("speech"), lambda e: True),
            ("speech", "foreign"): (banks.get("foreign"), lambda e: True),
            ("speech", "respoken"): (sung, lambda e: e.detail == "respoken"),
            ("speech", "grain_speech"): (grain, lambda e: e.detail == "respoken"),
            # Asked for, never by chance.
            ("speech", "syllables"): (banks.get("syllables"), lambda e: True),
            ("noise", "clip"): (banks.get("noise"), lambda e: True),
        }
        self._shelves: dict[tuple[str, str], Shelf] = {}
        for key, (bank, keep) in wanted.items():
            shelf = Shelf.of(bank, part, keep) if bank else None
            if shelf:
                self._shelves[key] = shelf
        self._manners = {label: self._possible(label) for label in CLASSES}

    def _possible(self, label: str) -> tuple[list[str], NDArray[np.float64]]:
        shares = SHARES[self._taste][label]
        names = [name for name in shares if self.holds(label, name)]
        if (label, "clip") not in self._shelves:
            raise ValueError(f"expected {label} sounds for {self._part}, found none in the banks")
        weights = np.array([shares[name] for name in names])
        return names, weights / weights.sum()

    def can(self, label: str, manner: str) -> bool:
        """True when the banks hold what this manner needs."""
        return manner in self._manners[label][0]

    def holds(self, label: str, manner: str) -> bool:
        """True when a layer of this manner can be asked for, whatever the taste."""
        return manner in MADE or BORROWED.get(manner, (label, manner)) in self._shelves

    # One layer ------------------------------------------------------------------------------------

    def layer(self, random: Generator, label: str, seconds: float, manner: str = "") -> Layer:
        """A layer of one class, about ``seconds`` long (to a cell), its level 0.1 where it sounds.

        ``manner`` chooses how it is made (solo singing, babble, ...); without it chance does.
        """
        names, weights = self._manners[label]
        manner = manner or str(random.choice(names, p=weights))
        count = int(seconds * RATE_HZ) // CELL * CELL
        samples, cells = self._made(random, label, manner, seconds)
        if self._taste in OUTDOORS and label == "music" and coin(random, _SHADED.get(manner, 0)):
            samples = shades.shaded(random, samples)
        if self._taste in OUTDOORS and coin(random, self._outside(label, manner)):
            samples = field.outdoors(random, samples, float(random.uniform(14, 30)))
        elif manner == "far" or (self._taste in WIDE and manner in _ACROSS and coin(random, 0.4)):
            samples, cells = self._across(random, samples, cells)
        else:
            samples, cells = self._in_its_room(random, samples, cells)
        if (
            manner in ("solo", "grain_solo", "vocals", "cappella") and random.random() < 0.25
        ):  # over its accompaniment
            bed, _ = self._filled(random, ("music", "clip"), count, change=False)
            under = 10 ** (float(random.uniform(-16, 4)) / 20)
            samples = samples / augment.rms(samples) + under * bed / augment.rms(bed)
            cells = np.full_like(cells, SOUNDING)
        if self._taste != "plain" and manner in _LONE and random.random() < 0.6:
            samples = self._recorded(random, samples)
        scale = np.float32(0.1 / _level(samples, cells))
        return Layer(label, samples * scale, cells, manner)

    def _outside(self, label: str, manner: str) -> float:
        """How often a layer is heard outdoors; speech too, or a place were a sign of singing."""
        return 0.35 if manner in _SUNG else 0.12 if label == "speech" else 0.0

    def _made(
        self, random: Generator, label: str, manner: str, seconds: float
    ) -> tuple[Samples, NDArray[np.uint8]]:
        """The dry sound of a manner, to a cell, and its cells."""
        count = int(seconds * RATE_HZ) // CELL * CELL
        by_rule = {
            "tune": synthetic.plain_tune,
            "synthetic": synthetic.noise,
            "steady": synthetic.steady,  # asked for, never by chance
            "tone": tones.line_up,
        }
        if manner in by_rule:
            samples = by_rule[manner](random, seconds + 0.1)[:count]
            return samples, gate(samples)
        if manner == "babble":
            return self._babble(random, count)
        if manner == "choir":
            return self._choir(random, count)
        if manner == "ensemble":
            return self._ensemble(random, count)
        key = BORROWED.get(manner, (label, manner))
        return self._filled(random, key, count, change=manner == "dialogue")

    def _across(
        self, random: Generator, samples: Samples, cells: NDArray[np.uint8]
    ) -> tuple[Samples, NDArray[np.uint8]]:
        """Heard across a room: more echo than voice, and what else the place sounds of."""
        room = augment.far_room(random)
        samples = augment.fit_length(scipy.signal.oaconvolve(samples, room), len(samples))
        for _, end in list(runs(cells == SOUNDING)):  # it rings on
            tail = cells[end : end + 30]
            tail[tail != SOUNDING] = DOUBTFUL
        if ("noise", "clip") in self._shelves and random.random() < 0.5:
            place, _ = self._filled(random, ("noise", "clip"), len(samples), change=False)
        else:
            place = synthetic.coloured(random, len(samples), float(random.uniform(0, 2)))
        under = 10 ** (-float(random.uniform(14, 40)) / 20)
        level = np.float32(under * augment.rms(samples) / augment.rms(place))
        return samples + place * level, cells

    def _recorded(self, random: Generator, samples: Samples) -> Samples:
        """A lone voice as a recorder in a room hears it: noise 18 to 50 dB under it."""
        noise = synthetic.coloured(random, len(samples), float(random.uniform(0, 2)))
        under = 10 ** (-float(random.uniform(18, 50)) / 20)
        return samples + noise * np.float32(under * augment.rms(samples) / augment.rms(noise))

    def _filled(
        self, random: Generator, key: tuple[str, str], count: int, change: bool
    ) -> tuple[Samples, NDArray[np.uint8]]:
        """Sounds of one group, one after the other, until ``count`` samples are full."""
        shelf = self._shelves[key]
        group = shelf.draw(random)
        speed = 1.0
        if random.random() < 0.5:
            spread = 0.09 if key[0] == "speech" else 0.25
            speed = float(np.exp(random.normal(0, spread)).clip(0.6, 1.6))
        samples = np.zeros(count, np.float32)
        cells = np.zeros(count // CELL, np.uint8)
        at = 0
        entry = group[random.integers(len(group))]
        repeat = random.random() < 0.3
        while at < count:
            sound, marks = shelf.bank.samples(entry), shelf.bank.cells(entry)
            sound, marks = _trimmed(random, sound, marks, count - at, first=at == 0)
            if speed != 1.0 and len(sound):
                sound = soxr.resample(sound, RATE_HZ * speed, RATE_HZ, "LQ")
                marks = gate(sound)
                sound = sound[: len(marks) * CELL]
            sound = sound / max(_level(sound, marks), 1e-5)
            used = min(len(sound), count - at)
            samples[at : at + used] = sound[:used]
            cells[at // CELL : (at + used) // CELL] = marks[: used // CELL]
            at += max(used, CELL)
            gap_cells = 0
            if key[0] == "speech" or random.random() < 0.2:
                gap_cells = int(random.integers(0, 22))
                # Short pauses between sentences belong to the talk.
                cells[at // CELL : at // CELL + gap_cells] = SOUNDING
            at += gap_cells * CELL
            if change:
                group = shelf.draw(random)
            if not repeat:
                entry = group[random.integers(len(group))]
        return samples, cells

    def _babble(self, random: Generator, count: int) -> tuple[Samples, NDArray[np.uint8]]:
        """Six to twelve speakers at one level: a crowd, noise."""
        total = np.zeros(count, np.float32)
        voices = int(random.integers(6, 13))
        for _ in range(voices):
            voice, _ = self._filled(random, ("speech", "clip"), count, change=False)
            total += voice * float(random.uniform(0.7, 1.1))
        if random.random() < 0.6:  # crowds are heard across rooms
            total = augment.reverberate(random, total, self._rooms, far=True)
        return total, np.full(count // CELL, SOUNDING, np.uint8)

    def _choir(self, random: Generator, count: int) -> tuple[Samples, NDArray[np.uint8]]:
        """A rendered choir, or one voice multiplied; mostly in a hall."""
        if random.random() < 0.45 or ("music", "solo") not in self._shelves:
            total, cells = self._filled(random, ("music", "choir"), count, change=False)
        else:
            alone = ("music", "vocals") if random.random() < 0.15 else ("music", "solo")
            key = alone if alone in self._shelves else ("music", "solo")
            voice, cells = self._filled(random, key, count, change=False)
            total = _multiplied(random, voice, int(random.integers(2, 10)))
        if random.random() < 0.75:
            total = augment.reverberate(random, total, self._rooms, far=random.random() < 0.6)
        return total, cells

    def _ensemble(self, random: Generator, count: int) -> tuple[Samples, NDArray[np.uint8]]:
        """One to three recorded voices, each multiplied; mostly in a hall."""
        alone = ("music", "vocals") if coin(random, 0.3) else ("music", "cappella")
        key = alone if alone in self._shelves else ("music", "cappella")
        total = np.zeros(count, np.float32)
        for _ in range(int(random.integers(1, 4))):
            voice, _ = self._filled(random, key, count, change=False)
            total += _multiplied(random, voice, int(random.integers(1, 4)))
        if coin(random, 0.75):
            total = augment.reverberate(random, total, self._rooms, far=coin(random, 0.6))
        return total, gate(total)

    def _in_its_room(
        self, random: Generator, samples: Samples, cells: NDArray[np.uint8]
    ) -> tuple[Samples, NDArray[np.uint8]]:
        """A layer's own room, colour and band, drawn alike for all classes."""
        if random.random() < 0.3:
            far = random.random() < 0.5
            samples = augment.reverberate(random, samples, self._rooms, far)
            for _, end in list(runs(cells == SOUNDING)):  # it rings on
                tail = cells[end : end + 20]
                tail[tail != SOUNDING] = DOUBTFUL
        if random.random() < 0.25:
            samples = augment.colour(random, samples, 8.0)
        if random.random() < 0.12:
            samples = augment.narrow_band(random, samples)
        elif random.random() < 0.15:
            samples = augment.low_pass(random, samples)
        return samples, cells


def _multiplied(random: Generator, voice: Samples, others: int) -> Samples:
    """A voice and ``others`` made of it: in fifths, thirds and octaves, out of tune, late."""
    total = voice.copy()
    for _ in range(others):
        ratio = float(np.exp2(random.choice([0, 0, 0, 7, 12, -12, 4]) / 12))
        ratio *= float(np.exp(random.normal(0, 0.006)))
        other = np.resize(soxr.resample(voice, RATE_HZ * ratio, RATE_HZ, "LQ"), len(voice))
        late = int(random.uniform(0, 0.07) * RATE_HZ)
        total += np.roll(other, late) * float(random.uniform(0.4, 1.0))
    return total


def _trimmed(
    random: Generator, sound: Samples, marks: NDArray[np.uint8], wanted: int, first: bool
) -> tuple[Samples, NDArray[np.uint8]]:
    """Without the pauses at both ends; the first sound of a layer may begin anywhere."""
    sounding = np.flatnonzero(marks == SOUNDING)
    if not len(sounding):
        return sound, marks
    start, end = int(sounding[0]), int(sounding[-1]) + 1
    spare = (end - start) - wanted // CELL
    if first and spare > 0:
        start += int(random.integers(0, spare + 1))
    return sound[start * CELL : end * CELL], marks[start:end]


def rooms_of(corpus: Path | None) -> list[Samples]:
    """Measured rooms, none in quick mode."""
    return augment.read_rooms(corpus) if corpus else []
