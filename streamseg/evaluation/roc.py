"""Area under the curve of the receiver operating characteristic, for two sets of scores."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import mannwhitneyu


def auc(positive: NDArray[np.floating], negative: NDArray[np.floating]) -> float:
    """Probability that a positive scores higher than a negative; ties count half.

    That is the Mann-Whitney statistic over the number of pairs (Hanley and McNeil 1982).
    Shape: (n,) and (m,). NaN where one of them is empty.
    """
    if not positive.size or not negative.size:
        return float("nan")
    result = mannwhitneyu(positive, negative, method="asymptotic")
    return float(result.statistic) / (positive.size * negative.size)
