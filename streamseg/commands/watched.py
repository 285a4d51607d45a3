"""A source and a network that tell the window what they do."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from streamseg.capture.base import Delivery, Source
from streamseg.messages import Estimate, StreamFormat
from streamseg.models import Job, Network


class WatchedSource:
    """A source that tells which format it negotiated."""

    def __init__(self, source: Source, opened: Callable[[StreamFormat], None]) -> None:
        self._source, self._opened = source, opened

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    def open(self) -> StreamFormat:
        """Open, and tell."""
        format_ = self._source.open()
        self._opened(format_)
        return format_

    def read(self, timeout_s: float) -> Delivery | None:
        """As the source."""
        return self._source.read(timeout_s)


class TimedNetwork:
    """A network that tells how long it computes: seconds of sound, seconds of time."""

    def __init__(self, network: Network, computed: Callable[[float, float], None]) -> None:
        self._network, self._computed = network, computed

    def __getattr__(self, name: str) -> Any:
        return getattr(self._network, name)

    def run(self, jobs: Sequence[Job]) -> list[Estimate]:
        """As the network."""
        card = self._network.card
        sound_s = sum(len(job.spectra.power) for job in jobs) * card.front_end.hop_s
        began_s = time.monotonic()
        estimates = self._network.run(jobs)
        self._computed(sound_s, time.monotonic() - began_s)
        return estimates
