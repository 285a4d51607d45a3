"""What the window costs: CPU per picture against the usual way, and its share of one core.

    xvfb-run -a -s "-screen 0 1920x1080x24" .venv/bin/python benchmarks/bench_window.py

Sound is the demo programme, masks are what ``window_mask`` and ``stem_unet_small`` say of it.

*Per picture*: a spectrogram of 1024 columns x 512 bins with the masks over it, one new column a
picture, drawn at 1920 x 1080. Once as this window does it, units that may still change drawn anew;
once with ``np.roll`` and ``setImage`` on two image items of pyqtgraph, whose colours are made
before. In turns in the same run. CPU time of the process, so that other programs do not count.
``stems`` is this window with the four stems laid over instead of the classes; the masks of the set
that is not shown are not handed over here.

*Share of a core*: the whole program on the demo at its own speed: reading, both networks, decisions
and the window, by thread. *Picture*: age of the newest sample in a picture when it is drawn.
*Decided*: age of the newest confirmed probability, less the look-ahead of the network.
"""

from __future__ import annotations

import json
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyqtgraph
import soundfile
from PyQt6.QtCore import QSettings
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication, QWidget

from streamseg.capture.choose import SourceOptions
from streamseg.commands.live import LiveEngine
from streamseg.messages import FrameGrid, Mask, StreamFormat
from streamseg.models import MaskJob, StemJob, load_mask_network, load_stem_network
from streamseg.settings import load
from streamseg.stages import SourceFront
from streamseg.view.deck import Deck
from streamseg.view.display import BINS, BOTTOM_DB, STEP_DB, Columns, DisplayAnalyser, Meters
from streamseg.view.feed import Feed
from streamseg.view.layers import LayerSet, set_of
from streamseg.view.panels.spectrogram import SpectrogramPanel, colour_table
from streamseg.view.prefs import Prefs
from streamseg.view.records import SourceInfo
from streamseg.view.state import ViewState
from streamseg.view.theme import MASK_RGB
from streamseg.view.window import MainWindow

DEMO = Path(__file__).resolve().parent.parent / "assets" / "demo.opus"
RATE_HZ = 48_000
CLASSES = ("music", "speech", "noise")
WIDTH, HEIGHT = 1920, 1080
COLUMNS = 1024
PICTURES, ROUNDS = 120, 3
SPAN_S = 30.0  # of the whole window; so long it runs until the picture is full
SHARE_S = 12.0


@dataclass(frozen=True, slots=True)
class Programme:
    """The demo as columns of the spectrogram, and the masks that come with each of them."""

    columns: np.ndarray
    """(n, BINS) uint8."""
    masks: list[list[Mask]]


def programme() -> Programme:
    """Heard once, before anything is measured."""
    sound, rate_hz = soundfile.read(DEMO, dtype="float32")
    mono = sound.mean(axis=1)
    analyser, network = DisplayAnalyser(rate_hz), load_mask_network("window_mask", "cpu")
    stream = network.open(rate_hz)
    front = SourceFront("bench", network.card, network.grid(rate_hz), network.card.hop_s)
    band = load_stem_network("stem_unet_small", "cpu")
    stems = band.open(rate_hz)
    band_front = SourceFront("bench", band.card, band.grid(rate_hz), band.card.hop_s)
    columns: list[np.ndarray] = []
    masks: list[list[Mask]] = []
    hop = analyser.hop
    for start in range(0, len(mono) - hop, hop):
        piece = mono[start : start + hop]
        made = analyser.push(piece).data
        spectra = front.push(piece)
        drawn = [m for one in spectra for m in network.run([MaskJob(stream, one)])[0]]
        band_spectra = band_front.push(piece)
        drawn += [m for one in band_spectra for m in band.run([StemJob(stems, one)])[0]]
        masks.append(drawn)
        columns.extend(made)
    return Programme(np.array(columns), masks)


