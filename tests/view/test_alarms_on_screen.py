"""Facts about alarms in a real window: bar, list, time line, title."""

import numpy as np
import pytest
from view_pictures import pixels, share

from streamseg.sinks.events import AlarmCleared, AlarmRaised, SourceLost

pytestmark = pytest.mark.usefixtures("patient")
RATE_HZ = 16_000


def raise_alarm(station, at_s, severity="alarm", rule="dead_air"):
    """A rule is broken."""
    stamp = station.stamp(at_s)
    text = "Dead air: −62.0 dBFS for 10 s"
    station.sink(AlarmRaised(stamp, rule, severity, -62.0, -40.0, "dBFS", 10.0, False, text))


def clear_alarm(station, at_s):
    """And holds again."""
    stamp = station.stamp(at_s)
    station.sink(
        AlarmCleared(
            stamp, "dead_air", "alarm", -62.0, -40.0, "", stamp.time, 5.0, 1, "recovered", "fine"
        )
    )


@pytest.fixture
def window(make_window, station):
    """Half a minute of sound."""
    station.hear(np.full(30 * RATE_HZ, 0.1, np.float32), block=16_000)
    station.open_segment("speech", 0.0)
    station.settle()
    return make_window(station.state)


def shown(window):
    """What the alarm bar says now."""
    window.tick()
    window.show_status()
    return [line.text() for line in window.alarms._lines if line.isVisible()]


def test_an_alarm_is_above_everything_until_it_is_over_and_seen(window, station, press):
    """Filled until somebody has seen it, then hollow, then gone."""
    from PyQt6.QtCore import Qt

    assert shown(window) == []
    assert not window.alarms.isVisible()
    raise_alarm(station, 10.0)
    (text,) = shown(window)
    assert text.startswith("⚠ Dead air: −62.0 dBFS for 10 s")
    colour = window.deck.theme.alarm
    assert share(pixels(window.alarms), colour) > 0.5
    press(window, Qt.Key.Key_A)
    (text,) = shown(window)
    assert text.startswith("✓ ")
    assert share(pixels(window.alarms), colour) < 0.2
    assert not window.alarms.button.isVisible()
    clear_alarm(station, 20.0)
    assert shown(window) == []


def test_what_somebody_has_seen_is_told_to_the_engine(window, station, engine):
    """Which writes it to the log; by the key, the button of the bar and that of the list."""
    for button in (window.alarms.button, window.events.button):
        raise_alarm(station, 10.0)
        shown(window)
        button.click()
        clear_alarm(station, 15.0)
    assert engine.rules == ["dead_air", "dead_air"]
    assert window.deck.state.snapshot().unacknowledged == 0


def test_one_alarm_of_several_can_be_acknowledged(window, station, engine):
    """By the menu of its line."""
    raise_alarm(station, 10.0, rule="dead_air")
    raise_alarm(station, 12.0, rule="clipping")
    window.tick()
    window.events.table.selectRow(0)
    window.events._see()
    assert engine.rules == ["clipping"]
    assert [a.rule for a in window.deck.state.snapshot().alarms if not a.acknowledged] == [
        "dead_air"
    ]


def test_an_alarm_is_marked_on_the_time_line_where_it_was(window, station):
    """From its beginning to its end, in the lane of the alarms; hollow once it was seen."""
    raise_alarm(station, 10.0)
    clear_alarm(station, 20.0)
    window.tick()
    lanes, colour = window.lanes, window.deck.theme.alarm
    row = slice(4 * lanes.lane, 5 * lanes.lane)

    def part(start_s, stop_s):
        left, right = (round(lanes.x_of(moment)) for moment in (start_s, stop_s))
        return share(pixels(lanes)[row, left:right], colour)

    assert part(12.0, 19.0) > 0.6
    assert part(2.0, 9.0) == part(21.0, 29.0) == 0
    assert share(pixels(window.overview), colour) > 0
    window.commands.acknowledge()
    window.tick()
    assert 0 < part(12.0, 19.0) < 0.4


def test_a_warning_has_another_colour_than_an_alarm(window, station):
    """In the bar and in the list."""
    raise_alarm(station, 10.0, "warn")
    shown(window)
    warn, alarm = window.deck.theme.warn, window.deck.theme.alarm
    for panel in (window.alarms, window.events.table):
        assert share(pixels(panel), warn) > 10 * share(pixels(panel), alarm)


def test_a_click_goes_to_where_the_alarm_began(window, station, qtbot):
    """The picture stands there."""
    from PyQt6.QtCore import Qt

    raise_alarm(station, 10.0)
    shown(window)
    window.commands.set_span(5.0)
    qtbot.mouseClick(window.alarms._lines[0], Qt.MouseButton.LeftButton)
    assert not window.deck.viewport.live
    assert window.deck.viewport.start_s < 10 < window.deck.viewport.stop_s


def test_the_title_names_alarms_state_and_source(window, station):
    """For a task bar."""
    shown(window)
    assert window.windowTitle() == "SPEECH · studio · streamseg"
    raise_alarm(station, 10.0)
    shown(window)
    assert window.windowTitle() == "⚠ 1 · SPEECH · studio · streamseg"
    station.sink(SourceLost(station.stamp(29.0), "gone"))
    shown(window)
    assert window.windowTitle() == "⚠ 2 · lost · studio · streamseg"


def test_events_of_an_earlier_source_are_listed_and_lead_nowhere(window, station):
    """Their sound is no longer kept; an alarm among them still waits."""
    raise_alarm(station, 10.0)
    station.begin()
    (text,) = shown(window)
    assert text.startswith("⚠ studio: Dead air")
    model = window.events.model
    assert [line.event.name for line in model.lines] == [
        "started",
        "alarm_raised",
        "segment_open",
        "started",
    ]
    began = station.clock.time(10 * RATE_HZ).astimezone()
    assert model.data(model.index(1, 0)) == f"{began:%H:%M:%S}"
    window.events._go(model.index(1, 0))
    assert window.deck.viewport.live
    assert "no longer kept" in window.notice.text()


def test_the_list_can_show_only_what_waits(window, station):
    """And whatever has to do with alarms."""
    raise_alarm(station, 10.0)
    clear_alarm(station, 12.0)
    window.tick()
    model = window.events.model
    window.events.filter.setCurrentText("Alarms")
    assert [line.event.name for line in model.lines] == ["alarm_cleared", "alarm_raised"]
    window.events.filter.setCurrentText("Not acknowledged")
    assert [line.event.name for line in model.lines] == ["alarm_raised"]
    window.commands.acknowledge()
    window.tick()
    assert model.lines == []
