"""Sums of an event log: what was on air, per day and source, with alarms and gaps.

Fed record by record on one thread; what is kept grows with days and sources, not with events. Days
are those of the offset in the log, and a segment over midnight counts on both. Labels overlap where
sounds do (a voice over a bed is music and speech), so hours of labels may add up to more than was
heard.

*What is heard* runs from ``started`` to the last event, without the gaps. A segment whose end was
never logged (the program was killed) counts up to the last event of its run.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from streamseg.sinks.log_reader import Record

LABELS = ("music", "speech", "noise", "silence")
LANES = (*LABELS, "gap", "heard")
CELL_S = 300.0
CELLS = round(86_400 / CELL_S)
KEEP = 1000
LOST = "source_lost"
_LONGEST_S = 30 * 86_400.0  # of a single event: more is a damaged line


@dataclass(slots=True)
class DaySums:
    """One day of one source. Seconds, unless the name says otherwise."""

    heard_s: float = 0.0
    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(LABELS, 0.0))
    segments: Counter[str] = field(default_factory=Counter)
    gaps: int = 0
    """How often the source was lost."""
    gap_s: float = 0.0
    dropped_s: float = 0.0
    alarms: Counter[str] = field(default_factory=Counter)
    """How often each rule was broken."""
    cells: NDArray[np.float32] = field(
        default_factory=lambda: np.zeros((len(LANES), CELLS), np.float32)
    )
    """Shape (lanes, cells of five minutes): seconds."""

    def add(self, other: DaySums) -> None:
        """Take the sums of another day into these; its cells on top of ours."""
        self.heard_s += other.heard_s
        for label in LABELS:
            self.seconds[label] += other.seconds[label]
        self.segments.update(other.segments)
        self.alarms.update(other.alarms)
        self.gaps += other.gaps
        self.gap_s += other.gap_s
        self.dropped_s += other.dropped_s
        self.cells += other.cells


@dataclass(slots=True)
class AlarmRow:
    """An alarm, or a loss of the source."""

    source: str
    rule: str
    severity: str
    text: str
    start: datetime
    duration_s: float | None = None
    """None: still open when the log ended."""


@dataclass(slots=True)
class _Source:
    """What is open of a source while the log is read."""

    heard_to: datetime | None = None
    lost: bool = False
    open: dict[str, datetime] = field(default_factory=dict)
    raised: dict[str, AlarmRow] = field(default_factory=dict)


class LogSums:
    """Adds up records; ``finish`` closes what the log leaves open."""

    def __init__(self, begin: datetime | None = None, end: datetime | None = None) -> None:
        """``begin`` and ``end``: what lies outside does not count."""
        self._begin, self._end = begin, end
        self.days: dict[tuple[str, date], DaySums] = {}
        self.alarms: deque[AlarmRow] = deque(maxlen=KEEP)
        """The newest."""
        self.starts = self.clock_steps = self.events_lost = self.cut_segments = 0
        self.first: datetime | None = None
        self.last: datetime | None = None
        self._sources: dict[str, _Source] = {}

    @property
    def sources(self) -> list[str]:
        """Names, in alphabetical order."""
        return sorted({source for source, _ in self.days})

    def dates(self, source: str) -> list[date]:
        """Days of a source, in order."""
        return sorted(day for name, day in self.days if name == source)

    def total(self, source: str) -> DaySums:
        """All days of a source; its cells are the sums over the days."""
        sums = DaySums()
        for day in self.dates(source):
            sums.add(self.days[source, day])
        return sums

    def add(self, record: Record) -> None:
        """Take one record, in the order of the log."""
        state = self._sources.setdefault(record.source, _Source())
        if record.event == "started":
            self._leave(record.source, state)
            state = self._sources[record.source] = _Source(heard_to=record.time)
            self.starts += self._inside(record.time)
        elif record.event in ("clock_step", "source_restored"):
            state.heard_to = record.time
        elif not state.lost and record.event != "source_silent":
            self._heard(record.source, state, record.time)
        self._count(record, state)
        if self._inside(record.time):
            self.first = min(self.first or record.time, record.time)
            self.last = max(self.last or record.time, record.time)

    def finish(self) -> None:
        """The log is over."""
        for name, state in self._sources.items():
            self._leave(name, state)

    def _count(self, record: Record, state: _Source) -> None:
        inside = self._inside(record.time)
        match record.event:
            case "segment_open":
                state.open[record.text("label")] = record.time
            case "segment_close":
                self._segment(record, state)
            case "source_lost":
                state.lost = True
                row = AlarmRow(record.source, LOST, "alarm", record.text("reason"), record.time)
                self._raise(state, row)
            case "source_restored":
                self._restored(record, state)
            case "overload" if inside:
                self._day(record.source, record.time).dropped_s += record.number("dropped_s")
            case "alarm_raised":
                row = AlarmRow(
                    record.source,
                    record.text("rule"),
                    record.text("severity"),
                    record.text("text"),
                    record.time,
                )
                self._raise(state, row)
            case "alarm_cleared":
                self._clear(state, record.text("rule"), record.number("duration_s"))
            case "clock_step" if inside:
                self.clock_steps += 1
            case "events_lost" if inside:
                self.events_lost += int(record.number("events"))

    def _segment(self, record: Record, state: _Source) -> None:
        label = record.text("label")
        state.open.pop(label, None)
        if label in LABELS:
            self._on_air(
                record.source,
                label,
                record.moment("start") or record.time,
                record.number("duration_s"),
            )

    def _on_air(self, source: str, label: str, start: datetime, duration_s: float) -> None:
        for at, seconds in self._pieces(start, duration_s):
            sums = self._day(source, at)
            sums.seconds[label] += seconds
            sums.cells[LANES.index(label), _cell(at)] += seconds
        if self._inside(start):
            self._day(source, start).segments[label] += 1

    def _restored(self, record: Record, state: _Source) -> None:
        state.lost = False
        gap_s = record.number("gap_s")
        start = record.time - timedelta(seconds=min(gap_s, _LONGEST_S))
        for at, seconds in self._pieces(start, gap_s):
            sums = self._day(record.source, at)
            sums.gap_s += seconds
            sums.cells[LANES.index("gap"), _cell(at)] += seconds
        self._clear(state, LOST, gap_s)

    def _raise(self, state: _Source, row: AlarmRow) -> None:
        if (before := state.raised.get(row.rule)) is not None:  # from warn to alarm
            before.severity, before.text = row.severity, row.text
            return
        state.raised[row.rule] = row
        if self._inside(row.start):
            self.alarms.append(row)
            if row.rule == LOST:
                self._day(row.source, row.start).gaps += 1
            else:
                self._day(row.source, row.start).alarms[row.rule] += 1

    @staticmethod
    def _clear(state: _Source, rule: str, duration_s: float) -> None:
        if (row := state.raised.pop(rule, None)) is not None:
            row.duration_s = duration_s

    def _heard(self, source: str, state: _Source, until: datetime) -> None:
        since = state.heard_to
        if since is None or until <= since:  # onsets lie before what was logged last
            state.heard_to = since or until
            return
        for at, seconds in self._pieces(since, (until - since).total_seconds()):
            sums = self._day(source, at)
            sums.heard_s += seconds
            sums.cells[LANES.index("heard"), _cell(at)] += seconds
        state.heard_to = until

    def _leave(self, source: str, state: _Source) -> None:
        """A run is over without a word, or with everything closed."""
        for label, start in state.open.items():
            if label in LABELS and state.heard_to is not None and state.heard_to > start:
                self.cut_segments += 1
                self._on_air(source, label, start, (state.heard_to - start).total_seconds())
        state.open.clear()

    def _inside(self, time: datetime) -> bool:
        return (self._begin is None or time >= self._begin) and (
            self._end is None or time < self._end
        )

    def _day(self, source: str, time: datetime) -> DaySums:
        return self.days.setdefault((source, time.date()), DaySums())

    def _pieces(self, start: datetime, duration_s: float) -> Iterator[tuple[datetime, float]]:
        """A stretch cut to the report's span and at the borders of cells."""
        end = start + timedelta(seconds=min(max(0.0, duration_s), _LONGEST_S))
        zone = start.tzinfo
        start = max(start, self._begin.astimezone(zone)) if self._begin else start
        end = min(end, self._end.astimezone(zone)) if self._end else end
        while start < end:
            midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
            border = midnight + timedelta(seconds=(_cell(start) + 1) * CELL_S)
            piece_end = min(end, border)
            yield start, (piece_end - start).total_seconds()
            start = piece_end


def _cell(time: datetime) -> int:
    return int((time.hour * 3600 + time.minute * 60 + time.second) / CELL_S)
