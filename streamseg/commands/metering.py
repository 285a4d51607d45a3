"""Around the network, on its thread: how far it has come, how fast, and how loud the sound is.

``MeteredNetwork`` stands in for the network of a ``Monitor``. It sees the steps of 100 ms that the
front end has measured already, so that loudness costs a few additions and not a filter.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from streamseg.frontend.loudness import BLOCK_STEPS, SHORT_STEPS, lufs
from streamseg.frontend.loudness_stats import ProgrammeLoudness
from streamseg.messages import Estimate, Spectra
from streamseg.models import Job, Network
from streamseg.sinks.board import Board


class LoudnessMeter:
    """Loudness of one source: momentary (400 ms), short-term (3 s), integrated since the start."""

    def __init__(self) -> None:
        self._newest = np.empty(0)
        self._programme = ProgrammeLoudness()
        self._next = (0, 0)
        self.lufs: dict[str, float] = {}
        """By window; what cannot be said yet is not in it."""

    def push(self, spectra: Spectra) -> None:
        """Take the steps that came with these spectra."""
        if (spectra.origin, spectra.first_frame) != self._next:
            self._newest = np.empty(0)
            self._programme.interrupt()
        self._next = (spectra.origin, spectra.first_frame + len(spectra.power))
        powers = np.asarray(spectra.steps["k_power"], np.float64)
        if not powers.size:
            return
        self._programme.push(powers)
        self._newest = np.concatenate((self._newest, powers))[-SHORT_STEPS:]
        self.lufs = {}
        if len(self._newest) >= BLOCK_STEPS:
            self.lufs["momentary"] = lufs(float(self._newest[-BLOCK_STEPS:].mean()))
        if len(self._newest) >= SHORT_STEPS:
            self.lufs["short_term"] = lufs(float(self._newest.mean()))
        if (integrated := self._programme.lufs) is not None:
            self.lufs["integrated"] = integrated


class MeteredNetwork:
    """A network that tells the board about its work."""

    def __init__(self, network: Network, board: Board) -> None:
        self._network = network
        self._board = board
        self._meters: dict[str, LoudnessMeter] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._network, name)

    def run(self, jobs: Sequence[Job]) -> list[Estimate]:
        """As the network."""
        hop_s = self._network.card.front_end.hop_s
        began_s = time.monotonic()
        estimates = self._network.run(jobs)
        busy_s = time.monotonic() - began_s
        frames = 0
        for spectra in (job.spectra for job in jobs):
            meter = self._meters.setdefault(spectra.source, LoudnessMeter())
            meter.push(spectra)
            here = spectra.first_frame + len(spectra.power)
            frames += len(spectra.power)
            self._board.measured(spectra.source, spectra.origin, here * hop_s, meter.lufs)
        self._board.worked(frames * hop_s, busy_s)
        return estimates
