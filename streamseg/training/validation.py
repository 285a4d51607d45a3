"""Validation programmes made like broadcasts, from sounds held out of training, and their score.

Programmes under eleven conditions, plus stretches of what monitors find hardest: solo singing,
choirs, a voice across a room, music through voice codecs, test tones. The score is that of the
corpus' programmes: macro-F1 over frames in which one class sounds, multi-label F1 at 0.5, false
alarms in silence.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from streamseg.models.card import FrontEndSpec
from streamseg.training import augment, field, fronts, hums, layers, mixing
from streamseg.training.augment import Samples
from streamseg.training.banks import open_banks
from streamseg.training.conditions import CONDITIONS
from streamseg.training.data import CELL
from streamseg.training.layers import Layers
from streamseg.training.mixing import IGNORE
from streamseg.training.shelves import CLASSES, TASTES, Taste

MAINS = "mains"
"""The condition with many pauses, half of them with hum or buzz 8 to 45 dB under the programme."""


HUMS_DB = {"hum_6db": 6.0, "hum_12db": 12.0, "hum_20db": 20.0}
"""Conditions with many pauses and hum of any kind through all of it, so far under it."""
VARIED, RECORDER = "varied", "recorder"
"""Programmes of what is in the varied shards: as they are, and taken by a phone or on tape."""
OWN = (MAINS, *HUMS_DB, VARIED, RECORDER)
"""Conditions beside ``CONDITIONS``."""


@dataclass(frozen=True, slots=True)
class Case:
    """Shape: ``features`` is (frames, bands) by front end, ``truth`` is (cells, classes) uint8."""

    name: str
    features: dict[str, NDArray[np.float32]]
    truth: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Score:
    """Single-class F1 by class and macro, multi-label F1, share of silence called something."""

    single: float
    single_by_class: tuple[float, ...]
    multi: float
    multi_by_class: tuple[float, ...]
    silence: float


def _case(name: str, heard: Samples, truth: NDArray[np.uint8], names: tuple[str, ...]) -> Case:
    rendered = {key: fronts.features(fronts.FRONTS[key], heard) for key in names}
    return Case(name, rendered, truth)


def _at_level(name: str, samples: Samples) -> Samples:
    heard = np.clip(samples * np.float32(0.08 / augment.rms(samples)), -1, 1)
    down_db = 25 if name == "quiet_25db" else 0
    return np.asarray(heard * np.float32(10 ** (-down_db / 20)), np.float32)


def programme(
    banks: Path, corpus: Path | None, seed: int, name: str, seconds: float
) -> mixing.Programme:
    """One validation programme as it is heard under one condition."""
    taste: Taste = "varied" if name in (VARIED, RECORDER) else "plain"
    drawn = Layers(open_banks(banks), "validation", layers.rooms_of(corpus), taste)
    random = np.random.default_rng([seed, *name.encode()])
    pauses = name == MAINS or name in HUMS_DB
    made = mixing.compose(drawn, random, seconds, pauses=pauses, mains=name == MAINS)
    heard = made.samples
    if name in CONDITIONS:
        heard = CONDITIONS[name](random, heard)
    elif name in HUMS_DB:
        heard = hums.under(random, heard, HUMS_DB[name])
    elif name == RECORDER:
        heard = field.taken(random, heard)
    truth = mixing.ring_on(made.truth, 0.4) if name == "room" else made.truth
    return mixing.Programme(_at_level(name, heard), truth, made.segments)


def programme_case(
    banks: Path,
    corpus: Path | None,
    seed: int,
    name: str,
    seconds: float,
    names: tuple[str, ...] = fronts.SHARED,
) -> Case:
    """One validation programme under one condition."""
    heard = programme(banks, corpus, seed, name, seconds)
    return _case(name, heard.samples, heard.truth, names)


@dataclass(frozen=True, slots=True)
class Alone:
    """Two minutes of one manner of one class, by itself."""

    label: str
    manner: str
    taste: Taste = "singing"
    condition: str = ""
    """One of ``CONDITIONS``; without it a third of the layers are low-passed."""

    @property
    def name(self) -> str:
        """Of the case; it begins with "only"."""
        return f"only {self.manner} {self.condition}".rstrip()


def manner_case(
    banks: Path,
    corpus: Path | None,
    seed: int,
    alone: Alone,
    names: tuple[str, ...] = fronts.SHARED,
) -> Case:
    """Two minutes of one manner of one class, e.g. solo singing, cut into layers of 10 s."""
    drawn = Layers(open_banks(banks), "validation", layers.rooms_of(corpus), alone.taste)
    random = np.random.default_rng([seed, *alone.manner.encode()])
    pieces, marks = [], []
    for _ in range(12):
        layer = drawn.layer(random, alone.label, 10.0, alone.manner)
        if alone.condition:
            heard = CONDITIONS[alone.condition](random, layer.samples)
        elif random.random() < 0.3:
            heard = augment.low_pass(random, layer.samples)
        else:
            heard = layer.samples
        count = len(layer.cells)
        pieces.append(heard[: count * CELL])
        truth = np.zeros((count, 3), np.uint8)
        truth[:, CLASSES.index(alone.label)] = layer.cells
        truth[layer.cells != 1] = IGNORE
        marks.append(truth)
    heard = _at_level(alone.name, np.concatenate(pieces))
    return _case(alone.name, heard, np.concatenate(marks), names)


_ALONE = (
    Alone("music", "solo"),
    Alone("music", "held"),
    Alone("music", "choir"),
    Alone("music", "vocals"),
    Alone("music", "grain_solo", "voices"),
    Alone("music", "grain_choir", "voices"),
    Alone("speech", "grain_speech", "voices"),
    Alone("noise", "babble"),
    Alone("music", "electronic", "broad"),
    Alone("music", "scored", "broad"),
    Alone("music", "clip", "broad", "opus_voice_24k"),
    Alone("music", "clip", "broad", "tilt"),
    Alone("speech", "far", "broad"),
    Alone("noise", "tone", "broad"),
    Alone("music", "gathering", "varied"),
    Alone("music", "band", "varied"),
    Alone("music", "dance", "varied"),
)


def write_cases(
    banks: Path,
    corpus: Path | None,
    folder: Path,
    seed: int,
    seconds: float,
    workers: int,
    names: tuple[str, ...] = fronts.SHARED,
    *,
    varied: bool = False,
) -> None:
    """Render all validation cases that are not in ``folder`` yet; two programmes a condition.

    ``names`` are the front ends of their features; ``varied`` adds the cases of the varied shards.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(workers) as pool:
        jobs = [
            pool.submit(_write_programme, banks, corpus, folder, seed + turn, name, seconds, names)
            for turn in range(2 if seconds > 60 else 1)
            for name in (*CONDITIONS, *(OWN if varied else (MAINS,)))
        ]
        able = {taste: Layers(open_banks(banks), "validation", taste=taste) for taste in TASTES}
        jobs += [
            pool.submit(_write_manner, banks, corpus, folder, seed, alone, names)
            for alone in _ALONE
            if (varied or alone.taste != "varied")
            and seconds > 60
            and able[alone.taste].can(alone.label, alone.manner)
        ]
        for job in jobs:
            job.result()


