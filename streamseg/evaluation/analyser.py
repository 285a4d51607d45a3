"""What the evaluation needs of a system under test: one function from a file to its frames."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from streamseg.messages import Float32Array, Segment

if TYPE_CHECKING:
    from streamseg.models import Network

CLASSES = ("music", "speech", "noise")
"""Order of the columns of ``Heard.prob``, and of every per-class figure of the evaluation."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What a system says about a file.

    Shape: ``time_s`` (n,) float64, rising, the middle of each frame; ``prob`` (n, 3) float32 in
    the order of ``CLASSES``, all 0 where the system says that nothing is on air; ``level_dbfs``
    (n,) float32.
    """

    time_s: NDArray[np.float64]
    prob: Float32Array
    level_dbfs: Float32Array
    segments: tuple[Segment, ...]
    rate_hz: int
    """Of the samples in which segments are counted."""


Analyser = Callable[[Path], Heard]
"""Raises StreamsegError for a file that cannot be read."""


def network_analyser(model: str) -> Analyser:
    """streamseg itself, with one of its networks. Raises ConfigError for an unknown one."""
    # Here and not above: metrics are tested, and used on other systems, without a network.
    from streamseg.models import load_network

    return analyser_of(load_network(model))


def analyser_of(network: Network) -> Analyser:
    """streamseg itself, with this network."""
    from streamseg.offline import analyse_file

    def analyse(path: Path) -> Heard:
        table = analyse_file(path, network)
        prob = np.zeros((len(table.time_s), len(CLASSES)), np.float32)
        for column, name in enumerate(CLASSES):
            if name in network.card.classes:
                prob[:, column] = table.prob[:, network.card.classes.index(name)]
        return Heard(table.time_s, prob, table.level_dbfs, table.segments, table.rate_hz)

    return analyse
