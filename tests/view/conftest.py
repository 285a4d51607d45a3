"""What the tests of the window share. Without the libraries of Qt its tests are skipped."""

from __future__ import annotations

import os
import sys
import time
from datetime import UTC, datetime

import numpy as np
import pytest
from view_doubles import Player

from streamseg.messages import Block, Estimate, FrameGrid, StreamFormat
from streamseg.settings import load
from streamseg.sinks.events import Clock, SegmentClose, SegmentOpen, Started
from streamseg.view.engine import DeviceChoice
from streamseg.view.feed import Feed
from streamseg.view.records import SourceInfo
from streamseg.view.state import ViewState

if sys.platform.startswith("linux") and not os.environ.get("DISPLAY"):
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
try:
    import PyQt6.QtWidgets  # noqa: F401
    import pytestqt  # noqa: F401

    MISSING = ""
except ImportError as error:
    MISSING = f"no window here: {error}; install the packages that bootstrap.sh names"

RATE_HZ = 16_000
HOP_S = 0.02
GRID = FrameGrid(RATE_HZ, HOP_S, 0.02)
CLASSES = ("music", "speech", "noise")
CLOCK = Clock(datetime(2026, 3, 1, 12, tzinfo=UTC), 0.0, RATE_HZ)
INFO = SourceInfo("studio", "activity", "CPU", CLASSES, 0.5, 0.2, 0.6, 0.4)


def pytest_collection_modifyitems(items):
    """Only what uses ``qtbot`` needs Qt."""
    for item in items:
        if MISSING and "qtbot" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.skip(reason=MISSING))


class Station:
    """A source whose sound, probabilities and events a test makes up."""

    def __init__(self, history_s=600.0, rate_hz=RATE_HZ, finite=False):
        self.state = ViewState(history_s)
        self.rate_hz = rate_hz
        self.begin(finite)

    def begin(self, finite=False):
        """Open it (again)."""
        self.sample = self.frame = 0
        self.feed = Feed(self.state, self.state.opening("studio"), held_back=True)
        format_ = StreamFormat(self.rate_hz, 2, "float32", "a test")
        self.grid = FrameGrid(self.rate_hz, HOP_S, HOP_S)
        self.feed.open(INFO, format_, self.grid, finite)
        self.clock = Clock(CLOCK.wall, 0.0, self.rate_hz)
        self.sink(Started(self.stamp(0), "activity", "CPU", "a test", "0"))

    def sink(self, event):
        """An event of the log."""
        self.feed.sink(event)

    def stamp(self, at_s):
        """Where and when a moment lies."""
        return self.clock.stamp("studio", round(at_s * self.rate_hz))

    def hear(self, samples, block=1600):
        """Sound without probabilities."""
        samples = np.asarray(samples, np.float32)
        for start in range(0, len(samples), block):
            piece = samples[start : start + block]
            self.feed.tap("studio", Block(piece, self.sample))
            self.sample += len(piece)

    def miss(self, seconds):
        """Sound that nobody hears."""
        self.sample += round(seconds * self.rate_hz)

    def think(self, music=0.0, speech=0.0, noise=0.0, seconds=1.0, origin=0):
        """Probabilities; the provisional ones are half as high."""
        count = round(seconds / HOP_S)
        confirmed = np.tile(np.array([music, speech, noise], np.float32), (count, 1))
        level = np.full(count, -20, np.float32)
        self.feed.watch(
            Estimate("studio", CLASSES, confirmed / 2, confirmed, level, self.frame, origin)
        )
        self.frame += count

    def open_segment(self, label, at_s):
        """A segment begins."""
        self.sink(SegmentOpen(self.stamp(at_s), label=label))

    def close_segment(self, label, start_s, end_s):
        """A segment ends."""
        start, end = self.stamp(start_s).time, self.stamp(end_s).time
        self.sink(
            SegmentClose(
                self.stamp(end_s), label, start, end, end_s - start_s, 0.9, 1.0, -20.0, -23.0
            )
        )

    def catch_up(self):
        """Wait until all but the last window of the sound has been analysed."""
        while self.state.snapshot().heard < self.sample - self.rate_hz // 4:
            time.sleep(0.005)

    def settle(self):
        """Wait until all that was heard can be shown."""
        self.feed.close()

    def close(self):
        """Clean up."""
        self.feed.close()
        self.state.close()


@pytest.fixture
def station():
    """A station that has not said anything yet."""
    made = Station()
    yield made
    made.close()


@pytest.fixture
def make_station():
    """Stations with other properties."""
    made = []

    def make(**properties):
        made.append(Station(**properties))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def patient(monkeypatch):
    """A test is slower than a station: nothing here is called a silent line."""
    monkeypatch.setattr("streamseg.view.state.STARVED_S", 1e9)


class FakeEngine:
    """Remembers what it was asked."""

    def __init__(self, config_path):
        self.source, self.config_path, self.opened, self.resets = None, config_path, [], 0
        self.settings = load(environment={}).settings
        self.models = {"activity": "the default", "frame_conv": "another"}
        self.reloads = 0
        self.used, self.rules, self.origin = [], [], {}
        self.found = [DeviceChoice("Line in", "ALSA, 2 ch, 48000 Hz", True)]

    def acknowledged(self, rules):
        """Note it."""
        self.rules.extend(rules)

    def open(self, source):
        """Note it."""
        self.source = source
        self.opened.append(source)

    def use_model(self, stem):
        """Note it."""
        self.used.append(stem)

    def reload(self):
        """Note it."""
        self.reloads += 1

    def devices(self):
        """Those of the moment, or the error that a test has put there."""
        if isinstance(self.found, Exception):
            raise self.found
        return list(self.found)

    def reset_maxima(self):
        """Note it."""
        self.resets += 1

    def close(self):
        """Nothing runs."""


@pytest.fixture
def engine(tmp_path):
    """An engine that only takes notes."""
    return FakeEngine(tmp_path / "streamseg.toml")


@pytest.fixture
def make_window(qtbot, engine, tmp_path):
    """Windows on the screen (or on Qt's invisible one), closed afterwards."""
    from PyQt6.QtCore import QSettings
    from PyQt6.QtWidgets import QApplication

    from streamseg.view.window import MainWindow

    def make(state, player=None):
        store = QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)
        window = MainWindow(state, engine, player or Player(), store)
        window.resize(1280, 800)
        qtbot.addWidget(window)
        with qtbot.waitExposed(window):
            window.show()
        # Keys go to the active window, and a bare X server has nobody who would activate one.
        QApplication.setActiveWindow(window)
        window.tick()
        return window

    return make


@pytest.fixture
def press(qtbot):
    """Press a key as a person does, through the shortcuts of the window."""
    from PyQt6.QtCore import Qt

    def press(window, key, control=False):
        held = Qt.KeyboardModifier.ControlModifier if control else Qt.KeyboardModifier.NoModifier
        qtbot.keyClick(window, key, held)
        window.tick()

    return press
