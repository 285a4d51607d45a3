"""Facts about the row of buttons, and about hearing and saving one class alone."""

import threading
import time
import wave

import numpy as np
import pytest
from view_doubles import Player

from streamseg.messages import Mask

pytestmark = pytest.mark.usefixtures("patient")
RATE_HZ = 16_000
TIME_S = np.arange(20 * RATE_HZ) / RATE_HZ
LOW = (0.2 * np.sin(2 * np.pi * 500 * TIME_S)).astype(np.float32)
HIGH = (0.2 * np.sin(2 * np.pi * 6000 * TIME_S)).astype(np.float32)


@pytest.fixture
def heard(station):
    """Music below 4 kHz and speech above, with probabilities and segments."""
    station.hear(LOW + HIGH, block=16_000)
    station.think(music=0.9, speech=0.9, seconds=19)
    station.open_segment("music", 0.0)
    station.open_segment("speech", 10.0)
    station.settle()
    return station


@pytest.fixture
def masked(heard):
    """The same with its mask."""
    prob = np.zeros((3, 4, 200), np.float32)
    prob[0, :2] = prob[1, 2:] = 1
    names = ("music", "speech", "noise")
    freq_hz = np.array([1000.0, 3000, 5000, 7000])
    heard.state.show_mask(Mask("studio", names, prob, freq_hz, 0, 0.1, True))
    return heard


def share(found, tone):
    """How much of a tone there is, 1 is all."""
    middle = slice(RATE_HZ, -RATE_HZ)
    found, tone = found[middle], tone[middle]
    return float(np.dot(found, tone) / np.dot(tone, tone))


def test_a_key_solos_a_class_and_once_more_hears_everything(make_window, masked, press, qtbot):
    """What is played has the other class taken out; the button and the choice say so."""
    from PyQt6.QtCore import Qt

    player = Player()
    window = make_window(masked.state, player)
    window.deck.select(2.0, 8.0)
    press(window, Qt.Key.Key_2, control=True)
    qtbot.waitUntil(lambda: player.samples is not None)
    region = slice(2 * RATE_HZ, 8 * RATE_HZ)
    assert share(player.samples[:, 0], HIGH[region]) == pytest.approx(1, abs=0.02)
    assert share(player.samples[:, 0], LOW[region]) == pytest.approx(0, abs=0.02)
    assert window.transport.keep.currentText() == "only speech"
    qtbot.waitUntil(lambda: window.transport.play.text() == "■ Stop")
    player.samples = None
    press(window, Qt.Key.Key_2, control=True)
    qtbot.waitUntil(lambda: player.samples is not None)
    assert share(player.samples[:, 0], LOW[region]) == pytest.approx(1, abs=0.02)
    assert window.transport.keep.currentText() == "everything"


def test_the_choice_of_a_class_changes_what_is_being_heard(make_window, masked, qtbot):
    """Without a press of play again."""
    player = Player()
    window = make_window(masked.state, player)
    window.deck.select(2.0, 8.0)
    window.tools.toggle_play()
    qtbot.waitUntil(lambda: player.samples is not None)
    player.samples = None
    window.transport.keep.activated.emit(1)
    qtbot.waitUntil(lambda: player.samples is not None)
    assert share(player.samples[:, 0], HIGH[2 * RATE_HZ : 8 * RATE_HZ]) == pytest.approx(
        0, abs=0.02
    )


def test_what_is_heard_is_what_is_saved(make_window, masked, tmp_path, qtbot):
    """One class alone as WAV; the proposed name says which."""
    window = make_window(masked.state)
    window.deck.select(2.0, 8.0)
    window.tools.choose("music")
    assert window.tools._proposal().endswith("-music-only.wav")
    path = tmp_path / "music.wav"
    window.tools.save(path)
    with wave.open(str(path)) as file:
        found = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2) / 32767
    assert len(found) == 6 * RATE_HZ
    assert share(found[:, 0], LOW[2 * RATE_HZ : 8 * RATE_HZ]) == pytest.approx(1, abs=0.02)
    assert share(found[:, 0], HIGH[2 * RATE_HZ : 8 * RATE_HZ]) == pytest.approx(0, abs=0.02)


def test_the_window_draws_on_while_a_class_is_being_kept(make_window, masked, qtbot, monkeypatch):
    """The mask is laid on by another thread, and a second press gives up."""
    from streamseg.view import region

    def slow(*arguments):
        while True:
            time.sleep(0.01)
            yield np.zeros((100, 1), np.float32)

    monkeypatch.setattr(region, "pieces", slow)
    player = Player()
    window = make_window(masked.state, player)
    window.deck.select(2.0, 8.0)
    window.tools.solo("music")
    assert window.tools.preparing
    window.tick()
    assert window.transport.play.text() == "… Stop"
    window.transport.play.click()
    assert not window.tools.playing
    assert window.transport.play.text() == "▶ Play"
    time.sleep(0.1)
    assert player.samples is None


