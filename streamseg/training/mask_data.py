"""Training and validation data of ``window_mask``: pictures on disk, and batches with targets.

A shard is 200 scenes as a memory map of spectra, with the power of the classes in an archive
beside it that is written last: an interrupted render goes on, and a trainer never sees half of one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor

from streamseg.training import augment, layers, scenes
from streamseg.training.banks import open_banks
from streamseg.training.data import Part
from streamseg.training.fit import Plan
from streamseg.training.fronts import WINDOW_MASK
from streamseg.training.layers import CLASSES, Layers
from streamseg.training.scenes import STEP_DB, Picture, Scene
from streamseg.training.shelves import Taste

PER_SHARD = 200  # 20 minutes, 79 MB
RATIOS_DB = (20, 10, 0, -10, -20)

SHARE_EXPONENT = 0.25
"""Exponent of power in the targets. At 0.25 a class that lies 10 dB under another still has 0.36 of
a unit, 20 dB under 0.24: the order of faint music against none is taught, not only what dominates.
"""
LOUDNESS_EXPONENT = 0.5
"""Exponent of power by which the units of a window weigh. At 0 the quiet ones between loud ones
decide, and a map averaged from perfect answers improves a mixture of 0 dB by 0.5 dB of SI-SDR only;
0.5 allows 1.0 to 1.7 (validation clips).
"""
PLAIN_SHARDS = 39
"""From this number on scenes have the wider taste in music and noise of ``layers``."""
WINDOW_UNITS, WINDOW_ROWS = 16, 4
_HEARD_DB = -75.0  # of a pixel: quieter units are nobody's
_DEEP_DB = 65.0  # a unit so far under the loudest ones of its class is a recording's own noise
_KNOWN = 0.25  # a window is asked when so much of it is somebody's


@lru_cache(maxsize=2)
def _tools(
    banks: Path, corpus: Path | None, part: Part, taste: Taste = "plain"
) -> tuple[Layers, list[augment.Samples]]:
    rooms = layers.rooms_of(corpus)
    return Layers(open_banks(banks), part, rooms, taste), rooms


def _save(folder: Path, index: int, pictures: Sequence[Picture], names: Sequence[str]) -> None:
    np.save(folder / f"spectra{index:03d}.npy", np.stack([one.spectrum for one in pictures]))
    temporary = folder / f"units{index:03d}.part"
    arrays: dict[str, NDArray[Any]] = {
        "unit_db": np.stack([one.unit_db for one in pictures]),
        "heard_db": np.stack([one.heard_db for one in pictures]),
        "names": np.array(names),
    }
    with temporary.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]
    temporary.rename(folder / f"units{index:03d}.npz")


def render_shard(banks: Path, corpus: Path | None, folder: Path, seed: int, index: int) -> int:
    """Write one shard of training scenes unless it is there."""
    if not (folder / f"units{index:03d}.npz").exists():
        drawn, rooms = _tools(banks, corpus, "fit", "plain" if index < PLAIN_SHARDS else "broad")
        random = np.random.default_rng([seed, index, 7])
        made = [scenes.picture(scenes.compose(drawn, random, rooms)) for _ in range(PER_SHARD)]
        _save(folder, index, made, ["scene"] * PER_SHARD)
    return index


def render(
    banks: Path,
    corpus: Path | None,
    folder: Path,
    seed: int,
    shards: int,
    workers: int,
    told: Callable[[int], None],
) -> None:
    """Write shards 0..``shards`` - 1 with ``workers`` processes; ``told`` hears each index."""
    folder.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(workers) as pool:
        jobs = [
            pool.submit(render_shard, banks, corpus, folder, seed, index) for index in range(shards)
        ]
        for job in as_completed(jobs):
            told(job.result())


def render_cases(banks: Path, corpus: Path | None, folder: Path, seed: int, sets: int) -> None:
    """Validation, unless it is there: held-out clips alone and in pairs at stated ratios."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn, _ = _tools(banks, corpus, "validation")
    for index in range(sets):
        if (folder / f"units{index:03d}.npz").exists():
            continue
        made = dict(case_scenes(drawn, np.random.default_rng([seed, index, 8])))
        _save(folder, index, [scenes.picture(one) for one in made.values()], list(made))


def case_scenes(drawn: Layers, random: Generator) -> Iterator[tuple[str, Scene]]:
    """One clip of each class, alone, and mixed; the ratio is that of the whole excerpt."""
    alone = np.zeros((len(CLASSES), scenes.COUNT), np.float32)
    for row, label in enumerate(CLASSES):
        samples = drawn.layer(random, label, 6.0, "clip").samples[: scenes.COUNT]
        alone[row] = samples * np.float32(0.03 / augment.rms(samples))
    alone *= np.float32(10 ** (float(random.uniform(-12, 12)) / 20))

    def mixed(*gains: float) -> Scene:
        return scenes.mixture(alone * np.array(gains, np.float32)[:, None])

    yield "music", mixed(1, 0, 0)
    yield "speech", mixed(0, 1, 0)
    yield "noise", mixed(0, 0, 1)
    for ratio_db in RATIOS_DB:
        # The noise keeps its level: only the music changes between the ratios.
        yield f"music_noise {ratio_db}", mixed(10 ** (ratio_db / 20), 0, 1)
    yield "speech_noise 0", mixed(0, 1, 1)
    yield "speech_music 0", mixed(1, 1, 0)


