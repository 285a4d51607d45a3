"""Rolling probabilities: provisional thin, confirmed bold, and the thresholds of the decisions."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtCore import QPointF, QRect, Qt
from PyQt6.QtGui import QColor, QPainter, QPaintEvent, QPen
from pyqtgraph.functions import arrayToQPath

from streamseg.view.axis import time_ticks
from streamseg.view.deck import Deck
from streamseg.view.history import Frames
from streamseg.view.panels.base import TimePanel
from streamseg.view.theme import LETTERS

_EDGE = 5  # pixels above 1 and below 0
_BREAK = 3.0  # frames apart from which a line is interrupted


class ProbabilityPanel(TimePanel):
    """Curves of every class on the time axis of the spectrogram."""

    def __init__(self, deck: Deck) -> None:
        super().__init__(
            deck,
            "Probabilities",
            "How sure the network is of each class: bold after its look-ahead, thin before. "
            "A segment opens above the dashed line and closes below the dotted one.",
        )
        self.setMinimumHeight(80)
        self._drawn: tuple[object, ...] = ()

    def refresh(self) -> None:
        """Draw again only when the curves have moved."""
        view, snapshot = self.deck.viewport, self.deck.snapshot
        now = (snapshot.session, snapshot.edge if view.live else 0, snapshot.confirmed)
        if now != self._drawn:
            self._drawn = now
            self.update()

    def y_of(self, probability: float) -> float:
        """Pixel of a probability."""
        plot = self.plot()
        return plot.bottom() - _EDGE - probability * (plot.height() - 2 * _EDGE)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Grid, thresholds, curves, letters."""
        painter = QPainter(self)
        theme, plot = self.deck.theme, self.plot()
        painter.fillRect(self.rect(), QColor(theme.window))
        painter.fillRect(plot, QColor(theme.panel))
        self._draw_grid(painter, plot)
        self.draw_gaps(painter, plot)
        self._draw_curves(painter, plot)
        self.draw_marks(painter, plot)

    def _draw_grid(self, painter: QPainter, plot: QRect) -> None:
        theme, view, px = self.deck.theme, self.deck.viewport, self.deck.metrics.px
        painter.setPen(QColor(theme.line))
        begin = self.deck.begin
        for moment in time_ticks(view.start_s, view.stop_s, plot.width(), px(90), begin):
            x = self.x_of(moment)
            painter.drawLine(QPointF(x, plot.top()), QPointF(x, plot.bottom()))
        painter.setFont(self.deck.metrics.font(0.85))
        half = px(8)
        for value, text in ((0.0, "0"), (0.5, "0.5"), (1.0, "1")):
            y = round(self.y_of(value))
            painter.setPen(QColor(theme.line))
            painter.drawLine(plot.left(), y, plot.right(), y)
            painter.setPen(QColor(theme.faint))
            # The outermost numbers stay inside the panel.
            middle = min(max(y, half), self.height() - half)
            box = QRect(0, middle - half, self.left - 8, 2 * half)
            painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, text)
        source = self.deck.snapshot.source
        if source is not None:
            styles = (
                (source.on, Qt.PenStyle.DashLine, "on"),
                (source.off, Qt.PenStyle.DotLine, "off"),
            )
            for value, style, text in styles:
                y = round(self.y_of(value))
                painter.setPen(QPen(QColor(theme.faint), 1, style))
                painter.drawLine(plot.left(), y, plot.right(), y)
                box = QRect(plot.right() + 4, y - half, px(30), 2 * half)
                painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, text)

    def _draw_curves(self, painter: QPainter, plot: QRect) -> None:
        snapshot, view = self.deck.snapshot, self.deck.viewport
        if snapshot.source is None:
            return
        margin = snapshot.rate_hz // 5
        frames = self.deck.state.frames(
            round(view.start_s * snapshot.rate_hz) - margin,
            round(view.stop_s * snapshot.rate_hz) + margin,
            2 * plot.width(),
        )
        if len(frames.sample) < 2:
            return
        painter.setClipRect(plot)
        x = self._places(frames.sample, plot)
        joined = _joined(frames)
        early = self.deck.state.early()
        # The thin curve goes on where the bold one ends, if nothing was missed between them.
        early_x = self._places(np.append(frames.sample[-1:], early.sample), plot)
        goes_on = early.sample.size > 0 and early.sample[0] - frames.sample[-1] < margin
        for index, label in enumerate(snapshot.source.classes):
            colour = QColor(self.deck.theme.classes.get(label, self.deck.theme.text))
            thin = QColor(colour)
            thin.setAlpha(130)
            self._curve(painter, x, frames.provisional[:, index], joined, thin, 1)
            self._curve(painter, x, frames.confirmed[:, index], joined, colour, 2)
            if goes_on:
                values = np.append(frames.provisional[-1:, index], early.prob[:, index])
                together = np.ones(len(values), np.bool_)
                self._curve(painter, early_x, values, together, thin, 1)
        painter.setClipping(False)
        self._draw_letters(painter, plot, frames)

    def _places(self, sample: NDArray[np.int64], plot: QRect) -> NDArray[np.float64]:
        """Pixels of positions."""
        view, rate_hz = self.deck.viewport, self.deck.snapshot.rate_hz
        seconds = sample / rate_hz - view.start_s
        return np.asarray(plot.left() + seconds * (plot.width() / view.span_s), np.float64)

    def _curve(
        self,
        painter: QPainter,
        x: NDArray[np.float64],
        values: NDArray[np.float32],
        joined: NDArray[np.bool_],
        colour: QColor,
        width: int,
    ) -> None:
        plot = self.plot()
        y = plot.bottom() - _EDGE - values.astype(np.float64) * (plot.height() - 2 * _EDGE)
        path = arrayToQPath(x, y, connect=joined.astype(np.int32))
        # Lines of one pixel beside one another: Qt's own wide lines cost fifty times as much.
        painter.setPen(QPen(colour, 0))
        for offset in range(width):
            painter.drawPath(path.translated(0, -offset))

    def _draw_letters(self, painter: QPainter, plot: QRect, frames: Frames) -> None:
        """Which curve is whose, at their right end, also without colours."""
        source = self.deck.snapshot.source
        assert source is not None
        px = self.deck.metrics.px
        painter.setFont(self.deck.metrics.font(bold=True))
        heights = [self.y_of(float(value)) for value in frames.confirmed[-1]]
        places = spread(heights, px(13), px(8), self.height() - px(8))
        for label, y in zip(source.classes, places, strict=True):
            painter.setPen(QColor(self.deck.theme.classes.get(label, self.deck.theme.text)))
            left = self.width() - self.right + px(34)
            box = QRect(left, round(y) - px(8), self.width() - left, px(16))
            letter = LETTERS.get(label, label[:1].upper())
            painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, letter)


def spread(places: list[float], distance: float, first: float, last: float) -> list[float]:
    """Move places apart to at least ``distance``, in their order, from ``first`` to ``last``."""
    order = sorted(range(len(places)), key=lambda index: places[index])
    moved = [max(first, place) for place in places]
    for index, following in itertools.pairwise(order):
        moved[following] = max(moved[following], moved[index] + distance)
    limit = last
    for index in reversed(order):
        moved[index] = min(moved[index], limit)
        limit = moved[index] - distance
    return moved


def _joined(frames: Frames) -> NDArray[np.bool_]:
    """Whether a point is joined to the next: not across a gap."""
    step = np.diff(frames.sample)
    usual = float(np.median(step))
    return np.append(step <= _BREAK * usual, False)