class Station:
    """The programme over and over, a column at a time."""

    def __init__(self, heard: Programme, layers: LayerSet) -> None:
        self.heard, self.state, self.column = heard, ViewState(), 0
        self.layers = layers
        feed = Feed(self.state, self.state.opening("bench"), held_back=True)
        info = SourceInfo("bench", "activity", "CPU", CLASSES, 0, 0.2, 0.6, 0.4)
        self.grid = FrameGrid(RATE_HZ, 0.04, 0.04)
        feed.open(info, StreamFormat(RATE_HZ, 2, "float32", ""), self.grid, False)

    def hear(self) -> None:
        """A column more, and the masks of the set that came with it."""
        turn, place = divmod(self.column, len(self.heard.columns))
        one = Columns(self.column, self.heard.columns[place : place + 1])
        self.state.add_columns(self.state.session, one, Meters())
        later = turn * len(self.heard.columns) * RATE_HZ // 25
        for mask in (m for m in self.heard.masks[place] if set_of(m.classes) == self.layers):
            moved = Mask(
                mask.source, mask.classes, mask.prob, mask.freq_hz, mask.sample + later,
                mask.unit_s, mask.final,
            )  # fmt: skip
            self.state.show_mask(moved)
        self.column += 1


def ours(
    application: QApplication, heard: Programme, layers: LayerSet = "classes"
) -> Callable[[], None]:
    """One picture: a column more, drawn."""
    station = Station(heard, layers)
    for _ in range(COLUMNS + 60):
        station.hear()
    deck = Deck(station.state, Prefs(span_s=COLUMNS / 25, top_hz=24_000, layers=layers))
    panel = SpectrogramPanel(deck)
    panel.resize(WIDTH, HEIGHT)
    panel.show()

    def picture() -> None:
        station.hear()
        deck.take(station.state.snapshot())
        panel.refresh()
        panel.repaint(panel.plot())
        application.processEvents()

    return picture


def usual(application: QApplication, heard: Programme) -> Callable[[], None]:
    """The same with two image items of pyqtgraph, rolled."""
    view = pyqtgraph.GraphicsLayoutWidget()
    view.resize(WIDTH, HEIGHT)
    plot = view.addPlot()
    spectrum, overlay = pyqtgraph.ImageItem(), pyqtgraph.ImageItem()
    plot.addItem(spectrum)
    plot.addItem(overlay)
    spectrum.setLookupTable(colour_table("grey"))
    view.show()
    source = heard.columns.astype(np.float32) * STEP_DB + BOTTOM_DB
    ready = colours_of(heard)
    levels, colours = source[:COLUMNS].copy(), ready[:COLUMNS].copy()
    at = COLUMNS

    def picture() -> None:
        nonlocal levels, colours, at
        levels = np.roll(levels, -1, axis=0)
        levels[-1] = source[at % len(source)]
        colours = np.roll(colours, -1, axis=0)
        colours[-1] = ready[at % len(ready)]
        at += 1
        spectrum.setImage(levels, autoLevels=False, levels=(-110, -20))
        overlay.setImage(colours)
        view.viewport().update()
        application.processEvents()

    return picture


def colours_of(heard: Programme) -> np.ndarray:
    """The final masks as colours, (columns, BINS, 4) uint8: the likeliest class, if it is sure."""
    made = np.zeros((len(heard.columns), BINS, 4), np.uint8)
    rgb = np.array([MASK_RGB[name] for name in CLASSES])
    for mask in (m for masks in heard.masks for m in masks if m.final and m.classes == CLASSES):
        column = round(mask.sample / RATE_HZ * 25)
        unit = np.arange(BINS) * mask.prob.shape[1] // BINS
        prob = mask.prob[:, unit, 0]
        made[column : column + 2, :, :3] = rgb[prob.argmax(axis=0)]
        made[column : column + 2, :, 3] = 190 * prob.max(axis=0)
    return made


