"""Facts about the two sets of masks in the window: classes, and stems."""

import threading

import numpy as np
import pytest
from view_doubles import Player
from view_pictures import pixels

from streamseg.messages import Mask
from streamseg.view.history import MASK_UNITS

pytestmark = pytest.mark.usefixtures("patient")
RATE_HZ = 16_000
CLASSES = ("music", "speech", "noise")
STEMS = ("drums", "bass", "other", "vocals")
SECONDS = 12
TIME_S = np.arange(SECONDS * RATE_HZ) / RATE_HZ
LOW = (0.2 * np.sin(2 * np.pi * 500 * TIME_S)).astype(np.float32)
HIGH = (0.2 * np.sin(2 * np.pi * 6000 * TIME_S)).astype(np.float32)
FREQ_HZ = np.array([1000.0, 3000, 5000, 7000])
UNIT_S = 512 / 22_050


def classes_mask():
    """All is music."""
    prob = np.zeros((3, 4, 120), np.float32)
    prob[0] = 1
    return Mask("studio", CLASSES, prob, FREQ_HZ, 0, 0.1, True)


def stems_mask():
    """Drums above 4 kHz, bass below; the others are nowhere."""
    prob = np.zeros((4, 4, round(SECONDS / UNIT_S)), np.float32)
    prob[0, 2:] = prob[1, :2] = 1
    return Mask("studio", STEMS, prob, FREQ_HZ, 0, UNIT_S, True)


@pytest.fixture
def heard(station):
    """Two tones."""
    station.hear(LOW + HIGH, block=16_000)
    station.settle()
    return station


@pytest.fixture
def both(heard):
    """With masks of both sets."""
    heard.feed.mask(classes_mask())
    heard.feed.mask(stems_mask())
    return heard


def colour_at(window, hz):
    """Mean red, green and blue of the brightest row about a frequency."""
    panel = window.spectrogram
    plot = panel.plot()
    y = plot.bottom() - round(panel.axis.position(hz) * plot.height())
    picture = pixels(panel)[y - 8 : y + 9, plot.center().x() : plot.right() - 20]
    rows = picture.astype(int).mean(axis=1)
    return rows[rows.sum(axis=1).argmax()]


def visible(window):
    """Names of the boxes that can be ticked."""
    return [name for name, check in window.controls.shown.items() if check.isVisible()]


def test_a_key_lays_the_stems_over_and_again_the_classes(make_window, both, press, qtbot):
    """The colours are those of what is laid over, and the boxes too."""
    from PyQt6.QtCore import Qt

    window = make_window(both.state)
    qtbot.waitUntil(lambda: visible(window) == list(CLASSES))
    red, green, blue = colour_at(window, 6000)
    assert blue > red + 30
    press(window, Qt.Key.Key_M)
    qtbot.waitUntil(lambda: visible(window) == list(STEMS))
    assert window.controls.layers.currentText() == "stems"
    red, green, blue = colour_at(window, 6000)
    assert red > blue + 30  # drums: vermilion
    red, green, blue = colour_at(window, 500)
    assert green > red + 30  # bass: bluish green
    press(window, Qt.Key.Key_2)
    red, green, blue = colour_at(window, 500)
    assert abs(green - red) < 5
    assert not window.controls.shown["bass"].isChecked()
    assert window.controls.shown["music"].isChecked()
    press(window, Qt.Key.Key_M)
    qtbot.waitUntil(lambda: visible(window) == list(CLASSES))
    red, green, blue = colour_at(window, 6000)
    assert blue > red + 30


def test_stems_alone_need_no_choice(make_window, heard, qtbot):
    """Where no network draws classes."""
    heard.feed.mask(stems_mask())
    window = make_window(heard.state)
    qtbot.waitUntil(lambda: visible(window) == list(STEMS))
    assert not window.controls.layers.isVisible()
    red, _, blue = colour_at(window, 6000)
    assert red > blue + 30


