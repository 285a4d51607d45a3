"""``python -m streamseg.training.genre_trials``: the protocol of "genre from separated stems".

Fifty times a random 80/20 split of the songs, the same for every model; six epochs; the
figures of the epoch with the least test loss. A table of the trials (CSV) grows line by line: what
is there is not done again. ``--stems NETWORK`` takes the stems that a network finds in the mixture
in place of the exact ones.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import click
import numpy as np
import platformdirs
import torch
from rich.console import Console
from rich.table import Table

from streamseg.errors import StreamsegError
from streamseg.evaluation.resampling import gain
from streamseg.training import genre_cues, genre_data, genre_stems
from streamseg.training.dance.genres import GENRES
from streamseg.training.genre_data import Songs
from streamseg.training.stem_genre import MODELS, Recipe, best, channels_of, run_trial, split

TEST_SHARE = 0.2
BASELINE = "no_vox"
PAPER = {
    "full": (0.380, 0.350),
    "no_vox": (0.384, 0.371),
    "stems": (0.456, 0.435),
    "stems_dw": (0.451, 0.419),
}
"""Mean accuracy and F1 of its table 1: 66 songs of other music."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One line of the table of trials."""

    trial: int
    model: str
    stems: str
    songs: int
    epoch: int
    """With the least test loss; the next three figures are of it."""
    loss: float
    accuracy: float
    f1: float
    last_accuracy: float
    """After the last epoch, whatever the test loss."""
    last_f1: float


_HEADINGS = (
    "accuracy",
    "F1",
    "its deviation",
    "accuracy after six",
    "F1",
    "paper",
    "F1",
    "gain in F1",
    "p (t-test)",
    "p (corrected)",
)
_COLUMNS = [field.name for field in fields(Trial)]


