"""All keys on one page, over the window."""

from __future__ import annotations

from PyQt6.QtCore import QRect, Qt
from PyQt6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent
from PyQt6.QtWidgets import QWidget

from streamseg.view.actions import Deed, help_rows
from streamseg.view.deck import Deck

_ROW_PX, _KEY_PX, _COLUMN_PX = 24, 130, 370
_MOUSE = [
    ("Mouse", "drag", "Select a region"),
    ("Mouse", "wheel", "Scroll in time"),
    ("Mouse", "Ctrl+wheel", "Zoom about the pointer"),
    ("Mouse", "Shift+drag", "Move the picture"),
    ("Mouse", "drop", "Open a file or address"),
]


class HelpOverlay(QWidget):
    """Shown and hidden by F1, ? and a click."""

    def __init__(self, window: QWidget, deck: Deck, deeds: list[Deed]) -> None:
        super().__init__(window)
        self._deck = deck
        self.rows = [*help_rows(deeds), *_MOUSE]
        self.setAccessibleName("Help: all keys")
        self.setAccessibleDescription("; ".join(f"{keys}: {text}" for _, keys, text in self.rows))
        self.hide()

    def toggle(self) -> None:
        """Show or hide."""
        parent = self.parentWidget()
        assert parent is not None
        self.setGeometry(parent.rect())
        self.setVisible(not self.isVisible())
        self.raise_()

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """A click closes it."""
        self.hide()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Columns, one a menu, as many beside one another as there is room for."""
        painter = QPainter(self)
        theme = self._deck.theme
        veil = QColor(theme.window)
        veil.setAlpha(242)
        painter.fillRect(self.rect(), veil)
        menus = list(dict.fromkeys(menu for menu, _, _ in self.rows))
        x, y = 40, 40
        columns = max(1, (self.width() - 40) // _COLUMN_PX)
        lines = len(self.rows) + 2 * len(menus)
        # As even as whole menus allow.
        bottom = min(self.height() - 40, 40 + (-(-lines // columns) + 6) * _ROW_PX)
        for menu in menus:
            rows = [row for row in self.rows if row[0] == menu]
            if y > 40 and y + (len(rows) + 1) * _ROW_PX > bottom:
                x, y = x + _COLUMN_PX, 40
            y = self._draw_menu(painter, menu, rows, x, y) + _ROW_PX

    def _draw_menu(
        self, painter: QPainter, menu: str, rows: list[tuple[str, str, str]], x: int, y: int
    ) -> int:
        theme = self._deck.theme
        font = painter.font()
        font.setBold(True)
        painter.setFont(font)
        painter.setPen(QColor(theme.classes["speech"] if theme.name == "dark" else theme.text))
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(QRect(x, y, _COLUMN_PX, _ROW_PX), middle, menu)
        for _, keys, text in rows:
            y += _ROW_PX
            font.setBold(True)
            painter.setFont(font)
            painter.setPen(QColor(theme.text))
            painter.drawText(QRect(x, y, _KEY_PX - 10, _ROW_PX), middle, keys)
            font.setBold(False)
            painter.setFont(font)
            painter.drawText(QRect(x + _KEY_PX, y, _COLUMN_PX - _KEY_PX, _ROW_PX), middle, text)
        return y + _ROW_PX
