"""Facts about the scenes that masks are trained on: every class is known apart."""

from pathlib import Path

import numpy as np

from streamseg.frontend.features import log_bands
from streamseg.training import scenes
from streamseg.training.banks import open_banks
from streamseg.training.fronts import WINDOW_MASK
from streamseg.training.layers import Layers


def composed(banks: Path, seed: int) -> scenes.Scene:
    """A scene of generated sounds."""
    layers = Layers(open_banks(banks), "fit")
    return scenes.compose(layers, np.random.default_rng(seed), [])


def test_a_seed_is_a_scene(banks: Path) -> None:
    """The same seed gives the same samples, so that a render can be repeated."""
    one, other = composed(banks, 5), composed(banks, 5)
    np.testing.assert_array_equal(one.heard, other.heard)
    np.testing.assert_array_equal(one.parts, other.parts)


def test_the_parts_are_what_is_heard(banks: Path) -> None:
    """Where no codec and no overload came between, the classes add up to the scene."""
    closeness = []
    for seed in range(8):
        scene = composed(banks, seed)
        assert scene.heard.shape == (scenes.COUNT,)
        assert scene.parts.shape == (3, scenes.COUNT)
        assert np.abs(scene.heard).max() <= 1
        rest = scene.heard - scene.parts.sum(axis=0)
        closeness.append(float((rest**2).sum() / (scene.heard**2).sum()))
    # Codecs, clipping, compression and a direct current befall a third of the scenes.
    assert np.sum(np.array(closeness) < 1e-6) >= 4


def test_a_picture_keeps_the_features_of_the_run_time(banks: Path) -> None:
    """A byte a pixel: half of 0.6 dB away from what the front end computes in the product."""
    scene = composed(banks, 2)
    kept = scenes.picture(scene)
    front = WINDOW_MASK
    expected = log_bands(front).push(scene.heard)
    assert kept.spectrum.shape == expected.shape == (scenes.FRAMES, 192)
    stored_db = kept.spectrum * scenes.STEP_DB + front.floor_db
    np.testing.assert_allclose(stored_db, expected, atol=0.31)


def test_unit_power_is_the_mean_of_its_pixels() -> None:
    """A tone lies in its own unit of 16 bins, and an absent class at the floor."""
    time_s = np.arange(scenes.COUNT) / 44100
    tone = np.sin(2 * np.pi * 40 * 44100 / 512 * time_s).astype(np.float32)  # bin 40: row 2
    parts = np.stack([0.1 * tone, np.zeros_like(tone), np.zeros_like(tone)])
    kept = scenes.picture(scenes.mixture(parts))
    assert kept.unit_db.shape == (3, 128, 12)
    assert (kept.unit_db[0].argmax(axis=1) == 2).all()
    assert (kept.unit_db[1:] == WINDOW_MASK.floor_db).all()
    # A sine of amplitude a has |a * 256 / 2|**2 in its bin and a quarter in both neighbours.
    expected_db = 10 * np.log10((0.1 * 128) ** 2 * 1.5 / 16)
    np.testing.assert_allclose(kept.unit_db[0, :, 2], expected_db, atol=0.05)
    np.testing.assert_array_equal(kept.heard_db, kept.unit_db[0])
