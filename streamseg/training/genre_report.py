"""``python -m streamseg.training.genre_report --corpus DIR``: ``stem_genre`` on unheard pieces.

Test pieces are generated as those that it was taught with, from other seeds and with voices of the
corpus' split ``eval``. Tables are Markdown, as in ``docs/results.md``.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np
import platformdirs
from numpy.typing import NDArray
from rich.console import Console

from streamseg.errors import StreamsegError
from streamseg.models import GenreNetwork, load_genre_network
from streamseg.training import genre_pieces
from streamseg.training.dance.genres import GENRES
from streamseg.training.genre_data import FRAMES, songs_of
from streamseg.training.genre_job import PER_GENRE, STEM_NETWORK
from streamseg.training.genre_pieces import PICTURE, Pictures, Place
from streamseg.training.genre_verdict import Verdict, verdict

WAYS = ("exact", "found")


def prob_of(network: GenreNetwork, windows: NDArray[np.float16]) -> NDArray[np.float32]:
    """Answers to windows (n, frames, stems, bands), (n, classes)."""
    parts = [
        network.prob(windows[at : at + 16].astype(np.float32)) for at in range(0, len(windows), 16)
    ]
    return np.concatenate(parts)


def verdicts(network: GenreNetwork, pieces: Pictures) -> dict[str, Verdict]:
    """Of each way to the stems, and of found stems the first and the last window of a piece."""
    found: dict[str, Verdict] = {}
    twice = np.concatenate((pieces.genres, pieces.genres))
    for way in WAYS:
        pictures = pieces.exact if way == "exact" else pieces.found
        first = prob_of(network, pictures[:, :FRAMES])
        last = prob_of(network, pictures[:, -FRAMES:])
        found[way] = verdict(np.concatenate((first, last)), twice)
        if way == "found":
            found["found, first window"] = verdict(first, pieces.genres)
            found["found, last window"] = verdict(last, pieces.genres)
    return found


def distance_db(pieces: Pictures) -> dict[str, float]:
    """How far found pictures lie from the exact ones, by stem.

    Mean of the absolute difference (40 dB at most) over what sounds: within 40 dB of the loudest of
    the piece, in either.
    """
    distances: dict[str, list[float]] = {stem: [] for stem in PICTURE.stems}
    for exact, found in zip(pieces.exact, pieces.found, strict=True):
        known, guessed = exact.astype(np.float32), found.astype(np.float32)
        least = max(known.max(), guessed.max()) - 40
        for index, stem in enumerate(PICTURE.stems):
            heard = np.maximum(known[:, index], guessed[:, index]) > least
            if heard.any():
                apart = np.abs(known[:, index] - guessed[:, index])[heard]
                distances[stem].append(float(np.minimum(apart, 40).mean()))
    return {stem: float(np.mean(values)) for stem, values in distances.items()}


def _row(cells: Sequence[object]) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def _head(cells: Sequence[str]) -> list[str]:
    return [_row(cells), "|" + "---|" * len(cells)]


def scores_table(found: dict[str, Verdict]) -> list[str]:
    """A line for each way."""
    lines = _head(["stems", "windows", "accuracy", "F1", "calibration error", "cross-entropy"])
    for name, one in found.items():
        figures = (one.accuracy, one.macro_f1, one.calibration_error, one.cross_entropy)
        lines.append(_row([name, one.windows, *(f"{value:.3f}" for value in figures)]))
    return lines


def confusion_table(one: Verdict, classes: Sequence[str]) -> list[str]:
    """Per cent of the windows of each genre, by what they were called."""
    lines = _head(["is \\ called (%)", *classes])
    shares = 100 * one.confusion / np.maximum(one.confusion.sum(axis=1, keepdims=True), 1)
    for name, row in zip(classes, shares, strict=True):
        lines.append(_row([name, *(f"{share:.0f}" for share in row)]))
    return lines


def sure_table(one: Verdict) -> list[str]:
    """How often an answer of some probability was right."""
    lines = _head(["probability of the answer", "windows", "mean", "right"])
    for index, (count, said, right) in enumerate(one.sure):
        if count:
            span = f"{index / len(one.sure):.1f} to {(index + 1) / len(one.sure):.1f}"
            lines.append(_row([span, int(count), f"{said:.2f}", f"{right:.2f}"]))
    return lines


@click.command()
@click.option("--corpus", envvar="STREAMSEG_CORPUS", type=click.Path(path_type=Path))
@click.option("--cache", type=click.Path(path_type=Path), help="Where the pieces lie.")
@click.option("--models", type=click.Path(path_type=Path), help="Where the networks lie.")
@click.option("--seed", default=0, show_default=True)
@click.option("--workers", default=2, show_default=True, help="Processes that make pieces.")
@click.option("--pieces", default=6 * PER_GENRE["test"], show_default=True, help="Of all genres.")
def main(
    corpus: Path | None,
    cache: Path | None,
    models: Path | None,
    seed: int,
    workers: int,
    pieces: int,
) -> None:
    """Judge stem_genre on generated pieces that it has never heard. Without a corpus voices are
    made."""
    if pieces < len(GENRES) or pieces % len(GENRES):
        raise click.UsageError(
            f"expected --pieces to be a multiple of the {len(GENRES)} genres, got {pieces}"
        )
    console = Console(width=140)
    place = Place(
        cache or platformdirs.user_cache_path("streamseg") / "training", corpus, "test", seed
    )
    network = load_genre_network("stem_genre", "cpu", models)
    asked = songs_of(pieces // len(GENRES))
    with console.status("making pieces") as status:
        genre_pieces.render(place, asked, models, STEM_NETWORK, workers, status.update)
    heard = genre_pieces.read(place, asked, models, STEM_NETWORK)
    found = verdicts(network, heard)
    classes = network.card.classes
    told = [*scores_table(found), ""]
    for way in WAYS:
        told += [f"{way} stems:", "", *confusion_table(found[way], classes), ""]
    told += [*sure_table(found["found"]), "", "distance of found pictures from exact ones:"]
    told += [f"{stem}: {value:.1f} dB" for stem, value in distance_db(heard).items()]
    click.echo("\n".join(told))


if __name__ == "__main__":
    try:
        main()
    except StreamsegError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
