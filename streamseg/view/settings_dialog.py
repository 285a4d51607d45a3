"""Settings as a form; writes the same TOML file that the command line reads, comments kept."""

from __future__ import annotations

from PyQt6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from streamseg.errors import StreamsegError
from streamseg.settings import describe, keys
from streamseg.view.engine import Engine
from streamseg.view.settings_file import write_settings


class SettingsDialog(QDialog):
    """One line a setting, with its reason; nothing is written that the program would refuse."""

    def __init__(self, window: QWidget, engine: Engine) -> None:
        super().__init__(window)
        self.setWindowTitle("Settings")
        self._engine = engine
        self.edits: dict[str, QLineEdit] = {}
        form = QFormLayout()
        tree = engine.settings.model_dump()
        for key in keys():
            section, name = key.split(".")
            edit = QLineEdit(str(tree[section][name]))
            edit.setToolTip(describe(key))
            edit.setAccessibleName(key)
            edit.setAccessibleDescription(describe(key))
            edit.setPlaceholderText("default")
            label = QLabel(f"{key}<br><small>{describe(key)}</small>")
            form.addRow(label, edit)
            self.edits[key] = edit
        inner = QWidget()
        inner.setLayout(form)
        scroll = QScrollArea()
        scroll.setWidget(inner)
        scroll.setWidgetResizable(True)
        self.message = QLabel(f"Written to {engine.config_path}; the source is opened again.")
        self.message.setWordWrap(True)
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Save | QDialogButtonBox.StandardButton.Cancel
        )
        buttons.accepted.connect(self.save)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(scroll, 1)
        layout.addWidget(self.message)
        layout.addWidget(buttons)
        self.resize(640, 620)

    def save(self) -> None:
        """Write what was changed and use it; an error stays in the dialog."""
        tree = self._engine.settings.model_dump()
        changed = {}
        for key, edit in self.edits.items():
            section, name = key.split(".")
            if edit.text().strip() != str(tree[section][name]):
                changed[key] = edit.text().strip()
        try:
            write_settings(self._engine.config_path, changed)
            self._engine.reload()
        except StreamsegError as error:
            self.message.setText(f"⚠ {error}")
            return
        self.accept()
