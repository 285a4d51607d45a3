"""The variants of ``activity`` that were tried are networks of the same contract."""

import pytest
import torch

from streamseg.training import explore, recipes


@pytest.mark.parametrize("name", list(explore.VARIANTS))
def test_a_variant_streams_and_stays_in_the_budget(name: str) -> None:
    """In pieces it answers as in one call, with at most 300 k parameters, and it can be trained."""
    torch.manual_seed(2)
    network = explore.VARIANTS[name]()
    assert network.parameters_count() <= 300_000
    features = torch.randn(2, 120, 80) * 10 - 50
    truth = torch.randint(0, 3, (2, 120, 3)).byte()
    recipes.activity_loss(network, features, truth).backward()
    assert all(p.grad is not None for p in network.parameters())
    network.eval()
    with torch.no_grad():
        whole = network(features, *network.start(2))
        states, late = network.start(2), []
        for at, size in ((0, 40), (40, 2), (42, 78)):
            result = network(features[:, at : at + size], *states)
            states = list(result[2:])
            late.append(result[1])
    assert [tuple(s.shape[1:]) for s in states] == list(network.state_shapes)
    torch.testing.assert_close(torch.cat(late, dim=1), whole[1], rtol=1e-4, atol=1e-5)
