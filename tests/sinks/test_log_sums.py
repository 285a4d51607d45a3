"""What a log adds up to."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone

import numpy as np
import pytest

from streamseg.messages import Label
from streamseg.sinks.events import (
    AlarmCleared,
    AlarmRaised,
    ClockStep,
    Event,
    EventsLost,
    Overload,
    SegmentClose,
    SegmentOpen,
    SourceLost,
    SourceRestored,
    Stamp,
    Started,
    Stopped,
)
from streamseg.sinks.lines import to_line
from streamseg.sinks.log_reader import parse
from streamseg.sinks.log_sums import CELL_S, LANES, DaySums, LogSums

ZONE = timezone(timedelta(hours=2))
NIGHT = datetime(2026, 6, 1, 23, 0, tzinfo=ZONE)
DAY, NEXT = date(2026, 6, 1), date(2026, 6, 2)


def stamp(minutes: float, source: str = "studio") -> Stamp:
    """Minutes after eleven at night."""
    return Stamp(source, NIGHT + timedelta(minutes=minutes), round(minutes * 60 * 48000), 48000)


def started(minutes: float = 0, source: str = "studio") -> Started:
    """A run begins."""
    return Started(stamp(minutes, source), "activity", "CPU", "a test", "0.1")


def stopped(minutes: float, source: str = "studio") -> Stopped:
    """A run is over."""
    return Stopped(stamp(minutes, source), "interrupted", minutes * 60, 0, 0, 0)


def segment(
    begin: float, end: float, label: Label = "music", source: str = "studio"
) -> list[Event]:
    """Opened and closed."""
    start, stop = stamp(begin, source), stamp(end, source)
    length_s = (end - begin) * 60
    close = SegmentClose(stop, label, start.time, stop.time, length_s, 0.9, 0.9, -20, -23)
    return [SegmentOpen(start, label), close]


def alarm(begin: float, end: float) -> list[Event]:
    """Raised and cleared."""
    return [
        AlarmRaised(stamp(begin), "dead_air", "warn", -90, -40, "dBFS", 10, False, "quiet"),
        AlarmRaised(stamp(begin), "dead_air", "alarm", -90, -40, "dBFS", 30, False, "too quiet"),
        AlarmCleared(
            stamp(end),
            "dead_air",
            "alarm",
            -90,
            -40,
            "dBFS",
            stamp(begin).time,
            (end - begin) * 60,
            1,
            "recovered",
            "over",
        ),
    ]


def summed(events: Iterable[Event], **span: datetime) -> LogSums:
    """Through the lines of the log, as a report reads them."""
    sums = LogSums(**span)
    for event in events:
        record = parse(to_line(event))
        assert record is not None
        sums.add(record)
    sums.finish()
    return sums


def minutes(sums: DaySums, label: str) -> float:
    """Of a label."""
    return sums.seconds[label] / 60


def test_labels_add_up_and_overlap() -> None:
    """A voice over a bed is both."""
    sums = summed([started(), *segment(0, 30), *segment(10, 20, "speech"), stopped(30)])
    day = sums.days["studio", DAY]
    assert (minutes(day, "music"), minutes(day, "speech")) == (30, 10)
    assert day.heard_s == 30 * 60
    assert day.segments == {"music": 1, "speech": 1}


def test_a_segment_over_midnight_counts_on_both_days() -> None:
    """Midnight is that of the offset in the log."""
    sums = summed([started(), *segment(45, 90), stopped(90)])
    first, second = sums.days["studio", DAY], sums.days["studio", NEXT]
    assert (minutes(first, "music"), minutes(second, "music")) == (15, 30)
    assert (first.heard_s, second.heard_s) == (3600, 1800)
    assert (first.segments["music"], second.segments["music"]) == (1, 0)
    assert sums.dates("studio") == [DAY, NEXT]


def test_cells_lie_where_the_sound_was() -> None:
    """Five minutes each, of every lane."""
    sums = summed(
        [
            started(),
            *segment(2, 9),
            SourceLost(stamp(20), "x"),
            SourceRestored(stamp(30), 600),
            stopped(40),
        ]
    )
    cells = sums.days["studio", DAY].cells
    eleven = round(23 * 3600 / CELL_S)
    lane = dict(zip(LANES, cells[:, eleven : eleven + 8].tolist(), strict=True))
    assert lane["music"] == [180, 240, 0, 0, 0, 0, 0, 0]
    assert lane["gap"] == [0, 0, 0, 0, 300, 300, 0, 0]
    assert lane["heard"] == [300, 300, 300, 300, 0, 0, 300, 300]
    assert cells.sum() == np.float32(420 + 600 + 1800)


def test_a_gap_is_not_heard() -> None:
    """From the loss to the return; both are counted."""
    sums = summed(
        [started(), SourceLost(stamp(10), "unplugged"), SourceRestored(stamp(25), 900), stopped(30)]
    )
    day = sums.days["studio", DAY]
    assert (day.heard_s, day.gaps, day.gap_s) == (900, 1, 900)
    assert [(row.rule, row.text, row.duration_s) for row in sums.alarms] == [
        ("source_lost", "unplugged", 900)
    ]


def test_a_loss_that_never_ended_is_still_open() -> None:
    """And nothing is heard behind it."""
    sums = summed([started(), SourceLost(stamp(10), "unplugged"), stopped(40)])
    day = sums.days["studio", DAY]
    assert (day.heard_s, day.gaps) == (600, 1)
    assert sums.alarms[0].duration_s is None


def test_a_run_that_was_killed_counts_to_its_last_event() -> None:
    """Of the time until the next start nothing is known, and nothing is claimed."""
    killed = [started(), SegmentOpen(stamp(0), "music"), *segment(5, 10, "speech")]
    sums = summed([*killed, started(40), *segment(42, 45), stopped(50)])
    day = sums.days["studio", DAY]
    assert day.heard_s == (10 + 10) * 60
    assert minutes(day, "music") == 10 + 3
    assert (sums.cut_segments, sums.starts) == (1, 2)


def test_an_alarm_is_one_from_warn_to_cleared() -> None:
    """With its worst severity and its length."""
    sums = summed([started(), *alarm(5, 8), *alarm(20, 21), stopped(30)])
    assert sums.days["studio", DAY].alarms == {"dead_air": 2}
    assert [(row.severity, row.text, row.duration_s) for row in sums.alarms] == [
        ("alarm", "too quiet", 180),
        ("alarm", "too quiet", 60),
    ]


def test_sources_are_apart() -> None:
    """Though their events are mixed in the log."""
    one, two = segment(0, 30), segment(5, 10, "speech", "b")
    sums = summed([started(), started(0, "b"), one[0], two[0], two[1], one[1]])
    assert sums.sources == ["b", "studio"]
    assert minutes(sums.total("studio"), "music") == 30
    assert sums.total("b").seconds["music"] == 0
    assert sums.total("b").heard_s == 600


def test_a_clock_that_is_set_makes_no_hours() -> None:
    """Neither forwards nor back."""
    forwards = ClockStep(stamp(70), 3600.0)
    back = replace(ClockStep(stamp(5), -3600.0))
    sums = summed([started(), *segment(0, 10), forwards, *segment(71, 75), stopped(80)])
    assert sum(day.heard_s for day in sums.days.values()) == 20 * 60
    sums = summed([started(), *segment(40, 50), back, *segment(6, 9), stopped(10)])
    assert sums.total("studio").heard_s == (50 + 5) * 60
    assert sums.clock_steps == 1


def test_what_was_lost_is_summed() -> None:
    """Sound that was dropped, and events that never found room."""
    sums = summed(
        [
            started(),
            Overload(stamp(1), 0.5, "ring"),
            Overload(stamp(2), 0.25, "ring"),
            EventsLost(stamp(3), 17, NIGHT),
        ]
    )
    assert sums.days["studio", DAY].dropped_s == 0.75
    assert sums.events_lost == 17


def test_a_span_cuts_segments_and_counts_nothing_outside() -> None:
    """From quarter past to half past."""
    span = {"begin": stamp(15).time, "end": stamp(30).time}
    events = [
        started(),
        *segment(0, 20),
        *alarm(5, 6),
        *alarm(16, 17),
        *segment(25, 50),
        stopped(60),
    ]
    sums = summed(events, **span)
    day = sums.days["studio", DAY]
    assert minutes(day, "music") == 5 + 5
    assert day.heard_s == 15 * 60
    assert day.alarms["dead_air"] == 1
    assert sums.first == stamp(16).time


def test_a_log_that_begins_in_the_middle_is_counted_from_there() -> None:
    """Its beginning was rotated away and deleted."""
    sums = summed([*segment(5, 10, "speech"), *segment(12, 15)])
    assert minutes(sums.total("studio"), "speech") == 5
    assert sums.total("studio").heard_s == pytest.approx(600)


def test_a_segment_as_long_as_a_life_is_damage() -> None:
    """And is cut to a month."""
    line = json.loads(to_line(segment(0, 1)[1]))
    line["duration_s"] = 1e300
    record = parse(json.dumps(line).encode())
    assert record is not None
    sums = LogSums()
    sums.add(record)
    assert sum(day.seconds["music"] for day in sums.days.values()) == pytest.approx(30 * 86_400)
