"""A field of the colour and hatch of a layer, beside its letter: a legend where it is chosen."""

from __future__ import annotations

from PyQt6.QtCore import QRect, Qt
from PyQt6.QtGui import QBrush, QColor, QIcon, QPainter, QPixmap

from streamseg.view.theme import HATCHES, MASK_RGB

_DARK = 150  # of 255: how much light the hatch takes away, about as in the picture
_PATTERNS = {
    "diagonal": Qt.BrushStyle.BDiagPattern,
    "dots": Qt.BrushStyle.Dense6Pattern,
    "cross": Qt.BrushStyle.DiagCrossPattern,
    "upright": Qt.BrushStyle.VerPattern,
    "level": Qt.BrushStyle.HorPattern,
}


def hatch_brush(name: str, colour: QColor) -> QBrush:
    """The hatch that tells a class without its colour."""
    return QBrush(colour, _PATTERNS.get(name, Qt.BrushStyle.NoBrush))


def swatch(label: str, side: int) -> QIcon:
    """``side`` pixels high and wide."""
    pixmap = QPixmap(side, side)
    pixmap.fill(QColor(*MASK_RGB[label]))
    painter = QPainter(pixmap)
    painter.fillRect(QRect(0, 0, side, side), hatch_brush(HATCHES[label], QColor(0, 0, 0, _DARK)))
    painter.end()
    return QIcon(pixmap)
