"""One training command: where its files lie, its sounds, and the record of it on the card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from streamseg.models.card import DataSource, TrainingRecord
from streamseg.training import band_data, banks, export, stem_fit


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
    def varied(self) -> bool:
        """``activity`` hears the varied shards, too, and is judged by their kinds of sound."""
        return self.stem == "activity" and not self.quick

    @property
    def banks(self) -> Path:
        """Sounds."""
        return self.cache / "banks"

    @property
    def cases(self) -> Path:
        """What chooses between the weights of ``activity`` and ``frame_conv``."""
        return self.cache / ("validation_varied" if self.varied else "validation")

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


def prepare_bands(job: Job, console: Console) -> tuple[Path, Path]:
    """The pieces of the stem networks, unless they are there: the folders of those to train on and
    of those to choose by.
    """
    some, most = (1, 1) if job.quick else (stem_fit.CASE_SHARDS, stem_fit.SHARDS)
    cases, stock = banks.pieces_of(job.cache, "validation"), banks.pieces_of(job.cache, "fit")
    done = 0
    with console.status("rendering") as status:

        def told(_: int) -> None:
            nonlocal done
            done += 1
            status.update(f"rendering: {done} shards of {some + most}")

        band_data.render(
            job.banks, job.corpus, cases, "validation", job.seed + 100, some, job.workers, told
        )
        band_data.render(job.banks, job.corpus, stock, "fit", job.seed, most, job.workers, told)
    return stock, cases


def prepare_later_banks(job: Job, console: Console) -> None:
    """What varied programmes draw from besides: made of the other sounds, and of rendered bands."""
    assert job.corpus is not None
    console.print("sounds: bands, dance music, people who sing together, ambient music")
    prepare_bands(job, console)
    for kinds in (banks.LATER, banks.LAST):
        banks.build_banks(job.corpus, job.banks, job.seed, job.workers, console.print, kinds)


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
