"""The row of controls above the picture. Every control has a key or a menu entry too."""

from __future__ import annotations

from typing import TypeVar

from PyQt6.QtCore import QSize, Qt, pyqtSignal
from PyQt6.QtGui import QAction, QColor, QPalette
from PyQt6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QLabel,
    QPushButton,
    QSlider,
    QSpinBox,
    QToolBar,
    QWidget,
)

from streamseg.view.axis import SCALES
from streamseg.view.deck import Deck
from streamseg.view.events_text import duration
from streamseg.view.layers import LAYERS, LayerSet
from streamseg.view.prefs import COLOUR_MAPS, SPANS_S, TOPS_HZ
from streamseg.view.swatch import swatch
from streamseg.view.theme import LETTERS

W = TypeVar("W", bound=QWidget)
_SWATCH_PX = 13


class Controls(QToolBar):
    """Look of the spectrogram, width of the picture, network."""

    span_chosen = pyqtSignal(float)
    model_chosen = pyqtSignal(str)

    def __init__(self, deck: Deck, models: dict[str, str], model: str) -> None:
        super().__init__("Controls")
        self.setObjectName("controls")
        self.setMovable(False)
        self.deck = deck
        self.source = QPushButton("Source")
        self.source.setToolTip("Open a file, an address, a device, or something opened lately.")
        self.source.setAccessibleName("Source")
        self.addWidget(self.source)
        self.model = self._combo("Network", list(models), "Which network listens (Ctrl+M).")
        for index, text in enumerate(models.values()):
            self.model.setItemData(index, text, Qt.ItemDataRole.ToolTipRole)
        self.model.setCurrentText(model)
        self.model.activated.connect(lambda: self.model_chosen.emit(self.model.currentText()))
        self.span = self._combo(
            "Shows",
            [_span(span_s) for span_s in SPANS_S],
            "Width of the picture (+ and −).",
        )
        self.span.activated.connect(lambda index: self.span_chosen.emit(float(SPANS_S[index])))
        self.scale = self._combo("Axis", list(SCALES), "Scale of the frequency axis (F).")
        self.scale.activated.connect(lambda: deck.change(scale=self.scale.currentText()))
        self.top = self._combo(
            "up to", [f"{hz // 1000} kHz" for hz in TOPS_HZ], "Highest frequency shown."
        )
        self.top.activated.connect(lambda index: deck.change(top_hz=TOPS_HZ[index]))
        self.low = self._level("dB", -127, -40, "Level with the darkest colour, in dBFS.")
        self.high = self._level("to", -90, 0, "Level with the brightest colour, in dBFS.")
        for box, name in ((self.low, "Darkest level"), (self.high, "Brightest level")):
            box.setAccessibleName(f"{name} in dBFS")
        self.low.valueChanged.connect(self._range)
        self.high.valueChanged.connect(self._range)
        self.map = self._combo("Colours", list(COLOUR_MAPS), "Colour map (C).")
        self.map.activated.connect(lambda: deck.change(colour_map=self.map.currentText()))
        self._mask = self._mask_controls()
        self.follow()
        deck.restyled.connect(self.follow)

    def show_sources(self) -> None:
        """Drop the menu of sources down."""
        self.source.showMenu()

    def follow(self) -> None:
        """Show what is in force."""
        prefs, span_s = self.deck.prefs, self.deck.viewport.span_s
        self.scale.setCurrentText(prefs.scale)
        self.top.setCurrentIndex(TOPS_HZ.index(prefs.top_hz))
        self.map.setCurrentText(prefs.colour_map)
        nearest = min(range(len(SPANS_S)), key=lambda i: abs(SPANS_S[i] - span_s))
        self.span.setCurrentIndex(nearest if abs(SPANS_S[nearest] - span_s) < 0.5 else -1)
        self.span.setPlaceholderText(_span(span_s))
        palette = self.span.palette()
        # A width between those of the list is as true as they are.
        palette.setColor(QPalette.ColorRole.PlaceholderText, QColor(self.deck.theme.text))
        self.span.setPalette(palette)
        for box, value in ((self.low, prefs.low_db), (self.high, prefs.high_db)):
            box.blockSignals(True)
            box.setValue(round(value))
            box.blockSignals(False)
        self.opacity.setValue(round(100 * prefs.opacity))
        self._follow_masks()

    def _follow_masks(self) -> None:
        """The controls of the masks that there are."""
        deck = self.deck
        there, layers, side = deck.snapshot.layers, deck.layers, deck.metrics.px(_SWATCH_PX)
        self.layers.setCurrentText(layers)
        for action in self._mask:
            action.setVisible(bool(there))
        self._choice.setVisible(len(there) > 1)
        self._caption.setVisible(len(there) == 1)  # the choice says it too, and room is short
        for of, checks in self._checks.items():
            for label, (check, action) in checks.items():
                action.setVisible(of == layers and bool(there))
                check.setChecked(label in deck.prefs.shown_of(of))
                if check.iconSize().width() != side:
                    check.setIconSize(QSize(side, side))
                    check.setIcon(swatch(label, side))

    def _range(self) -> None:
        low, high = self.low.value(), self.high.value()
        if low + 10 > high:
            # At least ten dB: whoever is moved pushes the other.
            if self.sender() is self.low:
                high = low + 10
            else:
                low = high - 10
        self.deck.change(low_db=float(low), high_db=float(high))

    def _mask_controls(self) -> list[QAction]:
        """Shown once there is a mask, and not before."""
        made = [_there(self.addSeparator())]
        self._caption = _there(self.addWidget(_caption("Mask")))
        self.layers = QComboBox()
        self.layers.addItems(list(LAYERS))
        self.layers.setAccessibleName("Masks laid over")
        self.layers.setToolTip(
            "Which masks are laid over the spectrogram: music, speech and noise, or the stems of "
            "music (M)."
        )
        self.layers.activated.connect(lambda: self.deck.change(layers=self.layers.currentText()))
        self._choice = _there(self.addWidget(self.layers))
        self._checks: dict[LayerSet, dict[str, tuple[QCheckBox, QAction]]] = {}
        self.shown: dict[str, QCheckBox] = {}
        for layers, labels in LAYERS.items():
            self._checks[layers] = {}
            for number, label in enumerate(labels, start=1):
                check = QCheckBox(LETTERS[label])
                check.setAccessibleName(f"Mask of {label}")
                check.setToolTip(f"Lay the mask of {label} over the spectrogram ({number}).")
                check.clicked.connect(self._shown)
                self.shown[label] = check
                self._checks[layers][label] = check, _there(self.addWidget(check))
        self.opacity = QSlider(Qt.Orientation.Horizontal)
        self.opacity.setRange(0, 100)
        self.opacity.setFixedWidth(60)
        self.opacity.setAccessibleName("Opacity of the mask")
        self.opacity.setToolTip("Opacity of the mask. Units that may still change are lighter.")
        self.opacity.valueChanged.connect(self._opacity)
        made.append(_there(self.addWidget(self.opacity)))
        return made

    def _shown(self) -> None:
        shown = {
            layers: ",".join(label for label, (check, _) in checks.items() if check.isChecked())
            for layers, checks in self._checks.items()
        }
        self.deck.change(shown=shown["classes"], shown_stems=shown["stems"])

    def _opacity(self, percent: int) -> None:
        if round(100 * self.deck.prefs.opacity) != percent:
            self.deck.change(opacity=percent / 100)

    def _combo(self, name: str, items: list[str], tip: str) -> QComboBox:
        combo = QComboBox()
        combo.addItems(items)
        return self._put(name, combo, tip)

    def _level(self, name: str, low: int, high: int, tip: str) -> QSpinBox:
        box = QSpinBox()
        box.setRange(low, high)
        box.setSingleStep(5)
        return self._put(name, box, tip)

    def _put(self, name: str, widget: W, tip: str) -> W:
        self.addWidget(_caption(name))
        widget.setToolTip(tip)
        widget.setAccessibleName(name)
        widget.setAccessibleDescription(tip)
        self.addWidget(widget)
        return widget


def _there(action: QAction | None) -> QAction:
    """What Qt gives for every widget that was added."""
    assert action is not None
    return action


def _caption(text: str) -> QLabel:
    label = QLabel(text)
    label.setEnabled(False)
    return label


def _span(span_s: float) -> str:
    if span_s < 60:
        return f"{span_s:.0f} s"
    whole = round(span_s)
    if whole % 60 == 0:
        return "1 h" if whole == 3600 else f"{whole // 60} min"
    return duration(span_s)
