"""Reads one source on its analysis thread: clock, holes, and the way to the network's mailbox.

Time: ``timekeeper`` dates the sound; every new anchor and every jump of the time of day goes to the
network's thread in its place among the sound.

Holes: sound that nobody heard ends the stretch. Up to ``FILL_S`` of it is replaced by silence, so
that a lost block of a hundredth of a second does not cut a song in two; a longer hole closes all
segments, and front end, network and decisions begin anew behind it. Both are logged.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import numpy as np

from streamseg.capture.base import Delivery, Lost, Restored, Source
from streamseg.capture.digital_silence import ZerosBegan, ZeroWatch
from streamseg.errors import SourceUnavailableError
from streamseg.listener import Acknowledge, Anchor, Begin, End, Note
from streamseg.mask_stage import HasOutlets
from streamseg.messages import Block, Float32Array, Loss, Spectra, StreamFormat
from streamseg.models import Network
from streamseg.settings import CaptureSettings, Settings
from streamseg.sinks.events import (
    Clock,
    ClockStep,
    Event,
    Overload,
    SourceLost,
    SourceRestored,
    SourceSilent,
    SourceSounding,
    Stamp,
)
from streamseg.stages import EndOfStretch, SourceFront
from streamseg.ticks import now_s
from streamseg.timekeeper import Timekeeper, read_clocks
from streamseg.worker import Mailbox

FILL_S = 0.5
READ_TIMEOUT_S = 0.2  # how soon a stop is noticed on a source that delivers nothing
EASE_S = 0.1  # how soon to look again whether the network has caught up
UNKNOWN_RATE_HZ = 48_000

Mail = Spectra | Begin | Anchor | EndOfStretch | Note | Acknowledge | End


def open_source(
    source: Source,
    settings: CaptureSettings,
    stop: threading.Event,
    emit: Callable[[Event], object],
) -> StreamFormat | None:
    """Open a source, waiting for it if ``retry_at_start`` says so; None when stopped before.

    Raises what ``Source.open`` raises where nobody is willing to wait, and for what waiting does
    not mend. Waiting is logged like any other loss, at a sample counter that has not begun.
    """
    lost_s, retry_s = now_s(), settings.retry_first_s
    said = False
    while not stop.is_set():
        try:
            opened = source.open()
        except SourceUnavailableError as error:
            source.close()
            if not settings.retry_at_start:
                raise
            if not said:
                emit(SourceLost(_before_the_first(source.name), str(error)))
            said = True
            stop.wait(retry_s)
            retry_s = min(2 * retry_s, settings.retry_longest_s)
            continue
        if said:
            emit(SourceRestored(_before_the_first(source.name), now_s() - lost_s))
        return opened
    return None


def _before_the_first(source: str) -> Stamp:
    # The rate is not known yet; nought is nought at any.
    return Stamp(source, datetime.now(UTC).astimezone(), 0, UNKNOWN_RATE_HZ)


class Reader:
    """Reads one source on its analysis thread until it ends or is stopped."""

    def __init__(
        self,
        source: Source,
        opened: StreamFormat,
        network: Network,
        settings: Settings,
        mail: Mailbox[Mail],
        tap: Callable[[str, Block], None],
        stages: Sequence[HasOutlets] = (),
        piece_s: float | None = None,
    ) -> None:
        """``stages`` hear the same sound; ``piece_s``: sound in one piece for the network, if not
        ``model.block_s``.
        """
        self._source = source
        self._tap = tap
        self._mail = mail
        self._lookahead = network.flush_frames
        self._format = opened
        self._rate_hz = self._format.rate_hz
        self._time: Timekeeper | None = None
        silent_frames = round(settings.capture.silent_s * self._rate_hz)
        # What a file holds is its own business.
        self._zeros = ZeroWatch(silent_frames if source.live else 0)
        grid = network.grid(self._rate_hz)
        self._front = SourceFront(
            source.name, network.card, grid, piece_s or settings.model.block_s, settings.alarms
        )
        self._outlets = [stage.outlet(source.name, self._rate_hz) for stage in stages]

    @property
    def drift_ppm(self) -> float | None:
        """By how much the source's clock is faster than this machine's; None: not yet known."""
        return self._time.drift_ppm if self._time else None

    def run(self, stop: threading.Event) -> None:
        """Returns at the end of the source or when ``stop`` is set; closes the stretch always."""
        try:
            while not (stop.is_set() or self.exhausted):
                if not self.step(READ_TIMEOUT_S) and self._held_back:
                    stop.wait(EASE_S)
        finally:
            self.finish()

    @property
    def exhausted(self) -> bool:
        """Whether the source has ended."""
        return self._source.exhausted

    def step(self, timeout_s: float) -> bool:
        """Take the next delivery, waiting at most so long; whether there was one."""
        if self._held_back:
            return False
        delivery = self._source.read(timeout_s)
        if delivery is not None:
            self._take(delivery)
        elif self._time is not None:
            self._look(self._time)
        return delivery is not None

    @property
    def _held_back(self) -> bool:
        """The network needs the processor more: live sound waits in its ring meanwhile."""
        return self._source.live and self._mail.crowded

    def finish(self) -> None:
        """Close the stretch: nothing more comes."""
        if self._time is None:
            self._begin(0)
        self._end_stretch()

    def _begin(self, frames: int) -> Timekeeper:
        """The anchor: the first ``frames`` samples have just been heard."""
        live = self._source.live
        self._time = Timekeeper(self._rate_hz, frames if live else 0, read_clocks(), live=live)
        self._mail.put(Begin(self._source.name, self._format, self._time.clock))
        return self._time

    def _take(self, delivery: Delivery) -> None:
        if isinstance(delivery, Block):
            end = delivery.sample + delivery.samples.size
            time = self._time or self._begin(end)
            time.heard(end, now_s())
            self._look(time)
            self._tap(self._source.name, delivery)
            self._close_hole(delivery.sample)
            self._hear(delivery.samples, delivery.channels)
            self._watch_zeros(delivery)
            return
        time = self._time or self._begin(0)
        if isinstance(delivery, Restored):
            before = time.clock
            time.restored(delivery.sample, read_clocks())
            self._set_clock(time, before)
        stamp = self._stamp(delivery.sample)
        if isinstance(delivery, Loss):
            lost_s = delivery.frames / self._rate_hz
            self._note(Overload(stamp, dropped_s=lost_s, queue=delivery.queue))
        elif isinstance(delivery, Lost):
            self._end_stretch()
            self._zeros.reset()
            self._note(SourceLost(stamp, reason=delivery.reason))
        else:
            self._note(SourceRestored(stamp, gap_s=delivery.gap_s))

    def _look(self, time: Timekeeper) -> None:
        if not time.due(now_s()):
            return
        before = time.clock
        step = time.look(read_clocks())
        self._set_clock(time, before)
        if step is not None:
            self._note(ClockStep(self._stamp(self._front.sample), step.step_s, step.cause))

    def _set_clock(self, time: Timekeeper, before: Clock) -> None:
        if time.clock is not before:
            self._mail.put(Anchor(self._source.name, time.clock))

    def _watch_zeros(self, block: Block) -> None:
        for found in self._zeros.push(block):
            stamp, silent_s = self._stamp(found.sample), found.frames / self._rate_hz
            if isinstance(found, ZerosBegan):
                self._note(SourceSilent(stamp, silent_s))
            else:
                self._note(SourceSounding(stamp, silent_s))

    def _stamp(self, sample: int) -> Stamp:
        time = self._time or self._begin(0)
        return time.clock.stamp(self._source.name, sample)

    def _close_hole(self, sample: int) -> None:
        missing = sample - self._front.sample
        assert missing >= 0, "the sample counter of a source never runs backwards"
        if missing > FILL_S * self._rate_hz:
            self._end_stretch()
            self._front.restart(sample)
            for outlet in self._outlets:
                outlet.restart(sample)
        elif missing:
            self._hear(np.zeros(missing, np.float32), None)

    def _hear(self, samples: Float32Array, channels: Float32Array | None) -> None:
        for spectra in self._front.push(samples, channels):
            self._mail.put(spectra)
        for outlet in self._outlets:
            outlet.push(samples)

    def _end_stretch(self) -> None:
        for spectra in self._front.finish(self._lookahead):
            self._mail.put(spectra)
        self._mail.put(self._front.end())
        self._front.restart(self._front.sample)
        for outlet in self._outlets:
            outlet.end_stretch()

    def _note(self, event: Event) -> None:
        self._mail.put(Note(self._source.name, event))
