"""``python -m streamseg.evaluation compare``: networks on the same clips, and their differences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from rich.table import Table

from streamseg.evaluation.analyser import Analyser
from streamseg.evaluation.per_clip import (
    Accuracy,
    ClipAnswer,
    answer_clip,
    pair_accuracy,
    three_accuracy,
)
from streamseg.evaluation.significance import Difference, holm, mcnemar, wilson
from streamseg.evaluation.truth import Clip

QUESTIONS = {"music against speech": pair_accuracy, "three classes": three_accuracy}


@dataclass(frozen=True, slots=True)
class Compared:
    """Two systems on one question."""

    question: str
    one: str
    other: str
    difference: Difference
    p_holm: float
    """Held against all comparisons on the same question."""


def answer_all(clips: Iterable[Clip], analyse: Analyser) -> list[ClipAnswer]:
    """One answer a clip."""
    return [answer_clip(clip.label, analyse(clip.audio)) for clip in clips]


def compare(answers: Mapping[str, Sequence[ClipAnswer]]) -> list[Compared]:
    """Every pair of systems on every question; ``answers`` are to the same clips, by system."""
    found = []
    for question, accuracy in QUESTIONS.items():
        clips = {name: accuracy(given).clips for name, given in answers.items()}
        pairs = list(combinations(answers, 2))
        differences = [mcnemar(clips[one], clips[other]) for one, other in pairs]
        adjusted = holm([difference.p_value for difference in differences])
        found += [
            Compared(question, one, other, difference, p_holm)
            for (one, other), difference, p_holm in zip(pairs, differences, adjusted, strict=True)
        ]
    return found


def accuracy_table(answers: Mapping[str, Sequence[ClipAnswer]]) -> Table:
    """One row a system and question: per segment, per clip with its 95 % interval."""
    table = Table(title="Accuracy", box=None, pad_edge=False)
    for heading in ("question", "network", "per segment", "per clip", "95 %", "wrong", "clips"):
        table.add_column(heading, justify="left" if heading in ("question", "network") else "right")
    for question, accuracy in QUESTIONS.items():
        for name, given in answers.items():
            table.add_row(question, name, *_cells(accuracy(given)))
    return table


def _cells(found: Accuracy) -> list[str]:
    number = found.clips.size
    if not number:
        return ["-", "-", "-", "0", "0"]
    right = int(found.clips.sum())
    sure = wilson(right, number)
    return [
        f"{found.segments:.4f}",
        f"{found.per_clip:.4f}",
        f"{sure.low:.3f}..{sure.high:.3f}",
        str(number - right),
        str(number),
    ]


def difference_table(compared: Sequence[Compared]) -> Table:
    """One row a pair of systems and question."""
    table = Table(title="McNemar's exact test, per clip", box=None, pad_edge=False)
    for heading in ("question", "one", "other", "only one right", "only other", "p", "p (Holm)"):
        table.add_column(
            heading, justify="left" if heading in ("question", "one", "other") else "right"
        )
    for row in compared:
        differ = row.difference
        counts = (str(differ.only_one), str(differ.only_other))
        shown = (f"{differ.p_value:.2g}", f"{row.p_holm:.2g}")
        table.add_row(row.question, row.one, row.other, *counts, *shown)
    return table


def comparison_record(
    answers: Mapping[str, Sequence[ClipAnswer]], compared: Sequence[Compared]
) -> dict[str, Any]:
    """Both tables for programs."""
    accuracy = {
        question: {name: _accuracy_record(measure(given)) for name, given in answers.items()}
        for question, measure in QUESTIONS.items()
    }
    differences = [
        {
            "question": row.question,
            "one": row.one,
            "other": row.other,
            "only_one": row.difference.only_one,
            "only_other": row.difference.only_other,
            "p": row.difference.p_value,
            "p_holm": row.p_holm,
        }
        for row in compared
    ]
    return {"accuracy": accuracy, "differences": differences}


def _accuracy_record(found: Accuracy) -> dict[str, Any]:
    if not found.clips.size:
        return {"clips": 0}
    right = int(found.clips.sum())
    sure = wilson(right, found.clips.size)
    return {
        "clips": found.clips.size,
        "right": right,
        "per_clip": round(found.per_clip, 5),
        "per_clip_95": [round(sure.low, 5), round(sure.high, 5)],
        "per_segment": round(found.segments, 5),
    }
