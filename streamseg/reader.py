"""Reads one source on its analysis thread: clock, holes, and the way to the network's mailbox.

Holes: sound that nobody heard ends the stretch. Up to ``FILL_S`` of it is replaced by silence, so
that a lost block of a hundredth of a second does not cut a song in two; a longer hole closes all
segments, and front end, network and decisions begin anew behind it. Both are logged.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np

from streamseg.capture.base import Delivery, Lost, Restored, Source
from streamseg.listener import Anchor, Begin, End, Note
from streamseg.messages import Block, Loss, Spectra
from streamseg.models import Network
from streamseg.settings import Settings
from streamseg.sinks.events import Clock, Event, Overload, SourceLost, SourceRestored
from streamseg.stages import EndOfStretch, SourceFront
from streamseg.worker import Mailbox

FILL_S = 0.5
READ_TIMEOUT_S = 0.2  # how soon a stop is noticed on a source that delivers nothing
LOOK_S = 1.0  # between two looks at the clock: no decision is made sooner
AHEAD_S = 0.05  # a burst of device blocks; less is not worth an anchor

Mail = Spectra | Begin | Anchor | EndOfStretch | Note | End


class Reader:
    """Reads one source on its analysis thread until it ends or is stopped."""

    def __init__(
        self,
        source: Source,
        network: Network,
        settings: Settings,
        mail: Mailbox[Mail],
        tap: Callable[[str, Block], None],
    ) -> None:
        self._source = source
        self._tap = tap
        self._mail = mail
        self._lookahead = network.flush_frames
        self._format = source.open()
        self._rate_hz = self._format.rate_hz
        self._clock: Clock | None = None
        self._next_look_s = 0.0  # at the clock, on the monotonic clock
        grid = network.grid(self._rate_hz)
        self._front = SourceFront(source.name, network.card, grid, settings.model.block_s)

    def run(self, stop: threading.Event) -> None:
        """Returns at the end of the source or when ``stop`` is set; closes the stretch always."""
        try:
            while not (stop.is_set() or self._source.exhausted):
                delivery = self._source.read(READ_TIMEOUT_S)
                if delivery is not None:
                    self._take(delivery)
        finally:
            if self._clock is None:
                self._begin(0)
            self._end_stretch()

    def _begin(self, frames: int) -> Clock:
        """The anchor: the first ``frames`` samples have just been heard."""
        age_s = frames / self._rate_hz if self._source.live else 0.0
        self._clock = Clock(
            datetime.now(UTC) - timedelta(seconds=age_s),
            time.monotonic() - age_s,
            self._rate_hz,
        )
        self._mail.put(Begin(self._source.name, self._format, self._clock))
        return self._clock

    def _take(self, delivery: Delivery) -> None:
        if isinstance(delivery, Block):
            if self._clock is None:
                self._begin(delivery.sample + delivery.samples.size)
            self._keep_time(delivery.sample + delivery.samples.size)
            self._tap(self._source.name, delivery)
            self._close_hole(delivery.sample)
            for spectra in self._front.push(delivery.samples):
                self._mail.put(spectra)
            return
        clock = self._clock or self._begin(0)
        if isinstance(delivery, Restored):
            # How long the gap was is known by the clock alone: a new anchor.
            clock = Clock(datetime.now(UTC), time.monotonic(), self._rate_hz, delivery.sample)
            self._set_clock(clock)
        stamp = clock.stamp(self._source.name, delivery.sample)
        if isinstance(delivery, Loss):
            lost_s = delivery.frames / self._rate_hz
            self._note(Overload(stamp, dropped_s=lost_s, queue=delivery.queue))
        elif isinstance(delivery, Lost):
            self._end_stretch()
            self._note(SourceLost(stamp, reason=delivery.reason))
        else:
            self._note(SourceRestored(stamp, gap_s=delivery.gap_s))

    def _keep_time(self, end: int) -> None:
        """No sound is dated later than it came.

        A streaming server sends some seconds at once when one connects: the sample counter then
        runs ahead of the clock, and the anchor has to move back.
        """
        clock, now_s = self._clock, time.monotonic()
        if clock is None or not self._source.live or now_s < self._next_look_s:
            return
        self._next_look_s = now_s + LOOK_S
        ahead_s = clock.monotonic_s + (end - clock.sample) / self._rate_hz - now_s
        if ahead_s > AHEAD_S:
            wall = clock.wall - timedelta(seconds=ahead_s)
            self._set_clock(replace(clock, wall=wall, monotonic_s=clock.monotonic_s - ahead_s))

    def _set_clock(self, clock: Clock) -> None:
        self._clock = clock
        self._mail.put(Anchor(self._source.name, clock))

    def _close_hole(self, sample: int) -> None:
        missing = sample - self._front.sample
        assert missing >= 0, "the sample counter of a source never runs backwards"
        if missing > FILL_S * self._rate_hz:
            self._end_stretch()
            self._front.restart(sample)
        elif missing:
            for spectra in self._front.push(np.zeros(missing, np.float32)):
                self._mail.put(spectra)

    def _end_stretch(self) -> None:
        for spectra in self._front.finish(self._lookahead):
            self._mail.put(spectra)
        self._mail.put(self._front.end())
        self._front.restart(self._front.sample)

    def _note(self, event: Event) -> None:
        self._mail.put(Note(self._source.name, event))
