"""The time line: one lane a label, what the event log says, on the time axis of the spectrogram."""

from __future__ import annotations

from PyQt6.QtCore import QPointF, QRect, QRectF, Qt
from PyQt6.QtGui import QColor, QPainter, QPaintEvent

from streamseg.view.axis import clock_text, time_ticks
from streamseg.view.deck import Deck
from streamseg.view.events_text import duration
from streamseg.view.panels.base import LEFT, TimePanel, hatch_brush
from streamseg.view.records import Span
from streamseg.view.theme import HATCHES, LABELS, LETTERS

LANE_PX = 20
AXIS_PX = 22


class LanePanel(TimePanel):
    """Segments of music, speech, noise and silence, and the time axis of all panels."""

    def __init__(self, deck: Deck) -> None:
        super().__init__(
            deck,
            "Time line",
            "Segments as the event log has them. An open end is still on air.",
        )
        self.setFixedHeight(len(LABELS) * LANE_PX + AXIS_PX + 2)
        self._drawn: tuple[object, ...] = ()

    def refresh(self) -> None:
        """Draw again only when something has moved."""
        snapshot, view = self.deck.snapshot, self.deck.viewport
        open_to = snapshot.confirmed if snapshot.open_labels else 0
        now = (snapshot.session, snapshot.edge if view.live else 0, open_to, id(snapshot.spans))
        if now != self._drawn:
            self._drawn = now
            self.update()

    def plot(self) -> QRect:
        """Without the axis."""
        return super().plot().adjusted(0, 0, 0, -AXIS_PX)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Lanes, segments, axis."""
        painter = QPainter(self)
        theme, plot = self.deck.theme, self.plot()
        painter.fillRect(self.rect(), QColor(theme.window))
        painter.fillRect(plot, QColor(theme.panel))
        self._draw_axis(painter, plot)
        self.draw_gaps(painter, plot)
        painter.setClipRect(plot)
        for span in self.deck.snapshot.spans:
            self._draw_span(painter, plot, span)
        painter.setClipping(False)
        self._draw_heads(painter)
        self.draw_marks(painter, plot)

    def _draw_heads(self, painter: QPainter) -> None:
        theme = self.deck.theme
        on_air = self.deck.snapshot.open_labels
        font = painter.font()
        for row, label in enumerate(LABELS):
            font.setBold(label in on_air)
            painter.setFont(font)
            shade = label == "silence" or label not in on_air
            painter.setPen(QColor(theme.faint if shade else theme.classes[label]))
            box = QRect(0, row * LANE_PX, LEFT - 6, LANE_PX)
            align = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(box, align, label)

    def _draw_span(self, painter: QPainter, plot: QRect, span: Span) -> None:
        snapshot, theme = self.deck.snapshot, self.deck.theme
        end = snapshot.confirmed if span.end is None else span.end
        left = self.x_of(snapshot.seconds(span.start))
        right = max(left + 2, self.x_of(snapshot.seconds(end)))
        if right < plot.left() or left > plot.right():
            return
        top = LABELS.index(span.label) * LANE_PX + 2
        shown_left, shown_right = max(left, plot.left() - 2.0), min(right, plot.right() + 2.0)
        area = QRectF(shown_left, top, shown_right - shown_left, LANE_PX - 4)
        painter.fillRect(area, QColor(theme.classes[span.label]))
        dark = QColor(theme.on_class[span.label])
        dark.setAlpha(70)
        painter.fillRect(area, hatch_brush(HATCHES[span.label], dark))
        if area.width() > 16:
            text = LETTERS[span.label]
            if area.width() > 70:
                text += f" {duration(snapshot.seconds(end - span.start))}"
            self._write(painter, area, text, span)

    def _write(self, painter: QPainter, area: QRectF, text: str, span: Span) -> None:
        theme = self.deck.theme
        font = painter.font()
        font.setBold(True)
        painter.setFont(font)
        metrics = painter.fontMetrics()
        box = QRectF(area.left(), area.top(), metrics.horizontalAdvance(text) + 10, area.height())
        # On a plain field, or the hatch would run through the letters.
        painter.fillRect(box.intersected(area), QColor(theme.classes[span.label]))
        painter.setPen(QColor(theme.on_class[span.label]))
        inside = box.adjusted(5, 0, 0, 0)
        painter.drawText(inside, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)

    def _draw_axis(self, painter: QPainter, plot: QRect) -> None:
        theme, view = self.deck.theme, self.deck.viewport
        for row in range(1, len(LABELS)):
            painter.setPen(QColor(theme.line))
            painter.drawLine(plot.left(), row * LANE_PX, plot.right(), row * LANE_PX)
        for moment in time_ticks(view.start_s, view.stop_s, plot.width()):
            x = self.x_of(moment)
            painter.setPen(QColor(theme.line))
            painter.drawLine(QPointF(x, plot.top()), QPointF(x, plot.bottom() + 5))
            painter.setPen(QColor(theme.faint))
            box = QRectF(x - 50, plot.bottom() + 5, 100, AXIS_PX - 5)
            text = clock_text(moment, self.deck.begin)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