def test_without_masks_nothing_can_be_soloed_and_that_is_said(make_window, heard, press, qtbot):
    """The choice is off, and the key tells why."""
    from PyQt6.QtCore import Qt

    window = make_window(heard.state)
    assert not window.transport.keep.isEnabled()
    press(window, Qt.Key.Key_2, control=True)
    qtbot.waitUntil(lambda: "model.mask" in window.notice.text())
    assert not window.tools.playing


def test_a_selection_is_described(make_window, heard, qtbot):
    """Its length, what is on air in it, and how loud it is."""
    window = make_window(heard.state)
    assert window.transport.text.text().startswith("Nothing selected")
    window.deck.select(5.0, 15.0)
    qtbot.waitUntil(lambda: "LUFS" in window.transport.text.text(), timeout=10_000)
    text = window.transport.text.text()
    assert "10.0 s   music 100 %   speech 50 %" in text
    highest = 20 * np.log10(np.abs(LOW + HIGH).max())
    assert f"−11.0 dBFS, highest {highest:.1f}".replace("-", "−") in text
    window.deck.select(None)
    assert window.transport.text.text().startswith("Nothing selected")


def test_the_buttons_do_what_the_keys_do(make_window, heard, qtbot):
    """Freeze, live again, play, stop."""
    player = Player()
    window = make_window(heard.state, player)
    window.transport.freeze.click()
    assert not window.deck.viewport.live
    assert window.transport.freeze.text() == "● Live"
    window.transport.freeze.click()
    assert window.deck.viewport.live
    window.transport.play.click()
    qtbot.waitUntil(lambda: player.samples is not None)
    window.transport.play.click()
    assert player.played_s is None


def test_a_region_is_saved_whole_though_its_source_is_closed_meanwhile(
    make_window, masked, tmp_path, qtbot, monkeypatch
):
    """Sound and mask are those of the moment at which the user said so."""
    from PyQt6.QtWidgets import QFileDialog

    from streamseg.view import region

    started, go_on = threading.Event(), threading.Event()
    save = region.save_wav

    def slow(*arguments):
        started.set()
        go_on.wait(10)
        save(*arguments)

    monkeypatch.setattr(region, "save_wav", slow)
    path = tmp_path / "a.wav"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *arguments: (str(path), ""))
    window = make_window(masked.state)
    window.deck.select(2.0, 8.0)
    window.tools.choose("music")
    window.tools.ask_and_save()
    assert started.wait(10)
    masked.begin()
    masked.state.close()
    go_on.set()
    qtbot.waitUntil(path.exists)
    with wave.open(str(path)) as file:
        found = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2) / 32767
    assert share(found[:, 0], LOW[2 * RATE_HZ : 8 * RATE_HZ]) == pytest.approx(1, abs=0.02)


def test_another_source_ends_what_is_played(make_window, masked, qtbot):
    """Its place would be in a picture that is gone, and the next one may have no masks."""
    player = Player()
    window = make_window(masked.state, player)
    window.tools.solo("music")
    qtbot.waitUntil(lambda: player.samples is not None)
    masked.begin()
    window.tick()
    assert player.played_s is None
    assert window.tools.keep == ""
    assert window.transport.keep.currentText() == "everything"


def test_a_long_picture_is_played_in_part_and_that_is_said(make_window, heard, qtbot, monkeypatch):
    """What is played is held in memory."""
    monkeypatch.setattr("streamseg.view.region.LONGEST_PLAYED_S", 3.0)
    player = Player()
    window = make_window(heard.state, player)
    window.deck.select(1.0, 15.0)
    window.transport.play.click()
    qtbot.waitUntil(lambda: player.samples is not None)
    assert len(player.samples) == 3 * RATE_HZ
    assert "first" in window.notice.text()


def test_a_saved_file_is_told_and_an_error_too(make_window, heard, tmp_path, qtbot, monkeypatch):
    """Written on a thread of its own."""
    from PyQt6.QtWidgets import QFileDialog

    window = make_window(heard.state)
    window.deck.select(1.0, 2.0)
    answers = [(str(tmp_path / "a"), "Sound (*.wav)"), (str(tmp_path / "no" / "a.wav"), "")]
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *arguments: answers.pop(0))
    window.transport.store.click()
    qtbot.waitUntil(lambda: window.notice.text() == f"saved {tmp_path / 'a.wav'}")
    assert (tmp_path / "a.wav").stat().st_size == 44 + 4 * RATE_HZ
    window.transport.store.click()
    qtbot.waitUntil(lambda: "choose another file" in window.notice.text())
