"""A file through a mask network on one thread: its map, and what is left when classes are kept.

What ``streamseg mask`` runs. Sound waits until its masks are final (0.7 s), nothing else is kept,
so an hour needs no more memory than a minute. The mask comes from the mix that the source's channel
choice makes, and goes onto every channel alike: what was in the middle stays there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from streamseg.capture.base import Source
from streamseg.masking import Keeper, UnitGrid, class_gains
from streamseg.messages import Block, Float32Array, Mask, Spectra
from streamseg.models import MaskJob, MaskNetwork, StemJob, StemNetwork
from streamseg.stages import SourceFront

PIECE_S = 0.75  # sound per call of the network: longer ones leave the processor's cache


@dataclass(frozen=True, slots=True)
class MaskStep:
    """What one block of sound brought to an end.

    Shape: ``kept`` is (n, channels) float32, the sound that follows what the steps before gave;
    ``prob`` is (classes, frequency units, time units) float32, final units likewise.
    """

    kept: Float32Array
    prob: Float32Array
    position_s: float
    """How far the source has been read."""


class MaskRun:
    """One source through one mask network, from its first sample to its last."""

    def __init__(
        self,
        source: Source,
        network: MaskNetwork | StemNetwork,
        keep: Sequence[str] = (),
        floor_db: float | None = None,
    ) -> None:
        """Opens the source: raises what ``Source.open`` raises.

        Without ``keep`` only the map is made. ``floor_db``: nothing is turned down by more.
        """
        self._source, self._network = source, network
        self._keep, self._floor_db = keep, floor_db
        self.format = source.open()
        rate_hz = self.format.rate_hz
        units = network.grid(rate_hz)
        self.grid = UnitGrid(network.freq_hz, units.first_centre_s, units.hop_s)
        self._front = SourceFront(source.name, network.card, units, PIECE_S)
        self._draw, self._finish = _pencil(network, rate_hz, source.name)
        self._keeper: Keeper | None = None  # made with the first block: it knows the channels
        self._units = 0  # told so far

    def steps(self) -> Iterator[MaskStep]:
        """Read the source to its end. Raises what ``Source.read`` raises."""
        while not self._source.exhausted:
            delivery = self._source.read(1.0)
            if isinstance(delivery, Block):
                kept = self._hear(delivery)
                masks = self._drawn(self._front.push(delivery.samples))
                yield self._step(kept, masks, last=False)
        network = self._network
        masks = self._drawn(self._front.finish(network.flush_frames, network.least_frames))
        masks += self._finish()
        yield self._step([], masks, last=True)

    def _drawn(self, spectra: list[Spectra]) -> list[Mask]:
        return [mask for one in spectra for mask in self._draw(one)]

    def _hear(self, block: Block) -> list[Float32Array]:
        if not self._keep:
            return []
        channels = block.samples[:, None] if block.channels is None else block.channels
        if self._keeper is None:
            front = self._network.card.front_end
            frame_s = front.n_fft / front.rate_hz
            self._keeper = Keeper(self.format.rate_hz, channels.shape[1], self.grid, frame_s)
        return [self._keeper.push(channels)]

    def _step(self, kept: list[Float32Array], masks: list[Mask], *, last: bool) -> MaskStep:
        classes = self._network.card.classes
        final = [mask.prob for mask in masks if mask.final]
        shape = (len(classes), len(self.grid.freq_hz), 0)
        prob = np.concatenate((np.empty(shape, np.float32), *final), axis=2)
        # A file shorter than a window was made one window long with silence.
        prob = prob[:, :, : self._front.estimates - self._units]
        self._units += prob.shape[2]
        if self._keeper is not None:
            overlapping = self._network.card.overlapping
            gains = class_gains(prob, classes, self._keep, self._floor_db, overlapping=overlapping)
            kept.append(self._keeper.push_gains(gains))
            if last:
                kept.append(self._keeper.flush())
        position_s = self._front.sample / self.format.rate_hz
        sound = np.concatenate(kept) if kept else np.empty((0, 1), np.float32)
        return MaskStep(sound, prob, position_s)


def _pencil(
    network: MaskNetwork | StemNetwork, rate_hz: int, source: str
) -> tuple[Callable[[Spectra], list[Mask]], Callable[[], list[Mask]]]:
    """How one stream is drawn, and how it ends, whichever kind of network draws."""
    if isinstance(network, StemNetwork):
        stems, stream = network, network.open(rate_hz)
        return (
            lambda one: stems.run([StemJob(stream, one)])[0],
            lambda: stems.finish(stream, source, 0),
        )
    masks, windows = network, network.open(rate_hz)
    return (
        lambda one: masks.run([MaskJob(windows, one)])[0],
        lambda: masks.finish(windows, source, 0),
    )
