"""Theme to Qt: palette and a short style sheet."""

from __future__ import annotations

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QColor, QGuiApplication, QPalette
from PyQt6.QtWidgets import QApplication

from streamseg.view.theme import DARK, LIGHT, THEMES, Theme


def choose(preference: str) -> Theme:
    """``dark``, ``light``, or what the system says; dark where it says nothing."""
    if preference in THEMES:
        return THEMES[preference]
    return LIGHT if system_is_light() else DARK


def system_is_light() -> bool:
    """What the desktop says; False where it says nothing."""
    hints = QGuiApplication.styleHints()
    return hints is not None and hints.colorScheme() == Qt.ColorScheme.Light


_POINTS = "streamseg_points"  # what the system says, remembered on the application


def apply(application: QApplication, theme: Theme, text_percent: int = 100) -> None:
    """Dress all widgets, with letters of this size."""
    font = application.font()
    if application.property(_POINTS) is None:
        application.setProperty(_POINTS, font.pointSizeF())
    points = float(application.property(_POINTS)) * text_percent / 100
    if points > 0 and abs(font.pointSizeF() - points) > 0.01:
        font.setPointSizeF(points)
        application.setFont(font)
    palette = QPalette()
    role = QPalette.ColorRole
    roles = {
        role.Window: theme.window,
        role.WindowText: theme.text,
        role.Base: theme.panel,
        role.AlternateBase: theme.window,
        role.Text: theme.text,
        role.Button: theme.window,
        role.ButtonText: theme.text,
        role.BrightText: theme.alarm,
        role.Highlight: LIGHT.classes["music"],
        role.HighlightedText: "#ffffff",
        role.ToolTipBase: theme.panel,
        role.ToolTipText: theme.text,
        role.PlaceholderText: theme.faint,
        role.Link: theme.classes["music"],
    }
    for which, colour in roles.items():
        palette.setColor(which, QColor(colour))
    for which in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, which, QColor(theme.faint))
    application.setStyle("Fusion")
    application.setPalette(palette)
    application.setStyleSheet(
        f"QToolTip {{ color: {theme.text}; background: {theme.panel};"
        f" border: 1px solid {theme.line}; padding: 4px; }}"
        f"QStatusBar {{ border-top: 1px solid {theme.line}; }}"
        "QStatusBar::item { border: 0; }"
        "QToolBar { border: 0; spacing: 4px; padding: 2px 6px; }"
        f"QTableView {{ border: 1px solid {theme.line}; }}"
    )
