"""What the alarm rules about left and right read off the steps: one of them lost, or inverted.

As ``alarm_measures``. Only the first two channels are compared, and only where the sound came in as
a mix of channels: of a mono source, or one channel that was picked, there is nothing to say.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence

from streamseg.decisions.alarm_measures import Reading, Step, decibels, ends_tick, onset
from streamseg.decisions.alarm_rules import PHASE_WINDOW_S, Rule
from streamseg.messages import STEP_S

QUIET_DBFS = -50.0
"""Where the louder channel is quieter than this, both may be the noise of a cable."""

FAINT_DBFS = -60.0
"""The phase of something quieter is not worth an alarm."""


class ChannelLost:
    """Difference in level of the two channels, while there is sound in one of them."""

    def __init__(self, rule: Rule) -> None:
        self.rules: Sequence[Rule] = (rule,)

    def interrupt(self) -> None:
        """Nothing is kept."""

    def read(self, step: Step, strict: Callable[[str], bool]) -> Iterator[Reading]:
        """One verdict a step with sound."""
        (rule,) = self.rules
        if math.isnan(step.right):
            return
        left_dbfs, right_dbfs = decibels(step.left), decibels(step.right)
        if max(left_dbfs, right_dbfs) < QUIET_DBFS:
            return
        lost_db = abs(left_dbfs - right_dbfs)
        yield Reading(rule.name, rule.bad(lost_db, strict(rule.name)), step.begin, lost_db)


class Phase:
    """Correlation of the two channels over 3 s: 1 is mono, 0 unrelated, -1 one of them inverted."""

    def __init__(self, rule: Rule) -> None:
        self.rules: Sequence[Rule] = (rule,)
        self.interrupt()

    def interrupt(self) -> None:
        """Forget the window."""
        self._window: deque[Step] = deque(maxlen=round(PHASE_WINDOW_S / STEP_S))

    def read(self, step: Step, strict: Callable[[str], bool]) -> Iterator[Reading]:
        """One verdict a second with sound on both sides, from the first full window on."""
        (rule,) = self.rules
        if math.isnan(step.right):
            return
        self._window.append(step)
        count = len(self._window)
        if count < (self._window.maxlen or 0) or not ends_tick(step):
            return
        left = sum(s.left for s in self._window)
        right = sum(s.right for s in self._window)
        if min(decibels(left / count), decibels(right / count)) < FAINT_DBFS:
            return
        correlation = sum(s.cross for s in self._window) / math.sqrt(left * right)
        bad = rule.bad(correlation, strict(rule.name))
        # Loud steps count more, as they do in the correlation.
        sign = 1.0 if bad else -1.0
        middle = rule.threshold / 2
        turned = onset(
            [sign * (middle * math.sqrt(s.left * s.right) - s.cross) for s in self._window]
        )
        yield Reading(rule.name, bad, self._window[turned].begin, correlation)
