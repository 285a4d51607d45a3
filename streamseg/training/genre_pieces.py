"""Generated dance music for ``stem_genre``: pieces on disk, and what the live network sees of them.

A piece is kept as samples of its mixture and as the pictures of its exact stems; what a stem
network finds in the mixture is kept beside it, under a part of that network's hash. Features,
masks and mel bands are made by the classes that run in the product.

**Who is in which lot.** ``fit`` and ``validation`` have seeds of their own, and voices of the two
parts of the corpus' split ``train``; ``test`` has the seeds of neither and voices of ``eval``.
``genre_trials`` has other seeds again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from streamseg.frontend.features import FeatureStream
from streamseg.messages import STEP, Float32Array, Spectra
from streamseg.models import StemJob, StemNetwork, load_stem_network
from streamseg.models.card import PictureSpec
from streamseg.models.stem_genre import StemMel
from streamseg.training.augment import Samples
from streamseg.training.dance import voices
from streamseg.training.dance.genres import GENRES
from streamseg.training.dance.piece import make
from streamseg.training.data import RATE_HZ
from streamseg.training.fronts import STEM_UNET_SMALL
from streamseg.training.genre_data import FRAMES, Song

Lot = Literal["fit", "validation", "test"]
LOTS: tuple[Lot, ...] = ("fit", "validation", "test")
SECONDS = 15.0  # a window of 10.6 s may begin anywhere in the first four
STEP_FRAMES = 108  # 2.5 s
PICTURE = PictureSpec(
    stems=("bass", "drums", "other"),
    bands=128,
    frames=FRAMES,
    floor_db=-100.0,
    silent_db=-30.0,  # a line-up tone of -20 dBFS reads about +20
)
_LEVELS_DB = (-25.0, 0.0)  # of a piece, below what it was mixed at
_BLOCK = 43  # feature frames in a call: a second, as in live use


def seed_of(lot: Lot, seed: int, number: int) -> int:
    """The seed of a piece of a lot: none of ``genre_trials``, none of another lot."""
    return 1_000_000 * (10 * seed + LOTS.index(lot) + 1) + number


@dataclass(frozen=True, slots=True)
class Place:
    """Where the pieces of a lot lie and what they are made of."""

    cache: Path
    corpus: Path | None
    lot: Lot
    seed: int

    @property
    def folder(self) -> Path:
        """One for each kind of voices, too."""
        voices = "corpus" if self.corpus else "no_corpus"
        return self.cache / f"genre_pieces_{voices}_{self.seed}" / self.lot


@lru_cache(maxsize=3)
def _voices(corpus: Path | None, lot: Lot) -> list[Samples]:
    if corpus is None:
        return voices.made_voices()
    if lot == "test":
        return voices.corpus_voices(corpus, split="eval")
    return voices.corpus_voices(corpus, part=lot)


@lru_cache(maxsize=1)
def _mel() -> StemMel:
    return StemMel(STEM_UNET_SMALL, PICTURE)


@lru_cache(maxsize=1)
def network_of(models: Path | None, stem: str) -> StemNetwork:
    """A stem network of a folder, by default of the shipped ones."""
    return load_stem_network(stem, "cpu", models)


def spectra_of(mixture: Samples) -> Float32Array:
    """Feature frames of samples at 44.1 kHz, (frames, 1536) decibels, as a live source's."""
    return FeatureStream(STEM_UNET_SMALL, RATE_HZ).push(mixture).features


def exact(stems: dict[str, Samples]) -> Float32Array:
    """Pictures of stems that are known, (frames, 3, 128) decibels."""
    every = np.ones((1, 1, 512), np.float32)
    mel = _mel()
    pictures = [
        mel.decibels(mel.power(spectra_of(stems[name])), every)[:, 0] for name in PICTURE.stems
    ]
    return np.stack(pictures, axis=1)


