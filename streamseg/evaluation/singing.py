"""``python -m streamseg.evaluation singing``: what singing is taken for.

From split eval: music clips without and with voices, and each vocal stem by itself: alone, across a
room, in layers as a choir, and over noise clips. Scored are the frames in which the voice sounds
(``training.data.gate`` of the voice by itself; for clips, their loud frames): the best class, and
which classes are claimed (0.5 or more).
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import scipy.signal
import soxr
from numpy.random import Generator
from rich.table import Table

from streamseg.evaluation.analyser import CLASSES, Heard
from streamseg.evaluation.clips import loud_frames
from streamseg.evaluation.made import Hear
from streamseg.evaluation.metrics import BoolArray, Int64Array
from streamseg.evaluation.programmes import THRESHOLD
from streamseg.evaluation.tables import Record
from streamseg.messages import Float32Array
from streamseg.training import augment
from streamseg.training.data import RATE_HZ, SOUNDING, decode, gate

_CELL_S = 0.02
_OVER_NOISE_DB = (10.0, 0.0)

Noise = Callable[[Generator], Float32Array]
"""One noise clip by chance, mono at ``RATE_HZ``."""


@dataclass(frozen=True, slots=True)
class Material:
    """One sound of a kind. Shape: ``samples`` (n,) at 44.1 kHz; ``voice`` (cells,) or None."""

    kind: str
    samples: Float32Array
    voice: BoolArray | None
    """The 20 ms in which the voice sounds; None: whatever is loud."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What one kind was taken for, in frames. Shape: each (classes,), ``best`` one more: none."""

    frames: int
    best: Int64Array
    claimed: Int64Array

    def __add__(self, other: Taken) -> Taken:
        return Taken(
            self.frames + other.frames, self.best + other.best, self.claimed + other.claimed
        )


def materials(corpus: Path, seed: int = 0) -> Iterator[Material]:
    """All sounds of all kinds, seeded."""
    noises: list[Path] = []

    def noise(random: Generator) -> Float32Array:
        return decode(noises[random.integers(len(noises))])

    with (corpus / "manifest.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["split"] == "eval" and row["class"] == "music":
                kind = "music with voices" if row["vocals"] == "yes" else "instrumental"
                yield Material(kind, at_level(decode(corpus / row["path"])), None)
            elif row["split"] == "eval" and row["class"] == "noise":
                noises.append(corpus / row["path"])
    for place, path in enumerate(_vocal_stems(corpus)):
        drawn = np.random.default_rng([seed, place])
        made = of_a_voice(drawn, decode(path), noise if noises else None)
        # What stems hold differs too much to be summed.
        name = path.parent.name.rpartition("-")[2]
        yield from (replace(one, kind=f"{name}: {one.kind}") for one in made)


def _vocal_stems(corpus: Path) -> Iterator[Path]:
    with (corpus / "stems" / "manifest.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["split"] == "eval" and row["stem"] == "vocals" and float(row["rms_dbfs"]) > -55:
                yield corpus / row["path"]


def of_a_voice(random: Generator, voice: Float32Array, noise: Noise | None) -> Iterator[Material]:
    """A voice alone, across a room, as a choir, and over noises (without them, not that)."""
    sounding = gate(voice) == SOUNDING
    yield Material("solo", at_level(voice), sounding)
    room = augment.far_room(random)
    across = augment.fit_length(scipy.signal.oaconvolve(voice, room), len(voice))
    yield Material("solo across a room", at_level(across), sounding)
    yield Material("choir", at_level(choir(random, voice)), sounding)
    if noise is None:
        return
    for over_db in _OVER_NOISE_DB:
        bed = _bed(random, noise, len(voice))
        under = _rms(voice) / max(_rms(bed), 1e-6) * 10 ** (-over_db / 20)
        mixed = voice + bed * np.float32(under)
        yield Material(f"solo {over_db:.0f} dB over noise", at_level(mixed), sounding)


def choir(random: Generator, voice: Float32Array) -> Float32Array:
    """Eight of one voice: out of tune by up to a quarter tone, late by up to 60 ms, in a hall."""
    total = voice.copy()
    for interval in (0, 0, 0, 0, 12, 7, -12):
        ratio = float(np.exp2((interval + random.normal(0, 0.15)) / 12))
        other = np.resize(soxr.resample(voice, RATE_HZ * ratio, RATE_HZ), len(voice))
        total += np.roll(other, int(random.uniform(0, 0.06) * RATE_HZ)) * float(
            random.uniform(0.5, 1)
        )
    return augment.reverberate(random, total, [], far=True)


def _bed(random: Generator, noise: Noise, count: int) -> Float32Array:
    """Noise clips one after the other, each at one level."""
    pieces, filled = [], 0
    while filled < count:
        piece = noise(random)
        pieces.append(piece / np.float32(max(_rms(piece), 1e-6)))
        filled += len(piece)
    return np.concatenate(pieces)[:count]


def _rms(samples: Float32Array) -> float:
    return augment.rms(samples)


def at_level(samples: Float32Array) -> Float32Array:
    """With a root mean square of -24 dBFS."""
    return samples * np.float32(0.06 / _rms(samples))


def taken_for(material: Material, heard: Heard) -> Taken:
    """Hold what was heard against where the voice sounds."""
    if material.voice is None:
        asked = loud_frames(heard.level_dbfs)
    else:
        cells = (heard.time_s / _CELL_S).astype(np.int64)
        inside = cells < len(material.voice)
        asked = inside & material.voice[np.minimum(cells, len(material.voice) - 1)]
    prob = heard.prob[asked]
    best = np.where(prob.max(1, initial=0.0) > 0, prob.argmax(1), len(CLASSES))
    return Taken(
        len(prob),
        np.bincount(best, minlength=len(CLASSES) + 1),
        (prob >= THRESHOLD).sum(0),
    )


def evaluate(found_in: Iterable[Material], hear: Hear) -> dict[str, Taken]:
    """What each kind was taken for, added up over its sounds."""
    found: dict[str, Taken] = {}
    for material in found_in:
        taken = taken_for(material, hear(material.samples))
        known = found.get(material.kind)
        found[material.kind] = known + taken if known else taken
    return found


def taken_table(found: Mapping[str, Taken], title: str) -> Table:
    """One row a kind: shares of its frames by best class, then by classes claimed."""
    table = Table(title=title, box=None, pad_edge=False)
    best = [f"best {name}" for name in CLASSES]
    claimed = [f"{name} claimed" for name in CLASSES]
    for heading in ("kind", "frames", *best, *claimed):
        table.add_column(heading, justify="left" if heading == "kind" else "right")
    for kind, taken in found.items():
        counts = (*taken.best[: len(CLASSES)], *taken.claimed)
        shares = (f"{count / max(taken.frames, 1):.3f}" for count in counts)
        table.add_row(kind, str(taken.frames), *shares)
    return table


def singing_record(found: Mapping[str, Taken]) -> Record:
    """The counts."""
    return {
        "kinds": {
            kind: {
                "frames": taken.frames,
                "best": dict(zip((*CLASSES, "none"), taken.best.tolist(), strict=True)),
                "claimed": dict(zip(CLASSES, taken.claimed.tolist(), strict=True)),
            }
            for kind, taken in found.items()
        }
    }
