"""Facts about what the boundary head of the small stem network is trained and chosen on."""

import numpy as np
import pytest
import torch

from streamseg.training import stem_boundary, stem_data
from streamseg.training.fit import Plan
from streamseg.training.fronts import STEM_UNET_SMALL
from streamseg.training.stem_boundary import Composed
from streamseg.training.stem_unet_small import BOUNDARY_LOOKAHEAD, BoundaryHead, StemUnetSmall

RATE_HZ = 22_050


@pytest.fixture(scope="module")
def pieces(tmp_path_factory: pytest.TempPathFactory) -> stem_data.Pieces:
    """A shard of three pieces of 24 s: tones of their own, each stem another one."""
    folder = tmp_path_factory.mktemp("pieces")
    at = np.arange(24 * RATE_HZ) / RATE_HZ
    made = [
        [np.sin(2 * np.pi * hz * factor * at) * 3000 for factor in (1, 1.5, 2.1, 3.3)]
        for hz in (110, 290, 700)
    ]
    np.save(folder / "pieces000.npy", np.array(made, np.int16))
    (folder / "pieces000.json").write_text("[]")
    return stem_data.Pieces.read(folder)


def test_sequences_are_the_same_for_the_same_seed_and_as_long_as_asked(pieces):
    """Their joins lie inside, in order; others come of another seed."""
    one, again, other = (
        stem_boundary.sequence(np.random.default_rng(seed), pieces, 60.0) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one.samples, again.samples)
    assert len(one.samples) == 60 * RATE_HZ
    assert one.joins_s == again.joins_s != other.joins_s
    assert list(one.joins_s) == sorted(one.joins_s)
    assert one.joins_s[0] > 0
    assert one.joins_s[-1] < 59.5
    assert np.isfinite(one.samples).all()


def test_two_sections_meet_at_the_join():
    """However they are joined: well before it only the first is heard, well after it the second."""
    one, two = np.full(RATE_HZ * 4, 0.5, np.float32), np.full(RATE_HZ * 4, -0.5, np.float32)
    for seed in range(12):
        samples, at = stem_boundary._joined(np.random.default_rng(seed), one, two)
        reach = int(0.76 * RATE_HZ)
        assert np.all(samples[: at - reach] == 0.5)
        assert np.all(samples[at + reach :] == -0.5)


def test_the_target_is_1_at_a_join_and_0_a_quarter_of_a_second_away():
    """Frames are 23 ms apart, so the nearest one has at least 0.95."""
    curve = stem_boundary.target((2.0, 5.0), 300)
    middles_s = (np.arange(300) * 512 + 1024) / RATE_HZ
    for join_s in (2.0, 5.0):
        assert curve[np.argmin(np.abs(middles_s - join_s))] > 0.95
    away = np.minimum(np.abs(middles_s - 2.0), np.abs(middles_s - 5.0)) > 0.26
    assert not curve[away].any()


def test_f_counts_each_join_and_each_boundary_once():
    """Two boundaries near one join are one hit and one false alarm."""
    cases = [Composed(np.zeros(1, np.float32), (10.0, 20.0))]
    assert stem_boundary.f_measure([[10.1, 20.4]], cases) == 1.0
    assert stem_boundary.f_measure([[9.9, 10.2]], cases) == pytest.approx(2 / 4)
    assert stem_boundary.f_measure([[10.6]], cases) == 0.0
    assert stem_boundary.f_measure([[]], cases) == 0.0


def test_peaks_of_a_curve_are_moments_of_its_frames():
    """Frame 100 is centred 100 hops and half a window behind the start."""
    curve = np.zeros(300, np.float32)
    curve[100], curve[110], curve[250] = 0.9, 0.6, 0.3
    expected = (100 * 512 + 1024) / RATE_HZ
    assert stem_boundary.peaks_s(curve, 0.5) == pytest.approx([expected])
    assert len(stem_boundary.peaks_s(curve, 0.2)) == 2


def test_the_head_learns_joins_from_a_frozen_network(pieces):
    """A few steps on one batch: its loss falls, and no weight under it changes."""
    torch.manual_seed(0)
    trunk = StemUnetSmall().eval()
    before = {name: value.clone() for name, value in trunk.state_dict().items()}
    stock = stem_boundary.Sequences(pieces, trunk)
    plan = Plan(steps=1, batch=1, crop_s=9.0)
    deep, truth = next(stock.batches(plan, 0, 1))
    assert deep.shape == (1, 388, 640)
    assert truth.shape == (1, 388)
    head = BoundaryHead().train()
    optimizer = torch.optim.AdamW(head.parameters(), lr=3e-3)
    losses = []
    for _ in range(15):
        loss = stem_boundary.loss(head, deep, truth)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.8 * losses[0]
    for name, value in trunk.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_a_curve_has_a_value_for_every_frame(pieces):
    """Look-ahead taken out; the checker names a threshold and a score in 0..1."""
    torch.manual_seed(0)
    trunk, head = StemUnetSmall().eval(), BoundaryHead().eval()
    frames = 3 * BOUNDARY_LOOKAHEAD
    with torch.no_grad():
        deep = trunk.deep(torch.full((1, frames, STEM_UNET_SMALL.columns), -40.0))[0]
    curve = stem_boundary.curve_of(head, deep)
    assert curve.shape == (frames,)
    cases = stem_boundary.cases_of(pieces, quick=True)
    found = stem_boundary.checker(trunk, cases)(head)
    assert 0 <= found["score"] <= 1
    assert 0 < found["threshold"] < 1
    assert STEM_UNET_SMALL.hop_s * BOUNDARY_LOOKAHEAD < 6.0
