"""Level, true peak with hold, and loudness on the scales of an EBU mode meter (Tech 3341)."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import QRect, QRectF, Qt
from PyQt6.QtGui import QColor, QPainter, QPaintEvent
from PyQt6.QtWidgets import QWidget

from streamseg.view.deck import Deck
from streamseg.view.panels.meter_rows import (
    Row,
    Value,
    extremes,
    readings,
    rows,
    target,
    values,
)

_NAME_PX, _VALUE_PX, _ROW_PX, _BAR_PX, _SCALE_PX = 44, 92, 25, 13, 14


class MetersPanel(QWidget):
    """Bars, their scales, and the extremes since the start or the last reset."""

    def __init__(self, deck: Deck) -> None:
        super().__init__()
        self.deck = deck
        self._shown: tuple[tuple[Value, ...], str] = ((), "")
        self.setAccessibleName("Meters")
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        deck.restyled.connect(self.restyle)
        self.restyle()

    def restyle(self) -> None:
        """Another scale, unit or size of letters."""
        px = self.deck.metrics.px
        self._rows = rows(self.deck.prefs.meter_scale, self.deck.prefs.loudness_unit)
        self.setFixedHeight(px(len(self._rows) * _ROW_PX + 3 * _SCALE_PX + 22))
        tips = "\n".join(f"{row.name}: {row.tip}" for row in self._rows)
        self.setToolTip(
            f"{tips}\nLRA: loudness range of the programme (EBU Tech 3342).\n"
            f"0 LU is {target(self.deck.snapshot):g} LUFS.\n"
            "X: reset. K: scale to +9 or +18. J: LU or LUFS."
        )
        self._shown = ((), "")
        self.refresh()
        self.update()

    def refresh(self) -> None:
        """Draw again when a reading has changed."""
        meters, zero = readings(self.deck.snapshot), target(self.deck.snapshot)
        shown = values(meters, self._rows, zero)
        extreme = extremes(meters, self.deck.prefs.loudness_unit, zero)
        if (shown, extreme) != self._shown:
            self._shown = (shown, extreme)
            said = [
                f"{row.name} {value.text} {row.unit}"
                for row, value in zip(self._rows, shown, strict=True)
            ]
            self.setAccessibleDescription(", ".join([*said, extreme]))
            self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Bars, scales, numbers."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(self.deck.theme.window))
        px = self.deck.metrics.px
        shown, extreme = self._shown
        top = 0
        for index, (row, value) in enumerate(zip(self._rows, shown, strict=False)):
            # Rows with one scale have it below the last of them.
            last = index + 1 == len(self._rows) or self._rows[index + 1].ticks != row.ticks
            self._draw_row(painter, row, value, top, scale=last)
            top += px(_ROW_PX) + (px(_SCALE_PX) if last else 0)
        painter.setFont(self.deck.metrics.font(0.9))
        painter.setPen(QColor(self.deck.theme.faint))
        box = QRect(0, top, self.width(), px(16))
        painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, extreme)

    def _draw_row(
        self, painter: QPainter, row: Row, value: Value, top: int, *, scale: bool
    ) -> None:
        theme, px, width = self.deck.theme, self.deck.metrics.px, self.width()
        painter.setFont(self.deck.metrics.font(1.05))
        painter.setPen(QColor(theme.faint))
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(QRect(0, top, px(_NAME_PX), px(18)), middle, row.name)
        box = QRect(width - px(_VALUE_PX), top, px(_VALUE_PX), px(18))
        painter.setPen(QColor(theme.text))
        painter.drawText(box, middle | Qt.AlignmentFlag.AlignRight, f"{value.text} {row.unit}")
        track = QRectF(px(_NAME_PX), top + px(3), width - px(_NAME_PX + _VALUE_PX) - 4, px(_BAR_PX))
        painter.fillRect(track, QColor(theme.panel))

        def x_of(reading: float) -> float:
            share = (min(max(reading, row.low), row.high) - row.low) / (row.high - row.low)
            return track.left() + share * track.width()

        for index, bar in enumerate(value.bars):
            height = track.height() / len(value.bars)
            strip = QRectF(track.left(), track.top() + index * height, 0, height)
            # A scale around zero begins in its middle, every other at its left end.
            strip.setLeft(x_of(0 if row.low == -row.high else row.low))
            strip.setRight(x_of(bar))
            inverted = row.low == -row.high and bar < 0
            painter.fillRect(strip.normalized(), QColor(theme.alarm if inverted else theme.good))
            if bar > row.loud:
                strip.setLeft(x_of(row.loud))
                painter.fillRect(strip, QColor(theme.warn))
            if index:
                painter.fillRect(
                    QRectF(track.left(), strip.top() - 0.5, track.width(), 1), QColor(theme.panel)
                )
        if value.mark is not None and value.mark > row.low:
            x = x_of(value.mark)
            colour = QColor(theme.alarm if value.mark > row.limit else theme.text)
            painter.fillRect(QRectF(x - 1, track.top(), 2, track.height()), colour)
        self._draw_ticks(painter, row, track, x_of, scale)

    def _draw_ticks(
        self,
        painter: QPainter,
        row: Row,
        track: QRectF,
        x_of: Callable[[float], float],
        scale: bool,
    ) -> None:
        theme, px = self.deck.theme, self.deck.metrics.px
        painter.setFont(self.deck.metrics.font(0.8))
        for tick in row.ticks:
            x = x_of(tick)
            painter.fillRect(QRectF(x - 0.5, track.top(), 1, track.height()), QColor(theme.line))
            if scale:
                painter.setPen(QColor(theme.faint))
                sign = "+" if tick > 0 and row.relative else ""
                box = QRectF(x - px(20), track.bottom() + 1, px(40), px(_SCALE_PX))
                text = f"{sign}{tick}".replace("-", "−")
                painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
        if scale:
            box = QRectF(0, track.bottom() + 1, px(_NAME_PX), px(_SCALE_PX))
            painter.drawText(
                box,
                Qt.AlignmentFlag.AlignVCenter,
                "LU" if row.relative else "dB" if row.unit else "",
            )
