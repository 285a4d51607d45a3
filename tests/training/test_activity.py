"""What ``activity`` sees of its own past."""

import pytest
import torch

from streamseg.training.activity import Activity, Shape

SMALL = Shape(channels=(2, 2, 2, 2), width=4, early=(1,), late=(2,), pasts=(3, 20))


@pytest.mark.parametrize("pieces", [(60,), (2, 30, 28), (2,) * 30])
def test_bands_are_shown_above_their_own_means(pieces: tuple[int, ...]) -> None:
    """Each band above its mean over the last frames, itself among them, in pieces of any size;
    before a stream begins lies -50 dB.
    """
    torch.manual_seed(1)
    network = Activity(SMALL)
    features = torch.randn(2, 60, 80) * 12 - 50
    past, seen = network.start(2)[-1], []
    for part in features.split(pieces, dim=1):
        planes, following = network._seen(part, past)
        assert following is not None
        past = following
        seen.append(planes)
    found = torch.cat(seen, dim=2)
    before = torch.cat((torch.full((2, 20, 80), -50.0), features), dim=1)
    for plane, frames in enumerate(SMALL.pasts, start=2):
        windows = before[:, 20 - frames :].unfold(1, frames + 1, 1)
        above = (features - windows.mean(dim=3)) * 0.08
        torch.testing.assert_close(found[:, plane], above, atol=1e-5, rtol=0)


def test_a_network_without_a_past_has_no_state_for_it() -> None:
    """As the variants that are compared with it."""
    plain = Activity(Shape(pasts=()))
    assert len(plain.state_shapes) == len(Activity().state_shapes) - 1
    planes, past = plain._seen(torch.zeros(1, 4, 80), None)
    assert planes.shape == (1, 2, 4, 80)
    assert past is None
