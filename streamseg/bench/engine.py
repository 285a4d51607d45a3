"""A network from samples to what it says, for one source or many, on the thread of the caller.

The parts are those of ``pipeline`` and ``mask_stage``, without their threads: a front end a source,
one batch for all of them, decisions (or the map of a mask) a source.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from streamseg.bench.measure import RATE_HZ
from streamseg.decisions.segments import Decider
from streamseg.messages import Estimate, Float32Array, FrameGrid, Spectra
from streamseg.models import (
    Job,
    MaskJob,
    MaskNetwork,
    ModelCard,
    Network,
    StemJob,
    StemNetwork,
    load_any,
)
from streamseg.settings import Settings
from streamseg.stages import SourceFront

WARM_PIECES = 2


class Runner(Protocol):
    """A network of any kind with some sources opened in it."""

    card: ModelCard
    provider: str
    grid: FrameGrid

    def run(self, spectra: list[tuple[int, Spectra]]) -> object:
        """One piece of some sources, by their numbers, through the network."""
        ...

    def decide(self, said: object) -> None:
        """What is done with what ``run`` returned."""
        ...


class Main:
    """A network that says what is on air."""

    def __init__(self, network: Network, sources: int) -> None:
        self.card, self.provider = network.card, network.provider
        self.grid = network.grid(RATE_HZ)
        self._network = network
        self._streams = [network.open() for _ in range(sources)]
        decisions = Settings().decisions
        self._deciders = [
            Decider(network.card.classes, self.grid, decisions) for _ in range(sources)
        ]

    def run(self, spectra: list[tuple[int, Spectra]]) -> list[Estimate]:
        """See ``Runner``."""
        return self._network.run([Job(self._streams[number], one) for number, one in spectra])

    def decide(self, said: object) -> None:
        """Segments."""
        assert isinstance(said, list)
        for estimate in said:
            self._deciders[int(estimate.source)].push(estimate)


class Masks:
    """A network that draws masks of classes; their map is made by the network's own ``run``."""

    def __init__(self, network: MaskNetwork, sources: int) -> None:
        self.card, self.provider = network.card, network.provider
        self.grid = network.grid(RATE_HZ)
        self._network = network
        self._streams = [network.open(RATE_HZ) for _ in range(sources)]

    def run(self, spectra: list[tuple[int, Spectra]]) -> object:
        """See ``Runner``."""
        return self._network.run([MaskJob(self._streams[number], one) for number, one in spectra])

    def decide(self, said: object) -> None:
        """Nothing is left to be done."""


class Stems:
    """A network that draws masks of instruments."""

    def __init__(self, network: StemNetwork, sources: int) -> None:
        self.card, self.provider = network.card, network.provider
        self.grid = network.grid(RATE_HZ)
        self._network = network
        self._streams = [network.open(RATE_HZ) for _ in range(sources)]

    def run(self, spectra: list[tuple[int, Spectra]]) -> object:
        """See ``Runner``."""
        return self._network.run([StemJob(self._streams[number], one) for number, one in spectra])

    def decide(self, said: object) -> None:
        """Nothing is left to be done."""


def runner(stem: str, sources: int, provider: str = "cpu") -> Runner:
    """A network with so many sources at their start."""
    network = load_any(stem, provider)
    if isinstance(network, Network):
        return Main(network, sources)
    if isinstance(network, MaskNetwork):
        return Masks(network, sources)
    assert isinstance(network, StemNetwork), "measure refuses the others"
    return Stems(network, sources)


@dataclass(frozen=True, slots=True)
class Spent:
    """Processor time, and the sound it was spent on."""

    audio_s: float
    front_s: float
    network_s: float
    decisions_s: float

    @property
    def times_real_time(self) -> float:
        """All of it."""
        return self.audio_s / (self.front_s + self.network_s + self.decisions_s)


def drive(engine: Runner, sources: int, samples: Float32Array, piece_s: float) -> Spent:
    """Mono samples through as many sources, all alike, in pieces.

    The first two pieces are not counted: windows, states and memory are filled. Raises ValueError
    for less sound than three pieces.
    """
    piece_s = max(piece_s, engine.card.hop_s)
    fronts = [
        SourceFront(str(number), engine.card, engine.grid, piece_s) for number in range(sources)
    ]
    size = round(piece_s * RATE_HZ)
    blocks = [samples[at : at + size] for at in range(0, len(samples) - size + 1, size)]
    if len(blocks) <= WARM_PIECES:
        raise ValueError(f"expected at least {(WARM_PIECES + 1) * piece_s:g} s of sound")
    clock = time.process_time
    spent = np.zeros(3)
    for number, block in enumerate(blocks):
        began = clock()
        pieces = [front.push(block) for front in fronts]
        heard = clock()
        said = []
        for index in range(max(len(some) for some in pieces)):
            said.append(
                engine.run([(n, some[index]) for n, some in enumerate(pieces) if index < len(some)])
            )
        thought = clock()
        for one in said:
            engine.decide(one)
        if number >= WARM_PIECES:
            spent += (heard - began, thought - heard, clock() - thought)
    audio_s = sources * size / RATE_HZ * (len(blocks) - WARM_PIECES)
    return Spent(audio_s, *np.maximum(spent, 1e-9).tolist())


def best(stem: str, sources: int, samples: Float32Array, piece_s: float, times: int) -> Spent:
    """The quickest of some runs; others on the machine make one longer, never shorter."""
    found = [drive(runner(stem, sources), sources, samples, piece_s) for _ in range(max(1, times))]
    return max(found, key=lambda spent: spent.times_real_time)
