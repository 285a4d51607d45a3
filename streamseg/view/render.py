"""Spectrum columns and masks to colours. Numpy only: no Qt.

The picture is made column by column and never again, so its cost depends on how much is new and
not on how much is shown.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamseg.view.axis import FrequencyAxis, rows_to_bins, rows_to_units
from streamseg.view.display import BOTTOM_DB, STEP_DB
from streamseg.view.history import MaskColumns
from streamseg.view.records import PixelColumns
from streamseg.view.theme import MASK_RGB

PROVISIONAL = 0.45
"""How strong a mask that may still change is, against a final one: visibly lighter."""
DARKEST = 0.25
"""Light of a mask's colour where there is no level, so that the spectrum stays visible in it."""
_HATCH = 8  # pixels from one line of a hatch to the next

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
    opacity: float
    shown: frozenset[str]
    """Classes whose mask is laid over."""


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
        self._units_of: bytes | None = None
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
        key = mask.freq_hz.tobytes()
        if key != self._units_of:
            self._units_of = key
            self._units = rows_to_units(self.look.axis, self.look.height, mask.freq_hz)
        strength = np.where(mask.final, 1.0, PROVISIONAL) * mask.present * self.look.opacity / 255
        rgb: NDArray[Any] = self._rgb[level].astype(np.float32)
        light = self._light[level][:, :, None]
        rows = np.arange(self.look.height)[:, None]
        pixels = np.arange(first, first + level.shape[1])[None, :]
        outside = self._units < 0
        for index, label in enumerate(mask.classes):
            if label not in self.look.shown:
                continue
            alpha: NDArray[Any] = mask.prob[:, index, :].T[self._units] * strength
            alpha = alpha.astype(np.float32) * _hatch(label, rows, pixels)
            alpha[outside] = 0
            colour = np.array(MASK_RGB.get(label, (204, 121, 167)), np.float32)
            rgb += alpha[:, :, None] * (colour * light - rgb)
        return _pack(rgb.astype(np.uint8))


def _hatch(label: str, rows: NDArray[Any], pixels: NDArray[Any]) -> NDArray[np.float32]:
    """Speech is hatched and noise dotted, so that the mask is told apart without its colours."""
    if label == "speech":
        weight = np.where((rows + pixels) % _HATCH < 2, 1.0, 0.72)
    elif label == "noise":
        weight = np.where((rows % 6 < 2) & (pixels % 6 < 2), 1.0, 0.72)
    else:
        return np.ones((1, 1), np.float32)
    return weight.astype(np.float32)


def _pack(rgb: NDArray[np.uint8]) -> UInt32Array:
    wide: NDArray[Any] = rgb.astype(np.uint32)
    packed: UInt32Array = wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2] | 0xFF000000
    return packed
