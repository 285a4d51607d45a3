"""The event list: live, filtered by kind, a click jumps there, alarms wait for acknowledgement."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import QAbstractTableModel, QModelIndex, Qt, pyqtSignal
from PyQt6.QtGui import QBrush, QColor
from PyQt6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QPushButton,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from streamseg.sinks.events import SegmentClose, SegmentOpen, SourceLost, SourceRestored
from streamseg.view.axis import clock_text
from streamseg.view.deck import Deck
from streamseg.view.records import ListedEvent
from streamseg.view.theme import LABELS


def _of_label(label: str) -> Callable[[ListedEvent], bool]:
    return lambda line: (
        isinstance(line.event, SegmentOpen | SegmentClose) and line.event.label == label
    )


FILTERS: dict[str, Callable[[ListedEvent], bool]] = {
    "All events": lambda line: True,
    "Alarms": lambda line: line.alarm,
    "Begins only": lambda line: isinstance(line.event, SegmentOpen),
    **{label.capitalize(): _of_label(label) for label in LABELS},
    "Source": lambda line: (
        isinstance(line.event, SourceLost | SourceRestored)
        or line.event.name in ("started", "stopped", "overload", "clock_step")
    ),
}


class EventModel(QAbstractTableModel):
    """The lines that pass the filter, the newest first."""

    def __init__(self, deck: Deck) -> None:
        super().__init__()
        self._deck = deck
        self._all: tuple[ListedEvent, ...] = ()
        self.lines: list[ListedEvent] = []
        self.passes = FILTERS["All events"]

    def refresh(self, *, force: bool = False) -> bool:
        """Take over the snapshot's events; True if the list has changed."""
        events = self._deck.snapshot.events
        if events is self._all and not force:
            return False
        self.beginResetModel()
        self._all = events
        self.lines = [line for line in reversed(events) if self.passes(line)]
        self.endResetModel()
        return True

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """Lines."""
        return len(self.lines)

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        """Time and text."""
        return 2

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """What the table shows."""
        line = self.lines[index.row()]
        theme = self._deck.theme
        if role == Qt.ItemDataRole.DisplayRole:
            if index.column() == 1:
                return ("⚠ " if line.alarm else "") + line.text
            stamp = line.event.stamp
            return clock_text(stamp.sample / stamp.rate_hz, self._deck.begin)
        if role == Qt.ItemDataRole.ToolTipRole:
            stamp = line.event.stamp
            return f"{line.event.name} at {stamp.time.isoformat(timespec='milliseconds')}"
        standing_out = line.alarm and not line.acknowledged
        if role == Qt.ItemDataRole.BackgroundRole and standing_out:
            return QBrush(QColor(theme.alarm))
        if role == Qt.ItemDataRole.ForegroundRole:
            if standing_out:
                return QBrush(QColor("#000000" if theme.name == "dark" else "#ffffff"))
            label = getattr(line.event, "label", None)
            if index.column() == 0 or label is None:
                return QBrush(QColor(theme.faint))
        return None


class EventPanel(QWidget):
    """Filter, list, acknowledge."""

    chosen = pyqtSignal(float)
    """The moment of the line that was clicked, in seconds of the source."""

    def __init__(self, deck: Deck) -> None:
        super().__init__()
        self.deck = deck
        self.model = EventModel(deck)
        self.filter = QComboBox()
        self.filter.addItems(list(FILTERS))
        self.filter.setAccessibleName("Filter of the event list")
        self.filter.setToolTip("Which kinds of events are listed.")
        self.filter.currentTextChanged.connect(self._filter)
        self.seen = QPushButton("Acknowledge")
        self.seen.setToolTip("Mark all alarms as seen (A).")
        self.seen.clicked.connect(self.acknowledge)
        self.table = self._table()
        head = QHBoxLayout()
        head.addWidget(self.filter, 1)
        head.addWidget(self.seen)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(head)
        layout.addWidget(self.table, 1)
        deck.restyled.connect(lambda: self.refresh(force=True))
        self.refresh()

    def _table(self) -> QTableView:
        table = QTableView()
        table.setModel(self.model)
        table.setAccessibleName("Events")
        table.setToolTip("Events of the log, the newest first. Enter or a click goes there.")
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setShowGrid(False)
        table.setTabKeyNavigation(False)
        table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        for header in (table.horizontalHeader(), table.verticalHeader()):
            assert header is not None
            header.hide()
        rows, columns = table.verticalHeader(), table.horizontalHeader()
        assert rows is not None
        assert columns is not None
        rows.setDefaultSectionSize(22)
        columns.setStretchLastSection(True)
        columns.setSectionResizeMode(0, QHeaderView.ResizeMode.Fixed)
        columns.resizeSection(0, 68)
        table.clicked.connect(self._go)
        table.activated.connect(self._go)
        return table

    def refresh(self, *, force: bool = False) -> None:
        """Take over what is new."""
        if not self.model.refresh(force=force) and not force:
            return
        waiting = self.deck.snapshot.unacknowledged
        self.seen.setEnabled(waiting > 0)
        self.seen.setText(f"Acknowledge {waiting}" if waiting else "No alarms")

    def acknowledge(self) -> None:
        """All alarms have been seen."""
        self.deck.state.acknowledge()

    def _filter(self, name: str) -> None:
        self.model.passes = FILTERS[name]
        self.refresh(force=True)

    def _go(self, index: QModelIndex) -> None:
        line = self.model.lines[index.row()]
        if line.alarm and not line.acknowledged:
            self.deck.state.acknowledge(line.number)
        self.chosen.emit(line.event.stamp.sample / line.event.stamp.rate_hz)
