"""What is on air in letters that can be read across a room, and for how long."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PyQt6.QtCore import QRect, QRectF, Qt
from PyQt6.QtGui import QColor, QFont, QPainter, QPaintEvent, QResizeEvent
from PyQt6.QtWidgets import QWidget

from streamseg.messages import Label
from streamseg.view.deck import Deck
from streamseg.view.events_text import duration
from streamseg.view.records import Snapshot
from streamseg.view.swatch import hatch_brush
from streamseg.view.theme import HATCHES

_SHAPE = 0.4  # height to width of the words
_MOST = 0.17  # of the height of the window, or the list of events has no room left

_ORDER: tuple[Label, ...] = ("speech", "music", "noise", "silence")
"""Who is named first: a voice over a bed, not a bed under a voice."""


@dataclass(frozen=True, slots=True)
class OnAir:
    """What the words say."""

    labels: tuple[Label, ...]
    """Those on air, the first on top."""
    lasted_s: float | None
    """How long it has been so."""
    status: str
    """Said instead of labels when there is none."""


def on_air(snapshot: Snapshot) -> OnAir:
    """From the segments that are open in the event log, never from a single probability."""
    if snapshot.condition in ("lost", "starved"):
        return OnAir((), snapshot.health.silent_for_s, "NO SOUND")
    if snapshot.condition in ("idle", "opening", "failed", "ended"):
        words = {"idle": "NO SOURCE", "opening": "OPENING", "failed": "FAILED", "ended": "ENDED"}
        return OnAir((), None, words[snapshot.condition])
    labels = tuple(label for label in _ORDER if label in snapshot.open_labels)
    # The state is as old as its last change: an onset of what is on, or the end of what is not.
    turns = [span.start for span in snapshot.spans if span.end is None]
    turns += [span.end for span in snapshot.spans if span.end is not None]
    since = max(turns, default=None)
    lasted_s = None if since is None else snapshot.seconds(max(0, snapshot.heard - since))
    return OnAir(labels, lasted_s, "LISTENING" if not snapshot.spans else "UNDECIDED")


class WordsPanel(QWidget):
    """SPEECH over MUSIC, for 0:42."""

    def __init__(self, deck: Deck) -> None:
        super().__init__()
        self.deck = deck
        self.shown: tuple[object, ...] = ()
        self.restyle()
        self.setAccessibleName("On air")
        self.setToolTip("What the event log holds open now, and how long it has been so.")
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        deck.restyled.connect(self.restyle)

    def restyle(self) -> None:
        """As high as suits the width: letters to be read across a room."""
        px = self.deck.metrics.px
        window = self.window() or self
        room = max(px(80), round(window.height() * _MOST))
        letters = min(room, max(px(120), round(self.width() * _SHAPE)))
        self.setFixedHeight(min(px(260), letters + px(24)))
        self.update()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Another width."""
        self.restyle()

    def refresh(self) -> None:
        """Draw again when the words change, or a second has passed."""
        state = on_air(self.deck.snapshot)
        lasted = "" if state.lasted_s is None else duration(float(int(state.lasted_s)))
        shown = (state.labels, lasted, state.status)
        if shown != self.shown:
            self.shown = shown
            words = " over ".join(state.labels).upper() or state.status
            self.setAccessibleDescription(f"{words}, for {lasted}" if lasted else words)
            self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """One field a label, the first larger."""
        painter = QPainter(self)
        theme, state, px = self.deck.theme, on_air(self.deck.snapshot), self.deck.metrics.px
        painter.fillRect(self.rect(), QColor(theme.window))
        area = self.rect().adjusted(0, 0, 0, -px(24))
        if not state.labels:
            alarming = state.status in ("NO SOUND", "FAILED")
            painter.fillRect(area, QColor(theme.panel))
            painter.setPen(QColor(theme.alarm if alarming else theme.faint))
            self._fit(painter, area.adjusted(8, 0, -8, 0), state.status, 0.5)
        else:
            self._draw_labels(painter, area, state.labels)
        painter.setPen(QColor(theme.text))
        painter.setFont(self.deck.metrics.font(1.25))
        if state.lasted_s is not None:
            text = f"for {duration(float(int(state.lasted_s)))}".replace(".0 s", " s")
            box = QRect(0, self.height() - px(22), self.width(), px(20))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)

    def _draw_labels(self, painter: QPainter, area: QRect, labels: tuple[Label, ...]) -> None:
        theme = self.deck.theme
        top_share = 1.0 if len(labels) == 1 else 0.58
        height = round(area.height() * top_share)
        rest = (area.height() - height) // max(1, len(labels) - 1)
        y = area.top()
        for index, label in enumerate(labels):
            tall = height if index == 0 else rest
            field = QRect(area.left(), y, area.width(), tall)
            painter.fillRect(field, QColor(theme.classes[label]))
            tint = QColor(theme.on_class[label])
            tint.setAlpha(40)
            painter.fillRect(QRectF(field), hatch_brush(HATCHES[label], tint))
            painter.setPen(QColor(theme.on_class[label]))
            text = label.upper() if index == 0 else f"over {label.upper()}"
            self._fit(painter, field.adjusted(10, 0, -10, 0), text, 0.8)
            y += tall

    def _fit(self, painter: QPainter, box: QRect, text: str, share: float) -> None:
        """Letters of this share of the height of a box, or smaller where it is too narrow."""
        pixels = max(9, round(box.height() * share))
        font = QFont(self.font().family())
        font.setBold(True)
        font.setPixelSize(pixels)
        painter.setFont(font)
        wide = painter.fontMetrics().horizontalAdvance(text)
        if wide > box.width():
            font.setPixelSize(max(9, math.floor(pixels * box.width() / wide)))
            painter.setFont(font)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
