"""Reads what is known about the recordings: programmes with their truth, and labelled clips."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from streamseg.errors import NoSuchInputError

CORPUS_VARIABLE = "STREAMSEG_CORPUS"
_LAYERS = ("music", "speech", "noise", "silence")
_CLIPS = ("music", "speech", "noise")


@dataclass(frozen=True, slots=True)
class Truth:
    """One layer of a programme."""

    start_s: float
    end_s: float
    label: str
    level_db: float
    """Against the other layer that sounds with it; 99 where it sounds alone."""


@dataclass(frozen=True, slots=True)
class Programme:
    """A composed broadcast."""

    name: str
    condition: str
    """What was done to its sound: ``clean``, ``reverb``, ``hum`` and so on."""
    duration_s: float
    audio: Path
    truth: tuple[Truth, ...]


@dataclass(frozen=True, slots=True)
class Clip:
    """A recording of one class from end to end."""

    audio: Path
    label: str


def corpus_folder(argument: Path | None, below: str = "") -> Path:
    """The folder that was named, or ``$STREAMSEG_CORPUS/below``. Raises NoSuchInputError."""
    if argument is not None:
        folder = argument
    elif named := os.environ.get(CORPUS_VARIABLE):
        folder = Path(named) / below
    else:
        raise NoSuchInputError(
            f"expected a folder as argument or in {CORPUS_VARIABLE}, got neither; name one"
        )
    if not folder.is_dir():
        raise NoSuchInputError(f"expected a folder with recordings, got {folder}: no such folder")
    return folder


def banks_folder(cache: Path) -> Path:
    """Where the cache of the training command has its sounds. Raises NoSuchInputError."""
    banks = cache / "banks"
    if not any(banks.glob("*.json")):
        raise NoSuchInputError(
            f"expected the sounds of a training in {banks}, found none; "
            "name the --cache of python -m streamseg.training"
        )
    return banks


def read_programmes(folder: Path) -> list[Programme]:
    """All programmes of ``index.csv``, in its order.

    Beside it lie ``<name>.csv`` (start_s, end_s, label, level_db) and ``<name>.opus`` (or another
    suffix). Raises NoSuchInputError if one is missing or has other columns.
    """
    programmes = []
    for row in _rows(folder / "index.csv", "name", "condition", "duration_s"):
        name = row["name"]
        audio = sorted(p for p in folder.glob(f"{name}.*") if p.suffix != ".csv")
        if not audio:
            raise NoSuchInputError(
                f"expected the sound of {name} in {folder} (say {name}.opus), found none; "
                "correct index.csv or add the file"
            )
        duration_s = _number(folder / "index.csv", row["duration_s"])
        truth = tuple(read_truth(folder / f"{name}.csv"))
        programmes.append(Programme(name, row["condition"], duration_s, audio[0], truth))
    if not programmes:
        raise NoSuchInputError(f"expected programmes in {folder / 'index.csv'}, found none")
    return programmes


def read_truth(path: Path) -> Iterator[Truth]:
    """The layers of one programme. Without a column ``level_db`` every layer sounds alone."""
    for row in _rows(path, "start_s", "end_s", "label"):
        yield Truth(
            _number(path, row["start_s"]),
            _number(path, row["end_s"]),
            _known(path, row["label"], _LAYERS),
            _number(path, row.get("level_db") or "99"),
        )


def read_clips(corpus: Path, split: str = "eval") -> list[Clip]:
    """The clips of one split of ``manifest.csv``. Raises NoSuchInputError if there are none."""
    manifest = corpus / "manifest.csv"
    clips = [
        Clip(corpus / row["path"], _known(manifest, row["class"], _CLIPS))
        for row in _rows(manifest, "path", "split", "class")
        if row["split"] == split
    ]
    if not clips:
        raise NoSuchInputError(f"expected clips of split {split!r} in {manifest}, found none")
    return clips


def _rows(path: Path, *columns: str) -> Iterator[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            reader = csv.DictReader(lines)
            missing = [name for name in columns if name not in (reader.fieldnames or ())]
            if missing:
                raise NoSuchInputError(
                    f"expected columns {', '.join(columns)} in {path}, "
                    f"missing {', '.join(missing)}; correct its first line"
                )
            yield from reader
    except OSError as error:
        raise NoSuchInputError(f"expected a table at {path}: {error.strerror}") from None


def _number(path: Path, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise NoSuchInputError(f"expected a number in {path}, got {text!r}; correct it") from None


def _known(path: Path, label: str, labels: tuple[str, ...]) -> str:
    if label not in labels:
        raise NoSuchInputError(
            f"expected a label of {', '.join(labels)} in {path}, got {label!r}; correct it"
        )
    return label
