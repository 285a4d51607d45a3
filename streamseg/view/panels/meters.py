"""Level, true peak with hold, and loudness on the LU scale of EBU R 128."""

from __future__ import annotations

from dataclasses import dataclass

from PyQt6.QtCore import QRect, QRectF, Qt
from PyQt6.QtGui import QColor, QPainter, QPaintEvent
from PyQt6.QtWidgets import QWidget

from streamseg.view.deck import Deck
from streamseg.view.display import Meters
from streamseg.view.records import Snapshot

TARGET_LUFS = -23.0  # EBU R 128: 0 LU
_NAME_PX, _VALUE_PX, _ROW_PX = 62, 88, 27


@dataclass(frozen=True, slots=True)
class Row:
    """One meter."""

    name: str
    tip: str
    low: float
    high: float
    ticks: tuple[int, ...]
    unit: str
    loud: float
    """From here on in the colour of a warning."""


ROWS = (
    Row("Level", "Mean power of 0.3 s; a full-scale sine is 0.", -60, 0, (-40, -20, 0), "dBFS", -3),
    Row("Peak", "True peak between samples, held 3 s; click: reset.", -60, 3, (-40, -20, 0),
        "dBTP", -1),
    Row("M", "Momentary loudness: 0.4 s.", -18, 9, (-18, -9, 0, 9), "LUFS", 0),
    Row("S", "Short-term loudness: 3 s.", -18, 9, (-18, -9, 0, 9), "LUFS", 0),
    Row("I", "Integrated loudness since the start or the last reset, gated.", -18, 9,
        (-18, -9, 0, 9), "LUFS", 1),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Value:
    """What one meter shows: bar and mark on its own scale, and its text."""

    bar: float | None
    mark: float | None
    text: str


def readings(snapshot: Snapshot) -> Meters:
    """What the meters may say now: nothing of this moment while no sound arrives."""
    if snapshot.condition == "live":
        return snapshot.meters
    return Meters(
        highest_peak_db=snapshot.meters.highest_peak_db,
        integrated_lufs=snapshot.meters.integrated_lufs,
    )


def values(meters: Meters) -> tuple[Value, ...]:
    """In the order of ``ROWS``; loudness in LU relative to the target."""
    peak = meters.true_peak_db
    rows = [
        Value(meters.level_dbfs, None, _text(meters.level_dbfs)),
        Value(peak, meters.held_peak_db, _text(meters.held_peak_db)),
    ]
    for loudness in (meters.momentary_lufs, meters.short_lufs, meters.integrated_lufs):
        bar = None if loudness is None else loudness - TARGET_LUFS
        rows.append(Value(bar, None, _text(loudness)))
    return tuple(rows)


def _text(value: float | None) -> str:
    if value is None:
        return "–"
    return "−∞" if value <= -119.9 else f"{value:.1f}".replace("-", "−")


class MetersPanel(QWidget):
    """Five bars."""

    def __init__(self, deck: Deck) -> None:
        super().__init__()
        self.deck = deck
        self._shown: tuple[Value, ...] = ()
        self.setFixedHeight(len(ROWS) * _ROW_PX + 22)
        self.setAccessibleName("Meters")
        tips = "\n".join(f"{row.name}: {row.tip}" for row in ROWS)
        self.setToolTip(
            f"{tips}\nThe mono mix is measured: a stereo programme reads up to 3 LU more.\n"
            "The LU scale has its 0 at −23 LUFS."
        )
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        deck.restyled.connect(self.update)

    def refresh(self) -> None:
        """Draw again when a reading has changed."""
        shown = values(readings(self.deck.snapshot))
        if shown != self._shown:
            self._shown = shown
            self.setAccessibleDescription(
                ", ".join(
                    f"{row.name} {value.text} {row.unit}"
                    for row, value in zip(ROWS, shown, strict=True)
                )
            )
            self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Bars, scales, numbers."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(self.deck.theme.window))
        for index, (row, value) in enumerate(
            zip(ROWS, values(readings(self.deck.snapshot)), strict=True)
        ):
            # The loudness rows share one scale, below the last of them.
            top = index * _ROW_PX + (8 if index >= 2 else 0)
            self._draw_row(painter, row, value, top, scale=index in (1, 4))

    def _draw_row(
        self, painter: QPainter, row: Row, value: Value, top: int, *, scale: bool
    ) -> None:
        theme = self.deck.theme
        font = painter.font()
        font.setPointSizeF(9.5)
        painter.setFont(font)
        painter.setPen(QColor(theme.faint))
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(QRect(0, top, _NAME_PX - 6, 18), middle, row.name)
        box = QRect(self.width() - _VALUE_PX, top, _VALUE_PX, 18)
        painter.setPen(QColor(theme.text))
        text = f"{value.text} {row.unit}"
        painter.drawText(box, middle | Qt.AlignmentFlag.AlignRight, text)
        track = QRectF(_NAME_PX, top + 2, self.width() - _NAME_PX - _VALUE_PX - 4, 13)
        painter.fillRect(track, QColor(theme.panel))

        def x_of(reading: float) -> float:
            share = (min(max(reading, row.low), row.high) - row.low) / (row.high - row.low)
            return track.left() + share * track.width()

        if value.bar is not None:
            painter.fillRect(
                QRectF(track.left(), track.top(), x_of(value.bar) - track.left(), track.height()),
                QColor(theme.good),
            )
            if value.bar > row.loud:
                hot = QRectF(x_of(row.loud), track.top(), 0, track.height())
                hot.setRight(x_of(value.bar))
                painter.fillRect(hot, QColor(theme.warn))
        if value.mark is not None:
            x = x_of(value.mark)
            colour = QColor(theme.alarm if value.mark > row.loud else theme.text)
            painter.fillRect(QRectF(x - 1, track.top(), 2, track.height()), colour)
        self._draw_ticks(painter, row, track, x_of, scale)

    def _draw_ticks(
        self, painter: QPainter, row: Row, track: QRectF, x_of: object, scale: bool
    ) -> None:
        assert callable(x_of)
        theme = self.deck.theme
        font = painter.font()
        font.setPointSizeF(7.0)
        painter.setFont(font)
        for tick in row.ticks:
            x = x_of(tick)
            painter.fillRect(QRectF(x - 0.5, track.top(), 1, track.height()), QColor(theme.line))
            if scale:
                painter.setPen(QColor(theme.faint))
                sign = "+" if tick > 0 and row.unit == "LUFS" else ""
                box = QRectF(x - 20, track.bottom() + 1, 40, 12)
                text = f"{sign}{tick}".replace("-", "−")
                painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
        if scale:
            unit = "LU" if row.unit == "LUFS" else "dB"
            box = QRectF(0, track.bottom() + 1, _NAME_PX - 6, 12)
            painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, unit)
