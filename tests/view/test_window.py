"""Facts about the window itself: every panel on a screen, keys, mouse, exports, leaks."""

import gc
import wave
import weakref
from pathlib import Path

import numpy as np
import pytest
from view_pictures import colour, pixels, share

from streamseg.messages import Mask
from streamseg.sinks.events import Overload, SourceLost

pytestmark = pytest.mark.usefixtures("patient")
RATE_HZ = 16_000
RNG = np.random.default_rng(0)
NOISE = RNG.normal(0, 0.1, 90 * RATE_HZ).astype(np.float32)


@pytest.fixture
def heard(station):
    """A minute and a half: music, then speech over music."""
    station.hear(NOISE, block=16_000)
    station.think(music=0.9, seconds=45)
    station.think(music=0.7, speech=0.95, seconds=44)
    station.open_segment("music", 0.0)
    station.open_segment("speech", 45.0)
    station.settle()
    return station


@pytest.fixture
def window(make_window, heard):
    """The window on that station."""
    return make_window(heard.state)


def test_the_spectrogram_shows_a_tone_at_its_frequency(make_window, station, qtbot):
    """The brightest row of the picture is where the axis says 1 kHz is."""
    time_s = np.arange(70 * RATE_HZ) / RATE_HZ
    station.hear(np.sin(2 * np.pi * 1000 * time_s), block=16_000)
    station.settle()
    panel = make_window(station.state).spectrogram
    picture = pixels(panel)[:, 200:800].astype(int).sum(axis=(1, 2))
    plot = panel.plot()
    expected = plot.bottom() - panel.axis.position(1000) * plot.height()
    assert int(picture.argmax()) == pytest.approx(expected, abs=4)


