"""The corpus as training sees it: clips of the ``train`` split, decoded once, gated by energy.

Every sound lies in a *bank*: one int16 memory map at 44.1 kHz with an index beside it, so that a
renderer process opens it at no cost. Validation sounds are held out inside ``train`` by source
repository, or by speaker or song where one repository holds many of them.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

RATE_HZ = 44100
CELL = 882  # samples of one label cell: 20 ms
Part = Literal["fit", "validation"]

# Cells of a sound: what its file label is worth there.
PAUSE, SOUNDING, DOUBTFUL = 0, 1, 2

_BRIDGED_S = 0.7  # a pause this short belongs to the sound (a person would not cut there)
_DOUBTFUL_S = 2.0  # a longer one is nobody's; beyond this it is a pause

VALIDATION_REPOS = frozenset(
    {
        # music, about 12 % of the hours
        "C-C-Minetest-Server/phonograph_album_helena",
        "MegaGlest/megaglest-data",
        "viewizard/astromenace",
        "raysan5/raylib",
        "petegordon/Tandemonium",
        "GitZilla8462/music-mind-academy-git",
        "ooxi/violetland",
        "OpenDungeons/OpenDungeons",
        # noise
        "Fris0uman/CDDA-Soundpacks",
        "scikit-maad/scikit-maad",
        "OpenTTD/OpenSFX",
        "hsbakshi/ambient-engine",
        "themanaworld/tmwa-client-data",
        "felixchenfy/Speech-Commands-Classification-by-LSTM-PyTorch",
        "grigoriev-vladimir/drone-audio-dataset",
        # speech (and 15 % of the speakers of the large collections, see ``_part``)
        "NVIDIA/DALI_extra",
        "lhotse-speech/lhotse",
        "speechbrain/speechbrain",
    }
)
"""Repositories that the network never trains on; used to choose, stop and calibrate."""


@dataclass(frozen=True, slots=True)
class Clip:
    """One row of the corpus manifest that may be trained on."""

    path: Path
    label: str
    group: str
    repo: str
    licence: str
    attribution: str
    detail: str
    vocals: bool
    part: Part
    duration_s: float


@dataclass(frozen=True, slots=True)
class Entry:
    """One sound in a bank: where it lies and what it is."""

    group: str
    repo: str
    detail: str
    part: Part
    vocals: bool
    start: int
    """First sample in the bank, a multiple of ``CELL``."""
    length: int
    """Samples, a multiple of ``CELL``."""


def fraction_of(text: str) -> float:
    """A number in 0..1 that depends on the text alone (not on the interpreter's hash seed)."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big") / 2**48


def _part(row: dict[str, str], song: int) -> Part:
    if row["source_repo"] in VALIDATION_REPOS:
        return "validation"
    if row["vocals"] == "yes":
        return "validation" if song % 6 == 2 else "fit"
    if row["class"] == "speech" and row["group"] != f"{row['source_repo']}:":
        return "validation" if fraction_of(row["group"]) < 0.15 else "fit"
    return "fit"


def read_manifest(corpus: Path, split: str = "train") -> list[Clip]:
    """The clips of a split; what is not of ``train`` is never trained on, whatever its ``part``.

    Raises FileNotFoundError when the folder holds no ``manifest.csv``.
    """
    path = corpus / "manifest.csv"
    if not path.is_file():
        raise FileNotFoundError(
            f"expected the corpus manifest at {path}; give the corpus folder with --corpus"
        )
    clips = []
    song, before = 0, 0.0
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["split"] != split:
                continue
            # Excerpts of one song follow each other: a new song begins where the start goes back.
            start_s = float(row["start_s"] or 0)
            if row["vocals"] == "yes":
                song += start_s < before
                before = start_s
            clips.append(
                Clip(
                    path=corpus / row["path"],
                    label=row["class"],
                    group=row["group"],
                    repo=row["source_repo"],
                    licence=row["licence"],
                    attribution=row["attribution"],
                    detail=row["detail"],
                    vocals=row["vocals"] == "yes",
                    part=_part(row, song),
                    duration_s=float(row["duration_s"]),
                )
            )
    return clips


def decode(path: Path, rate_hz: int = RATE_HZ) -> NDArray[np.float32]:
    """A sound file as mono float32 (n,) at ``rate_hz``."""
    samples, native_hz = soundfile.read(path, dtype="float32", always_2d=True)
    mono: NDArray[np.float32] = samples.mean(axis=1)
    return np.asarray(soxr.resample(mono, native_hz, rate_hz), np.float32)


def cell_levels_db(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean square of each 20 ms cell in dB, (cells,) float32."""
    cells = samples[: len(samples) // CELL * CELL].reshape(-1, CELL)
    power = np.einsum("cs,cs->c", cells, cells) / CELL
    return np.asarray(10.0 * np.log10(power + 1e-12), np.float32)


def runs(mask: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """Start and end (exclusive) of every run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], mask.astype(np.int8), [0]))))
    yield from zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)


