"""What the meters say: scales and texts. No Qt.

EBU Tech 3341: two scales, +9 (from -18 to +9 LU) and +18 (from -36 to +18 LU), and readings either
in LU relative to the target or in LUFS.
"""

from __future__ import annotations

from dataclasses import dataclass

from streamseg.view.measure import Meters
from streamseg.view.records import Snapshot

TARGET_LUFS = -23.0  # EBU R 128: 0 LU, where the settings say nothing else
_LEVEL_TICKS = (-40, -20, 0)
_SCALES = {"+9": (-18, 9, (-18, -9, 0, 9)), "+18": (-36, 18, (-36, -18, 0, 18))}


@dataclass(frozen=True, slots=True)
class Row:
    """One meter."""

    name: str
    tip: str
    low: float
    high: float
    ticks: tuple[int, ...]
    unit: str
    loud: float
    """From here on the bar has the colour of a warning."""
    limit: float
    """Above it the mark has the colour of an alarm."""
    relative: bool
    """Bar and mark are in LU relative to the target."""


@dataclass(frozen=True, slots=True)
class Value:
    """What one meter shows: bar and mark on its own scale, and its text."""

    bars: tuple[float, ...]
    """One over the whole height, or left above right; empty: nothing to say."""
    mark: float | None
    text: str


def rows(scale: str, unit: str) -> tuple[Row, ...]:
    """``scale`` is ``+9`` or ``+18``, ``unit`` ``LU`` or ``LUFS``."""
    low, high, ticks = _SCALES[scale]

    def loudness(name: str, tip: str, loud: float) -> Row:
        return Row(name, tip, low, high, ticks, unit, loud, high, relative=True)

    return (
        Row("Level", "Mean power of 0.3 s, left above right; a full-scale sine is 0.", -60, 3,
            _LEVEL_TICKS, "dBFS", -3, 0, relative=False),
        Row("Peak", "True peak between the samples, held 3 s. EBU R 128 allows −1 dBTP.", -60, 3,
            _LEVEL_TICKS, "dBTP", -3, -1, relative=False),
        loudness("M", "Momentary loudness: 0.4 s; the mark is the highest so far.", 0),
        loudness("S", "Short-term loudness: 3 s; the mark is the highest so far.", 0),
        loudness("I", "Integrated loudness since the start or the last reset, gated.", 0.5),
        Row("Phase", "Correlation of left and right over a second: +1 mono, 0 unrelated, −1 one of "
            "them inverted, which is lost in mono.", -1, 1, (-1, 0, 1), "", 1, 1, relative=False),
    )  # fmt: skip


def readings(snapshot: Snapshot) -> Meters:
    """What the meters may say now: nothing of this moment while no sound arrives."""
    if snapshot.condition == "live":
        return snapshot.meters
    meters = snapshot.meters
    return Meters(
        highest_peak_db=meters.highest_peak_db,
        highest_momentary_lufs=meters.highest_momentary_lufs,
        highest_short_lufs=meters.highest_short_lufs,
        integrated_lufs=meters.integrated_lufs,
        range_lu=meters.range_lu,
    )


def target(snapshot: Snapshot) -> float:
    """What is 0 LU for this source."""
    return TARGET_LUFS if snapshot.source is None else snapshot.source.target_lufs


def values(
    meters: Meters, shown: tuple[Row, ...], target_lufs: float = TARGET_LUFS
) -> tuple[Value, ...]:
    """In the order of ``rows``."""
    level, phase = meters.level_dbfs, meters.correlation
    made = [
        Value(meters.channels_dbfs or _bar(level), None, number(level)),
        Value(_bar(meters.true_peak_db), meters.held_peak_db, number(meters.held_peak_db)),
    ]
    loudness = (
        (meters.momentary_lufs, meters.highest_momentary_lufs),
        (meters.short_lufs, meters.highest_short_lufs),
        (meters.integrated_lufs, None),
    )
    for row, (lufs, highest) in zip(shown[2:5], loudness, strict=True):
        bar, mark = (None if x is None else x - target_lufs for x in (lufs, highest))
        made.append(Value(_bar(bar), mark, in_unit(lufs, row.unit, target_lufs)))
    text = "–" if phase is None else f"{phase:+.2f}".replace("-", "−")
    made.append(Value(_bar(phase), None, text))
    return tuple(made)


def extremes(meters: Meters, unit: str, target_lufs: float = TARGET_LUFS) -> str:
    """One line: loudness range, and the highest of everything since the last reset."""
    parts = [] if meters.range_lu is None else [f"LRA {number(meters.range_lu)} LU"]
    if meters.highest_peak_db is not None:
        parts.append(f"max {number(meters.highest_peak_db)} dBTP")
    if meters.highest_momentary_lufs is not None:
        parts.append(f"M {in_unit(meters.highest_momentary_lufs, unit, target_lufs)}")
    if meters.highest_short_lufs is not None:
        parts.append(f"S {in_unit(meters.highest_short_lufs, unit, target_lufs)}")
    return "   ".join(parts)


def in_unit(lufs: float | None, unit: str, target_lufs: float = TARGET_LUFS) -> str:
    """A loudness in LUFS, or in LU relative to the target with its sign."""
    if lufs is None or lufs <= -119.9 or unit == "LUFS":
        return number(lufs)
    return f"{lufs - target_lufs:+.1f}".replace("-", "−")


def number(value: float | None) -> str:
    """With a real minus sign; a dash where there is nothing to say."""
    if value is None:
        return "–"
    return "−∞" if value <= -119.9 else f"{value:.1f}".replace("-", "−")


def _bar(value: float | None) -> tuple[float, ...]:
    return () if value is None else (value,)