def test_a_moment_has_the_same_place_in_every_panel(make_window, station):
    """A click, a change of probability and a segment stand above one another."""
    sound = np.zeros(70 * RATE_HZ, np.float32)
    sound[40 * RATE_HZ :] = NOISE[: 30 * RATE_HZ]
    station.hear(sound, block=16_000)
    station.open_segment("noise", 40.0)
    station.think(seconds=40)
    station.think(noise=1.0, seconds=29)
    station.settle()
    window = make_window(station.state)
    x = window.spectrogram.x_of(40.0)
    assert window.probabilities.x_of(40.0) == window.lanes.x_of(40.0) == x
    plot = window.spectrogram.plot()
    bright = pixels(window.spectrogram)[plot.height() // 2, plot.left() : plot.right()]
    assert plot.left() + int(np.argmax(bright.sum(axis=1) > 150)) == pytest.approx(x, abs=3)
    lane = pixels(window.lanes)[2 * 20 + 10, plot.left() : plot.right()]
    grey = np.abs(lane.astype(int) - colour(window.deck.theme.classes["noise"])).max(axis=1) < 40
    assert plot.left() + int(np.argmax(grey)) == pytest.approx(x, abs=3)


def test_only_new_columns_are_computed(window, heard):
    """A second more costs a second's pixels, however much is shown."""
    window.spectrogram.grab()
    before = window.spectrogram.pixels_made
    assert before >= window.spectrogram.plot().width()
    window.tick()
    assert window.spectrogram.pixels_made == before


def test_the_picture_after_scrolling_is_that_of_drawing_anew(make_window, station):
    """Live pixel by pixel, or all at once: the same picture."""
    window = make_window(station.state)
    for second in range(70):
        station.hear(NOISE[second * RATE_HZ : (second + 1) * RATE_HZ], block=4000)
        if second % 7 == 0:
            window.tick()
            window.spectrogram.grab()
    station.settle()
    window.tick()
    scrolled = pixels(window.spectrogram)
    window.spectrogram._key = None
    window.spectrogram.refresh()
    np.testing.assert_array_equal(scrolled, pixels(window.spectrogram))


def test_a_mask_appears_when_masks_come_and_not_before(window, heard, qtbot):
    """With its controls; in the class's colour; and it can be switched off."""
    window.resize(1700, 800)  # the toolbar folds what has no room
    window.deck.change(colour_map="magma")
    window.tick()
    assert not window.controls.opacity.isVisible()
    bare = pixels(window.spectrogram)
    prob = np.zeros((3, 8, 200), np.float32)
    prob[1] = 1
    names = ("music", "speech", "noise")
    freq_hz = np.linspace(500, 7500, 8)
    heard.state.show_mask(Mask("studio", names, prob, freq_hz, 60 * RATE_HZ, 0.1, True))
    window.tick()
    masked = pixels(window.spectrogram)
    qtbot.waitUntil(window.controls.opacity.isVisible)
    x = round(window.spectrogram.x_of(70.0))
    changed = masked[200:400, x].astype(int) - bare[200:400, x]
    assert changed[:, 1].mean() > changed[:, 2].mean() + 20  # towards orange: green, not blue
    window.commands._mask("speech")
    window.tick()
    np.testing.assert_array_equal(pixels(window.spectrogram)[200:400], bare[200:400])


def test_under_a_mask_the_colours_are_grey_unless_a_map_was_chosen(window, heard):
    """The colours of the classes stand alone; without a mask it is magma."""

    def greyness():
        picture = pixels(window.spectrogram)[200:400, 200:800].astype(int)
        return float((np.ptp(picture, axis=2) < 3).mean())

    assert greyness() < 0.2
    names = ("music", "speech", "noise")
    unsure = np.full((3, 8, 900), 0.1, np.float32)
    freq_hz = np.linspace(500, 7500, 8)
    heard.state.show_mask(Mask("studio", names, unsure, freq_hz, 0, 0.1, True))
    window.tick()
    assert greyness() > 0.8
    window.deck.change(shown="")
    assert greyness() < 0.2
    window.deck.change(shown="music,speech", colour_map="viridis")
    assert greyness() < 0.2


def test_the_curves_and_lanes_have_the_colours_of_their_classes(window):
    """Music and speech are there, noise is not on air."""
    classes = window.deck.theme.classes
    curves = pixels(window.probabilities)
    assert share(curves, classes["speech"]) > 0.002
    lanes = pixels(window.lanes)
    assert share(lanes, classes["music"]) > 0.05
    assert share(lanes, classes["noise"]) < 0.01


def test_the_big_words_are_what_the_log_holds_open(window, heard):
    """Also for a screen reader."""
    assert window.words.accessibleDescription().startswith("SPEECH OVER MUSIC, for")
    heard.close_segment("speech", 45.0, 80.0)
    window.tick()
    assert window.words.accessibleDescription().startswith("MUSIC, for")


def test_the_meters_show_the_level(window):
    """Noise of 0.1 has -17 dBFS."""
    assert "Level −17.0 dBFS" in window.meters.accessibleDescription()


def test_a_gap_is_hatched_in_every_panel(make_window, station):
    """In the colour of an alarm, at its place."""
    station.hear(NOISE[: 30 * RATE_HZ], block=16_000)
    station.miss(20)
    station.hear(NOISE[: 20 * RATE_HZ], block=16_000)
    station.settle()
    window = make_window(station.state)
    for panel in (window.spectrogram, window.probabilities, window.lanes):
        x = round(panel.x_of(40.0))
        gap = pixels(panel)[: panel.plot().height(), x - 30 : x + 30]
        assert 0.05 < share(gap, window.deck.theme.alarm) < 0.7


def test_space_freezes_the_picture_and_not_the_sound(window, heard, press):
    """And space again is live."""
    from PyQt6.QtCore import Qt

    press(window, Qt.Key.Key_Space)
    frozen = pixels(window.spectrogram)
    edge_s = window.deck.viewport.edge_s
    assert not window.deck.viewport.live
    assert window.banner.isVisible()
    assert window.banner.text.text().startswith("FROZEN")
    np.testing.assert_array_equal(pixels(window.spectrogram), frozen)
    press(window, Qt.Key.Key_Space)
    assert window.deck.viewport.live
    assert window.deck.viewport.stop_s == edge_s


def test_a_frozen_picture_stands_while_sound_comes_in(make_window, station, press):
    """Thirty seconds later it is the same picture, and the state has the rest."""
    from PyQt6.QtCore import Qt

    window = make_window(station.state)
    station.hear(NOISE[: 65 * RATE_HZ], block=16_000)
    station.catch_up()
    window.tick()
    press(window, Qt.Key.Key_Space)
    plot = window.spectrogram.plot()
    frozen = pixels(window.spectrogram)[:, plot.left() : plot.right()]
    station.hear(NOISE[: 30 * RATE_HZ], block=16_000)
    station.settle()
    window.tick()
    now = pixels(window.spectrogram)[:, plot.left() : plot.right()]
    np.testing.assert_array_equal(now, frozen)
    assert window.deck.viewport.behind_s > 29


def test_keys_scroll_zoom_and_come_back(window, press):
    """Everything that the mouse can do in time."""
    from PyQt6.QtCore import Qt

    view = window.deck.viewport
    press(window, Qt.Key.Key_Home)
    assert (view.start_s, view.live) == (0, False)
    press(window, Qt.Key.Key_Right)
    assert view.start_s == pytest.approx(6)
    press(window, Qt.Key.Key_Left)
    assert view.start_s == pytest.approx(0)
    press(window, Qt.Key.Key_Plus)
    assert view.span_s == pytest.approx(40)
    press(window, Qt.Key.Key_Minus)
    press(window, Qt.Key.Key_PageDown)
    assert view.live
    press(window, Qt.Key.Key_Home)
    press(window, Qt.Key.Key_End)
    assert view.live


def test_a_region_is_selected_by_keys_and_played(make_window, heard, press, qtbot):
    """Cursor, both ends, and the very samples of the region."""
    from PyQt6.QtCore import Qt
    from view_doubles import Player

    player = Player()
    window = make_window(heard.state, player)
    press(window, Qt.Key.Key_Home)
    window.deck.point(10.0)
    press(window, Qt.Key.Key_BracketLeft)
    for _ in range(5):
        press(window, Qt.Key.Key_Right, control=True)
    press(window, Qt.Key.Key_BracketRight)
    assert window.deck.selection == pytest.approx((10.0, 13.0))
    press(window, Qt.Key.Key_P)
    qtbot.waitUntil(lambda: player.samples is not None)
    expected = NOISE[10 * RATE_HZ : 13 * RATE_HZ]
    heard = player.samples[:, 0]
    np.testing.assert_allclose(heard, np.clip(expected, -1, 1), atol=1 / 32767)
    window.tick()
    assert window.deck.played_s == pytest.approx(10.0)
    press(window, Qt.Key.Key_P)
    assert window.deck.played_s is None


def test_dragging_selects_and_a_click_clears(window, qtbot):
    """In any panel with a time axis."""
    from PyQt6.QtCore import QPoint, Qt

    panel = window.lanes
    left, right = (QPoint(round(panel.x_of(moment)), 10) for moment in (40.0, 60.0))
    qtbot.mousePress(panel, Qt.MouseButton.LeftButton, pos=left)
    qtbot.mouseMove(panel, right)
    panel.mouseMoveEvent(_move(right))
    qtbot.mouseRelease(panel, Qt.MouseButton.LeftButton, pos=right)
    assert window.deck.selection == pytest.approx((40, 60), abs=0.2)
    assert not window.deck.viewport.live  # what was selected does not scroll away
    qtbot.mouseClick(panel, Qt.MouseButton.LeftButton, pos=left)
    assert window.deck.selection is None


def _move(position):
    from PyQt6.QtCore import QEvent, QPointF, Qt
    from PyQt6.QtGui import QMouseEvent

    return QMouseEvent(
        QEvent.Type.MouseMove,
        QPointF(position),
        QPointF(position),
        Qt.MouseButton.NoButton,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )


def test_the_cursor_tells_time_note_level_and_probabilities(window, heard):
    """What a person wants to know of a point."""
    from streamseg.view.panels.readout import lines

    window.deck.point(30.0, 440.0)
    text = lines(window.deck)
    begin = heard.clock.wall.astimezone()  # a live source is read by the time of day
    assert text[0] == f"{begin:%H}:00:30.00"
    assert text[1] == "440 Hz  A4 +0"
    assert text[2].endswith("dBFS")
    assert "music 0.90 (0.45)" in text
    window.deck.point(89.9, 440.0)
    assert "no probability yet" in lines(window.deck)


def test_the_cursor_tells_what_the_mask_gives_to_whom(window, heard):
    """In brackets while it may still change."""
    from streamseg.view.panels.readout import lines

    prob = np.zeros((3, 4, 10), np.float32)
    prob[:, 3] = np.array([[0.2], [0.7], [0.1]])
    names = ("music", "speech", "noise")
    freq_hz = np.array([1000.0, 3000, 5000, 7000])
    for final, said in (
        (False, "mask (M 0.20  S 0.70  N 0.10)"),
        (True, "mask M 0.20  S 0.70  N 0.10"),
    ):
        heard.state.show_mask(Mask("studio", names, prob, freq_hz, 30 * RATE_HZ, 0.1, final))
        window.deck.point(30.5, 6500.0)
        assert lines(window.deck)[-1] == said
    window.deck.point(20.0, 6500.0)
    assert not lines(window.deck)[-1].startswith("mask")


def test_keys_change_the_highest_frequency_and_the_strength_of_the_mask(window, press, qtbot):
    """Between their limits."""
    from PyQt6.QtCore import Qt

    for _ in range(9):
        qtbot.keyClick(window, Qt.Key.Key_Up, Qt.KeyboardModifier.ShiftModifier)
    assert window.spectrogram.axis.top_hz == 1000
    qtbot.keyClick(window, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    assert window.spectrogram.axis.top_hz == 2000
    for _ in range(6):
        press(window, Qt.Key.Key_Period)
    assert window.deck.prefs.opacity == 1.0
    press(window, Qt.Key.Key_Comma)
    assert window.deck.prefs.opacity == 0.9


def test_exports_are_written_by_their_ending(window, tmp_path):
    """Sound, picture, frames and labels of the selection."""
    from PyQt6.QtGui import QImage

    window.deck.select(40.0, 50.0)
    for name in ("a.wav", "a.png", "a.csv", "a.txt"):
        window.tools.save(tmp_path / name)
    with wave.open(str(tmp_path / "a.wav")) as file:
        assert file.getnframes() == 10 * RATE_HZ
    assert QImage(str(tmp_path / "a.png")).size() == window.size()
    assert len((tmp_path / "a.csv").read_text().splitlines()) == 501
    labels = [line.split("\t")[2] for line in (tmp_path / "a.txt").read_text().splitlines()]
    assert labels == ["music", "speech"]


def test_events_are_listed_filtered_and_clicked(window, heard):
    """A click shows the moment."""
    model = window.events.model
    assert [line.text for line in model.lines][:2] == ["speech begins", "music begins"]
    window.events.filter.setCurrentText("Speech")
    assert [line.text for line in model.lines] == ["speech begins"]
    window.events._go(model.index(0, 0))
    assert window.deck.viewport.start_s <= 45 <= window.deck.viewport.stop_s
    assert not window.deck.viewport.live


def test_alarms_stand_out_until_a_key_acknowledges_them(window, heard, press):
    """The button counts them."""
    from PyQt6.QtCore import Qt

    heard.sink(Overload(heard.stamp(80), dropped_s=0.5, queue="ring"))
    heard.sink(SourceLost(heard.stamp(85), reason="gone"))
    window.tick()
    model = window.events.model
    assert window.events.button.text() == "Acknowledge 2"
    assert model.data(model.index(0, 1), Qt.ItemDataRole.BackgroundRole) is not None
    press(window, Qt.Key.Key_A)
    assert window.events.button.text() == "No alarms"
    assert model.data(model.index(0, 1), Qt.ItemDataRole.BackgroundRole) is None


def test_the_look_changes_by_keys_and_is_remembered(make_window, heard, press, engine):
    """Axis, colours, theme and width are there again in the next window."""
    from PyQt6.QtCore import Qt

    window = make_window(heard.state)
    for key in (Qt.Key.Key_F, Qt.Key.Key_C, Qt.Key.Key_L, Qt.Key.Key_Plus):
        press(window, key)
    prefs = window.deck.prefs
    assert (prefs.scale, prefs.colour_map, window.deck.theme.name) == ("log", "viridis", "light")
    window.close()
    again = make_window(heard.state)
    assert again.deck.prefs.scale == "log"
    assert again.deck.theme.name == "light"
    assert again.deck.viewport.span_s == pytest.approx(40)


def test_help_shows_every_key_and_hides(window, press):
    """F1 and a question mark."""
    from PyQt6.QtCore import Qt

    press(window, Qt.Key.Key_F1)
    assert window.help.isVisible()
    assert "Space: Freeze or go live" in window.help.accessibleDescription()
    press(window, Qt.Key.Key_Escape)
    assert not window.help.isVisible()


def test_every_deed_can_be_done_with_and_without_a_source(window, make_window, monkeypatch, qtbot):
    """From the menus, whatever is shown; dialogs are answered with cancel."""
    from PyQt6.QtWidgets import QDialog, QFileDialog, QInputDialog

    from streamseg.view.state import ViewState

    monkeypatch.setattr(QDialog, "exec", lambda dialog: 0)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *arguments: ("", ""))
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *arguments: ("", ""))
    monkeypatch.setattr(QInputDialog, "getText", lambda *arguments, **named: ("", False))
    empty = make_window(ViewState(60))
    for one in (window, empty):
        for deed in one.deeds:
            if deed.text not in ("-", "Quit", "Full screen", "Opened lately", "Choose network"):
                one.actions_by_text[deed.text].trigger()
                one.tick()
        one.grab()


