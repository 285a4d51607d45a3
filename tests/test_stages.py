"""Facts about the way of one source to and from its network."""

import numpy as np
import pytest
from fake_source import RATE_HZ
from hypothesis import given
from hypothesis import strategies as st
from splits import SEEDS, blocks
from tiny_network import STRIDE, write

from streamseg.frontend.features import FeatureStream
from streamseg.frontend.steps import StepMeter
from streamseg.messages import FrameGrid
from streamseg.models import Job, load_network
from streamseg.settings_alarms import AlarmSettings
from streamseg.stages import SourceFront, estimates_in, shifted


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """The small network, ready to run."""
    return load_network("frame_conv", "cpu", write(tmp_path_factory.mktemp("models")))


def analyse(network, signal, seed, piece_s, rate_hz=RATE_HZ):
    """Probabilities and levels of a whole stretch, for a random split."""
    front = SourceFront("a", network.card, network.grid(rate_hz), piece_s)
    stream, parts = network.open(), []
    for block in blocks(signal, seed):
        parts += [network.run([Job(stream, s)])[0] for s in front.push(block)]
    parts += [network.run([Job(stream, s)])[0] for s in front.finish(network.flush_frames)]
    prob = np.concatenate([part.confirmed for part in parts])
    level = np.concatenate([part.level_dbfs for part in parts])
    assert len(prob) == len(level) == front.estimates
    return np.hstack((prob, level[:, None] / 100))


@given(seed=SEEDS, piece_s=st.sampled_from([0.04, 0.2, 10.0]))
def test_any_split_and_any_piece_gives_the_same_estimates(network, seed, piece_s):
    """From samples to probabilities, block size and batch length change nothing (1e-4)."""
    signal = np.random.default_rng(0).standard_normal(33_333).astype(np.float32) * 0.1
    whole = analyse(network, signal, 0, 100.0)
    np.testing.assert_allclose(analyse(network, signal, seed, piece_s), whole, atol=1e-4)


@pytest.mark.parametrize("samples", [1, 2, 320, 511, 512, 513, 5_000, 16_000, 16_001])
def test_every_length_gets_its_estimates(network, samples):
    """One estimate per 40 ms of which the middle was heard, and one at least."""
    got = analyse(network, np.ones(samples, np.float32), 0, 0.2)
    assert len(got) == max(1, int(np.ceil((samples / 16_000 - 0.026) / 0.04)))


@pytest.mark.parametrize("samples", [0, 1, 511, 512, 831, 832, 3_333, 16_000, 40_123])
@pytest.mark.parametrize("piece_s", [0.04, 0.2, 10.0])
def test_frames_that_hear_silence_behind_the_end_are_counted(network, samples, piece_s):
    """Of 512 samples every 320; the rest is padding, and nothing before the end is."""
    front = SourceFront("a", network.card, network.grid(RATE_HZ), piece_s)
    pieces = front.push(np.ones(samples, np.float32))
    assert sum(one.padding for one in pieces) == 0
    pieces += front.finish(network.flush_frames)
    sounding = [len(one.power) - one.padding for one in pieces]
    assert min(sounding, default=0) >= 0
    assert sum(sounding) == max(0, (samples - 512) // 320 + 1)


@pytest.mark.parametrize("rate_hz", [16_000, 44_100, 48_000])
@pytest.mark.parametrize("piece_s", [0.04, 0.2, 10.0])
def test_a_piece_comes_with_the_block_that_completes_it(network, rate_hz, piece_s):
    """Waiting for a whole piece before the front end runs makes nothing late."""
    grid = network.grid(rate_hz)
    front = SourceFront("a", network.card, grid, piece_s)
    direct = FeatureStream(network.card.front_end, rate_hz)
    piece = max(1, round(piece_s / network.card.hop_s)) * STRIDE
    frames = sent = 0
    for block in np.split(np.ones(rate_hz * 12, np.float32), rate_hz * 12 // 100):
        frames += len(direct.push(block).power)
        sent += len(front.push(block))
        assert sent == frames // piece
    assert sent >= 12 // piece_s - 1


def test_the_front_end_runs_a_few_times_a_piece(network, monkeypatch):
    """Blocks of 10 ms are put together: a call costs more than the sound in one of them."""
    front = SourceFront("a", network.card, network.grid(48_000), 0.2)
    calls = []
    push = FeatureStream.push
    monkeypatch.setattr(
        FeatureStream, "push", lambda self, samples: calls.append(1) or push(self, samples)
    )
    pieces = [front.push(np.ones(480, np.float32)) for _ in range(1000)]
    assert sum(len(some) for some in pieces) >= 48
    assert len(calls) <= 3 * 50


def test_channels_may_come_and_go(network):
    """Blocks with and without channels are measured as they came, in their order."""
    alarms = AlarmSettings()
    front = SourceFront("a", network.card, network.grid(RATE_HZ), 0.2, alarms)
    signal = np.random.default_rng(3).standard_normal((RATE_HZ, 2)).astype(np.float32) * 0.1
    meter = StepMeter(RATE_HZ, alarms.dead_air_dbfs)
    got, want = [], []
    for number, block in enumerate(np.split(signal, 100)):
        channels = block if number < 30 or number >= 45 else None
        got += front.push(block[:, 0], channels)
        want.append(meter.push(block[:, 0], channels))
    got += front.finish(network.flush_frames)
    steps = np.concatenate([spectra.steps for spectra in got])
    assert steps.tobytes() == np.concatenate(want).tobytes()


def test_no_sound_is_worth_no_estimate():
    """An empty stretch is empty."""
    assert estimates_in(FrameGrid(RATE_HZ, 0.04, 0.026), 0) == 0


def test_spectra_behind_a_hole_are_counted_from_it(network):
    """Frame number and origin move together, so times stay right."""
    front = SourceFront("a", network.card, network.grid(RATE_HZ), 0.2)
    pieces = front.push(np.ones(RATE_HZ, np.float32))
    moved = shifted(pieces[2], pieces[2].first_frame, network.grid(RATE_HZ), STRIDE)
    assert moved.first_frame == 0
    assert moved.origin == pieces[2].first_frame * 320
