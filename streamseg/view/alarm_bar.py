"""The alarms that wait for a person, above everything else; hidden while there are none."""

from __future__ import annotations

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtGui import QMouseEvent
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from streamseg.view.alarm_lines import MOST, AlarmLine
from streamseg.view.deck import Deck


class AlarmBar(QWidget):
    """A line an alarm; a click goes to where it began."""

    chosen = pyqtSignal(float)
    """A moment of the source."""
    seen = pyqtSignal(object)
    """All of them were acknowledged: None."""

    def __init__(self, deck: Deck) -> None:
        super().__init__()
        self._deck = deck
        self.shown: list[AlarmLine] = []
        self._lines = [_Line() for _ in range(MOST + 1)]
        self.button = QPushButton("Acknowledge")
        self.button.setToolTip("Somebody has seen all of them (A). What still stands stays listed.")
        self.button.clicked.connect(lambda: self.seen.emit(None))
        column = QVBoxLayout()
        column.setSpacing(1)
        for line in self._lines:
            line.chosen.connect(self.chosen)
            column.addWidget(line)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(10, 3, 10, 3)
        layout.addLayout(column, 1)
        layout.addWidget(self.button, 0, Qt.AlignmentFlag.AlignTop)
        self.setAccessibleName("Alarms")
        self.hide()
        deck.restyled.connect(self._dress)

    def show_lines(self, lines: list[AlarmLine]) -> None:
        """Show these, or hide."""
        if lines == self.shown:
            return
        self.shown = lines
        self.setVisible(bool(lines))
        self.button.setVisible(any(not line.acknowledged for line in lines))
        self.setAccessibleDescription("; ".join(line.text for line in lines))
        self._dress()

    def _dress(self) -> None:
        theme = self._deck.theme
        for index, label in enumerate(self._lines):
            label.setVisible(index < len(self.shown))
            if index >= len(self.shown):
                continue
            line = self.shown[index]
            label.moment_s = line.moment_s
            label.setText(("✓ " if line.acknowledged else "⚠ ") + line.text)
            colour = theme.alarm if line.severity == "alarm" else theme.warn
            if line.acknowledged:
                style = f"color: {colour}; border: 1px solid {colour};"
            else:
                style = f"color: {theme.on_alarm}; background: {colour}; font-weight: bold;"
            label.setStyleSheet(f"QLabel {{ {style} padding: 2px 6px; }}")


class _Line(QLabel):
    chosen = pyqtSignal(float)

    def __init__(self) -> None:
        super().__init__()
        self.moment_s: float | None = None
        self.setWordWrap(True)
        self.setToolTip("Click: go to where it began.")

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Go there, if that is still kept."""
        if self.moment_s is not None:
            self.chosen.emit(self.moment_s)
