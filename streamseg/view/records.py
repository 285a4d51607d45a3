"""What the window is told: frozen records, made on other threads, never changed. No Qt."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from streamseg.messages import Genre, Label, StreamFormat
from streamseg.sinks.events import Event, Severity, Stamp
from streamseg.view.history import BoolArray, MaskColumns, UInt8Array
from streamseg.view.latency import Percentiles
from streamseg.view.layers import LayerSet
from streamseg.view.measure import Meters

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
    mask: str = ""
    """Network that draws the masks and what really runs it; empty: no masks are drawn."""
    stems: str = ""
    """The same of the masks of drums, bass, other and vocals."""
    genre: str = ""
    """The same of what kind of music it is."""
    target_lufs: float = -23.0
    """What the meters call 0 LU."""
    dual_mono: bool = False
    """One channel is measured as two loudspeakers, 3 LU more."""


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
    session: int
    """Of which opening: sound and picture of earlier ones are not kept."""
    event: Event
    text: str
    severity: Severity | None
    """None: no alarm."""
    acknowledged: bool

    @property
    def alarm(self) -> bool:
        """Whether it waits, or waited, to be acknowledged."""
        return self.severity is not None


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that waits for a person: until it is over, and until somebody has seen it."""

    number: int
    """Of the event that raised it."""
    session: int
    rule: str
    text: str
    severity: Severity
    stamp: Stamp
    """Where it began."""
    end: Stamp | None
    """Where it was over; None while it stands."""
    acknowledged: bool

    @property
    def stands(self) -> bool:
        """Whether the cause is still there."""
        return self.end is None

    @property
    def waits(self) -> bool:
        """Whether there is still something to be said about it."""
        return self.stands or not self.acknowledged


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
    masks_dropped_s: float
    """Sound that was heard but got no mask: masks give way first."""
    stems_dropped_s: float
    """The same of the masks of the stems, which give way before the others."""
    silent_for_s: float
    """Time since the last block of sound came."""


@dataclass(frozen=True, slots=True)
class Redrawn:
    """Columns ``first`` to ``stop`` look different from this generation on."""

    generation: int
    first: int
    stop: int
    layers: LayerSet | None = None
    """Only where these masks are laid over; None: everywhere."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A moment at which the sound turned into another one."""

    sample: int
    strength: float


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
    """Of all openings since the program began, the oldest first."""
    alarms: tuple[Alarm, ...]
    """In the order in which they began; those long over may be gone."""
    meters: Meters
    health: Health
    layers: tuple[LayerSet, ...]
    """Which masks there are."""
    curve_end: int
    """Position of the newest value of the boundary curve; -1: there is none."""
    turns: tuple[Turn, ...]
    """Boundaries of the event log, the oldest first."""
    genre: Genre | None
    """The newest that was said."""
    audio_problem: str | None

    @property
    def has_mask(self) -> bool:
        """Whether there is any mask."""
        return bool(self.layers)

    @property
    def open_labels(self) -> tuple[Label, ...]:
        """Labels on air by the event log."""
        return tuple(span.label for span in self.spans if span.end is None)

    @property
    def unacknowledged(self) -> int:
        """Alarms that nobody has acknowledged."""
        return sum(not alarm.acknowledged for alarm in self.alarms)

    @property
    def waiting(self) -> tuple[Alarm, ...]:
        """Alarms that stand, or that nobody has seen."""
        return tuple(alarm for alarm in self.alarms if alarm.waits)

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
    mask: MaskColumns | None = None
    """Of the one column; None where there is no mask."""
    change: float | None = None
    """Boundary curve; None where there is none."""
    turn: Turn | None = None
    """The boundary that is nearest, if it is near."""


def empty_snapshot(
    session: int,
    condition: Condition,
    reason: str,
    source: SourceInfo | None,
    events: tuple[ListedEvent, ...] = (),
    alarms: tuple[Alarm, ...] = (),
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
        events=events,
        alarms=alarms,
        meters=Meters(),
        health=Health(None, None, 0.0, None, None, 0.0, 0.0, 0.0, 0.0, 0.0),
        layers=(),
        curve_end=-1,
        turns=(),
        genre=None,
        audio_problem=None,
    )
