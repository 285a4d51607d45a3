"""Build the banks: everything that a renderer draws from, once, in parallel, resumable."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np

from streamseg.training import (
    ambient,
    electronic,
    gatherings,
    melodies,
    repertoire,
    scores,
    singers,
    syllables,
    synthetic,
)
from streamseg.training.data import (
    Bank,
    Part,
    Sound,
    corpus_sounds,
    read_manifest,
    stem_sounds,
    write_bank,
)

# The longest to make come first.
KINDS = (
    "sung",
    "scored",
    "electronic",
    "midi",
    "invented",
    "music",
    "noise",
    "speech",
    "foreign",
    "vocals",
    "sung_held_out",
    "grains",
    "grains_held_out",
    "held",
    "stems",
)
LATER = ("dance", "bands", "gatherings", "gatherings_held_out")
"""What the varied shards draw from besides; it is made of the others, and of rendered pieces."""
LAST = ("ambient",)
"""Made of all of these."""

SINGLE = ("syllables",)
"""What programmes of single sounds draw from besides ``KINDS``."""


def pieces_of(cache: Path, part: Part) -> Path:
    """Where a cache has the rendered pieces of the stem networks."""
    return cache / ("stem_pieces" if part == "fit" else "stem_cases")


def _later(kind: str, corpus: Path, folder: Path, seed: int) -> Iterator[Sound]:
    """Sounds of one of ``LATER`` or ``LAST``, those to train on first."""
    if kind == "dance":
        fit = repertoire.dance_sounds(folder, "fit", 150, seed)
        return chain(fit, repertoire.dance_sounds(folder, "validation", 24, seed))
    if kind == "bands":
        cache = folder.parent
        fit = repertoire.band_sounds(pieces_of(cache, "fit"), "fit", seed)
        held_out = pieces_of(cache, "validation")
        return chain(fit, repertoire.band_sounds(held_out, "validation", seed))
    if kind == "ambient":
        fit = ambient.ambient_sounds(folder, "fit", 560, seed)
        return chain(fit, ambient.ambient_sounds(folder, "validation", 80, seed))
    clips = read_manifest(corpus)
    if kind == "gatherings":
        return gatherings.gathering_sounds(clips, "fit", 48, 72, seed)
    return gatherings.gathering_sounds(clips, "validation", 14, 16, seed)


def _sounds(kind: str, corpus: Path, folder: Path, seed: int) -> Iterator[Sound]:
    if kind in (*LATER, *LAST):
        return _later(kind, corpus, folder, seed)
    clips = read_manifest(corpus)
    if kind in ("music", "speech", "noise"):
        return corpus_sounds(clips, kind)
    fit = singers.held_sounds(clips, "fit", 44, seed)
    held_out = singers.held_sounds(clips, "validation", 8, seed)
    single = partial(syllables.syllable_sounds, clips)
    makers: dict[str, Callable[[], Iterator[Sound]]] = {
        "vocals": lambda: stem_sounds(corpus),
        "stems": lambda: stem_sounds(corpus, ("drums", "bass", "other")),
        "sung": lambda: singers.made_sounds(clips, "fit", 150, seed, songs=3),
        "sung_held_out": lambda: singers.made_sounds(clips, "validation", 24, seed),
        "grains": lambda: singers.made_sounds(clips, "fit", 150, seed, 2, "grains"),
        "grains_held_out": lambda: singers.made_sounds(clips, "validation", 24, seed, 2, "grains"),
        "held": lambda: chain(fit, held_out),
        "syllables": lambda: chain(single("fit", 48, 16, seed), single("validation", 12, 8, seed)),
        "midi": lambda: melodies.midi_sounds(corpus, 100, seed),
        "scored": lambda: scores.scored_sounds(corpus, seed),
        "invented": lambda: melodies.invented_sounds(260, seed),
        "electronic": lambda: electronic.electronic_sounds(240, seed),
        "foreign": lambda: synthetic.foreign_speech(240, seed),
    }
    return makers[kind]()


def _build(kind: str, corpus: Path, folder: Path, seed: int) -> str:
    write_bank(folder, kind, _sounds(kind, corpus, folder, seed))
    return kind


def build_banks(
    corpus: Path,
    folder: Path,
    seed: int,
    workers: int,
    told: Callable[[str], None],
    kinds: Sequence[str] = KINDS,
) -> None:
    """Write every bank of ``kinds`` that is missing under ``folder``; ``told`` hears each name.

    Kinds that need a missing program (FluidSynth, espeak-ng) are left out, which ``told`` hears.
    """
    able = dict.fromkeys(("midi", "invented", "scored"), melodies.available())
    able["foreign"] = synthetic.espeak_available()
    with ProcessPoolExecutor(workers) as pool:
        jobs = []
        for kind in kinds:
            if able.get(kind, True):
                jobs.append(pool.submit(_build, kind, corpus, folder, seed))
            else:
                told(f"{kind}: left out, its program is not installed")
        for job in jobs:
            told(job.result())


def quick_banks(folder: Path, seed: int) -> None:
    """Banks of generated sounds only, in seconds: enough to show that the whole path works."""
    random = np.random.default_rng(seed)
    makers = {
        "music": synthetic.plain_tune,
        "speech": synthetic.babbled_syllables,
        "noise": synthetic.noise,
    }
    for kind, make in makers.items():
        sounds = (
            Sound(make(random, 8.0), f"generated:{i}", "generated", kind, part)
            for i in range(16)
            for part in (("validation" if i % 4 == 0 else "fit"),)
        )
        write_bank(folder, kind, sounds)


def open_banks(folder: Path) -> dict[str, Bank]:
    """All banks of a folder by kind."""
    return {path.stem: Bank(folder, path.stem) for path in sorted(folder.glob("*.json"))}
