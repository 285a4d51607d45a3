"""Stems that were found in the mixture, in place of the exact ones: what a listener would have.

``way`` is a network of ``models.BAND_STEMS``, or one of the ways without training that
``evaluation.separation`` compares: fixed bands, masks from medians. A song without vocals is then
the sum of the three other estimates, as the paper had it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from streamseg.errors import UsageError
from streamseg.evaluation.separation import (
    Excerpt,
    Way,
    apart,
    drawn_by,
    frequency_thresholds,
    median_masks,
)
from streamseg.models import BAND_STEMS, load_card, load_stem_network
from streamseg.training import fronts
from streamseg.training.augment import Samples
from streamseg.training.dance.piece import STEMS
from streamseg.training.data import RATE_HZ
from streamseg.training.genre_data import FRAMES, FRONT, SPECTROGRAMS, Song, Songs, mixture_of, read

PLAIN: dict[str, Way] = {"bands": frequency_thresholds, "medians": median_masks}
"""Ways without training, by the name that the command takes."""


def way_of(name: str, models: Path | None = None) -> Way:
    """``models`` is the folder of the networks, by default the shipped ones.

    Raises UsageError for an unknown name, ConfigError or ModelError as networks do."""
    if name in PLAIN:
        return PLAIN[name]
    if name not in BAND_STEMS:
        known = ", ".join(("exact", *PLAIN, *BAND_STEMS))
        raise UsageError(f"expected stems of {known}, got {name!r}")
    return drawn_by(load_stem_network(name, "cpu", models))


def label_of(name: str, models: Path | None = None) -> str:
    """The name under which estimates are kept: that of a network holds part of its weights' hash.

    Raises as ``way_of``.
    """
    if name not in BAND_STEMS:
        return name
    return f"{name}_{load_card(name, models).sha256[:8]}"


def found_in(mixture: Samples, way: Way) -> NDArray[np.float16]:
    """Spectrograms of what a way finds in a mixture at 44.1 kHz.

    Shape: (5, 128, 458), the four stems in the order of ``STEMS`` and the sum of all but vocals.
    """
    slow = np.asarray(soxr.resample(mixture, RATE_HZ, FRONT.rate_hz), np.float32)
    # The sum is all that a way may use: the mixture stands in the first place, beside silence.
    given = np.stack([slow, *np.zeros((len(STEMS) - 1, len(slow)), np.float32)])
    stems = apart(way, Excerpt(given, real=False)).stems
    heard = [*stems, stems[[STEMS.index(name) for name in STEMS if name != "vocals"]].sum(axis=0)]
    pictures = [fronts.features(FRONT, samples, FRONT.rate_hz)[:FRAMES].T for samples in heard]
    return np.stack(pictures).astype(np.float16)


def estimated(folder: Path, songs: Sequence[Song], name: str, models: Path | None = None) -> Songs:
    """The songs with the stems of a way; estimates are kept beside the songs and made once."""
    exact, way = read(folder, songs), way_of(name, models)
    kept = folder / f"stems_{label_of(name, models)}"
    kept.mkdir(exist_ok=True)
    places = [SPECTROGRAMS.index(stem) for stem in (*STEMS, "no_vox")]
    for index, song in enumerate(songs):
        path = kept / f"{song.name}.npy"
        if not path.exists():
            temporary = path.with_suffix(".part")
            with temporary.open("wb") as file:
                np.save(file, found_in(mixture_of(folder, song), way))
            temporary.rename(path)
        exact.pictures[index, places] = np.load(path)
    return exact
