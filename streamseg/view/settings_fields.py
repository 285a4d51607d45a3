"""A widget for each kind of setting: a check, a choice, a text, or a list of one entry a line.

Made from the settings' own types, so that a section which is added to them needs nothing here.
"""

from __future__ import annotations

import re
from typing import Literal, Protocol, get_args, get_origin

from pydantic.fields import FieldInfo
from PyQt6.QtWidgets import QCheckBox, QComboBox, QLineEdit, QPlainTextEdit, QWidget

from streamseg.settings import Settings

Value = str | bool | list[str]
_CHOICE = re.compile(r"\^\(([\w|+-]+)\)\$")
_LINES = 3


class Edit(Protocol):
    """What the form does with every widget."""

    @property
    def widget(self) -> QWidget:
        """To be laid out."""
        ...

    def read(self) -> Value:
        """What the user has set."""
        ...

    def show(self, value: object) -> None:
        """Show a value of the setting."""
        ...


def field_of(key: str) -> FieldInfo:
    """What is declared of a dotted key."""
    section, name = key.split(".")
    annotation = Settings.model_fields[section].annotation
    fields: dict[str, FieldInfo] = getattr(annotation, "model_fields")  # noqa: B009
    return fields[name]


def section_text(section: str) -> str:
    """The first line of a section's docstring."""
    annotation = Settings.model_fields[section].annotation
    return (getattr(annotation, "__doc__", "") or "").strip().splitlines()[0]


def limits_of(key: str) -> str:
    """``0.1 to 120``, where there are limits."""
    low = high = None
    for rule in field_of(key).metadata:
        low = getattr(rule, "ge", getattr(rule, "gt", low))
        high = getattr(rule, "le", getattr(rule, "lt", high))
    if low is None or high is None:
        return ""
    return f"{low:g} to {high:g}".replace("-", "−")


def edit_of(key: str) -> Edit:
    """The widget for a dotted key."""
    field = field_of(key)
    kind = field.annotation
    if kind is bool:
        return _Check()
    if get_origin(kind) in (tuple, list):
        return _Lines()
    if choices := _choices(field):
        return _Choice(choices)
    return _Text()


def _choices(field: FieldInfo) -> list[str]:
    if get_origin(field.annotation) is Literal:
        return [str(choice) for choice in get_args(field.annotation)]
    for rule in field.metadata:
        found = _CHOICE.fullmatch(getattr(rule, "pattern", None) or "")
        if found:
            return found[1].split("|")
    return []


class _Check:
    def __init__(self) -> None:
        self.widget: QCheckBox = QCheckBox()

    def read(self) -> bool:
        return self.widget.isChecked()

    def show(self, value: object) -> None:
        self.widget.setChecked(bool(value))


class _Choice:
    def __init__(self, choices: list[str]) -> None:
        self.widget: QComboBox = QComboBox()
        self.widget.addItems(choices)

    def read(self) -> str:
        return self.widget.currentText()

    def show(self, value: object) -> None:
        self.widget.setCurrentText(str(value))


class _Text:
    def __init__(self) -> None:
        self.widget: QLineEdit = QLineEdit()

    def read(self) -> str:
        return self.widget.text().strip()

    def show(self, value: object) -> None:
        number = isinstance(value, float) and value.is_integer()
        self.widget.setText(f"{value:.0f}" if number else str(value))


class _Lines:
    def __init__(self) -> None:
        self.widget: QPlainTextEdit = QPlainTextEdit()
        self.widget.setPlaceholderText("one a line")
        self.widget.setTabChangesFocus(True)
        self.widget.setFixedHeight(_LINES * self.widget.fontMetrics().lineSpacing() + 12)

    def read(self) -> list[str]:
        lines = (line.strip() for line in self.widget.toPlainText().splitlines())
        return [line for line in lines if line]

    def show(self, value: object) -> None:
        entries = value if isinstance(value, tuple | list) else ()
        self.widget.setPlainText("\n".join(str(entry) for entry in entries))
