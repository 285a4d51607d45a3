"""Logs as they are found: whole, torn, rotated, compressed, damaged."""

from __future__ import annotations

import gzip
import json
import tempfile
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_events import closed, opened, started, stopped

from streamseg.errors import NoSuchInputError
from streamseg.settings_outputs import LogSettings
from streamseg.sinks.event_log import EventLog
from streamseg.sinks.lines import to_line
from streamseg.sinks.log_reader import LogReader, parse, with_rotated
from streamseg.sinks.log_sums import LogSums


def test_every_event_comes_back(tmp_path: Path) -> None:
    """With its time, offset included, and its values."""
    path = tmp_path / "air.jsonl"
    events = [started(), opened(1), closed(1, 3), stopped(4)]
    path.write_bytes(b"".join(map(to_line, events)))
    records = list(LogReader([path]).records())
    assert [record.event for record in records] == [event.name for event in events]
    assert [record.source for record in records] == ["studio"] * 4
    for record, event in zip(records, events, strict=True):
        assert record.time == event.stamp.time
        assert record.time.utcoffset() == event.stamp.time.utcoffset()
    assert records[2].number("duration_s") == 2
    assert records[2].text("label") == "music"
    assert records[2].moment("start") == events[1].stamp.time


def test_torn_and_damaged_lines_are_counted_and_passed_over(tmp_path: Path) -> None:
    """Also one that is longer than any event, and zeros after a power cut."""
    path = tmp_path / "air.jsonl"
    line = to_line(opened(1))
    damaged = [
        b'{"schema":1,"ev\n',
        b"\0" * 100 + b"\n",
        b"[1]\n",
        b'"x"\n',
        b"x" * 3_000_000 + b"\n",
    ]
    path.write_bytes(line + b"".join(bad + line for bad in damaged) + line[:-20])
    reader = LogReader([path])
    assert len(list(reader.records())) == 6
    assert reader.unreadable == 6


def test_rotated_files_are_read_first_and_once(tmp_path: Path) -> None:
    """In the order of their events, though each is named twice."""
    path = tmp_path / "air.jsonl"
    log = EventLog(path, LogSettings(rotate_mb=0.0005, rotate_daily=False))
    for second in range(20):
        log.write(opened(second))
    log.close()
    files = with_rotated([path, *sorted(tmp_path.iterdir())])
    assert len(files) == len(list(tmp_path.iterdir())) > 3
    seconds = [record.number("sample") / 16_000 for record in LogReader(files).records()]
    assert seconds == list(range(20))


def test_a_log_that_was_just_rotated_away_is_still_a_log(tmp_path: Path) -> None:
    """Its name may lead to nothing until the next event."""
    (tmp_path / "air-2026-01-01T00-00-00.jsonl").write_bytes(to_line(opened(1)))
    assert len(with_rotated([tmp_path / "air.jsonl"])) == 1


def test_a_compressed_log_is_read(tmp_path: Path) -> None:
    """As logrotate leaves it; half of one is an error, not a traceback."""
    path = tmp_path / "air.jsonl.1.gz"
    whole = gzip.compress(b"".join(to_line(opened(second)) for second in range(500)))
    path.write_bytes(whole)
    assert len(list(LogReader([path]).records())) == 500
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(NoSuchInputError, match="expected an event log that can be read"):
        list(LogReader([path]).records())


def test_a_missing_log_is_66(tmp_path: Path) -> None:
    """Named in the message."""
    with pytest.raises(NoSuchInputError, match=r"got .*nothing\.jsonl, which is not there"):
        with_rotated([tmp_path / "nothing.jsonl"])


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader(line: bytes) -> None:
    """Any line is an event or none."""
    record = parse(line)
    assert record is None or record.time.tzinfo is not None


VALUE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.datetimes(min_value=datetime(1, 1, 1)).map(lambda time: time.isoformat() + "+14:00"),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2)
    ),
    max_leaves=4,
)
KEYS = st.sampled_from(
    [
        "time",
        "source",
        "label",
        "start",
        "end",
        "duration_s",
        "gap_s",
        "dropped_s",
        "rule",
        "severity",
        "text",
        "events",
        "reason",
        "sample",
    ]
)
NAMES = st.sampled_from(
    [
        "started",
        "stopped",
        "segment_open",
        "segment_close",
        "source_lost",
        "source_restored",
        "overload",
        "alarm_raised",
        "alarm_cleared",
        "clock_step",
        "boundary",
        "events_lost",
        "anything",
    ]
)


@given(st.lists(st.tuples(NAMES, st.dictionaries(KEYS, VALUE, max_size=8)), max_size=12))
def test_no_values_break_the_sums(events: list[tuple[str, dict[str, object]]]) -> None:
    """Strange numbers, times and types of a damaged log never raise, and never count below zero."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "air.jsonl")
        plain = {"schema": 1, "source": "s", "time": "2026-01-01T00:00:00+00:00"}
        lines = [json.dumps({**plain, "event": name, **values}) for name, values in events]
        path.write_text("\n".join(lines), "utf-8")
        reader, sums = LogReader([path]), LogSums()
        for record in reader.records():
            sums.add(record)
        sums.finish()
        assert all(
            min(day.heard_s, day.gap_s, *day.seconds.values()) >= 0 for day in sums.days.values()
        )
