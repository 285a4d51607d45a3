"""Pieces with exact stems on disk: shards of 16-bit samples, each made from (seed, number) alone.

A shard is (16 pieces, 4 stems, 24 s at 22.05 kHz) as a memory map, with the origins of its pieces
in a table beside it that is written last: an interrupted render goes on, and a trainer may read
while it runs. Training remixes the stems, so a piece is heard in many ways.

**Who is in which share.** ``test`` holds what no trainer reads: every MIDI file of OpenMSX, singers
made from speakers of the split ``eval``, the stems of the split ``eval``. ``validation`` holds
0.12 of the other MIDI files (by a hash of their paths, as ``melodies`` does), singers made from
held-out speakers, and the song "sodium" of the corpus' stems. The rest is ``fit``. Drum machines
and synthesisers are made anew from the seed of each share.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from streamseg.training import banks
from streamseg.training.band import (
    COUNT,
    STEM_RATE_HZ,
    STEMS,
    Band,
    Piece,
    Sheet,
    Voices,
    as_stored,
)
from streamseg.training.data import Bank, decode, fraction_of, read_manifest, write_bank
from streamseg.training.singers import made_sounds

Share = Literal["fit", "validation", "test"]
PER_SHARD = 16
TEST_REPO = "OpenTTD/OpenMSX"
VALIDATION_SONG = "everythingisfree-sodium"
KINDS = ("sung", "sung_held_out", "speech")
"""The banks that voices come from."""
TEST_BANK = "sung_eval"
_VOICE_KINDS: dict[Share, tuple[tuple[str, str], ...]] = {
    "fit": (("sung", "fit"), ("sung", "fit"), ("sung", "fit"), ("speech", "fit")),
    "validation": (("sung_held_out", "validation"), ("speech", "validation")),
    "test": ((TEST_BANK, "validation"),),
}


def share_of_midi(path: str, repo: str) -> Share:
    """Which share a MIDI file of the corpus belongs to; ``path`` as in its manifest."""
    if repo == TEST_REPO:
        return "test"
    return "validation" if fraction_of(path) < 0.12 else "fit"


def midi_of(corpus: Path, share: Share) -> tuple[Sheet, ...]:
    """The MIDI files of one share."""
    with (corpus / "midi" / "manifest.csv").open(newline="", encoding="utf-8") as file:
        return tuple(
            Sheet(row["source_repo"], corpus / row["path"])
            for row in csv.DictReader(file)
            if share_of_midi(row["path"], row["source_repo"]) == share
        )


def write_test_voices(corpus: Path, folder: Path, seed: int, singers: int = 10) -> None:
    """The bank of singers made from speakers of the split ``eval``, unless it is there."""
    clips = [replace(clip, part="validation") for clip in read_manifest(corpus, "eval")]
    write_bank(folder, TEST_BANK, made_sounds(clips, "validation", singers, seed))


@lru_cache(maxsize=3)
def open_band(folder: Path, corpus: Path | None, share: Share) -> Band:
    """What the pieces of a share are made of. ``folder`` holds banks; without a corpus (quick mode)
    there are no scores, and whatever voices there are sing.
    """
    found = banks.open_banks(folder)
    if corpus is None:
        quick = found["speech"]
        return Band((), (Voices(quick, quick.entries),))
    voices = []
    for kind, part in _VOICE_KINDS[share]:
        entries = tuple(
            entry
            for entry in found[kind].entries
            if entry.part == part and (kind == "speech" or entry.detail == "solo")
        )
        if entries:
            voices.append(Voices(found[kind], entries))
    return Band(midi_of(corpus, share), tuple(voices))


# Rendering ----------------------------------------------------------------------------------------


def _save(folder: Path, name: str, pieces: Sequence[Piece]) -> None:
    stored = np.stack([as_stored(piece.stems) for piece in pieces])
    temporary = folder / f"{name}.part"
    with temporary.open("wb") as file:
        np.save(file, stored)
    temporary.rename(folder / f"{name}.npy")
    table = folder / f"{name}.json.part"
    table.write_text(json.dumps([piece.origins for piece in pieces]))
    table.rename(folder / f"{name}.json")


def render_shard(
    bank: Path, corpus: Path | None, folder: Path, share: Share, seed: int, index: int
) -> int:
    """Write one shard unless it is there; returns its number."""
    name = f"pieces{index:03d}"
    if not (folder / f"{name}.json").exists():
        random = np.random.default_rng([seed, index, ("fit", "validation", "test").index(share)])
        band = open_band(bank, corpus, share)
        _save(folder, name, [band.piece(random) for _ in range(PER_SHARD)])
    return index


def render(
    bank: Path,
    corpus: Path | None,
    folder: Path,
    share: Share,
    seed: int,
    shards: int,
    workers: int,
    told: Callable[[int], None],
) -> None:
    """Write the shards of a share that are missing, and its real stems; ``told`` hears numbers."""
    folder.mkdir(parents=True, exist_ok=True)
    if corpus is not None and not (folder / "real.json").exists():
        _save(folder, "real", list(real_pieces(corpus, share)))
    with ProcessPoolExecutor(workers) as pool:
        jobs = [
            pool.submit(render_shard, bank, corpus, folder, share, seed, index)
            for index in range(shards)
        ]
        for job in as_completed(jobs):
            told(job.result())


def real_pieces(corpus: Path, share: Share) -> Iterator[Piece]:
    """The stems of the corpus as they are, in pieces of 24 s; those of ``fit`` overlap."""
    excerpts: dict[str, dict[str, Path]] = {}
    origins: dict[str, str] = {}
    with (corpus / "stems" / "manifest.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            held_out: Share = "validation" if row["song"] == VALIDATION_SONG else "fit"
            if (held_out if row["split"] == "train" else "test") == share:
                path = Path(row["path"])
                excerpts.setdefault(path.parent.name, {})[row["stem"]] = corpus / path
                origins[path.parent.name] = row["song"]
    step = COUNT * 3 // 4 if share == "fit" else COUNT
    for name, paths in sorted(excerpts.items()):
        stems = np.stack([decode(paths[stem], STEM_RATE_HZ) for stem in STEMS])
        for start in range(0, stems.shape[1] - COUNT + 1, step):
            yield Piece(stems[:, start : start + COUNT], (origins[name],))


# Reading ------------------------------------------------------------------------------------------


def read_pieces(folder: Path, real: bool | None = None) -> list[NDArray[np.int16]]:
    """Every finished shard as a memory map (pieces, 4, n); ``real`` chooses the corpus' stems or
    the rest. Raises FileNotFoundError where there is none.
    """
    tables = [
        path
        for path in sorted(folder.glob("*.json"))
        if real is None or (path.stem == "real") == real
    ]
    if not tables:
        raise FileNotFoundError(f"expected rendered pieces in {folder}, found none")
    return [np.load(path.with_suffix(".npy"), mmap_mode="r") for path in tables]


def read_origins(folder: Path) -> list[tuple[str, ...]]:
    """Origins of all pieces, in the order of ``read_pieces``."""
    return [
        tuple(origins)
        for path in sorted(folder.glob("*.json"))
        for origins in json.loads(path.read_text())
    ]


def open_bank(folder: Path) -> Bank:
    """The bank of test voices."""
    return Bank(folder, TEST_BANK)
