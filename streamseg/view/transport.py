"""The row beneath the pictures: freeze, hear, keep one class, save; and what is selected."""

from __future__ import annotations

from PyQt6.QtCore import QTimer, pyqtSignal
from PyQt6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

from streamseg.view.axis import clock_text
from streamseg.view.deck import Deck, Selection
from streamseg.view.events_text import duration
from streamseg.view.export import Region
from streamseg.view.layers import LAYERS, MASKABLE
from streamseg.view.panels.meter_rows import in_unit, number
from streamseg.view.region import RegionTools
from streamseg.view.region_sound import Facts

_SETTLED_MS = 250  # a selection that has not moved for so long is measured
_LEAST_SHARE = 0.05


class TransportBar(QWidget):
    """Buttons for what keys do, and a line about the selection."""

    froze = pyqtSignal()
    """Freeze, or go live."""
    save = pyqtSignal()

    def __init__(self, deck: Deck, tools: RegionTools) -> None:
        super().__init__()
        self._deck, self._tools = deck, tools
        self._facts: Facts | None = None
        self._measured: Selection | None = None
        self._said: Selection | None = None
        self.freeze = _button("❚❚ Freeze", "Hold the picture; the sound goes on (Space).")
        self.freeze.clicked.connect(self.froze)
        self.play = _button("▶ Play", "Hear the selection, or the picture (P).")
        self.play.clicked.connect(tools.toggle_play)
        self.keep = QComboBox()
        self._offered: tuple[str, ...] = ()
        self.keep.setAccessibleName("What is heard and saved")
        self.keep.activated.connect(self._choose)
        self.store = _button("Save…", "Sound, picture, frames or labels of the region (Ctrl+S).")
        self.store.clicked.connect(self.save)
        self.text = QLabel()
        self.text.setAccessibleName("Selection")
        self.text.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(8, 0, 8, 0)
        layout.setSpacing(6)
        for widget in (self.freeze, self.play, self.keep, self.store):
            layout.addWidget(widget)
        layout.addSpacing(10)
        layout.addWidget(self.text, 1)
        self._settled = QTimer(self)
        self._settled.setSingleShot(True)
        self._settled.setInterval(_SETTLED_MS)
        self._settled.timeout.connect(tools.measure)
        tools.changed.connect(self.refresh)
        tools.measured.connect(self._take)
        deck.moved.connect(self._look)
        deck.restyled.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show what is in force."""
        tools, deck = self._tools, self._deck
        view = deck.viewport
        _say(self.freeze, "❚❚ Freeze" if view.live else "● Live")
        playing = "… Stop" if tools.preparing else "■ Stop"
        _say(self.play, playing if tools.playing else "▶ Play")
        can = deck.snapshot.has_mask or bool(tools.keep)
        self.keep.setEnabled(can)
        self.keep.setToolTip(
            "Which class or stem is heard and saved alone (Ctrl+1 to Ctrl+4: those whose masks "
            "are laid over)."
            if can
            else "One class can be heard alone where a network draws masks (setting model.mask), "
            "one stem of music where a network draws those (model.stems)."
        )
        self._offer()
        index = self._offered.index(tools.keep) + 1 if tools.keep else 0
        if self.keep.currentIndex() != index:
            self.keep.setCurrentIndex(index)
        text = self._sentence()
        if self.text.text() != text:
            self.text.setText(text)
            self.text.setToolTip(text)

    def _look(self) -> None:
        """The selection may have moved."""
        if self._deck.selection != self._said:
            self._said = self._deck.selection
            self._settled.start()
        self.refresh()

    def _sentence(self) -> str:
        deck = self._deck
        if deck.selection is None:
            return "Nothing selected: drag over the picture, or press [ and ] at the cursor."
        start_s, stop_s = deck.selection
        parts = [
            f"{clock_text(start_s, deck.begin, 2)} – {clock_text(stop_s, deck.begin, 2)}",
            duration(stop_s - start_s),
            *self._shares(),
        ]
        if self._facts is not None and self._measured == deck.selection:
            facts, unit = self._facts, deck.prefs.loudness_unit
            if facts.lufs is not None:
                parts.append(f"{in_unit(facts.lufs, unit)} {unit}")
            parts.append(f"{number(facts.level_dbfs)} dBFS, highest {number(facts.peak_dbfs)}")
        return "   ".join(parts)

    def _shares(self) -> list[str]:
        """How much of the selection the time line gives to each label."""
        deck = self._deck
        assert deck.selection is not None
        snapshot = deck.snapshot
        region = Region.of(snapshot, *deck.selection)
        total: dict[str, int] = {}
        for span in snapshot.spans:
            end = snapshot.confirmed if span.end is None else span.end
            inside = min(end, region.stop) - max(span.start, region.start)
            if inside > 0:
                total[span.label] = total.get(span.label, 0) + inside
        length = max(1, region.stop - region.start)
        order = sorted(total, key=lambda label: -total[label])
        return [
            f"{label} {100 * total[label] / length:.0f} %"
            for label in order
            if total[label] / length >= _LEAST_SHARE
        ]

    def _take(self, selection: Selection, facts: Facts) -> None:
        self._measured, self._facts = selection, facts
        self.refresh()

    def _choose(self, index: int) -> None:
        self._tools.choose(self._offered[index - 1] if index else "")

    def _offer(self) -> None:
        """Everything, and each class and stem that there is a mask of."""
        there = self._deck.snapshot.layers
        offered = tuple(label for layers in there for label in LAYERS[layers]) or MASKABLE
        if self._tools.keep and self._tools.keep not in offered:
            offered += (self._tools.keep,)
        if offered != self._offered:
            self._offered = offered
            self.keep.clear()
            self.keep.addItems(["everything", *(f"only {label}" for label in offered)])


def _button(text: str, tip: str) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tip)
    return button


def _say(button: QPushButton, text: str) -> None:
    if button.text() != text:
        button.setText(text)
