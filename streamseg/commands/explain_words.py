"""Why a segment was there, or was not: sentences with the numbers that decided it.

Pure: from the records of ``explain_log`` to text. The thresholds are those that the trace says were
in force. Alarms: ``explain_alarms``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from streamseg.commands.explain_alarms import explain_rule
from streamseg.commands.explain_log import SourceLog, Stretch
from streamseg.commands.explain_span import Span
from streamseg.decisions.alarm_rules import rules
from streamseg.decisions.alarm_words import duration, quantity
from streamseg.messages import Score, Second
from streamseg.settings import DecisionSettings

LABELS = ("music", "speech", "noise", "silence")
_LEAST_GAP_S = 1.0
"""A shorter gap between two segments cannot be: the decisions bridge it."""
_MOST_BOUNDARIES = 20
"""Told one by one: an hour of music can have a hundred."""


def explain(
    source: SourceLog, span: Span, labels: Sequence[str], names: Sequence[str]
) -> Iterator[str]:
    """Paragraphs about these labels and alarm rules of one source; a line each."""
    settings = source.settings_at(span.start)
    table = rules(settings.alarms)
    rows = [row for row in source.seconds if span.start <= row.time < span.end]
    yield from _heard(source, span, rows)
    for label in labels:
        yield ""
        yield from explain_label(label, source, span, settings.decisions)
    if set(labels) == set(LABELS):
        yield ""
        yield _boundaries(source, span)
    off = [name for name in names if not table[name].enabled] if len(names) > 1 else []
    for name in names:
        if name not in off:
            yield ""
            yield from explain_rule(name, source, span, settings)
    if off:
        yield ""
        yield f"Off: {', '.join(off)}."


def _heard(source: SourceLog, span: Span, rows: list[Second]) -> Iterator[str]:
    yield f"{source.name}, {span.part(span.start, span.end)}"
    for loss in source.losses:
        if loss.touches(span.start, span.end):
            end = min(loss.end or span.end, span.end)
            part = span.part(max(loss.start, span.start), end)
            yield f"The source was away {part}: {loss.said.get('reason', 'no reason given')}."
    traced_s = sum(row.length_s for row in rows)
    if not source.seconds:
        yield "There is no trace of this source: what was not logged cannot be explained."
    elif traced_s < span.seconds - 1:
        yield f"The trace has {duration(traced_s)} of these {duration(span.seconds)}."


# Segments


def explain_label(
    label: str, source: SourceLog, span: Span, settings: DecisionSettings
) -> Iterator[str]:
    """When a label was on air in a span, and why it was not for the rest."""
    yield _how(label, settings)
    here = sorted(
        (s for s in source.segments if s.name == label and s.touches(span.start, span.end)),
        key=lambda segment: segment.start,
    )
    at = span.start
    for segment in here:
        yield from _no_segment(label, source, Span(at, segment.start), span, settings)
        yield _segment(segment, span)
        at = max(at, segment.end or span.end)
    yield from _no_segment(label, source, Span(at, span.end), span, settings)


def _boundaries(source: SourceLog, span: Span) -> str:
    """Where something else began; of many those that stand out most."""
    here = [(at, strength) for at, strength in source.boundaries if span.start <= at < span.end]
    if not here:
        return "boundaries: none was logged."
    most = sorted(sorted(here, key=lambda one: one[1])[-_MOST_BOUNDARIES:])
    said = ", ".join(f"{span.clock(at)} ({strength:.2f})" for at, strength in most)
    rest = len(here) - len(most)
    more = f", and {rest} weaker ones" if rest else ""
    return f"boundaries: something else began at {said}{more} (strength: 0 none, 2 two worlds)."


def _how(label: str, settings: DecisionSettings) -> str:
    quiet = quantity(settings.silence_dbfs, "dBFS")
    if label == "silence":
        return (
            f"silence: the level is under silence_dbfs = {quiet} for "
            f"silence_min_on_s = {duration(settings.silence_min_on_s)} or more."
        )
    return (
        f"{label}: a segment opens when the score reaches on = {settings.on:g} and lasts "
        f"min_on_s = {duration(settings.min_on_s)}, and closes when it stays under "
        f"off = {settings.off:g} for min_off_s = {duration(settings.min_off_s)}."
    )


def _segment(segment: Stretch, span: Span) -> str:
    if segment.end is None:
        return f"{segment.name} is on air since {span.clock(segment.start)}, still at the end."
    said = segment.said
    text = f"{segment.name} was on air {span.part(segment.start, segment.end)}"
    if "score_mean" in said and segment.name != "silence":
        text += f": mean score {said['score_mean']:.2f}, highest {said['score_peak']:.2f}"
    if said.get("level_dbfs") is not None:
        text += f", level {quantity(said['level_dbfs'], 'dBFS')}"
    return text + "."


def _no_segment(
    label: str, source: SourceLog, gap: Span, span: Span, settings: DecisionSettings
) -> Iterator[str]:
    """The reason for a gap, from the seconds that lie wholly inside it."""
    if gap.seconds < _LEAST_GAP_S:
        return
    rows = [
        row
        for row in source.seconds
        if row.time >= gap.start and row.time + timedelta(seconds=row.length_s) <= gap.end
    ]
    head = f"no {label} {span.part(gap.start, gap.end)}"
    if not rows:
        yield f"{head}: {_short_gap(label, source, gap, settings)}."
    elif label == "silence":
        yield f"{head}: {_not_silent(rows, settings)}."
    else:
        yield f"{head}: {_not_on(label, rows, span, settings)}."


def _short_gap(label: str, source: SourceLog, gap: Span, settings: DecisionSettings) -> str:
    """No second lies wholly inside: what the two around it say."""
    rows = [
        row
        for row in source.seconds
        if row.time < gap.end and row.time + timedelta(seconds=row.length_s) > gap.start
    ]
    scores = [score.lowest for row in rows if (score := _score(row, label)) is not None]
    if not scores:
        return "there is no trace of this time" if not rows else "it is too short to say more"
    return f"its score fell to {min(scores):.2f}, under off = {settings.off:g}"


def _not_silent(rows: list[Second], settings: DecisionSettings) -> str:
    lowest = min((row.lowest_dbfs for row in rows if row.lowest_dbfs is not None), default=None)
    limit = quantity(settings.silence_dbfs, "dBFS")
    if lowest is None:
        return "its level was not measured"
    text = f"the level never fell below {quantity(lowest, 'dBFS')}"
    if lowest >= settings.silence_dbfs:
        return f"{text}, over silence_dbfs = {limit}"
    need = duration(settings.silence_min_on_s)
    return (
        f"the level fell to {quantity(lowest, 'dBFS')}, under silence_dbfs = {limit}, but never "
        f"for the {need} that silence_min_on_s asks"
    )


def _not_on(label: str, rows: list[Second], span: Span, settings: DecisionSettings) -> str:
    loudest = max((row.highest_dbfs for row in rows if row.highest_dbfs is not None), default=None)
    if loudest is not None and loudest < settings.silence_dbfs:
        return (
            f"the level stayed under silence_dbfs = {quantity(settings.silence_dbfs, 'dBFS')} "
            f"(highest {quantity(loudest, 'dBFS')}), so every score counted as 0"
        )
    scores = [(row, score) for row in rows if (score := _score(row, label)) is not None]
    if not scores:
        return "the network does not know this class"
    low = min(score.lowest for _, score in scores)
    row, high = max(scores, key=lambda pair: pair[1].highest)
    mean = sum(score.mean for _, score in scores) / len(scores)
    on = f"on = {settings.on:g}"
    if high.highest < settings.on:
        return (
            f"its score stayed between {low:.2f} and {high.highest:.2f} (mean {mean:.2f}), "
            f"under {on}, so no segment opened"
        )
    on_s = sum(score.on_s for _, score in scores)
    return (
        f"its score reached {high.highest:.2f} at {span.clock(row.time)} and was at or above {on} "
        f"for {duration(on_s)} of it (mean {mean:.2f}), but not for "
        f"min_on_s = {duration(settings.min_on_s)} together without falling under "
        f"off = {settings.off:g}"
    )


def _score(row: Second, label: str) -> Score | None:
    return next((score for score in row.scores if score.label == label), None)
