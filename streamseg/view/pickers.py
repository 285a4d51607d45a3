"""Dialogs that open something: a file, a URL, a device, the settings. GUI thread."""

from __future__ import annotations

import threading

from PyQt6.QtCore import QObject, pyqtSignal
from PyQt6.QtWidgets import QFileDialog, QInputDialog, QMessageBox, QWidget

from streamseg.errors import StreamsegError
from streamseg.view.deck import Deck
from streamseg.view.engine import Engine
from streamseg.view.settings_dialog import SettingsDialog

_DEFAULT = "default input device"


class Pickers(QObject):
    """Asks, and hands the answer to the engine."""

    _listed = pyqtSignal(list)
    _failed = pyqtSignal(str)

    def __init__(self, window: QWidget, engine: Engine, deck: Deck) -> None:
        super().__init__(window)
        self._window, self._engine, self._deck = window, engine, deck
        self._listed.connect(self._choose)
        self._failed.connect(self._tell)

    def file(self) -> None:
        """A sound file."""
        name, _ = QFileDialog.getOpenFileName(self._window, "Open a sound file")
        if name:
            self._engine.open(name)

    def url(self) -> None:
        """An address."""
        text, sure = QInputDialog.getText(
            self._window, "Open a URL", "http, https, rtsp, rtp, srt or udp:", text="https://"
        )
        if sure and text.strip():
            self._engine.open(text.strip())

    def device(self) -> None:
        """List the devices now, on a thread of its own: a frozen server may take seconds."""

        def ask() -> None:
            try:
                self._listed.emit(self._engine.devices())
            except StreamsegError as error:
                self._failed.emit(str(error))

        threading.Thread(target=ask, name="devices", daemon=True).start()

    def settings(self) -> None:
        """Edit the settings file."""
        SettingsDialog(self._window, self._engine).exec()

    def _choose(self, names: list[str]) -> None:
        chosen, sure = QInputDialog.getItem(
            self._window, "Choose an input device", "Device:", [_DEFAULT, *names], 0, False
        )
        if sure:
            self._engine.open(None if chosen == _DEFAULT else chosen)

    def _tell(self, text: str) -> None:
        QMessageBox.warning(self._window, "streamseg", text)