def read_trials(path: Path) -> list[Trial]:
    """The lines of a table of trials, none where there is no file; a torn last line is left out."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if None not in row.values()]
    return [
        Trial(
            trial=int(row["trial"]),
            model=row["model"],
            stems=row["stems"],
            songs=int(row["songs"]),
            epoch=int(row["epoch"]),
            loss=float(row["loss"]),
            accuracy=float(row["accuracy"]),
            f1=float(row["f1"]),
            last_accuracy=float(row["last_accuracy"]),
            last_f1=float(row["last_f1"]),
        )
        for row in rows
    ]


def _write_trials(path: Path, trials: Sequence[Trial]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".part")
    with temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, _COLUMNS)
        writer.writeheader()
        writer.writerows(asdict(trial) for trial in trials)
    temporary.rename(path)


def run(
    songs: Songs,
    stems: str,
    count: int,
    seed: int,
    path: Path,
    told: Callable[[Trial], None],
    models: Sequence[str] = tuple(MODELS),
    recipe: Recipe | None = None,
) -> list[Trial]:
    """All trials of ``models``, those of the table at ``path`` taken from there."""
    done = read_trials(path)
    known = {(one.trial, one.model, one.stems, one.songs) for one in done}
    genres = torch.from_numpy(songs.genres)
    pictures = {
        name: torch.from_numpy(genre_data.relative(songs.pictures[:, channels_of(MODELS[name])]))
        for name in models
    }
    for trial in range(count):
        parts = split(len(genres), seed, trial)
        for name in models:
            if (trial, name, stems, len(genres)) in known:
                continue
            scores = run_trial(MODELS[name], pictures[name], genres, parts, seed + trial, recipe)
            found = best(scores)
            line = Trial(
                trial=trial,
                model=name,
                stems=stems,
                songs=len(genres),
                epoch=found.epoch,
                loss=round(found.loss, 4),
                accuracy=round(found.accuracy, 4),
                f1=round(found.f1, 4),
                last_accuracy=round(scores[-1].accuracy, 4),
                last_f1=round(scores[-1].f1, 4),
            )
            done.append(line)
            _write_trials(path, done)
            told(line)
    return done


def table(trials: Sequence[Trial], stems: str, songs: int, count: int) -> Table:
    """Table 1 over the first ``count`` trials, ours beside theirs, and gains over the baseline."""
    shown = Table(title=f"{songs} generated songs, {stems} stems", box=None, pad_edge=False)
    shown.add_column("model")
    for heading in _HEADINGS:
        shown.add_column(heading, justify="right")
    asked = [trial for trial in trials if trial.trial < count]
    of = {
        name: sorted(
            (t for t in asked if (t.model, t.stems, t.songs) == (name, stems, songs)),
            key=lambda trial: trial.trial,
        )
        for name in MODELS
    }
    for name, lines in of.items():
        if not lines:
            continue
        means = [
            float(np.mean([getattr(line, column) for line in lines]))
            for column in ("accuracy", "f1", "last_accuracy", "last_f1")
        ]
        cells = [f"{value:.3f}" for value in (*means, *PAPER[name])]
        cells.insert(2, f"{np.std([line.f1 for line in lines]):.3f}")
        base = of[BASELINE]
        if name != BASELINE and len(base) == len(lines) > 1:
            ours, theirs = (np.array([line.f1 for line in some]) for some in (lines, base))
            ahead = gain(ours, theirs, TEST_SHARE)
            cells += [f"{ahead.mean:+.3f}", f"{ahead.p_independent:.2g}"]
            cells += [f"{ahead.p_corrected:.2g}"]
        shown.add_row(MODELS[name].label, *cells)
    return shown


def cue_table(songs: Songs, seed: int) -> Table:
    """What simple cues are worth on the same songs."""
    shown = Table(title="One cue alone, random forest, five folds", box=None, pad_edge=False)
    shown.add_column("cue")
    shown.add_column("accuracy", justify="right")
    for cue in genre_cues.measure(songs, seed):
        shown.add_row(cue.name, f"{cue.accuracy:.3f}")
    return shown


@click.command()
@click.option("--trials", default=50, show_default=True)
@click.option("--songs", default=66, show_default=True, help="Of all genres together.")
@click.option("--corpus", envvar="STREAMSEG_CORPUS", type=click.Path(path_type=Path))
@click.option("--cache", type=click.Path(path_type=Path), help="Where songs and trials lie.")
@click.option("--seed", default=0, show_default=True)
@click.option("--workers", default=2, show_default=True, help="Processes that make songs.")
@click.option("--stems", default="exact", show_default=True, help="Or bands, medians, a network.")
@click.option("--models", type=click.Path(path_type=Path), help="Where that network lies.")
@click.option("--cues", is_flag=True, help="Also what simple cues are worth alone.")
@click.option("--quick", is_flag=True, help="The whole path in a minute: 12 songs, 2 trials.")
def main(
    trials: int,
    songs: int,
    corpus: Path | None,
    cache: Path | None,
    seed: int,
    workers: int,
    stems: str,
    models: Path | None,
    cues: bool,
    quick: bool,
) -> None:
    """Compare the four networks on generated music, as the paper did on records."""
    if quick:
        songs, trials, corpus = 12, 2, None
    if songs < len(GENRES) or songs % len(GENRES):
        raise click.UsageError(
            f"expected --songs to be a multiple of the {len(GENRES)} genres, got {songs}"
        )
    base = cache or platformdirs.user_cache_path("streamseg") / "genre"
    folder = base / f"songs{seed}{'' if corpus else '_no_corpus'}"
    console, asked = Console(width=140), genre_data.songs_of(songs // len(GENRES))
    with console.status("making songs") as status:
        genre_data.render(
            folder, corpus, seed, asked, workers, lambda n: status.update(f"making songs: {n}")
        )
    chosen = list(MODELS)
    if stems == "exact":
        found = genre_data.read(folder, asked)
    else:
        chosen.remove("full")  # the mixture is the same whatever is found in it
        found = genre_stems.estimated(folder, asked, stems, models)
        stems = genre_stems.label_of(stems, models)
    torch.set_num_threads(1)
    path = folder / f"trials_{stems}_{songs}.csv"
    with console.status("trials") as status:

        def told(line: Trial) -> None:
            status.update(f"trial {line.trial}: {line.model}")

        done = run(found, stems, trials, seed, path, told, chosen)
    console.print(table(done, stems, len(found.genres), trials))
    if cues:
        console.print(cue_table(found, seed))
    console.print(f"trials: {path}")


if __name__ == "__main__":
    try:
        main()
    except StreamsegError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
