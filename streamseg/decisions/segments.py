"""Segments of every class and of silence, from the estimates of one source.

Called by the decisions thread with every estimate of one source; keeps a few frames and one state
machine per class (``hysteresis.py`` publishes its table), never more however long the stream is.
Scores pass the level gate and the centred mean first (``smoothing.py``). Classes are independent of
each other: a network with overlapping classes gives overlapping segments, a softmax does not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

from streamseg.decisions.hysteresis import Began, Ended, Hysteresis, Limits
from streamseg.decisions.smoothing import CentredMean, Frames, LevelGate
from streamseg.messages import Estimate, FrameGrid, Label, Segment
from streamseg.settings import DecisionSettings

QUIET_RUN_S = 1.0
"""What is quiet for this long is silence for every class; ``silence_min_on_s`` can only shorten it.

A speaker pauses for up to about 0.8 s between sentences, at the level of an empty studio. Such a
pause belongs to the speech, and the network, which hears what is around it, may say so."""

CLICK_S = 0.3
"""A sound shorter than this does not end a silence."""

BACKDATE_S = 2.0
"""An onset is never moved back further than this: a score that hangs between the thresholds for
longer is a class in doubt, not one that has begun."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A sound of this label is on air since sample ``start``."""

    label: Label
    start: int


@dataclass(frozen=True, slots=True)
class Closed:
    """A sound that was reported as opened is over."""

    segment: Segment


Decision = Opened | Closed


