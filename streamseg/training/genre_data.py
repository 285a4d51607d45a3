"""Generated pieces as mel spectrograms: made once, one file a piece, resumable.

The front end is the paper's (128 x 458 at 22,050 Hz, about 10 seconds). Every piece is kept as six
spectrograms: each stem, the mixture, and the mixture without vocals; and as samples of the mixture,
from which a network may find stems of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from streamseg.frontend.spec import FrontEndSpec
from streamseg.training import fronts
from streamseg.training.augment import Samples
from streamseg.training.dance import voices
from streamseg.training.dance.genres import GENRES
from streamseg.training.dance.piece import STEMS, make
from streamseg.training.data import RATE_HZ

FRONT = FrontEndSpec(
    rate_hz=22050,
    n_fft=2048,
    hop=512,  # 458 frames are 10.7 s; the paper's text gives their number and "approximately 10 s"
    n_mels=128,
    fmin_hz=0.0,
    fmax_hz=11025.0,
    floor_db=-100.0,
    norm=None,
)
FRAMES = 458
RANGE_DB = 80.0
SPECTROGRAMS = (*STEMS, "full", "no_vox")


@dataclass(frozen=True, slots=True)
class Song:
    """Which piece: the genre's place in ``GENRES``, and its number within the genre."""

    genre: int
    number: int

    @property
    def name(self) -> str:
        """As files are named."""
        return f"{list(GENRES)[self.genre].replace(' ', '_')}-{self.number:04d}"


@dataclass(frozen=True, slots=True)
class Songs:
    """A set of pieces.

    Shape: ``pictures`` is (songs, 6, 128, 458) float16 decibels in the order of ``SPECTROGRAMS``,
    ``genres`` is (songs,) places in ``GENRES``, ``bpm`` is (songs,).
    """

    pictures: NDArray[np.float16]
    genres: NDArray[np.int64]
    bpm: NDArray[np.float64]
    names: tuple[str, ...]


def songs_of(per_genre: int, first: int = 0) -> list[Song]:
    """So many of each genre, by number, so that a smaller set is part of a larger one."""
    numbers = range(first, first + per_genre)
    return [Song(genre, number) for number in numbers for genre in range(len(GENRES))]


def picture(samples: Samples) -> NDArray[np.float32]:
    """(128, 458) decibels of samples at 44.1 kHz, of which there are 10.75 s or more."""
    return np.asarray(fronts.features(FRONT, samples)[:FRAMES].T, np.float32)


@lru_cache(maxsize=2)
def _voices(corpus: Path | None) -> list[Samples]:
    return voices.corpus_voices(corpus) if corpus else voices.made_voices()


def _path(folder: Path, song: Song) -> Path:
    return folder / f"{song.name}.npz"


def _write(folder: Path, corpus: Path | None, seed: int, song: Song) -> None:
    path = _path(folder, song)
    if path.exists():
        return
    piece = make(list(GENRES)[song.genre], 100_000 * seed + song.number, _voices(corpus))
    mixture = piece.mixture
    heard = [*(piece.stems[name] for name in STEMS), mixture, mixture - piece.stems["vocals"]]
    temporary = path.with_suffix(".part")
    with temporary.open("wb") as file:
        np.savez(
            file,
            pictures=np.stack([picture(samples) for samples in heard]).astype(np.float16),
            mixture=np.round(np.clip(mixture, -1, 1) * 32767).astype(np.int16),
            bpm=np.float64(piece.bpm),
            idioms=np.array(piece.idioms),
        )
    temporary.rename(path)


def render(
    folder: Path,
    corpus: Path | None,
    seed: int,
    songs: Sequence[Song],
    workers: int,
    told: Callable[[int], None],
) -> None:
    """Make the pieces that are missing; ``told`` hears how many are there."""
    folder.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(workers) as pool:
        jobs = [pool.submit(_write, folder, corpus, seed, song) for song in songs]
        for done, job in enumerate(jobs, start=1):
            job.result()
            told(done)


def read(folder: Path, songs: Iterable[Song]) -> Songs:
    """Pieces from their files. Raises FileNotFoundError for one that was not made."""
    chosen = list(songs)
    pictures, bpm = [], []
    for song in chosen:
        with np.load(_path(folder, song)) as stored:
            pictures.append(stored["pictures"])
            bpm.append(float(stored["bpm"]))
    return Songs(
        np.stack(pictures),
        np.array([song.genre for song in chosen]),
        np.array(bpm),
        tuple(song.name for song in chosen),
    )


def mixture_of(folder: Path, song: Song) -> Samples:
    """The mixture of a piece that was made, (n,) at 44.1 kHz."""
    with np.load(_path(folder, song)) as stored:
        return np.asarray(stored["mixture"], np.float32) / np.float32(32767)


def relative(pictures: NDArray[np.floating]) -> NDArray[np.float32]:
    """Decibels below the loudest band and frame of all channels of a song, from 0 (silent) to 1.

    Shape: (songs, channels, 128, 458) in and out. One reference for all channels: gain falls out,
    the balance between stems stays.
    """
    values = np.asarray(pictures, np.float32)
    loudest = values.max(axis=(1, 2, 3), keepdims=True)
    return np.asarray(np.clip((values - loudest + RANGE_DB) / RANGE_DB, 0, 1), np.float32)


assert 2 * FRONT.rate_hz == RATE_HZ
