"""Programmes of single sounds."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from streamseg.training import parallel_cnn_singles as singles
from streamseg.training import render
from streamseg.training.banks import open_banks
from streamseg.training.data import CELL, RATE_HZ, runs
from streamseg.training.layers import Layers


@pytest.fixture(scope="module")
def programmes(banks: Path) -> list:
    """Twelve of 24 s."""
    layers = Layers(open_banks(banks), "fit")
    return [singles.compose(layers, np.random.default_rng(seed), 24.0) for seed in range(12)]


def test_sounds_are_single_and_most_are_brief(programmes: list) -> None:
    """Of one class, silence between them; no more than 1 s each, or 6 s in some programmes."""
    longest = []
    for programme in programmes:
        assert len(programme.samples) == len(programme.truth) * CELL
        sounding = programme.truth == 1
        assert sounding.sum(axis=1).max() == 1
        found = list(runs(programme.truth.any(axis=1)))
        assert len(found) >= 2
        longest.append(max(end - start for start, end in found))
        between = [b[0] - a[1] for a, b in pairwise(found)]
        assert min(between) >= 10
    assert max(longest) <= 301
    assert 5 <= sum(cells <= 51 for cells in longest) <= 11


def test_half_of_the_programmes_hold_one_class(programmes: list) -> None:
    """And over all of them every class is heard."""
    heard = np.array([(p.truth == 1).any(axis=0) for p in programmes])
    assert heard.any(axis=0).all()
    assert 2 <= (heard.sum(axis=1) == 1).sum() <= 10


def test_a_pause_is_silent_or_faint(programmes: list) -> None:
    """At least 20 dB under the sounds, and in some programmes digital silence."""
    levels = []
    for programme in programmes:
        power = (programme.samples.reshape(-1, CELL) ** 2).mean(axis=1)
        quiet = (programme.truth == 0).all(axis=1)
        assert power[quiet].mean() < 0.01 * np.percentile(power[~quiet], 90)
        levels.append(power[quiet].max())
    assert min(levels) == 0.0
    assert max(levels) > 0.0


def test_a_shard_is_made_from_its_number(
    banks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same twice, another for another number; one that is there stays."""
    monkeypatch.setattr(render, "PER_SHARD", 2)
    for folder, number in (("a", 0), ("b", 0), ("c", 1)):
        singles.render_shard(banks, None, tmp_path / folder, 0, number)
    first, again = (render.read_shard(tmp_path / f / "shard0000.npz") for f in "ab")
    other = render.read_shard(tmp_path / "c" / "shard0001.npz")
    assert first.features["parallel_cnn"].shape[0] == 2
    assert first.truth.shape == (2, render.CELLS, 3)
    np.testing.assert_array_equal(first.features["parallel_cnn"], again.features["parallel_cnn"])
    assert not np.array_equal(first.features["parallel_cnn"], other.features["parallel_cnn"])
    (tmp_path / "a" / "shard0001.npz").write_bytes(b"kept")
    singles.render_shard(banks, None, tmp_path / "a", 0, 1)
    assert (tmp_path / "a" / "shard0001.npz").read_bytes() == b"kept"


def test_24_s_are_all_the_frames_of_other_shards(banks: Path, tmp_path: Path) -> None:
    """Both kinds lie in one array."""
    plain = render.one(banks, None, "fit", np.random.default_rng(0), "plain", ["parallel_cnn"])[0]
    monkey = pytest.MonkeyPatch()
    monkey.setattr(render, "PER_SHARD", 1)
    singles.render_shard(banks, None, tmp_path, 0, 0)
    monkey.undo()
    shard = render.read_shard(tmp_path / "shard0000.npz")
    assert shard.features["parallel_cnn"].shape[1:] == plain["parallel_cnn"].shape
    assert len(plain["parallel_cnn"]) * 1536 <= 24 * RATE_HZ + 1536
