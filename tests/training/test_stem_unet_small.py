"""Facts about the small stem network and what it trains on."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from streamseg.frontend import units
from streamseg.frontend.features import FeatureStream
from streamseg.training import band_data, stem_data, stem_fit
from streamseg.training.fit import Plan
from streamseg.training.fronts import STEM_UNET_SMALL
from streamseg.training.stem_unet_small import LOOKAHEAD, StemUnetSmall, grouped

COLUMNS = STEM_UNET_SMALL.columns


@pytest.fixture(scope="module")
def network() -> StemUnetSmall:
    """With random weights and norms that have seen something."""
    torch.manual_seed(0)
    made = StemUnetSmall()
    with torch.no_grad():
        made.train()(torch.randn(2, 60, COLUMNS) * 15 - 30, *made.start(2))
    return made.eval()


def run(network: StemUnetSmall, features: torch.Tensor, sizes: list[int]) -> torch.Tensor:
    """Masks of a stream cut into calls of these sizes, over and over."""
    return both(network, features, sizes)[0]


def both(
    network: StemUnetSmall, features: torch.Tensor, sizes: list[int]
) -> tuple[torch.Tensor, torch.Tensor]:
    """The same with the boundary curve."""
    state, masks, curves, at, index = network.start(len(features)), [], [], 0, 0
    with torch.no_grad():
        while at < features.shape[1]:
            size = sizes[index % len(sizes)]
            mask, curve, *state = network(features[:, at : at + size], *state)
            masks.append(mask)
            curves.append(curve)
            at, index = at + size, index + 1
    return torch.cat(masks, dim=1), torch.cat(curves, dim=1)


@settings(max_examples=8, deadline=None)
@given(sizes=st.lists(st.integers(1, 40), min_size=1, max_size=6))
def test_any_split_gives_the_same_masks_and_curve(network, sizes):
    """1e-4: float32 sums in other orders through twenty layers."""
    torch.manual_seed(1)
    features = torch.randn(1, 120, COLUMNS) * 15 - 30
    for got, whole in zip(
        both(network, features, sizes), both(network, features, [120]), strict=True
    ):
        torch.testing.assert_close(got, whole, atol=1e-4, rtol=0)


def test_it_has_at_most_a_million_parameters_and_0_6_s_of_look_ahead(network):
    """And masks of four stems in 512 units, within 0..1."""
    assert network.parameters_count() <= 1_000_000
    assert LOOKAHEAD * 512 / 22_050 + 2048 / 22_050 < 0.61
    masks, curve = both(network, torch.randn(1, 20, COLUMNS) * 15 - 30, [20])
    assert masks.shape == (1, 20, units.UNITS, 4)
    assert curve.shape == (1, 20, 1)
    for values in (masks, curve):
        assert 0 <= float(values.min()) <= float(values.max()) <= 1


def test_what_comes_later_than_the_look_ahead_changes_nothing(network):
    """Frame j stands for frame ``j - LOOKAHEAD``, and nothing after j is known to it."""
    torch.manual_seed(2)
    one = torch.randn(1, 80, COLUMNS) * 15 - 30
    two = one.clone()
    two[:, 50:] += 30
    first, second = run(network, one, [80]), run(network, two, [80])
    torch.testing.assert_close(first[:, :50], second[:, :50], atol=1e-6, rtol=0)
    assert float((first[:, 50:] - second[:, 50:]).abs().max()) > 1e-3


def test_level_falls_out(network):
    """20 dB more, above all floors: the same masks, from the first frame on."""
    torch.manual_seed(3)
    features = torch.randn(1, 180, COLUMNS) * 5 - 20
    quiet, loud = run(network, features, [180]), run(network, features + 20, [180])
    torch.testing.assert_close(quiet, loud, atol=1e-3, rtol=0)
    assert float((quiet[:, 20:60] - quiet[:, 60:100]).abs().max()) > 1e-2


def test_grouping_is_that_of_the_front_end():
    """Means over the bins of a unit, as ``frontend.units`` sums them."""
    bins = np.random.default_rng(0).normal(size=(2, 3, units.BINS)).astype(np.float32)
    sizes = units.sums(np.ones(units.BINS, np.float32))
    expected = units.sums(bins) / sizes
    np.testing.assert_allclose(grouped(torch.from_numpy(bins)).numpy(), expected, atol=1e-5)


# Data ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pieces(banks: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shard of two generated pieces."""
    folder = tmp_path_factory.mktemp("pieces")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(band_data, "PER_SHARD", 2)
        band_data.render_shard(banks, None, folder, "fit", 1, 0)
    return folder


