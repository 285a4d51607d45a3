"""What is measured of 100 ms: numbers that follow from the signal, the same for every split."""

from __future__ import annotations

import numpy as np
import pytest
import signals
import splits
from hypothesis import given, settings

from streamseg.frontend.loudness import KWeightedPower
from streamseg.frontend.steps import StepMeter
from streamseg.messages import STEP, Steps

RATE_HZ = 48_000


def stereo(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Two channels side by side."""
    return np.stack((left, right), axis=1).astype(np.float32)


def measured(frames: np.ndarray, rate_hz: int = RATE_HZ, quiet_dbfs: float = -40.0) -> Steps:
    """Of (n,) or (n, channels) at once."""
    if frames.ndim == 1:
        return StepMeter(rate_hz, quiet_dbfs).push(frames)
    return StepMeter(rate_hz, quiet_dbfs).push(frames.mean(axis=1), frames)


@settings(max_examples=20)
@given(seed=splits.SEEDS)
def test_any_split_gives_the_same_steps_bit_for_bit(seed: int) -> None:
    """Alarms compare with thresholds: not even the last bit may depend on the blocks."""
    left = signals.music(2.0, 11025, level_dbfs=-3.0).clip(-1, 1)
    frames = stereo(left, np.roll(left, 7))
    whole = measured(frames, 11025)
    assert len(whole) == 20
    meter, found, at = StepMeter(11025, -40.0), [np.empty(0, STEP)], 0
    for block in splits.blocks(frames, seed):
        found.append(meter.push(block.mean(axis=1), block))
        at += len(block)
    assert np.concatenate(found).tobytes() == whole.tobytes()


def test_the_level_is_that_of_the_loudest_channel_about_its_mean() -> None:
    """An offset is no sound: -20 dBFS beside a channel of nothing but DC."""
    tone = signals.sine(1.0, RATE_HZ, 1000.0, -20.0)
    steps = measured(stereo(tone + np.float32(0.1), np.full(tone.size, 0.5)))
    assert 10 * np.log10(2 * steps["power"]) == pytest.approx(-20.0, abs=0.01)
    assert steps["mean"][:, :3] == pytest.approx(np.tile([0.1, 0.5, 0.0], (10, 1)), abs=1e-6)
    assert steps["left"] == pytest.approx(steps["power"])
    assert steps["right"] == pytest.approx(0.0, abs=1e-9)


def test_the_edges_of_a_sound_are_found_to_the_sample() -> None:
    """A burst from sample 53000 to 53999, in the second step of the second second: 200 to 1199 of
    it; neither its own mean nor an offset of all of it moves them."""
    for offset in (0.0, 0.1):
        sound = np.full(60_000, offset, np.float32)
        sound[53_000:54_000] += 0.5
        steps = measured(sound)[10:]
        assert steps["loud_first"].tolist() == [-1, 200, -1][: len(steps)]
        assert steps["loud_last"].tolist() == [-1, 1199, -1][: len(steps)]


def test_the_correlation_of_the_channels_is_kept() -> None:
    """The product of a channel with itself upside down is minus its power."""
    tone = signals.sine(0.5, RATE_HZ, 440.0, -10.0)
    steps = measured(stereo(tone, -tone))
    assert steps["cross"] == pytest.approx(-steps["left"])


def test_one_channel_says_nothing_about_two() -> None:
    """No right channel, no product: nan, not nought."""
    steps = measured(signals.sine(0.2, RATE_HZ, 440.0))
    assert np.isnan(steps["right"]).all()
    assert np.isnan(steps["cross"]).all()


def test_flat_tops_are_counted_once_wherever_a_step_ends() -> None:
    """Runs of three and more at full scale count, of two not; one lies across two steps."""
    sound = signals.silence(0.3, RATE_HZ)
    sound[100:103] = 1.0
    sound[200:202] = 1.0
    sound[300:340] = -1.0
    sound[4798:4802] = 1.0
    steps = measured(sound)
    assert steps["clip_runs"].tolist() == [2, 1, 0]
    assert steps["clip_at"].tolist() == [100, -2, -1]


def test_a_limiter_under_full_scale_is_no_clipping() -> None:
    """Music held flat at -0.1 dBFS is loud, but whole."""
    sound = signals.music(1.0, RATE_HZ, level_dbfs=0.0)
    limit = 10 ** (-0.1 / 20)
    assert measured(sound.clip(-limit, limit))["clip_runs"].sum() == 0
    assert measured(sound.clip(-1, 1))["clip_runs"].sum() > 10


def test_loudness_adds_the_channels() -> None:
    """The same tone in two channels is 3 LU more than in one, and its power is KWeightedPower's."""
    tone = signals.noise("pink", 2.0, RATE_HZ)
    one, two = measured(tone), measured(stereo(tone, tone))
    assert two["k_power"] == pytest.approx(2 * one["k_power"])
    np.testing.assert_allclose(one["k_power"], KWeightedPower(RATE_HZ).push(tone), rtol=1e-9)


def test_dual_mono_reads_as_from_two_loudspeakers() -> None:
    """Only where there is one channel; two are never doubled."""
    tone = signals.sine(0.5, RATE_HZ, 997.0)
    both = stereo(tone, tone)
    doubled = StepMeter(RATE_HZ, -40.0, dual_mono=True).push(tone)
    assert doubled["k_power"] == pytest.approx(measured(both)["k_power"])
    same = StepMeter(RATE_HZ, -40.0, dual_mono=True).push(tone, both)
    assert same["k_power"] == pytest.approx(measured(both)["k_power"])


def test_momentary_loudness_begins_after_400_ms() -> None:
    """Before that there is no window; in a steady tone it is the power of a step."""
    steps = measured(signals.sine(1.0, RATE_HZ, 1000.0))
    assert np.isnan(steps["k_momentary"][:3]).all()
    assert steps["k_momentary"][5:] == pytest.approx(steps["k_power"][5:], rel=0.01)


def test_filled_holes_count_for_every_channel() -> None:
    """Sound without channels in the middle of a stereo stream, or at its start, is in both."""
    meter = StepMeter(RATE_HZ, -40.0)
    half = np.full(2400, 0.25, np.float32)
    assert len(meter.push(half)) == 0
    (step,) = meter.push(half, stereo(half, half))
    assert step["mean"][:2] == pytest.approx([0.25, 0.25])


def test_losing_a_channel_on_the_way_is_refused() -> None:
    """A source promises to keep its number of channels."""
    meter = StepMeter(RATE_HZ, -40.0)
    block = np.zeros((100, 6), np.float32)
    meter.push(block[:, 0], block)
    with pytest.raises(ValueError, match="expected 6 channels as before, got 2"):
        meter.push(block[:, 0], block[:, :2])


def test_reset_forgets_the_signal() -> None:
    """After a reset the same samples give the same steps, bit for bit."""
    sound = signals.noise("pink", 0.5, RATE_HZ)
    meter = StepMeter(RATE_HZ, -40.0)
    first = meter.push(sound)
    meter.push(sound[:1234])
    meter.reset()
    assert meter.push(sound).tobytes() == first.tobytes()
