"""A short message over the picture that goes by itself: the status bar stays what it is."""

from __future__ import annotations

from PyQt6.QtCore import Qt, QTimer
from PyQt6.QtWidgets import QLabel, QWidget

from streamseg.view.deck import Deck

_SHORT_S, _PER_LETTER_S = 3.0, 0.06


class Notice(QLabel):
    """Above the lower edge of the window; as long as its text needs to be read."""

    def __init__(self, window: QWidget, deck: Deck) -> None:
        super().__init__(window)
        self._deck = deck
        self.setWordWrap(True)
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAccessibleName("Message")
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.hide)
        self.hide()

    def tell(self, text: str) -> None:
        """Show this for a while."""
        theme = self._deck.theme
        self.setStyleSheet(
            f"color: {theme.text}; background: {theme.panel}; border: 1px solid {theme.faint};"
            "padding: 8px 14px;"
        )
        self.setText(text)
        self.place()
        self.show()
        self.raise_()
        self._timer.start(round(1000 * (_SHORT_S + _PER_LETTER_S * len(text))))

    def place(self) -> None:
        """In the middle, above the row of buttons."""
        window = self.parentWidget()
        assert window is not None
        width = min(
            round(window.width() * 0.7), self.fontMetrics().horizontalAdvance(self.text()) + 60
        )
        height = self.heightForWidth(width)
        self.setGeometry(
            (window.width() - width) // 2,
            window.height() - height - self._deck.metrics.px(90),
            width,
            height,
        )
