"""The main window: puts the panels together, and a timer that reads the state and draws."""

from __future__ import annotations

import time
from collections.abc import Callable

from PyQt6.QtCore import QSettings, Qt, QTimer
from PyQt6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QGuiApplication, QResizeEvent
from PyQt6.QtWidgets import QApplication, QMainWindow, QSplitter, QVBoxLayout, QWidget

from streamseg.view import style
from streamseg.view.actions import install
from streamseg.view.bars import BannerBar, StatusFields
from streamseg.view.commands import Commands
from streamseg.view.deck import Deck
from streamseg.view.engine import Engine, Player
from streamseg.view.help import HelpOverlay
from streamseg.view.pace import Pace
from streamseg.view.panels.events import EventPanel
from streamseg.view.panels.lanes import LanePanel
from streamseg.view.panels.meters import MetersPanel
from streamseg.view.panels.overview import OverviewPanel
from streamseg.view.panels.probabilities import ProbabilityPanel
from streamseg.view.panels.spectrogram import SpectrogramPanel
from streamseg.view.panels.words import WordsPanel
from streamseg.view.prefs import Prefs, from_mapping, to_mapping
from streamseg.view.region import RegionTools
from streamseg.view.state import ViewState
from streamseg.view.status import RECENT_S, banner, fields
from streamseg.view.toolbar import Controls

SIDE_PX = 308
_STATUS_S = 0.5  # numbers that change faster cannot be read


