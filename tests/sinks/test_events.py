"""Every event as the line that a script reads."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest

from streamseg.messages import Segment
from streamseg.sinks import events, lines
from streamseg.sinks.events import Clock, Event, Stamp
from streamseg.sinks.lines import to_line

NOON = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=timezone(timedelta(hours=1)))
STAMP = Stamp(source="studio", time=NOON, sample=48000, rate_hz=48000)
COMMON = {
    "schema": 1,
    "source": "studio",
    "time": "2026-03-01T12:00:00.250+01:00",
    "sample": 48000,
    "rate_hz": 48000,
}


@pytest.fixture
def central_europe(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The local zone has summer time, by a rule that needs no zone files."""
    if not hasattr(time, "tzset"):
        pytest.skip("the local zone cannot be set on this system")
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def segment_close(**changes: float | None) -> events.SegmentClose:
    """A closed segment of 1.5 s."""
    values = {"score_mean": 0.81236, "score_peak": 0.99, "level_dbfs": -20.04, "lufs": -23.06}
    return events.SegmentClose(
        stamp=STAMP,
        label="music",
        start=NOON - timedelta(seconds=1.5),
        end=NOON,
        duration_s=1.5,
        **{**values, **changes},  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("event", "name", "extra"),
    [
        (events.SegmentOpen(STAMP, "speech"), "segment_open", {"label": "speech"}),
        (
            segment_close(),
            "segment_close",
            {
                "label": "music",
                "start": "2026-03-01T11:59:58.750+01:00",
                "end": "2026-03-01T12:00:00.250+01:00",
                "duration_s": 1.5,
                "score_mean": 0.8124,
                "score_peak": 0.99,
                "level_dbfs": -20.0,
                "lufs": -23.1,
            },
        ),
        (
            events.Started(STAMP, model="activity", provider="CPU", format="pcm", version="0.1"),
            "started",
            {"model": "activity", "provider": "CPU", "format": "pcm", "version": "0.1"},
        ),
        (
            events.Stopped(STAMP, "signal", 12.34567, 0.5, 3, 7),
            "stopped",
            {
                "reason": "signal",
                "heard_s": 12.346,
                "dropped_s": 0.5,
                "bad_samples": 3,
                "segments": 7,
                "drift_ppm": None,
            },
        ),
        (
            events.EventsLost(STAMP, 17, NOON),
            "events_lost",
            {"events": 17, "since": "2026-03-01T12:00:00.250+01:00"},
        ),
        (events.SourceLost(STAMP, "unplugged"), "source_lost", {"reason": "unplugged"}),
        (events.SourceRestored(STAMP, 2.5), "source_restored", {"gap_s": 2.5}),
        (events.Overload(STAMP, 0.25, "ring"), "overload", {"dropped_s": 0.25, "queue": "ring"}),
        (
            events.AlarmRaised(
                STAMP, "dead_air", "warn", -72.345, -40.0, "dBFS", 10.1, False, "dead air"
            ),
            "alarm_raised",
            {
                "rule": "dead_air",
                "severity": "warn",
                "value": -72.345,
                "threshold": -40.0,
                "unit": "dBFS",
                "held_s": 10.1,
                "flapping": False,
                "text": "dead air",
            },
        ),
        (
            events.AlarmCleared(
                STAMP, "no_speech", "alarm", 90.0, 60.0, "s", NOON, 90.0, 1, "recovered", "over"
            ),
            "alarm_cleared",
            {
                "rule": "no_speech",
                "severity": "alarm",
                "value": 90.0,
                "threshold": 60.0,
                "unit": "s",
                "start": "2026-03-01T12:00:00.250+01:00",
                "duration_s": 90.0,
                "occurrences": 1,
                "reason": "recovered",
                "text": "over",
            },
        ),
        (
            events.AlarmAcknowledged(STAMP, "dead_air", "ana"),
            "alarm_acknowledged",
            {"rule": "dead_air", "by": "ana"},
        ),
        (events.ClockStep(STAMP, -3600.0), "clock_step", {"step_s": -3600.0, "cause": "clock_set"}),
        (events.SourceSilent(STAMP, 10.0), "source_silent", {"silent_s": 10.0}),
        (events.SourceSounding(STAMP, 12.5), "source_sounding", {"silent_s": 12.5}),
        (events.Boundary(STAMP, 0.61249), "boundary", {"strength": 0.612}),
    ],
)
def test_an_event_has_these_keys_and_no_other(event: Event, name: str, extra: dict) -> None:
    """The keys of every event, in this order: the common ones first."""
    line = to_line(event)
    assert line.endswith(b"}\n")
    assert line.count(b"\n") == 1
    record = json.loads(line)
    assert record == {**COMMON, "event": name, **extra}
    assert list(record)[:6] == ["schema", "event", "source", "time", "sample", "rate_hz"]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), np.float32("nan")])
