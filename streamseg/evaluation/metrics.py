"""Counts that add up over files, and the figures that follow from them.

F1 of a whole is computed from the summed counts, never as a mean over files: a short file weighs
less than a long one. A figure without anything to count is NaN.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streamseg.errors import UsageError

Float64Array = NDArray[np.float64]
Int64Array = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Counts:
    """Hits, false alarms and misses a class. Shape: each (classes,) int64."""

    hits: Int64Array
    false_alarms: Int64Array
    misses: Int64Array

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.hits + other.hits,
            self.false_alarms + other.false_alarms,
            self.misses + other.misses,
        )

    @property
    def f1(self) -> Float64Array:
        """Shape (classes,): 2 hits / (2 hits + false alarms + misses)."""
        return _ratio(2 * self.hits, 2 * self.hits + self.false_alarms + self.misses)

    @staticmethod
    def of(found: BoolArray, truth: BoolArray, scored: BoolArray) -> Counts:
        """Shape: all (frames, classes); only places with ``scored`` count."""
        return Counts(
            (found & truth & scored).sum(0),
            (found & ~truth & scored).sum(0),
            (~found & truth & scored).sum(0),
        )


@dataclass(frozen=True, slots=True)
class Confusion:
    """Frames by true class (row) and class found (column); the last column is no class at all.

    Shape: (classes, classes + 1) int64.
    """

    frames: Int64Array

    def __add__(self, other: Confusion) -> Confusion:
        return Confusion(self.frames + other.frames)

    @property
    def counts(self) -> Counts:
        """As hits, false alarms and misses of each class."""
        square = self.frames[:, :-1]
        hits = np.diag(square)
        return Counts(hits, square.sum(0) - hits, self.frames.sum(1) - hits)

    @property
    def f1(self) -> Float64Array:
        """Shape (classes,); their mean is the macro-F1."""
        return self.counts.f1

    @staticmethod
    def of(prob: NDArray[np.floating], truth: Int64Array) -> Confusion:
        """Best class against truth. Shape: ``prob`` (frames, classes), ``truth`` (frames,).

        A frame in which all probabilities are 0 (silence, says the system) found no class.
        """
        classes = prob.shape[1]
        found = np.where(prob.max(1, initial=0.0) > 0, prob.argmax(1), classes)
        frames = np.zeros((classes, classes + 1), np.int64)
        np.add.at(frames, (truth, found), 1)
        return Confusion(frames)


@dataclass(frozen=True, slots=True)
class Calibration:
    """Probabilities in ten bins, to hold against how often they were right.

    Shape: each (10,): number, sum of the probabilities, number of those that were true.
    """

    number: Int64Array
    prob_sum: Float64Array
    true: Int64Array

    def __add__(self, other: Calibration) -> Calibration:
        return Calibration(
            self.number + other.number, self.prob_sum + other.prob_sum, self.true + other.true
        )

    @property
    def error(self) -> float:
        """Expected calibration error (Guo et al., ICML 2017, equation 3), every class on its own.

        Mean distance of what was claimed from what was true, weighted by number.
        """
        total = int(self.number.sum())
        return float(np.abs(self.prob_sum - self.true).sum() / total) if total else float("nan")

    @staticmethod
    def of(prob: NDArray[np.floating], truth: BoolArray, scored: BoolArray) -> Calibration:
        """Shape: all (frames, classes)."""
        claimed, right = prob[scored].astype(np.float64), truth[scored]
        place = np.minimum((claimed * 10).astype(np.int64), 9)
        return Calibration(
            np.bincount(place, minlength=10),
            np.bincount(place, weights=claimed, minlength=10).astype(np.float64),
            np.bincount(place[right], minlength=10),
        )


@dataclass(frozen=True, slots=True)
class Stretch:
    """From ``start_s`` to ``end_s``."""

    start_s: float
    end_s: float


def merged(stretches: Sequence[Stretch], gap_s: float) -> list[Stretch]:
    """In order, those with less than ``gap_s`` between them made one."""
    joined: list[Stretch] = []
    for stretch in sorted(stretches, key=lambda one: one.start_s):
        if joined and stretch.start_s - joined[-1].end_s < gap_s:
            end_s = max(joined[-1].end_s, stretch.end_s)
            joined[-1] = Stretch(joined[-1].start_s, end_s)
        else:
            joined.append(stretch)
    return joined


@dataclass(frozen=True, slots=True)
class EventCount:
    """Hits, false alarms and misses of one class."""

    hits: int
    false_alarms: int
    misses: int


def match_onsets(
    truth: Sequence[Stretch], found: Sequence[Stretch], ignored: Sequence[Stretch], collar_s: float
) -> EventCount:
    """Event-based counts by onset; where an event ends is not scored.

    As sed_eval with ``evaluate_offset=False``, and with the largest possible number of pairs
    (mir_eval). A found event that begins in an ``ignored`` stretch, give or take the collar, is no
    false alarm. Raises UsageError if mir_eval is not installed.
    """
    pairs = _match_events([e.start_s for e in truth], [e.start_s for e in found], collar_s)
    matched = {place for _, place in pairs}
    false_alarms = sum(
        place not in matched
        and not any(
            one.start_s - collar_s <= event.start_s <= one.end_s + collar_s for one in ignored
        )
        for place, event in enumerate(found)
    )
    return EventCount(len(pairs), false_alarms, len(truth) - len(pairs))


def _match_events(
    truth: Sequence[float], found: Sequence[float], collar_s: float
) -> list[tuple[int, int]]:
    try:
        from mir_eval.util import match_events
    except ImportError:
        raise UsageError(
            "expected mir_eval for event-based figures; install it with "
            "`pip install 'streamseg[evaluate]'`"
        ) from None
    if not truth or not found:
        return []
    pairs = match_events(np.asarray(truth), np.asarray(found), collar_s)
    return [(int(one), int(other)) for one, other in pairs]


def _ratio(part: Int64Array, whole: Int64Array) -> Float64Array:
    return np.where(whole > 0, part / np.maximum(whole, 1), np.nan)
