"""What the cursor points at: time, frequency, note, level and class probabilities, in a box."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import QRect, Qt
from PyQt6.QtGui import QColor, QFontMetrics, QPainter

from streamseg.view.axis import clock_text, note
from streamseg.view.deck import Deck
from streamseg.view.display import BINS, BOTTOM_DB, STEP_DB, bin_edges_hz
from streamseg.view.history import MaskColumns
from streamseg.view.theme import LETTERS

_PAD = 8


def lines(deck: Deck) -> list[str]:
    """The text of the box; empty without a cursor or before there is sound."""
    snapshot = deck.snapshot
    if deck.cursor_s is None or snapshot.rate_hz == 1:
        return []
    reading = deck.state.reading(round(deck.cursor_s * snapshot.rate_hz), deck.layers)
    text = [clock_text(deck.cursor_s, deck.begin, decimals=2)]
    if deck.cursor_hz is not None:
        text.append(f"{deck.cursor_hz:.0f} Hz  {note(deck.cursor_hz)}")
    if reading.spectrum is None:
        text.append("not heard")
    elif deck.cursor_hz is not None:
        edges = bin_edges_hz(snapshot.rate_hz)
        place = int(edges.searchsorted(deck.cursor_hz, side="right")) - 1
        level = BOTTOM_DB + STEP_DB * int(reading.spectrum[min(max(place, 0), BINS - 1)])
        below = "≤ " if level == BOTTOM_DB else ""
        text.append(f"{below}{level:.1f} dBFS".replace("-", "−"))
    if snapshot.source is not None and reading.confirmed:
        text.extend(
            f"{label} {sure:.2f} ({soon:.2f})"
            for label, sure, soon in zip(
                snapshot.source.classes, reading.confirmed, reading.provisional, strict=True
            )
        )
    elif reading.spectrum is not None:
        text.append("no probability yet")
    if reading.mask is not None and deck.cursor_hz is not None:
        text.append(_mask_line(reading.mask, deck.cursor_hz))
    if reading.change is not None:
        text.append(f"change {reading.change:.2f}")
    if reading.turn is not None:
        text.append(f"boundary {reading.turn.strength:.2f}")
    return text


def _mask_line(mask: MaskColumns, hz: float) -> str:
    """What the unit under the cursor is given to; in brackets while that may change."""
    unit = int(abs(mask.freq_hz - hz).argmin())
    shares = zip(mask.classes, mask.prob[0, :, unit].tolist(), strict=True)
    text = "  ".join(f"{LETTERS.get(label, label)} {value / 255:.2f}" for label, value in shares)
    return f"mask {text}" if mask.final[0] else f"mask ({text})"


def readout(painter: QPainter, deck: Deck, plot: QRect, x_of: Callable[[float], float]) -> None:
    """Draw the box beside the cursor, on the side that has room."""
    text = lines(deck)
    if not text or deck.cursor_s is None:
        return
    painter.setFont(deck.metrics.font())
    metrics = QFontMetrics(painter.font())
    width = max(metrics.horizontalAdvance(line) for line in text) + 2 * _PAD
    height = len(text) * metrics.lineSpacing() + 2 * _PAD
    x = round(x_of(deck.cursor_s))
    left = x + 12 if x + 12 + width < plot.right() else x - 12 - width
    box = QRect(left, plot.top() + 10, width, height)
    veil = QColor(deck.theme.panel)
    veil.setAlpha(225)
    painter.fillRect(box, veil)
    painter.setPen(QColor(deck.theme.text))
    inside = box.adjusted(_PAD, _PAD, 0, 0)
    painter.drawText(inside, Qt.AlignmentFlag.AlignLeft, "\n".join(text))
