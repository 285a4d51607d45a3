"""What the alarm rules about the sound itself read off its measures in steps of 100 ms.

Called on the network's thread with the steps of one source, one by one and in order, so the split
of the sound changes nothing. A measure keeps at most the steps of its window (a minute of them for
the loudness: 5 kB). It says, for each of its rules, whether the step is bad or good, where on the
sample counter it turned, and the value; or nothing, where the step says nothing about the rule.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from streamseg.decisions.alarm_rules import CLIP_WINDOW_S, DC_WINDOW_S, TICK_S, Rule
from streamseg.messages import STEP_S, Steps, step_start

Gated = Callable[[NDArray[np.float64]], float | None]
"""Integrated loudness of K-weighted powers of 100 ms (``frontend.loudness.gated_lufs``)."""

EDGE_S = 0.02
"""A sound whose last loud sample lies this near to the end of a step goes on in the next one: half
a period of its lowest notes."""

QUIETEST = 1e-12
"""A power of -120 dB: keeps the logarithm of digital silence finite."""


@dataclass(frozen=True, slots=True)
class Step:
    """One row of ``messages.STEP`` in plain numbers, and its place."""

    begin: int
    """Sample counter of the source."""
    end: int
    number: int
    """Since the last hole."""
    power: float
    k_power: float
    k_momentary: float
    loud_first: int
    loud_last: int
    true_peak: float
    peak_at: int
    clip_runs: int
    clip_at: int
    mean: NDArray[np.float64]
    left: float
    right: float
    cross: float


def steps_of(steps: Steps, rate_hz: int, origin: int, first: int) -> Iterator[Step]:
    """The rows of an array whose first one is step ``first`` after ``origin``."""
    for number, row in enumerate(steps.tolist(), start=first):
        begin = origin + step_start(number, rate_hz)
        end = origin + step_start(number + 1, rate_hz)
        yield Step(begin, end, number, *row)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a rule is told of one tick."""

    rule: str
    bad: bool
    at: int
    """Sample at which it turned, if it turned with this tick."""
    value: float | None


class Measure(Protocol):
    """One measure of one source, for one or two rules."""

    @property
    def rules(self) -> Sequence[Rule]:
        """Which it reads for; the others may be off."""
        ...

    def read(self, step: Step, strict: Callable[[str], bool]) -> Iterator[Reading]:
        """The next step; ``strict`` says whether a rule is raised now."""
        ...

    def interrupt(self) -> None:
        """A hole: nothing may reach across it."""
        ...


def ends_tick(step: Step) -> bool:
    """Whether the rules that are judged once a second are judged now."""
    return (step.number + 1) % round(TICK_S / STEP_S) == 0


def decibels(power: float) -> float:
    """dBFS by AES17: a full-scale sine (mean square 0.5) reads 0."""
    return 10.0 * math.log10(max(2.0 * power, QUIETEST))


def onset(values: Sequence[float]) -> int:
    """Index from which on the values are positive rather than negative, as a whole.

    The place of the smallest cumulative sum (Page's CUSUM, 1954): for a value that changes once it
    is where it changed, whatever the noise.
    """
    total, lowest, place = 0.0, 0.0, 0
    for index, value in enumerate(values):
        total += value
        if total <= lowest:  # of a silence before the change, its end
            lowest, place = total, index + 1
    return min(place, len(values) - 1)


class DeadAir:
    """Level of the loudest channel, about its mean: an offset is no sound.

    Edges are found to the sample: the last one before, the first one after that lies further from
    the mean than a sine of the threshold's level.
    """

    def __init__(self, rule: Rule) -> None:
        self.rules: Sequence[Rule] = (rule,)
        self.interrupt()

    def interrupt(self) -> None:
        """The next step begins anew."""
        self._before: Step | None = None

    def read(self, step: Step, strict: Callable[[str], bool]) -> Iterator[Reading]:
        """One verdict a step."""
        (rule,) = self.rules
        level_dbfs = decibels(step.power)
        bad = rule.bad(level_dbfs, strict(rule.name))
        at = self._fell(step) if bad else self._rose(step)
        self._before = step
        yield Reading(rule.name, bad, at, level_dbfs)

    def _fell(self, step: Step) -> int:
        """After the last loud sample of this step, or of the one before."""
        if step.loud_last >= 0:
            return step.begin + step.loud_last + 1
        if self._before is not None and self._before.loud_last >= 0:
            return self._before.begin + self._before.loud_last + 1
        return step.begin

    def _rose(self, step: Step) -> int:
        """The first loud sample of this step, or of the one before if that went on into this."""
        before = self._before
        if before is not None and before.loud_first >= 0:
            rest = before.end - (before.begin + before.loud_last)
            if rest < (step.end - step.begin) * EDGE_S / STEP_S:
                return before.begin + before.loud_first
        return step.begin + max(0, step.loud_first)


