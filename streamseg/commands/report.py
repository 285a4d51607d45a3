"""``streamseg report``: what an event log adds up to, as text, CSV or one HTML page.

Also the segments of a log in the formats of ``scan``. Logs of any length are read line by line, and
their rotated files with them.
"""

from __future__ import annotations

import csv
import io
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TextIO, cast

from rich.console import Console
from rich.table import Table

from streamseg.errors import NoSuchInputError, UsageError
from streamseg.messages import Label, Segment
from streamseg.sinks.formats import FORMATS, LABELS, Report, cannot_write
from streamseg.sinks.log_reader import LogReader, Record, with_rotated
from streamseg.sinks.log_sums import DaySums, LogSums
from streamseg.sinks.report_page import DASH, clock, duration, render

KINDS = ("text", "csv", "html")
_MS = 1000  # segments of a log are placed to the millisecond, as the log has them


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for."""

    kind: str = "text"
    """One of ``KINDS``."""
    segments: str | None = None
    """Instead of sums the segments, in one of the formats of ``scan``."""
    begin: datetime | None = None
    end: datetime | None = None
    source: str | None = None
    """Only this one."""
    output: Path | None = None


def parse_time(text: str, end: bool = False) -> datetime:
    """``2026-11-20``, ``2026-11-20 06:00`` or RFC 3339; local time where no offset is given.

    A day alone as an ``end`` is the whole of that day. Raises UsageError.
    """
    try:
        time = datetime.fromisoformat(text.strip())
    except ValueError:
        raise UsageError(
            f"expected a time as in 2026-11-20 or 2026-11-20T06:00:00+01:00, got {text!r}"
        ) from None
    if end and len(text.strip()) <= len("2026-11-20"):
        time += timedelta(days=1)
    return time.astimezone()  # one without an offset is taken as local


def run(console: Console, logs: Sequence[Path], wanted: Wanted) -> None:
    """Read the logs and write the report.

    Raises NoSuchInputError for a log that is not there or holds no event, UsageError for a format
    of segments where the log has several sources, CannotWriteError.
    """
    files = with_rotated(logs)
    reader = LogReader(files)
    if wanted.segments is not None:
        _write(_segments(reader, wanted, wanted.segments), wanted.output)
        return
    sums = _sums(reader, wanted)
    if wanted.kind == "csv":
        _write(_csv(sums), wanted.output)
    elif wanted.kind == "html":
        now = datetime.now().astimezone()
        _write(render(sums, files, reader.unreadable, now), wanted.output)
    elif wanted.output is None:
        _print(console, sums, reader.unreadable)
    else:
        text = io.StringIO()
        _print(Console(file=text, width=120, highlight=False), sums, reader.unreadable)
        _write(text.getvalue(), wanted.output)


def _sums(reader: LogReader, wanted: Wanted) -> LogSums:
    sums = LogSums(wanted.begin, wanted.end)
    seen = False
    for record in reader.records():
        if wanted.source in (None, record.source):
            seen = True
            sums.add(record)
    sums.finish()
    if not seen:
        of = f" of the source {wanted.source!r}" if wanted.source else ""
        raise NoSuchInputError(f"expected events{of}, got none in the given logs")
    return sums


# As text


def _print(console: Console, sums: LogSums, unreadable: int) -> None:
    for source in sums.sources:
        console.print(_table(sums, source))
    for line in _notes(sums, unreadable):
        console.print(line, markup=False)


def _table(sums: LogSums, source: str) -> Table:
    table = Table(title=f"{source}: hours:minutes", title_justify="left", title_style="bold")
    table.add_column("day")
    for name in ("heard", *LABELS, "alarms", "gaps", "gap time", "dropped"):
        table.add_column(name, justify="right")
    for day in sums.dates(source):
        table.add_row(f"{day:%a %Y-%m-%d}", *_cells(sums.days[source, day]))
    table.add_section()
    table.add_row("total", *_cells(sums.total(source)), style="bold")
    return table


def _cells(sums: DaySums) -> list[str]:
    return [
        clock(sums.heard_s),
        *(clock(sums.seconds[label]) for label in LABELS),
        str(sums.alarms.total()),
        str(sums.gaps),
        duration(sums.gap_s) if sums.gap_s else DASH,
        duration(sums.dropped_s) if sums.dropped_s else DASH,
    ]


def _notes(sums: LogSums, unreadable: int) -> list[str]:
    rules: Counter[str] = Counter()
    for day in sums.days.values():
        rules.update(day.alarms)
    notes = [
        f"alarm {rule.replace('_', ' ')}: {count} times" for rule, count in rules.most_common()
    ]
    for count, text in (
        (sums.cut_segments, "segments without an end count up to the last event of their run"),
        (sums.clock_steps, "steps of the clock"),
        (sums.events_lost, "events were lost on a full disk"),
        (unreadable, "lines could not be read"),
    ):
        if count:
            notes.append(f"{count} {text}")
    return notes


# As CSV


def _csv(sums: LogSums) -> str:
    """One row a day and source; seconds with a tenth."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    labels = [f"{label}_s" for label in LABELS]
    writer.writerow(["day", "source", "heard_s", *labels, "alarms", "gaps", "gap_s", "dropped_s"])
    for source, day in sorted(sums.days):
        row = sums.days[source, day]
        seconds = [row.heard_s, *(row.seconds[label] for label in LABELS)]
        counts = [row.alarms.total(), row.gaps, f"{row.gap_s:.1f}", f"{row.dropped_s:.1f}"]
        writer.writerow([day.isoformat(), source, *(f"{value:.1f}" for value in seconds), *counts])
    return out.getvalue()


