"""Spectrum columns and masks to colours. Numpy only: no Qt.

The picture is made column by column and never again, so its cost depends on how much is new and
not on how much is shown.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamseg.messages import Float32Array
from streamseg.view.axis import FrequencyAxis, rows_to_bins, rows_to_units
from streamseg.view.display import BOTTOM_DB, STEP_DB
from streamseg.view.history import MaskColumns
from streamseg.view.layers import LayerSet
from streamseg.view.records import PixelColumns
from streamseg.view.theme import HATCHES, MASK_RGB

PROVISIONAL = 0.45
"""How strong a mask that may still change is, against a final one: visibly lighter."""
DARKEST = 0.12
"""Light of a mask's colour where there is no level, so that the spectrum stays visible in it."""
_HATCH, _DOTS = 9, 6  # pixels from one line or dot to the next
_DARK = 0.6  # light that a hatch takes away where the mask is sure
_OTHER_RGB = (204, 121, 167)  # of a class without a colour of its own
_SURE = ((np.arange(256) / 255) ** 2).astype(np.float32)
"""Cover of a stored probability. Squared: a unit that may be anything keeps its own colours, where
the plain probability would lay three half-sure colours over one another."""

UInt32Array = NDArray[np.uint32]


@dataclass(frozen=True)
class Look:
    """How the spectrogram is drawn; a changed look means drawing all of it again."""

    axis: FrequencyAxis
    height: int
    rate_hz: int
    low_db: float
    high_db: float
    lut: NDArray[np.uint8] = field(repr=False, compare=False)
    """(256, 3) uint8: the colour map from low to high."""
    map_name: str
    background: int
    """0xffrrggbb, where nothing was heard."""
    pixel_ratio: float
    """Pixels of the picture for one of the layout: hatches keep their size on a fine screen."""
    opacity: float
    shown: frozenset[str]
    """Classes or stems whose mask is laid over."""
    layers: LayerSet = "classes"
    """Which of the two they are."""


class Painter:
    """Colours of one look."""

    def __init__(self, look: Look) -> None:
        self.look = look
        self._bins = rows_to_bins(look.axis, look.height, look.rate_hz)
        db = BOTTOM_DB + np.arange(256) * STEP_DB
        share = np.clip((db - look.low_db) / (look.high_db - look.low_db), 0, 1)
        self._light = (DARKEST + (1 - DARKEST) * share).astype(np.float32)
        self._rgb = look.lut[np.rint(share * 255).astype(np.int64)]
        self._packed = _pack(self._rgb)
        self._planes = [np.ascontiguousarray(self._rgb[:, k]).astype(np.float32) for k in range(3)]
        self._row_numbers = np.arange(look.height)[:, None]
        self._units_of: bytes | None = None
        self._outside: NDArray[np.bool_] = np.empty(0, np.bool_)
        self._units: NDArray[np.int64] = np.empty(0, np.int64)

    def paint(self, columns: PixelColumns, first: int) -> UInt32Array:
        """Shape: (height, n) uint32 0xffrrggbb, top row first; ``first`` is the first pixel."""
        look = self.look
        if not len(columns.data):
            return np.empty((look.height, 0), np.uint32)
        level = columns.data.T[self._bins]
        mask = columns.mask
        picture: UInt32Array
        if mask is not None and mask.present.any() and look.shown and look.opacity > 0:
            picture = self._blend(level, mask, first)
        else:
            picture = self._packed[level]
        picture[:, ~columns.present] = look.background
        picture[self._bins < 0] = look.background
        return picture

    def _blend(self, level: NDArray[np.uint8], mask: MaskColumns, first: int) -> UInt32Array:
        """Base colours, and over them each class as far as it is sure."""
        shown = [index for index, name in enumerate(mask.classes) if name in self.look.shown]
        if not shown:
            return self._packed[level]
        count = level.shape[1]
        pixels = np.arange(first, first + count)
        strength = np.where(mask.final, 1.0, PROVISIONAL) * mask.present * self.look.opacity
        share = _SURE[mask.prob[:, shown]] * strength.astype(np.float32)[:, None, None]
        units = self._rows_of(mask.freq_hz)
        cover = np.empty((len(shown), self.look.height, count), np.float32)
        light = self._light[level]
        for place, index in enumerate(shown):
            np.take(share[:, place].T, units, axis=0, out=cover[place], mode="clip")
            cover[place][self._outside] = 0
            self._hatch(mask.classes[index], cover[place], light, pixels)
        # Row 0 is how much of the base is covered, the others are red, green and blue of it.
        names = [mask.classes[index] for index in shown]
        table = np.array([(1, *MASK_RGB.get(name, _OTHER_RGB)) for name in names], np.float32).T
        covered, *colours = (table @ cover.reshape(len(shown), -1)).reshape(4, *level.shape)
        packed: NDArray[Any] = np.full(level.shape, 0xFF000000, np.uint32)
        for channel, colour in enumerate(colours):
            plane = self._planes[channel][level]
            plane -= plane * np.minimum(covered, 1)
            plane += colour * light
            packed |= np.minimum(plane, 255).astype(np.uint32) << (16 - 8 * channel)
        return packed

    def _rows_of(self, freq_hz: NDArray[np.float64]) -> NDArray[np.int64]:
        """Unit of every pixel row."""
        key = freq_hz.tobytes()
        if key != self._units_of:
            self._units_of = key
            self._units = rows_to_units(self.look.axis, self.look.height, freq_hz)
            self._outside = self._units < 0
        return self._units

    def _hatch(
        self, label: str, cover: Float32Array, light: Float32Array, pixels: NDArray[np.int64]
    ) -> None:
        """Take light away where the hatch of a class is: it is told without its colour too."""
        rows = self._row_numbers
        size = max(1, round(self.look.pixel_ratio))
        hatch = HATCHES.get(label, "plain")
        if hatch == "diagonal":
            hatched = (rows + pixels) // size % _HATCH < 2
        elif hatch == "dots":
            hatched = (rows // size % _DOTS < 2) & (pixels // size % _DOTS < 2)
        elif hatch == "upright":
            hatched = (pixels // size % _HATCH < 2) & (rows > -1)
        elif hatch == "level":
            hatched = (rows // size % _HATCH < 2) & (pixels > -1)
        else:
            return
        light *= 1 - _DARK * cover * hatched


def _pack(rgb: NDArray[np.uint8]) -> UInt32Array:
    wide: NDArray[Any] = rgb.astype(np.uint32)
    packed: UInt32Array = wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2] | 0xFF000000
    return packed