def test_without_stems_the_key_says_what_draws_them(make_window, heard, press):
    """And the classes stay."""
    from PyQt6.QtCore import Qt

    heard.feed.mask(classes_mask())
    window = make_window(heard.state)
    press(window, Qt.Key.Key_M)
    assert "model.stems" in window.notice.text()
    assert visible(window) == list(CLASSES)
    press(window, Qt.Key.Key_4)  # there is no fourth class
    assert window.deck.shown == frozenset(CLASSES)


def test_what_is_chosen_is_remembered(make_window, both, press):
    """For the next start."""
    from PyQt6.QtCore import Qt

    window = make_window(both.state)
    press(window, Qt.Key.Key_M)
    press(window, Qt.Key.Key_3)
    window.close()
    again = make_window(both.state)
    assert again.deck.layers == "stems"
    assert again.deck.shown == {"drums", "bass", "vocals"}


def test_the_number_keys_solo_stems_while_they_are_laid_over(make_window, both, press, qtbot):
    """And the choice beneath the picture has the names of both sets."""
    from PyQt6.QtCore import Qt

    player = Player()
    window = make_window(both.state, player)
    window.show_status()
    keep = window.transport.keep
    names = [keep.itemText(index) for index in range(keep.count())]
    assert names == ["everything", *(f"only {name}" for name in (*CLASSES, *STEMS))]
    press(window, Qt.Key.Key_M)
    window.deck.select(2.0, 10.0)
    press(window, Qt.Key.Key_1, control=True)
    qtbot.waitUntil(lambda: player.samples is not None)
    inner = slice(3 * RATE_HZ, 9 * RATE_HZ)
    found = player.samples[RATE_HZ : 7 * RATE_HZ, 0]
    assert np.dot(found, HIGH[inner]) / np.dot(HIGH[inner], HIGH[inner]) == pytest.approx(
        1, abs=0.02
    )
    assert abs(np.dot(found, LOW[inner])) / np.dot(LOW[inner], LOW[inner]) < 0.02
    assert keep.currentText() == "only drums"
    assert window.tools._proposal().endswith("-drums-only.wav")


def test_masks_of_the_other_set_make_no_picture_anew(make_window, both):
    """What is not laid over costs nothing to draw."""
    window = make_window(both.state)
    window.commands.set_span(10.0)
    window.commands.freeze()
    window.tick()
    before = window.spectrogram.pixels_made
    both.feed.mask(stems_mask())
    window.tick()
    assert window.spectrogram.pixels_made == before
    both.feed.mask(classes_mask())
    window.tick()
    assert window.spectrogram.pixels_made > before


def test_fine_stems_are_kept_for_the_picture_in_no_more_than_so_many_units(heard):
    """Memory is bounded whatever the network draws; every unit is on disk."""
    prob = np.random.default_rng(0).random((4, 512, 100), dtype=np.float32)
    freq_hz = np.linspace(10, 11_000, 512)
    heard.feed.mask(Mask("studio", STEMS, prob, freq_hz, 0, UNIT_S, True))
    drawn = heard.state.pixels(0, 10, 1.0, "stems").mask
    assert drawn.prob.shape == (10, 4, MASK_UNITS)
    grid = heard.state.stems.grid(0, RATE_HZ)
    assert len(grid.freq_hz) == 512
    middle = grid.first + np.arange(40) * grid.step
    np.testing.assert_allclose(
        heard.state.stems.gains("other", middle), prob[2, :, :40], atol=1 / 127
    )


def test_the_disk_is_not_waited_for_under_the_lock(heard, monkeypatch):
    """A slow disk holds the drawing of masks up, never the window."""
    writing, go_on = threading.Event(), threading.Event()

    def slow(mask):
        writing.set()
        go_on.wait()

    monkeypatch.setattr(heard.state.stems, "write", slow)
    drawer = threading.Thread(target=heard.feed.mask, args=(stems_mask(),))
    drawer.start()
    assert writing.wait(10)
    free = heard.state.lock.acquire(timeout=5)
    go_on.set()
    drawer.join()
    assert free
    heard.state.lock.release()
