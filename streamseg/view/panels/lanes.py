"""The time line: one lane a label and one for alarms, as the event log has them.

On the time axis of the spectrogram, which is drawn here for all panels.
"""

from __future__ import annotations

from PyQt6.QtCore import QPointF, QRect, QRectF, Qt
from PyQt6.QtGui import QColor, QPainter, QPaintEvent, QPen

from streamseg.view.axis import clock_text, time_ticks
from streamseg.view.deck import Deck
from streamseg.view.events_text import duration, in_words
from streamseg.view.panels.base import TimePanel
from streamseg.view.records import Alarm, Span
from streamseg.view.swatch import hatch_brush
from streamseg.view.theme import HATCHES, LABELS, LETTERS

LANE_PX = 20
AXIS_PX = 22
_MOMENT_PX = 5.0  # a moment must be seen too
ALARM_LANE = len(LABELS)
"""Row of the alarms, beneath the labels."""


class LanePanel(TimePanel):
    """Segments of music, speech, noise and silence, alarms, and the time axis of all panels."""

    def __init__(self, deck: Deck) -> None:
        super().__init__(
            deck,
            "Time line",
            "Segments and alarms as the event log has them. An open end is still on air; an alarm "
            "that somebody has acknowledged is hollow.",
        )
        self._drawn: tuple[object, ...] = ()
        self.restyle()

    @property
    def lane(self) -> int:
        """Height of a lane."""
        return self.deck.metrics.px(LANE_PX)

    def restyle(self) -> None:
        """Letters of another size need other lanes."""
        self.setFixedHeight((len(LABELS) + 1) * self.lane + self.deck.metrics.px(AXIS_PX) + 2)
        self.update()

    def refresh(self) -> None:
        """Draw again only when something has moved."""
        snapshot, view = self.deck.snapshot, self.deck.viewport
        now = (
            snapshot.session,
            snapshot.edge if view.live or snapshot.waiting else 0,
            snapshot.confirmed if snapshot.open_labels else 0,
            snapshot.spans,
            snapshot.alarms,
        )
        if now != self._drawn:
            self._drawn = now
            self.update()

    def plot(self) -> QRect:
        """Without the axis."""
        return super().plot().adjusted(0, 0, 0, -self.deck.metrics.px(AXIS_PX))

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Lanes, segments, axis."""
        painter = QPainter(self)
        painter.setFont(self.deck.metrics.font())
        theme, plot = self.deck.theme, self.plot()
        painter.fillRect(self.rect(), QColor(theme.window))
        painter.fillRect(plot, QColor(theme.panel))
        self._draw_axis(painter, plot)
        self.draw_gaps(painter, plot)
        painter.setClipRect(plot)
        for span in self.deck.snapshot.spans:
            self._draw_span(painter, plot, span)
        self._draw_alarms(painter, plot)
        painter.setClipping(False)
        self._draw_heads(painter)
        self.draw_marks(painter, plot)

    def _draw_heads(self, painter: QPainter) -> None:
        theme, snapshot = self.deck.theme, self.deck.snapshot
        on_air = snapshot.open_labels
        heads = [
            (label, theme.classes[label], label in on_air, label != "silence") for label in LABELS
        ]
        heads.append(("alarms", theme.alarm, bool(snapshot.waiting), True))
        for row, (text, colour, on, coloured) in enumerate(heads):
            painter.setFont(self.deck.metrics.font(bold=on))
            painter.setPen(QColor(colour if on and coloured else theme.faint))
            box = QRect(0, row * self.lane, self.left - 6, self.lane)
            align = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(box, align, text)

    def _area(self, plot: QRect, row: int, start_s: float, end_s: float) -> QRectF | None:
        """Where a bar of a lane is drawn; None outside of the picture."""
        left = self.x_of(start_s)
        right = max(left + 2, self.x_of(end_s))
        if right < plot.left() or left > plot.right():
            return None
        left, right = max(left, plot.left() - 2.0), min(right, plot.right() + 2.0)
        return QRectF(left, row * self.lane + 2, right - left, self.lane - 4)

    def _draw_span(self, painter: QPainter, plot: QRect, span: Span) -> None:
        snapshot, theme = self.deck.snapshot, self.deck.theme
        end = snapshot.confirmed if span.end is None else span.end
        row = LABELS.index(span.label)
        area = self._area(plot, row, snapshot.seconds(span.start), snapshot.seconds(end))
        if area is None:
            return
        colour = QColor(theme.classes[span.label])
        painter.fillRect(area, colour)
        dark = QColor(theme.on_class[span.label])
        dark.setAlpha(70)
        painter.fillRect(area, hatch_brush(HATCHES[span.label], dark))
        text = LETTERS[span.label]
        if area.width() > self.deck.metrics.px(70):
            text += f" {duration(snapshot.seconds(end - span.start))}"
        self._write(painter, area, text, colour, QColor(theme.on_class[span.label]))

    def _draw_alarms(self, painter: QPainter, plot: QRect) -> None:
        snapshot = self.deck.snapshot
        bars = []
        for alarm in snapshot.alarms:
            end = snapshot.edge if alarm.end is None else alarm.end.sample
            start_s, end_s = snapshot.seconds(alarm.stamp.sample), snapshot.seconds(end)
            area = self._area(plot, ALARM_LANE, start_s, end_s)
            if alarm.session == snapshot.session and area is not None:
                area.setWidth(max(area.width(), _MOMENT_PX))
                bars.append((alarm, area))
        # Alarms at the same time share the lane.
        rows = stacked([(area.left(), area.right()) for _, area in bars])
        height = (self.lane - 4) / (max(rows, default=0) + 1)
        for (alarm, area), row in zip(bars, rows, strict=True):
            area.setTop(area.top() + row * height)
            area.setHeight(height - (1 if height < self.lane - 4 else 0))
            self._draw_alarm(painter, area, alarm)

    def _draw_alarm(self, painter: QPainter, area: QRectF, alarm: Alarm) -> None:
        theme = self.deck.theme
        colour = QColor(theme.alarm if alarm.severity == "alarm" else theme.warn)
        legible = area.height() > self.deck.metrics.px(11)
        if alarm.acknowledged:
            painter.setPen(QPen(colour, 1))
            painter.drawRect(area.adjusted(0.5, 0.5, -0.5, -0.5))
            if legible:
                self._write(painter, area, in_words(alarm.rule), QColor(theme.panel), colour)
        else:
            painter.fillRect(area, colour)
            if legible:
                self._write(
                    painter, area, f"! {in_words(alarm.rule)}", colour, QColor(theme.on_alarm)
                )

    def _write(
        self, painter: QPainter, area: QRectF, text: str, field: QColor, ink: QColor
    ) -> None:
        if area.width() <= self.deck.metrics.px(16):
            return
        painter.setFont(self.deck.metrics.font(bold=True))
        width = painter.fontMetrics().horizontalAdvance(text) + 10
        box = QRectF(area.left(), area.top(), width, area.height()).intersected(area)
        # On a plain field, or the hatch would run through the letters.
        painter.fillRect(box.adjusted(1, 1, -1, -1), field)
        painter.setPen(ink)
        inside = box.adjusted(5, 0, 0, 0)
        painter.drawText(inside, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)

    def _draw_axis(self, painter: QPainter, plot: QRect) -> None:
        theme, view, px = self.deck.theme, self.deck.viewport, self.deck.metrics.px
        for row in range(1, len(LABELS) + 1):
            painter.setPen(QColor(theme.line))
            painter.drawLine(plot.left(), row * self.lane, plot.right(), row * self.lane)
        if self.deck.snapshot.rate_hz == 1:
            return  # no time has passed yet
        begin = self.deck.begin
        for moment in time_ticks(view.start_s, view.stop_s, plot.width(), px(90), begin):
            x = self.x_of(moment)
            painter.setPen(QColor(theme.line))
            painter.drawLine(QPointF(x, plot.top()), QPointF(x, plot.bottom() + 5))
            painter.setPen(QColor(theme.faint))
            box = QRectF(x - px(50), plot.bottom() + 5, px(100), px(AXIS_PX) - 5)
            # A hair later, or rounding makes 11:59:59 of a full minute.
            text = clock_text(moment + 1e-3, begin)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)


def stacked(bars: list[tuple[float, float]]) -> list[int]:
    """A row for every bar (left, right), in their order, so that none lies over another."""
    ends: list[float] = []
    rows = []
    for left, right in bars:
        row = next((index for index, end in enumerate(ends) if end <= left), len(ends))
        ends[row : row + 1] = [right]
        rows.append(row)
    return rows
