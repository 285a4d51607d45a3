"""Boundaries on their way through the live engine: the same as from the whole file at once."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from fake_source import RATE_HZ, FakeSource, cut
from hypothesis import given, settings
from hypothesis import strategies as st
from signals import at_level, noise, sine
from splits import SEEDS, blocks
from tiny_network import write

from streamseg.capture.base import Lost, Restored
from streamseg.evaluation.boundaries import peaks_s
from streamseg.frontend.features import FeatureStream
from streamseg.listener import Begin, Listener, boundaries_of
from streamseg.messages import Change, StreamFormat
from streamseg.models import Network, load_network
from streamseg.pipeline import Monitor
from streamseg.settings import DecisionSettings, Settings
from streamseg.settings_alarms import AlarmSettings
from streamseg.sinks.events import Boundary, Clock, Event
from streamseg.stages import SourceFront

WAIT_S = 120
LOW = sine(13.0, RATE_HZ, 300, -12)
HISS = at_level(noise("white", 11.0, RATE_HZ, seed=1), -30)
HIGH = sine(12.0, RATE_HZ, 3000, -20)
SONG = np.concatenate((LOW, HISS, HIGH))


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Network:
    """The small network: its bands are what matters here."""
    return load_network("frame_conv", "cpu", write(tmp_path_factory.mktemp("models")))


class Heard:
    """A listener with one stretch of sound, fed on one thread."""

    def __init__(self, network: Network, parts: list[np.ndarray], piece_s: float) -> None:
        self.events: list[Event] = []
        self.changes: list[Change] = []
        begin = Begin(
            "a",
            StreamFormat(RATE_HZ, 1, "float32", "a test"),
            Clock(datetime(2026, 1, 1, tzinfo=UTC), 0.0, RATE_HZ),
        )
        listener = Listener(
            begin, network, Settings(), self.events.append, changed=self.changes.append
        )
        grid = network.grid(RATE_HZ)
        front = SourceFront("a", network.card, grid, piece_s, AlarmSettings())
        for part in parts:
            for spectra in front.push(part):
                listener.decide(network.run([listener.job(spectra)])[0])
        for spectra in front.finish(network.flush_frames):
            listener.decide(network.run([listener.job(spectra)])[0])
        listener.note(front.end())

    @property
    def found(self) -> list[tuple[int, float]]:
        """Position and strength of the boundaries, as they were logged."""
        return [(e.stamp.sample, e.strength) for e in self.events if isinstance(e, Boundary)]


def offline_s(network: Network, samples: np.ndarray) -> list[float]:
    """Boundaries as the evaluation finds them, from all features of the sound at once."""
    front = network.card.front_end
    features = FeatureStream(front, RATE_HZ).push(samples).features
    return peaks_s(features, front.hop_s, front.n_fft / 2 / front.rate_hz)


def test_the_joins_of_three_sounds_are_logged_where_they_are(network: Network) -> None:
    """At 13 s and at 24 s, to a step of 0.2 s; the last one comes with the end of the sound."""
    found = Heard(network, [SONG], 0.2).found
    assert [at / RATE_HZ for at, _ in found] == pytest.approx([13.0, 24.0], abs=0.15)
    assert all(0.2 <= strength <= 2.0 for _, strength in found)


@settings(max_examples=8, deadline=None)
@given(seed=SEEDS, piece_s=st.sampled_from([0.04, 0.2, 0.8]), length_s=st.floats(0.0, 36.0))
def test_any_split_gives_the_boundaries_of_the_whole(
    network: Network, seed: int, piece_s: float, length_s: float
) -> None:
    """However the sound comes, and wherever it ends: what the evaluation measures is what runs."""
    sound = SONG[: int(length_s * RATE_HZ)]
    heard = Heard(network, blocks(sound, seed), piece_s)
    expected = [round(at_s * RATE_HZ) for at_s in offline_s(network, sound)]
    assert [at for at, _ in heard.found] == expected


@settings(max_examples=5, deadline=None)
@given(seed=SEEDS, piece_s=st.sampled_from([0.04, 0.2, 0.8]))
def test_the_curve_comes_without_a_hole(network: Network, seed: int, piece_s: float) -> None:
    """Value behind value from the beginning to the last whole step; any split gives the same."""
    whole = Heard(network, [SONG], 0.2).changes
    changes = Heard(network, blocks(SONG, seed), piece_s).changes
    values = np.concatenate([change.values for change in changes])
    np.testing.assert_allclose(values, np.concatenate([c.values for c in whole]), atol=1e-5)
    assert values.dtype == np.float32
    assert len(values) == (36.0 - 0.032 + 0.02) // 0.2
    at = 0
    for change in changes:
        moment_s = max(0.0, 0.016 - 0.01 + at * 0.2)
        assert (change.sample, change.step_s) == (round(moment_s * RATE_HZ), pytest.approx(0.2))
        at += len(change.values)


def test_no_boundary_lies_at_a_hole(network: Network) -> None:
    """A hole ends a stretch, as it ends a segment; what changed before it is still told."""
    gap = 4 * RATE_HZ
    before = np.concatenate((LOW, HISS))
    script = [
        *cut(before),
        Lost(before.size, "connection reset"),
        Restored(before.size + gap, 4.0),
        *cut(HIGH, first=before.size + gap),
    ]
    events: list[Event] = []
    changes: list[Change] = []
    engine = Monitor(
        [FakeSource(script, live=True)],
        network,
        Settings(),
        events.append,
        changes=changes.append,
    )
    engine.start()
    assert engine.wait(WAIT_S)
    engine.stop()
    names = [event.name for event in events]
    found = [event.stamp.sample / RATE_HZ for event in events if isinstance(event, Boundary)]
    assert found == pytest.approx([13.0], abs=0.15)
    assert names.index("boundary") < names.index("source_lost")
    begins = [c.sample for c in changes if c.sample >= before.size]
    assert begins[0] == before.size + gap + round((0.016 - 0.01) * RATE_HZ)


def test_boundaries_can_be_left_out(network: Network) -> None:
    """With ``decisions.boundaries`` off there is neither event nor curve."""
    events: list[Event] = []
    changes: list[Change] = []
    quiet = Settings(decisions=DecisionSettings(boundaries=False))
    engine = Monitor([FakeSource(cut(SONG))], network, quiet, events.append, changes=changes.append)
    engine.start()
    assert engine.wait(WAIT_S)
    engine.stop()
    assert "stopped" in [event.name for event in events]
    assert not [event for event in events if isinstance(event, Boundary)]
    assert not changes


def test_networks_that_hear_no_decibels_by_mel_band_have_none(
    tmp_path: Path, network: Network
) -> None:
    """A normalised band says how unusual a moment is, not how it sounds."""
    assert boundaries_of(network, RATE_HZ) is not None
    norm = {"time_constant_s": 60.0, "min_deviation_db": 3.0, "gate_db": -80.0, "clip": 4.0}
    front = {**network.card.model_dump(mode="json")["front_end"], "norm": norm}
    write(tmp_path, front_end=front)
    assert boundaries_of(load_network("frame_conv", "cpu", tmp_path), RATE_HZ) is None
