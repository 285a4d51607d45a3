"""Facts about what the alarm bar says."""

import numpy as np
import pytest

from streamseg.sinks.events import AlarmCleared, AlarmRaised, Overload, SourceLost
from streamseg.view.alarm_lines import MOST, alarm_lines
from streamseg.view.panels.lanes import stacked

pytestmark = pytest.mark.usefixtures("patient")
RATE_HZ = 16_000


def raise_alarm(station, at_s, rule="dead_air", severity="alarm"):
    """A rule is broken."""
    station.sink(
        AlarmRaised(
            station.stamp(at_s), rule, severity, -62.0, -40.0, "", 10.0, False, f"{rule} broken"
        )
    )


@pytest.fixture
def heard(station):
    """A minute of the source."""
    station.hear(np.full(60 * RATE_HZ, 0.1, np.float32), block=16_000)
    station.settle()
    return station


def texts(station, told=""):
    """Just the sentences."""
    return [line.text for line in alarm_lines(station.state.snapshot(), told)]


def test_a_standing_alarm_says_since_when_and_for_how_long(heard):
    """And where to look."""
    raise_alarm(heard, 20.0)
    (line,) = alarm_lines(heard.state.snapshot())
    began = heard.stamp(20.0).time.astimezone()
    assert line.text == f"Dead_air broken  ·  since {began:%H:%M:%S}, for 39.0 s"
    assert line.moment_s == pytest.approx(20)


def test_an_alarm_that_is_over_says_how_long_it_was(heard):
    """It still waits to be seen."""
    raise_alarm(heard, 20.0)
    stamp = heard.stamp(32.5)
    heard.sink(
        AlarmCleared(
            stamp, "dead_air", "alarm", -62.0, -40.0, "", stamp.time, 12.5, 1, "recovered", "fine"
        )
    )
    assert texts(heard)[0].endswith("over after 12.5 s")
    heard.state.acknowledge()
    assert texts(heard) == []


def test_what_is_urgent_stands_first(heard):
    """Alarms before warnings, standing before over, unseen before seen."""
    raise_alarm(heard, 1.0, "dc", "warn")
    heard.state.acknowledge()
    heard.sink(Overload(heard.stamp(2), dropped_s=0.5, queue="ring"))
    raise_alarm(heard, 3.0, "clipping", "warn")
    raise_alarm(heard, 4.0, "phase_inverted")
    rules = [text.split()[0] for text in texts(heard)]
    assert rules == ["Phase_inverted", "Clipping", "0.50", "Dc"]
    assert texts(heard)[-1].endswith("(acknowledged)")


def test_more_than_there_is_room_for_are_counted(heard):
    """The event list has all of them."""
    for index in range(MOST + 3):
        raise_alarm(heard, index, f"rule_{index}")
    assert len(texts(heard)) == MOST + 1
    assert texts(heard)[-1].startswith("and 3 more")


def test_what_the_banner_says_is_not_said_twice(heard):
    """While it says so."""
    heard.sink(SourceLost(heard.stamp(59), "gone"))
    assert len(texts(heard)) == 1
    assert texts(heard, "source_lost") == []


def test_an_alarm_of_an_earlier_source_names_it_and_leads_nowhere(heard):
    """Its sound is no longer kept."""
    raise_alarm(heard, 20.0)
    heard.begin()
    (line,) = alarm_lines(heard.state.snapshot())
    assert line.text.startswith("studio: Dead_air broken")
    assert line.moment_s is None


def test_bars_at_the_same_time_get_rows_of_their_own():
    """As few as possible."""
    assert stacked([(0, 10), (5, 15), (10, 20), (12, 13), (20, 30)]) == [0, 1, 0, 2, 0]
    assert stacked([]) == []
