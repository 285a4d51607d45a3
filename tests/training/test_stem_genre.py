"""The networks of "genre from separated stems", and one trial of them."""

import numpy as np
import pytest
import torch
from torch import nn

from streamseg.training import stem_genre
from streamseg.training.stem_genre import MODELS, GenreCnn, Recipe, Split


def _weights(module: nn.Module) -> int:
    return sum(weight.numel() for weight in module.parameters())


def test_a_separable_convolution_has_the_weights_that_the_paper_counts() -> None:
    """For c = 3 channels in and out and a field of k: 9k weights, or 3k + 9 separable."""
    for size in (3, 5):
        k = size**2
        assert _weights(stem_genre.convolution(3, 3, size, separable=False)) == 9 * k
        assert _weights(stem_genre.convolution(3, 3, size, separable=True)) == 3 * k + 9


def test_a_separable_convolution_is_depthwise_then_pointwise() -> None:
    """Equation 2: channels are filtered one by one, then mixed point by point."""
    torch.manual_seed(0)
    layer = stem_genre.convolution(3, 4, 3, separable=True)
    x = torch.randn(1, 3, 9, 9)
    depthwise, pointwise = layer.get_submodule("0"), layer.get_submodule("1")
    alone = [
        nn.functional.conv2d(x[:, c : c + 1], depthwise.weight[c : c + 1], padding=1)
        for c in range(3)
    ]
    mixed = torch.einsum("oc,bchw->bohw", pointwise.weight[:, :, 0, 0], torch.cat(alone, dim=1))
    torch.testing.assert_close(layer(x), mixed)


@pytest.mark.parametrize("name", list(MODELS))
def test_a_model_takes_its_spectrograms_and_gives_a_score_for_each_genre(name: str) -> None:
    """128 x 458 pictures, as many as the model has inputs, become one score a class."""
    model = MODELS[name]
    network = GenreCnn(model, classes=6).eval()
    with torch.no_grad():
        assert network(torch.rand(2, len(model.inputs), 128, 458)).shape == (2, 6)


def test_the_models_differ_in_input_and_convolution_only() -> None:
    """All have two convolutions with pool and normalisation, dropout of a half, one dense layer."""
    for model in MODELS.values():
        network = GenreCnn(model, classes=6)
        kinds = [type(module) for module in network.modules()]
        assert kinds.count(nn.MaxPool2d) == kinds.count(nn.BatchNorm2d) == 2
        assert kinds.count(nn.Linear) == 1
        assert [m.p for m in network.modules() if isinstance(m, nn.Dropout)] == [0.5]
        assert kinds.count(nn.Conv2d) == (4 if model.separable else 2)
    assert len({GenreCnn(m, 6).dense.in_features for m in MODELS.values()}) == 1


def test_the_penalty_is_the_norms_of_the_weights() -> None:
    """L1 counts absolute weights, L2 their squares; biases and normalisation are free."""
    network = GenreCnn(MODELS["full"], classes=6)
    weights = torch.cat(
        [m.weight.flatten() for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    )
    expected = 0.5 * weights.abs().sum() + 2.0 * (weights**2).sum()
    torch.testing.assert_close(network.penalty(0.5, 2.0), expected)


def test_rare_classes_count_more() -> None:
    """Weights are inverse to the number of songs, and their mean over the songs is 1."""
    genres = torch.tensor([0, 0, 0, 1])
    weights = stem_genre.class_weights(genres, 2)
    assert weights[1] == 3 * weights[0]
    assert weights[genres].mean() == pytest.approx(1.0)


def test_a_split_is_by_song_and_the_same_for_every_model() -> None:
    """Four fifths train, one fifth tests, no song does both; another trial splits otherwise."""
    parts = stem_genre.split(66, 0, 3)
    again, other = stem_genre.split(66, 0, 3), stem_genre.split(66, 0, 4)
    assert (len(parts.train), len(parts.test)) == (53, 13)
    assert sorted([*parts.train, *parts.test]) == list(range(66))
    np.testing.assert_array_equal(parts.test, again.test)
    assert not np.array_equal(parts.test, other.test)


def test_a_trial_learns_what_is_plain_and_is_repeatable() -> None:
    """Genres that light up different bands are told apart; the same seed gives the same scores."""
    torch.manual_seed(1)
    genres = torch.arange(24) % 2
    pictures = 0.1 * torch.rand(24, 1, 128, 458)
    pictures[genres == 0, :, :32] += 0.8
    pictures[genres == 1, :, 64:] += 0.8
    parts = Split(np.arange(16), np.arange(16, 24))
    recipe = Recipe(filters=(4, 4), batch=4)
    scores, again = (
        stem_genre.run_trial(MODELS["full"], pictures, genres, parts, 7, recipe) for _ in range(2)
    )
    assert len(scores) == recipe.epochs == 6
    assert scores == again
    assert stem_genre.best(scores).accuracy == 1.0
    assert stem_genre.best(scores).loss == min(score.loss for score in scores)
