"""Everything remembered of one source from its opening on. No Qt; the state's lock guards it."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta

import numpy as np

from streamseg.messages import Change, Estimate, FrameGrid, Genre, Label, Mask, StreamFormat
from streamseg.sinks.events import (
    Boundary,
    Event,
    Overload,
    SegmentClose,
    SegmentOpen,
    SourceLost,
    SourceRestored,
    Started,
    Stopped,
)
from streamseg.view.display import BINS, Columns, hop_samples
from streamseg.view.history import ColumnRing, Early, FrameRing, Frames, MaskRing
from streamseg.view.layers import LAYERS, LayerSet, set_of
from streamseg.view.measure import Meters
from streamseg.view.records import Condition, Gap, GapKind, Redrawn, SourceInfo, Span, Turn
from streamseg.view.stem_spool import StemSpool

CHANGES = 512
CHANGE_STEP_S = 0.1
"""Room for a boundary curve this fine; a finer one is kept for less long."""


class Programme:
    """The histories of a source whose rate is known."""

    def __init__(
        self, source: SourceInfo, format_: StreamFormat, grid: FrameGrid, history_s: float
    ) -> None:
        self.source, self.format, self.grid = source, format_, grid
        self.rate_hz = format_.rate_hz
        self.hop = hop_samples(self.rate_hz)
        self.columns = ColumnRing(round(history_s * self.rate_hz / self.hop), BINS)
        self.masks = {layers: MaskRing(self.columns.capacity) for layers in LAYERS}
        self.stems = StemSpool(history_s, self.rate_hz)
        self.frames = FrameRing(round(history_s / grid.hop_s), len(source.classes))
        self.early = Early(np.empty(0, np.int64), np.empty((0, len(source.classes)), np.float32))
        self.curve = FrameRing(round(history_s / CHANGE_STEP_S), 0)  # the boundary curve
        self.turns: tuple[Turn, ...] = ()
        self.genre: Genre | None = None
        self.meters = Meters()
        self.condition: Condition = "live"
        self.reason = ""
        self.heard = 0  # position after the newest column
        self.dropped_s = 0.0
        self.overloaded_at: int | None = None
        self.begin_time: datetime | None = None  # of sample 0
        self.spans: tuple[Span, ...] = ()
        self.gaps: tuple[Gap, ...] = ()
        self.generation = 0
        self.changes: deque[Redrawn] = deque(maxlen=CHANGES)

    @property
    def first(self) -> int:
        """Oldest sample that is kept."""
        return self.columns.first * self.hop

    def add_columns(self, columns: Columns, meters: Meters) -> None:
        """What the display worker made of the newest sound."""
        self.meters = meters
        if not len(columns.data):
            return
        # Two columns may claim the same place where a hole is shorter than one.
        late = max(0, self.columns.end - columns.first)
        self.columns.write(columns.first + late, columns.data[late:])
        self.heard = self.columns.end * self.hop
        self._changed(columns.first, self.columns.end)

    def add_gap(self, start: int, stop: int, kind: GapKind) -> None:
        """Something cannot be shown."""
        kept = tuple(gap for gap in self.gaps if gap.stop > self.first)
        self.gaps = (*kept, Gap(start, stop, kind))

    def add_estimate(self, estimate: Estimate) -> None:
        """Probabilities of the network."""
        count = len(estimate.level_dbfs)
        grid, origin, first = self.grid, estimate.origin, estimate.first_frame
        ahead = len(estimate.early)
        middles = [grid.centre(origin, first + k) for k in range(count + ahead)]
        sample = np.array(middles, np.int64)
        self.frames.write(
            Frames(
                sample[:count],
                estimate.provisional,
                estimate.confirmed,
                estimate.level_dbfs,
            )
        )
        self.early = Early(sample[count:], estimate.early)

    def add_mask(self, mask: Mask) -> None:
        """A mask of either set, provisional or final."""
        layers = set_of(mask.classes)
        self._changed(*self.masks[layers].write(mask, self.hop, self.rate_hz), layers)

    @property
    def layers(self) -> tuple[LayerSet, ...]:
        """Which masks there are."""
        return tuple(layers for layers, ring in self.masks.items() if ring.classes)

    def add_change(self, change: Change) -> None:
        """More of the boundary curve."""
        count = len(change.values)
        step = change.step_s * self.rate_hz
        sample = change.sample + np.rint(np.arange(count) * step).astype(np.int64)
        none = np.empty((count, 0), np.float32)
        self.curve.write(Frames(sample, none, none, change.values.astype(np.float32)))

    def add_event(self, event: Event) -> None:
        """An event of the log."""
        stamp = event.stamp
        # The newest stamp counts: the anchor is taken again after a source was lost.
        self.begin_time = stamp.time - timedelta(seconds=stamp.sample / stamp.rate_hz)
        if isinstance(event, SegmentOpen):
            self.spans = (*self._kept(), Span(event.label, stamp.sample, None))
        elif isinstance(event, SegmentClose):
            self._close(event)
        elif isinstance(event, Boundary):
            kept = tuple(turn for turn in self.turns if turn.sample > self.first)
            self.turns = (*kept, Turn(stamp.sample, event.strength))
        elif isinstance(event, Overload):
            self.dropped_s += event.dropped_s
            self.overloaded_at = stamp.sample
        elif isinstance(event, SourceLost):
            self.condition, self.reason = "lost", event.reason
        elif isinstance(event, Started | SourceRestored):
            self.condition, self.reason = "live", ""
        elif isinstance(event, Stopped):
            self.condition, self.reason = "ended", event.reason

    def _close(self, event: SegmentClose) -> None:
        end = event.stamp.sample
        start = end - round(event.duration_s * event.stamp.rate_hz)
        closed = Span(event.label, start, end, event.score_mean, event.level_dbfs)
        spans = list(self._kept())
        place = next((i for i, s in enumerate(spans) if _is_open(s, event.label)), None)
        if place is None:
            spans.append(closed)
        else:
            spans[place] = closed
        self.spans = tuple(spans)

    def _kept(self) -> tuple[Span, ...]:
        first = self.first
        return tuple(span for span in self.spans if span.end is None or span.end > first)

    def _changed(self, first: int, stop: int, layers: LayerSet | None = None) -> None:
        self.generation += 1
        self.changes.append(Redrawn(self.generation, first, stop, layers))


def _is_open(span: Span, label: Label) -> bool:
    return span.end is None and span.label == label
