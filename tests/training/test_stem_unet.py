"""Facts about the paper's U-Net for stems and boundaries."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from streamseg.frontend import units
from streamseg.training import stem_unet
from streamseg.training.stem_data import Pieces
from streamseg.training.stem_unet import (
    BLOCK,
    FRAMES,
    OVERLAP,
    PAPER_PARAMETERS,
    Clips,
    StemUnet,
)


def test_it_has_exactly_as_many_parameters_as_the_paper_prints():
    """8,967,941, the boundary head's 65 among them."""
    network = StemUnet()
    assert network.parameters_count() == PAPER_PARAMETERS == 8_967_941
    assert sum(p.numel() for p in network.boundary.parameters()) == 65


def test_masks_and_curve_lie_within_0_and_1():
    """On a short clip: four masks of every bin, one value of the curve a frame."""
    torch.manual_seed(0)
    with torch.no_grad():
        masks, curve = StemUnet().eval().clip(torch.randn(1, 8, units.BINS) * 15 - 30)
    assert masks.shape == (1, 8, units.BINS, 4)
    assert curve.shape == (1, 8, 1)
    for values in (masks, curve):
        assert 0 <= float(values.min()) <= float(values.max()) <= 1


@pytest.mark.parametrize("calls", [(1, 1, 1, 1), (4,), (3, 1)])
def test_clips_are_one_stream_without_seams(calls, monkeypatch):
    """A network that answers with its input's level gives that level back, late by the overlap,
    however many clips a call holds.
    """
    network = StemUnet()
    frames = BLOCK * sum(calls)
    level = torch.linspace(-60, 0, frames)[None, :, None].expand(2, frames, units.BINS)

    def answer(features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return features[..., None].expand(*features.shape, 4), features[..., :1]

    monkeypatch.setattr(network, "clip", answer)
    states, said = network.start(2), []
    for features in level.split([BLOCK * blocks for blocks in calls], dim=1):
        masks, curve, *states = network(features, *states)
        said.append((masks, curve))
    masks, curve = (torch.cat(parts, dim=1) for parts in zip(*said, strict=True))
    torch.testing.assert_close(curve[:, OVERLAP:, 0], level[:, : frames - OVERLAP, 0])
    assert masks.shape == (2, frames, units.UNITS, 4)
    torch.testing.assert_close(masks[:, OVERLAP:, :, 2], level[:, :-OVERLAP, : units.UNITS])


def test_the_second_clip_begins_with_the_end_of_the_first(monkeypatch):
    """What a clip hears: silence and a block, then the last quarter of that and the next block."""
    network = StemUnet()
    heard = []

    def answer(features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        heard.append(features[..., 0])
        return torch.zeros(*features.shape, 4), features[..., :1]

    monkeypatch.setattr(network, "clip", answer)
    moments = torch.arange(2.0 * BLOCK)[None, :, None].expand(1, 2 * BLOCK, units.BINS)
    network(moments, *network.start(1))
    first, second = heard[0]
    assert len(first) == len(second) == FRAMES
    assert (first[:OVERLAP] == -80).all()
    torch.testing.assert_close(first[OVERLAP:], moments[0, :BLOCK, 0])
    torch.testing.assert_close(second, moments[0, BLOCK - OVERLAP :, 0])


@pytest.mark.parametrize("step", [0, 719, 720, 1080])
def test_clips_grow_while_training_goes_on(step):
    """Short ones first: 40 frames, 80 from 0.6 of the plan on, whole ones at its end."""
    pieces = Pieces((np.full((2, 4, 200_000), 1000, np.int16),), np.array([[0, 0], [0, 1]]))
    plan = replace(stem_unet.plan_of(0, quick=False), steps=1200, batch=1)
    features, truth = next(iter(Clips(pieces).batches(plan, step, step + 1)))
    expected = 40 if step < 720 else 80 if step < 1080 else FRAMES
    assert features.shape == (1, expected, units.BINS)
    assert truth.shape == (1, expected, units.BINS, 5)


def test_a_silent_clip_has_a_finite_loss_that_is_not_ruled_by_it():
    """All four stems left out: nothing is divided by nothing, and no mask is asked for."""
    torch.manual_seed(1)
    network = StemUnet()
    silent = stem_unet.loss(
        network, torch.full((1, 8, units.BINS), -80.0), torch.zeros(1, 8, units.BINS, 5)
    )
    assert 0 <= float(silent.detach()) < 3
    silent.backward()
    assert all(torch.isfinite(p.grad).all() for p in network.parameters() if p.grad is not None)


def test_the_loss_of_the_right_magnitudes_is_that_of_the_boundaries_alone(monkeypatch):
    """Masks of a half on two equal stems are right; a wrong one costs."""
    features = torch.zeros(1, 8, units.BINS)
    truth = torch.zeros(1, 8, units.BINS, 5)
    truth[..., :2] = 0.5
    network = StemUnet()
    curve = torch.full((1, 8, 1), 1e-6)
    right = torch.tensor([0.5, 0.5, 0.0, 0.0]).expand(1, 8, units.BINS, 4)
    monkeypatch.setattr(network, "clip", lambda _: (right, curve))
    assert float(stem_unet.loss(network, features, truth)) < 1e-4
    monkeypatch.setattr(network, "clip", lambda _: (1 - right, curve))
    assert float(stem_unet.loss(network, features, truth)) > 0.1
