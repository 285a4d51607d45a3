"""Facts about the optimizer of matrices."""

import copy

import torch
from torch import nn

from streamseg.training.muon import Muon, matrices_of, orthogonal


def network() -> nn.Sequential:
    """A grouped, a depthwise and a plain convolution with norms, the same every time."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv1d(8, 12, 3, groups=2),
        nn.BatchNorm1d(12),
        nn.Conv1d(12, 12, 3, groups=12),
        nn.Conv1d(12, 4, 1),
    )


def stepped(model: nn.Module, optimizer: Muon, seeds: range) -> list[float]:
    """Losses of a few steps towards the same target."""
    losses = []
    for seed in seeds:
        x = torch.randn(16, 8, 10, generator=torch.Generator().manual_seed(seed))
        loss = (model(x) - x[:, :4, 2:-2]).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    return losses


def test_singular_values_come_near_one():
    """Of wide and of tall matrices; directions stay."""
    torch.manual_seed(1)
    for shape in ((3, 6, 20), (3, 20, 6)):
        given = torch.randn(shape)
        found = torch.linalg.svdvals(orthogonal(given))
        assert float(found.min()) > 0.5
        assert float(found.max()) < 1.3
        u, _, v = torch.linalg.svd(given, full_matrices=False)
        assert float((orthogonal(given) - u @ v).abs().mean()) < 0.1


def test_matrices_are_taken_and_nothing_else():
    """Grouped convolutions fall apart; depthwise ones, biases and norms are AdamW's."""
    assert matrices_of(network()) == {"0.weight": 2, "3.weight": 1}


def test_the_loss_falls_and_frozen_weights_stay():
    """All weights move but those without a gradient."""
    model = network()
    model[3].bias.requires_grad_(False)
    before = {name: value.clone() for name, value in model.named_parameters()}
    losses = stepped(model, Muon(model, 0.02, 1e-4), range(60))
    assert losses[-1] < 0.7 * losses[0]
    for name, value in model.named_parameters():
        assert torch.equal(value, before[name]) == (name == "3.bias"), name


def test_a_run_goes_on_where_its_state_was_kept():
    """Ten steps at once are ten steps with the state saved and read in between."""
    whole, halves = network(), network()
    stepped(whole, Muon(whole, 0.02, 1e-4), range(10))
    first = Muon(halves, 0.02, 1e-4)
    stepped(halves, first, range(5))
    second = Muon(halves, 0.02, 1e-4)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    stepped(halves, second, range(5, 10))
    for one, other in zip(whole.parameters(), halves.parameters(), strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=0)
