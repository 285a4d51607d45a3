"""Everything that can be done in the window: a line each; menus, keys and help come from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PyQt6.QtGui import QAction, QKeySequence
from PyQt6.QtWidgets import QMainWindow, QMenu


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing to do."""

    menu: str
    text: str
    keys: tuple[str, ...]
    do: Callable[[], object]
    tip: str = ""


def install(window: QMainWindow, deeds: list[Deed]) -> dict[str, QAction]:
    """Put all of them into the menu bar; returns the actions by their texts."""
    bar = window.menuBar()
    assert bar is not None
    menus: dict[str, QMenu] = {}
    actions = {}
    for deed in deeds:
        if deed.menu not in menus:
            made = bar.addMenu(f"&{deed.menu}")
            assert made is not None
            made.setToolTipsVisible(True)
            menus[deed.menu] = made
        if deed.text == "-":
            menus[deed.menu].addSeparator()
            continue
        action = QAction(deed.text, window)
        action.setShortcuts([QKeySequence(key) for key in deed.keys])
        action.setToolTip(deed.tip or deed.text)
        action.triggered.connect(lambda checked=False, deed=deed: deed.do())
        menus[deed.menu].addAction(action)
        actions[deed.text] = action
    return actions


def separator(menu: str) -> Deed:
    """A line in a menu."""
    return Deed(menu, "-", (), lambda: None)


def help_rows(deeds: list[Deed]) -> list[tuple[str, str, str]]:
    """Menu, keys and text of everything that has a key."""
    return [(deed.menu, _spoken(deed.keys), deed.text.rstrip("…")) for deed in deeds if deed.keys]


def _spoken(keys: tuple[str, ...]) -> str:
    names = {"Left": "←", "Right": "→", "PgUp": "Page ↑", "PgDown": "Page ↓"}
    return " or ".join(
        "+".join(names.get(part, part) for part in key.split("+")) if key != "+" else "+"
        for key in keys
    )
