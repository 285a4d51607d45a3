"""Learning that hum in pauses is nothing, and changing nothing else."""

import numpy as np
import pytest
import torch

from streamseg.training import hum_lines, keeping, recipes
from streamseg.training.activity import CONFIRMED_FRAMES, Activity, Shape
from streamseg.training.keeping import Keeping
from streamseg.training.mixing import IGNORE

SMALL = Shape(channels=(2, 2, 2, 2), width=4, early=(1,), late=(2,))


@pytest.fixture
def network() -> Activity:
    """A network of random weights whose answers differ: their logits have a deviation of 2."""
    torch.manual_seed(0)
    network = Activity(SMALL)
    heard = features(4, 9)
    with torch.no_grad():
        network.logits(heard, *network.start(4))  # so that its normalisations have statistics
        network.eval()
        for head, said in enumerate(network.logits(heard, *network.start(4))[:2]):
            gain = 2 / said.std(dim=(0, 1))
            last = network.heads[head][2]
            last.weight *= gain[:, None, None]
            last.bias.copy_((last.bias - said.mean(dim=(0, 1))) * gain)
    return network


def features(count: int, seed: int = 0) -> torch.Tensor:
    """Programmes of 4 s: every 0.24 s other levels in every fourth of the bands, in decibels."""
    random = np.random.default_rng(seed)
    found = random.uniform(-90, 10, (count, 17, 4)).repeat(12, axis=1)[:, :200].repeat(20, axis=2)
    return torch.from_numpy(found.astype(np.float32))


def music(count: int) -> torch.Tensor:
    """Music from the beginning to the end."""
    truth = torch.zeros((count, 200, 3), dtype=torch.uint8)
    truth[..., 0] = 1
    return truth


def pulled(network: Activity, loss: Keeping, truth: torch.Tensor, heard: torch.Tensor) -> float:
    """How far the loss pulls at the weights."""
    torch.manual_seed(1)
    network.train()
    network.zero_grad()
    loss(network, heard, truth).backward()
    return float(sum(p.grad.norm() for p in network.parameters() if p.grad is not None))


def test_where_something_sounds_nothing_is_learnt(network: Activity) -> None:
    """With hum or without it the weights stay, but for rounding; in pauses they are pulled at."""
    loss = keeping.keeping(network, 0, hums=2)
    pulls = pulled(network, loss, music(4), features(4))
    assert pulls < 1e-5
    assert pulled(network, loss, torch.zeros_like(music(4)), features(4)) > 1e-3
    assert pulled(network, loss, torch.full_like(music(4), IGNORE), features(4)) < 1e-5


def test_the_weights_before_stay_as_they_were(network: Activity) -> None:
    """A copy: what is trained afterwards does not move the target."""
    loss = keeping.keeping(network, 0, hums=1)
    with torch.no_grad():
        for weight in network.parameters():
            weight += 0.1
    none = Keeping(loss.before, np.full_like(loss.bank, -500))
    assert pulled(network, none, music(2), features(2)) > 1e-3
    assert all(weight.grad is None for weight in loss.before.parameters())


def test_silence_is_told_by_the_truth_alone(network: Activity) -> None:
    """Where nothing sounds, the weights before are not asked."""
    loss = keeping.keeping(network, 0, hums=1)
    none = Keeping(loss.before, np.full_like(loss.bank, -500))
    silence = torch.zeros((2, 200, 3), dtype=torch.uint8)
    late = CONFIRMED_FRAMES // 2
    with torch.no_grad():
        found = float(none(network, features(2), silence))
        said = network.logits(features(2), *network.start(2))[:2]
        expected = 0.0
        for logits, outputs in zip(said, (10, late), strict=True):
            target = torch.sigmoid(logits)
            target[:, outputs:] = recipes.SMOOTHING
            expected += float(torch.nn.functional.binary_cross_entropy_with_logits(logits, target))
    assert found == pytest.approx(expected, rel=1e-5)


def test_half_of_the_crops_hum(network: Activity) -> None:
    """The others are as they were; in pauses loud hum is nobody's noise, quiet hum is nothing."""
    loss = keeping.keeping(network, 0, hums=3)
    truth = music(24)
    truth[:, 100:150] = 0
    truth[:, 150:, 2] = IGNORE
    torch.manual_seed(4)
    heard, doubtful = loss.with_hum(features(24), truth)
    torch.testing.assert_close(heard[:12], features(24)[:12])
    assert all((heard[row] > features(24)[row] + 0.1).any() for row in range(12, 24))
    asked = ~doubtful.any(dim=1)
    assert asked[:12].all()
    assert 0 < int((~asked).sum()) < 8  # an expectation of two
    for row in torch.nonzero(~asked)[:, 0]:
        assert doubtful[row, 100:150].all()
        assert not doubtful[row, :100].any()
        assert not doubtful[row, 150:].any()


def test_the_same_seed_gives_the_same_hum(network: Activity) -> None:
    """What a run goes on with is what it would have gone on with."""
    loss = keeping.keeping(network, 3, hums=2)
    np.testing.assert_array_equal(loss.bank, hum_lines.bank(3, 2))
    found = []
    for _ in range(2):
        torch.manual_seed(7)
        found.append(loss.with_hum(features(4), music(4))[0])
    torch.testing.assert_close(found[0], found[1])
