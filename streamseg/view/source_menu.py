"""The menu of the source button: what opens something, and what was opened lately."""

from __future__ import annotations

from functools import partial

from PyQt6.QtCore import QSettings
from PyQt6.QtGui import QAction
from PyQt6.QtWidgets import QMenu, QWidget

from streamseg.view.pickers import Pickers
from streamseg.view.recent import label, remembered

_KEY = "recent"


class SourceMenu(QMenu):
    """Filled anew whenever it is shown."""

    def __init__(
        self, window: QWidget, pickers: Pickers, openers: list[QAction], store: QSettings
    ) -> None:
        """``openers``: the actions of the menu bar that open a source."""
        super().__init__(window)
        self._pickers, self._openers, self._store = pickers, openers, store
        self.setToolTipsVisible(True)
        self.setAccessibleName("Sources")
        self.aboutToShow.connect(self.fill)
        pickers.opened.connect(self.remember)

    @property
    def recent(self) -> list[str]:
        """What was opened lately, the newest first."""
        stored = self._store.value(_KEY)
        return [str(one) for one in stored] if isinstance(stored, list) else []

    def remember(self, source: str | None) -> None:
        """This was opened."""
        self._store.setValue(_KEY, remembered(self.recent, source))

    def fill(self) -> None:
        """Openers, then sources."""
        self.clear()
        for action in self._openers:
            self.addAction(action)
        self.addSeparator()
        self._add("Default input device", None)
        for source in self.recent:
            self._add(label(source), source)

    def _add(self, text: str, source: str | None) -> None:
        action = QAction(text.replace("&", "&&"), self)
        action.setToolTip(source or "What the system calls its default")
        action.triggered.connect(partial(self._open, source))
        self.addAction(action)

    def _open(self, source: str | None, checked: bool = False) -> None:
        self._pickers.open(source)
