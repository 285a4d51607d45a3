"""Render training data: shards of feature arrays with labels, each made from (seed, index) alone.

A shard holds 32 programmes of 24 s after degradation, as float16 features for the front ends asked
for: by default those of ``fronts.SHARED``, so one render serves these networks. Shards are written
by a process pool, each under a temporary name first: an interrupted render resumes, and a trainer
may read while it runs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
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
from streamseg.training.shelves import OUTDOORS, WIDE, Taste

SECONDS = 24.0
CELLS = 1200  # 24 s of 20 ms
PER_SHARD = 32
SHARDS = 456
"""All that there are to train on, 97 hours."""
# Shards beyond 160 (34 hours) dwell on what the plain ones leave over.
Focus = Literal[
    "plain", "pauses", "singing", "broad", "voices", "varied", "unaccompanied", "ambient"
]
_FIRST: tuple[tuple[int, Focus], ...] = (
    (424, "ambient"),
    (392, "unaccompanied"),
    (340, "varied"),
    (284, "voices"),
    (236, "broad"),
    (208, "singing"),
    (160, "pauses"),
    (0, "plain"),
)
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
    banks: Path, corpus: Path | None, part: Part, taste: Taste
) -> tuple[Layers, list[augment.Samples]]:
    rooms = layers.rooms_of(corpus)
    return Layers(open_banks(banks), part, rooms, taste), rooms


def one(
    banks: Path,
    corpus: Path | None,
    part: Part,
    random: np.random.Generator,
    focus: Focus,
    names: Iterable[str] = fronts.SHARED,
) -> tuple[dict[str, NDArray[np.float16]], NDArray[np.uint8]]:
    """One degraded programme of 24 s as features and truth."""
    taste: Taste = "plain" if focus == "pauses" else focus
    drawn, rooms = _layers(banks, corpus, part, taste)
    broad = taste in WIDE
    pauses = random.random() < 0.35 if broad else focus == "pauses"
    varied = taste in OUTDOORS
    programme = mixing.compose(drawn, random, SECONDS + _TAIL_S, pauses, broad, varied)
    if varied:
        programme = mixing.troubled(random, programme)
    humming = random.random() < 0.3 if broad else focus == "pauses"
    heard, rings_s = augment.degrade(random, programme.samples, rooms, humming, harsh=broad)
    truth = mixing.ring_on(programme.truth, rings_s) if rings_s else programme.truth
    rendered = {}
    for name in names:
        spec = fronts.FRONTS[name]
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
    banks: Path,
    corpus: Path | None,
    folder: Path,
    part: Part,
    seed: int,
    index: int,
    names: tuple[str, ...] = fronts.SHARED,
) -> float:
    """Write one shard unless it is there; returns the seconds it took."""
    path = shard_path(folder, index)
    if path.exists():
        return 0.0
    begun = time.perf_counter()
    random = np.random.default_rng([seed, index, part == "fit"])
    made = [one(banks, corpus, part, random, focus_of(index), names) for _ in range(PER_SHARD)]
    features = {name: np.stack([item[0][name] for item in made]) for name in made[0][0]}
    _write(path, Shard(features, np.stack([item[1] for item in made])))
    return time.perf_counter() - begun


def render(
    banks: Path,
    corpus: Path | None,
    folder: Path,
    part: Part,
    seed: int,
    shards: Iterable[int],
    workers: int,
    told: Callable[[int], None],
    names: tuple[str, ...] = fronts.SHARED,
) -> None:
    """Write the shards of these numbers with ``workers`` processes; ``told`` hears each number.

    ``names`` are the front ends; what they are changes no programme: the same number is the same
    sound in every folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(workers) as pool:
        jobs: dict[Future[float], int] = {
            pool.submit(render_shard, banks, corpus, folder, part, seed, index, names): index
            for index in shards
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
