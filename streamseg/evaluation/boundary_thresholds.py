"""``python -m streamseg.evaluation.boundary_thresholds CACHE``: thresholds of boundary heads.

F within half a second over thresholds of a network's boundary head, and of its sum with the novelty
curve, on sequences and songs composed of the validation pieces in a training cache. No test piece
is read. Needs the extra ``train``: the sequences are those that choose the head.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from streamseg.evaluation import boundaries
from streamseg.evaluation.boundaries import Hits, Joined
from streamseg.models import StemNetwork, load_stem_network
from streamseg.training import banks, stem_boundary
from streamseg.training.band_data import read_pieces
from streamseg.training.stem_data import Pieces

THRESHOLDS = tuple(round(0.05 * step, 2) for step in range(3, 20))
_WINDOW_S = boundaries.WINDOWS_S[0]
_WAYS = ("head", "with novelty")


def scores(
    recordings: Sequence[Joined], network: StemNetwork, thresholds: Sequence[float] = THRESHOLDS
) -> NDArray[np.float64]:
    """F of the head and of its sum with the novelty curve: (thresholds, 2)."""
    hop_s = network.card.hop_s
    hits = [[Hits(), Hits()] for _ in thresholds]
    for joined in recordings:
        curve, first_s = boundaries.head_curve(joined, network)
        at_s = first_s + np.arange(len(curve)) * hop_s
        novelty, moments_s = boundaries.novelty_of(joined)
        both = (curve, curve + np.interp(at_s, moments_s, novelty))
        for row, threshold in zip(hits, thresholds, strict=True):
            for found, total in zip(row, both, strict=True):
                places = boundaries.peaks(total, hop_s, threshold)
                boundaries.score(found, joined, [float(at_s[place]) for place in places])
    return np.array([[found.figures(_WINDOW_S)[2] for found in row] for row in hits])


def table(found: dict[str, NDArray[np.float64]]) -> Table:
    """A row a threshold; the means decide (``boundaries.HEADS``)."""
    out = Table(title=f"F within {_WINDOW_S:g} s", box=None, pad_edge=False)
    for heading in ("threshold", *(f"{kind}, {way}" for way in _WAYS for kind in (*found, "mean"))):
        out.add_column(heading, justify="right")
    mean = np.mean(list(found.values()), axis=0)
    for index, threshold in enumerate(THRESHOLDS):
        cells = [
            f"{values[index, way]:.3f}"
            for way in range(len(_WAYS))
            for values in (*found.values(), mean)
        ]
        out.add_row(f"{threshold:g}", *cells)
    return out


@click.command()
@click.argument("cache", type=click.Path(path_type=Path, exists=True))
@click.option("-m", "--model", default="stem_unet_small", show_default=True)
def main(cache: Path, model: str) -> None:
    """Print F over thresholds; CACHE is that of the training command."""
    folder = banks.pieces_of(cache, "validation")
    network = load_stem_network(model, "cpu")
    composed = stem_boundary.cases_of(Pieces.read(folder), quick=False)
    recordings = {
        "sequences": [Joined(one.samples, one.joins_s) for one in composed],
        "songs": list(boundaries.songs(boundaries.mixtures(read_pieces(folder)))),
    }
    found = {kind: scores(joined, network) for kind, joined in recordings.items()}
    Console(width=140).print(table(found))


if __name__ == "__main__":
    main()
