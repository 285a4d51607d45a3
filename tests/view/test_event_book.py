"""Facts about the events that are listed and the alarms that wait."""

from datetime import UTC, datetime, timedelta

import pytest

from streamseg.sinks.events import (
    AlarmAcknowledged,
    AlarmCleared,
    AlarmRaised,
    EventsLost,
    Overload,
    SegmentOpen,
    SourceLost,
    SourceRestored,
    SourceSilent,
    SourceSounding,
    Stamp,
    Stopped,
)
from streamseg.view.event_book import ALARMS, EVENTS, EventBook

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
RATE_HZ = 1000


def at(second):
    """A moment of a source."""
    return Stamp("studio", NOON + timedelta(seconds=second), round(second * RATE_HZ), RATE_HZ)


def raised(second, rule="dead_air", severity="alarm"):
    """A rule is broken."""
    return AlarmRaised(
        at(second), rule, severity, -62.0, -40.0, "dBFS", 10.0, False, f"{rule} broken"
    )


def cleared(second, rule="dead_air"):
    """And holds again."""
    return AlarmCleared(
        at(second), rule, "alarm", -62.0, -40.0, "dBFS", NOON, 5.0, 1, "recovered", f"{rule} holds"
    )


@pytest.fixture
def book():
    """A book of the first source."""
    made = EventBook()
    made.begin(1)
    return made


def test_an_alarm_waits_until_it_is_over_and_seen(book):
    """In either order."""
    book.add(1, raised(5))
    assert [(a.rule, a.stands, a.waits) for a in book.alarms] == [("dead_air", True, True)]
    book.acknowledge(None)
    assert book.alarms[0].waits
    book.add(1, cleared(9))
    assert not book.alarms[0].waits
    book.add(1, raised(20))
    book.add(1, cleared(25))
    assert book.alarms[1].waits
    assert book.alarms[1].end == at(25)
    assert [alarm.rule for alarm in book.acknowledge(None)] == ["dead_air"]
    assert not book.alarms[1].waits


def test_a_rule_that_gets_worse_is_one_alarm_and_must_be_seen_anew(book):
    """From warn to alarm: it began when it began, and the old line is no longer shouted."""
    book.add(1, raised(5, severity="warn"))
    book.acknowledge(None)
    book.add(1, raised(25, severity="alarm"))
    (alarm,) = book.alarms
    assert (alarm.severity, alarm.acknowledged, alarm.stamp) == ("alarm", False, at(5))
    book.acknowledge(alarm.number)
    assert all(line.acknowledged for line in book.events if line.alarm)


def test_one_rule_that_is_cleared_leaves_the_others_standing(book):
    """Each by its name."""
    book.add(1, raised(1, "dead_air"))
    book.add(1, raised(2, "phase_inverted"))
    book.add(1, cleared(3, "dead_air"))
    assert [alarm.rule for alarm in book.alarms if alarm.stands] == ["phase_inverted"]


@pytest.mark.parametrize(
    ("begin", "end", "rule"),
    [
        (SourceLost(at(1), "gone"), SourceRestored(at(4), 3.0), "source_lost"),
        (SourceSilent(at(1), 10.0), SourceSounding(at(4), 3.0), "source_silent"),
        (SourceSilent(at(1), 10.0), SourceLost(at(4), "gone"), "source_silent"),
    ],
)
def test_a_source_that_is_lost_or_silent_is_an_alarm_until_it_is_back(book, begin, end, rule):
    """Though no rule of the alarms says so."""
    book.add(1, begin)
    assert book.alarms[0].rule == rule
    assert book.alarms[0].stands
    book.add(1, end)
    assert book.alarms[0].end == at(4)


def test_dropped_sound_and_lost_events_are_over_at_once_and_still_wait(book):
    """Nothing would ever clear them."""
    book.add(1, Overload(at(1), 0.5, "ring"))
    book.add(1, EventsLost(at(2), 12, NOON))
    assert [alarm.stands for alarm in book.alarms] == [False, False]
    assert [alarm.waits for alarm in book.alarms] == [True, True]


@pytest.mark.parametrize("stopped", [True, False])
def test_what_stands_ends_with_its_source(book, stopped):
    """Nobody watches it any more; that nobody saw it stays."""
    book.add(1, raised(5))
    book.add(1, SegmentOpen(at(7), "music"))
    if stopped:
        book.add(1, Stopped(at(8), "stopped", 8.0, 0.0, 0, 1))
    book.begin(2)
    (alarm,) = book.alarms
    assert not alarm.stands
    assert alarm.end == at(8 if stopped else 7)
    assert alarm.waits


def test_an_acknowledgement_in_the_log_counts_here_too(book):
    """Somebody may have given it elsewhere; only for the source and rule that it names."""
    book.add(1, raised(1, "dead_air"))
    book.add(1, raised(2, "clipping"))
    book.add(1, AlarmAcknowledged(at(3), "dead_air", "desk"))
    assert [(a.rule, a.acknowledged) for a in book.alarms] == [
        ("dead_air", True),
        ("clipping", False),
    ]
    assert book.events[-1].text == "dead air: acknowledged by desk"
    assert not book.events[-1].alarm


def test_years_of_events_are_bounded_and_what_waits_is_kept(book):
    """The oldest lines go; an alarm that nobody saw stays before those that somebody did."""
    book.add(1, raised(0, "clipping"))
    for index in range(ALARMS + 50):
        book.add(1, Overload(at(index), 0.1, "ring"))
        book.acknowledge(book.events[-1].number)
    assert len(book.alarms) == ALARMS
    assert book.alarms[0].rule == "clipping"
    for index in range(EVENTS):
        book.add(1, SegmentOpen(at(index), "music"))
    assert len(book.events) == EVENTS
    assert all(line.event.name == "segment_open" for line in book.events)
