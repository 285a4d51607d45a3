"""What the window is told: frozen records, made on other threads, never changed. No Qt."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from streamseg.messages import Label, StreamFormat
from streamseg.sinks.events import Event
from streamseg.view.display import Meters
from streamseg.view.history import BoolArray, MaskColumns, UInt8Array
from streamseg.view.latency import Percentiles

Condition = Literal["idle", "opening", "live", "starved", "lost", "ended", "failed"]
"""Of the source. ``starved``: it claims to run, and nothing arrives."""

GapKind = Literal["lost", "undrawn"]
"""``lost``: nobody heard it. ``undrawn``: it was analysed, only the window did not keep up."""


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What is monitored, and by what."""

    name: str
    model: str
    provider: str
    """The execution provider that really runs."""
    classes: tuple[str, ...]
    lookahead_s: float
    """Sound that the network must hear after a frame before it confirms it."""
    block_s: float
    """Sound per call of the network."""
    on: float
    off: float
    """Thresholds of the decisions."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of one label; ``end`` is None while it lasts."""

    label: Label
    start: int
    end: int | None
    score_mean: float | None = None
    level_dbfs: float | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """Samples ``start`` to ``stop`` that cannot be shown."""

    start: int
    stop: int
    kind: GapKind


@dataclass(frozen=True, slots=True)
class ListedEvent:
    """A line of the event list."""

    number: int
    event: Event
    text: str
    alarm: bool
    acknowledged: bool


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the window tells the truth of this very moment."""

    latency: Percentiles | None
    """Age of the newest sample in the picture when it was drawn."""
    decided_behind_s: float | None
    """Age of the newest frame with a confirmed probability."""
    queue_s: float
    """Sound that waits for the network beyond what its look-ahead and block explain."""
    speed: float | None
    """Seconds of sound analysed per second of time."""
    network_speed: float | None
    """Seconds of sound per second of computing in the network."""
    dropped_s: float
    undrawn_s: float
    silent_for_s: float
    """Time since the last block of sound came."""


@dataclass(frozen=True, slots=True)
class Change:
    """Columns ``first`` to ``stop`` look different from this generation on."""

    generation: int
    first: int
    stop: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that the window shows but the long histories, which are asked for in pieces."""

    session: int
    """Grows with every source that is opened."""
    condition: Condition
    reason: str
    """Why it is lost, ended or failed; empty otherwise."""
    source: SourceInfo | None
    format: StreamFormat | None
    rate_hz: int
    """1 before a source was opened, so that positions can always be divided."""
    hop: int
    """Samples per spectrum column."""
    first: int
    """Oldest sample that is kept."""
    edge: int
    """Where the picture ends: the newest sample drawn, or now while the source is lost."""
    heard: int
    """Position after the newest sample that has a column."""
    confirmed: int
    """Newest sample with a confirmed probability."""
    begin: datetime | None
    """Time of day of sample 0."""
    finite: bool
    generation: int
    spans: tuple[Span, ...]
    gaps: tuple[Gap, ...]
    events: tuple[ListedEvent, ...]
    meters: Meters
    health: Health
    has_mask: bool
    audio_problem: str | None

    @property
    def open_labels(self) -> tuple[Label, ...]:
        """Labels on air by the event log."""
        return tuple(span.label for span in self.spans if span.end is None)

    @property
    def unacknowledged(self) -> int:
        """Alarms that nobody has acknowledged."""
        return sum(event.alarm and not event.acknowledged for event in self.events)

    def seconds(self, sample: int) -> float:
        """A position in seconds since the source began."""
        return sample / self.rate_hz


@dataclass(frozen=True, slots=True)
class PixelColumns:
    """Spectrum and mask as a picture of some width needs them.

    Shape: ``data`` (n, BINS) uint8, ``present`` (n,) bool; the mask has as many columns.
    """

    data: UInt8Array
    present: BoolArray
    mask: MaskColumns | None


@dataclass(frozen=True, slots=True)
class Reading:
    """What the cursor points at."""

    sample: int
    spectrum: NDArray[np.uint8] | None
    """(BINS,) stored levels; None where nothing was heard."""
    provisional: tuple[float, ...]
    confirmed: tuple[float, ...]
    """Empty where there is no probability."""


def empty_snapshot(
    session: int, condition: Condition, reason: str, source: SourceInfo | None
) -> Snapshot:
    """Before there is any sound."""
    return Snapshot(
        session=session,
        condition=condition,
        reason=reason,
        source=source,
        format=None,
        rate_hz=1,
        hop=1,
        first=0,
        edge=0,
        heard=0,
        confirmed=0,
        begin=None,
        finite=False,
        generation=0,
        spans=(),
        gaps=(),
        events=(),
        meters=Meters(),
        health=Health(None, None, 0.0, None, None, 0.0, 0.0, 0.0),
        has_mask=False,
        audio_problem=None,
    )