def test_no_two_deeds_have_the_same_key(window):
    """Every key does one thing."""
    keys = [key for deed in window.deeds for key in deed.keys]
    assert len(keys) == len(set(keys))


def test_every_control_has_a_name_for_a_screen_reader(window):
    """Also what only draws."""
    from PyQt6.QtWidgets import QAbstractSpinBox, QComboBox, QTableView

    from streamseg.view.panels.base import TimePanel

    for kind in (QComboBox, QAbstractSpinBox, QTableView, TimePanel):
        found = window.findChildren(kind)
        assert found
        assert all(widget.accessibleName() for widget in found)
        assert all(widget.toolTip() for widget in found)


def test_a_dropped_file_is_opened(window, engine, tmp_path):
    """So is an address."""
    from PyQt6.QtCore import QMimeData, QPointF, Qt, QUrl
    from PyQt6.QtGui import QDropEvent

    def drop(data):
        event = QDropEvent(
            QPointF(10, 10),
            Qt.DropAction.CopyAction,
            data,
            Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
        )
        window.dropEvent(event)

    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / "a.wav"))])
    drop(data)
    text = QMimeData()
    text.setText("http://example.org/radio")
    drop(text)
    assert engine.opened == [str(tmp_path / "a.wav"), "http://example.org/radio"]