def test_numbers_that_are_not_finite_are_null(value: float) -> None:
    """JSON has no NaN: such a value is null, and the line is still valid JSON."""
    line = to_line(segment_close(level_dbfs=value, lufs=None))
    record = json.loads(line, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert record["level_dbfs"] is None
    assert record["lufs"] is None


def test_numpy_numbers_are_written_as_numbers() -> None:
    """A float32 score is a plain number with four decimals."""
    record = json.loads(to_line(segment_close(score_mean=np.float32(0.5))))
    assert record["score_mean"] == 0.5


@pytest.mark.parametrize("source", ["Bühne 1", 'a "b"', "two\nlines", "café\u2028", "bad\udce9"])
def test_any_source_name_stays_on_one_line(source: str) -> None:
    """Quotes, line ends and undecodable bytes of a file name come back as they were."""
    line = to_line(events.SegmentOpen(Stamp(source, NOON, 0, 8000), "noise"))
    assert line.count(b"\n") == 1
    assert json.loads(line.decode("utf-8"))["source"] == source


def test_the_event_of_a_segment_lies_on_the_clock(central_europe: None) -> None:
    """Samples become times of day: anchor plus sample over rate."""
    clock = Clock(datetime(2026, 3, 1, 11, 0, tzinfo=UTC), monotonic_s=5.0, rate_hz=44100)
    segment = Segment("music", 44100, 3 * 44100, 0.7, 0.9, -18.0)
    event = events.SegmentClose.of(segment, "studio", clock, lufs=-21.0)
    record = json.loads(to_line(event))
    assert record["start"] == "2026-03-01T12:00:01.000+01:00"
    assert record["end"] == record["time"] == "2026-03-01T12:00:03.000+01:00"
    assert record["sample"] == 3 * 44100
    assert record["duration_s"] == 2.0


def test_the_offset_is_the_one_at_that_instant(central_europe: None) -> None:
    """Across the change to summer time the distance stays, and the offset changes."""
    clock = Clock(datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC), monotonic_s=0.0, rate_hz=1000)
    assert lines.rfc3339(clock.time(0)) == "2026-03-29T01:59:59.000+01:00"
    assert lines.rfc3339(clock.time(2000)) == "2026-03-29T03:00:01.000+02:00"


def test_an_anchor_may_lie_at_any_sample(central_europe: None) -> None:
    """After a reopening the anchor is taken at the sample where the sound goes on."""
    clock = Clock(datetime(2026, 3, 1, 11, 0, tzinfo=UTC), 0.0, rate_hz=1000, sample=5000)
    assert lines.rfc3339(clock.time(4000)) == "2026-03-01T11:59:59.000+01:00"


def test_a_day_of_samples_is_exact(central_europe: None) -> None:
    """44.1 kHz for 100 days ends exactly 100 days later: no float takes part."""
    clock = Clock(datetime(2026, 1, 1, tzinfo=UTC), 0.0, rate_hz=44100)
    assert clock.time(44100 * 86400 * 100) - clock.wall == timedelta(days=100)


def test_an_anchor_without_a_zone_is_refused() -> None:
    """A naive time would be an hour wrong sooner or later."""
    with pytest.raises(ValueError, match="expected a time with its zone, got 2026-01-01"):
        Clock(datetime(2026, 1, 1), 0.0, 48000)


def test_a_step_of_the_system_clock_is_measured() -> None:
    """Ten seconds later by the monotonic clock, the wall says an hour and ten seconds."""
    clock = Clock(datetime(2026, 1, 1, tzinfo=UTC), monotonic_s=100.0, rate_hz=48000)
    later = datetime(2026, 1, 1, 1, 0, 10, tzinfo=UTC)
    assert clock.step_s(later, monotonic_s=110.0) == 3600.0
