"""The board as plain JSON values, for the status page. No network here."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from streamseg import __version__
from streamseg.sinks.board import LABELS, TIMELINE_S, Alarm, Board, SourceState, Span
from streamseg.sinks.fan_out import FanOut
from streamseg.sinks.health import Health
from streamseg.sinks.lines import rfc3339

CELL_S = 10.0
CELLS = round(TIMELINE_S / CELL_S)


def state_now(board: Board, health: Health, fan_out: FanOut) -> dict[str, Any]:
    """What changes every second."""
    sources: list[dict[str, Any]] = []
    board.read(lambda state: sources.append(_source(state)))
    problems = health.problems()
    return {
        "now": rfc3339(datetime.now().astimezone()),
        "began": rfc3339(board.began),
        "version": __version__,
        "model": board.model,
        "realtime_factor": round(board.realtime_factor, 1),
        "sources": sources,
        "alarms": [_alarm(alarm) for alarm in board.alarms()],
        "outputs": {
            lane.name: {"waiting": lane.waiting, "dropped": lane.dropped} for lane in fan_out.lanes
        },
        "ok": not problems,
        "problems": problems,
    }


def _source(state: SourceState) -> dict[str, Any]:
    return {
        "name": state.name,
        "condition": state.condition,
        "reason": state.reason,
        "silent": state.silent,
        "format": state.format,
        "classes": list(state.classes),
        "probability": {label: round(value, 3) for label, value in state.probability.items()},
        "level_dbfs": _finite(state.level_dbfs),
        "lufs": {window: _finite(value) for window, value in state.lufs.items()},
        "on": {label: rfc3339(opened.stamp.time) for label, opened in state.open.items()},
        "alarms": {rule: alarm.severity for rule, alarm in state.raised.items()},
        "queue_s": round(state.queue_s, 1),
        "dropped_s": round(state.dropped_samples / state.rate_hz, 2) if state.rate_hz else 0.0,
        "gaps": state.gaps,
        "gap_s": round(state.gap_s, 1),
        "drift_ppm": None if state.drift_ppm is None else round(state.drift_ppm, 1),
    }


def _alarm(alarm: Alarm) -> dict[str, Any]:
    return {
        "source": alarm.source,
        "rule": alarm.rule,
        "severity": alarm.severity,
        "text": alarm.text,
        "raised": rfc3339(alarm.raised),
        "cleared": rfc3339(alarm.cleared) if alarm.cleared else None,
        "acknowledged": alarm.acknowledged,
    }


def _finite(value: float) -> float | None:
    return round(value, 1) if math.isfinite(value) else None


def timeline(board: Board) -> dict[str, Any]:
    """The last hour of every source: per label a digit for every ten seconds, share of it in 0..9.

    It ends now, or where the newest segment ends in a file that is read faster than real time.
    """
    spans: dict[str, list[Span]] = {}

    def look(state: SourceState) -> None:
        opened = [Span(label, event.stamp.time, None) for label, event in state.open.items()]
        spans[state.name] = [*state.spans, *opened]

    board.read(look)
    ends = [span.end or span.start for of_source in spans.values() for span in of_source]
    end = max([datetime.now().astimezone(), *ends])
    return {
        "end": rfc3339(end),
        "cell_s": CELL_S,
        "sources": {
            name: {
                label: _cells([s for s in of_source if s.label == label], end) for label in LABELS
            }
            for name, of_source in spans.items()
        },
    }


def _cells(spans: Iterable[Span], end: datetime) -> str:
    begin = end - timedelta(seconds=TIMELINE_S)
    covered_s = [0.0] * CELLS
    for span in spans:
        start_s = max(0.0, (span.start - begin).total_seconds())
        stop_s = min(TIMELINE_S, ((span.end or end) - begin).total_seconds())
        for cell in range(int(start_s / CELL_S), min(CELLS, math.ceil(stop_s / CELL_S))):
            cell_s = cell * CELL_S
            covered_s[cell] += max(0.0, min(stop_s, cell_s + CELL_S) - max(start_s, cell_s))
    return "".join(str(min(9, round(share_s / CELL_S * 9))) for share_s in covered_s)
