"""Sizes that follow the size of the text, so that large letters have room. GUI thread."""

from __future__ import annotations

from PyQt6.QtGui import QFont, QFontMetricsF

_REFERENCE_PX = 14.0
"""Height of a line of the usual text (9 points at 96 dots an inch): panels are laid out for it."""


class Metrics:
    """Made anew when the text changes its size."""

    def __init__(self, font: QFont) -> None:
        self.base = QFont(font)
        self.scale = max(0.7, QFontMetricsF(font).height() / _REFERENCE_PX)

    def px(self, pixels: float) -> int:
        """A length that fits the usual text, for this one."""
        return round(pixels * self.scale)

    def font(self, relative: float = 1.0, *, bold: bool = False) -> QFont:
        """The text's font, ``relative`` times as large; never too small to be read."""
        font = QFont(self.base)
        if self.base.pointSizeF() > 0:
            font.setPointSizeF(max(6.5, self.base.pointSizeF() * relative))
        else:
            font.setPixelSize(max(9, round(self.base.pixelSize() * relative)))
        font.setBold(bold)
        return font
