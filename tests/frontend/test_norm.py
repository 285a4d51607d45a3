"""Facts about causal normalisation."""

import numpy as np
import pytest
from hypothesis import given
from splits import SEEDS, push_all

from streamseg.frontend.norm import RunningNorm


def make(time_constant_s: float = 1.0) -> RunningNorm:
    """Four bands at 25 frames a second."""
    return RunningNorm(4, 0.04, time_constant_s, 1.0, -90.0, 6.0)


def sample(frames: int = 3_000) -> np.ndarray:
    """Bands around -40 dB, 5 dB wide, with stretches of silence."""
    features = np.random.default_rng(0).normal(-40, 5, (frames, 4)).astype(np.float32)
    features[200:300] = -100
    return features


@given(seed=SEEDS)
def test_any_split_gives_the_same_values(seed):
    """The recursion is carried on exactly (float64 state, float32 result)."""
    features = sample()
    np.testing.assert_allclose(
        push_all(make().push, features, seed), make().push(features), atol=1e-6
    )


def test_equals_the_definition():
    """Each frame by its weighted past, computed the slow way."""
    features, decay = sample(400), np.exp(-0.04)
    got = make().push(features)
    for t in (0, 1, 50, 199, 250, 399):
        past = features[: t + 1].astype(np.float64)
        past = past[past.max(axis=1) > -90]
        weights = decay ** np.arange(len(past) - 1, -1, -1)[:, None]
        mean = (weights * past).sum(0) / weights.sum()
        variance = (weights * past**2).sum(0) / weights.sum() - mean**2
        expected = (features[t] - mean) / np.sqrt(np.maximum(variance, 1))
        np.testing.assert_allclose(got[t], np.clip(expected, -6, 6), atol=1e-4)


def test_the_past_only():
    """What comes later does not change what was said."""
    features = sample()
    np.testing.assert_array_equal(make().push(features[:500]), make().push(features)[:500])


def test_a_gain_is_forgotten():
    """After a few time constants 30 dB more make no difference."""
    features = sample()
    louder = features + np.where(np.arange(len(features)) >= 300, 30, 0)[:, None].astype("f")
    end = slice(1_500, None)
    np.testing.assert_allclose(make().push(louder)[end], make().push(features)[end], atol=1e-3)


def test_silence_does_not_move_the_statistics():
    """Twenty minutes of dead air leave the statistics where they were."""
    norm, active = make(), sample()[:200]
    before = norm.push(active)[-1]
    norm.push(np.full((30_000, 4), -100, np.float32))
    assert norm.push(active[-1:])[0] == pytest.approx(before, abs=0.5)
