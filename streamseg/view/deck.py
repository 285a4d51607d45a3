"""What all panels share: state, viewport, selection, cursor, look; and the signal to redraw."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from PyQt6.QtCore import QObject, pyqtSignal
from PyQt6.QtGui import QFont

from streamseg.view.layers import LayerSet, chosen
from streamseg.view.metrics import Metrics
from streamseg.view.prefs import Prefs
from streamseg.view.records import Snapshot
from streamseg.view.state import ViewState
from streamseg.view.theme import DARK, THEMES, Theme
from streamseg.view.viewport import Viewport

Selection = tuple[float, float]


class Deck(QObject):
    """Lives on the GUI thread."""

    moved = pyqtSignal()
    """Another stretch of time, selection or cursor: draw again."""
    restyled = pyqtSignal()
    """Theme or preferences have changed."""

    def __init__(self, state: ViewState, prefs: Prefs, parent: QObject | None = None) -> None:
        """``parent`` is the window: with it go the connections that hold its panels."""
        super().__init__(parent)
        self.state = state
        self.prefs = prefs
        self.theme: Theme = THEMES.get(prefs.theme, DARK)
        self.metrics = Metrics(QFont())
        self.snapshot: Snapshot = state.snapshot()
        self.viewport = Viewport(span_s=prefs.span_s, longest_s=state.history_s)
        self.selection: Selection | None = None
        """Start and stop in seconds of the source, in order."""
        self.cursor_s: float | None = None
        self.cursor_hz: float | None = None
        self.played_s: float | None = None
        """What is heard right now while a region is played."""

    def take(self, snapshot: Snapshot) -> None:
        """The newest snapshot; another source forgets selection and place."""
        if snapshot.session != self.snapshot.session:
            self.selection = self.cursor_s = self.cursor_hz = self.played_s = None
            self.viewport.live = True
        self.snapshot = snapshot
        self.viewport.follow(snapshot.seconds(snapshot.first), snapshot.seconds(snapshot.edge))

    def change(self, **preferences: Any) -> None:
        """Other preferences."""
        self.prefs = replace(self.prefs, **preferences)
        self.restyled.emit()

    def use_theme(self, theme: Theme, font: QFont) -> None:
        """Another theme, or letters of another size."""
        self.theme, self.metrics = theme, Metrics(font)
        self.restyled.emit()

    def select(self, start_s: float | None, stop_s: float | None = None) -> None:
        """Select a region inside what is kept, or nothing."""
        if start_s is None or stop_s is None:
            self.selection = None
        else:
            low, high = sorted((start_s, stop_s))
            low = max(low, self.viewport.first_s)
            high = min(high, self.viewport.edge_s)
            self.selection = (low, high) if high > low else None
        self.moved.emit()

    def point(self, moment_s: float | None, hz: float | None = None) -> None:
        """Move the cursor."""
        self.cursor_s, self.cursor_hz = moment_s, hz
        self.moved.emit()

    @property
    def layers(self) -> LayerSet:
        """The set of masks that is laid over the spectrogram."""
        return chosen(self.prefs.layers, self.snapshot.layers)

    @property
    def shown(self) -> frozenset[str]:
        """Those of that set whose mask is laid over."""
        return self.prefs.shown_of(self.layers)

    @property
    def begin(self) -> Any:
        """Time of day of second 0 if that is to be shown."""
        clock = self.prefs.clock
        wanted = clock == "time" or (clock == "auto" and not self.snapshot.finite)
        return self.snapshot.begin if wanted else None