def gate(samples: NDArray[np.float32], depth_db: float = 32.0) -> NDArray[np.uint8]:
    """Which cells of a sound carry it: (cells,) of PAUSE, SOUNDING, DOUBTFUL.

    A cell sounds when it lies less than ``depth_db`` below the sound's 95th percentile; pauses up
    to 0.7 s are bridged, those up to 2 s are doubtful.
    """
    levels = cell_levels_db(samples)
    if not len(levels):
        return np.zeros(0, np.uint8)
    threshold = max(float(np.percentile(levels, 95)) - depth_db, -75.0)
    result = (levels > threshold).astype(np.uint8)
    for start, end in runs(result == PAUSE):
        length_s = (end - start) * CELL / RATE_HZ
        inside = start > 0 and end < len(result)
        if inside and length_s <= _BRIDGED_S:
            result[start:end] = SOUNDING
        elif length_s <= _DOUBTFUL_S:
            result[start:end] = DOUBTFUL
    return result


class Bank:
    """Sounds of one kind, read from a memory map."""

    def __init__(self, folder: Path, kind: str) -> None:
        index = json.loads((folder / f"{kind}.json").read_text())
        self.kind = kind
        self.entries = tuple(Entry(**entry) for entry in index)
        self._samples = np.memmap(folder / f"{kind}.i16", np.int16, "r")
        self._cells = np.memmap(folder / f"{kind}.u8", np.uint8, "r")

    def samples(self, entry: Entry) -> NDArray[np.float32]:
        """The whole sound, (length,) float32 within -1..1."""
        stored = self._samples[entry.start : entry.start + entry.length]
        return np.asarray(stored, np.float32) / np.float32(32768)

    def cells(self, entry: Entry) -> NDArray[np.uint8]:
        """What the file label is worth, (length / CELL,), see ``gate``."""
        first = entry.start // CELL
        return np.array(self._cells[first : first + entry.length // CELL])


@dataclass(frozen=True, slots=True)
class Sound:
    """A sound on its way into a bank."""

    samples: NDArray[np.float32]
    group: str
    repo: str
    detail: str
    part: Part
    vocals: bool = False


def write_bank(folder: Path, kind: str, sounds: Iterable[Sound]) -> None:
    """Write a bank; nothing happens when it is there already. The index is written last."""
    index_path = folder / f"{kind}.json"
    if index_path.exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    entries: list[Entry] = []
    start = 0
    with (folder / f"{kind}.i16").open("wb") as audio, (folder / f"{kind}.u8").open("wb") as marks:
        for sound in sounds:
            length = len(sound.samples) // CELL * CELL
            peak = float(np.abs(sound.samples).max(initial=0.0))
            if length < 10 * CELL or peak < 1e-4:
                continue
            scaled = sound.samples[:length] * (0.9 / peak)
            np.round(scaled * 32767).astype(np.int16).tofile(audio)
            gate(scaled).tofile(marks)
            meta = (sound.group, sound.repo, sound.detail, sound.part, sound.vocals)
            entries.append(Entry(*meta, start=start, length=length))
            start += length
    temporary = index_path.with_suffix(".tmp")
    temporary.write_text(json.dumps([asdict(entry) for entry in entries]))
    temporary.rename(index_path)


def corpus_sounds(clips: Iterable[Clip], label: str) -> Iterator[Sound]:
    """The clips of one class, decoded."""
    for clip in clips:
        if clip.label == label:
            meta = (clip.group, clip.repo, clip.detail, clip.part, clip.vocals)
            yield Sound(decode(clip.path), *meta)


def stem_sounds(corpus: Path, stems: Sequence[str] = ("vocals",)) -> Iterator[Sound]:
    """Stems of the ``train`` split that are not empty: unaccompanied singing, drums alone."""
    with (corpus / "stems" / "manifest.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            usable = row["stem"] in stems and float(row["rms_dbfs"]) > -55
            if row["split"] != "train" or not usable:
                continue
            part: Part = "validation" if "sodium" in row["song"] else "fit"
            samples = decode(corpus / row["path"])
            sung = row["stem"] == "vocals"
            yield Sound(samples, row["song"], row["source_repo"], row["stem"], part, vocals=sung)
