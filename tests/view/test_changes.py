"""Facts about the boundary lane: its curve, its marks, and the events behind them."""

import numpy as np
import pytest
from view_pictures import colour, pixels

from streamseg.messages import Change
from streamseg.sinks.events import AlarmRaised, Boundary
from streamseg.view import event_book
from streamseg.view.panels.changes import highest
from streamseg.view.panels.events import FILTERS

pytestmark = pytest.mark.usefixtures("patient")
RATE_HZ = 16_000
STEP_S = 0.2


def curve(values, at_s=0.0):
    """Some of the curve of the studio."""
    return Change("studio", np.asarray(values, np.float32), round(at_s * RATE_HZ), STEP_S)


@pytest.fixture
def heard(station):
    """Half a minute: nothing changes but at the tenth second."""
    station.hear(np.zeros(30 * RATE_HZ), block=16_000)
    station.think(music=0.9, seconds=30)
    station.settle()
    values = np.zeros(120)
    values[48:53] = (0.3, 0.8, 1.2, 0.8, 0.3)
    station.feed.change(curve(values))
    station.sink(Boundary(station.stamp(10.0), 1.2))
    return station


@pytest.fixture
def window(make_window, heard):
    """All of it, standing still."""
    window = make_window(heard.state)
    window.commands.set_span(30.0)
    window.commands.freeze()
    window.tick()
    return window


def ink(window):
    """How many pixels of each column of the lane are not its ground."""
    panel = window.changes
    plot = panel.plot()
    picture = pixels(panel)[plot.top() : plot.bottom(), plot.left() : plot.right()].astype(int)
    ground = colour(window.deck.theme.panel)
    return (np.abs(picture - ground).max(axis=-1) > 40).sum(axis=0), plot


def place(window, at_s):
    """Column of the lane's plot at a moment."""
    return round(window.changes.x_of(at_s)) - window.changes.plot().left()


def test_the_curve_rises_where_the_sound_changes(window):
    """Beside the mark, and is flat elsewhere; what is not known yet is empty."""
    rows, _ = ink(window)
    near = rows[place(window, 10.2)]
    flat = np.median(rows[place(window, 15.0) : place(window, 20.0)])
    assert near > 10 > 3 > flat > 0
    assert rows[place(window, 26.0) : place(window, 29.0)].max() == 0


def test_a_boundary_is_a_mark_that_says_its_strength(window):
    """To the pointer, to the cursor's box, to the event list, and to who cannot see."""
    from streamseg.view.panels.readout import lines

    panel = window.changes
    turn = panel.turn_at(panel.x_of(10.0) + 3)
    assert panel.text_of(turn).endswith("strength 1.20")
    assert panel.turn_at(panel.x_of(15.0)) is None
    window.deck.point(10.05)
    assert {"change 1.20", "boundary 1.20"} <= set(lines(window.deck))
    window.deck.point(20.0)
    assert "change 0.00" in lines(window.deck)
    assert not any(line.startswith("boundary") for line in lines(window.deck))
    assert "strength 1.20" in panel.accessibleDescription()
    assert window.events.model.lines[0].text == "the sound changes (1.20)"


def test_the_lane_scrolls_and_zooms_with_the_picture(window):
    """The mark lies beneath its moment on every panel."""
    window.commands.set_span(10.0)
    window.commands.jump(12.0)
    window.tick()
    assert window.changes.x_of(10.0) == window.spectrogram.x_of(10.0)
    rows, plot = ink(window)
    at = place(window, 10.0)
    assert 0 <= at < plot.width()
    assert rows[at - 2 : at + 3].max() > 15


def test_a_key_hides_the_lane_and_it_stays_hidden(window, make_window, heard, press):
    """Also at the next start."""
    from PyQt6.QtCore import Qt

    assert window.changes.isVisible()
    press(window, Qt.Key.Key_B)
    assert not window.changes.isVisible()
    window.close()
    again = make_window(heard.state)
    assert not again.changes.isVisible()
    press(again, Qt.Key.Key_B)
    assert again.changes.isVisible()


def test_a_hole_interrupts_the_curve_and_older_values_are_refused(station):
    """After a loss the curve begins anew, on the same counter."""
    station.hear(np.zeros(RATE_HZ), block=16_000)
    station.feed.change(curve(np.ones(10)))
    station.feed.change(curve(np.ones(10), at_s=5.0))
    station.feed.change(curve(np.full(5, 2.0), at_s=1.0))
    frames = station.state.curve(0, 10 * RATE_HZ)
    assert len(frames.sample) == 20
    assert frames.level_dbfs.max() == 1.0
    assert station.state.snapshot().curve_end == round(6.8 * RATE_HZ)


def test_a_curve_of_another_source_is_not_shown(station):
    """It is late, or it is of who listens to something else."""
    station.hear(np.zeros(RATE_HZ), block=16_000)
    station.feed.change(Change("other", np.ones(10, np.float32), 0, STEP_S))
    assert station.state.snapshot().curve_end == -1


def test_many_values_are_drawn_as_the_highest_of_a_pixel():
    """A peak is never averaged away, and pixels are fixed in time."""
    sample = np.arange(1000) * 3200
    value = np.zeros(1000, np.float32)
    value[501] = 1
    at, height = highest(sample, value, 32_000)
    assert len(at) == 100
    assert height.max() == 1
    later, _ = highest(sample[5:], value[5:], 32_000)
    assert set(later[1:]) <= set(at)
    np.testing.assert_array_equal(highest(sample, value, 1000)[1], value)


def test_boundaries_do_not_drive_alarms_out_of_the_list(station, monkeypatch):
    """Of a lively programme the oldest boundaries go, nothing else."""
    monkeypatch.setattr(event_book, "BOUNDARIES", 20)
    station.sink(
        AlarmRaised(
            station.stamp(1.0), "dead_air", "alarm", None, -40.0, "dBFS", 30.0, False, "dead air"
        )
    )
    for second in range(50):
        station.sink(Boundary(station.stamp(2.0 + second), 0.5))
    events = station.state.snapshot().events
    assert sum(FILTERS["Boundaries"](line) for line in events) == 20
    assert sum(FILTERS["Alarms"](line) for line in events) == 1
    assert events[-1].event.stamp.sample == 51 * RATE_HZ
