"""A network that draws masks: windows of a spectrogram in one convolutional stream, then their map.

``MaskNetwork`` belongs to one worker thread, batched over sources like ``base.Network``; each
source has a ``MaskStream`` of its own in it. The graph keeps every layer's left context as state,
so a column is computed once, however much the windows overlap. Whatever splits the feature frames
into calls, and whatever else is in the batch, the masks of a stream are the same (to the rounding
of float32 sums). Windows that would reach before the start of a stream or behind its end are not
used: units there are the mean over fewer windows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streamseg.errors import ModelError
from streamseg.messages import Float32Array, FrameGrid, Mask, Spectra, following
from streamseg.models.card import ModelCard
from streamseg.models.session import Session, StreamState, first_state, joined
from streamseg.models.unit_map import UnitMap, Units

ON_PROCESSOR = 1
"""Sources in one call of the network on a processor: one already fills its cache, and eight take a
quarter longer each."""


class MaskStream:
    """What a mask network remembers of one source."""

    def __init__(self, card: ModelCard, grid: FrameGrid) -> None:
        assert card.map is not None
        self._card = card
        self.grid = grid
        positions = (card.front_end.n_mels - card.map.window_bins) // card.map.unit_bins + 1
        self.map = UnitMap(card.map, positions, len(card.classes))
        self.reset()

    def reset(self) -> None:
        """Forget the source: the next feature frame is frame 0."""
        self.state = first_state(self._card)
        self.features = np.empty((0, self._card.front_end.n_mels), np.float32)  # short of a stride
        assert self._card.map is not None
        self.cold = self._card.map.unit_steps - 1  # steps until a window lies inside the stream
        self.map.reset()


@dataclass(frozen=True, slots=True)
class MaskJob:
    """Spectra of one source on their way through a mask network."""

    stream: MaskStream
    spectra: Spectra


class MaskNetwork:
    """A mask network ready to run. Raises ModelError for a card that describes none."""

    def __init__(self, card: ModelCard, session: Session) -> None:
        _check(card)
        self.card = card
        self.provider = session.provider
        self._session = session
        self.freq_hz = _unit_middles_hz(card)

    @property
    def least_frames(self) -> int:
        """Feature frames of a window: fewer give no mask at all."""
        assert self.card.map is not None
        return self.card.map.window_frames

    @property
    def flush_frames(self) -> int:
        """Feature frames that must follow the last unit: none, fewer windows cover it."""
        return 0

    def grid(self, rate_hz: int) -> FrameGrid:
        """Where the time units lie on the sample counter of a source at ``rate_hz``."""
        front = self.card.front_end
        # The middle of the feature frames of one unit; the frame's own middle is n_fft / 2.
        first = front.n_fft / 2 + (self.card.stride - 1) / 2 * front.hop
        return FrameGrid(rate_hz, self.card.hop_s, first / front.rate_hz)

    def open(self, rate_hz: int) -> MaskStream:
        """A stream of a source at ``rate_hz``, at its start."""
        return MaskStream(self.card, self.grid(rate_hz))

    def run(self, jobs: Sequence[MaskJob]) -> list[list[Mask]]:
        """Run every job, on a GPU those of equal length as one batch; their masks, in order.

        A stream may occur once. A job gives at most one final mask, and after it at most one
        provisional mask, which the next job repeats and corrects.
        """
        by_length: dict[int, list[MaskJob]] = {}
        for job in jobs:
            stream = job.stream
            stream.features = following(stream.features, job.spectra.features)
            usable = len(stream.features) // self.card.stride * self.card.stride
            if usable:
                by_length.setdefault(usable, []).append(job)
        windows: dict[int, Float32Array] = {}
        for length, group in by_length.items():
            most = ON_PROCESSOR if self.provider == "CPU" else len(group)
            for at in range(0, len(group), most):
                some = group[at : at + most]
                outputs = self._run_batch(length, [job.stream for job in some])
                windows |= {id(job): output for job, output in zip(some, outputs, strict=True)}
        return [self._masks(job, windows[id(job)]) if id(job) in windows else [] for job in jobs]

    def finish(self, stream: MaskStream, source: str, origin: int) -> list[Mask]:
        """The end of a stream that began at ``origin``: its last units as they are, and a reset."""
        units = stream.map.flush()
        stream.reset()
        return self._records(stream, units, source, origin)

    def _run_batch(self, length: int, streams: list[MaskStream]) -> list[Float32Array]:
        features = np.stack([stream.features[:length] for stream in streams])
        state = joined([stream.state for stream in streams])
        (windows,), after = self._session.run(features, state)
        for row, stream in enumerate(streams):
            stream.features = stream.features[length:]
            stream.state = StreamState(after, row)
        return list(windows)

    def _masks(self, job: MaskJob, windows: Float32Array) -> list[Mask]:
        """Shape: ``windows`` is (steps, positions, classes)."""
        stream = job.stream
        cold = min(stream.cold, len(windows))
        stream.cold -= cold
        units = stream.map.push(np.clip(windows[cold:], 0.0, 1.0))
        return self._records(stream, units, job.spectra.source, job.spectra.origin)

    def _records(self, stream: MaskStream, units: Units, source: str, origin: int) -> list[Mask]:
        records = []
        first = units.first
        for prob, final in ((units.prob, True), (units.early, False)):
            if prob.shape[2]:
                sample = stream.grid.start(origin, first)
                unit_s = stream.grid.hop_s
                classes = self.card.classes
                records.append(Mask(source, classes, prob, self.freq_hz, sample, unit_s, final))
            first += prob.shape[2]
        return records


def _unit_middles_hz(card: ModelCard) -> NDArray[np.float64]:
    """Middle of every frequency unit, (units,); a band is centred on its bin of the transform."""
    assert card.map is not None
    front, size = card.front_end, card.map.unit_bins
    units = np.arange(front.n_mels // size)
    middles: NDArray[np.float64] = (units * size + (size - 1) / 2) * front.rate_hz / front.n_fft
    return middles


def _check(card: ModelCard) -> None:
    if card.map is None:
        raise ModelError(
            f"expected a card with a map section, got {card.stem}, which draws no mask"
        )
    front, spec = card.front_end, card.map
    wrong = {
        "linear bands": front.scale != "linear",
        "bands in whole units": bool(front.n_mels % spec.unit_bins),
        "a stride of one unit": card.stride != spec.unit_frames,
        "one output without look-ahead": [o.lookahead_frames for o in card.outputs] != [0],
        "classes that exclude each other": card.overlapping,
    }
    for expected in (what for what, is_wrong in wrong.items() if is_wrong):
        raise ModelError(f"model card {card.stem}: expected {expected} of a map; reinstall it")
