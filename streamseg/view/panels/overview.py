"""All that is kept, at a glance: a lane a label, and the stretch that the picture shows."""

from __future__ import annotations

from PyQt6.QtCore import QRect, QRectF, Qt
from PyQt6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen, QWheelEvent

from streamseg.view.axis import clock_text
from streamseg.view.deck import Deck
from streamseg.view.panels.base import TimePanel
from streamseg.view.theme import LABELS

_LANE_PX = 5
_LEAST_S = 120.0  # shown at the start, so that the first seconds do not fill the strip


class OverviewPanel(TimePanel):
    """A scroll bar that shows what it scrolls over."""

    def __init__(self, deck: Deck) -> None:
        super().__init__(
            deck, "Overview", "Everything that can be scrolled back to. Click or drag to go there."
        )
        self._drawn: tuple[object, ...] = ()
        self.restyle()

    def restyle(self) -> None:
        """Letters of another size need more room."""
        least = (len(LABELS) + 1) * _LANE_PX + 8
        self.setFixedHeight(max(least, self.deck.metrics.px(22)))
        self.update()

    def refresh(self) -> None:
        """A new second, new segments, or a new view."""
        snapshot = self.deck.snapshot
        second = snapshot.edge // max(1, snapshot.rate_hz)
        now = (snapshot.session, second, snapshot.spans, snapshot.alarms)
        if now != self._drawn:
            self._drawn = now
            self.update()

    @property
    def reach(self) -> tuple[float, float]:
        """First and last moment of the strip."""
        view = self.deck.viewport
        return view.first_s, max(view.edge_s, view.first_s + max(_LEAST_S, view.span_s))

    def moment_of(self, x: float) -> float:
        """Moment of a pixel of the strip, which has a scale of its own."""
        plot, (first_s, last_s) = self.plot(), self.reach
        share = (x - plot.left()) / max(1, plot.width())
        return first_s + min(1.0, max(0.0, share)) * (last_s - first_s)

    def x_of(self, moment_s: float) -> float:
        """Pixel of a moment."""
        plot, (first_s, last_s) = self.plot(), self.reach
        return plot.left() + (moment_s - first_s) / (last_s - first_s) * plot.width()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Lanes, gaps, frame of the view."""
        painter = QPainter(self)
        theme, plot, snapshot = self.deck.theme, self.plot(), self.deck.snapshot
        painter.fillRect(self.rect(), QColor(theme.window))
        painter.fillRect(plot, QColor(theme.panel))
        painter.setClipRect(plot)
        for span in snapshot.spans:
            end = snapshot.confirmed if span.end is None else span.end
            left = self.x_of(snapshot.seconds(span.start))
            right = max(left + 1, self.x_of(snapshot.seconds(end)))
            top = 4 + LABELS.index(span.label) * _LANE_PX
            area = QRectF(left, top, right - left, _LANE_PX - 1)
            painter.fillRect(area, QColor(theme.classes[span.label]))
        for alarm in snapshot.alarms:
            if alarm.session == snapshot.session:
                end = snapshot.edge if alarm.end is None else alarm.end.sample
                left = self.x_of(snapshot.seconds(alarm.stamp.sample))
                width = max(3.0, self.x_of(snapshot.seconds(end)) - left)
                colour = theme.alarm if alarm.severity == "alarm" else theme.warn
                top = 4 + len(LABELS) * _LANE_PX
                painter.fillRect(QRectF(left, top, width, _LANE_PX - 1), QColor(colour))
        painter.setClipping(False)
        self.draw_gaps(painter, plot)
        view = self.deck.viewport
        left, right = self.x_of(max(view.first_s, view.start_s)), self.x_of(view.stop_s)
        painter.setPen(QPen(QColor(theme.accent), 1))
        painter.drawRect(QRectF(left, 1, max(3.0, right - left - 1), plot.height() - 3))
        self._draw_ends(painter)

    def _draw_ends(self, painter: QPainter) -> None:
        if self.deck.snapshot.rate_hz == 1:
            return
        theme, view = self.deck.theme, self.deck.viewport
        painter.setFont(self.deck.metrics.font(0.85))
        painter.setPen(QColor(theme.faint))
        first, last = (clock_text(s, self.deck.begin) for s in (view.first_s, view.edge_s))
        middle = Qt.AlignmentFlag.AlignVCenter
        box = QRect(0, 0, self.left - 6, self.height())
        painter.drawText(box, middle | Qt.AlignmentFlag.AlignRight, first)
        box = QRect(self.width() - self.right + 6, 0, self.right - 6, self.height())
        painter.drawText(box, middle | Qt.AlignmentFlag.AlignLeft, last)

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Go there."""
        assert event is not None
        if event.button() == Qt.MouseButton.LeftButton:
            self.deck.viewport.show(self.moment_of(event.position().x()))
            self.deck.moved.emit()

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """Go along."""
        assert event is not None
        if event.buttons() & Qt.MouseButton.LeftButton:
            self.deck.viewport.show(self.moment_of(event.position().x()))
            self.deck.moved.emit()

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        """Nothing is selected here."""

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        """Scroll by whole pictures."""
        assert event is not None
        notches = event.angleDelta().y() / 120
        self.deck.viewport.scroll(-notches * self.deck.viewport.span_s)
        self.deck.moved.emit()