# The segments themselves


def _segments(reader: LogReader, wanted: Wanted, format_name: str) -> str:
    """Time 0 is the beginning of the span, or of the first segment where none is given."""
    closed = [record for record in reader.records() if record.event == "segment_close"]
    names = sorted({record.source for record in closed})
    if wanted.source is None and len(names) > 1:
        raise UsageError(
            f"expected one source, because these formats know no more; got {', '.join(names)}: "
            "choose one with --source"
        )
    spans = [span for record in closed if (span := _span(record, wanted)) is not None]
    if not spans:
        raise NoSuchInputError("expected segments in this span of the log, got none")
    zero = wanted.begin or min(start for start, _, _ in spans)

    def at(time: datetime) -> int:
        return round((time - zero).total_seconds() * _MS)

    segments = tuple(
        Segment(
            cast(Label, record.text("label")),
            at(start),
            at(end),
            record.number("score_mean"),
            record.number("score_peak"),
            record.number("level_dbfs"),
        )
        for start, end, record in spans
    )
    duration_s = max(segment.end for segment in segments) / _MS
    out = io.StringIO(newline="")
    FORMATS[format_name](out, Report(spans[0][2].source, _MS, duration_s, segments))
    return out.getvalue()


def _span(record: Record, wanted: Wanted) -> tuple[datetime, datetime, Record] | None:
    """A segment cut to the wanted span, or None if it lies outside."""
    start = record.moment("start")
    if wanted.source not in (None, record.source) or record.text("label") not in LABELS:
        return None
    if start is None:
        return None
    end = start + timedelta(seconds=max(0.0, record.number("duration_s")))
    start = max(start, wanted.begin) if wanted.begin else start
    end = min(end, wanted.end) if wanted.end else end
    return (start, end, record) if end > start else None


def _write(text: str, output: Path | None) -> None:
    if output is None:
        _to_stdout(sys.stdout, text)
        return
    try:
        output.write_text(text, "utf-8", newline="")
    except OSError as error:
        raise cannot_write(output, error) from None


def _to_stdout(out: TextIO, text: str) -> None:
    out.write(text if text.endswith("\n") else text + "\n")
    out.flush()
