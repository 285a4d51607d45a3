"""Every event that the window was told of, and the alarms that wait for a person. No Qt.

``ViewState`` owns it and holds its lock around every call. It outlives the sources: an alarm that
nobody has seen stays, whatever is opened next. Bounded: the oldest lines go first, and of the
alarms those first that are over and were seen.
"""

from __future__ import annotations

from dataclasses import replace

from streamseg.sinks.events import AlarmAcknowledged, Boundary, Event, Stamp, Stopped
from streamseg.view.events_text import describe, ended_rules, raised
from streamseg.view.records import Alarm, ListedEvent

EVENTS = 5000  # lines of the event list; the log has all
BOUNDARIES = 2000  # of these lines: a lively programme must not drive all else out
ALARMS = 500


class EventBook:
    """Lines and alarms as tuples, replaced when one changes: a snapshot is free."""

    def __init__(self) -> None:
        self.events: tuple[ListedEvent, ...] = ()
        self.alarms: tuple[Alarm, ...] = ()
        self._numbered = 0
        self._last: dict[int, Stamp] = {}  # newest stamp of the newest session

    def begin(self, session: int) -> None:
        """Another source is opened: what stood of earlier ones is watched by nobody any more."""
        self.alarms = tuple(
            replace(alarm, end=self._last.get(alarm.session, alarm.stamp))
            if alarm.stands and alarm.session != session
            else alarm
            for alarm in self.alarms
        )
        self._last = {}

    def add(self, session: int, event: Event) -> None:
        """An event of the log."""
        number, self._numbered = self._numbered, self._numbered + 1
        self._last[session] = event.stamp
        said = raised(event)
        if isinstance(event, Stopped):
            self._end(session, None, event.stamp)
        for rule in ended_rules(event):
            self._end(session, rule, event.stamp)
        if isinstance(event, AlarmAcknowledged):
            for alarm in self.alarms:
                if alarm.session == session and alarm.rule == event.rule:
                    self.acknowledge(alarm.number)
        if said is not None:
            end = event.stamp if said.momentary else None
            self._raise(
                Alarm(number, session, said.rule, said.text, said.severity, event.stamp, end, False)
            )
        severity = None if said is None else said.severity
        line = ListedEvent(number, session, event, describe(event), severity, False)
        if isinstance(event, Boundary):
            self._forget_boundaries()
        self.events = (*self.events[-(EVENTS - 1) :], line)

    def _forget_boundaries(self) -> None:
        """Make room for one more."""
        lines = [k for k, line in enumerate(self.events) if isinstance(line.event, Boundary)]
        if len(lines) >= BOUNDARIES:
            self.events = (*self.events[: lines[0]], *self.events[lines[0] + 1 :])

    def acknowledge(self, number: int | None) -> list[Alarm]:
        """A person has seen the alarm of this number, or all of them; those that are new to him."""
        fresh = [a for a in self.alarms if number in (None, a.number) and not a.acknowledged]
        self.alarms = tuple(
            replace(alarm, acknowledged=True) if number in (None, alarm.number) else alarm
            for alarm in self.alarms
        )
        self._see(number)
        return fresh

    def _see(self, number: int | None) -> None:
        self.events = tuple(
            replace(line, acknowledged=True)
            if line.alarm and not line.acknowledged and number in (None, line.number)
            else line
            for line in self.events
        )

    def _raise(self, alarm: Alarm) -> None:
        alarms = list(self.alarms)
        before = next((one for one in alarms if one.stands and _same(one, alarm)), None)
        if before is not None:
            # Raised again while it stands, it has become worse: one entry, to be seen anew.
            alarms.remove(before)
            alarm = replace(alarm, stamp=before.stamp)
            self._see(before.number)
        alarms.append(alarm)
        while len(alarms) > ALARMS:
            over = (index for index, one in enumerate(alarms) if not one.waits)
            alarms.pop(next(over, 0))
        self.alarms = tuple(alarms)

    def _end(self, session: int, rule: str | None, stamp: Stamp) -> None:
        """The cause is gone: of one rule, or of all."""
        self.alarms = tuple(
            replace(alarm, end=stamp)
            if alarm.stands and alarm.session == session and rule in (None, alarm.rule)
            else alarm
            for alarm in self.alarms
        )


def _same(one: Alarm, other: Alarm) -> bool:
    return (one.session, one.rule) == (other.session, other.rule)
