"""Where the engine's threads hand over what happens to one source, and the display worker.

``tap`` runs on the analysis thread, ``watch`` on the network's, ``sink`` on the sinks': each
returns at once. The spectrum, the meters and the sound on disk are made on a worker of its own.
Full: the oldest blocks are dropped, counted, and shown as not drawn; the analysis is never held up.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass

from streamseg.messages import (
    Block,
    Change,
    Estimate,
    Float32Array,
    FrameGrid,
    Genre,
    Mask,
    StreamFormat,
)
from streamseg.sinks.events import Event
from streamseg.view.audio_spool import MOST_CHANNELS
from streamseg.view.display import DisplayAnalyser
from streamseg.view.records import SourceInfo
from streamseg.view.state import ViewState
from streamseg.worker import Mailbox, Worker

WAITING_S = 5.0  # sound that may wait for the display worker
_END_S = 5.0
_BLOCK_S = 0.01  # the shortest blocks that a device delivers
SPEED_S = 10.0


@dataclass(frozen=True, slots=True)
class _Piece:
    block: Block
    expected: int
    """Position at which the block before it ended."""


class Feed:
    """One source, from its opening to its end."""

    def __init__(self, state: ViewState, session: int, held_back: bool = False) -> None:
        """``held_back``: ``tap`` waits instead of dropping; for sources faster than real time."""
        self._state = state
        self._session = session
        self._expected = 0
        self._held_back = held_back
        self._mailbox: Mailbox[_Piece] = Mailbox(
            round(WAITING_S / _BLOCK_S), lambda new, old: not held_back
        )
        self._worker = Worker("display", self._mailbox, self._analyse, lambda: None)
        self._analyser: DisplayAnalyser | None = None
        self._position = 0  # after the last sample that was analysed for display
        self._speed: deque[tuple[float, int]] = deque()
        self._reset_maxima = False

    @property
    def error(self) -> BaseException | None:
        """What ended the display worker, if anything did."""
        return self._worker.error

    def open(
        self, source: SourceInfo, format_: StreamFormat, grid: FrameGrid, finite: bool
    ) -> None:
        """The source delivers in this format; called once, before the first block."""
        self._analyser = DisplayAnalyser(format_.rate_hz, dual_mono=source.dual_mono)
        self._state.opened(self._session, source, format_, grid, finite)
        self._worker.start()

    def close(self) -> None:
        """Draw what is waiting, then end the worker.

        Of a live source what takes longer than ``_END_S`` is given up; a source that was held back
        is drawn to its end, as long as something is being drawn.
        """
        while True:
            before = self._position
            self._worker.stop(timeout_s=_END_S)
            if not self._held_back or self._position == before:
                break
        self._analyser = None

    def reset_maxima(self) -> None:
        """Begin integrated loudness and highest peak anew with the next block."""
        self._reset_maxima = True

    # Threads of the engine

    def tap(self, source: str, block: Block) -> None:
        """A block of sound; analysis thread."""
        now_s = time.monotonic()
        end = block.sample + block.samples.size
        with self._state.lock:
            current = self._state.current(self._session)
            if current is None:
                return
            programme, timing, _ = current
            timing.clock.arrived(end, now_s)
            timing.last_arrival_s, timing.tapped = now_s, end
            if block.sample > self._expected:
                programme.add_gap(self._expected, block.sample, "lost")
        self._mailbox.put(_Piece(block, self._expected))
        self._expected = end

    def watch(self, estimate: Estimate) -> None:
        """Probabilities; thread of the network."""
        if not len(estimate.level_dbfs):
            return
        with self._state.lock:
            current = self._state.current(self._session)
            if current is None:
                return
            programme, timing, _ = current
            programme.add_estimate(estimate)
            newest = programme.frames.newest or 0
            now_s = time.monotonic()
            self._speed.append((now_s, newest))
            while now_s - self._speed[0][0] > SPEED_S:
                self._speed.popleft()
            since_s, since = self._speed[0]
            if now_s - since_s > 1.0:
                timing.speed = (newest - since) / programme.rate_hz / (now_s - since_s)

    def sink(self, event: Event) -> None:
        """An event of the log; thread of the sinks."""
        with self._state.lock:
            self._state.book.add(self._session, event)
            if (current := self._state.current(self._session)) is not None:
                current[0].add_event(event)

    def mask(self, mask: Mask) -> None:
        """A mask of the classes or of the stems; any thread."""
        self._state.show_mask(mask)

    def change(self, change: Change) -> None:
        """More of the boundary curve; any thread."""
        self._state.show_change(change)

    def genre(self, genre: Genre) -> None:
        """What kind of music it is; any thread."""
        self._state.show_genre(genre)

    def masks_dropped(self, dropped_s: float, stems_s: float = 0.0) -> None:
        """So much sound got no mask of the classes, and of the stems, until now; any thread."""
        with self._state.lock:
            if (current := self._state.current(self._session)) is not None:
                current[1].masks_dropped_s, current[1].stems_dropped_s = dropped_s, stems_s

    def computed(self, sound_s: float, computing_s: float) -> None:
        """The network took ``computing_s`` for ``sound_s`` of sound; thread of the network."""
        with self._state.lock:
            current = self._state.current(self._session)
            if current is not None and computing_s > 0 and sound_s > 0:
                timing = current[1]
                speed = sound_s / computing_s
                old = timing.network_speed
                timing.network_speed = speed if old is None else old + 0.05 * (speed - old)

    # Display worker

    def _analyse(self, pieces: list[_Piece]) -> None:
        analyser = self._analyser
        if analyser is None:  # closed meanwhile
            return
        for piece in pieces:
            block = piece.block
            if self._reset_maxima:
                self._reset_maxima = False
                analyser.reset_maxima()
            if block.sample != self._position:
                self._jump(piece)
                analyser.restart(block.sample)
            self._position = block.sample + block.samples.size
            columns = analyser.push(block.samples, block.channels)
            with self._state.lock:
                current = self._state.current(self._session)
            if current is not None and current[2] is not None:
                current[2].write(block.sample, _channels(block))
            self._state.add_columns(self._session, columns, analyser.meters())

    def _jump(self, piece: _Piece) -> None:
        """Blocks between the last one and this were dropped here, if they arrived at all."""
        if piece.expected <= self._position:
            return
        with self._state.lock:
            if (current := self._state.current(self._session)) is not None:
                programme, timing, _ = current
                programme.add_gap(self._position, piece.expected, "undrawn")
                timing.undrawn_s += (piece.expected - self._position) / programme.rate_hz


def _channels(block: Block) -> Float32Array:
    """The sound as it came: (n, channels); one channel where there is no more, or too many."""
    channels = block.channels
    if channels is None or channels.shape[1] > MOST_CHANNELS:
        return block.samples[:, None]
    return channels
