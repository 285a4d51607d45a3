"""What the window shows, and the one place where threads meet. No Qt.

Any thread writes through a ``Feed``; the window's timer reads ``snapshot`` and asks for the pieces
of the long histories that it draws. One lock, held for the time of copying a piece. Memory is
bounded by ``history_s``.
"""

from __future__ import annotations

import threading
import time

import numpy as np

from streamseg.messages import Change, Float32Array, FrameGrid, Genre, Mask, StreamFormat
from streamseg.view.audio_spool import MOST_CHANNELS, AudioSpool
from streamseg.view.display import Columns
from streamseg.view.event_book import EventBook
from streamseg.view.extracts import mask_of, reading_of
from streamseg.view.health import Timing, health_of
from streamseg.view.history import GROUP, LEVELS, Early, Frames, UInt8Array
from streamseg.view.latency import ArrivalClock, Latencies
from streamseg.view.layers import LayerSet, set_of
from streamseg.view.measure import Meters
from streamseg.view.programme import Programme
from streamseg.view.records import (
    Condition,
    PixelColumns,
    Reading,
    Redrawn,
    Snapshot,
    SourceInfo,
    empty_snapshot,
)
from streamseg.view.stem_spool import StemSpool

HISTORY_S = 3600.0
STARVED_S = 1.0  # without a block for longer, a source that should deliver is said to be silent
_NO_COLUMNS = PixelColumns(np.zeros((0, 0), np.uint8), np.zeros(0, np.bool_), None)


