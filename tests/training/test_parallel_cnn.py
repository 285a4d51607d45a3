"""Models 1, 2 and 3: the paper's sizes, and a stream that equals every window by itself."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from streamseg.training.fronts import PARALLEL_CNN
from streamseg.training.parallel_cnn import (
    SILENCE_DB,
    WINDOW,
    ParallelCnn,
    ParallelCnn1,
    ParallelCnn2,
    ParallelCnn3,
)

KINDS = [ParallelCnn1, ParallelCnn2, ParallelCnn3]
SEEDS = st.integers(0, 2**32 - 1)


def made(kind: type[ParallelCnn]) -> ParallelCnn:
    """Random weights, biases too, and bands of different mean and deviation."""
    torch.manual_seed(3)
    network = kind().eval()
    with torch.no_grad():
        for line in network.lines:
            torch.nn.init.normal_(line.conv.bias, 0, 0.5)
    random = np.random.default_rng(1)
    network.standardise(
        random.normal(np.linspace(-20, -70, 40), np.linspace(4, 15, 40), (3, 500, 40))
    )
    return network


def programme(windows: int, stride: int) -> torch.Tensor:
    """Random decibels, (1, frames, 40)."""
    generator = torch.Generator().manual_seed(7)
    return torch.randn(1, windows * stride, 40, generator=generator) * 14 - 45


def window_by_window(network: ParallelCnn, features: torch.Tensor) -> torch.Tensor:
    """Every window cut out and computed alone; digital silence before and behind the features."""
    silence = torch.full((1, 2 * WINDOW, 40), PARALLEL_CNN.floor_db)
    padded = torch.cat((silence, features, silence), dim=1)
    count = features.shape[1] // network.stride
    begins = [2 * WINDOW + network.begins + j * network.stride for j in range(count)]
    with torch.no_grad():
        return network.alone(torch.cat([padded[:, at : at + WINDOW] for at in begins]))


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=15)
@given(seed=SEEDS)
def test_any_split_equals_every_window_by_itself(kind: type[ParallelCnn], seed: int) -> None:
    """Also the windows that reach before the stream; 1e-5: float32 sums in another order."""
    network = made(kind)
    features = programme(30, network.stride)
    random = np.random.default_rng(seed)
    state, parts, at = network.start(1), [], 0
    while at < features.shape[1]:
        size = int(random.integers(1, 9)) * network.stride
        with torch.no_grad():
            prob, *state = network(features[:, at : at + size], *state)
        parts.append(prob[0])
        at += size
    torch.testing.assert_close(
        torch.cat(parts), window_by_window(network, features), rtol=0, atol=1e-5
    )


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_depends_on_its_window_alone(kind: type[ParallelCnn]) -> None:
    """Frames outside of the window change nothing, the first and last frame used do."""
    network = made(kind)
    stride, output = network.stride, 12
    features = programme(20, stride)
    first, end = network.begins + output * stride, (output + 1) * stride

    def answer(changed: int) -> torch.Tensor:
        other = features.clone()
        other[:, changed] += 40
        with torch.no_grad():
            return network(other, *network.start(1))[0][0, output]

    with torch.no_grad():
        before = network(features, *network.start(1))[0][0, output]
    for outside in (first - 1, end):
        torch.testing.assert_close(answer(outside), before, rtol=0, atol=1e-6)
    assert any(not torch.allclose(answer(i), before, atol=1e-5) for i in range(first, first + 4))
    assert any(not torch.allclose(answer(i), before, atol=1e-5) for i in range(end - 4, end))


@pytest.mark.parametrize("kind", KINDS)
def test_no_frame_goes_twice_through_a_convolution(kind: type[ParallelCnn]) -> None:
    """Each convolution makes one column a frame, and a few for what digital silence gives."""
    network = made(kind)
    columns: list[int] = []
    for line in network.lines:
        line.conv.register_forward_hook(lambda _, given, result: columns.append(result.shape[2]))
    features = programme(50, network.stride)
    with torch.no_grad():
        network(features, *network.start(1))
    whole = features.shape[1]
    assert sorted(columns)[-len(network.lines) :] == [whole] * len(network.lines)
    assert sum(columns) <= len(network.lines) * (whole + 20)


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_stands_for_the_middle_of_its_window(kind: type[ParallelCnn]) -> None:
    """The pooled step it describes lies within 3.5 frames (0.12 s) of the window's middle."""
    network = made(kind)
    (_, lookahead) = network.outputs[0]
    assert lookahead % network.stride == 0
    described = (network.stride - 1) / 2 - lookahead
    middle = network.begins + (WINDOW - 1) / 2
    assert abs(described - middle) <= 3.5


def test_the_sizes_are_those_of_the_paper() -> None:
    """Filters, kernels (frames x bands), pooled steps, and the step of the window."""
    sizes = {
        kind.stem: [
            (tuple(line.conv.weight.shape), line.pipe.rows, line.pipe.steps) for line in net.lines
        ]
        for kind in KINDS
        for net in [kind()]
    }
    assert sizes == {
        "parallel_cnn_1": [((30, 1, 12, 10), 31, 3)],
        "parallel_cnn_2": [((32, 1, 15, 14), 27, 3), ((32, 1, 8, 4), 2, 73)],
        "parallel_cnn_3": [((30, 1, 12, 10), 31, 3), ((30, 1, 34, 10), 31, 2)],
    }
    assert [kind.stride for kind in KINDS] == [20, 17, 20]
    assert all(line.dense.out_features == 200 for kind in KINDS for line in kind().lines)


def test_a_window_is_the_papers_length() -> None:
    """80 frames at half overlap are 124 416 samples."""
    assert (WINDOW - 1) * PARALLEL_CNN.hop + PARALLEL_CNN.n_fft == 124_416


def test_the_dense_layer_is_drawn_as_one() -> None:
    """Glorot's limit of model 2 counts the inputs of both pipes: 32 x (27 x 3 + 2 x 73)."""
    network = ParallelCnn2()
    limit = (6 / (32 * (27 * 3 + 2 * 73) + 200)) ** 0.5
    for line in network.lines:
        largest = float(line.dense.weight.detach().abs().max())
        assert 0.95 * limit < largest <= limit


def test_standardise_centres_every_band_and_scales_all_alike() -> None:
    """Relative to its loudest frames, a steady sound has bands of mean 0 and a spread of 1."""
    network = ParallelCnn1()
    random = np.random.default_rng(0)
    features = random.normal(np.linspace(-10, -50, 40), 9, (4, 700, 40))
    network.standardise(features)
    above = np.maximum(features - SILENCE_DB, 0)
    loudest = above.mean(axis=2).max(axis=1)[:, None, None]
    scaled = (above - loudest - network.mean.numpy()) * network.scale.numpy()
    assert np.abs(scaled.mean((0, 1))).max() < 0.25  # the loudest of 80 frames, not of 700
    assert scaled.std() == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("gain_db", [-20.0, 30.0])
def test_gain_does_not_matter(kind: type[ParallelCnn], gain_db: float) -> None:
    """A programme that never falls silent gets the same answers at any level."""
    network = made(kind)
    features = programme(20, network.stride).clamp(min=-50) + 10
    with torch.no_grad():
        before = network(features, *network.start(1))[0][:, 5:]
        after = network(features + gain_db, *network.start(1))[0][:, 5:]
    torch.testing.assert_close(after, before, rtol=0, atol=1e-5)
