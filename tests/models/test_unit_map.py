"""Facts about the map of units: the mean over all covering windows, whatever the split."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from splits import SEEDS

from streamseg.models.card import MapSpec
from streamseg.models.unit_map import UnitMap

SPEC = MapSpec(unit_frames=16, unit_bins=16, window_frames=256, window_bins=64)
POSITIONS, CLASSES = 9, 3


def naive(windows):
    """Every window laid over its 16 x 4 units, then the mean of what lies on each unit."""
    units = len(windows) + SPEC.unit_steps - 1
    over = [[[] for _ in range(units)] for _ in range(POSITIONS + SPEC.unit_rows - 1)]
    for step, positions in enumerate(windows):
        for position, prob in enumerate(positions):
            for row in range(position, position + SPEC.unit_rows):
                for unit in range(step, step + SPEC.unit_steps):
                    over[row][unit].append(prob.astype(np.float64))
    return np.array([[np.mean(on, axis=0) for on in row] for row in over]).transpose(2, 0, 1)


def pieces(windows, seed):
    """Cut at random, empty pieces too."""
    cuts = np.sort(np.random.default_rng(seed).integers(0, len(windows) + 1, 7))
    return np.split(windows, cuts)


def some(steps):
    """Random probabilities."""
    return np.random.default_rng(steps).random((steps, POSITIONS, CLASSES)).astype(np.float32)


@given(seed=SEEDS, steps=st.sampled_from([1, 2, 15, 16, 40]))
def test_any_split_gives_the_mean_over_all_covering_windows(seed, steps):
    """Tolerance: the rounding of one float32; the sums are float64 in the order of time."""
    windows, unit_map = some(steps), UnitMap(SPEC, POSITIONS, CLASSES)
    parts = [unit_map.push(piece) for piece in pieces(windows, seed)] + [unit_map.flush()]
    got = np.concatenate([part.prob for part in parts], axis=2)
    np.testing.assert_allclose(got, naive(windows), atol=1e-7)
    counts = [part.prob.shape[2] for part in parts]
    assert [part.first for part in parts] == np.cumsum([0, *counts[:-1]]).tolist()


def test_a_provisional_unit_is_the_mean_over_the_windows_so_far():
    """After 20 steps, 20 units are final and the 15 of the last window are not."""
    windows, unit_map = some(40), UnitMap(SPEC, POSITIONS, CLASSES)
    now = unit_map.push(windows[:20])
    assert (now.prob.shape[2], now.early.shape[2]) == (20, 15)
    np.testing.assert_allclose(now.early, naive(windows[:20])[:, :, 20:], atol=1e-7)
    # The units that were provisional change when more windows come; the final ones do not.
    later = naive(windows)
    np.testing.assert_allclose(now.prob, later[:, :, :20], atol=1e-7)
    assert np.abs(now.early - later[:, :, 20:35]).max() > 0.01


def test_equal_windows_give_equal_units():
    """A mean has no edge: units under one window and under 64 read the same."""
    unit_map = UnitMap(SPEC, POSITIONS, CLASSES)
    windows = np.broadcast_to(np.float32([0.7, 0.2, 0.1]), (20, POSITIONS, CLASSES))
    parts = [unit_map.push(windows), unit_map.flush()]
    got = np.concatenate([part.prob for part in parts], axis=2)
    np.testing.assert_allclose(got, np.float32([0.7, 0.2, 0.1])[:, None, None] + 0 * got, atol=1e-7)


def test_nothing_in_gives_nothing_out():
    """Before the first window there is no unit, and a flush invents none."""
    unit_map = UnitMap(SPEC, POSITIONS, CLASSES)
    assert unit_map.push(some(0)).early.shape == (CLASSES, 12, 0)
    assert unit_map.flush().prob.shape == (CLASSES, 12, 0)
