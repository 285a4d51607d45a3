"""What the alarm rules about the programme read off its segments: noise, absences, the schedule.

Called on the network's thread with the decisions of one source, in order, and how far they reach.
Works on ticks of one second of the sample counter; a label is on air in a tick if it fills half of
it or more. A segment that was cut by the heartbeat goes on without a hole, and one that is long
open counts from its beginning. Keeps a few intervals a label, however long the stream is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from streamseg.decisions.alarm_measures import Reading
from streamseg.decisions.alarm_rules import Rule
from streamseg.decisions.segments import Decision, Opened
from streamseg.messages import Label
from streamseg.settings_alarms import Window

LocalTime = Callable[[int], datetime]
"""Local time of day of a sample, aware of its zone."""

_DAY_S = 86_400
_PROGRAMME: tuple[Label, ...] = ("speech", "music")


@dataclass(slots=True)
class _Track:
    """When one label was on air: intervals in order, the last one perhaps open."""

    spans: deque[tuple[int, int | None]] = field(default_factory=deque)

    def open(self, start: int) -> None:
        self.spans.append((start, None))

    def close(self, start: int, end: int) -> None:
        self.spans.pop()  # the decider closes what it opened last
        self.spans.append((start, end))

    def covered(self, begin: int, end: int) -> int:
        """Samples of a tick in which it was on air."""
        total = 0
        for start, stop in self.spans:
            total += max(0, min(end, end if stop is None else stop) - max(begin, start))
        return total

    def turned(self, on: bool, end: int, otherwise: int) -> int:
        """Where it last began (or ended) before ``end``."""
        for start, stop in reversed(self.spans):
            edge = start if on else stop
            if edge is not None and edge <= end:
                return edge
        return otherwise

    def forget(self, before: int) -> None:
        """What ended before that, but for the last end."""
        while len(self.spans) > 1 and (self.spans[1][1] or before + 1) <= before:
            self.spans.popleft()


class ProgrammeRules:
    """All rules that need the network's decisions."""

    def __init__(
        self,
        rate_hz: int,
        table: dict[str, Rule],
        schedule: Sequence[Window],
        local_time: LocalTime,
    ) -> None:
        self._rate_hz = rate_hz
        self._table = {name: rule for name, rule in table.items() if rule.enabled}
        self._schedule = schedule
        self._local_time = local_time
        self._tracks: dict[Label, _Track] = {
            label: _Track() for label in ("music", "speech", "noise", "silence")
        }
        self._in_force: dict[str, Window | None] = {}
        self._changed: dict[str, int] = {}  # tick at which an entry came into force, or ended
        self.begin(0)

    def begin(self, sample: int) -> None:
        """A stretch of sound begins here; ticks that nobody heard as a whole do not exist."""
        self._next = -(-sample // self._rate_hz)
        self._origin = sample

    def note(self, decisions: Sequence[Decision]) -> None:
        """What was decided, in order."""
        for decision in decisions:
            if isinstance(decision, Opened):
                self._tracks[decision.label].open(decision.start)
            else:
                segment = decision.segment
                self._tracks[segment.label].close(segment.start, segment.end)

    def ticks(self, known_to: int) -> Iterator[tuple[int, list[Reading]]]:
        """End and readings of every tick that is wholly known, each once."""
        while (end := (self._next + 1) * self._rate_hz) <= known_to:
            begin = self._next * self._rate_hz
            self._next += 1
            yield end, list(self._tick(begin, end))
            for track in self._tracks.values():
                track.forget(begin)

    def patience_s(self, rule: str) -> float | None:
        """For a rule of the schedule: how long the entry in force waits; None if none is."""
        window = self._in_force.get(rule)
        return None if window is None else window.patience_s

    def _on(self, label: Label, begin: int, end: int) -> bool:
        return 2 * self._tracks[label].covered(begin, end) >= end - begin

    def _tick(self, begin: int, end: int) -> Iterator[Reading]:
        on = {label: self._on(label, begin, end) for label in self._tracks}
        if "noise_only" in self._table:
            bad = on["noise"] and not on["music"] and not on["speech"]
            yield Reading("noise_only", bad, self._noise_turned(bad, on, end), None)
        for label in _PROGRAMME:
            if f"no_{label}" in self._table:
                at = self._tracks[label].turned(on[label], end, self._origin)
                yield Reading(f"no_{label}", not on[label], at, None)
        if self._schedule:
            yield from self._scheduled(on, begin, end)

    def _noise_turned(self, bad: bool, on: dict[Label, bool], end: int) -> int:
        """Where noise became all there is, or where it was not so any more."""
        if bad:
            ends = [self._tracks[label].turned(False, end, 0) for label in _PROGRAMME]
            return max(self._tracks["noise"].turned(True, end, self._origin), *ends)
        begins = [self._tracks[label].turned(True, end, 0) for label in _PROGRAMME if on[label]]
        return min(begins) if begins else self._tracks["noise"].turned(False, end, self._origin)

    def _scheduled(self, on: dict[Label, bool], begin: int, end: int) -> Iterator[Reading]:
        now = self._local_time(begin)
        for label in _PROGRAMME:
            turned = self._tracks[label].turned(on[label], end, self._origin)
            for wanted in (True, False):
                rule = f"schedule_{'missing' if wanted else 'unwanted'}_{label}"
                if rule not in self._table:
                    continue
                window = in_force(self._schedule, now, label, wanted)
                if (window is None) != (self._in_force.get(rule) is None):
                    self._changed[rule] = begin
                self._in_force[rule] = window
                bad = window is not None and on[label] != wanted
                yield Reading(rule, bad, max(turned, self._changed.get(rule, 0)), None)


def in_force(
    schedule: Sequence[Window], now: datetime, label: Label, wanted: bool
) -> Window | None:
    """The entry that asks most of a label at this local time; None if none does."""
    second = (now.hour * 60 + now.minute) * 60 + now.second
    yesterday = (now.weekday() - 1) % 7
    found = [
        window
        for window in schedule
        if (window.label, window.wanted) == (label, wanted)
        and (
            (now.weekday() in window.days and window.begin_s <= second < window.end_s)
            or (yesterday in window.days and window.begin_s <= second + _DAY_S < window.end_s)
        )
    ]
    return min(found, key=lambda window: window.patience_s, default=None)