class Decider:
    """Turns the ``confirmed`` scores of one source into ``Opened`` and ``Closed``, in order.

    Every ``Opened`` is followed by one ``Closed`` with the same label and start. Segments of one
    label never overlap; they are at least ``min_on_s`` long, except the last piece of a sound that
    was cut by the heartbeat and a sound that fills the whole stream; breaks between them are at
    least ``min_off_s`` long, except at a heartbeat.
    """

    def __init__(
        self,
        classes: Sequence[str],
        grid: FrameGrid,
        settings: DecisionSettings,
        watch: Callable[[int, Frames], None] = lambda first_frame, frames: None,
    ) -> None:
        """``watch`` is told every frame as the machines see it, and the number of the first."""
        self._watch = watch
        self.classes = tuple(classes)
        self.grid = grid
        self._settings = settings
        hop_s = grid.hop_s
        self._gate = level_gate(len(classes), hop_s, settings)
        self._mean = CentredMean(len(classes), hop_s, settings.smooth_s)
        sound = _limits(settings, hop_s)
        self._machines = [(cast(Label, label), Hysteresis(sound)) for label in classes]
        self._machines.append(("silence", Hysteresis(_silence_limits(settings, hop_s))))
        self.reset()

    @property
    def delay_s(self) -> float:
        """How long gate and mean hold a frame back at most; ``min_on_s`` comes on top of it.

        That is at the beginning of a silence. While sound is on, the mean's half window is all.
        """
        return (self._gate.delay_frames + self._mean.delay_frames) * self.grid.hop_s

    @property
    def certain_to(self) -> int | None:
        """Sample before which nothing more will be decided; None before the first frame.

        A sound is said when it is ``min_on`` old and has bridged one break at most, and is dated
        back ``BACKDATE_S`` at most; an end is said ``min_off`` later.
        """
        if self._origin is None:
            return None
        longest = [max(m.limits.min_on + m.limits.min_off for _, m in self._machines)]
        longest += [m.limits.backdate for _, m in self._machines[:1]]
        delay = self._gate.delay_frames + self._mean.delay_frames
        return self._sample(max(0, self._next_frame - delay - sum(longest)))

    @property
    def reach_s(self) -> float:
        """The start of a segment that is closed now lies at most this far before the newest frame.

        Whoever measures something over segments (loudness) keeps that much of the past.
        """
        shortest = max(self._settings.min_on_s, self._settings.silence_min_on_s)
        breaks = 2 * self._settings.min_off_s + BACKDATE_S
        return self._settings.heartbeat_s + shortest + breaks + self.delay_s

    def reset(self) -> None:
        """Forget the stream; open segments are dropped without a word (``flush`` closes them)."""
        self._gate.reset()
        self._mean.reset()
        for _, machine in self._machines:
            machine.reset()
        self._origin: int | None = None
        self._next_frame = 0  # expected from the next estimate
        self._decided = 0  # frames that the state machines have seen
        self._open_since: dict[Label, int] = {}

    def push(self, estimate: Estimate) -> list[Decision]:
        """Decide with these frames. An estimate with a new origin closes what was open before.

        Raises ValueError if the classes differ, or if the frames do not follow the last ones.
        """
        if estimate.classes != self.classes:
            raise ValueError(f"expected classes {self.classes}, got {estimate.classes}")
        decisions: list[Decision] = []
        if self._origin is not None and estimate.origin != self._origin:
            last_end = self.grid.start(self._origin, self._next_frame)
            decisions += self.flush(min(last_end, estimate.origin))
        if estimate.first_frame != self._next_frame:
            raise ValueError(
                f"expected frame {self._next_frame} of origin {estimate.origin}, got "
                f"{estimate.first_frame}; call flush() where the stream was interrupted"
            )
        self._origin = estimate.origin
        self._next_frame += len(estimate.level_dbfs)
        return decisions + self._decide(
            self._mean.push(self._gate.push(estimate.confirmed, estimate.level_dbfs))
        )

    def flush(self, end_sample: int) -> list[Decision]:
        """The stream ends or is interrupted at this sample: closes everything, then as ``reset``.

        A sound still on air in the last frame lasts until ``end_sample``.
        """
        if self._origin is None:
            return []
        decisions = self._decide(self._mean.push(self._gate.flush()).then(self._mean.flush()))
        for label, machine in self._machines:
            for event in machine.flush():
                decisions.append(self._located(label, event, end_sample))
        self.reset()
        return decisions

    def _decide(self, frames: Frames) -> list[Decision]:
        self._watch(self._decided, frames)
        self._decided += len(frames)
        power = (10.0 ** (frames.level_dbfs.astype(float) / 10.0)).tolist()
        silent = (~frames.audible).astype(float).tolist()
        decisions: list[Decision] = []
        for scores, quiet, mean_square in zip(frames.scores.tolist(), silent, power, strict=True):
            scores.append(quiet)
            for (label, machine), score in zip(self._machines, scores, strict=True):
                for event in machine.step(score, mean_square):
                    decisions.append(self._located(label, event))
        return decisions

    def _located(
        self, label: Label, event: Began | Ended, end_sample: int | None = None
    ) -> Decision:
        """From frames to samples; ``end_sample`` is given at the end of the stream."""
        if isinstance(event, Began):
            start = self._sample(event.start)
            if end_sample is not None:
                start = min(start, end_sample)
            self._open_since[label] = start
            return Opened(label, start)
        start = self._open_since.pop(label)
        end = self._sample(event.end)
        if end_sample is not None:
            end = end_sample if event.end == self._next_frame else min(end, end_sample)
        return Closed(
            Segment(
                label,
                start,
                max(start, end),
                event.score_mean,
                event.score_peak,
                event.level_dbfs,
            )
        )

    def _sample(self, frame: int) -> int:
        """Where a frame begins; the first one stands for all that was heard before its centre."""
        assert self._origin is not None
        return self.grid.start(self._origin, frame) if frame else self._origin


def level_gate(classes: int, hop_s: float, settings: DecisionSettings) -> LevelGate:
    """The gate that the decisions use, for others who show the same scores (``scan --frames``)."""
    run_s = min(QUIET_RUN_S, settings.silence_min_on_s)
    return LevelGate(classes, hop_s, settings.silence_dbfs, run_s)


def _limits(settings: DecisionSettings, hop_s: float) -> Limits:
    return Limits(
        on=settings.on,
        off=settings.off,
        min_on=_frames(settings.min_on_s, hop_s),
        min_off=_frames(settings.min_off_s, hop_s),
        heartbeat=_frames(settings.heartbeat_s, hop_s),
        backdate=_frames(BACKDATE_S, hop_s),
    )


def _silence_limits(settings: DecisionSettings, hop_s: float) -> Limits:
    return Limits(
        on=0.5,  # the score is 0 or 1
        off=0.5,
        min_on=_frames(settings.silence_min_on_s, hop_s),
        min_off=_frames(CLICK_S, hop_s),
        heartbeat=_frames(settings.heartbeat_s, hop_s),
        backdate=0,  # an onset is where the first silent frame is
    )


def _frames(duration_s: float, hop_s: float) -> int:
    """At least this long; the hair's breadth forgives that 0.8 / 0.02 is not quite 40."""
    return max(1, math.ceil(duration_s / hop_s - 1e-6))