class MainWindow(QMainWindow):
    """Everything. ``on_tick`` is called after every picture."""

    def __init__(
        self,
        state: ViewState,
        engine: Engine,
        player: Player,
        store: QSettings,
        on_tick: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__()
        self.setWindowTitle("streamseg")
        self.setAcceptDrops(True)
        self.engine, self._player, self._store, self._on_tick = engine, player, store, on_tick
        keys = to_mapping(Prefs())
        stored = {key: store.value(f"prefs/{key}") for key in keys}
        self.deck = Deck(state, from_mapping(stored), self)
        self._make_panels()
        self.controls = Controls(self.deck, engine.models, engine.settings.model.name)
        self.tools = RegionTools(self.deck, player, self)
        self.tools.told.connect(self._tell)
        self.commands = Commands(self)
        self.deeds = self.commands.deeds()
        self.actions_by_text = install(self, self.deeds)
        self._lay_out()
        self.help = HelpOverlay(self, self.deck, self.deeds)
        self.controls.span_chosen.connect(self.commands.set_span)
        self.controls.model_chosen.connect(engine.use_model)
        self.banner.pressed.connect(self.commands.press)
        self.events.chosen.connect(self.commands.jump)
        self.pace = Pace(self.deck.prefs.fps)
        self._status_s = 0.0
        self._dropped_s, self._dropped_at_s = 0.0, -RECENT_S
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self.tick)
        self._restore()
        self.use_theme()
        self._timer.start(self.pace.interval_ms)

    def _make_panels(self) -> None:
        deck = self.deck
        self.banner = BannerBar(deck)
        self.spectrogram = SpectrogramPanel(deck)
        self.probabilities = ProbabilityPanel(deck)
        self.lanes = LanePanel(deck)
        self.overview = OverviewPanel(deck)
        self.words = WordsPanel(deck)
        self.meters = MetersPanel(deck)
        self.events = EventPanel(deck)
        self.status = StatusFields(deck)
        self._panels = (
            self.spectrogram,
            self.probabilities,
            self.lanes,
            self.overview,
            self.words,
            self.meters,
            self.events,
        )

    def _lay_out(self) -> None:
        self.addToolBar(self.controls)
        pictures = QSplitter(Qt.Orientation.Vertical)
        pictures.addWidget(self.spectrogram)
        pictures.addWidget(self.probabilities)
        pictures.setStretchFactor(0, 4)
        pictures.setStretchFactor(1, 1)
        pictures.setSizes([800, 170])
        pictures.setChildrenCollapsible(False)
        self._split = pictures
        left = _column(pictures, self.lanes, self.overview)
        right = _column(self.words, self.meters, self.events)
        right.setFixedWidth(SIDE_PX)
        whole = QSplitter(Qt.Orientation.Horizontal)
        whole.addWidget(left)
        whole.addWidget(right)
        whole.setChildrenCollapsible(False)
        layout = QVBoxLayout()
        layout.setContentsMargins(0, 0, 8, 4)
        layout.setSpacing(4)
        layout.addWidget(self.banner)
        layout.addWidget(whole, 1)
        centre = QWidget()
        centre.setLayout(layout)
        self.setCentralWidget(centre)
        self.setStatusBar(self.status)
        self.setMinimumSize(900, 560)

    def tick(self) -> None:
        """Read the newest snapshot, and let the panels draw what is new."""
        now_s = time.monotonic()
        if self.pace.tick(now_s):
            self._timer.setInterval(self.pace.interval_ms)
        deck = self.deck
        had_mask = deck.snapshot.has_mask
        deck.take(deck.state.snapshot(now_s))
        self.tools.follow()
        if not self.isMinimized():
            for panel in self._panels:
                panel.refresh()
            if deck.snapshot.has_mask != had_mask:
                self.controls.follow()
        if now_s - self._status_s >= _STATUS_S:
            self._status_s = now_s
            self.show_status(now_s)
        self._on_tick()

    def show_status(self, now_s: float | None = None) -> None:
        """Bring status bar and banner up to date; happens twice a second by itself."""
        now_s = time.monotonic() if now_s is None else now_s
        snapshot = self.deck.snapshot
        dropped_s = snapshot.health.dropped_s
        if dropped_s > self._dropped_s:
            self._dropped_at_s = now_s
        self._dropped_s = dropped_s
        recent = now_s - self._dropped_at_s < RECENT_S
        self.banner.show_banner(banner(snapshot, self.deck.viewport, recent))
        self.status.show_fields(fields(snapshot, self.pace.measured_fps))

    def use_theme(self) -> None:
        """Dress the window as the preferences (or the system) say."""
        theme = style.choose(self.deck.prefs.theme)
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        style.apply(application, theme)
        self.deck.use_theme(theme)

    def _tell(self, text: str) -> None:
        self.status.showMessage(text, 8000)

    # What Qt calls

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """The help covers all of the window."""
        self.help.setGeometry(self.rect())

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:
        """Files and addresses may be dropped."""
        assert event is not None
        data = event.mimeData()
        if data is not None and (data.hasUrls() or data.hasText()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent | None) -> None:
        """Open what was dropped, the first of it."""
        assert event is not None
        data = event.mimeData()
        assert data is not None
        urls = data.urls()
        if urls:
            self.engine.open(urls[0].toLocalFile() if urls[0].isLocalFile() else urls[0].toString())
        elif data.hasText():
            self.engine.open(data.text().strip())
        event.acceptProposedAction()

    def closeEvent(self, event: QCloseEvent | None) -> None:
        """Remember layout and look. The engine runs on: it belongs to whoever made it."""
        self._timer.stop()
        self._player.stop()
        self._store.setValue("geometry", self.saveGeometry())
        self._store.setValue("split", self._split.saveState())
        prefs = to_mapping(self.deck.prefs) | {"span_s": str(self.deck.viewport.span_s)}
        for key, value in prefs.items():
            self._store.setValue(f"prefs/{key}", value)
        self._store.sync()
        super().closeEvent(event)

    def _restore(self) -> None:
        geometry, split = self._store.value("geometry"), self._store.value("split")
        screen = QGuiApplication.primaryScreen()
        if geometry is None or not self.restoreGeometry(geometry):
            room = screen.availableSize() if screen else None
            width, height = (room.width(), room.height()) if room else (1440, 900)
            self.resize(min(1600, width), min(960, height))
        if split is not None:
            self._split.restoreState(split)


def _column(*widgets: QWidget) -> QWidget:
    layout = QVBoxLayout()
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(4)
    for widget in widgets:
        layout.addWidget(widget)
    box = QWidget()
    box.setLayout(layout)
    return box
