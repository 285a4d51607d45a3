"""Render training data: shards of feature arrays with labels, each made from (seed, index) alone.

A shard holds 32 programmes of 24 s after degradation, as float16 features for every front end, so
one render serves all networks. Shards are written by a process pool, each under a temporary name
first: an interrupted render resumes, and a trainer may read while it runs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from streamseg.training import augment, fronts, layers, mixing
from streamseg.training.banks import open_banks
from streamseg.training.data import RATE_HZ, Part
from streamseg.training.layers import Layers

SECONDS = 24.0
CELLS = 1200  # 24 s of 20 ms
PER_SHARD = 32
# Shards beyond 160 (34 hours) dwell on what the plain ones leave over.
Focus = Literal["plain", "pauses", "singing"]
_FIRST: tuple[tuple[int, Focus], ...] = ((208, "singing"), (160, "pauses"), (0, "plain"))
_TAIL_S = 0.1  # so that the last frames are whole


@dataclass(frozen=True, slots=True)
class Shard:
    """Shape: ``features[front]`` is (programmes, frames, bands) float16, ``truth`` is (programmes,
    1200, 3) uint8 of 0, 1 and ``mixing.IGNORE``.
    """

    features: dict[str, NDArray[np.float16]]
    truth: NDArray[np.uint8]


@lru_cache(maxsize=4)
def _layers(
    banks: Path, corpus: Path | None, part: Part, singing: bool
) -> tuple[Layers, list[augment.Samples]]:
    rooms = layers.rooms_of(corpus)
    return Layers(open_banks(banks), part, rooms, singing), rooms


def one(
    banks: Path, corpus: Path | None, part: Part, random: np.random.Generator, focus: Focus
) -> tuple[dict[str, NDArray[np.float16]], NDArray[np.uint8]]:
    """One degraded programme of 24 s as features and truth."""
    drawn, rooms = _layers(banks, corpus, part, focus == "singing")
    programme = mixing.compose(drawn, random, SECONDS + _TAIL_S, focus == "pauses")
    heard, rings_s = augment.degrade(random, programme.samples, rooms, humming=focus == "pauses")
    truth = mixing.ring_on(programme.truth, rings_s) if rings_s else programme.truth
    rendered = {}
    for name, spec in fronts.FRONTS.items():
        frames = round(SECONDS / spec.hop_s)
        raw = fronts.features(spec, heard)[:frames]
        rendered[name] = raw.astype(np.float16)
    return rendered, truth[:CELLS]


def focus_of(index: int) -> Focus:
    """What shard ``index`` dwells on."""
    return next(focus for first, focus in _FIRST if index >= first)


def _write(path: Path, shard: Shard) -> None:
    temporary = path.with_suffix(".part")
    with temporary.open("wb") as file:
        np.savez(file, truth=shard.truth, **shard.features)  # type: ignore[arg-type]
    temporary.rename(path)


def shard_path(folder: Path, index: int) -> Path:
    """Where shard ``index`` lies."""
    return folder / f"shard{index:04d}.npz"


def render_shard(
    banks: Path, corpus: Path | None, folder: Path, part: Part, seed: int, index: int
) -> float:
    """Write one shard unless it is there; returns the seconds it took."""
    path = shard_path(folder, index)
    if path.exists():
        return 0.0
    begun = time.perf_counter()
    random = np.random.default_rng([seed, index, part == "fit"])
    made = [one(banks, corpus, part, random, focus_of(index)) for _ in range(PER_SHARD)]
    features = {name: np.stack([item[0][name] for item in made]) for name in made[0][0]}
    _write(path, Shard(features, np.stack([item[1] for item in made])))
    return time.perf_counter() - begun


def render(
    banks: Path,
    corpus: Path | None,
    folder: Path,
    part: Part,
    seed: int,
    shards: int,
    workers: int,
    told: Callable[[int], None],
) -> None:
    """Write shards 0..``shards`` - 1 with ``workers`` processes; ``told`` hears each index."""
    folder.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(workers) as pool:
        jobs: dict[Future[float], int] = {
            pool.submit(render_shard, banks, corpus, folder, part, seed, index): index
            for index in range(shards)
        }
        for job in as_completed(jobs):
            job.result()
            told(jobs[job])


def read_shard(path: Path) -> Shard:
    """A shard from disk."""
    with np.load(path) as stored:
        arrays = {name: stored[name] for name in stored.files}
    truth = arrays.pop("truth")
    return Shard(arrays, truth)


def shard_files(folder: Path) -> Iterator[Path]:
    """The finished shards of a folder, in order."""
    yield from sorted(folder.glob("shard*.npz"))


def audio_hours(shards: int) -> float:
    """Hours of programmes in so many shards."""
    return shards * PER_SHARD * SECONDS / 3600


assert int(SECONDS * RATE_HZ) // 882 == CELLS
