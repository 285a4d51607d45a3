"""Frequency axes, time ticks and note names. No Qt."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from streamseg.view.display import BINS

Scale = Literal["linear", "log", "mel"]
SCALES: tuple[Scale, ...] = ("mel", "log", "linear")
LOWEST_HZ = 30.0  # where a logarithmic axis begins
_NOTES = ("C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B")
_TICKS_HZ = (50, 100, 200, 500, 1000, 2000, 3000, 4000, 5000, 6000, 8000, 10_000, 12_000)
_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)


@dataclass(frozen=True, slots=True)
class FrequencyAxis:
    """From 0 (bottom) to 1 (top) of a picture and back to Hz."""

    scale: Scale
    top_hz: float

    def hz(self, position: float | NDArray[np.float64]) -> NDArray[np.float64]:
        """Frequency at a height of 0..1."""
        position = np.asarray(position, np.float64)
        if self.scale == "linear":
            return position * self.top_hz
        if self.scale == "log":
            return LOWEST_HZ * (self.top_hz / LOWEST_HZ) ** position
        return np.asarray(700 * (10 ** (position * _mel(self.top_hz) / 2595) - 1))

    def position(self, hz: float) -> float:
        """Height of a frequency; outside of 0..1 it is not in the picture."""
        if self.scale == "linear":
            return hz / self.top_hz
        if self.scale == "log":
            return math.log(max(hz, 1e-9) / LOWEST_HZ) / math.log(self.top_hz / LOWEST_HZ)
        return _mel(hz) / _mel(self.top_hz)

    def ticks(self, height: int, spacing: int = 26) -> list[tuple[float, str]]:
        """Frequencies with their texts, at least ``spacing`` pixels apart."""
        wanted = [1000 * k for k in range(1, 40)] if self.scale == "linear" else list(_TICKS_HZ)
        chosen: list[tuple[float, str]] = []
        last = -math.inf
        for hz in [*wanted, 16_000, 20_000]:
            place = self.position(hz) * height
            if 8 <= place <= height - 8 and place - last >= spacing:
                chosen.append((float(hz), f"{hz // 1000}k" if hz >= 1000 else str(hz)))
                last = place
        return chosen


def _mel(hz: float) -> float:
    return 2595 * math.log10(1 + hz / 700)


def rows_to_bins(axis: FrequencyAxis, height: int, rate_hz: int) -> NDArray[np.int64]:
    """Stored spectrum bin of every pixel row, the top row first; (height,) int64."""
    position = 1 - (np.arange(height) + 0.5) / height
    top = _mel(rate_hz / 2)
    mel = 2595 * np.log10(1 + axis.hz(position) / 700)
    bins: NDArray[np.int64] = np.floor(mel / top * BINS).astype(np.int64)
    # Above half the rate there is nothing: -1.
    return np.where(bins < BINS, bins, -1)


def rows_to_units(
    axis: FrequencyAxis, height: int, freq_hz: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Nearest mask unit of every pixel row, the top row first; -1 outside of the mask."""
    hz = axis.hz(1 - (np.arange(height) + 0.5) / height)
    if len(freq_hz) == 1:
        return np.zeros(height, np.int64)
    borders = (freq_hz[:-1] + freq_hz[1:]) / 2
    unit = np.searchsorted(borders, hz)
    half = (freq_hz[-1] - freq_hz[-2]) / 2
    return np.where(hz <= freq_hz[-1] + half, unit, -1)


def note(hz: float) -> str:
    """``A4 +3``: the nearest tempered note, and by how many cents it is missed."""
    if hz < 16:
        return "–"
    number = 69 + 12 * math.log2(hz / 440)
    nearest = round(number)
    cents = round(100 * (number - nearest))
    return f"{_NOTES[nearest % 12]}{nearest // 12 - 1} {cents:+d}"


def time_ticks(
    start_s: float,
    stop_s: float,
    width: int,
    spacing: int = 90,
    begin: datetime | None = None,
) -> list[float]:
    """Moments at least ``spacing`` pixels apart, round as ``clock_text`` writes them."""
    least_s = (stop_s - start_s) * spacing / max(1, width)
    step_s = next((step for step in _STEPS_S if step >= least_s), _STEPS_S[-1])
    day_s = 0.0
    if begin is not None:
        local = begin.astimezone()
        day_s = local.hour * 3600 + local.minute * 60 + local.second + local.microsecond / 1e6
    first, last = (start_s + day_s) / step_s, (stop_s + day_s) / step_s
    ticks = (k * step_s - day_s for k in range(math.ceil(first), math.floor(last) + 1))
    return [tick for tick in ticks if tick >= 0]


def clock_text(seconds: float, begin: datetime | None, decimals: int = 0) -> str:
    """Time of day if ``begin`` (that of second 0) is given, else the position in the source."""
    if begin is not None:
        moment = (begin + timedelta(seconds=seconds)).astimezone()
        fraction = f".{moment.microsecond // 10 ** (6 - decimals):0{decimals}d}" if decimals else ""
        return moment.strftime("%H:%M:%S") + fraction
    scale = 10**decimals
    whole, rest = divmod(math.floor(max(0.0, seconds) * scale + 1e-6), scale)
    text = f"{whole // 60 % 60:02d}:{whole % 60:02d}"
    text = f"{whole // 3600}:{text}" if whole >= 3600 else text
    return f"{text}.{rest:0{decimals}d}" if decimals else text
