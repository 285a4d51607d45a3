"""A time line for the terminal: one row per label, one character per stretch of time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.text import Text

LABELS = ("music", "speech", "noise", "silence")

# Okabe and Ito's palette tells classes apart for every kind of colour vision; the letter does it
# without any colour.
COLOURS = {"music": "#56B4E9", "speech": "#E69F00", "noise": "#999999", "silence": "#666666"}


@dataclass(frozen=True, slots=True)
class Span:
    """One stretch of one label, in seconds."""

    start_s: float
    end_s: float
    label: str


def lane(spans: Iterable[Span], label: str, duration_s: float, width: int) -> Text:
    """A row of ``width`` characters: the label's letter where it covers half of the stretch."""
    step_s = duration_s / width
    covered = [0.0] * width
    for span in spans:
        if span.label != label:
            continue
        first = max(0, int(span.start_s / step_s))
        for cell in range(first, min(width, int(span.end_s / step_s) + 1)):
            begin_s = cell * step_s
            overlap_s = min(span.end_s, begin_s + step_s) - max(span.start_s, begin_s)
            covered[cell] += max(0.0, overlap_s) / step_s
    row = "".join(label[0].upper() if share >= 0.5 else "·" for share in covered)
    text = Text(row, style="dim")
    text.highlight_regex(f"{label[0].upper()}+", style=f"not dim bold {COLOURS[label]}")
    return text


def ruler(duration_s: float, width: int) -> str:
    """Minutes and seconds above the lanes, at round times at least ten characters apart."""
    smallest_s = 10 * duration_s / width
    step_s = next((s for s in (5, 10, 15, 30, 60, 300, 600, 1800) if s >= smallest_s), 3600)
    marks = [" "] * (width + 8)
    for second in range(0, int(duration_s) + 1, step_s):
        cell = round(second * width / duration_s)
        text = f"{second // 60}:{second % 60:02d}"
        marks[cell : cell + len(text)] = text
    return "".join(marks[:width]).rstrip()


def compare(
    heard: Sequence[Span], reference: Sequence[Span], duration_s: float, width: int
) -> list[Text]:
    """The lanes of what was heard beneath those of the reference, label by label."""
    lines = [Text(" " * 18 + ruler(duration_s, width))]
    for label in LABELS:
        for name, spans in (("reference", reference), ("heard", heard)):
            head = f"{label if name == 'reference' else '':8}{name:10}"
            lines.append(Text(head).append_text(lane(spans, label, duration_s, width)))
    return lines


def agreement(
    heard: Sequence[Span], reference: Sequence[Span], duration_s: float, step_s: float = 0.02
) -> dict[str, float]:
    """Share of time per label in which both say the same."""
    result = {}
    steps = max(1, round(duration_s / step_s))
    for label in LABELS:
        ours, theirs = [False] * steps, [False] * steps
        for spans, row in ((heard, ours), (reference, theirs)):
            for span in spans:
                if span.label == label:
                    first, last = round(span.start_s / step_s), round(span.end_s / step_s)
                    row[first:last] = [True] * len(row[first:last])
        same = sum(a == b for a, b in zip(ours, theirs, strict=True))
        result[label] = same / steps
    return result
