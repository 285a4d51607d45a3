"""Is one system better than another on the same clips, or was it luck?

McNemar's test (Psychometrika 12, 1947) in its exact form: of the clips on which just one of two
systems is right, each system should have half if they are equally good. Clips count once, however
long they are: the answers within a clip are not independent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest

from streamseg.evaluation.metrics import BoolArray


@dataclass(frozen=True, slots=True)
class Difference:
    """Clips on which two systems differ, and how likely so much of it is between equals."""

    only_one: int
    """Clips on which the first system alone is right."""
    only_other: int
    p_value: float


def mcnemar(one: BoolArray, other: BoolArray) -> Difference:
    """Shape: both (clips,), True where the system is right. Two-sided.

    Raises ValueError when the two are not over the same clips.
    """
    if one.shape != other.shape:
        raise ValueError(f"expected answers to the same clips, got {one.size} and {other.size}")
    only_one, only_other = int((one & ~other).sum()), int((other & ~one).sum())
    differ = only_one + only_other
    p_value = float(binomtest(only_one, differ, 0.5).pvalue) if differ else 1.0
    return Difference(only_one, only_other, p_value)


def holm(p_values: Sequence[float]) -> list[float]:
    """The same p-values, held against as many comparisons as there are (Holm 1979)."""
    order = np.argsort(np.asarray(p_values))
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, place in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = largest
    return adjusted


@dataclass(frozen=True, slots=True)
class Interval:
    """Between ``low`` and ``high``."""

    low: float
    high: float


def wilson(right: int, of: int) -> Interval:
    """95 % confidence interval of a share (Wilson 1927). Raises ValueError for nothing counted."""
    found = binomtest(right, of).proportion_ci(method="wilson")
    return Interval(float(found.low), float(found.high))
