"""The event list: live, filtered by kind, a click jumps there, alarms wait for acknowledgement."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import QAbstractTableModel, QModelIndex, Qt, pyqtSignal
from PyQt6.QtGui import QAction, QBrush, QColor, QGuiApplication
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

from streamseg.sinks.events import (
    Boundary,
    SegmentClose,
    SegmentOpen,
    SourceLost,
    SourceRestored,
)
from streamseg.sinks.lines import to_line
from streamseg.view.axis import clock_text
from streamseg.view.deck import Deck
from streamseg.view.records import ListedEvent
from streamseg.view.theme import LABELS


def _of_label(label: str) -> Callable[[ListedEvent], bool]:
    return lambda line: (
        isinstance(line.event, SegmentOpen | SegmentClose) and line.event.label == label
    )


_OF_SOURCE = (
    "started",
    "stopped",
    "overload",
    "clock_step",
    "source_silent",
    "source_sounding",
    "events_lost",
)
FILTERS: dict[str, Callable[[ListedEvent], bool]] = {
    "All events": lambda line: True,
    "Alarms": lambda line: line.alarm or line.event.name.startswith("alarm_"),
    "Not acknowledged": lambda line: line.alarm and not line.acknowledged,
    "Begins only": lambda line: isinstance(line.event, SegmentOpen),
    **{label.capitalize(): _of_label(label) for label in LABELS},
    "Boundaries": lambda line: isinstance(line.event, Boundary),
    "Source": lambda line: (
        isinstance(line.event, SourceLost | SourceRestored) or line.event.name in _OF_SOURCE
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
            if line.session != self._deck.snapshot.session:
                # The position in another source would mislead.
                return f"{stamp.time.astimezone():%H:%M:%S}"
            return clock_text(stamp.sample / stamp.rate_hz, self._deck.begin)
        if role == Qt.ItemDataRole.ToolTipRole:
            stamp = line.event.stamp
            moment = stamp.time.astimezone().isoformat(sep=" ", timespec="milliseconds")
            return f"{line.text}\n{stamp.source}, {moment}\n{line.event.name}"
        standing_out = line.alarm and not line.acknowledged
        if role == Qt.ItemDataRole.BackgroundRole and standing_out:
            return QBrush(QColor(theme.alarm if line.severity == "alarm" else theme.warn))
        if role == Qt.ItemDataRole.ForegroundRole:
            if standing_out:
                return QBrush(QColor(theme.on_alarm))
            if line.session != self._deck.snapshot.session:
                return QBrush(QColor(theme.faint))
            label = getattr(line.event, "label", None)
            if index.column() == 0 or label is None:
                return QBrush(QColor(theme.faint))
        return None


class EventPanel(QWidget):
    """Filter, list, acknowledge."""

    chosen = pyqtSignal(float)
    """The moment of the line that was clicked, in seconds of the source."""
    seen = pyqtSignal(object)
    """The alarm of this number was acknowledged; None: all of them."""
    told = pyqtSignal(str)

    def __init__(self, deck: Deck) -> None:
        super().__init__()
        self.deck = deck
        self.model = EventModel(deck)
        self.filter = QComboBox()
        self.filter.addItems(list(FILTERS))
        self.filter.setAccessibleName("Filter of the event list")
        self.filter.setToolTip("Which kinds of events are listed.")
        self.filter.currentTextChanged.connect(self._filter)
        self.button = QPushButton("Acknowledge")
        self.button.setToolTip("Mark all alarms as seen (A).")
        self.button.clicked.connect(lambda: self.seen.emit(None))
        self.table = self._table()
        head = QHBoxLayout()
        head.addWidget(self.filter, 1)
        head.addWidget(self.button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(head)
        layout.addWidget(self.table, 1)
        deck.restyled.connect(self._restyle)
        self._restyle()

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
        columns.setStretchLastSection(True)
        columns.setSectionResizeMode(0, QHeaderView.ResizeMode.Fixed)
        self._rows, self._columns = rows, columns
        table.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        for text, do in (("Acknowledge this alarm", self._see), ("Copy", self._copy)):
            action = QAction(text, table)
            action.triggered.connect(do)
            table.addAction(action)
        table.clicked.connect(self._go)
        table.activated.connect(self._go)
        return table

    def _restyle(self) -> None:
        """Other colours, or letters of another size."""
        px = self.deck.metrics.px
        self._rows.setDefaultSectionSize(px(22))
        self._columns.resizeSection(0, px(68))
        self.refresh(force=True)

    def refresh(self, *, force: bool = False) -> None:
        """Take over what is new."""
        if not self.model.refresh(force=force) and not force:
            return
        waiting = self.deck.snapshot.unacknowledged
        self.button.setEnabled(waiting > 0)
        self.button.setText(f"Acknowledge {waiting}" if waiting else "No alarms")

    @property
    def _marked(self) -> ListedEvent | None:
        row = self.table.currentIndex().row()
        return self.model.lines[row] if 0 <= row < len(self.model.lines) else None

    def _see(self) -> None:
        line = self._marked
        if line is not None and line.alarm:
            self.seen.emit(line.number)

    def _copy(self) -> None:
        line, clipboard = self._marked, QGuiApplication.clipboard()
        if line is not None and clipboard is not None:
            clipboard.setText(to_line(line.event).decode("utf-8").strip())

    def _filter(self, name: str) -> None:
        self.model.passes = FILTERS[name]
        self.refresh(force=True)

    def _go(self, index: QModelIndex) -> None:
        line = self.model.lines[index.row()]
        if line.session != self.deck.snapshot.session:
            self.told.emit("Of an earlier source: its sound and picture are no longer kept.")
            return
        self.chosen.emit(line.event.stamp.sample / line.event.stamp.rate_hz)