# Targets ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Targets:
    """Shape: ``share`` is (batch, steps, positions, classes), ``known`` (batch, steps, positions)
    in 0..1, 0 where nobody should be asked.
    """

    share: Tensor
    known: Tensor


def unit_shares(unit_db: Tensor, heard_db: Tensor, exponent: float) -> tuple[Tensor, Tensor]:
    """Share of each class in each unit, and which units are somebody's.

    Shape: ``unit_db`` (batch, classes, units, rows), ``heard_db`` (batch, units, rows); returned
    are the same shapes, the second one 0 or 1.
    """
    loud_db = torch.quantile(unit_db.flatten(2), 0.95, dim=2)[:, :, None, None]
    counts = (unit_db > loud_db - _DEEP_DB) & (unit_db > WINDOW_MASK.floor_db + 1)
    power = 10 ** (unit_db / 10)
    known = (heard_db > _HEARD_DB) & ((power * counts).sum(1) > 0.5 * power.sum(1))
    strength = 10 ** (unit_db * (exponent / 10)) * counts
    return strength / strength.sum(1, keepdim=True).clamp(min=1e-12), known.float()


def targets(unit_db: Tensor, heard_db: Tensor, exponent: float = SHARE_EXPONENT) -> Targets:
    """Mean share of the units of every whole window, for ``WindowMask.logits``."""
    share, known = unit_shares(unit_db, heard_db, exponent)
    weight = known * 10 ** (heard_db * (LOUDNESS_EXPONENT / 10))

    def pool(values: Tensor) -> Tensor:
        return torch.nn.functional.avg_pool2d(values, (WINDOW_UNITS, WINDOW_ROWS), 1)

    mean = pool(share * weight[:, None]) / pool(weight[:, None]).clamp(min=1e-9)
    part = pool(known[:, None])[:, 0]
    return Targets(mean.permute(0, 2, 3, 1), torch.where(part >= _KNOWN, part, 0.0))


# Stock --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Pictures:
    """Rendered pictures: spectra stay on disk.

    Shape: ``unit_db`` (n, classes, units, rows), ``heard_db`` (n, units, rows), both float16;
    ``names`` (n,).
    """

    spectra: tuple[NDArray[np.uint8], ...]
    unit_db: NDArray[np.float16]
    heard_db: NDArray[np.float16]
    names: NDArray[np.str_]

    @classmethod
    def read(cls, folder: Path) -> Pictures:
        """Every finished shard. Raises FileNotFoundError where there is none."""
        archives = sorted(folder.glob("units*.npz"))
        if not archives:
            raise FileNotFoundError(f"expected rendered scenes in {folder}, found none")
        spectra = [
            np.load(path.with_name(path.stem.replace("units", "spectra") + ".npy"), mmap_mode="r")
            for path in archives
        ]
        read = [np.load(path) for path in archives]
        unit_db, heard_db, names = (
            np.concatenate([one[key] for one in read]) for key in ("unit_db", "heard_db", "names")
        )
        return cls(tuple(spectra), unit_db, heard_db, names)

    def features(self, rows: NDArray[np.int64], inside: slice = slice(None)) -> Tensor:
        """Decibels of some frames, (rows, frames, bins) float32."""
        per = len(self.spectra[0])
        taken = np.stack([self.spectra[row // per][row % per, inside] for row in rows])
        return torch.from_numpy(taken).float() * STEP_DB + WINDOW_MASK.floor_db

    def targets(self, rows: NDArray[np.int64], exponent: float = SHARE_EXPONENT) -> Targets:
        """See ``targets``."""
        unit_db = torch.from_numpy(self.unit_db[rows].astype(np.float32))
        heard_db = torch.from_numpy(self.heard_db[rows].astype(np.float32))
        return targets(unit_db, heard_db, exponent)

    def batches(self, plan: Plan, first: int, last: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Crops; truth is (batch, steps, positions, classes + 1), the last one ``known``."""
        count = len(self.names)
        per_epoch = max(1, count // plan.batch)
        units = self.heard_db.shape[1]
        taken = min(units, round(plan.crop_s / WINDOW_MASK.hop_s / scenes.UNIT))
        for step in range(first, last):
            order = np.random.default_rng([plan.seed, 4, step // per_epoch]).permutation(count)
            rows = order[step % per_epoch * plan.batch :][: plan.batch]
            random = torch.Generator().manual_seed(plan.seed * 1_000_003 + step)
            begin = int(torch.randint(units - taken + 1, (), generator=random))
            asked = self.targets(rows)
            truth = torch.cat((asked.share, asked.known.unsqueeze(3)), dim=3)
            inside = slice(begin * scenes.UNIT, (begin + taken) * scenes.UNIT)
            windows = slice(begin, begin + taken - WINDOW_UNITS + 1)
            yield disturb(self.features(rows, inside), random), truth[:, windows]


def disturb(features: Tensor, random: torch.Generator) -> Tensor:
    """Another level (+-10 dB) and a smooth equaliser: the shares of units stay as they are."""
    batch, _, bins = features.shape
    level = torch.empty(batch, 1, 1).uniform_(-10, 10, generator=random)
    knots = torch.randn(batch, 1, 7, generator=random) * 3
    curve = torch.nn.functional.interpolate(knots, bins, mode="linear", align_corners=True)
    return (features + level + curve).clamp(min=WINDOW_MASK.floor_db)