def test_another_network_and_the_same_source_again(window, engine, press):
    """The pickers only ask the engine."""
    from PyQt6.QtCore import Qt

    window.controls.model.setCurrentIndex(1)
    window.controls.model.activated.emit(1)
    press(window, Qt.Key.Key_R)
    press(window, Qt.Key.Key_X)
    assert (engine.used, engine.opened, engine.resets) == (["frame_conv"], [None], 1)


def test_another_rate_is_that_of_the_timer_at_once(window, press):
    """From 60 pictures a second over 15 to 30."""
    from PyQt6.QtCore import Qt

    intervals_ms = [window._timer.interval()]
    for _ in range(2):
        press(window, Qt.Key.Key_F, control=True)
        intervals_ms.append(window._timer.interval())
    assert intervals_ms == [17, 67, 33]


def test_all_of_it_survives_a_tiny_and_a_huge_window(window):
    """Resizing while sound is shown."""
    for width, height in ((900, 560), (3000, 1500), (1000, 700)):
        window.resize(width, height)
        window.tick()
        window.grab()
    assert window.spectrogram._ring.shape[1] == window.spectrogram.plot().width()


def test_a_window_that_is_closed_and_opened_again_shows_the_same(make_window, heard):
    """History belongs to the state, not to the window."""
    window = make_window(heard.state)
    before = pixels(window.spectrogram)
    window.close()
    np.testing.assert_array_equal(pixels(make_window(heard.state).spectrogram), before)


