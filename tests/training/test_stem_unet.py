"""Facts about the paper's U-Net for stems and boundaries."""

import pytest
import torch

from streamseg.frontend import units
from streamseg.training import stem_unet
from streamseg.training.stem_unet import FRAMES, OVERLAP, PAPER_PARAMETERS, StemUnet


def test_it_has_exactly_as_many_parameters_as_the_paper_prints():
    """8,967,941, the boundary head's 65 among them."""
    network = StemUnet()
    assert network.parameters_count() == PAPER_PARAMETERS == 8_967_941
    assert sum(p.numel() for p in network.boundary.parameters()) == 65


def test_masks_and_curve_lie_within_0_and_1():
    """On a short clip: four masks of every bin, one value of the curve a frame."""
    torch.manual_seed(0)
    with torch.no_grad():
        masks, curve = StemUnet().eval()(torch.randn(1, 8, units.BINS) * 15 - 30)
    assert masks.shape == (1, 8, units.BINS, 4)
    assert curve.shape == (1, 8, 1)
    for values in (masks, curve):
        assert 0 <= float(values.min()) <= float(values.max()) <= 1


def test_clips_that_overlap_by_a_quarter_sum_to_one():
    """Wherever a frame lies, the weights of the clips over it are 1 together: no seam."""
    step, clips = FRAMES - OVERLAP, 3
    total = torch.zeros(clips * step + OVERLAP)
    for clip in range(clips):
        total[clip * step : clip * step + FRAMES] += stem_unet.faded(clip == 0, clip == clips - 1)
    torch.testing.assert_close(total, torch.ones_like(total))


@pytest.mark.parametrize("frames", [40, FRAMES, FRAMES + 1, 300])
def test_clips_cover_any_number_of_frames(frames, monkeypatch):
    """A network that answers with its input's level gives that level everywhere."""
    network = StemUnet()
    level = torch.linspace(0, 1, frames)[None, :, None].expand(1, frames, units.BINS)

    def answer(features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return features[..., None].expand(*features.shape, 4), features[..., :1]

    monkeypatch.setattr(network, "forward", answer)
    masks, curve = stem_unet.overlapped(network, level)
    assert masks.shape == (1, frames, units.UNITS, 4)
    torch.testing.assert_close(curve, level[..., 0])
    torch.testing.assert_close(masks[..., 2], level[..., : units.UNITS])


def test_the_loss_of_the_right_magnitudes_is_that_of_the_boundaries_alone(monkeypatch):
    """Masks of a half on two equal stems are right; a wrong one costs."""
    features = torch.zeros(1, 8, units.BINS)
    truth = torch.zeros(1, 8, units.BINS, 5)
    truth[..., :2] = 0.5
    network = StemUnet()
    curve = torch.full((1, 8, 1), 1e-6)
    right = torch.tensor([0.5, 0.5, 0.0, 0.0]).expand(1, 8, units.BINS, 4)
    monkeypatch.setattr(network, "forward", lambda _: (right, curve))
    assert float(stem_unet.loss(network, features, truth)) < 1e-4
    monkeypatch.setattr(network, "forward", lambda _: (1 - right, curve))
    assert float(stem_unet.loss(network, features, truth)) > 0.1
