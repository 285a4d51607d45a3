"""An event as one line of the log. Only the standard library is imported here."""

from __future__ import annotations

import dataclasses
import json
import math
from datetime import datetime

from streamseg.sinks.events import Event

SCHEMA = 1
"""Grows when a key changes its meaning or goes; new keys do not count."""

_DECIMALS = {"score_mean": 4, "score_peak": 4, "level_dbfs": 1, "lufs": 1, "drift_ppm": 1}
_DECIMALS_OTHERWISE = 3  # seconds


def rfc3339(time: datetime) -> str:
    """``2026-03-29T01:59:59.900+01:00``: to the millisecond, always with an offset in digits."""
    return time.isoformat(timespec="milliseconds")


def to_line(event: Event) -> bytes:
    """One line of UTF-8 JSON with its line end. Numbers that are not finite become null.

    Text that is not valid Unicode (a file name in another encoding) is written as JSON escapes.
    """
    stamp = event.stamp
    record: dict[str, str | int | float | None] = {
        "schema": SCHEMA,
        "event": event.name,
        "source": stamp.source,
        "time": rfc3339(stamp.time),
        "sample": int(stamp.sample),
        "rate_hz": int(stamp.rate_hz),
    }
    for field in dataclasses.fields(event):
        if field.name != "stamp":
            record[field.name] = _plain(field.name, getattr(event, field.name))
    text = json.dumps(record, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode("utf-8", errors="backslashreplace") + b"\n"


def _plain(key: str, value: object) -> str | int | float | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, int):
        return value
    number = float(value)  # type: ignore[arg-type]  # also numpy's numbers, not imported here
    if not math.isfinite(number):
        return None
    return round(number, _DECIMALS.get(key, _DECIMALS_OTHERWISE))
