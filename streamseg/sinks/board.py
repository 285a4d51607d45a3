"""What is on air now, of every source: the one place that metrics, MQTT and the status page read.

Written by three kinds of threads, read by any; one lock, held for microseconds, so nobody waits:
``heard`` is called on the analysis thread of a source with every block, ``estimated`` and
``measured`` on the network's thread, ``apply`` with every event on the sink thread. Nothing here
grows without end: the time line keeps an hour, alarms the newest hundred.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

import numpy as np

from streamseg.messages import Estimate
from streamseg.sinks.events import (
    AlarmAcknowledged,
    AlarmCleared,
    AlarmRaised,
    Event,
    Overload,
    SegmentClose,
    SegmentOpen,
    SourceLost,
    SourceRestored,
    SourceSilent,
    SourceSounding,
    Started,
    Stopped,
)

LABELS = ("music", "speech", "noise", "silence")
TIMELINE_S = 3600.0
_KEEP_SPANS = 4000  # of an hour: more would be under a second each
_KEEP_ALARMS = 100
_SETTLE_S = 3.0  # an open segment may yet be closed this much before now

Condition = Literal["waiting", "up", "lost", "ended"]


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of one label; ``end`` is None while it is on air."""

    label: str
    start: datetime
    end: datetime | None


@dataclass(slots=True)
class Alarm:
    """A rule that was broken; ``cleared`` is None while it still is."""

    source: str
    rule: str
    severity: str
    text: str
    raised: datetime
    cleared: datetime | None = None
    acknowledged: bool = False


@dataclass(slots=True)
class SourceState:
    """Everything that is known of a source. The board's own: readers get copies."""

    name: str
    live: bool = True
    condition: Condition = "waiting"
    reason: str = ""
    """Why it is lost or ended."""
    silent: bool = False
    """It delivers nothing but zeros."""
    rate_hz: int = 0
    format: str = ""
    classes: tuple[str, ...] = ()
    probability: dict[str, float] = field(default_factory=dict)
    level_dbfs: float = -math.inf
    lufs: dict[str, float] = field(default_factory=dict)
    """By window: momentary, short_term, integrated. What is not measured is not in it."""
    open: dict[str, SegmentOpen] = field(default_factory=dict)
    """By label: what is on air."""
    spans: deque[Span] = field(default_factory=lambda: deque(maxlen=_KEEP_SPANS))
    """Closed ones of the last hour."""
    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(LABELS, 0.0))
    """By label, of closed segments."""
    told_s: dict[str, float] = field(default_factory=lambda: dict.fromkeys(LABELS, 0.0))
    """By label: what was said last of closed and open ones; it never goes down."""
    drift_ppm: float | None = None
    """How much faster its clock is than this machine's; None: not yet known."""
    dropped_samples: int = 0
    gap_s: float = 0.0
    gaps: int = 0
    heard: int = 0
    """Sample counter of the newest sound."""
    computed: int = 0
    """Sample counter up to which the network has come."""
    heard_at_s: float | None = None
    """Monotonic time of the newest sound."""
    computed_at_s: float | None = None
    raised: dict[str, Alarm] = field(default_factory=dict)
    """By rule: what is broken now."""

    @property
    def queue_s(self) -> float:
        """Sound that was heard and waits for the network."""
        return max(0, self.heard - self.computed) / self.rate_hz if self.rate_hz else 0.0

    def segment_s(self, label: str) -> float:
        """Seconds of a label so far, the open segment included; never less than said before.

        An open one counts up to a little before now, because its end will be back-dated.
        """
        seconds = self.seconds[label]
        if opened := self.open.get(label):
            on_s = (self.computed - opened.stamp.sample) / opened.stamp.rate_hz
            seconds += max(0.0, on_s - _SETTLE_S)
        self.told_s[label] = max(self.told_s[label], seconds)
        return self.told_s[label]


