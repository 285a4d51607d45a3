"""Settings as a form; writes the same TOML file that the command line reads, comments kept."""

from __future__ import annotations

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from streamseg.errors import StreamsegError
from streamseg.settings import Settings, describe, keys
from streamseg.view.engine import Engine
from streamseg.view.settings_fields import Edit, Value, edit_of, limits_of, section_text
from streamseg.view.settings_file import write_settings

_FREE = "default"  # origin of a value that nobody has set


class SettingsDialog(QDialog):
    """One row a setting, with its reason; nothing is written that the program would refuse."""

    def __init__(self, window: QWidget, engine: Engine) -> None:
        super().__init__(window)
        self.setWindowTitle("Settings")
        self._engine = engine
        self._defaults = Settings().model_dump()
        self._tree = engine.settings.model_dump()
        self.edits: dict[str, Edit] = {}
        self._shown: dict[str, Value] = {}  # before the user has changed anything
        self._rows: dict[str, list[QWidget]] = {}
        self._heads: dict[str, QLabel] = {}
        self.message = QLabel(
            f"Written to {engine.config_path}. The source is then opened again: what was heard "
            "until now can no longer be scrolled back to."
        )
        self.message.setWordWrap(True)
        self.search = QLineEdit()
        self.search.setPlaceholderText("Find a setting")
        self.search.setAccessibleName("Find a setting")
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._filter)
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Save | QDialogButtonBox.StandardButton.Cancel
        )
        buttons.accepted.connect(self.save)
        buttons.rejected.connect(self.reject)
        self._scroll = QScrollArea()
        self._scroll.setWidget(self._form())
        self._scroll.setWidgetResizable(True)
        middle = QHBoxLayout()
        middle.addWidget(self._index())
        middle.addWidget(self._scroll, 1)
        layout = QVBoxLayout(self)
        layout.addWidget(self.search)
        layout.addLayout(middle, 1)
        layout.addWidget(self.message)
        layout.addWidget(buttons)
        self.resize(860, 640)
        self.search.setFocus()

    def _index(self) -> QListWidget:
        """The sections; a click goes there."""
        self.sections = QListWidget()
        self.sections.addItems(list(self._heads))
        self.sections.setAccessibleName("Sections")
        width = self.sections.sizeHintForColumn(0) + 24
        self.sections.setFixedWidth(width)
        self.sections.currentTextChanged.connect(self._go)
        return self.sections

    def _form(self) -> QWidget:
        inner = QWidget()
        grid = QGridLayout(inner)
        grid.setColumnStretch(0, 3)
        grid.setColumnStretch(1, 2)
        row = 0
        for key in keys():
            section, name = key.split(".")
            if section not in self._heads:
                head = QLabel(f"<h3>{section}</h3>{section_text(section)}")
                grid.addWidget(head, row, 0, 1, 3)
                self._heads[section] = head
                row += 1
            self._add(grid, row, key, name)
            row += 1
        grid.setRowStretch(row, 1)
        return inner

    def _add(self, grid: QGridLayout, row: int, key: str, name: str) -> None:
        section = key.split(".")[0]
        edit = edit_of(key)
        edit.show(self._tree[section][name])
        limits = limits_of(key)
        default = _words(self._defaults[section][name])
        reason = describe(key) + (f" ({limits})" if limits else "")
        label = QLabel(f"<b>{name}</b><br><small>{reason}</small>")
        label.setWordWrap(True)
        label.setBuddy(edit.widget)
        edit.widget.setToolTip(f"{key}: {reason}. Default: {default}.")
        edit.widget.setAccessibleName(key)
        edit.widget.setAccessibleDescription(reason)
        back = QToolButton()
        back.setText("↺")
        back.setToolTip(f"Back to the default: {default}")
        back.setAccessibleName(f"{key}: back to the default")
        back.clicked.connect(lambda: edit.show(self._defaults[section][name]))
        origin = self._engine.origin.get(key, _FREE)
        if origin not in (_FREE, str(self._engine.config_path)):
            # What a flag or the environment says wins over the file: to edit it would be a lie.
            label.setText(label.text() + f"<br><small><i>set by {origin}</i></small>")
            edit.widget.setEnabled(False)
            back.setEnabled(False)
        grid.addWidget(label, row, 0)
        grid.addWidget(edit.widget, row, 1, Qt.AlignmentFlag.AlignVCenter)
        grid.addWidget(back, row, 2)
        self.edits[key] = edit
        self._shown[key] = edit.read()
        self._rows[key] = [label, edit.widget, back]

    def save(self) -> None:
        """Write what was changed and use it; an error stays in the dialog."""
        changed = {}
        for key, edit in self.edits.items():
            value = edit.read()
            if value == self._shown[key]:
                continue
            section, name = key.split(".")
            default = edit_of(key)
            default.show(self._defaults[section][name])
            changed[key] = None if value in ("", default.read()) else value
        try:
            write_settings(self._engine.config_path, changed)
            self._engine.reload()
        except StreamsegError as error:
            self.message.setText(f"⚠ {error}")
            return
        self.accept()

    def _filter(self, text: str) -> None:
        """Show the settings whose name or reason holds this."""
        wanted = text.strip().casefold()
        seen: set[str] = set()
        for key, widgets in self._rows.items():
            there = wanted in key.casefold() or wanted in describe(key).casefold()
            for widget in widgets:
                widget.setVisible(there)
            if there:
                seen.add(key.split(".")[0])
        for section, head in self._heads.items():
            head.setVisible(section in seen)

    def _go(self, section: str) -> None:
        if section in self._heads:
            self.search.clear()
            bar = self._scroll.verticalScrollBar()
            assert bar is not None
            bar.setValue(self._heads[section].y())


def _words(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple | list):
        return ", ".join(str(entry) for entry in value) or "none"
    return f"{value:g}".replace("-", "−") if isinstance(value, float) else str(value) or "empty"
