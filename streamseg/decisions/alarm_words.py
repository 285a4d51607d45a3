"""Quantities as people say them. Used by the texts of alarms and by ``streamseg explain``."""

from __future__ import annotations

import math


def quantity(value: float | None, unit: str) -> str:
    """A value with its unit: ``-47.2 dBFS``, ``12 runs``, ``2 min 05 s``."""
    if value is None:
        return "nothing"
    if unit == "s":
        return duration(value)
    if unit == "":
        return f"{value:.2f}"
    if unit == "runs":
        return f"{value:.0f} run{'' if value == 1 else 's'}"
    # Adding nought turns -0.0 into 0.0.
    return f"{round(value, 1) + 0.0:.1f} {unit}" if math.isfinite(value) else f"no {unit}"


def duration(seconds: float) -> str:
    """``0.06 s``, ``8 s``, ``9.4 s``, ``2 min 05 s``, ``3 h 20 min``."""
    if seconds < 0.95:
        return f"{seconds:.2f} s"
    if seconds < 59.95:
        return f"{seconds:.1f} s".replace(".0 s", " s")
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s".replace(" 00 s", "")
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min".replace(" 00 min", "")
