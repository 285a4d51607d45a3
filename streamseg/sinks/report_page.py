"""The report as one HTML page: no script, nothing from elsewhere, so it opens anywhere, for ever.

Drawings are SVG inside the page; colours follow the system (light or dark) and print well. Jinja2
escapes every text that comes from a log.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import jinja2
import numpy as np

from streamseg import __version__
from streamseg.sinks.log_sums import CELL_S, CELLS, LABELS, LANES, DaySums, LogSums

PAGES = Path(__file__).resolve().parent / "pages"
DASH = "\u2013"
MOST_STRIPS = 62  # days of a source that are drawn; the table has all
MOST_ALARMS = 300
LETTERS = {"music": "M", "speech": "S", "noise": "N", "silence": DASH}
HEIGHT = 46
SCALES = (1, 2, 5, 10, 20, 50, 100)


@dataclass(frozen=True, slots=True)
class Strip:
    """A day of a source: for each lane the outline of its bars, as an SVG path.

    A cell is one unit wide; a lane is ten units high, and lies under the one before it.
    """

    day: date
    paths: dict[str, str]


def clock(seconds: float) -> str:
    """``13:07`` hours and minutes; ``0:42 min`` under an hour would be easy to misread."""
    minutes = round(seconds / 60)
    return f"{minutes // 60}:{minutes % 60:02d}"


def duration(seconds: float | None) -> str:
    """How long an alarm or a gap was: ``0.4 s``, ``42 s``, ``3:20 min``, ``2:05 h``."""
    if seconds is None:
        return "still open"
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{int(seconds) // 60}:{int(seconds) % 60:02d} min"
    return f"{clock(seconds)} h"


def share(part: float, whole: float) -> str:
    """``12.3 %``; a dash of nothing."""
    return f"{part / whole:.1%}".replace("%", " %") if whole > 0 else DASH


def strip(day: date, sums: DaySums) -> Strip:
    """The drawing of a day. Gaps and what was heard fill the whole height."""
    paths = {}
    for lane, seconds in zip(LANES, sums.cells, strict=True):
        # A short silence would not be seen at its true height.
        steps = np.where(seconds > 0, np.clip(np.ceil(seconds / CELL_S * 10), 3, 10), 0)
        if lane in LABELS:
            paths[lane] = _path(steps.astype(int).tolist(), LABELS.index(lane) * 11 + 11)
        else:
            paths[lane] = _path(np.where(steps > 0, HEIGHT, 0).tolist(), HEIGHT)
    return Strip(day, paths)


def _path(heights: list[int], bottom: int) -> str:
    """Bars that stand on ``bottom``; neighbours of one height become one bar."""
    parts = []
    begin = 0
    for cell in range(1, len(heights) + 1):
        if cell < len(heights) and heights[cell] == heights[begin]:
            continue
        if height := heights[begin]:
            parts.append(f"M{begin} {bottom}v-{height}h{cell - begin}v{height}z")
        begin = cell
    return "".join(parts)


@dataclass(frozen=True, slots=True)
class Hours:
    """Mean share of a label in each of the 24 hours, and the top of the scale, in per cent."""

    percent: list[float]
    top: int


def hours_of_day(total: DaySums, days: int) -> dict[str, Hours]:
    """By label, over the days of the report; each on a scale on which it can be seen."""
    by_hour = total.cells[: len(LABELS)].reshape(len(LABELS), 24, -1).sum(axis=2)
    percent = np.clip(by_hour / (36.0 * max(1, days)), 0, 100)
    hours = {}
    for label, row in zip(LABELS, percent, strict=True):
        top = next(top for top in SCALES if top >= min(100.0, float(row.max())))
        hours[label] = Hours(row.round(2).tolist(), top)
    return hours


def render(sums: LogSums, files: list[Path], unreadable: int, made: datetime) -> str:
    """The page."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(PAGES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters.update(clock=clock, duration=duration)
    environment.globals["share"] = share
    alarms = sorted(sums.alarms, key=lambda row: row.start, reverse=True)
    return environment.get_template("report.html").render(
        version=__version__,
        made=made,
        first=sums.first,
        last=sums.last,
        files=[path.name for path in files],
        unreadable=unreadable,
        sums=sums,
        labels=LABELS,
        letters=LETTERS,
        cells=CELLS,
        height=HEIGHT,
        sources=[_source(sums, source) for source in sums.sources],
        alarms=alarms[:MOST_ALARMS],
        alarms_left_out=max(0, len(alarms) - MOST_ALARMS),
    )


def _source(sums: LogSums, source: str) -> dict[str, Any]:
    dates = sums.dates(source)
    total = sums.total(source)
    return {
        "name": source,
        "total": total,
        "days": [(day, sums.days[source, day]) for day in dates],
        "strips": [strip(day, sums.days[source, day]) for day in dates[-MOST_STRIPS:]],
        "strips_left_out": max(0, len(dates) - MOST_STRIPS),
        "hours": hours_of_day(total, len(dates)),
    }
