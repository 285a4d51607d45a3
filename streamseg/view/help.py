"""All keys on one page, over the window."""

from __future__ import annotations

from PyQt6.QtCore import QRect, Qt
from PyQt6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent
from PyQt6.QtWidgets import QWidget

from streamseg.view.actions import Deed, help_rows
from streamseg.view.deck import Deck

_ROW_PX, _KEY_PX, _COLUMN_PX = 24, 145, 385
_SIZES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5)  # of the usual letters
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
        """Columns of menus, in the largest letters with which all of them have room."""
        painter = QPainter(self)
        theme = self._deck.theme
        veil = QColor(theme.window)
        veil.setAlpha(242)
        painter.fillRect(self.rect(), veil)
        for relative in _SIZES:
            places = self._places(relative) or self._places(relative, even=False)
            if places is not None or relative == _SIZES[-1]:
                for menu, (x, y) in (places or {}).items():
                    self._draw_menu(painter, menu, x, y, relative)
                return

    def _places(self, relative: float, *, even: bool = True) -> dict[str, tuple[int, int]] | None:
        """Where each menu begins; None where they do not fit in letters of this size.

        ``even``: columns of about the same length, or else each filled to its end.
        """
        row, column = self._px(_ROW_PX, relative), self._px(_COLUMN_PX, relative)
        edge = self._px(30, relative)
        menus = {menu: [r for r in self.rows if r[0] == menu] for menu, _, _ in self.rows}
        columns = max(1, (self.width() - edge) // column)
        lines = len(self.rows) + 2 * len(menus)
        # As even as whole menus allow.
        bottom = self.height() - edge
        if even:
            bottom = min(bottom, edge + (-(-lines // columns) + 6) * row)
        x = y = edge
        places = {}
        for menu, rows in menus.items():
            if y > edge and y + (len(rows) + 1) * row > bottom:
                x, y = x + column, edge
            places[menu] = (x, y)
            y += (len(rows) + 2) * row
            if y - row > self.height() or x + column > self.width():
                return None
        return places

    def _px(self, pixels: float, relative: float) -> int:
        return max(1, round(self._deck.metrics.px(pixels) * relative))

    def _draw_menu(self, painter: QPainter, menu: str, x: int, y: int, relative: float) -> None:
        theme, metrics = self._deck.theme, self._deck.metrics
        row, column = self._px(_ROW_PX, relative), self._px(_COLUMN_PX, relative)
        key = self._px(_KEY_PX, relative)
        bold, plain = metrics.font(relative, bold=True), metrics.font(relative)
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.setFont(bold)
        painter.setPen(QColor(theme.classes["speech"] if theme.name == "dark" else theme.text))
        painter.drawText(QRect(x, y, column, row), middle, menu)
        painter.setPen(QColor(theme.text))
        for _, keys, text in (one for one in self.rows if one[0] == menu):
            y += row
            painter.setFont(bold)
            painter.drawText(QRect(x, y, key - 10, row), middle, keys)
            painter.setFont(plain)
            painter.drawText(QRect(x + key, y, column - key, row), middle, text)