def found(mixture: Samples, network: StemNetwork) -> Float32Array:
    """Pictures of the stems that a network finds in a mixture, (frames, 3, 128) decibels.

    From the beginning of a stream on: in the first seconds the network knows no level yet.
    """
    front = FeatureStream(STEM_UNET_SMALL, RATE_HZ)
    features, late = front.push(mixture).features, front.flush(network.flush_frames).features
    stream, prob = network.open(RATE_HZ), []
    for at in range(0, len(features) + len(late), _BLOCK):
        part = np.concatenate((features, late))[at : at + _BLOCK]
        spectra = Spectra("a", part, np.zeros(len(part), np.float32), np.empty(0, STEP), at, 0)
        prob += [mask.prob for mask in network.run([StemJob(stream, spectra)])[0]]
    classes = network.card.classes
    gains = np.concatenate(prob, axis=2)[[classes.index(name) for name in PICTURE.stems]]
    mel = _mel()
    return mel.decibels(mel.power(features), gains.transpose(2, 0, 1))


def _stored(path: Path, **arrays: NDArray[np.generic] | np.generic) -> None:
    temporary = path.with_suffix(".part")
    with temporary.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]
    temporary.rename(path)


def _make(place: Place, song: Song) -> None:
    path = place.folder / f"{song.name}.npz"
    if path.exists():
        return
    seed = seed_of(place.lot, place.seed, song.number)
    sources = _voices(place.corpus, place.lot)
    piece = make(list(GENRES)[song.genre], seed, sources, SECONDS)
    level_db = np.random.default_rng([seed, 97, song.genre]).uniform(*_LEVELS_DB)
    gain = np.float32(10 ** (level_db / 20))
    stems = {name: samples * gain for name, samples in piece.stems.items()}
    _stored(
        path,
        exact=exact(stems).astype(np.float16),
        mixture=np.round(np.clip(piece.mixture * gain, -1, 1) * 32767).astype(np.int16),
    )


def _find(place: Place, song: Song, models: Path | None, stem: str, folder: Path) -> None:
    path = folder / f"{song.name}.npz"
    if path.exists():
        return
    with np.load(place.folder / f"{song.name}.npz") as stored:
        mixture = np.asarray(stored["mixture"], np.float32) / np.float32(32767)
    _stored(path, found=found(mixture, network_of(models, stem)).astype(np.float16))


def render(
    place: Place,
    songs: Sequence[Song],
    models: Path | None,
    stem: str,
    workers: int,
    told: Callable[[str], None],
) -> None:
    """Make the pieces that are missing, and find stems where they were not found yet.

    ``models`` is the folder of the stem network, by default that of the shipped ones.
    """
    folder = _found_folder(place, models, stem)
    folder.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(workers) as pool:
        jobs = [pool.submit(_make, place, song) for song in songs]
        for done, job in enumerate(jobs, start=1):
            job.result()
            told(f"{place.lot}: {done} pieces of {len(jobs)}")
        jobs = [pool.submit(_find, place, song, models, stem, folder) for song in songs]
        for done, job in enumerate(jobs, start=1):
            job.result()
            told(f"{place.lot}: stems of {done} pieces of {len(jobs)}")


def _found_folder(place: Place, models: Path | None, stem: str) -> Path:
    return place.folder / f"{stem}_{network_of(models, stem).card.sha256[:8]}"


@dataclass(frozen=True, slots=True)
class Pictures:
    """Pieces of one lot.

    Shape: ``exact`` and ``found`` are (pieces, frames, 3, 128) float16 decibels, with more frames
    than a picture has; ``genres`` is (pieces,) places in ``GENRES``.
    """

    exact: NDArray[np.float16]
    found: NDArray[np.float16]
    genres: NDArray[np.int64]

    @property
    def hours(self) -> float:
        """Sound in it."""
        return len(self.genres) * SECONDS / 3600


def read(place: Place, songs: Sequence[Song], models: Path | None, stem: str) -> Pictures:
    """The pieces. Raises FileNotFoundError for one that was not made or has no stems yet."""
    folder = _found_folder(place, models, stem)
    known, guessed = [], []
    for song in songs:
        with np.load(place.folder / f"{song.name}.npz") as stored:
            known.append(stored["exact"])
        with np.load(folder / f"{song.name}.npz") as stored:
            guessed.append(stored["found"])
    return Pictures(np.stack(known), np.stack(guessed), np.array([song.genre for song in songs]))
