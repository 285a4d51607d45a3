"""The contract of every network: open a stream, run a batch of streams, align the answers.

``Network`` belongs to one worker thread. Each source has a ``Stream`` of its own in it: the
graph's state, and the frames that wait for the output with the longest look-ahead. Whatever
splits the feature frames into calls, and whatever other streams share the batch, the estimates of
a stream are the same (to the rounding of float32 sums).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from streamseg.frontend.level import power_to_dbfs
from streamseg.messages import Estimate, Float32Array, FrameGrid, Spectra, following
from streamseg.models.card import ModelCard
from streamseg.models.session import Session, StreamState, first_state, joined


class Stream:
    """What a network remembers of one source."""

    def __init__(self, card: ModelCard) -> None:
        self._card = card
        self.reset()

    def reset(self) -> None:
        """Forget the source: the next feature frame is frame 0."""
        self.state = first_state(self._card)
        columns, classes = self._card.front_end.columns, len(self._card.classes)
        self.features = np.empty((0, columns), np.float32)  # short of one stride
        self.power = np.empty(0, np.float32)
        self.ready = [np.empty((0, classes), np.float32) for _ in self._card.outputs]
        # Output frame 0 of a graph describes a moment ``lookahead`` before the stream began.
        self.early = [o.lookahead_frames // self._card.stride for o in self._card.outputs]
        self.frame = 0  # index of the next estimate


@dataclass(frozen=True, slots=True)
class Job:
    """Spectra of one source on their way through a network."""

    stream: Stream
    spectra: Spectra


class Network:
    """A network ready to run."""

    def __init__(self, card: ModelCard, session: Session) -> None:
        for output in card.outputs:
            assert output.lookahead_frames % card.stride == 0, "look-ahead in whole output frames"
        self.card = card
        self.provider = session.provider
        self._session = session
        roles = [output.role for output in card.outputs]
        # A network with one output gives it in both roles.
        self._provisional = roles.index("provisional") if "provisional" in roles else 0
        self._confirmed = roles.index("confirmed") if "confirmed" in roles else 0

    @property
    def flush_frames(self) -> int:
        """Feature frames that must follow the last one until its estimate is out."""
        return max(output.lookahead_frames for output in self.card.outputs)

    def grid(self, rate_hz: int) -> FrameGrid:
        """Where the estimates lie on the sample counter of a source at ``rate_hz``."""
        front = self.card.front_end
        # The middle of the feature frames of one stride; the frame's own middle is n_fft / 2.
        first = front.n_fft / 2 + (self.card.stride - 1) / 2 * front.hop
        return FrameGrid(rate_hz, self.card.hop_s, first / front.rate_hz)

    def open(self) -> Stream:
        """A stream at its start."""
        return Stream(self.card)

    def run(self, jobs: Sequence[Job]) -> list[Estimate]:
        """Run every job, those of equal length as one batch; one estimate a job, in order.

        A stream may occur once. An estimate may hold no frame: its look-ahead has not passed yet.
        """
        by_length: dict[int, list[Job]] = {}
        for job in jobs:
            stream, spectra = job.stream, job.spectra
            stream.features = following(stream.features, spectra.features)
            stream.power = following(stream.power, spectra.power)
            usable = len(stream.features) // self.card.stride * self.card.stride
            if usable:
                by_length.setdefault(usable, []).append(job)
        for length, group in by_length.items():
            self._run_batch(length, [job.stream for job in group])
        return [self._estimate(job) for job in jobs]

    def _run_batch(self, length: int, streams: list[Stream]) -> None:
        features = np.stack([stream.features[:length] for stream in streams])
        state = joined([stream.state for stream in streams])
        outputs, after = self._session.run(features, state)
        for row, stream in enumerate(streams):
            stream.features = stream.features[length:]
            stream.state = StreamState(after, row)
            for index, output in enumerate(outputs):
                early = min(stream.early[index], output.shape[1])
                stream.early[index] -= early
                stream.ready[index] = following(stream.ready[index], output[row, early:])

    def _estimate(self, job: Job) -> Estimate:
        stream, spectra = job.stream, job.spectra
        count = min(len(ready) for ready in stream.ready)
        taken = [ready[:count] for ready in stream.ready]
        stream.ready = [ready[count:] for ready in stream.ready]
        used = count * self.card.stride
        power = stream.power[:used].reshape(count, self.card.stride).mean(axis=1)
        stream.power = stream.power[used:]
        first = stream.frame
        stream.frame += count
        return Estimate(
            source=spectra.source,
            classes=self.card.classes,
            provisional=_probability(taken[self._provisional]),
            confirmed=_probability(taken[self._confirmed]),
            level_dbfs=power_to_dbfs(power),
            first_frame=first,
            origin=spectra.origin,
            # What is left of the provisional output is ahead of the confirmed one.
            early=_probability(stream.ready[self._provisional]),
        )


def _probability(values: Float32Array) -> Float32Array:
    """A softmax or sigmoid may leave 0..1 by a rounding error; nothing later should."""
    clipped: Float32Array = np.clip(values, 0.0, 1.0)
    return clipped
