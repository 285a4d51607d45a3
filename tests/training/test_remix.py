"""Crops of ``activity`` that no shard holds."""

import numpy as np
import pytest
from numpy.typing import NDArray

from streamseg.training import fronts, hum_lines, remix
from streamseg.training.fit import Material, Plan
from streamseg.training.mixing import IGNORE
from streamseg.training.remix import Remixed, overlaid

FRAMES = 200
NOISES = remix.steady_noises(1, 2, 4.0)
PLAN = Plan(steps=10, batch=6, crop_s=2.0, late_crop_s=3.0, late_from=5, seed=3)


def material() -> Material:
    """Four programmes of 4 s, each of one class, each of its own level in decibels."""
    features = np.empty((4, FRAMES, 80), np.float16)
    truth = np.zeros((4, FRAMES, 3), np.uint8)
    for row in range(4):
        features[row] = -20 - 5 * row + np.arange(80) * 0.1
        truth[row, :, row % 3] = 1
    return Material(features, truth, fronts.ACTIVITY)


def plain(monkeypatch: pytest.MonkeyPatch, **shares: float) -> None:
    """Nothing is done to the crops but what ``shares`` says."""
    wanted = {"OVERLAID": 0.0, "HUMMING": 0.0, "STEADY": 0.0, "COLOURED": 0.0}
    wanted |= {"UNCHANGED": 1.0, **shares}
    for name, share in wanted.items():
        monkeypatch.setattr(remix, name, share)


def stock(weights: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0)) -> Remixed:
    """What is drawn from."""
    return Remixed(material(), np.array(weights), hum_lines.bank(1, 2), NOISES)


def test_a_step_depends_on_its_seed_and_number_alone() -> None:
    """Begun anywhere, the same batches come; other steps differ."""
    whole = list(stock().batches(PLAN, 0, 10))
    again = list(stock().batches(PLAN, 7, 9))
    for (features, truth), (same, marks) in zip(whole[7:9], again, strict=True):
        np.testing.assert_array_equal(features, same)
        np.testing.assert_array_equal(truth, marks)
    assert not np.array_equal(whole[0][0], whole[1][0])


def test_late_crops_are_longer() -> None:
    """From the step of the plan on; a batch is as large as it says, also where crops lie over
    each other.
    """
    shapes = [features.shape for features, _ in stock().batches(PLAN, 0, 10)]
    assert shapes == [(6, 100, 80)] * 5 + [(6, 150, 80)] * 5


def test_programmes_come_as_often_as_their_weights_say(monkeypatch: pytest.MonkeyPatch) -> None:
    """A weight of none is never drawn; three times the weight is drawn three times as often."""
    plain(monkeypatch)
    levels = np.concatenate(
        [
            features[:, 0, 0].numpy()
            for features, _ in stock((3.0, 1.0, 0.0, 0.0)).batches(PLAN, 0, 300)
        ]
    )
    assert set(np.round(levels)) == {-20.0, -25.0}
    assert np.mean(np.round(levels) == -20) == pytest.approx(0.75, abs=0.04)


def crop(level_db: float, label: int) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Two seconds of one class at one level in all bands."""
    truth = np.zeros((100, 3), np.uint8)
    truth[:, label] = 1
    return np.full((100, 80), level_db, np.float32), truth


@pytest.mark.parametrize(
    ("ratio_db", "first", "second"), [(0.0, 1, 1), (14.0, 1, IGNORE), (-14.0, IGNORE, 1)]
)
def test_two_crops_sound_together(ratio_db: float, first: int, second: int) -> None:
    """Their powers add up at the ratio asked for, whatever their levels; faint ones are unknown."""
    features, truth = overlaid(crop(-30, 0), crop(-55, 2), ratio_db)
    np.testing.assert_allclose(features, -30 + 10 * np.log10(1 + 10 ** (-ratio_db / 10)), atol=0.01)
    assert (truth == [first, 0, second]).all()


def test_what_is_far_under_the_other_is_not_there() -> None:
    """Where one of the two pauses, the other is alone; 20 dB under it, it is nothing."""
    heard, marks = crop(-30, 0)
    other, said = crop(-30, 1)
    heard[50:] -= 30
    features, truth = overlaid((heard, marks), (other, said), 0.0)
    assert (truth[:35] == [1, 1, 0]).all()
    assert (truth[65:] == [0, 1, 0]).all()
    assert features[0, 0] > features[-1, 0]


def test_hum_comes_under_a_crop(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is heard, and only as loud hum it takes from what is known: noise in pauses."""
    plain(monkeypatch, HUMMING=1.0)
    taken = 0
    for features, truth in stock().batches(PLAN, 0, 10):
        rows = truth.numpy()
        assert ((rows == 1).sum(axis=2) == 1).all()
        taken += int((rows == IGNORE).sum())
        slopes = np.diff(features.numpy(), axis=2)
        assert (np.abs(slopes - 0.1).max(axis=(1, 2)) > 0.5).all()
    assert taken == 0  # nothing pauses here

    silent = Remixed(
        Material(material().features, np.zeros((4, FRAMES, 3), np.uint8), fronts.ACTIVITY),
        np.ones(4),
        hum_lines.bank(1, 2),
        NOISES,
    )
    marks = np.concatenate([truth.numpy() for _, truth in silent.batches(PLAN, 0, 5)])
    unknown = (marks == IGNORE).any(axis=(0, 1))
    assert unknown.tolist() == [False, False, True]
    assert 0 < (marks[:, 0, 2] == IGNORE).mean() < 0.5


def test_some_crops_are_one_steady_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing else, from beginning to end, at a level between the bounds."""
    plain(monkeypatch, STEADY=1.0)
    levels = []
    for features, truth in stock().batches(PLAN, 0, 10):
        assert (truth.numpy() == [0, 0, 1]).all()
        levels += [hum_lines.level_db(crop) for crop in features.numpy()]
    assert min(levels) > remix.STEADY_DBFS[0] - 8  # one that swells begins or ends softly
    assert max(levels) < remix.STEADY_DBFS[1] + 3
    assert np.ptp(levels) > 15


def test_some_crops_are_coloured(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a whole: each band of such a crop moves by as much in every frame, its marks stay."""
    plain(monkeypatch)
    before = list(stock().batches(PLAN, 0, 10))
    plain(monkeypatch, COLOURED=1.0)
    slopes = []
    for (features, truth), (same, marks) in zip(before, stock().batches(PLAN, 0, 10), strict=True):
        np.testing.assert_array_equal(truth, marks)
        moved = (same - features).numpy()
        assert np.ptp(moved, axis=1).max() < 1e-4
        slopes += [float(np.polyfit(np.linspace(-1, 1, 80), curve[0], 1)[0]) for curve in moved]
    assert min(slopes) < -8
    assert max(slopes) > 8
    assert max(np.abs(slopes)) < remix.TILT_DB + 4 * remix.BUMPS_DB