class ViewState:
    """One source at a time, with all that is remembered of it."""

    def __init__(self, history_s: float = HISTORY_S) -> None:
        self.history_s = history_s
        self.lock = threading.RLock()
        self.latencies = Latencies()
        self.book = EventBook()
        self.session = 0
        self._condition: Condition = "idle"
        self._reason = ""
        self._source: SourceInfo | None = None
        self._finite = False
        self._programme: Programme | None = None
        self._timing: Timing | None = None
        self._spool: AudioSpool | None = None

    # Writing: the engine's owner

    def opening(self, name: str) -> int:
        """Another source is being opened; returns the number of its session."""
        with self.lock:
            self.session += 1
            self.book.begin(self.session)
            self._condition, self._reason = "opening", name
            self._programme = self._timing = self._source = None
            self.latencies.clear()
            self._drop_audio()
            return self.session

    def opened(
        self, session: int, source: SourceInfo, format_: StreamFormat, grid: FrameGrid, finite: bool
    ) -> None:
        """The source delivers in this format."""
        with self.lock:
            if session != self.session:
                return
            self._condition, self._reason = "live", ""
            self._source, self._finite = source, finite
            self._programme = Programme(source, format_, grid, self.history_s)
            now_s = time.monotonic()
            self._timing = Timing(ArrivalClock(format_.rate_hz), now_s)
            self._drop_audio()
            try:
                kept = format_.channels if format_.channels <= MOST_CHANNELS else 1
                self._spool = AudioSpool(round(self.history_s * format_.rate_hz), kept)
            except OSError:
                self._spool = None

    def finished(self, session: int, condition: Condition, reason: str) -> None:
        """The source has ended or failed; what was seen of it stays."""
        with self.lock:
            if session == self.session:
                self._condition, self._reason = condition, reason
                if self._programme is not None:
                    self._programme.condition, self._programme.reason = condition, reason

    def current(self, session: int) -> tuple[Programme, Timing, AudioSpool | None] | None:
        """For the feed of that session, under ``lock``: what to write to, if it is still shown."""
        if session != self.session or self._programme is None or self._timing is None:
            return None
        return self._programme, self._timing, self._spool

    def show_mask(self, mask: Mask) -> None:
        """A mask of the current source; any thread."""
        with self.lock:
            programme = self._programme
            if programme is None or mask.source != programme.source.name:
                return
            programme.add_mask(mask)
        if set_of(mask.classes) == "stems":
            programme.stems.write(mask)  # to the disk: nobody waits for it

    def show_change(self, change: Change) -> None:
        """More of the boundary curve of the current source; any thread."""
        with self.lock:
            if self._programme is not None and change.source == self._programme.source.name:
                self._programme.add_change(change)

    def show_genre(self, genre: Genre) -> None:
        """What kind of music the current source is; any thread."""
        with self.lock:
            if self._programme is not None and genre.source == self._programme.source.name:
                self._programme.genre = genre

    def add_columns(self, session: int, columns: Columns, meters: Meters) -> None:
        """What the display worker made."""
        with self.lock:
            if (now := self.current(session)) is not None:
                now[0].add_columns(columns, meters)

    def acknowledge(self, number: int | None = None) -> list[str]:
        """Somebody has seen an alarm, or all of them.

        Returns the rules of the current source that nobody had acknowledged before.
        """
        with self.lock:
            fresh = self.book.acknowledge(number)
            return [alarm.rule for alarm in fresh if alarm.session == self.session]

    def close(self) -> None:
        """Let go of the disk space."""
        with self.lock:
            self._drop_audio()

    # Reading: the window

    def snapshot(self, now_s: float | None = None) -> Snapshot:
        """The newest of everything; ``now_s`` is the monotonic clock."""
        now_s = time.monotonic() if now_s is None else now_s
        with self.lock:
            programme, timing = self._programme, self._timing
            if programme is None or timing is None:
                return empty_snapshot(
                    self.session,
                    self._condition,
                    self._reason,
                    self._source,
                    self.book.events,
                    self.book.alarms,
                )
            silent_s = now_s - timing.last_arrival_s
            condition = programme.condition
            if condition == "live" and silent_s > STARVED_S:
                condition = "starved"
            edge = programme.heard
            if condition in ("lost", "starved") and not self._finite:
                edge = max(edge, timing.tapped + round(silent_s * programme.rate_hz))
            return Snapshot(
                session=self.session,
                condition=condition,
                reason=programme.reason,
                source=self._source,
                format=programme.format,
                rate_hz=programme.rate_hz,
                hop=programme.hop,
                first=programme.first,
                edge=edge,
                heard=programme.heard,
                confirmed=programme.frames.newest or 0,
                begin=programme.begin_time,
                finite=self._finite,
                generation=programme.generation,
                spans=programme.spans,
                gaps=programme.gaps,
                events=self.book.events,
                alarms=self.book.alarms,
                meters=programme.meters,
                health=health_of(programme, timing, self.latencies, now_s),
                layers=programme.layers,
                curve_end=-1 if programme.curve.newest is None else programme.curve.newest,
                turns=programme.turns,
                genre=programme.genre,
                audio_problem=self._audio_problem(),
            )

    def changes(self, since: int) -> list[Redrawn] | None:
        """What was drawn anew after a generation; None when that is too long ago to know."""
        with self.lock:
            if self._programme is None or since > self._programme.generation:
                return None
            changes = [c for c in self._programme.changes if c.generation > since]
            if len(changes) < self._programme.generation - since:
                return None
            return changes

    def pixels(
        self, first: int, stop: int, columns_per_pixel: float, layers: LayerSet = "classes"
    ) -> PixelColumns:
        """Spectrum and one set of masks of pixel columns; p shows columns p*q to (p+1)*q."""
        with self.lock:
            programme = self._programme
            if programme is None or stop <= first:
                return _NO_COLUMNS
            pixel = np.arange(first, stop)
            middle = np.floor((pixel + 0.5) * columns_per_pixel).astype(np.int64)
            mask = programme.masks[layers].read(middle)
            if columns_per_pixel <= 1:
                low = int(middle[0])
                data, present = programme.columns.read(low, int(middle[-1]) + 1)
                return PixelColumns(data[middle - low], present[middle - low], mask)
            level = min(LEVELS - 1, int(np.log(columns_per_pixel) / np.log(GROUP) + 1e-9))
            step = columns_per_pixel / GROUP**level
            starts = np.floor(pixel * step).astype(np.int64)
            low, high = int(starts[0]), int(np.floor(stop * step))
            data, present = programme.columns.read(low, high, level)
        data[~present] = 0
        pooled: UInt8Array = np.maximum.reduceat(data, starts - low, axis=0)
        return PixelColumns(pooled, np.logical_or.reduceat(present, starts - low), mask)

    def early(self) -> Early:
        """What is provisionally said about the newest sound that was heard."""
        with self.lock:
            if self._programme is None:
                return Early(np.empty(0, np.int64), np.empty((0, 0), np.float32))
            return self._programme.early.heard_by(self._programme.heard)

    def frames(self, start: int, stop: int, most: int | None = None) -> Frames:
        """Probabilities with their middle between two positions; see ``FrameRing.read``."""
        with self.lock:
            if self._programme is None:
                none = np.zeros((0, 0), np.float32)
                return Frames(
                    np.zeros(0, np.int64),
                    none,
                    none,
                    none[:, 0] if none.size else np.zeros(0, np.float32),
                )
            return self._programme.frames.read(start, stop, most)

    def curve(self, start: int, stop: int) -> Frames:
        """The boundary curve between two positions, as ``level_dbfs`` of frames without classes."""
        with self.lock:
            if self._programme is None:
                none = np.zeros((0, 0), np.float32)
                return Frames(np.zeros(0, np.int64), none, none, np.zeros(0, np.float32))
            return self._programme.curve.read(start, stop)

    def reading(self, sample: int, layers: LayerSet = "classes") -> Reading:
        """What there is at a position."""
        with self.lock:
            programme = self._programme
            if programme is None:
                return Reading(sample, None, (), ())
            return reading_of(programme, sample, layers)

    def audio(self, start: int, stop: int) -> Float32Array:
        """The sound itself, (n, channels) float32; silence where it is not kept."""
        spool = self.spool
        if spool is None:
            return np.zeros((max(0, stop - start), 1), np.float32)
        return spool.read(start, stop)

    @property
    def spool(self) -> AudioSpool | None:
        """The sound of the current source; whoever holds it can read it to its end."""
        with self.lock:
            return self._spool

    @property
    def stems(self) -> StemSpool | None:
        """The fine masks of the stems of the current source; None without a source."""
        with self.lock:
            return None if self._programme is None else self._programme.stems

    def mask(self, start: int, stop: int) -> Mask | None:
        """The classes' mask of a stretch on the grid of the columns; None where there is none.

        Columns without a mask are zero in every class.
        """
        with self.lock:
            programme = self._programme
            if programme is None:
                return None
            return mask_of(programme, start, stop)

    def drawn(self, sample: int, now_s: float | None = None) -> None:
        """A picture whose newest sample this is has just been drawn."""
        with self.lock:
            timing = self._timing
        if timing is not None:
            age_s = timing.clock.age_s(sample, time.monotonic() if now_s is None else now_s)
            if age_s is not None:
                self.latencies.add(age_s)

    def _audio_problem(self) -> str | None:
        if self._spool is None:
            return "no temporary file could be made"
        return self._spool.problem

    def _drop_audio(self) -> None:
        if self._spool is not None:
            self._spool.close()
            self._spool = None
