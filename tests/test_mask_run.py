"""Facts about a file through a mask network: its map, its sound, and the memory it takes."""

import tracemalloc

import numpy as np
import pytest
from scipy.signal import butter, sosfilt
from signals import at_level, level_of, noise, sine
from tiny_mask_network import write_level

from streamseg.mask_run import MaskRun
from streamseg.messages import Block, StreamFormat
from streamseg.models import load_mask_network

UNIT_S = 2048 / 44_100


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """Windows with something loud in them are music, others noise."""
    return load_mask_network("window_mask", "cpu", write_level(tmp_path_factory.mktemp("models")))


class Sound:
    """A source with an end: (n, channels) float32 in blocks of a quarter of a second."""

    name, live, bad_samples = "sound", False, 0

    def __init__(self, frames, rate_hz, repeat=1):
        self.frames, self.rate_hz = frames, rate_hz
        self.left = [
            (turn, at) for turn in range(repeat) for at in range(0, len(frames), rate_hz // 4)
        ]

    @property
    def exhausted(self):
        """Everything was read."""
        return not self.left

    def open(self):
        """Always works."""
        return StreamFormat(self.rate_hz, self.frames.shape[1], "float32", "a test")

    def read(self, timeout_s):
        """The next block."""
        turn, at = self.left.pop(0)
        frames = self.frames[at : at + self.rate_hz // 4]
        channels = frames if frames.shape[1] > 1 else None
        return Block(frames.mean(axis=1), turn * len(self.frames) + at, channels)

    def close(self):
        """Nothing to close."""


def everything(source, network, keep=(), floor_db=None):
    """Sound and map of a whole source."""
    steps = list(MaskRun(source, network, keep, floor_db).steps())
    kept = np.concatenate([step.kept for step in steps]) if keep else None
    return kept, np.concatenate([step.prob for step in steps], axis=2)


def si_sdr_db(estimate, target):
    """Scale-invariant signal-to-distortion ratio (Le Roux and others, 2019)."""
    part = np.dot(estimate, target) / np.dot(target, target) * target
    return 10 * np.log10(np.sum(part**2) / np.sum((estimate - part) ** 2))


@pytest.mark.parametrize("rate_hz", [8_000, 44_100, 48_000])
@pytest.mark.parametrize("channels", [1, 2])
def test_keeping_every_class_gives_the_sound_back(network, rng, rate_hz, channels):
    """Sample for sample, in its own rate and channels, also where the end fills no unit."""
    sound = rng.normal(0, 0.1, (3 * rate_hz + 1_234, channels)).astype(np.float32)
    kept, _ = everything(Sound(sound, rate_hz), network, ["music", "speech", "noise"])
    assert kept.shape == sound.shape
    np.testing.assert_allclose(kept, sound, atol=1e-6)


def test_keeping_what_is_loud_takes_the_rest_away(network):
    """A loud low tone in fainter hiss above 10 kHz: SI-SDR rises from 20 dB by 15 or more."""
    tone = sine(4, 44_100, 300, -20)
    sos = butter(8, (10_000, 16_000), "bandpass", fs=44_100, output="sos")
    hiss = at_level(sosfilt(sos, noise("white", 4, 44_100, seed=2)), -40)
    kept, prob = everything(Sound((tone + hiss)[:, None], 44_100), network, ["music"])
    before, after = si_sdr_db(tone + hiss, tone), si_sdr_db(kept[:, 0], tone)
    assert before == pytest.approx(20, abs=0.5)
    assert after > before + 15, (before, after)
    assert prob[0, 0].min() > 0.9
    assert prob[0, 7:].max() < 0.1


@pytest.mark.parametrize("rate_hz", [8_000, 44_100, 48_000])
def test_a_bang_is_found_in_the_unit_in_which_it_was(network, rate_hz):
    """Every window that holds it says so: the unit that all of them cover is that of the bang."""
    for bang_s in (1.5, 2.013):
        sound = np.zeros((4 * rate_hz, 1), np.float32)
        sound[round(bang_s * rate_hz) :][: rate_hz // 1_000] = 0.9
        run = MaskRun(Sound(sound, rate_hz), network)
        prob = np.concatenate([step.prob for step in run.steps()], axis=2)[0, 0]
        middle_s = run.grid.first_s + prob.argmax() * run.grid.unit_s
        # Half a unit, and half of the 512 samples of a frame in which the bang still sounds.
        assert abs(middle_s - bang_s) <= (1024 + 256) / 44_100
        assert prob.max() > 0.99
        assert np.median(prob) < 0.01


def test_the_floor_leaves_something_of_what_goes(network):
    """Nothing is turned down by more than 20 dB when that is the floor."""
    faint = at_level(noise("white", 3, 44_100, seed=2), -70)[:, None]
    gone, _ = everything(Sound(faint, 44_100), network, ["music"])
    soft, _ = everything(Sound(faint, 44_100), network, ["music"], floor_db=-20)
    assert level_of(gone) < -100
    assert level_of(soft) == pytest.approx(-90, abs=0.2)


def test_the_map_covers_the_sound_to_a_unit(network, rng):
    """As many units as have their middle in the sound, whatever its length; one at least."""
    for seconds in (0.05, 0.5, 0.74, 0.8, 2.0, 5.03):
        frames = round(seconds * 44_100)
        sound = rng.normal(0, 0.1, (frames, 1)).astype(np.float32)
        run = MaskRun(Sound(sound, 44_100), network)
        units = sum(step.prob.shape[2] for step in run.steps())
        middle_s = run.grid.first_s + np.arange(units + 1) * UNIT_S
        assert units == max(1, np.count_nonzero(middle_s < seconds)), seconds


def test_without_a_class_to_keep_no_sound_is_made(network, rng):
    """The map alone costs nothing more."""
    sound = rng.normal(0, 0.1, (44_100, 2)).astype(np.float32)
    steps = list(MaskRun(Sound(sound, 44_100), network).steps())
    assert sum(len(step.kept) for step in steps) == 0
    assert steps[-1].position_s == pytest.approx(1.0)


def test_a_long_sound_needs_no_more_memory_than_a_short_one(network, rng):
    """Six times the sound peaks at no more than half as much again (1.4 MB): nothing is kept."""
    sound = rng.normal(0, 0.1, (8_000 * 10, 2)).astype(np.float32)
    peaks = []
    for repeat in (1, 6):
        run = MaskRun(Sound(sound, 8_000, repeat), network, ["music"])
        tracemalloc.start()
        for step in run.steps():
            assert len(step.kept) < 1.6 * 8_000
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0], peaks
