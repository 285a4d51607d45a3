"""Banner and status bar: thin widgets around the texts of ``status``."""

from __future__ import annotations

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtGui import QResizeEvent
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QStatusBar, QWidget

from streamseg.view.deck import Deck
from streamseg.view.status import Banner, Field

_SPACING_PX = 6  # that Qt puts between two widgets of a status bar
_BUTTONS = {"live": "Go live", "retry": "Try again", "again": "Play again", "open": "Open a file"}


class BannerBar(QWidget):
    """One line above the picture; hidden while all is well."""

    pressed = pyqtSignal(str)
    """The action of the banner."""

    def __init__(self, deck: Deck) -> None:
        super().__init__()
        self._deck = deck
        self.shown: Banner | None = None
        self.text = QLabel()
        self.text.setWordWrap(True)
        self.text.setAccessibleName("Notice")
        self.button = QPushButton()
        self.button.clicked.connect(lambda: self.pressed.emit(self.shown and self.shown.action))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(10, 4, 10, 4)
        layout.addWidget(self.text, 1)
        layout.addWidget(self.button)
        # Without it a widget of one's own ignores the background of its style sheet.
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.hide()
        deck.restyled.connect(self._dress)

    def show_banner(self, banner: Banner | None) -> None:
        """Show this, or hide."""
        if banner == self.shown:
            return
        self.shown = banner
        if banner is not None:
            self.text.setText(banner.text)
            self.button.setVisible(bool(banner.action))
            self.button.setText(_BUTTONS.get(banner.action, ""))
            self._dress()
        # Last: the room of the button is shared out when the bar appears, by the words on it.
        self.setVisible(banner is not None)

    def _dress(self) -> None:
        if self.shown is None:
            return
        theme = self._deck.theme
        back = {"info": theme.line, "warn": theme.warn, "alarm": theme.alarm}[self.shown.kind]
        front = theme.text if self.shown.kind == "info" else theme.on_alarm
        self.setStyleSheet(f"BannerBar {{ background: {back}; }}")
        self.text.setStyleSheet(f"color: {front}; background: {back}; font-weight: bold;")


class StatusFields(QStatusBar):
    """Labels side by side; where there is no room the least important ones go first."""

    def __init__(self, deck: Deck) -> None:
        super().__init__()
        self._deck = deck
        self._labels: list[QLabel] = []
        self._shown: list[Field] = []
        self.setSizeGripEnabled(False)
        self._more = QLabel("…")
        self._more.setContentsMargins(6, 0, 6, 0)
        self.addPermanentWidget(self._more)
        self._more.hide()
        deck.restyled.connect(self._dress)

    def show_fields(self, fields: list[Field]) -> None:
        """Show these from left to right."""
        if fields == self._shown:
            return
        self._shown = fields
        while len(self._labels) < len(fields):
            label = QLabel()
            label.setContentsMargins(6, 0, 6, 0)
            self._labels.append(label)
            self.addWidget(label)
        for label, field in zip(self._labels, fields, strict=False):
            if label.text() != field.text:
                label.setText(field.text)
                label.setAccessibleName(field.text)
            label.setToolTip(field.tip)
        self._dress()

    def _dress(self) -> None:
        theme = self._deck.theme
        for label, field in zip(self._labels, self._shown, strict=False):
            style = f"color: {theme.alarm}; font-weight: bold;" if field.bad else ""
            if label.styleSheet() != style:
                label.setStyleSheet(style)
        self._fit()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """More room, or less."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Keep what matters most; the tool tip of the dots has the rest."""
        room = self.width() - self._more.sizeHint().width() - 24
        order = sorted(
            range(len(self._shown)),
            key=lambda index: (not self._shown[index].bad, self._shown[index].rank),
        )
        kept = set()
        for index in order:
            room -= self._labels[index].sizeHint().width() + _SPACING_PX
            if room < 0:
                break
            kept.add(index)
        for index, label in enumerate(self._labels):
            label.setVisible(index in kept)
        hidden = [field.text for index, field in enumerate(self._shown) if index not in kept]
        self._more.setVisible(bool(hidden))
        self._more.setToolTip("\n".join(hidden))
        self._more.setAccessibleName(", ".join(hidden))