def test_a_minimised_window_computes_nothing(make_window, heard):
    """The picture is made when it is seen again."""
    window = make_window(heard.state)
    window.spectrogram.grab()
    window.isMinimized = lambda: True
    before = window.spectrogram.pixels_made
    window.deck.viewport.scroll(-20)
    window.tick()
    assert window.spectrogram.pixels_made == before


def test_fifty_windows_leave_nothing_behind(station, engine, tmp_path, qtbot):
    """Opened, drawn, closed, deleted: each is freed, and so are its panels."""
    from PyQt6.QtCore import QCoreApplication, QEvent, QSettings
    from view_doubles import Player

    from streamseg.view.window import MainWindow

    station.hear(NOISE[: 5 * RATE_HZ])
    gone = []
    store = QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)
    for _ in range(50):
        window = MainWindow(station.state, engine, Player(), store)
        window.resize(900, 560)
        window.show()
        window.tick()
        gone += [weakref.ref(window), weakref.ref(window.spectrogram), weakref.ref(window.deck)]
        window.close()
        window.deleteLater()
        del window
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        QCoreApplication.processEvents()
    for _ in range(5):  # what is deleted deletes more
        gc.collect()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        QCoreApplication.processEvents()
    gc.collect()
    assert [reference() for reference in gone if reference() is not None] == []


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads its memory from /proc")
def test_an_hour_through_a_window_needs_no_more_memory_than_its_first_minutes(
    make_window, make_station
):
    """With masks, segments and alarms, drawn at several widths; memory of Qt included."""
    import resource

    station = make_station(history_s=300.0, rate_hz=4000)
    minute = np.random.default_rng(1).normal(0, 0.1, 60 * 4000).astype(np.float32)
    prob = np.random.default_rng(2).random((3, 12, 1500)).astype(np.float32)
    freq_hz = np.linspace(100, 1900, 12)
    names = ("music", "speech", "noise")
    window = make_window(station.state)
    resident = []
    for number in range(60):
        start = number * 60 * 4000
        station.hear(minute, block=20_000)
        station.think(music=0.9, seconds=60)
        station.state.show_mask(Mask("studio", names, prob, freq_hz, start, 0.04, True))
        station.open_segment("music", number * 60.0)
        station.close_segment("music", number * 60.0, number * 60.0 + 50)
        station.sink(Overload(station.stamp(number * 60.0), dropped_s=0.1, queue="ring"))
        station.catch_up()
        window.commands.set_span((10.0, 60.0, 300.0)[number % 3])
        window.tick()
        window.grab()
        window.commands.acknowledge()
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        resident.append(pages * resource.getpagesize() / 1e6)
    snapshot = window.deck.snapshot
    assert snapshot.seconds(snapshot.heard) == pytest.approx(3600, abs=0.5)
    # The columns of the hour alone are 46 MB, its masks 3 MB, its sound 29 MB on disk.
    assert max(resident[40:]) - max(resident[10:20]) < 8
