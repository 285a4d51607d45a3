"""The two ends of a network, per source: samples to spectra before it, estimates to events after.

``SourceFront`` runs on the analysis thread of its source, ``SourceBack`` on the worker thread of
the network; ``offline`` runs both on one thread. Neither knows which.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from streamseg.errors import NoSuchInputError
from streamseg.frontend.features import FeatureFrames, FeatureStream
from streamseg.frontend.loudness import LOWEST_RATE_HZ
from streamseg.frontend.spec import FrontEndSpec
from streamseg.frontend.steps import StepMeter
from streamseg.messages import STEP, Float32Array, FrameGrid, Spectra, Steps, following
from streamseg.models import ModelCard
from streamseg.settings_alarms import AlarmSettings

_NO_STEPS: Steps = np.empty(0, STEP)
GATHER_S = 1.0
"""Sound that waits for the front end at most: more would leave the processor's cache."""


@dataclass(frozen=True, slots=True)
class EndOfStretch:
    """No sound follows without a hole: the end of the source, or of what came before a hole."""

    source: str
    begin: int
    """Position of the first sample."""
    sample: int
    """Position just after the last sample."""
    frames: int
    """Feature frames that were sent of this stretch, to tell whether all of them arrived."""


class SourceFront:
    """Samples of one source to spectra of one network, in pieces of equal length.

    Equal pieces let the network run many sources as one batch. The front end runs when a piece can
    be complete, not with every block: a call of it costs more than the sound in a block of 10 ms,
    and nothing would come out sooner. Raises NoSuchInputError for a rate at which there is nothing
    to hear.
    """

    def __init__(
        self,
        source: str,
        card: ModelCard,
        grid: FrameGrid,
        piece_s: float,
        alarms: AlarmSettings | None = None,
    ) -> None:
        """``alarms``: fill ``Spectra.steps``, which only they and the event log need."""
        if grid.rate_hz < LOWEST_RATE_HZ:
            raise NoSuchInputError(
                f"{source}: expected sound at {LOWEST_RATE_HZ} Hz or more, got {grid.rate_hz} Hz; "
                "less holds no speech or music to tell apart"
            )
        self._source = source
        self._card = card
        self._grid = grid
        pieces = max(1, round(piece_s / card.hop_s))
        self._piece = pieces * card.stride
        self._most = round(GATHER_S * grid.rate_hz)
        self._stream = FeatureStream(card.front_end, grid.rate_hz)
        self._meter = None
        if alarms is not None:
            self._meter = StepMeter(grid.rate_hz, alarms.dead_air_dbfs, alarms.dual_mono)
        self.restart(0)

    def restart(self, sample: int) -> None:
        """Forget the sound so far: the next sample has this position."""
        self._stream.reset()
        if self._meter is not None:
            self._meter.reset()
        self._blocks: list[tuple[Float32Array, Float32Array | None]] = []
        self._heard = 0  # samples since the restart that went through the front end
        self._steps: Steps = _NO_STEPS
        self._first_step = 0
        self._origin = sample
        self.sample = sample  # position of the next sample
        self._sent = 0
        self._sounding: int | None = None  # feature frames of the stretch, once that is over
        columns = self._card.front_end.columns
        self._held = FeatureFrames(np.empty((0, columns), np.float32), np.empty(0, np.float32))

    def push(self, samples: Float32Array, channels: Float32Array | None = None) -> list[Spectra]:
        """Shape: (n,) float32 and, for the measures, its (n, channels) in; whole pieces out."""
        if self._blocks and _columns(self._blocks[0][1]) != _columns(channels):
            self._hear()
        self.sample += samples.size
        self._blocks.append((samples, channels))
        position = self.sample - self._origin
        if position < self._complete_at and position - self._heard < self._most:
            return []
        self._hear()
        whole = len(self._held.power) // self._piece
        return [self._take(self._piece) for _ in range(whole)]

    @property
    def _complete_at(self) -> float:
        """Samples since the restart that the next piece takes, or a few more."""
        front = self._card.front_end
        last = self._sent + self._piece - 1
        return (last * front.hop_s + front.frame_s) * self._grid.rate_hz - 1

    def _hear(self) -> None:
        """Everything that waits, through the front end."""
        if not self._blocks:
            return
        parts = [block for block, _ in self._blocks]
        samples = parts[0] if len(parts) == 1 else np.concatenate(parts)
        if self._meter is not None:
            apart = [channels for _, channels in self._blocks if channels is not None]
            steps = self._meter.push(samples, np.concatenate(apart) if apart else None)
            if len(steps):  # putting records together is slow, and most blocks end no step
                self._steps = np.concatenate((self._steps, steps)) if len(self._steps) else steps
        self._blocks.clear()
        self._heard += samples.size
        self._hold(self._stream.push(samples))

    def finish(self, lookahead_frames: int, least_frames: int = 0) -> list[Spectra]:
        """The rest, as if silence followed, so that every frame of the sound gets its estimate.

        A stretch with any sound is made at least ``least_frames`` long.
        """
        self._hear()
        self._sounding = frames_in(self._card.front_end, self._grid, self.sample - self._origin)
        missing = max(self.estimates * self._card.stride + lookahead_frames, least_frames)
        missing -= self._sent + len(self._held.power)
        if missing > 0 and self.estimates:
            self._hold(self._stream.flush(missing))
        pieces = []
        while length := min(self._piece, len(self._held.power)):
            pieces.append(self._take(length))
        return pieces

    @property
    def estimates(self) -> int:
        """Estimates that the sound since the restart is worth: their middle lies inside it."""
        return estimates_in(self._grid, self.sample - self._origin)

    def end(self) -> EndOfStretch:
        """To be sent behind the last spectra."""
        return EndOfStretch(self._source, self._origin, self.sample, self._sent)

    def _hold(self, frames: FeatureFrames) -> None:
        self._held = FeatureFrames(
            following(self._held.features, frames.features),
            following(self._held.power, frames.power),
        )

    def _take(self, length: int) -> Spectra:
        held = self._held
        self._held = FeatureFrames(held.features[length:], held.power[length:])
        first = self._sent
        self._sent += length
        steps, first_step = self._steps, self._first_step
        self._steps, self._first_step = _NO_STEPS, first_step + len(steps)
        padding = 0 if self._sounding is None else self._sent - max(first, self._sounding)
        return Spectra(
            self._source,
            held.features[:length],
            held.power[:length],
            steps,
            first,
            self._origin,
            first_step,
            max(0, padding),
        )


def _columns(channels: Float32Array | None) -> int:
    return 0 if channels is None else channels.shape[1]


def estimates_in(grid: FrameGrid, samples: int) -> int:
    """Frames whose middle lies within the first ``samples`` of a stretch, at least one if any."""
    if samples <= 0:
        return 0
    duration_s = samples / grid.rate_hz
    return max(1, int(np.ceil((duration_s - grid.first_centre_s) / grid.hop_s)))


def frames_in(front: FrontEndSpec, grid: FrameGrid, samples: int) -> int:
    """Feature frames that lie within the first ``samples`` of a stretch with all of their sound."""
    heard = samples * front.rate_hz // grid.rate_hz
    return max(0, (heard - front.n_fft) // front.hop + 1)


def shifted(spectra: Spectra, first_frame: int, grid: FrameGrid, stride: int) -> Spectra:
    """The same spectra, counted from ``first_frame`` on: after a hole in the feature frames."""
    offset = round(first_frame / stride * grid.hop_s * grid.rate_hz)
    return replace(
        spectra,
        first_frame=spectra.first_frame - first_frame,
        origin=spectra.origin + offset,
    )
