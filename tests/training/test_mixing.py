"""Programmes: their truth belongs to their sound."""

from pathlib import Path

import numpy as np
import pytest

from streamseg.training import augment
from streamseg.training.banks import open_banks
from streamseg.training.data import (
    CELL,
    DOUBTFUL,
    PAUSE,
    RATE_HZ,
    SOUNDING,
    cell_levels_db,
    gate,
    runs,
)
from streamseg.training.layers import CLASSES, Layers
from streamseg.training.mixing import IGNORE, compose, ring_on, troubled


@pytest.fixture(scope="module")
def layers(banks: Path) -> Layers:
    """Layers of the training part."""
    return Layers(open_banks(banks), "fit")


def test_silence_in_the_truth_is_silence_in_the_sound(layers: Layers) -> None:
    """Before degradation, a cell without any label holds nothing loud."""
    loudest = []
    for seed in range(6):
        programme = compose(layers, np.random.default_rng(seed), 20.0)
        levels = cell_levels_db(programme.samples)
        silent = (programme.truth == 0).all(axis=1)
        sounding = (programme.truth == 1).any(axis=1)
        if silent.any():
            loudest.append(np.percentile(levels[silent], 90) - np.median(levels[sounding]))
    # Sounds are gated 32 dB below their loud parts; 20 dB leaves room for levels of segments.
    assert loudest
    assert max(loudest) < -20


def test_labelled_stretches_carry_energy(layers: Layers) -> None:
    """Where a class is said to sound, no second passes without sound."""
    seconds = []
    for seed in range(4):
        programme = compose(layers, np.random.default_rng(seed), 20.0)
        levels = cell_levels_db(programme.samples)
        for start, end in runs((programme.truth == 1).any(axis=1)):
            seconds += [levels[at : at + 50].max() for at in range(start, end - 50, 10)]
    assert len(seconds) > 50
    # Pauses of up to 0.7 s are bridged; a layer may lie 12 dB under another and 32 dB deep.
    assert min(seconds) > -75


def test_every_change_is_ignored_around_its_edge(layers: Layers) -> None:
    """No class goes from 0 to 1, or back, without 0.1 s that nobody is asked about."""
    programme = compose(layers, np.random.default_rng(1), 40.0)
    changes = np.diff(programme.truth.astype(int), axis=0)
    before, after = programme.truth[:-1], programme.truth[1:]
    hard = (changes != 0) & (before != IGNORE) & (after != IGNORE)
    assert not hard.any()


def test_same_seed_same_programme(layers: Layers) -> None:
    """A programme depends on its seed alone."""
    first = compose(layers, np.random.default_rng(7), 10.0)
    again = compose(layers, np.random.default_rng(7), 10.0)
    other = compose(layers, np.random.default_rng(8), 10.0)
    np.testing.assert_array_equal(first.samples, again.samples)
    np.testing.assert_array_equal(first.truth, again.truth)
    assert not np.array_equal(first.samples, other.samples)


@pytest.mark.parametrize("label", CLASSES)
def test_a_layer_has_the_level_it_promises(layers: Layers, label: str) -> None:
    """Where a layer sounds its root mean square is 0.1, so that mixing ratios are true."""
    for seed in range(5):
        layer = layers.layer(np.random.default_rng(seed), label, 6.0)
        cells = layer.samples[: len(layer.cells) * CELL].reshape(-1, CELL)
        used = cells[layer.cells == SOUNDING]
        assert np.sqrt(np.mean(used**2)) == pytest.approx(0.1, rel=1e-3)


def test_gate_bridges_short_pauses_only() -> None:
    """0.5 s of silence belongs to a sound, 1 s is doubtful, 3 s is a pause."""
    rng = np.random.default_rng(0)

    def sound(pause_s: float) -> np.ndarray:
        part = rng.normal(0, 0.1, 50 * CELL).astype(np.float32)
        return np.concatenate((part, np.zeros(int(pause_s * 50) * CELL, np.float32), part))

    assert set(gate(sound(0.5))) == {SOUNDING}
    assert set(gate(sound(1.0))[55:95]) == {DOUBTFUL}
    assert set(gate(sound(3.0))[55:195]) == {PAUSE}


def test_a_room_rings_on() -> None:
    """After the end of a class, as long as a room may ring, nobody is asked."""
    truth = np.zeros((100, 3), np.uint8)
    truth[10:40, 1] = 1
    rung = ring_on(truth, 0.4)
    assert (rung[40:60, 1] == IGNORE).all()
    assert (rung[60:] == 0).all()
    assert (rung[:, 0] == 0).all()


@pytest.mark.parametrize(("label", "manner"), [("speech", "far"), ("noise", "tone")])
def test_broad_layers_are_made_in_their_own_manners(banks: Path, label: str, manner: str) -> None:
    """Voices across a room and test tones are drawn only where layers are to be broad."""
    broad = Layers(open_banks(banks), "fit", taste="broad")
    assert broad.can(label, manner)
    assert not Layers(open_banks(banks), "fit").can(label, manner)
    layer = broad.layer(np.random.default_rng(4), label, 5.0, manner)
    assert layer.manner == manner
    assert (layer.cells == SOUNDING).mean() > 0.3


def test_a_voice_across_a_room_is_mostly_echo(layers: Layers) -> None:
    """Half a second after it stops, a far voice still rings; a near one does not."""
    click = np.zeros(2 * RATE_HZ, np.float32)
    click[:200] = 0.5
    cells = np.zeros(100, np.uint8)
    cells[0] = SOUNDING
    random = np.random.default_rng(1)
    levels = []
    for _ in range(5):
        room = augment.far_room(random)
        levels.append(10 * np.log10((room[1:] ** 2).sum() / room[0] ** 2))
    assert min(levels) > 1
    heard, marks = layers._across(random, click, cells)
    assert len(heard) == len(click)
    assert (marks[1:31] == DOUBTFUL).all()


def test_hum_in_pauses_is_nothing(layers: Layers) -> None:
    """With mains in the pauses, cells without a label still lie 6 dB or more under the rest."""
    found = 0
    for seed in range(8):
        programme = compose(layers, np.random.default_rng(seed), 20.0, pauses=True, mains=True)
        levels = cell_levels_db(programme.samples)
        silent = (programme.truth == 0).all(axis=1)
        faint = silent & (levels > -70)
        found += int(faint.sum())
        if faint.any():
            # Layers lie at -20 dB, give or take their segment's 3.5 dB.
            assert np.median(levels[faint]) < -26
    assert found > 200


def test_trouble_changes_no_answer(layers: Layers) -> None:
    """Hum, places and recorders keep the truth; at most nobody is asked for noise in pauses."""
    changed = 0
    for seed in range(24):
        random = np.random.default_rng(seed)
        programme = compose(layers, random, 8.0, pauses=True)
        after = troubled(random, programme)
        assert after.samples.shape == programme.samples.shape
        different = after.truth != programme.truth
        assert not different[:, :2].any()
        assert (after.truth[different] == IGNORE).all()
        assert not (different.any(axis=1) & (programme.truth == 1).any(axis=1)).any()
        changed += not np.array_equal(after.samples, programme.samples)
    assert 4 <= changed <= 20
