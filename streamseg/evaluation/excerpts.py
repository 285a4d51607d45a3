"""Excerpts of labelled clips, in sets of one a class: what the evaluation of masks mixes.

Each is four seconds of one class at one level; clips that are shorter are followed by another one
of their class. The same folder and seed give the same sets.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.random import Generator

from streamseg.errors import NoSuchInputError
from streamseg.evaluation.analyser import CLASSES
from streamseg.messages import Float32Array
from streamseg.training.data import RATE_HZ, decode

SECONDS = 4.0
LEVEL = 0.05  # root mean square of every excerpt, -26 dBFS
_QUIET = 1e-4  # an excerpt below this holds nothing: another place is drawn

PLACES = (
    "street_traffic",
    "train_metro_bus",
    "vehicle_engine",
    "babble_crowd",
    "machine_appliance",
    "rain_water",
    "wind_thunder",
)
"""Kinds of noise such as the paper's come from: streets, vehicles, public rooms, weather. The rest
of the corpus' noise is animals, alarms, bells, knocks and other single sounds."""


@dataclass(frozen=True, slots=True)
class ExcerptSet:
    """Shape: ``parts`` is (classes, n) float32 at 44.1 kHz, in the order of ``CLASSES``."""

    parts: Float32Array
    place: bool
    """The noise is of a kind in ``PLACES``."""

    def mixed(self, gains_db: dict[str, float]) -> Float32Array:
        """The named classes at these gains, (n,)."""
        return sum(
            (self.gained(name, gain_db) for name, gain_db in gains_db.items()),
            np.zeros(self.parts.shape[1], np.float32),
        )

    def gained(self, name: str, gain_db: float = 0.0) -> Float32Array:
        """One class at a gain, (n,)."""
        gain = np.float32(10 ** (gain_db / 20))
        return np.asarray(self.parts[CLASSES.index(name)] * gain, np.float32)


@dataclass(frozen=True, slots=True)
class _Row:
    path: Path
    detail: str


def excerpt_sets(
    corpus: Path, count: int, seed: int = 0, split: str = "eval"
) -> Iterator[ExcerptSet]:
    """``count`` sets from the clips of a split; each clip is used before one comes again.

    Raises NoSuchInputError when the manifest is missing or lacks a class.
    """
    rows = _rows(corpus, split)
    random = np.random.default_rng(seed)
    orders = {name: _order(random, len(rows[name]), count) for name in CLASSES}
    for turn in range(count):
        first = {name: int(orders[name][turn]) for name in CLASSES}
        parts = [_excerpt(random, rows[name], first[name]) for name in CLASSES]
        place = rows["noise"][first["noise"]].detail.split(":")[0] in PLACES
        yield ExcerptSet(np.stack(parts), place)


def _rows(corpus: Path, split: str) -> dict[str, list[_Row]]:
    manifest = corpus / "manifest.csv"
    rows: dict[str, list[_Row]] = {name: [] for name in CLASSES}
    try:
        with manifest.open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines):
                if row["split"] == split and row["class"] in rows:
                    rows[row["class"]].append(_Row(corpus / row["path"], row["detail"]))
    except (OSError, KeyError) as error:
        raise NoSuchInputError(
            f"expected clips in {manifest} (columns path, split, class, detail), got {error!r}; "
            "name the folder of the corpus"
        ) from None
    if lacking := [name for name, found in rows.items() if not found]:
        raise NoSuchInputError(
            f"expected {lacking[0]} clips of split {split!r} in {manifest}, found none"
        )
    return rows


def _order(random: Generator, size: int, count: int) -> list[int]:
    order: list[int] = []
    while len(order) < count:
        order += random.permutation(size).tolist()
    return order[:count]


def _excerpt(random: Generator, rows: list[_Row], first: int) -> Float32Array:
    """Four seconds from somewhere in a clip, and from others where it is too short."""
    count = int(SECONDS * RATE_HZ)
    samples = decode(rows[first].path)
    while len(samples) < count:
        samples = np.concatenate((samples, decode(rows[random.integers(len(rows))].path)))
    spare = len(samples) - count
    piece = samples[:count]
    for _ in range(20):
        begin = int(random.integers(spare + 1))
        piece = samples[begin : begin + count]
        if float(np.sqrt(np.mean(piece**2))) > _QUIET:
            break
    level = float(np.sqrt(np.mean(piece**2)))
    return np.asarray(piece * np.float32(LEVEL / max(level, 1e-9)), np.float32)
