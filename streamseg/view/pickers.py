"""Dialogs that open something: a file, a URL, a device, the settings. GUI thread."""

from __future__ import annotations

from PyQt6.QtCore import QObject, pyqtSignal
from PyQt6.QtWidgets import QFileDialog, QInputDialog, QWidget

from streamseg.view.device_dialog import DeviceDialog
from streamseg.view.engine import Engine
from streamseg.view.settings_dialog import SettingsDialog


class Pickers(QObject):
    """Asks, and hands the answer to the engine."""

    opened = pyqtSignal(object)
    """A source was chosen here: its name, None for the default device."""

    def __init__(self, window: QWidget, engine: Engine) -> None:
        super().__init__(window)
        self._window, self._engine = window, engine

    def file(self) -> None:
        """A sound file."""
        name, _ = QFileDialog.getOpenFileName(self._window, "Open a sound file")
        if name:
            self.open(name)

    def url(self) -> None:
        """An address."""
        text, sure = QInputDialog.getText(
            self._window, "Open a URL", "http, https, rtsp, rtp, srt or udp:", text="https://"
        )
        if sure and text.strip():
            self.open(text.strip())

    def device(self) -> None:
        """One of the input devices of this moment."""
        dialog = DeviceDialog(self._window, self._engine)
        if dialog.exec():
            self.open(dialog.chosen)
        dialog.deleteLater()

    def open(self, source: str | None) -> None:
        """Monitor this; ``opened`` says so."""
        self._engine.open(source)
        self.opened.emit(source)

    def settings(self) -> None:
        """Edit the settings file."""
        dialog = SettingsDialog(self._window, self._engine)
        dialog.exec()
        dialog.deleteLater()
