"""One record a second of one source: what the network, the meters and the alarm rules said.

Belongs to the ``Listener`` of the source, on the network's thread. The three tell it what they know
at their own pace (steps at once, scores two or three seconds later, verdicts on the programme when
they are certain); a second is given out when the slowest is past it, at the latest at the end of
the stretch. Keeps those seconds, some ten of them, and two histograms.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from streamseg.decisions.alarm_measures import Reading
from streamseg.decisions.alarm_rules import Rule
from streamseg.decisions.segments import Decision, Opened
from streamseg.decisions.smoothing import Frames
from streamseg.frontend.loudness import SHORT_STEPS, lufs
from streamseg.frontend.loudness_stats import LoudnessRange, ProgrammeLoudness
from streamseg.messages import FrameGrid, Label, Score, Second, Steps, Verdict, step_start

QUIETEST_DB = -120.0


@dataclass(slots=True)
class _Kept:
    """One second while it is not complete."""

    scores: list[NDArray[np.float32]] = field(default_factory=list)
    levels: list[NDArray[np.float32]] = field(default_factory=list)
    readings: dict[str, tuple[float | None, int, int]] = field(default_factory=dict)
    powers: list[float] = field(default_factory=list)
    momentary: float = -math.inf
    short: float | None = None
    true_peak: float = 0.0


class Tracer:
    """Gathers the seconds of one source."""

    def __init__(
        self,
        source: str,
        classes: Sequence[str],
        grid: FrameGrid,
        on: float,
        table: dict[str, Rule],
    ) -> None:
        """``on``: the threshold of the segments; ``table``: the alarm rules, to know the worst."""
        self._source = source
        self._classes = tuple(classes)
        self._grid = grid
        self._rate_hz = grid.rate_hz
        self._on = on
        self._table = table
        self._integrated = ProgrammeLoudness()
        self._range = LoudnessRange()
        self._open: dict[Label, list[tuple[int, int | None]]] = {}
        self.begin(0)

    def begin(self, sample: int) -> None:
        """A stretch of sound begins here; the one before was flushed."""
        self._origin = sample
        self._next = sample // self._rate_hz  # the second that is given out next
        self._seconds: dict[int, _Kept] = {}
        self._powers: deque[float] = deque(maxlen=SHORT_STEPS)
        self._integrated.interrupt()
        self._range.interrupt()

    def measured(self, steps: Steps, origin: int, first: int) -> None:
        """The next steps; the first of the array is step ``first`` after sample ``origin``."""
        for number, k_power, momentary, peak in zip(
            range(first, first + len(steps)),
            steps["k_power"].tolist(),
            steps["k_momentary"].tolist(),
            steps["true_peak"].tolist(),
            strict=True,
        ):
            end = origin + step_start(number + 1, self._rate_hz)
            kept = self._second(end - 1)
            self._powers.append(k_power)
            if momentary > kept.momentary:  # not while it is nan
                kept.momentary = momentary
            kept.true_peak = max(kept.true_peak, peak)
            if len(self._powers) == SHORT_STEPS:
                kept.short = sum(self._powers) / SHORT_STEPS
            kept.powers.append(k_power)

    def read(self, end: int, reading: Reading) -> None:
        """An alarm rule was judged on the tick that ends here."""
        readings = self._second(end - 1).readings
        value, bad, ticks = readings.get(reading.rule, (None, 0, 0))
        if reading.value is not None:
            rule = self._table[reading.rule]
            value = reading.value if value is None else rule.worse(value, reading.value)
        readings[reading.rule] = (value, bad + reading.bad, ticks + 1)

    def decided(self, first_frame: int, frames: Frames) -> None:
        """Frames as the state machines saw them; numbered from the beginning of the stretch."""
        if not len(frames):
            return
        centres = [self._grid.centre(self._origin, first_frame + i) for i in range(len(frames))]
        seconds = np.array(centres) // self._rate_hz
        edges = np.flatnonzero(np.diff(seconds)) + 1
        for part in np.split(np.arange(len(frames)), edges):
            kept = self._second(centres[part[0]])
            kept.scores.append(frames.scores[part])
            kept.levels.append(frames.level_dbfs[part])

    def logged(self, decisions: Sequence[Decision]) -> None:
        """Segments that were opened or closed, in order."""
        for decision in decisions:
            if isinstance(decision, Opened):
                self._open.setdefault(decision.label, []).append((decision.start, None))
            else:
                segment = decision.segment
                self._open[segment.label][-1] = (segment.start, segment.end)

    def ready(self, known_to: int, time: Callable[[int], datetime]) -> list[Second]:
        """The seconds that end at or before ``known_to``."""
        found = []
        while (self._next + 1) * self._rate_hz <= known_to:
            found.append(self._row(self._next, (self._next + 1) * self._rate_hz, time))
            self._next += 1
        return found

    def flush(self, sample: int, time: Callable[[int], datetime]) -> list[Second]:
        """The stretch ends here: everything, the last second perhaps short."""
        found = self.ready(sample, time)
        if sample > max(self._origin, self._next * self._rate_hz):
            found.append(self._row(self._next, sample, time))
        self._seconds.clear()
        return found

    def _second(self, sample: int) -> _Kept:
        # What a rule says of the last frames of a stretch may reach past its end.
        number = max(self._next, sample // self._rate_hz)
        if number not in self._seconds:
            self._seconds[number] = _Kept()
        return self._seconds[number]

    def _row(self, number: int, end: int, time: Callable[[int], datetime]) -> Second:
        kept = self._seconds.pop(number, _Kept())
        powers = np.array(kept.powers)
        self._integrated.push(powers)
        self._range.push(powers)
        begin = max(self._origin, number * self._rate_hz)
        levels = np.concatenate(kept.levels) if kept.levels else np.empty(0, np.float32)
        return Second(
            source=self._source,
            sample=begin,
            time=time(begin),
            length_s=(end - begin) / self._rate_hz,
            scores=self._scores(kept),
            lowest_dbfs=float(levels.min()) if levels.size else None,
            highest_dbfs=float(levels.max()) if levels.size else None,
            momentary_lufs=_loudness(kept.momentary),
            short_lufs=None if kept.short is None else _loudness(kept.short),
            integrated_lufs=self._integrated.lufs,
            range_lu=self._range.lu,
            true_peak_dbtp=20 * math.log10(max(kept.true_peak, 1e-6)),
            verdicts=tuple(Verdict(name, *read) for name, read in kept.readings.items()),
            on_air=self._on_air(begin, end),
        )

    def _scores(self, kept: _Kept) -> tuple[Score, ...]:
        if not kept.scores:
            return ()
        scores = np.concatenate(kept.scores)
        low, mean, high = scores.min(axis=0), scores.mean(axis=0), scores.max(axis=0)
        on_s = np.count_nonzero(scores >= self._on, axis=0) * self._grid.hop_s
        columns = (low.tolist(), mean.tolist(), high.tolist(), on_s.tolist())
        return tuple(
            Score(label, *values)
            for label, values in zip(self._classes, zip(*columns, strict=True), strict=True)
        )

    def _on_air(self, begin: int, end: int) -> tuple[str, ...]:
        found = []
        for label, spans in self._open.items():
            while len(spans) > 1 and spans[0][1] is not None and spans[0][1] <= begin:
                spans.pop(0)
            if any(start < end and (stop is None or stop >= end) for start, stop in spans):
                found.append(label)
        return tuple(found)


def _loudness(power: float) -> float | None:
    return max(QUIETEST_DB, lufs(power)) if math.isfinite(power) else None
