"""Held-out clips, one by one, as an archive holds them: what per-clip accuracy is chosen on.

Every corpus sound of the validation part becomes a stream of its own, at a level of its own, with
silence behind it: a spoken word of one second is all that a window of three ever hears. The brief
ones are single sounds cut out of them, 0.2 to 1 s long: syllables, notes, knocks. Besides there are
spoken syllables with a tone, by held-out speakers, against notes of instruments.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import scipy.signal
from numpy.random import Generator
from numpy.typing import NDArray

from streamseg.training import augment, fronts, synthetic
from streamseg.training.augment import Samples
from streamseg.training.banks import open_banks
from streamseg.training.data import CELL, RATE_HZ, SOUNDING, cell_levels_db
from streamseg.training.layers import CLASSES
from streamseg.training.mixing import IGNORE
from streamseg.training.validation import Case

Kind = Literal["whole", "brief", "syllables"]
"""Clips as they are, one short sound of each, made syllables and notes."""
LONGEST_S = 12.0
_SILENCE_S = 3.0  # behind each clip: longer than any look-ahead
_BRIEF_S = (0.2, 1.0)
_FILES = {"whole": "clips.npz", "brief": "brief.npz", "syllables": "syllables.npz"}
_NOTES = ("midi", "invented", "scored", "stems")


def write_clips(
    banks: Path, folder: Path, seed: int, names: tuple[str, ...], kind: Kind = "whole"
) -> None:
    """Features of every held-out clip of a kind, unless they are there."""
    path = folder / _FILES[kind]
    if path.exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, NDArray[np.generic]] = {}
    labels: list[str] = []
    sounds = (
        _syllables(banks, seed) if kind == "syllables" else _clips(banks, seed, kind == "brief")
    )
    for label, random, sound, cells in sounds:
        level = 10 ** (float(random.uniform(-40, -15)) / 20)
        heard = np.clip(sound * np.float32(level / augment.rms(sound)), -1, 1)
        padded = augment.fit_length(heard, len(sound) + int(_SILENCE_S * RATE_HZ))
        for name in names:
            raw = fronts.features(fronts.FRONTS[name], padded)
            arrays[f"{name}.{len(labels)}"] = raw.astype(np.float16)
        arrays[f"cells.{len(labels)}"] = cells
        labels.append(label)
    arrays["labels"] = np.array(json.dumps(labels))
    temporary = path.with_suffix(".part")
    with temporary.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]
    temporary.rename(path)


_Sounds = Iterator[tuple[str, Generator, Samples, NDArray[np.uint8]]]


def _clips(banks: Path, seed: int, brief: bool) -> _Sounds:
    """Every validation sound of the three corpus banks, or one short sound of each."""
    for label in CLASSES:
        bank = open_banks(banks)[label]
        for entry in bank.entries:
            if entry.part != "validation":
                continue
            count = min(entry.length, int(LONGEST_S * RATE_HZ) // CELL * CELL)
            random = np.random.default_rng([seed, entry.start % 2**31, len(label)])
            sound, cells = bank.samples(entry)[:count], bank.cells(entry)[: count // CELL]
            if brief:
                sound, cells = one_sound(random, sound, cells)
            yield label, random, sound, cells


def _syllables(banks: Path, seed: int) -> _Sounds:
    """Spoken syllables and notes one by one, half of them with a recorder's noise under."""
    opened = open_banks(banks)
    for label, kind in (("speech", "syllables"), *(("music", kind) for kind in _NOTES)):
        for entry in opened[kind].entries if kind in opened else ():
            if entry.part != "validation":
                continue
            random = np.random.default_rng([seed, entry.start % 2**31, len(kind), 3])
            sound, cells = opened[kind].samples(entry), opened[kind].cells(entry)
            if label == "music":
                sound, cells = one_sound(random, sound, cells)
            else:
                around = int(random.integers(5, 25))
                sound, cells = np.pad(sound, around * CELL), np.pad(cells, around)
            if random.random() < 0.5:
                noise = synthetic.coloured(random, len(sound), float(random.uniform(0, 2)))
                under = 10 ** (-float(random.uniform(30, 60)) / 20)
                sound = sound + noise * np.float32(under * augment.rms(sound) / augment.rms(noise))
            yield label, random, sound, cells


def one_sound(
    random: Generator, sound: Samples, cells: NDArray[np.uint8]
) -> tuple[Samples, NDArray[np.uint8]]:
    """A loud piece that begins and ends where it is quiet, 0.2 s of silence around it."""
    levels_db = cell_levels_db(sound)
    count = min(int(random.uniform(*_BRIEF_S) * RATE_HZ) // CELL, len(levels_db))
    starts = np.arange(len(levels_db) - count + 1)
    loudest = np.array([levels_db[at : at + count].max() for at in starts])
    edges = levels_db[starts] + levels_db[starts + count - 1]
    best = int(np.argmin(np.where(loudest >= loudest.max() - 6, edges, np.inf)))
    piece = sound[best * CELL : (best + count) * CELL] * scipy.signal.windows.tukey(
        count * CELL, 0.05
    ).astype(np.float32)
    around = RATE_HZ // 5 // CELL
    return np.pad(piece, around * CELL), np.pad(cells[best : best + count], around)


def read_clips(folder: Path, kind: Kind = "whole") -> list[Case]:
    """The clips as cases, named by their class; nobody is asked where a clip pauses."""
    cases = []
    with np.load(folder / _FILES[kind]) as stored:
        labels = json.loads(str(stored["labels"]))
        names = {key.split(".")[0] for key in stored.files} - {"cells", "labels"}
        for index, label in enumerate(labels):
            cells = stored[f"cells.{index}"]
            truth = np.full((len(cells), len(CLASSES)), IGNORE, np.uint8)
            truth[cells == SOUNDING] = 0
            truth[cells == SOUNDING, CLASSES.index(label)] = 1
            features = {name: stored[f"{name}.{index}"].astype(np.float32) for name in names}
            cases.append(Case(label, features, truth))
    return cases


@dataclass(frozen=True, slots=True)
class ClipAccuracy:
    """Share of clips of each class whose mean probability is largest for that class."""

    three: dict[str, float]
    """Of all three classes."""
    pair: dict[str, float]
    """Of music against speech; noise clips are not asked."""


def clip_accuracy(cases: Sequence[Case], said: Sequence[NDArray[np.float32]]) -> ClipAccuracy:
    """``said``: (cells, 3) for each case."""
    three: dict[str, list[bool]] = {label: [] for label in CLASSES}
    pair: dict[str, list[bool]] = {label: [] for label in CLASSES[:2]}
    for case, prob in zip(cases, said, strict=True):
        asked = (case.truth == 1).any(axis=1)
        if not asked.any():
            continue
        mean, right = prob[asked].mean(axis=0), CLASSES.index(case.name)
        three[case.name].append(bool(mean.argmax() == right))
        if case.name in pair:
            pair[case.name].append(bool(mean[:2].argmax() == right))
    return ClipAccuracy(_shares(three), _shares(pair))


def _shares(answers: dict[str, list[bool]]) -> dict[str, float]:
    return {label: float(np.mean(right)) for label, right in answers.items() if right}
