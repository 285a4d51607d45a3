"""One training command: where its files lie, its sounds, and the record of it on the card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from streamseg.models.card import DataSource, TrainingRecord
from streamseg.training import banks, export


@dataclass(frozen=True, slots=True)
class Job:
    """What was asked for. Several commands may share ``cache``; ``runs`` hold checkpoints."""

    stem: str
    corpus: Path | None
    cache: Path
    runs: Path
    models: Path
    seed: int
    workers: int
    quick: bool

    @property
    def banks(self) -> Path:
        """Sounds."""
        return self.cache / "banks"

    @property
    def command(self) -> str:
        """How to do it again."""
        where = "--quick" if self.quick else "--corpus CORPUS"
        return f"python -m streamseg.training {self.stem} {where} --seed {self.seed}"


def prepare_banks(job: Job, console: Console) -> None:
    """The sounds that everything is made of, unless they are there."""
    if job.quick:
        banks.quick_banks(job.banks, job.seed)
        return
    assert job.corpus is not None
    console.print("sounds: decoding the corpus, making singing, playing notes")
    banks.build_banks(job.corpus, job.banks, job.seed, job.workers, console.print)


def record_of(job: Job, hours: float, besides: Sequence[str] = ()) -> TrainingRecord:
    """How the weights came about: command, seed, hours heard, and every source with its licence.

    ``besides``: kinds of made sounds, see ``export.corpus_sources``.
    """
    sources: tuple[DataSource, ...] = (
        DataSource(source="generated sounds", licence="MIT", minutes=1.0),
    )
    if job.corpus is not None and not job.quick:
        sources = export.corpus_sources(job.corpus, job.banks, besides)
    return TrainingRecord(
        command=job.command, seed=job.seed, hours_of_audio=round(hours, 2), data=sources
    )
