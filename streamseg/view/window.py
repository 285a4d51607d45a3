"""The main window: puts the panels together, and a timer that reads the state and draws."""

from __future__ import annotations

import time
from collections.abc import Callable

from PyQt6.QtCore import QSettings, Qt, QTimer
from PyQt6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QGuiApplication, QResizeEvent
from PyQt6.QtWidgets import QApplication, QMainWindow

from streamseg.view import style
from streamseg.view.actions import install
from streamseg.view.alarm_bar import AlarmBar
from streamseg.view.alarm_lines import alarm_lines
from streamseg.view.bars import BannerBar, StatusFields
from streamseg.view.commands import Commands
from streamseg.view.deck import Deck
from streamseg.view.engine import Engine, Player
from streamseg.view.help import HelpOverlay
from streamseg.view.layout import Layout
from streamseg.view.notice import Notice
from streamseg.view.pace import Pace
from streamseg.view.panels.changes import ChangePanel
from streamseg.view.panels.events import EventPanel
from streamseg.view.panels.genre import GenreLine
from streamseg.view.panels.lanes import LanePanel
from streamseg.view.panels.meters import MetersPanel
from streamseg.view.panels.overview import OverviewPanel
from streamseg.view.panels.probabilities import ProbabilityPanel
from streamseg.view.panels.spectrogram import SpectrogramPanel
from streamseg.view.panels.words import WordsPanel
from streamseg.view.pickers import Pickers
from streamseg.view.prefs import Prefs, from_mapping, to_mapping
from streamseg.view.region import RegionTools
from streamseg.view.source_menu import SourceMenu
from streamseg.view.state import ViewState
from streamseg.view.status import RECENT_S, banner, fields, title
from streamseg.view.toolbar import Controls
from streamseg.view.transport import TransportBar

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
        self.pickers = Pickers(self, engine)
        self.controls = Controls(self.deck, engine.models, engine.settings.model.name)
        self.tools = RegionTools(self.deck, player, self)
        self.transport = TransportBar(self.deck, self.tools)
        self.notice = Notice(self, self.deck)
        self.commands = Commands(self)
        self.deeds = self.commands.deeds()
        self.actions_by_text = install(self, self.deeds)
        openers = [self.actions_by_text[f"{name}…"] for name in OPENERS]
        self.sources = SourceMenu(self, self.pickers, openers, store)
        self.controls.source.setMenu(self.sources)
        self._places = Layout(self)
        self.help = HelpOverlay(self, self.deck, self.deeds)
        self._connect()
        self.pace = Pace(self.deck.prefs.fps)
        self._status_s = 0.0
        self._dropped_s, self._dropped_at_s = 0.0, -RECENT_S
        self._alarms = 0  # that nobody had seen when the status was shown last
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self.tick)
        self._places.restore(store)
        self.use_theme()
        self._timer.start(self.pace.interval_ms)

    def _make_panels(self) -> None:
        deck = self.deck
        self.banner = BannerBar(deck)
        self.alarms = AlarmBar(deck)
        self.spectrogram = SpectrogramPanel(deck)
        self.probabilities = ProbabilityPanel(deck)
        self.changes = ChangePanel(deck)
        self.lanes = LanePanel(deck)
        self.overview = OverviewPanel(deck)
        self.words = WordsPanel(deck)
        self.genre = GenreLine(deck)
        self.meters = MetersPanel(deck)
        self.events = EventPanel(deck)
        self.status = StatusFields(deck)
        self._panels = (
            self.spectrogram,
            self.probabilities,
            self.changes,
            self.lanes,
            self.overview,
            self.words,
            self.genre,
            self.meters,
            self.events,
        )

    def _connect(self) -> None:
        commands = self.commands
        self.controls.span_chosen.connect(commands.set_span)
        self.controls.model_chosen.connect(self.engine.use_model)
        self.tools.told.connect(self.tell)
        self.transport.froze.connect(commands.freeze)
        self.transport.save.connect(self.tools.ask_and_save)
        self.banner.pressed.connect(commands.press)
        self.alarms.chosen.connect(commands.jump)
        self.alarms.seen.connect(commands.acknowledge)
        self.events.chosen.connect(commands.jump)
        self.events.seen.connect(commands.acknowledge)
        self.events.told.connect(self.tell)
        hints = QGuiApplication.styleHints()
        assert hints is not None
        hints.colorSchemeChanged.connect(self.use_theme)

    def tick(self) -> None:
        """Read the newest snapshot, and let the panels draw what is new."""
        now_s = time.monotonic()
        if self.pace.tick(now_s):
            self._timer.setInterval(self.pace.interval_ms)
        deck = self.deck
        had = deck.snapshot.layers
        deck.take(deck.state.snapshot(now_s))
        self.tools.follow()
        if not self.isMinimized():
            for panel in self._panels:
                panel.refresh()
            if deck.snapshot.layers != had:
                self.controls.follow()
        if now_s - self._status_s >= _STATUS_S:
            self._status_s = now_s
            self.show_status(now_s)
        self._on_tick()

    def show_status(self, now_s: float | None = None) -> None:
        """Bring status bar, banner and alarms up to date; happens twice a second by itself."""
        now_s = time.monotonic() if now_s is None else now_s
        snapshot = self.deck.snapshot
        dropped_s = snapshot.health.dropped_s
        if dropped_s > self._dropped_s:
            self._dropped_at_s = now_s
        self._dropped_s = dropped_s
        recent = now_s - self._dropped_at_s < RECENT_S
        said = banner(snapshot, self.deck.viewport, recent)
        self.banner.show_banner(said)
        self.alarms.show_lines(alarm_lines(snapshot, said.rule if said else ""))
        self.status.show_fields(fields(snapshot, self.pace.measured_fps))
        self.transport.refresh()
        self.setWindowTitle(title(snapshot))
        if snapshot.unacknowledged > self._alarms:
            QApplication.alert(self)  # for whoever works in another window
        self._alarms = snapshot.unacknowledged

    def use_theme(self) -> None:
        """Dress the window as the preferences (or the system) say."""
        prefs = self.deck.prefs
        theme = style.choose(prefs.theme)
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        style.apply(application, theme, prefs.text_percent)
        self.deck.use_theme(theme, application.font())
        self._places.follow()

    def tell(self, text: str) -> None:
        """Something to be read, for a while."""
        self.notice.tell(text)

    # What Qt calls

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """The help covers all of the window; the words leave room for the events."""
        self.help.setGeometry(self.rect())
        self.notice.place()
        self.words.restyle()

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
            local = urls[0].isLocalFile()
            self.pickers.open(urls[0].toLocalFile() if local else urls[0].toString())
        elif data.hasText():
            self.pickers.open(data.text().strip())
        event.acceptProposedAction()

    def closeEvent(self, event: QCloseEvent | None) -> None:
        """Remember layout and look. The engine runs on: it belongs to whoever made it."""
        self._timer.stop()
        self.tools.stop()
        self._places.save(self._store)
        prefs = to_mapping(self.deck.prefs) | {"span_s": str(self.deck.viewport.span_s)}
        for key, value in prefs.items():
            self._store.setValue(f"prefs/{key}", value)
        self._store.sync()
        super().closeEvent(event)


OPENERS = ("Open file", "Open URL", "Choose device")
"""Deeds that the button of the source repeats."""
