"""Do two models differ over repeated random splits of one data set?

The trials of such a protocol share most of their data, so that their figures are not independent
and a plain t-test finds differences where there are none. Nadeau and Bengio (Machine Learning 52,
2003, section 3) widen the variance by the share of songs that are tested on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student
from scipy.stats import ttest_ind

Floats = NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Gain:
    """By how much a model is ahead of another, and how likely that is between equals."""

    mean: float
    p_independent: float
    """Two-sample t-test, as if all trials were independent (what papers often print)."""
    p_corrected: float
    """Paired, with the corrected variance of Nadeau and Bengio: the one to believe."""


def gain(one: Floats, other: Floats, test_share: float) -> Gain:
    """Shape: both (trials,), figures of two models on the same splits; two-sided.

    ``test_share`` is the tested part of the songs. Raises ValueError for unequal or single trials.
    """
    if one.shape != other.shape or one.ndim != 1 or len(one) < 2:
        raise ValueError(f"expected the same two or more trials, got {one.shape}, {other.shape}")
    trials, difference = len(one), one - other
    mean, variance = float(difference.mean()), float(difference.var(ddof=1))
    if variance == 0:
        same = 1.0 if mean == 0 else 0.0
        return Gain(mean, same, same)
    wide = variance * (1 / trials + test_share / (1 - test_share))
    corrected = 2 * float(student.sf(abs(mean) / np.sqrt(wide), trials - 1))
    return Gain(mean, float(ttest_ind(one, other).pvalue), corrected)