def test_the_best_gain_is_the_best(pieces: Path):
    """No other gain of a unit brings mixture and stem nearer, phases included."""
    random = np.random.default_rng(0)
    stems = random.normal(0, 0.1, (4, stem_data.samples_of(6))).astype(np.float32)
    found = stem_data.bins_of(stems)
    each = stem_data.transformed(stems)
    mixture = each.sum(axis=0)
    gains = np.clip(found.cross / found.heard, 0, 1)
    for step in (-0.05, 0.05):
        for change in (0.0, step):
            masks = units.spread(np.clip(gains + change, 0, 1))
            lost = np.abs(each - masks * mixture) ** 2
            if change == 0.0:
                least = units.sums(lost)
        assert np.all(units.sums(lost) >= least - 1e-4)


def test_crops_are_the_same_for_the_same_step(pieces: Path):
    """And others for another; the truth is in 0..1, and a silent stem has gains of 0."""
    stock = stem_data.Pieces.read(pieces)
    plan = Plan(steps=4, batch=2, crop_s=1.0)
    (one, truth), (again, _) = (next(stock.batches(plan, 1, 2)) for _ in range(2))
    torch.testing.assert_close(one, again, atol=0, rtol=0)
    other, _ = next(stock.batches(plan, 2, 3))
    assert not torch.equal(one, other)
    assert one.shape == (2, 43, COLUMNS)
    assert truth.shape == (2, 43, units.UNITS, 5)
    assert 0 <= float(truth[..., :4].min()) <= float(truth[..., :4].max()) <= 1


def test_crops_played_at_another_pace_keep_their_stems():
    """Twice as fast is an octave higher, at the same level; an equaliser weighs as it says."""
    time_s = np.arange(2 * 22_050) / 22_050
    tone = (0.5 * np.sin(2 * np.pi * 440 * time_s)).astype(np.float32)
    flat = np.zeros(stem_data.KNOTS_HZ.size)
    fast = stem_data.played(tone, 22_050, flat)
    assert fast.shape == (22_050,)
    spectrum = np.abs(np.fft.rfft(fast)) / 22_050
    assert spectrum.argmax() == 880
    assert 2 * spectrum[880] == pytest.approx(0.5, rel=0.01)
    treble = np.where(stem_data.KNOTS_HZ > 400, -6.0, 0.0)
    weaker = stem_data.played(tone, 2 * 22_050, treble)
    assert np.std(weaker) / np.std(tone) == pytest.approx(10 ** (-6 / 20), rel=0.1)


def test_features_are_those_of_a_live_stream():
    """The same frames as the front end of the graph's card makes, both windows."""
    mixture = np.random.default_rng(0).normal(0, 0.1, 30_000).astype(np.float32)
    live = FeatureStream(STEM_UNET_SMALL, STEM_UNET_SMALL.rate_hz).push(mixture).features
    np.testing.assert_allclose(stem_data.features_of(mixture)[: len(live)], live, atol=1e-3)


def test_the_score_of_a_perfect_mask_is_above_that_of_none(pieces: Path, monkeypatch):
    """Cases are scored by what the masks leave; silent stems have no score."""
    cases = stem_data.Cases.read(pieces)
    found = cases.excerpts[0]
    best = np.clip(found.cross / np.maximum(found.heard, 1e-9), 0, 1).transpose(1, 2, 0)
    perfect, nothing = cases.sdr_db(0, best), cases.sdr_db(0, np.ones_like(best))
    sounding = np.isfinite(nothing)
    assert sounding.any()
    assert np.all(perfect[sounding] > nothing[sounding] + 3)


def test_the_loss_falls_when_masks_come_nearer(pieces: Path):
    """A few steps on one batch: the network learns."""
    torch.manual_seed(0)
    stock = stem_data.Pieces.read(pieces)
    features, truth = next(stock.batches(Plan(steps=1, batch=2, crop_s=1.5), 0, 1))
    trained = StemUnetSmall()
    optimizer = torch.optim.AdamW(trained.parameters(), lr=3e-3)
    losses = []
    for _ in range(12):
        loss = stem_fit.loss(trained, features, truth)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0] - 0.1
