"""The boundary lane: how much the sound changes, and where it turned into another one."""

from __future__ import annotations

from bisect import bisect_left

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtCore import QEvent, QPointF, QRect, Qt
from PyQt6.QtGui import QColor, QHelpEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PyQt6.QtWidgets import QToolTip
from pyqtgraph.functions import arrayToQPath

from streamseg.messages import Float32Array
from streamseg.view.axis import clock_text
from streamseg.view.deck import Deck
from streamseg.view.panels.base import TimePanel
from streamseg.view.records import Turn

_LANE_PX, _EDGE = 46, 3
_MOST = 2.0
"""Two worlds: the height of the lane. Its scale is that of the root, or a quiet change of a song
could not be seen beside a silence."""
_TICKS = (0.2, 1.0)
_BREAK = 3.0  # steps apart from which the curve is interrupted
_NEAR_PX = 6
_WAIT_S = 20.0  # after which a curve that has not come will not come

Float64Array = NDArray[np.float64]


class ChangePanel(TimePanel):
    """The boundary curve, filled, and the boundaries of the event log as marks on it."""

    def __init__(self, deck: Deck) -> None:
        super().__init__(
            deck,
            "Boundaries",
            "How much the sound changes at each moment: what came before against what comes after, "
            "from 0 to 2, on the scale of its root. ▼: a boundary of the event log; the pointer "
            "reads its strength. It is known six seconds later. B hides the lane.",
        )
        self._drawn: tuple[object, ...] = ()
        self.restyle()

    def restyle(self) -> None:
        """Letters of another size; or nobody wants to see it."""
        self.setFixedHeight(self.deck.metrics.px(_LANE_PX))
        self.setVisible(self.deck.prefs.changes)
        self.update()

    def refresh(self) -> None:
        """Draw again only when something has moved."""
        snapshot, view = self.deck.snapshot, self.deck.viewport
        now = (
            snapshot.session,
            snapshot.edge if view.live else 0,
            snapshot.curve_end,
            snapshot.turns,
        )
        if now != self._drawn:
            self._drawn = now
            last = snapshot.turns[-1] if snapshot.turns else None
            said = "no boundary yet" if last is None else f"the last {self.text_of(last)}"
            self.setAccessibleDescription(f"{len(snapshot.turns)} boundaries, {said}")
            self.update()

    def y_of(self, value: float | Float32Array) -> Float64Array:
        """Pixel of a value of the curve."""
        plot = self.plot()
        share = np.sqrt(np.clip(np.asarray(value, np.float64) / _MOST, 0, 1))
        return np.asarray(plot.bottom() - _EDGE - share * (plot.height() - 2 * _EDGE))

    def text_of(self, turn: Turn) -> str:
        """A boundary in words."""
        moment = clock_text(self.deck.snapshot.seconds(turn.sample), self.deck.begin, 1)
        return f"boundary at {moment}, strength {turn.strength:.2f}"

    def turn_at(self, x: float) -> Turn | None:
        """The boundary whose mark is beneath a pixel."""
        snapshot = self.deck.snapshot
        places = [(abs(self.x_of(snapshot.seconds(t.sample)) - x), t) for t in snapshot.turns]
        near = min(places, key=lambda place: place[0], default=None)
        return near[1] if near is not None and near[0] <= _NEAR_PX else None

    def event(self, event: QEvent | None) -> bool:
        """The tool tip of a mark is its strength."""
        if isinstance(event, QHelpEvent):
            turn = self.turn_at(event.pos().x())
            if turn is not None:
                QToolTip.showText(event.globalPos(), self.text_of(turn), self)
                return True
        return super().event(event)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Scale, curve, marks, legend."""
        painter = QPainter(self)
        theme, plot = self.deck.theme, self.plot()
        painter.fillRect(self.rect(), QColor(theme.window))
        painter.fillRect(plot, QColor(theme.panel))
        self._draw_scale(painter, plot)
        self.draw_gaps(painter, plot)
        painter.setClipRect(plot)
        there = self._draw_curve(painter, plot)
        self._draw_turns(painter, plot)
        painter.setClipping(False)
        self.draw_marks(painter, plot)
        snapshot = self.deck.snapshot
        if not there and snapshot.curve_end < 0 and snapshot.seconds(snapshot.heard) > _WAIT_S:
            painter.setPen(QColor(theme.faint))
            text = "No curve: decisions.boundaries is off, or this network hears no mel bands."
            painter.drawText(plot, Qt.AlignmentFlag.AlignCenter, text)

    def _draw_scale(self, painter: QPainter, plot: QRect) -> None:
        theme, metrics = self.deck.theme, self.deck.metrics
        px = metrics.px
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.setFont(metrics.font(0.85))
        for value in _TICKS:
            y = round(float(self.y_of(value)))
            painter.setPen(QPen(QColor(theme.line), 1, Qt.PenStyle.DotLine))
            painter.drawLine(plot.left(), y, plot.right(), y)
            painter.setPen(QColor(theme.faint))
            box = QRect(plot.right() + 4, y - px(8), px(20), px(16))
            painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, f"{value:g}")
        painter.setPen(QColor(theme.faint))
        upper = QRect(0, 0, self.left - 6, self.height() // 2)
        painter.drawText(upper, right, "change")
        painter.drawText(upper.translated(0, self.height() // 2), right, "▼ bound.")

    def _draw_curve(self, painter: QPainter, plot: QRect) -> bool:
        """Whether there is any of it in the picture."""
        deck, snapshot, view = self.deck, self.deck.snapshot, self.deck.viewport
        margin = snapshot.rate_hz
        frames = deck.state.curve(
            round(view.start_s * snapshot.rate_hz) - margin,
            round(view.stop_s * snapshot.rate_hz) + margin,
        )
        if len(frames.sample) < 2:
            return False
        step = np.diff(frames.sample)
        broken = np.flatnonzero(step > _BREAK * float(np.median(step))) + 1
        per_pixel = view.span_s * snapshot.rate_hz / max(1, plot.width())
        colour = QColor(deck.theme.text)
        veil = QColor(colour)
        veil.setAlpha(60)
        base = float(plot.bottom() - _EDGE + 1)
        for sample, value in zip(
            np.split(frames.sample, broken), np.split(frames.level_dbfs, broken), strict=True
        ):
            middle, height = highest(sample, value, per_pixel)
            seconds = middle / snapshot.rate_hz - view.start_s
            x = np.asarray(plot.left() + seconds * (plot.width() / view.span_s), np.float64)
            y = self.y_of(height)
            closed = arrayToQPath(
                np.concatenate((x[:1], x, x[-1:])), np.concatenate(([base], y, [base]))
            )
            painter.fillPath(closed, veil)
            painter.setPen(QPen(colour, 0))
            painter.drawPath(arrayToQPath(x, y))
        return True

    def _draw_turns(self, painter: QPainter, plot: QRect) -> None:
        theme, snapshot = self.deck.theme, self.deck.snapshot
        size = self.deck.metrics.px(4)
        painter.setPen(QPen(QColor(theme.accent), 1))
        painter.setBrush(QColor(theme.accent))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        view, edge = self.deck.viewport, 2.0 * size / max(1, plot.width())
        reach = [view.start_s - edge * view.span_s, view.stop_s + edge * view.span_s]
        low, high = (
            bisect_left(snapshot.turns, moment * snapshot.rate_hz, key=lambda turn: turn.sample)
            for moment in reach
        )
        for turn in snapshot.turns[low:high]:
            x = self.x_of(snapshot.seconds(turn.sample))
            top = max(float(self.y_of(turn.strength)), plot.top() + 2.0 * size)
            painter.drawLine(QPointF(x, top), QPointF(x, plot.bottom()))
            corners = (QPointF(x - size, top - 2 * size + 1), QPointF(x + size, top - 2 * size + 1))
            painter.drawPolygon(QPolygonF([*corners, QPointF(x, top)]))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=False)
        painter.setBrush(Qt.BrushStyle.NoBrush)


def highest(
    sample: NDArray[np.int64], value: Float32Array, per_pixel: float
) -> tuple[NDArray[np.int64], Float32Array]:
    """The highest value of every pixel, where it lies; as it is while there is less than one each.

    Pixels are counted from sample 0, or the curve would shimmer while it scrolls.
    """
    if len(sample) < 2 or per_pixel <= sample[1] - sample[0]:
        return sample, value
    pixel = np.floor(sample / per_pixel)
    starts = np.flatnonzero(np.diff(pixel, prepend=pixel[0] - 1))
    return sample[starts], np.maximum.reduceat(value, starts)
