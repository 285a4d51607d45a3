"""The scrolling spectrogram: an RGB ring, one column written per new column of sound, two blits.

``refresh`` writes the pixels that are new or changed into the ring; ``paintEvent`` copies the ring
to the screen in two pieces. Neither depends on how much history there is.
"""

from __future__ import annotations

import math

import numpy as np
import pyqtgraph
from PyQt6.QtCore import QPoint, QRect, QRectF, Qt
from PyQt6.QtGui import QColor, QImage, QPainter, QPaintEvent, QPen, QResizeEvent

from streamseg.view.axis import FrequencyAxis
from streamseg.view.deck import Deck
from streamseg.view.panels.base import TimePanel
from streamseg.view.panels.readout import readout
from streamseg.view.render import Look, Painter

_BAR_PX = 12
_CHUNK = 512  # pixel columns made at a time when all is drawn again


def colour_table(name: str) -> np.ndarray:
    """(256, 3) uint8 of a colour map, from low to high."""
    if name == "grey":
        return np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
    source = {"viridis": "viridis", "magma": "magma", "cividis": "cividis"}[name]
    table = pyqtgraph.colormap.get(source).getLookupTable(nPts=256, alpha=False)
    return np.asarray(table, np.uint8)[:, :3]


class SpectrogramPanel(TimePanel):
    """Spectrum over time with the mask laid over it."""

    def __init__(self, deck: Deck) -> None:
        super().__init__(
            deck,
            "Spectrogram",
            "Level of every frequency over time. Drag: select. Wheel: scroll. Ctrl+wheel: zoom.",
        )
        self.setMinimumHeight(160)
        self._painter: Painter | None = None
        self._key: object = None
        self._ring = np.zeros((1, 1), np.uint32)
        self._image = QImage()
        self._have = (0, 0)  # pixel columns that the ring holds
        self._want = (0, 0)  # those that are in the picture
        self._generation = 0
        self._drawn = 0  # newest sample whose age has been noted
        self.pixels_made = 0
        """Pixel columns computed so far: what the work of this panel is measured by."""

    @property
    def axis(self) -> FrequencyAxis:
        """The frequency axis in use; it never goes above half the rate."""
        prefs, rate_hz = self.deck.prefs, self.deck.snapshot.rate_hz
        top_hz = min(prefs.top_hz, rate_hz / 2) if rate_hz > 1 else prefs.top_hz
        return FrequencyAxis(prefs.scale, top_hz)

    def restyle(self) -> None:
        """Another look: draw all again."""
        self.refresh()
        self.update()

    def refresh(self) -> None:
        """Bring the ring up to date."""
        snapshot, view = self.deck.snapshot, self.deck.viewport
        plot = self.plot()
        width = max(1, round(plot.width() * self.devicePixelRatioF()))
        height = max(1, round(plot.height() * self.devicePixelRatioF()))
        per_pixel = view.span_s / width * snapshot.rate_hz / snapshot.hop
        look = self._look(height)
        key = (snapshot.session, snapshot.rate_hz, width, per_pixel, look)
        if key != self._key:
            self._key = key
            self._start_over(look, width)
        stop = math.floor(view.stop_s * snapshot.rate_hz / snapshot.hop / per_pixel)
        want = (stop - width, stop)
        dirty = self._changed(per_pixel)
        if want != self._want or dirty:
            self.update(plot)
        self._repaint(dirty, per_pixel)
        self._fill(want, per_pixel)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Another size: another ring."""
        self.refresh()

    def hz_at(self, position: QPoint) -> float | None:
        """Frequency under the mouse."""
        plot = self.plot()
        if not plot.contains(position):
            return None
        return float(self.axis.hz(1 - (position.y() - plot.top() + 0.5) / plot.height()))

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Two blits, and what lies over them."""
        assert event is not None
        self.refresh()
        painter = QPainter(self)
        plot = self.plot()
        if not plot.contains(event.rect()):
            painter.fillRect(self.rect(), QColor(self.deck.theme.window))
            self._draw_axis(painter, plot)
            self._draw_bar(painter, plot)
        self._blit(painter, plot)
        self.draw_gaps(painter, plot)
        self.draw_marks(painter, plot)
        readout(painter, self.deck, plot, self.x_of)
        snapshot = self.deck.snapshot
        if self.deck.viewport.live and snapshot.heard != self._drawn:
            self._drawn = snapshot.heard
            self.deck.state.drawn(snapshot.heard)

    def _look(self, height: int) -> Look:
        prefs, snapshot = self.deck.prefs, self.deck.snapshot
        background = int(QColor(self.deck.theme.plot).rgb())
        shown = self.deck.shown
        masked = snapshot.has_mask and prefs.opacity > 0 and bool(shown)
        name = prefs.colour_map
        if name == "auto":
            name = "grey" if masked else "magma"
        return Look(
            axis=self.axis,
            height=height,
            rate_hz=max(2, snapshot.rate_hz),
            low_db=prefs.low_db,
            high_db=prefs.high_db,
            lut=colour_table(name)
            if self._painter is None or self._painter.look.map_name != name
            else self._painter.look.lut,
            map_name=name,
            background=background,
            pixel_ratio=self.devicePixelRatioF(),
            opacity=prefs.opacity if masked else 0.0,
            layers=self.deck.layers,
            shown=shown,
        )

    def _start_over(self, look: Look, width: int) -> None:
        self._painter = Painter(look)
        self._ring = np.full((look.height, width), look.background, np.uint32)
        # The image looks into the ring's memory; both are replaced together.
        self._image = QImage(
            self._ring.data,  # type: ignore[call-overload]
            width,
            look.height,
            4 * width,
            QImage.Format.Format_RGB32,
        )
        self._have = self._want = (0, 0)
        self._generation = self.deck.snapshot.generation

    def _changed(self, per_pixel: float) -> list[tuple[int, int]]:
        """Pixel columns whose sound or mask has changed since the last call."""
        if self._generation == self.deck.snapshot.generation:
            return []
        changes = self.deck.state.changes(self._generation)
        self._generation = self.deck.snapshot.generation
        if changes is None:
            return [self._have]
        laid_over = (None, self.deck.layers)
        return [
            (math.floor(change.first / per_pixel), math.ceil(change.stop / per_pixel))
            for change in changes
            if change.layers in laid_over
        ]

    def _repaint(self, dirty: list[tuple[int, int]], per_pixel: float) -> None:
        if not dirty:
            return
        have_first, have_stop = self._have
        first = max(have_first, min(start for start, _ in dirty))
        self._make(first, min(have_stop, max(stop for _, stop in dirty)), per_pixel)

    def _fill(self, want: tuple[int, int], per_pixel: float) -> None:
        """Make what the picture needs and the ring does not hold yet."""
        first, stop = want
        low, high = max(first, self._have[0]), min(stop, self._have[1])
        if low >= high:
            self._make(first, stop, per_pixel)
        else:
            self._make(first, low, per_pixel)
            self._make(high, stop, per_pixel)
        self._have = self._want = want

    def _make(self, first: int, stop: int, per_pixel: float) -> None:
        painter, width = self._painter, self._ring.shape[1]
        assert painter is not None
        for start in range(first, stop, _CHUNK):
            end = min(stop, start + _CHUNK)
            columns = self.deck.state.pixels(start, end, per_pixel, painter.look.layers)
            if not len(columns.data):
                self._ring[:, np.arange(start, end) % width] = painter.look.background
                continue
            picture = painter.paint(columns, start)
            place = start % width
            until = min(width - place, end - start)
            self._ring[:, place : place + until] = picture[:, :until]
            self._ring[:, : end - start - until] = picture[:, until:]
            self.pixels_made += end - start

    def _blit(self, painter: QPainter, plot: QRect) -> None:
        width, height = self._image.width(), self._image.height()
        place = self._want[0] % width
        ratio = plot.width() / width
        older = width - place
        target = QRectF(plot.left(), plot.top(), older * ratio, plot.height())
        painter.drawImage(target, self._image, QRectF(place, 0, older, height))
        if place:
            target = QRectF(plot.left() + older * ratio, plot.top(), place * ratio, plot.height())
            painter.drawImage(target, self._image, QRectF(0, 0, place, height))

    def _draw_axis(self, painter: QPainter, plot: QRect) -> None:
        theme, px = self.deck.theme, self.deck.metrics.px
        painter.setFont(self.deck.metrics.font(0.85))
        half = px(8)
        for hz, text in self.axis.ticks(plot.height(), px(26)):
            y = plot.bottom() - round(self.axis.position(hz) * plot.height())
            painter.setPen(QPen(QColor(theme.faint)))
            painter.drawLine(self.left - 5, y, self.left - 1, y)
            box = QRect(0, y - half, self.left - 8, 2 * half)
            painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, text)
        painter.save()
        painter.translate(px(10), plot.center().y())
        painter.rotate(-90)
        painter.drawText(
            QRect(-px(60), -half, px(120), 2 * half), Qt.AlignmentFlag.AlignCenter, "Hz"
        )
        painter.restore()

    def _draw_bar(self, painter: QPainter, plot: QRect) -> None:
        theme, prefs, px = self.deck.theme, self.deck.prefs, self.deck.metrics.px
        edge = self.width() - self.right
        bar = QRect(edge + 8, plot.top() + px(18), _BAR_PX, plot.height() - px(26))
        if bar.height() < 20 or self._painter is None:
            return
        strip = np.ascontiguousarray(self._painter.look.lut[::-1])
        image = QImage(
            strip.data,  # type: ignore[call-overload]
            1,
            256,
            3,
            QImage.Format.Format_RGB888,
        )
        painter.drawImage(bar, image)
        painter.setPen(QColor(theme.faint))
        painter.setFont(self.deck.metrics.font(0.85))
        head = QRect(edge + 2, plot.top(), self.right - 2, px(16))
        painter.drawText(head, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, "dBFS")
        step = 20 if prefs.high_db - prefs.low_db > 40 else 10
        for db in range(math.ceil(prefs.low_db / step) * step, math.floor(prefs.high_db) + 1, step):
            share = (prefs.high_db - db) / (prefs.high_db - prefs.low_db)
            y = bar.top() + round(share * bar.height())
            painter.drawLine(bar.right() + 1, y, bar.right() + 4, y)
            box = QRect(bar.right() + 6, y - px(8), self.width() - bar.right() - 6, px(16))
            painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, f"{db}".replace("-", "−"))
