"""Facts about size of text, theme, layout and the status bar in a real window."""

import numpy as np
import pytest
from view_pictures import pixels

pytestmark = pytest.mark.usefixtures("patient")
RATE_HZ = 16_000


@pytest.fixture
def window(make_window, station):
    """Half a minute of noise with speech on air."""
    rng = np.random.default_rng(0)
    station.hear(rng.normal(0, 0.1, 30 * RATE_HZ).astype(np.float32), block=16_000)
    station.think(speech=0.9, seconds=29)
    station.open_segment("speech", 0.0)
    station.settle()
    return make_window(station.state)


@pytest.fixture(autouse=True)
def usual_size(qapp):
    """The size of the letters belongs to the application: put it back."""
    font = qapp.font()
    yield
    qapp.setFont(font)


def test_larger_text_makes_everything_larger_and_is_remembered(window, make_window, station, press):
    """Letters, lanes, meters and margins; the panels stay in step."""
    from PyQt6.QtCore import Qt

    lane, left = window.lanes.lane, window.spectrogram.left
    height = window.meters.height()
    for _ in range(3):
        press(window, Qt.Key.Key_Plus, control=True)
    assert window.deck.prefs.text_percent == 150
    assert window.lanes.lane > 1.3 * lane
    assert window.meters.height() > 1.3 * height
    assert window.spectrogram.left > 1.3 * left
    assert window.spectrogram.left == window.lanes.left == window.probabilities.left
    window.close()
    again = make_window(station.state)
    assert again.deck.prefs.text_percent == 150
    press(again, Qt.Key.Key_Minus, control=True)
    assert again.deck.prefs.text_percent == 130


@pytest.mark.parametrize("percent", [80, 100, 200])
def test_every_size_of_text_can_be_drawn(window, percent):
    """Also the help, in the smallest window."""
    window.deck.change(text_percent=percent)
    window.use_theme()
    window.resize(900, 560)
    window.tick()
    window.grab()
    places = [size for size in (1.0, 0.9, 0.8, 0.7, 0.6, 0.5) if window.help._places(size)]
    window.help.toggle()
    window.grab()
    assert places or percent == 200


def test_the_theme_follows_the_system_while_it_runs(window, monkeypatch):
    """A system that turns dark at night takes the window along, unless the user chose."""
    from PyQt6.QtCore import Qt
    from PyQt6.QtGui import QGuiApplication

    hints = QGuiApplication.styleHints()

    def turn(scheme):
        monkeypatch.setattr(
            "streamseg.view.style.system_is_light", lambda: scheme == Qt.ColorScheme.Light
        )
        hints.colorSchemeChanged.emit(scheme)

    window.deck.change(theme="system")
    turn(Qt.ColorScheme.Light)
    assert window.deck.theme.name == "light"
    turn(Qt.ColorScheme.Dark)
    assert window.deck.theme.name == "dark"
    window.deck.change(theme="dark")
    turn(Qt.ColorScheme.Light)
    assert window.deck.theme.name == "dark"


def test_the_key_of_the_theme_shows_something_new_first(window, press):
    """From what the system says to its opposite, then fixed, then the system again."""
    from PyQt6.QtCore import Qt

    assert window.deck.prefs.theme == "system"
    first = window.deck.theme.name
    seen = []
    for _ in range(3):
        press(window, Qt.Key.Key_L)
        seen.append((window.deck.prefs.theme, window.deck.theme.name == first))
    assert [changed for _, changed in seen] == [False, True, True]
    assert seen[-1][0] == "system"


def test_where_there_is_no_room_the_least_important_fields_go(window):
    """The condition and dropped sound stay; what is hidden is in the tool tip of the dots."""
    from PyQt6.QtWidgets import QLabel

    def shown():
        labels = window.status.findChildren(QLabel)
        return [label.text() for label in labels if label.isVisible() and label.text() != "…"]

    window.resize(1600, 800)
    window.show_status()
    assert any("kHz" in text for text in shown())
    assert not window.status._more.isVisible()
    window.status.setMaximumWidth(330)
    window.status.resize(330, window.status.height())
    assert any("live" in text for text in shown())
    assert any("dropped" in text for text in shown())
    assert not any("kHz" in text for text in shown())
    assert "kHz" in window.status._more.toolTip()


def test_borders_that_were_moved_are_remembered(window, make_window, station):
    """The side of words and events too."""
    window._places._whole.setSizes([700, 580])
    window.close()
    again = make_window(station.state)
    assert again._places._whole.sizes()[1] == pytest.approx(window._places._whole.sizes()[1], abs=4)
    assert again.words.width() > 400


def test_the_meters_change_scale_and_unit_by_keys(window, press):
    """K and J."""
    from PyQt6.QtCore import Qt

    before = window.meters.accessibleDescription()
    assert "LUFS" in before
    press(window, Qt.Key.Key_J)
    assert "LUFS" not in window.meters.accessibleDescription()
    plain = pixels(window.meters)
    press(window, Qt.Key.Key_K)
    assert (pixels(window.meters) != plain).any()
    assert (window.deck.prefs.meter_scale, window.deck.prefs.loudness_unit) == ("+18", "LU")


def test_a_live_source_is_read_by_the_time_of_day_and_a_file_by_its_position(
    window, make_station, press
):
    """Until the key says otherwise."""
    from PyQt6.QtCore import Qt

    assert window.deck.begin is not None
    press(window, Qt.Key.Key_T)
    assert window.deck.begin is None
    press(window, Qt.Key.Key_T)
    assert window.deck.begin is not None
    window.deck.change(clock="auto")
    window.deck.take(make_station(finite=True).state.snapshot())
    assert window.deck.begin is None


def test_a_message_covers_nothing_of_the_status_bar(window):
    """It goes by itself, and stays inside of the window."""
    window.tell("saved something " * 20)
    assert window.notice.isVisible()
    assert window.rect().contains(window.notice.geometry())
    assert not window.notice.geometry().intersects(window.status.geometry())
    window.notice._timer.timeout.emit()
    assert not window.notice.isVisible()


def test_the_letters_of_the_curves_stand_apart_and_inside_of_the_panel():
    """In the order of the curves, however close these are."""
    from streamseg.view.panels.probabilities import spread

    assert spread([0.0, 1.0, 100.0], 13, 8, 92) == [8, 21, 92]
    assert spread([99.0, 100.0, 98.0], 13, 8, 92) == [79, 92, 66]
