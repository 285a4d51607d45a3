"""The span of time that ``explain`` is asked about, and how its moments are said."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from streamseg.decisions.alarm_words import duration


@dataclass(frozen=True, slots=True)
class Span:
    """The time that is asked about."""

    start: datetime
    end: datetime

    @property
    def seconds(self) -> float:
        """Its length."""
        return (self.end - self.start).total_seconds()

    def clock(self, moment: datetime) -> str:
        """A moment in local time, with its date where the span covers more than one."""
        local = moment.astimezone()
        same = self.start.astimezone().date() == self.end.astimezone().date() == local.date()
        shown = local.strftime("%H:%M:%S" if same else "%Y-%m-%d %H:%M:%S")
        tenth = local.microsecond // 100_000
        return f"{shown}.{tenth}" if tenth else shown

    def part(self, start: datetime, end: datetime) -> str:
        """``from 12:00:03 to 12:01:10 (1 min 07 s)``."""
        length_s = (end - start).total_seconds()
        return f"from {self.clock(start)} to {self.clock(end)} ({duration(length_s)})"
