"""Which input device: a list that is made anew every few seconds while it is open. GUI thread.

The engine lists on a thread of its own, since a frozen sound server may take seconds; only one list
is asked for at a time.
"""

from __future__ import annotations

from PyQt6.QtCore import Qt, QTimer
from PyQt6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
    QWidget,
)

from streamseg.view.engine import DeviceChoice, Engine
from streamseg.view.errands import Answer, Errands

AGAIN_MS = 3000
_TICK_MS = 150
_DEFAULT = "The default input device of the system"


class DeviceDialog(QDialog):
    """``chosen`` is the name, or None for the default device; valid once it was accepted."""

    def __init__(self, window: QWidget, engine: Engine) -> None:
        super().__init__(window)
        self.setWindowTitle("Choose an input device")
        self._engine = engine
        self._asking = False
        self._devices: list[DeviceChoice] | None = None
        self.list = QListWidget()
        self.list.setAccessibleName("Input devices")
        self.list.setToolTip("Found again every few seconds, also what is plugged in now.")
        self.list.itemActivated.connect(self.accept)
        self.message = QLabel("Looking …")
        self.message.setWordWrap(True)
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Open | QDialogButtonBox.StandardButton.Cancel
        )
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(self.list, 1)
        layout.addWidget(self.message)
        layout.addWidget(buttons)
        self.resize(520, 340)
        self._show([])
        self._errands = Errands()
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._tick)
        self._timer.start(_TICK_MS)
        self._ticks = 0
        self.finished.connect(self._timer.stop)
        self.look()

    def _tick(self) -> None:
        self._errands.answer()
        self._ticks += 1
        if self._ticks % (AGAIN_MS // _TICK_MS) == 0:
            self.look()

    @property
    def chosen(self) -> str | None:
        """Name of the device; None is the default one."""
        item = self.list.currentItem()
        name = None if item is None else item.data(Qt.ItemDataRole.UserRole)
        return name if isinstance(name, str) else None

    def look(self) -> None:
        """List them now."""
        if self._asking:
            return
        self._asking = True
        engine = self._engine

        def work() -> Answer:
            found = engine.devices()
            return lambda: self._take(found)

        self._errands.run("devices", work, self._failed)

    def _failed(self, text: str) -> None:
        self._asking = False
        self._devices = None
        self._show([])
        self.message.setText(f"⚠ {text}")

    def _take(self, found: list[DeviceChoice]) -> None:
        self._asking = False
        if found == self._devices:
            return
        self._devices = found
        self._show(found)
        count = len(found)
        self.message.setText(
            f"{count} device{'s' if count != 1 else ''}; plug one in and it appears."
            if found
            else "No input device; plug one in and it appears, or open a file or a URL."
        )

    def _show(self, devices: list[DeviceChoice]) -> None:
        """Keep what was marked, if it is still there."""
        item = self.list.currentItem()
        marked = None if item is None else item.data(Qt.ItemDataRole.UserRole)
        self.list.clear()
        rows: list[tuple[str | None, str]] = [(None, _DEFAULT)]
        rows += [(device.name, _text(device)) for device in devices]
        for row, (name, text) in enumerate(rows):
            entry = QListWidgetItem(text)
            entry.setData(Qt.ItemDataRole.UserRole, name)
            self.list.addItem(entry)
            if name == marked:
                self.list.setCurrentRow(row)
        if self.list.currentRow() < 0:
            self.list.setCurrentRow(0)


def _text(device: DeviceChoice) -> str:
    mark = "   (default)" if device.is_default else ""
    return f"{device.name}{mark}\n      {device.detail}"
