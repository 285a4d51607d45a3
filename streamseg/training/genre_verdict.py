"""How well genres are told: accuracy, F1, confusions, and whether the probabilities are true."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix, f1_score

from streamseg.training.validation import expected_calibration_error

BINS = 10


@dataclass(frozen=True, slots=True)
class Verdict:
    """Figures over some windows.

    Shape: ``confusion`` is (classes, classes) counts, a row for each true class; ``sure`` is
    (bins, 3): windows, mean probability of the answer, and share of right answers, by how probable
    the answer was (NaN where a bin is empty).
    """

    accuracy: float
    macro_f1: float
    calibration_error: float
    """Expected calibration error of the answer (Guo et al., ICML 2017, equation 3), ten bins."""
    cross_entropy: float
    """Mean, in nats."""
    confusion: NDArray[np.int64]
    sure: NDArray[np.float64]

    @property
    def windows(self) -> int:
        """How many were judged."""
        return int(self.confusion.sum())


def verdict(prob: NDArray[np.floating], genres: NDArray[np.int64]) -> Verdict:
    """Shape: ``prob`` is (n, classes), ``genres`` is (n,). Raises ValueError for no window."""
    if not len(genres):
        raise ValueError("expected at least one window, got none")
    classes = range(prob.shape[1])
    said, top = prob.argmax(axis=1), prob.max(axis=1)
    right = said == genres
    of_true = prob[np.arange(len(genres)), genres]
    return Verdict(
        accuracy=float(right.mean()),
        macro_f1=float(f1_score(genres, said, labels=classes, average="macro", zero_division=0)),
        calibration_error=expected_calibration_error(np.asarray(top, np.float32), right, bins=BINS),
        cross_entropy=float(-np.log(np.maximum(of_true, 1e-12)).mean()),
        confusion=np.asarray(confusion_matrix(genres, said, labels=classes)),
        sure=_by_probability(top, right),
    )


def _by_probability(top: NDArray[np.floating], right: NDArray[np.bool_]) -> NDArray[np.float64]:
    which = np.minimum((top * BINS).astype(int), BINS - 1)
    rows = np.full((BINS, 3), np.nan)
    for index in range(BINS):
        inside = which == index
        rows[index, 0] = inside.sum()
        if inside.any():
            rows[index, 1:] = top[inside].mean(), right[inside].mean()
    return rows
