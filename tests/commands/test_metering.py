"""What the board learns from the network's work."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from made_events import RATE_HZ, started

from streamseg.commands.metering import LoudnessMeter, MeteredNetwork
from streamseg.messages import STEP, Spectra
from streamseg.sinks.board import Board, SourceState

HOP_S = 0.02
FRAMES_A_STEP = 5
POWER = 10 ** ((-23.0 + 0.691) / 10)  # of -23 LUFS (BS.1770-4, equation 2)


def spectra(steps: int, first_frame: int = 0, origin: int = 0, power: float = POWER) -> Spectra:
    """So many steps of 100 ms, all equally loud."""
    measured = np.zeros(steps, STEP)
    measured["k_power"] = power
    frames = steps * FRAMES_A_STEP
    return Spectra(
        source="studio",
        features=np.zeros((frames, 1), np.float32),
        power=np.zeros(frames, np.float32),
        steps=measured,
        first_frame=first_frame,
        origin=origin,
    )


def test_a_window_is_told_when_it_is_full() -> None:
    """Momentary after 0.4 s, short-term after 3 s, all at the level that the sound has."""
    meter = LoudnessMeter()
    meter.push(spectra(3))
    assert meter.lufs == {}
    meter.push(spectra(1, 15))
    assert meter.lufs == pytest.approx({"momentary": -23, "integrated": -23}, abs=0.06)
    meter.push(spectra(26, 20))
    assert meter.lufs == pytest.approx(
        {"momentary": -23, "short_term": -23, "integrated": -23}, abs=0.06
    )
    meter.push(spectra(4, 150, power=POWER / 100))
    assert meter.lufs["momentary"] == pytest.approx(-43, abs=0.06)
    assert -24 < meter.lufs["short_term"] < -23


def test_no_window_reaches_over_a_hole() -> None:
    """Behind it the windows fill again; the integrated value goes on."""
    meter = LoudnessMeter()
    meter.push(spectra(30))
    meter.push(spectra(2, 0, origin=10 * RATE_HZ))
    assert set(meter.lufs) == {"integrated"}


@dataclass
class OneJob:
    """As much of a job as is looked at."""

    spectra: Spectra


def test_the_board_learns_how_far_and_how_fast() -> None:
    """Position, loudness and speed of the network's work."""
    board = Board(["studio"])
    board.apply(started())
    network: Any = SimpleNamespace(
        card=SimpleNamespace(front_end=SimpleNamespace(hop_s=HOP_S), stem="activity"),
        run=lambda jobs: ["an estimate"] * len(jobs),
    )
    metered = MeteredNetwork(network, board)
    jobs: Any = [OneJob(spectra(4, 100, origin=RATE_HZ))]
    assert metered.run(jobs) == ["an estimate"]
    assert metered.card.stem == "activity"
    states: list[SourceState] = []
    board.read(states.append)
    assert states[0].computed == RATE_HZ + round((100 + 20) * HOP_S * RATE_HZ)
    assert states[0].lufs["momentary"] == pytest.approx(-23, abs=0.01)
    assert board.realtime_factor > 0