def cpu_ms(picture: Callable[[], None], count: int) -> float:
    """Milliseconds of CPU of this process for one picture."""
    began = time.process_time()
    for _ in range(count):
        picture()
    return 1000 * (time.process_time() - began) / count


def against_the_usual_way(application: QApplication) -> dict[str, object]:
    """CPU per picture, the best of some rounds in turns."""
    heard = programme()
    ways = {
        "ours": ours(application, heard),
        "stems": ours(application, heard, "stems"),
        "usual": usual(application, heard),
    }
    for picture in ways.values():
        cpu_ms(picture, 10)
    measured: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, picture in ways.items():
            measured[name].append(cpu_ms(picture, PICTURES))
    best = {name: min(values) for name, values in measured.items()}
    for widget in QApplication.topLevelWidgets():
        QWidget.hide(widget)
    return {
        "cpu_ms_per_picture": {name: round(value, 2) for name, value in best.items()},
        "times_less": round(best["usual"] / best["ours"], 2),
    }


class Silent:
    """A player that is never asked."""

    played_s = None

    def stop(self) -> None:
        """Nothing is played."""


def whole_program(folder: Path) -> dict[str, object]:
    """The program as a user has it, on the demo at its own speed, at two rates."""
    state = ViewState()
    engine = LiveEngine(state, lambda: load(environment={}), SourceOptions())
    store = QSettings(str(folder / "bench.ini"), QSettings.Format.IniFormat)
    behind: deque[float] = deque()

    def note() -> None:
        snapshot = window.deck.snapshot
        age_s = snapshot.health.decided_behind_s
        if age_s is not None and snapshot.source is not None:
            behind.append(age_s - snapshot.source.lookahead_s)

    window = MainWindow(state, engine, Silent(), store, note)  # type: ignore[arg-type]
    window.resize(WIDTH, HEIGHT)
    window.show()
    window.commands.set_span(SPAN_S)
    engine.open(str(DEMO))
    while state.snapshot().heard < SPAN_S * RATE_HZ:
        QTest.qWait(100)
    result: dict[str, object] = {}
    for fps in (60, 30):
        window.deck.change(fps=fps)
        window.pace.want(fps)
        QTest.qWait(1500)
        state.latencies.clear()
        behind.clear()
        before, began = by_thread(), time.monotonic()
        QTest.qWait(round(1000 * SHARE_S))
        lasted_s, after = time.monotonic() - began, by_thread()
        shares = {name: (after[name] - before.get(name, 0.0)) / lasted_s for name in after}
        latency = state.latencies.percentiles()
        assert latency is not None, "nothing was drawn"
        decided = np.percentile(behind, (50, 95)) * 1000
        result[f"at_{fps}_fps"] = {
            "pictures_per_s": round(window.pace.measured_fps or 0.0, 1),
            "share_of_a_core": {name: round(value, 3) for name, value in shares.items()},
            "picture_ms": [round(1000 * latency.p50_s), round(1000 * latency.p95_s)],
            "decided_beyond_lookahead_ms": [round(value) for value in decided],
            "masks_dropped_s": round(state.snapshot().health.masks_dropped_s, 2),
            "stems_dropped_s": round(state.snapshot().health.stems_dropped_s, 2),
        }
    engine.close()
    window.close()
    state.close()
    return result


def by_thread() -> dict[str, float]:
    """CPU seconds of the process, and of its threads that still run."""
    found = {"all": time.process_time()}
    for thread in threading.enumerate():
        if thread.ident is not None:
            clock = time.pthread_getcpuclockid(thread.ident)
            name = "window" if thread is threading.main_thread() else thread.name
            found[name.replace(str(DEMO), "").strip()] = time.clock_gettime(clock)
    return found


def main() -> None:
    """Measure, and print one JSON object."""
    application = QApplication(sys.argv[:1])
    result = against_the_usual_way(application)
    with tempfile.TemporaryDirectory() as folder:
        result |= whole_program(Path(folder))
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