class Board:
    """The newest state of all sources."""

    def __init__(
        self,
        names: Iterable[str],
        model: str = "",
        is_live: Callable[[str], bool] = lambda source: True,
    ) -> None:
        """``is_live``: whether sound of this source that is not read in time is lost.

        Asked when the source begins: a URL is known to be live or not only when it is open.
        """
        self.model = model
        self._is_live = is_live
        self.began = datetime.now().astimezone()
        self._states = {name: SourceState(name) for name in names}
        self._alarms: deque[Alarm] = deque(maxlen=_KEEP_ALARMS)
        self._events: dict[str, int] = {}
        self._sound_s = self._busy_s = 0.0
        self._turn = threading.Lock()

    def drifted(self, drift_ppm: Mapping[str, float]) -> None:
        """By source, how much faster its clock is than this machine's."""
        with self._turn:
            for source, found_ppm in drift_ppm.items():
                self._states[source].drift_ppm = found_ppm

    # Threads of the sources and of the network

    def heard(self, source: str, end: int) -> None:
        """Sound up to sample ``end`` has come."""
        with self._turn:
            state = self._states[source]
            state.heard, state.heard_at_s = end, time.monotonic()

    def estimated(self, estimate: Estimate) -> None:
        """What the network says. Probabilities are the newest, however provisional."""
        if not len(estimate.level_dbfs):
            return
        newest = (estimate.early if len(estimate.early) else estimate.provisional)[-1]
        power = float(np.mean(10.0 ** (estimate.level_dbfs.astype(np.float64) / 10.0)))
        with self._turn:
            state = self._states[estimate.source]
            state.classes = estimate.classes
            state.probability = dict(zip(estimate.classes, newest.tolist(), strict=True))
            state.level_dbfs = 10.0 * math.log10(power) if power > 0 else -math.inf

    def measured(self, source: str, origin: int, seconds: float, lufs: dict[str, float]) -> None:
        """The network has come this far behind sample ``origin``; loudness by window."""
        with self._turn:
            state = self._states[source]
            state.computed = origin + round(seconds * state.rate_hz)
            state.computed_at_s = time.monotonic()
            state.lufs = lufs

    def worked(self, sound_s: float, busy_s: float) -> None:
        """The network took this long for this much sound, of all sources together."""
        with self._turn:
            self._sound_s += sound_s
            self._busy_s += busy_s

    # Sink thread

    def apply(self, event: Event) -> None:
        """Take in what an event says."""
        with self._turn:
            self._events[event.name] = self._events.get(event.name, 0) + 1
            if (state := self._states.get(event.stamp.source)) is not None:
                self._apply(state, event)

    def _apply(self, state: SourceState, event: Event) -> None:
        state.rate_hz = event.stamp.rate_hz
        match event:
            case SegmentOpen():
                state.open[event.label] = event
            case SegmentClose():
                self._close(state, event)
            case AlarmRaised():
                self._raise(state, event)
            case AlarmCleared():
                if (alarm := state.raised.pop(event.rule, None)) is not None:
                    alarm.cleared = event.stamp.time
            case AlarmAcknowledged():
                if (alarm := state.raised.get(event.rule)) is not None:
                    alarm.acknowledged = True
            case _:
                self._change(state, event)

    def _change(self, state: SourceState, event: Event) -> None:
        """Events about the source itself."""
        match event:
            case Started():
                state.condition, state.format = "up", event.format
                state.live = self._is_live(state.name)
            case Stopped():
                state.condition, state.reason = "ended", event.reason
                state.open.clear()
            case SourceLost():
                state.condition, state.reason = "lost", event.reason
            case SourceRestored():
                state.condition, state.reason = "up", ""
                state.gap_s += event.gap_s
                state.gaps += 1
            case SourceSilent() | SourceSounding():
                state.silent = isinstance(event, SourceSilent)
            case Overload():
                state.dropped_samples += round(event.dropped_s * event.stamp.rate_hz)

    @staticmethod
    def _close(state: SourceState, event: SegmentClose) -> None:
        state.open.pop(event.label, None)
        state.seconds[event.label] += event.duration_s
        state.spans.append(Span(event.label, event.start, event.end))
        horizon = event.end - timedelta(seconds=TIMELINE_S)
        while (oldest := state.spans[0].end) is not None and oldest < horizon:
            state.spans.popleft()

    def _raise(self, state: SourceState, event: AlarmRaised) -> None:
        """A rule may be raised again, from warn to alarm: that is one alarm."""
        if (alarm := state.raised.get(event.rule)) is not None:
            alarm.severity, alarm.text = event.severity, event.text
            return
        alarm = Alarm(state.name, event.rule, event.severity, event.text, event.stamp.time)
        state.raised[event.rule] = alarm
        self._alarms.append(alarm)

    # Any thread

    def read(self, reader: Callable[[SourceState], object]) -> None:
        """Call ``reader`` with every source while nothing changes; it must return at once."""
        with self._turn:
            for state in self._states.values():
                reader(state)

    def alarms(self) -> list[Alarm]:
        """The newest hundred, newest first."""
        with self._turn:
            return list(reversed(self._alarms))

    def events(self) -> dict[str, int]:
        """How many events there were, by kind."""
        with self._turn:
            return dict(self._events)

    @property
    def realtime_factor(self) -> float:
        """Seconds of sound that the network computes in a second."""
        with self._turn:
            return self._sound_s / self._busy_s if self._busy_s else 0.0
