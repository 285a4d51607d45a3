"""What panels with a time axis have in common: margins, pixels to seconds, mouse, selection."""

from __future__ import annotations

from PyQt6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, Qt
from PyQt6.QtGui import QColor, QMouseEvent, QPainter, QPen, QWheelEvent
from PyQt6.QtWidgets import QSizePolicy, QWidget

from streamseg.view.deck import Deck
from streamseg.view.records import Gap
from streamseg.view.swatch import hatch_brush

_LEFT_PX, _RIGHT_PX = 64, 58
_CLICK_PX = 3
_SCROLL_SHARE = 0.1  # of the picture, for one notch of the wheel


class TimePanel(QWidget):
    """Draw with ``x_of``; override ``refresh`` to look for something new."""

    def __init__(self, deck: Deck, name: str, tip: str) -> None:
        super().__init__()
        self.deck = deck
        self.setAccessibleName(name)
        self.setAccessibleDescription(tip)
        self.setToolTip(tip)
        self.setMouseTracking(True)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._pressed_s: float | None = None
        self._pressed_x = 0
        self._panned_x: int | None = None
        deck.moved.connect(self.update)
        deck.restyled.connect(self.restyle)

    def restyle(self) -> None:
        """Colours or preferences have changed."""
        self.update()

    def refresh(self) -> None:
        """There is a new snapshot in the deck."""
        self.update()

    # Geometry

    @property
    def left(self) -> int:
        """Margin of every panel with a time axis, so that their moments lie above one another."""
        return self.deck.metrics.px(_LEFT_PX)

    @property
    def right(self) -> int:
        """The margin on the other side."""
        return self.deck.metrics.px(_RIGHT_PX)

    def plot(self) -> QRect:
        """The part of the panel in which time runs from left to right."""
        return self.rect().adjusted(self.left, 0, -self.right, 0)

    def x_of(self, moment_s: float) -> float:
        """Pixel of a moment."""
        plot, view = self.plot(), self.deck.viewport
        return plot.left() + (moment_s - view.start_s) / view.span_s * plot.width()

    def moment_of(self, x: float) -> float:
        """Moment of a pixel, inside the picture."""
        plot, view = self.plot(), self.deck.viewport
        share = (x - plot.left()) / max(1, plot.width())
        return view.start_s + min(1.0, max(0.0, share)) * view.span_s

    # Drawing that all have

    def draw_gaps(self, painter: QPainter, plot: QRect) -> None:
        """Hatch what nobody heard (crossed) or what the window did not draw (diagonal)."""
        snapshot, theme = self.deck.snapshot, self.deck.theme
        gaps = list(snapshot.gaps)
        if snapshot.edge > snapshot.heard + snapshot.rate_hz // 2:
            gaps.append(Gap(snapshot.heard, snapshot.edge, "lost"))
        painter.save()
        painter.setClipRect(plot)
        for gap in gaps:
            left = self.x_of(snapshot.seconds(gap.start))
            right = max(left + 2, self.x_of(snapshot.seconds(gap.stop)))
            if right < plot.left() or left > plot.right():
                continue
            # Clipped by hand: hatching a rectangle an hour wide takes its time.
            left, right = max(left, plot.left() - 2.0), min(right, plot.right() + 2.0)
            area = QRectF(left, plot.top(), right - left, plot.height())
            painter.fillRect(area, QColor(theme.panel))
            colour = QColor(theme.alarm if gap.kind == "lost" else theme.warn)
            pattern = "cross" if gap.kind == "lost" else "diagonal"
            painter.fillRect(area, hatch_brush(pattern, colour))
        painter.restore()

    def draw_marks(self, painter: QPainter, plot: QRect) -> None:
        """Selection, cursor and what is being played."""
        deck, theme = self.deck, self.deck.theme
        painter.save()
        painter.setClipRect(plot)
        if deck.selection is not None:
            left, right = (self.x_of(moment) for moment in deck.selection)
            left, right = max(left, plot.left() - 3.0), min(right, plot.right() + 3.0)
            area = QRectF(left, plot.top(), right - left, plot.height())
            veil = QColor(theme.accent)
            veil.setAlpha(28)
            painter.fillRect(area, veil)
            painter.setPen(QPen(QColor(theme.accent), 1))
            for x in (left, right):
                painter.drawLine(QPointF(x, plot.top()), QPointF(x, plot.bottom()))
        lines = ((deck.cursor_s, theme.accent), (deck.played_s, theme.good))
        for moment, colour in lines:
            if moment is not None:
                x = self.x_of(moment)
                painter.setPen(QPen(QColor(colour), 1, Qt.PenStyle.DashLine))
                painter.drawLine(QPointF(x, plot.top()), QPointF(x, plot.bottom()))
        painter.restore()

    # Mouse

    def hz_at(self, position: QPoint) -> float | None:
        """Frequency under the mouse; None for panels without a frequency axis."""
        return None

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Left: select or point. Middle, or with shift: drag the time."""
        assert event is not None
        x = event.position().toPoint().x()
        shift = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
        if event.button() == Qt.MouseButton.MiddleButton or shift:
            self._panned_x = x
        elif event.button() == Qt.MouseButton.LeftButton:
            self._pressed_s, self._pressed_x = self.moment_of(x), x

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """Move the cursor, the selection or the time."""
        assert event is not None
        position = event.position().toPoint()
        x = position.x()
        view = self.deck.viewport
        if self._panned_x is not None:
            view.scroll((self._panned_x - x) * view.span_s / max(1, self.plot().width()))
            self._panned_x = x
            self.deck.moved.emit()
        elif self._pressed_s is not None and abs(x - self._pressed_x) > _CLICK_PX:
            self.deck.select(self._pressed_s, self.moment_of(x))
        self.deck.point(self.moment_of(x), self.hz_at(position))

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        """A click that was no drag takes the selection away; what was selected stays in view."""
        assert event is not None
        moved = abs(event.position().toPoint().x() - self._pressed_x) > _CLICK_PX
        if self._pressed_s is not None and not moved:
            self.deck.select(None)
        elif self._pressed_s is not None and self.deck.selection is not None:
            self.deck.viewport.freeze()
            self.deck.moved.emit()
        self._pressed_s = self._panned_x = None

    def leaveEvent(self, event: QEvent | None) -> None:
        """No mouse, no cursor."""
        self.deck.point(None)

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        """Scroll in time; with control, zoom about the mouse."""
        assert event is not None
        delta = event.angleDelta()
        notches = (delta.y() or delta.x()) / 120
        view = self.deck.viewport
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            view.zoom(notches, self.moment_of(event.position().x()))
        else:
            view.scroll(-notches * _SCROLL_SHARE * view.span_s)
        self.deck.moved.emit()
        event.accept()
