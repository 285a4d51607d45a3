"""Scores as tables for people and as JSON for programs."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from streamseg.errors import CannotWriteError
from streamseg.evaluation.analyser import CLASSES
from streamseg.evaluation.clips import ClipScore
from streamseg.evaluation.programmes import ProgrammeScore

Record = dict[str, Any]


def programme_table(scores: Mapping[str, ProgrammeScore], total: ProgrammeScore) -> Table:
    """One row a condition and one over all. F1 throughout; m, s, n are music, speech, noise."""
    table = Table(title="F1 by condition", box=None, pad_edge=False)
    for heading in ("condition", "one class", "m", "s", "n", "multi-label", "m", "s", "n"):
        table.add_column(heading, justify="left" if heading == "condition" else "right")
    for heading in ("events", "m", "s", "n", "silence called sth.", "calibration error"):
        table.add_column(heading, justify="right")
    for name, score in scores.items():
        table.add_row(name, *_programme_cells(score))
    table.add_section()
    table.add_row("over all", *_programme_cells(total), style="bold")
    return table


def _programme_cells(score: ProgrammeScore) -> list[str]:
    cells: list[str] = []
    for counts in (score.one_class, score.multi_label, score.events):
        cells += [_shown(_mean(counts.f1)), *map(_shown, counts.f1)]
    return [*cells, _shown(score.silence_false_alarms), _shown(score.calibration.error)]


def clip_table(score: ClipScore) -> Table:
    """Frame-level F1 on clips: music against speech, and all three classes."""
    table = Table(title="Frame-level F1 on clips", box=None, pad_edge=False)
    table.add_column("")
    for heading in ("mean", *CLASSES, "frames"):
        table.add_column(heading, justify="right")
    for name, confusion in (
        ("music against speech", score.music_speech),
        ("three classes", score.three_classes),
    ):
        f1 = confusion.f1
        cells = [_shown(value) for value in f1] + [""] * (len(CLASSES) - len(f1))
        table.add_row(name, _shown(_mean(f1)), *cells, str(confusion.frames.sum()))
    return table


def programme_record(score: ProgrammeScore) -> Record:
    """The figures, and the counts behind them."""
    return {
        "one_class": {
            **_f1_record(score.one_class.f1),
            "confusion": score.one_class.frames.tolist(),
        },
        "multi_label": _f1_record(score.multi_label.f1),
        "events": {
            **_f1_record(score.events.f1),
            "hits": score.events.hits.tolist(),
            "false_alarms": score.events.false_alarms.tolist(),
            "misses": score.events.misses.tolist(),
        },
        "silence_false_alarms": _number(score.silence_false_alarms),
        "calibration_error": _number(score.calibration.error),
    }


def clip_record(score: ClipScore) -> Record:
    """The figures, and the counts behind them."""
    return {
        name: {**_f1_record(confusion.f1), "confusion": confusion.frames.tolist()}
        for name, confusion in (
            ("music_speech", score.music_speech),
            ("three_classes", score.three_classes),
        )
    }


def write_json(path: Path, record: Record) -> None:
    """Raises CannotWriteError."""
    text = json.dumps({"schema": 1, "classes": CLASSES, **record}, indent=2, allow_nan=False)
    try:
        path.write_text(text + "\n", "utf-8")
    except OSError as error:
        raise CannotWriteError(
            f"expected to write {path}: {error.strerror}; choose another file"
        ) from None


def _f1_record(f1: NDArray[np.float64]) -> Record:
    by_class = {name: _number(value) for name, value in zip(CLASSES, f1, strict=False)}
    return {"f1_mean": _number(_mean(f1)), "f1": by_class}


def _mean(f1: NDArray[np.float64]) -> float:
    """Over the classes that occur; NaN if none does."""
    known = f1[np.isfinite(f1)]
    return float(known.mean()) if known.size else float("nan")


def _number(value: float) -> float | None:
    return round(float(value), 4) if math.isfinite(value) else None


def _shown(value: float) -> str:
    return f"{value:.3f}" if math.isfinite(value) else "-"
