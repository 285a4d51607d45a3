"""What an event log and its trace say about a span of time: the material of ``explain``.

Reads the log (and its rotated files) once, line by line; lines that are torn or of another kind are
passed over.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from streamseg.errors import NoSuchInputError, UsageError
from streamseg.messages import Second
from streamseg.settings import Settings
from streamseg.sinks.log_files import rotated
from streamseg.sinks.trace_file import read_trace

_CLOCK = re.compile(r"(\d\d?):(\d\d)(?::(\d\d(?:\.\d+)?))?")
_AFTER = re.compile(r"\+(\d+(?:\.\d+)?)\s*s?")


@dataclass(frozen=True, slots=True)
class Stretch:
    """A segment, an alarm or a loss, from the log."""

    name: str
    """Label or rule; ``lost`` for a source that was away."""
    start: datetime
    end: datetime | None
    """None: it was never closed in this log."""
    said: dict[str, Any]
    """The record that tells most about it."""

    def touches(self, start: datetime, end: datetime) -> bool:
        """Whether a part of it lies in a span."""
        return self.start < end and (self.end is None or self.end > start)


@dataclass(slots=True)
class SourceLog:
    """Everything about one source."""

    name: str
    first: datetime
    last: datetime
    segments: list[Stretch] = field(default_factory=list)
    alarms: list[Stretch] = field(default_factory=list)
    losses: list[Stretch] = field(default_factory=list)
    boundaries: list[tuple[datetime, float]] = field(default_factory=list)
    """Moments at which something else began, with the strength of each."""
    seconds: list[Second] = field(default_factory=list)
    settings: list[tuple[datetime, Settings]] = field(default_factory=list)
    """In force from these moments on."""

    def settings_at(self, moment: datetime) -> Settings:
        """Those of the trace; the defaults where there is none."""
        found = Settings()
        for since, settings in self.settings:
            if since <= moment or found == Settings():
                found = settings
        return found


def read(log: Path, trace: Path | None) -> dict[str, SourceLog]:
    """The sources of a log, and their seconds where there is a trace.

    Raises NoSuchInputError when the log is not there or holds no event, or when a trace was asked
    for by name and is not there.
    """
    open_now: dict[tuple[str, str, str], dict[str, Any]] = {}
    sources: dict[str, SourceLog] = {}
    for record in _records(log):
        moment = datetime.fromisoformat(record["time"])
        source = sources.get(record["source"])
        if source is None:
            source = sources[record["source"]] = SourceLog(record["source"], moment, moment)
        if record["event"] == "started":
            _cut_off(source, open_now)
        source.last = max(source.last, moment)
        _take(source, record, moment, open_now)
    if not sources:
        raise NoSuchInputError(f"expected events in {log}, found none; check that it is the log")
    for (name, kind, label), record in open_now.items():
        stretch = Stretch(label, datetime.fromisoformat(record["time"]), None, record)
        _list(sources[name], kind).append(stretch)
    _add_trace(sources, trace)
    return sources


def _records(log: Path) -> Iterator[dict[str, Any]]:
    files = [*rotated(log), log]
    if not log.is_file() and len(files) == 1:
        raise NoSuchInputError(f"expected an event log at {log}, found none; check the path")
    for file in files:
        if not file.is_file():
            continue
        with file.open("rb") as lines:
            for line in lines:
                try:
                    record = json.loads(line)
                    datetime.fromisoformat(record["time"])
                    record["source"], record["event"]
                except (ValueError, KeyError, TypeError):
                    continue
                yield record


_KINDS = {
    "segment_open": ("segments", "label", True),
    "segment_close": ("segments", "label", False),
    "alarm_raised": ("alarms", "rule", True),
    "alarm_cleared": ("alarms", "rule", False),
    "source_lost": ("losses", "", True),
    "source_restored": ("losses", "", False),
}


def _list(source: SourceLog, kind: str) -> list[Stretch]:
    found: list[Stretch] = getattr(source, kind)
    return found


def _take(
    source: SourceLog,
    record: dict[str, Any],
    moment: datetime,
    open_now: dict[tuple[str, str, str], dict[str, Any]],
) -> None:
    if record["event"] == "boundary":
        source.boundaries.append((moment, float(record.get("strength", 0.0))))
    if record["event"] not in _KINDS:
        return
    kind, key, opens = _KINDS[record["event"]]
    label = str(record.get(key, "lost"))
    place = (source.name, kind, label)
    if opens:
        # From warn to alarm is one alarm: the later record says more.
        first = open_now.get(place)
        open_now[place] = record if first is None else {**record, "time": first["time"]}
        return
    opened = open_now.pop(place, None)
    start = datetime.fromisoformat(record["start"]) if "start" in record else None
    if start is None and opened is not None:
        start = datetime.fromisoformat(opened["time"])
    if start is not None:
        said = {**(opened or {}), **record}
        if opened is not None and kind == "alarms":
            said = {**said, "text": opened["text"], "value": opened["value"]}
        _list(source, kind).append(Stretch(label, start, moment, said))


def _cut_off(source: SourceLog, open_now: dict[tuple[str, str, str], dict[str, Any]]) -> None:
    """A run that was killed closed nothing: what was open then ended with its last event."""
    for place in [place for place in open_now if place[0] == source.name]:
        record = open_now.pop(place)
        start = datetime.fromisoformat(record["time"])
        _list(source, place[1]).append(Stretch(place[2], start, source.last, record))


def _add_trace(sources: dict[str, SourceLog], trace: Path | None) -> None:
    if trace is None:
        return
    waiting: dict[str, Settings] = {}
    for record in read_trace(trace):
        if isinstance(record, tuple):
            waiting[record[0]] = record[1]
            continue
        source = sources.get(record.source)
        if source is None:
            continue
        if (settings := waiting.pop(record.source, None)) is not None:
            source.settings.append((record.time, settings))
        source.seconds.append(record)
        source.last = max(source.last, record.time + timedelta(seconds=record.length_s))


def parse_moment(
    text: str, first: datetime, last: datetime, after: datetime | None = None
) -> datetime:
    """A time as people write it: RFC 3339, a date with a time, ``HH:MM[:SS]``, or ``+SECONDS``.

    Without a date it is the first such moment after ``after``, or else the last one up to ``last``;
    ``+`` counts from ``first``; without a zone it is local time. Raises UsageError for anything
    else.
    """
    if match := _AFTER.fullmatch(text.strip()):
        return first + timedelta(seconds=float(match[1]))
    try:
        if match := _CLOCK.fullmatch(text.strip()):
            moment = _at_clock(last if after is None else after, match)
            if after is None:
                return moment if moment <= last else moment - timedelta(days=1)
            return moment if moment > after else moment + timedelta(days=1)
        return datetime.fromisoformat(text.strip()).astimezone()
    except ValueError:
        raise _bad_moment(text) from None


def _at_clock(day: datetime, match: re.Match[str]) -> datetime:
    second = float(match[3] or 0)
    return day.astimezone().replace(
        hour=int(match[1]),
        minute=int(match[2]),
        second=int(second),
        microsecond=round(second % 1 * 1e6),
    )


def _bad_moment(text: str) -> UsageError:
    return UsageError(
        f"expected a time, got {text!r}; write it as 14:05:00, 2026-03-01T14:05:00 or +90 "
        "(seconds after the first event of the log)"
    )