class TruePeak:
    """The highest point of each step."""

    def __init__(self, rule: Rule) -> None:
        self.rules: Sequence[Rule] = (rule,)

    def interrupt(self) -> None:
        """Nothing is kept."""

    def read(self, step: Step, strict: Callable[[str], bool]) -> Iterator[Reading]:
        """One verdict a step."""
        (rule,) = self.rules
        peak_dbtp = 20.0 * math.log10(max(step.true_peak, QUIETEST))
        bad = rule.bad(peak_dbtp, strict(rule.name))
        yield Reading(rule.name, bad, step.begin + (step.peak_at if bad else 0), peak_dbtp)


class Clipping:
    """Flat tops within the last 5 s; a condition begins and ends with one."""

    def __init__(self, rule: Rule) -> None:
        self.rules: Sequence[Rule] = (rule,)
        self.interrupt()

    def interrupt(self) -> None:
        """Forget the window."""
        self._window: deque[int] = deque(maxlen=round(CLIP_WINDOW_S / STEP_S))
        self._places: deque[int] = deque(maxlen=round(CLIP_WINDOW_S / STEP_S))
        self._last_end = 0

    def read(self, step: Step, strict: Callable[[str], bool]) -> Iterator[Reading]:
        """One verdict a step."""
        (rule,) = self.rules
        self._window.append(step.clip_runs)
        self._places.append(step.begin + step.clip_at)
        if step.clip_runs:
            self._last_end = step.end
        runs = sum(self._window)
        bad = rule.bad(runs, strict(rule.name))
        at = self._last_end or step.begin
        if bad:
            at = next(p for p, n in zip(self._places, self._window, strict=True) if n)
        yield Reading(rule.name, bad, at, runs)


class Offset:
    """Mean of the worst channel over 5 s: shorter, the lowest notes would count as an offset."""

    def __init__(self, rule: Rule) -> None:
        self.rules: Sequence[Rule] = (rule,)
        self.interrupt()

    def interrupt(self) -> None:
        """Forget the window."""
        self._window: deque[Step] = deque(maxlen=round(DC_WINDOW_S / STEP_S))

    def read(self, step: Step, strict: Callable[[str], bool]) -> Iterator[Reading]:
        """One verdict a second, from the first full window on."""
        (rule,) = self.rules
        self._window.append(step)
        if len(self._window) < (self._window.maxlen or 0) or not ends_tick(step):
            return
        means = np.array([s.mean for s in self._window])
        sums = means.sum(axis=0)
        worst = int(np.abs(sums).argmax())
        percent = 100.0 * abs(float(sums[worst])) / len(means)
        bad = rule.bad(percent, strict(rule.name))
        excess = math.copysign(1.0, sums[worst]) * means[:, worst] - rule.threshold / 200.0
        turned = onset((excess if bad else -excess).tolist())
        yield Reading(rule.name, bad, self._window[turned].begin, percent)


class Loudness:
    """Gated loudness of the last minute, once a second, from the first full minute on.

    It turns with the second in which the window passes the limit: a loud piece begins earlier.
    """

    def __init__(self, high: Rule, low: Rule, window_s: float, gated: Gated) -> None:
        self.rules: Sequence[Rule] = (high, low)
        self._gated = gated
        self._powers: deque[float] = deque(maxlen=round(window_s / STEP_S))

    def interrupt(self) -> None:
        """A minute may have a hole: it is still the minute that was heard."""

    def read(self, step: Step, strict: Callable[[str], bool]) -> Iterator[Reading]:
        """Two verdicts every tenth step, unless all of the window is gated out."""
        self._powers.append(step.k_power)
        if len(self._powers) < (self._powers.maxlen or 0) or not ends_tick(step):
            return
        lufs = self._gated(np.array(self._powers))
        if lufs is None:
            return
        at = step.end - round((step.end - step.begin) * TICK_S / STEP_S)
        for rule in self.rules:
            if rule.enabled:
                yield Reading(rule.name, rule.bad(lufs, strict(rule.name)), at, lufs)
