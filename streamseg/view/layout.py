"""Where the panels stand in the window, and how that is remembered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QSettings, Qt
from PyQt6.QtGui import QGuiApplication
from PyQt6.QtWidgets import QSplitter, QVBoxLayout, QWidget

if TYPE_CHECKING:
    from streamseg.view.window import MainWindow

SIDE_PX = 312
"""Width of the words, meters and events, to begin with."""
_LEAST_SIDE_PX = 270


class Layout:
    """Pictures on the left, words and numbers on the right; the user moves the borders."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self._pictures = QSplitter(Qt.Orientation.Vertical)
        self._pictures.addWidget(window.spectrogram)
        self._pictures.addWidget(window.probabilities)
        self._pictures.setStretchFactor(0, 4)
        self._pictures.setStretchFactor(1, 1)
        self._pictures.setSizes([800, 170])
        self._pictures.setChildrenCollapsible(False)
        left = _column(
            self._pictures, window.changes, window.lanes, window.overview, window.transport
        )
        self._side = _column(window.words, window.genre, window.meters, window.events)
        self._whole = QSplitter(Qt.Orientation.Horizontal)
        self._whole.addWidget(left)
        self._whole.addWidget(self._side)
        self._whole.setStretchFactor(0, 1)
        self._whole.setStretchFactor(1, 0)
        self._whole.setChildrenCollapsible(False)
        layout = QVBoxLayout()
        layout.setContentsMargins(0, 0, 8, 4)
        layout.setSpacing(4)
        layout.addWidget(window.banner)
        layout.addWidget(window.alarms)
        layout.addWidget(self._whole, 1)
        centre = QWidget()
        centre.setLayout(layout)
        window.addToolBar(window.controls)
        window.setCentralWidget(centre)
        window.setStatusBar(window.status)
        window.setMinimumSize(900, 560)
        self._placed = False

    def follow(self) -> None:
        """Letters of another size need another least width."""
        px = self._window.deck.metrics.px
        self._side.setMinimumWidth(px(_LEAST_SIDE_PX))
        if not self._placed:
            self._placed = True
            self._whole.setSizes([self._window.width() - px(SIDE_PX), px(SIDE_PX)])

    def save(self, store: QSettings) -> None:
        """Remember size and borders."""
        store.setValue("geometry", self._window.saveGeometry())
        store.setValue("split", self._pictures.saveState())
        store.setValue("side", self._whole.saveState())

    def restore(self, store: QSettings) -> None:
        """As it was left; at first as large as the screen has room for."""
        geometry = store.value("geometry")
        if geometry is None or not self._window.restoreGeometry(geometry):
            screen = QGuiApplication.primaryScreen()
            room = screen.availableSize() if screen else None
            width, height = (room.width(), room.height()) if room else (1440, 900)
            self._window.resize(min(1600, width), min(960, height))
        split, side = store.value("split"), store.value("side")
        if split is not None:
            self._pictures.restoreState(split)
        if side is not None:
            self._placed = self._whole.restoreState(side)


def _column(*widgets: QWidget) -> QWidget:
    layout = QVBoxLayout()
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(4)
    for widget in widgets:
        layout.addWidget(widget)
    box = QWidget()
    box.setLayout(layout)
    return box
