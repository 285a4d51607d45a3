"""What the window costs: CPU per picture against the usual way, and its share of one core.

    xvfb-run -a -s "-screen 0 1920x1080x24" .venv/bin/python benchmarks/bench_window.py

*Per picture*: a spectrogram of 1024 columns x 512 bins with a mask over it, one new column a
picture, drawn at 1920 x 1080. Once as this window does it, once with ``np.roll`` and ``setImage``
on two image items of pyqtgraph, in turns in the same run. CPU time of the process, so that other
programs on the machine do not count.

*Share of a core*: the whole window on sound in real time at 48 kHz, as a user has it: display
analysis, meters, curves, lanes, mask; without the network, which is no part of it.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import numpy as np
import pyqtgraph
from PyQt6.QtCore import QSettings
from PyQt6.QtWidgets import QApplication, QWidget

from streamseg.messages import Block, Estimate, FrameGrid, Mask, StreamFormat
from streamseg.settings import load
from streamseg.view.deck import Deck
from streamseg.view.display import Columns, Meters
from streamseg.view.feed import Feed
from streamseg.view.latency import ArrivalClock
from streamseg.view.panels.spectrogram import SpectrogramPanel, colour_table
from streamseg.view.prefs import Prefs
from streamseg.view.records import SourceInfo
from streamseg.view.state import ViewState
from streamseg.view.window import MainWindow

RATE_HZ = 48_000
CLASSES = ("music", "speech", "noise")
WIDTH, HEIGHT = 1920, 1080
COLUMNS, BINS = 1024, 512
UNITS, EARLY_UNITS = 12, 15  # of the masks: along frequency, and those that may still change
UNITS_HZ = (np.arange(UNITS) + 0.5) * 1378.125
PICTURES, ROUNDS = 120, 3
SHARE_S = 10.0


class Silent:
    """A player, and an engine, that do nothing."""

    source, played_s = None, None
    settings = load(environment={}).settings
    config_path = Path("unused.toml")
    models: ClassVar = {"activity": "the default"}

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_: None


class Station:
    """Noise in stereo with a mask, in blocks of 40 ms."""

    def __init__(self) -> None:
        self.state = ViewState()
        self.feed = Feed(self.state, self.state.opening("bench"), held_back=True)
        info = SourceInfo("bench", "activity", "CPU", CLASSES, 0.5, 0.2, 0.6, 0.4)
        self.grid = FrameGrid(RATE_HZ, 0.04, 0.04)
        self.feed.open(info, StreamFormat(RATE_HZ, 2, "float32", ""), self.grid, False)
        self.rng = np.random.default_rng(0)
        self.sample = self.frame = 0

    def hear(self) -> None:
        """40 ms more, with probabilities and a mask."""
        size = RATE_HZ // 25
        channels = self.rng.normal(0, 0.1, (size, 2)).astype(np.float32)
        self.feed.tap("bench", Block(channels.mean(axis=1), self.sample, channels))
        sure = self.rng.random((1, 3), np.float32)
        self.feed.watch(
            Estimate("bench", CLASSES, sure, sure, np.full(1, -20, np.float32), self.frame, 0)
        )
        self.mask()

    def column(self) -> None:
        """A column more with its mask, ready made: what drawing alone begins with."""
        data = self.rng.integers(0, 255, (1, BINS)).astype(np.uint8)
        self.state.add_columns(self.state.session, Columns(self.frame, data), Meters())
        self.mask()

    def mask(self) -> None:
        """As ``window_mask`` gives them: a unit becomes final, and 15 after it are said anew."""
        newest = self.sample - (EARLY_UNITS + 1) * RATE_HZ // 25
        for first, count, final in ((0, 1, True), (1, EARLY_UNITS, False)):
            prob = self.rng.random((3, UNITS, count), np.float32)
            start = newest + first * RATE_HZ // 25
            self.state.show_mask(Mask("bench", CLASSES, prob, UNITS_HZ, start, 0.04, final))
        self.sample += RATE_HZ // 25
        self.frame += 1


def ours(application: QApplication) -> Callable[[], None]:
    """One picture: a column more, drawn."""
    station = Station()
    for _ in range(COLUMNS + 60):
        station.column()
    deck = Deck(station.state, Prefs(span_s=COLUMNS / 25, top_hz=24_000))
    panel = SpectrogramPanel(deck)
    panel.resize(WIDTH, HEIGHT)
    panel.show()

    def picture() -> None:
        station.column()
        deck.take(station.state.snapshot())
        panel.refresh()
        panel.repaint(panel.plot())
        application.processEvents()

    return picture


def usual(application: QApplication) -> Callable[[], None]:
    """The same with two image items of pyqtgraph, rolled."""
    view = pyqtgraph.GraphicsLayoutWidget()
    view.resize(WIDTH, HEIGHT)
    plot = view.addPlot()
    spectrum, overlay = pyqtgraph.ImageItem(), pyqtgraph.ImageItem()
    plot.addItem(spectrum)
    plot.addItem(overlay)
    spectrum.setLookupTable(colour_table("magma"))
    view.show()
    rng = np.random.default_rng(0)
    levels = rng.normal(-60, 10, (COLUMNS, BINS)).astype(np.float32)
    colours = rng.integers(0, 255, (COLUMNS, BINS, 4)).astype(np.uint8)

    def picture() -> None:
        nonlocal levels, colours
        levels = np.roll(levels, -1, axis=0)
        levels[-1] = rng.normal(-60, 10, BINS)
        colours = np.roll(colours, -1, axis=0)
        colours[-1] = rng.integers(0, 255, (BINS, 4))
        spectrum.setImage(levels, autoLevels=False, levels=(-110, -20))
        overlay.setImage(colours)
        view.viewport().update()
        application.processEvents()

    return picture


def cpu_ms(picture: Callable[[], None], count: int) -> float:
    """Milliseconds of CPU of this process for one picture."""
    began = time.process_time()
    for _ in range(count):
        picture()
    return 1000 * (time.process_time() - began) / count


def share(application: QApplication, fps: int, folder: Path) -> dict[str, float]:
    """Share of one core of the whole window, at this rate."""
    station = Station()
    for _ in range(60 * 25):
        station.hear()
    while station.state.snapshot().heard < station.sample - RATE_HZ // 8:
        time.sleep(0.05)
    # The minute came at once: from here on it is live.
    station.state._timing.clock = ArrivalClock(RATE_HZ)  # type: ignore[union-attr]
    station.state.latencies.clear()
    store = QSettings(str(folder / f"bench-{fps}.ini"), QSettings.Format.IniFormat)
    store.setValue("prefs/fps", fps)
    window = MainWindow(station.state, Silent(), Silent(), store)
    window.resize(WIDTH, HEIGHT)
    window.show()
    settle(application, station, 2.0)
    pictures = window.pace.measured_fps
    began, cpu = time.monotonic(), time.process_time()
    settle(application, station, SHARE_S)
    used = (time.process_time() - cpu) / (time.monotonic() - began)
    pictures = window.pace.measured_fps or pictures or 0.0
    latency = station.state.latencies.percentiles()
    window.close()
    station.feed.close()
    station.state.close()
    assert latency is not None
    return {
        "share_of_a_core": round(used, 3),
        "pictures_per_s": round(pictures, 1),
        "latency_p50_ms": round(1000 * latency.p50_s),
        "latency_p95_ms": round(1000 * latency.p95_s),
    }


def settle(application: QApplication, station: Station, seconds: float) -> None:
    """Let Qt run while sound comes in at its speed."""
    began = time.monotonic()
    sent = 0
    while (now := time.monotonic() - began) < seconds:
        while sent < now * 25:
            station.hear()
            sent += 1
        application.processEvents()
        time.sleep(0.001)


def main() -> None:
    """Measure, and print one JSON object."""
    import tempfile

    application = QApplication(sys.argv[:1])
    ways = {"ours": ours(application), "usual": usual(application)}
    for picture in ways.values():
        cpu_ms(picture, 10)
    measured: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, picture in ways.items():
            measured[name].append(cpu_ms(picture, PICTURES))
    best = {name: min(values) for name, values in measured.items()}
    result: dict[str, object] = {
        "cpu_ms_per_picture": {name: round(value, 2) for name, value in best.items()},
        "times_less": round(best["usual"] / best["ours"], 2),
    }
    for widget in QApplication.topLevelWidgets():
        QWidget.hide(widget)
    with tempfile.TemporaryDirectory() as folder:
        for fps in (30, 60):
            result[f"window_at_{fps}_fps"] = share(application, fps, Path(folder))
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
