"""Start Qt, show the window, and leave when it is closed (or the picture is taken)."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PyQt6.QtCore import QSettings
from PyQt6.QtGui import QGuiApplication
from PyQt6.QtWidgets import QApplication

from streamseg.errors import StreamsegError
from streamseg.view.engine import Engine, Player
from streamseg.view.region import save_picture
from streamseg.view.state import ViewState
from streamseg.view.window import MainWindow

NEVER_S = 30.0
"""A source that has not begun to deliver after this is not waited for by a snapshot."""


@dataclass(frozen=True, slots=True)
class SnapshotOrder:
    """Save the window to ``path`` when the source has run for ``after_s`` seconds."""

    path: Path
    after_s: float


def run(
    state: ViewState,
    engine: Engine,
    player: Player,
    begin: Callable[[], None],
    order: SnapshotOrder | None = None,
    store_path: Path | None = None,
) -> None:
    """Returns when the window was closed. ``begin`` is called once it is on the screen.

    Raises CannotWriteError when the ordered picture could not be saved, KeyboardInterrupt after
    SIGINT.
    """
    application = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(application, QApplication)
    application.setApplicationName("streamseg")
    QGuiApplication.setDesktopFileName("streamseg")
    format_ = QSettings.Format.IniFormat
    store = QSettings(str(store_path), format_) if store_path else QSettings("streamseg", "window")
    camera = _Camera(state, order)
    window = MainWindow(state, engine, player, store, camera.look)
    camera.window = window
    interrupted = []

    def ask(number: int, frame: object) -> None:
        # Python runs this between two ticks of the window's timer.
        interrupted.append(number)
        window.close()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        window.show()
        begin()
        application.exec()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        engine.close()
        window.deleteLater()
    if camera.error is not None:
        raise camera.error
    if interrupted:
        raise KeyboardInterrupt


class _Camera:
    """Takes the ordered picture, then closes the window."""

    def __init__(self, state: ViewState, order: SnapshotOrder | None) -> None:
        self.window: MainWindow | None = None
        self.error: StreamsegError | None = None
        self._state, self._order = state, order
        self._started_s = time.monotonic()
        self._live_s: float | None = None

    def look(self) -> None:
        """Called with every picture."""
        if self._order is None or self.window is None:
            return
        now_s = time.monotonic()
        condition = self.window.deck.snapshot.condition
        if self._live_s is None and condition == "live":
            self._live_s = now_s
        due = (
            now_s - self._started_s > NEVER_S or condition == "failed"
            if self._live_s is None
            else now_s - self._live_s >= self._order.after_s
        )
        if not due:
            return
        order, self._order = self._order, None
        self.window.show_status()
        try:
            save_picture(order.path, self.window)
        except StreamsegError as error:
            self.error = error
        self.window.close()
