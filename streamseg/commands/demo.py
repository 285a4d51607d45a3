"""``streamseg demo``: the main job on the bundled programme, beside what is really in it."""

from __future__ import annotations

import csv
from datetime import datetime
from pathlib import Path

from rich.console import Console

from streamseg.commands import log, timeline
from streamseg.commands.timeline import Span
from streamseg.resources import demo_dir
from streamseg.settings import Settings
from streamseg.sinks.events import Event, SegmentClose, Started

LANE_HEAD = 18  # columns in front of a lane


def run(console: Console, settings: Settings) -> None:
    """Monitor the demo programme, write its log, print both time lines.

    Raises what the monitor raises, e.g. CannotWriteError for the log.
    """
    path = demo_dir() / "demo.opus"
    reference = read_reference(path.with_suffix(".csv"))
    heard: list[Span] = []

    anchor: list[datetime] = []

    def keep(event: Event) -> None:
        if isinstance(event, Started):
            anchor.append(event.stamp.time)
        elif isinstance(event, SegmentClose):
            start_s, end_s = ((at - anchor[0]).total_seconds() for at in (event.start, event.end))
            heard.append(Span(start_s, end_s, event.label))

    # Whatever runs around the clock with these settings has its ports, and its broker to itself.
    log.monitor([str(path)], settings.alone(), also=keep)
    duration_s = max(span.end_s for span in [*reference, *heard])
    width = max(40, min(console.width, 120) - LANE_HEAD)
    console.print(f"{path.name}: {duration_s:.0f} s, model {settings.model.name}")
    for line in timeline.compare(heard, reference, duration_s, width):
        console.print(line)
    shares = timeline.agreement(heard, reference, duration_s)
    console.print(
        "same as the reference: "
        + ", ".join(f"{label} {share:.1%}" for label, share in shares.items())
        + " of the time"
    )
    console.print(f"event log: {settings.log.file}")


def read_reference(path: Path) -> list[Span]:
    """The true segments: a CSV with ``start_s,end_s,label``."""
    with path.open(newline="", encoding="utf-8") as file:
        return [
            Span(float(row["start_s"]), float(row["end_s"]), row["label"])
            for row in csv.DictReader(file)
        ]
