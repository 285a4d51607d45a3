"""A network that draws one mask a stem: drums, bass, other and vocals of music, while it plays,
and may say beside it where another piece begins (``BoundaryCurve``).

``StemNetwork`` belongs to one worker thread, batched over sources, and answers as ``MaskNetwork``
does, with ``Mask`` records; but its masks are independent of each other, come frame by frame, and
are final when they come, late by the graph's look-ahead. The graph keeps all context as state, so
whatever splits the feature frames into calls, and whatever else is in the batch, the masks of a
stream are the same (to the rounding of float32 sums). Nothing waits here but the look-ahead and,
for a network that hears clips (``ModelCard.block_frames``), what is not yet a block. The boundary
curve has a look-ahead of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from streamseg.errors import ModelError
from streamseg.frontend import units
from streamseg.messages import Float32Array, FrameGrid, Mask, Spectra, following
from streamseg.models.card import ModelCard
from streamseg.models.session import Session, StreamState, first_state, joined


class StemStream:
    """What a stem network remembers of one source."""

    def __init__(self, card: ModelCard, grid: FrameGrid) -> None:
        self._card = card
        self.grid = grid
        self.reset()

    def reset(self) -> None:
        """Forget the source: the next feature frame is frame 0."""
        self.state = first_state(self._card)
        self._waiting = np.empty((0, self._card.front_end.columns), np.float32)
        # Frame 0 of an output describes a moment this many frames before the stream.
        self.early = [output.lookahead_frames for output in self._card.outputs]
        self.frame = [0 for _ in self.early]  # the next ones that are said

    def due(self, features: Float32Array) -> Float32Array:
        """Whole blocks of what waited and these frames; the rest waits, less than a block."""
        heard = following(self._waiting, features)
        whole = len(heard) - len(heard) % self._card.block_frames
        self._waiting = heard[whole:]
        return heard[:whole]

    def reached(self, output: int, frames: int) -> tuple[int, int]:
        """How many of so many frames lie before the stream, and the number of the first other."""
        early = min(self.early[output], frames)
        self.early[output] -= early
        first = self.frame[output]
        self.frame[output] += frames - early
        return early, first


@dataclass(frozen=True, slots=True)
class StemJob:
    """Spectra of one source on their way through a stem network."""

    stream: StemStream
    spectra: Spectra


@dataclass(frozen=True, slots=True)
class BoundaryCurve:
    """Where another piece or part begins, for some frames of one source.

    Shape: ``prob`` is (frames,) float32 in 0..1; a boundary is a peak.
    """

    source: str
    prob: Float32Array
    sample: int
    """Sample counter of the middle of frame 0."""
    hop_s: float


@dataclass(frozen=True, slots=True)
class StemAnswer:
    """What a job brought; nothing while a look-ahead passes."""

    masks: list[Mask]
    curve: BoundaryCurve | None


class StemNetwork:
    """A stem network ready to run. Raises ModelError for a card that describes none."""

    least_frames = 1

    def __init__(self, card: ModelCard, session: Session) -> None:
        _check(card)
        self.card = card
        self.provider = session.provider
        self._session = session
        self.freq_hz = units.middles_hz(card.front_end.rate_hz, card.front_end.n_fft)

    @property
    def flush_frames(self) -> int:
        """Feature frames that must follow the last one until its masks are out."""
        return self.card.outputs[0].lookahead_frames + self.card.block_frames - 1

    @property
    def curve_flush_frames(self) -> int | None:
        """The same for the boundary curve; None of a network that has none."""
        outputs = self.card.outputs
        if len(outputs) == 1:
            return None
        return outputs[1].lookahead_frames + self.card.block_frames - 1

    def grid(self, rate_hz: int) -> FrameGrid:
        """Where the frames of the masks lie on the sample counter of a source at ``rate_hz``."""
        front = self.card.front_end
        return FrameGrid(rate_hz, self.card.hop_s, front.n_fft / 2 / front.rate_hz)

    def open(self, rate_hz: int) -> StemStream:
        """A stream of a source at ``rate_hz``, at its start."""
        return StemStream(self.card, self.grid(rate_hz))

    def run(self, jobs: Sequence[StemJob]) -> list[list[Mask]]:
        """The masks of each job, in order; see ``answers``."""
        return [answer.masks for answer in self.answers(jobs)]

    def answers(self, jobs: Sequence[StemJob]) -> list[StemAnswer]:
        """Run every job, those of equal length as one batch; masks and curve of each, in order.

        A stream may occur once. A job gives at most one mask, none while the look-ahead passes.
        """
        by_length: dict[int, list[int]] = {}
        due = [job.stream.due(job.spectra.features) for job in jobs]
        for index, features in enumerate(due):
            if len(features):
                by_length.setdefault(len(features), []).append(index)
        answers = [StemAnswer([], None) for _ in jobs]
        for indices in by_length.values():
            group = [jobs[index] for index in indices]
            features = np.stack([due[index] for index in indices])
            given = joined([job.stream.state for job in group])
            said, following = self._session.run(features, given)
            for row, (index, job) in enumerate(zip(indices, group, strict=True)):
                job.stream.state = StreamState(following, row)
                curve = self._curve(job, said[1][row]) if len(said) > 1 else None
                answers[index] = StemAnswer(self._masks(job, said[0][row]), curve)
        return answers

    def finish(self, stream: StemStream, source: str, origin: int) -> list[Mask]:
        """The end of a stream, and a reset; ``flush_frames`` of silence have brought all out."""
        stream.reset()
        return []

    def _masks(self, job: StemJob, said: Float32Array) -> list[Mask]:
        """Shape: ``said`` is (frames, units, stems)."""
        stream = job.stream
        early, frame = stream.reached(0, len(said))
        if early == len(said):
            return []
        prob = np.clip(said[early:].transpose(2, 1, 0), 0.0, 1.0)
        sample = stream.grid.start(job.spectra.origin, frame)
        source, classes = job.spectra.source, self.card.classes
        return [Mask(source, classes, prob, self.freq_hz, sample, stream.grid.hop_s, final=True)]

    def _curve(self, job: StemJob, said: Float32Array) -> BoundaryCurve | None:
        """Shape: ``said`` is (frames, 1)."""
        grid = job.stream.grid
        early, frame = job.stream.reached(1, len(said))
        if early == len(said):
            return None
        prob = np.clip(said[early:, 0], 0.0, 1.0)
        sample = grid.centre(job.spectra.origin, frame)
        return BoundaryCurve(job.spectra.source, prob, sample, grid.hop_s)


def _check(card: ModelCard) -> None:
    front = card.front_end
    wrong = {
        "no map of windows": card.map is not None,
        f"{units.BINS} linear bands": front.scale != "linear" or front.n_mels != units.BINS,
        "a stride of one frame": card.stride != 1,
        "masks and perhaps a boundary curve": [o.role for o in card.outputs]
        not in (["confirmed"], ["confirmed", "boundary"]),
        "stems that do not exclude each other": not card.overlapping,
    }
    for expected in (what for what, is_wrong in wrong.items() if is_wrong):
        raise ModelError(f"model card {card.stem}: expected {expected} of stems; reinstall it")
