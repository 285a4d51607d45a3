"""The same engine on one thread, as fast as it goes: what ``scan`` and the evaluation run.

A source is read, and its sound goes through front end, network and decisions piece by piece.
Nothing is kept but what is open, so an hour needs no more memory than a minute.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from streamseg.capture.base import Source, parse_channel_choice
from streamseg.decisions.segments import Closed, Decider, Decision, level_gate
from streamseg.decisions.smoothing import Frames
from streamseg.messages import Block, Estimate, Float32Array, FrameGrid, Segment, Spectra
from streamseg.models import Job, Network
from streamseg.settings import DecisionSettings, Settings
from streamseg.stages import SourceFront

PIECE_S = 10.0  # sound per call of the network: long enough that Python's overhead is nothing


@dataclass(frozen=True, slots=True)
class Step:
    """What one block of sound brought to an end.

    Shape: ``time_s`` and ``level_dbfs`` are (frames,), ``prob`` is (frames, classes): the
    probabilities, 0 where the level says that nothing is on air; ``time_s`` is a frame's middle.
    """

    time_s: NDArray[np.float64]
    prob: Float32Array
    level_dbfs: Float32Array
    segments: tuple[Segment, ...]
    position_s: float
    """How far the source has been read."""


@dataclass(frozen=True, slots=True)
class FrameTable:
    """All steps of a file in one. Shapes as in ``Step``."""

    time_s: NDArray[np.float64]
    prob: Float32Array
    level_dbfs: Float32Array
    segments: tuple[Segment, ...]
    rate_hz: int
    duration_s: float


class _Table:
    """Numbers the frames that the level gate lets go."""

    def __init__(self, classes: int, grid: FrameGrid, settings: DecisionSettings) -> None:
        self._grid = grid
        self._gate = level_gate(classes, grid.hop_s, settings)
        self._next = 0

    def push(self, estimate: Estimate) -> tuple[NDArray[np.float64], Frames]:
        return self._numbered(self._gate.push(estimate.confirmed, estimate.level_dbfs))

    def flush(self) -> tuple[NDArray[np.float64], Frames]:
        return self._numbered(self._gate.flush())

    def _numbered(self, frames: Frames) -> tuple[NDArray[np.float64], Frames]:
        index = self._next + np.arange(len(frames), dtype=np.float64)
        self._next += len(frames)
        return self._grid.first_centre_s + index * self._grid.hop_s, frames


class OfflineRun:
    """One source through one network, from its first sample to its last."""

    def __init__(self, source: Source, network: Network, settings: Settings) -> None:
        """Opens the source: raises what ``Source.open`` raises."""
        self._source = source
        self._network = network
        self.format = source.open()
        grid = network.grid(self.format.rate_hz)
        self._front = SourceFront(source.name, network.card, grid, PIECE_S)
        self._stream = network.open()
        self._decider = Decider(network.card.classes, grid, settings.decisions)
        self._table = _Table(len(network.card.classes), grid, settings.decisions)

    def steps(self) -> Iterator[Step]:
        """Read the source to its end. Raises what ``Source.read`` raises."""
        while not self._source.exhausted:
            delivery = self._source.read(1.0)
            if isinstance(delivery, Block):
                for spectra in self._front.push(delivery.samples):
                    yield self._step(self._estimate(spectra), [])
        for spectra in self._front.finish(self._network.flush_frames):
            yield self._step(self._estimate(spectra), [])
        yield self._step(None, self._decider.flush(self._front.sample))

    def _estimate(self, spectra: Spectra) -> Estimate:
        return self._network.run([Job(self._stream, spectra)])[0]

    def _step(self, estimate: Estimate | None, decisions: list[Decision]) -> Step:
        if estimate is None:
            time_s, frames = self._table.flush()
        else:
            time_s, frames = self._table.push(estimate)
            decisions = self._decider.push(estimate)
        segments = tuple(d.segment for d in decisions if isinstance(d, Closed))
        position_s = self._front.sample / self.format.rate_hz
        return Step(time_s, frames.scores, frames.level_dbfs, segments, position_s)


def analyse(source: Source, network: Network, settings: Settings) -> FrameTable:
    """Everything about a source at once, in memory; closes the source."""
    try:
        run = OfflineRun(source, network, settings)
        steps = list(run.steps())
    finally:
        source.close()
    return FrameTable(
        time_s=np.concatenate([step.time_s for step in steps]),
        prob=np.concatenate([step.prob for step in steps]),
        level_dbfs=np.concatenate([step.level_dbfs for step in steps]),
        segments=tuple(
            sorted(
                (segment for step in steps for segment in step.segments),
                key=lambda segment: (segment.start, segment.label),
            )
        ),
        rate_hz=run.format.rate_hz,
        duration_s=steps[-1].position_s,
    )


def analyse_file(path: Path, network: Network, settings: Settings | None = None) -> FrameTable:
    """``analyse`` for a file."""
    from streamseg.capture.media import MediaSource

    settings = settings or Settings()
    choice = parse_channel_choice(settings.capture.channel)
    return analyse(MediaSource(str(path), choice, settings.capture), network, settings)
