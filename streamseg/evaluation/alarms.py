"""Alarms about the programme: which ones the truth deserves, and which ones come.

The same rules with the same patience hear the segments of the truth and those that streamseg
decides. Both are short here, so that four minutes hold some: half a minute without speech or
without music, 15 s of noise alone.

- *deserved* is what the truth raises when a layer far under another (``programmes.HIDDEN_DB``)
  counts as on air: nobody could contradict it;
- *found* is a deserved alarm of which an alarm of the same rule covers a moment;
- *wrong* is an alarm that covers no moment of one that the truth raises, with hidden layers or
  without;
- *error* is how far the beginnings of a deserved alarm and of the first that found it differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

import numpy as np
from rich.table import Table

from streamseg.decisions.alarms import Alarms
from streamseg.decisions.segments import Closed, Opened
from streamseg.evaluation.analyser import Analyser
from streamseg.evaluation.programmes import HIDDEN_DB
from streamseg.evaluation.truth import Programme, Truth
from streamseg.messages import Label, RuleHolds, Segment
from streamseg.settings_alarms import RULES, AlarmSettings

ASKED = ("no_speech", "no_music", "noise_only")
PATIENCE = AlarmSettings(
    off=tuple(rule for rule in RULES if rule not in ASKED),
    noise_s=15,
    no_speech_min=0.5,
    no_music_min=0.5,
    rate_max=1000,
)


@dataclass(frozen=True, slots=True)
class Alarm:
    """From where a condition began to where it was over."""

    rule: str
    start_s: float
    end_s: float

    def meets(self, other: Alarm) -> bool:
        """The same rule at a common moment."""
        same = self.rule == other.rule
        return same and self.start_s < other.end_s and other.start_s < self.end_s


@dataclass(frozen=True, slots=True)
class AlarmScore:
    """Of one rule, over one programme or several added up."""

    deserved: int
    errors_s: tuple[float, ...]
    """Of those that were found."""
    wrong: int

    def __add__(self, other: AlarmScore) -> AlarmScore:
        return AlarmScore(
            self.deserved + other.deserved,
            self.errors_s + other.errors_s,
            self.wrong + other.wrong,
        )

    @property
    def median_error_s(self) -> float:
        """NaN where nothing was found."""
        return float(np.median(self.errors_s)) if self.errors_s else float("nan")


def raised(segments: Iterable[Segment], rate_hz: int, end: int) -> list[Alarm]:
    """What the rules raise on these segments of a stream of ``end`` samples, by ``PATIENCE``."""
    # Neither loudness nor a schedule is asked, so neither of the two functions is ever called.
    alarms = Alarms(rate_hz, PATIENCE, lambda _: None, lambda _: datetime.now(UTC))
    decisions = [
        decision
        for segment in sorted(segments, key=lambda segment: segment.start)
        for decision in (Opened(segment.label, segment.start), Closed(segment))
    ]
    changes = alarms.decided(decisions, end) + alarms.finish(end)
    return [
        Alarm(change.rule, change.start / rate_hz, change.end / rate_hz)
        for change in changes
        if isinstance(change, RuleHolds)
    ]


def on_air(truth: Sequence[Truth], rate_hz: int, hidden: bool) -> Iterator[Segment]:
    """The layers as segments, those of one label joined; ``hidden``: also those far under."""
    for label in sorted({layer.label for layer in truth}):
        spans = sorted(
            (layer.start_s, layer.end_s)
            for layer in truth
            if layer.label == label and (hidden or layer.level_db >= HIDDEN_DB)
        )
        joined: list[tuple[float, float]] = []
        for start_s, end_s in spans:
            if joined and start_s <= joined[-1][1]:
                joined[-1] = (joined[-1][0], max(end_s, joined[-1][1]))
            else:
                joined.append((start_s, end_s))
        for start_s, end_s in joined:
            start, end = round(start_s * rate_hz), round(end_s * rate_hz)
            yield Segment(cast(Label, label), start, end, 1.0, 1.0, 0.0)


def score_alarms(
    truth: Sequence[Truth], segments: Iterable[Segment], rate_hz: int, end: int
) -> dict[str, AlarmScore]:
    """One score a rule; ``end`` is the length of the programme in samples."""
    deserved, allowed = (
        raised(on_air(truth, rate_hz, hidden), rate_hz, end) for hidden in (True, False)
    )
    heard = raised(segments, rate_hz, end)
    scores = {}
    for rule in ASKED:
        errors_s = []
        due = [alarm for alarm in deserved if alarm.rule == rule]
        for alarm in due:
            met = [other for other in heard if other.meets(alarm)]
            if met:
                errors_s.append(abs(met[0].start_s - alarm.start_s))
        wrong = [
            alarm
            for alarm in heard
            if alarm.rule == rule and not any(map(alarm.meets, (*deserved, *allowed)))
        ]
        scores[rule] = AlarmScore(len(due), tuple(errors_s), len(wrong))
    return scores


def evaluate(programmes: Iterable[Programme], analyse: Analyser) -> dict[str, AlarmScore]:
    """One score a rule over all programmes."""
    scores = dict.fromkeys(ASKED, AlarmScore(0, (), 0))
    for programme in programmes:
        heard = analyse(programme.audio)
        end = round(programme.duration_s * heard.rate_hz)
        for rule, score in score_alarms(
            programme.truth, heard.segments, heard.rate_hz, end
        ).items():
            scores[rule] += score
    return scores


def alarms_table(scores: dict[str, AlarmScore]) -> Table:
    """One row a rule and one over all."""
    table = Table(title="Alarms about the programme", box=None, pad_edge=False)
    for heading in ("rule", "deserved", "found", "wrong", "median error of the beginning, s"):
        table.add_column(heading, justify="left" if heading == "rule" else "right")
    total = sum(scores.values(), AlarmScore(0, (), 0))
    for rule, score in scores.items():
        table.add_row(rule, *_cells(score))
    table.add_section()
    table.add_row("all", *_cells(total), style="bold")
    return table


def _cells(score: AlarmScore) -> tuple[str, ...]:
    found = len(score.errors_s)
    return (str(score.deserved), str(found), str(score.wrong), f"{score.median_error_s:.2f}")


def alarms_record(scores: dict[str, AlarmScore]) -> dict[str, Any]:
    """For JSON, by rule."""
    return {
        rule: {
            "deserved": score.deserved,
            "found": len(score.errors_s),
            "wrong": score.wrong,
            "median_error_s": score.median_error_s if score.errors_s else None,
        }
        for rule, score in scores.items()
    }