def _write_programme(
    banks: Path,
    corpus: Path | None,
    folder: Path,
    seed: int,
    name: str,
    seconds: float,
    names: tuple[str, ...],
) -> None:
    path = folder / f"{name}.{seed}.npz"
    if not path.exists():
        _write(path, programme_case(banks, corpus, seed, name, seconds, names))


def _write_manner(
    banks: Path,
    corpus: Path | None,
    folder: Path,
    seed: int,
    alone: Alone,
    names: tuple[str, ...],
) -> None:
    path = folder / f"{alone.name}.{seed}.npz"
    if not path.exists():
        _write(path, manner_case(banks, corpus, seed, alone, names))


def _write(path: Path, case: Case) -> None:
    temporary = path.with_suffix(".part")
    with temporary.open("wb") as file:
        np.savez(file, truth=case.truth, **case.features)  # type: ignore[arg-type]
    temporary.rename(path)


def read_cases(folder: Path) -> list[Case]:
    """All cases of a folder; the name of a case is its condition."""
    cases = []
    for path in sorted(folder.glob("*.npz")):
        with np.load(path) as stored:
            arrays = {name: stored[name] for name in stored.files}
        truth = arrays.pop("truth")
        cases.append(Case(path.name.split(".")[0], arrays, truth))
    return cases


def f1(truth: NDArray[np.bool_], said: NDArray[np.bool_]) -> float:
    """F1 of two equally long sequences; 1 where neither says anything."""
    hits = float(np.sum(truth & said))
    total = float(truth.sum() + said.sum())
    return 2 * hits / total if total else 1.0


def score(truths: Sequence[NDArray[np.uint8]], probs: Sequence[NDArray[np.float32]]) -> Score:
    """Score probabilities on the 20 ms grid. Both are (cells, classes) a programme."""
    truth, prob = np.concatenate(list(truths)), np.concatenate(list(probs))
    known = (truth != IGNORE).all(axis=1)
    one = known & ((truth == 1).sum(axis=1) == 1)
    best, right = prob[one].argmax(axis=1), truth[one].argmax(axis=1)
    single = tuple(f1(right == c, best == c) for c in range(truth.shape[1]))
    multi = []
    for c in range(truth.shape[1]):
        asked = truth[:, c] != IGNORE
        multi.append(f1(truth[asked, c] == 1, prob[asked, c] > 0.5))
    silent = known & ((truth == 1).sum(axis=1) == 0)
    alarms = float((prob[silent] > 0.5).any(axis=1).mean()) if silent.any() else 0.0
    present = [value for c, value in enumerate(single) if (right == c).any()]
    macro = float(np.mean(present)) if present else 1.0
    return Score(macro, single, float(np.mean(multi)), tuple(multi), alarms)


def on_cells(
    outputs: NDArray[np.float32], spec: FrontEndSpec, stride: int, lookahead: int, cells: int
) -> NDArray[np.float32]:
    """Network outputs (n, classes) put on the 20 ms grid, (cells, classes).

    ``lookahead`` is in feature frames, as on the card. Each cell gets the output whose middle is
    nearest; cells before the first output get 0.
    """
    described = outputs[lookahead // stride :]
    step_s = spec.hop_s * stride
    first_s = (stride - 1) / 2 * spec.hop_s + spec.n_fft / 2 / spec.rate_hz
    index = np.round((np.arange(cells) * 0.02 + 0.01 - first_s) / step_s).astype(int)
    chosen: NDArray[np.float32] = described[np.clip(index, 0, len(described) - 1)]
    return chosen


def expected_calibration_error(
    prob: NDArray[np.float32], truth: NDArray[np.bool_], bins: int = 15
) -> float:
    """Mean distance between what is said and what is true, over equal bins of probability."""
    which = np.minimum((prob * bins).astype(int), bins - 1)
    total = 0.0
    for index in range(bins):
        inside = which == index
        if inside.any():
            gap = abs(float(prob[inside].mean()) - float(truth[inside].mean()))
            total += gap * float(inside.mean())
    return total
