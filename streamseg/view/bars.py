"""Banner and status bar: thin widgets around the texts of ``status``."""

from __future__ import annotations

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QStatusBar, QWidget

from streamseg.view.deck import Deck
from streamseg.view.status import Banner, Field

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
        self.setVisible(banner is not None)
        if banner is not None:
            self.text.setText(banner.text)
            self.button.setVisible(bool(banner.action))
            self.button.setText(_BUTTONS.get(banner.action, ""))
            self._dress()

    def _dress(self) -> None:
        if self.shown is None:
            return
        theme = self._deck.theme
        back = {"info": theme.line, "warn": theme.warn, "alarm": theme.alarm}[self.shown.kind]
        dark = self.shown.kind != "info" and theme.name == "dark"
        light = self.shown.kind != "info" and theme.name == "light"
        front = "#000000" if dark else "#ffffff" if light else theme.text
        self.setStyleSheet(f"BannerBar {{ background: {back}; }}")
        self.text.setStyleSheet(f"color: {front}; background: {back}; font-weight: bold;")


class StatusFields(QStatusBar):
    """Labels side by side."""

    def __init__(self, deck: Deck) -> None:
        super().__init__()
        self._deck = deck
        self._labels: list[QLabel] = []
        self._shown: list[Field] = []
        self.setSizeGripEnabled(False)

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
        theme = self._deck.theme
        for label, field in zip(self._labels, fields, strict=False):
            if label.text() != field.text:
                label.setText(field.text)
                label.setAccessibleName(field.text)
            label.setToolTip(field.tip)
            style = f"color: {theme.alarm}; font-weight: bold;" if field.bad else ""
            if label.styleSheet() != style:
                label.setStyleSheet(style)
            label.show()
        for label in self._labels[len(fields) :]:
            label.hide()
