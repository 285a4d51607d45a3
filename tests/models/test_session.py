"""States of streams in a batch, and where a network runs."""

import numpy as np
import pytest

from streamseg.errors import ModelError
from streamseg.models import load_card, load_network
from streamseg.models.session import StreamState, first_state, initial_state, joined


def cuda_runs() -> bool:
    """Whether CUDA really computes here, by the only witness there is: a session that asked."""
    return load_network("frame_conv", "auto").provider == "CUDA"


def test_streams_of_one_batch_are_joined_without_a_copy() -> None:
    """The same sources in the same order: the arrays are taken as they are."""
    arrays = [np.arange(6.0, dtype=np.float32).reshape(3, 2), np.zeros((3, 1), np.float32)]
    states = [StreamState(arrays, row) for row in range(3)]
    assert joined(states) is arrays


@pytest.mark.parametrize("rows", [[0], [1, 0, 2], [0, 1], [2, 2]])
def test_any_other_company_is_copied_row_by_row(rows: list[int]) -> None:
    """In the order asked for, whoever else was in the last batch."""
    arrays = [np.arange(6.0, dtype=np.float32).reshape(3, 2)]
    got = joined([StreamState(arrays, row) for row in rows])
    np.testing.assert_array_equal(got[0], arrays[0][rows])


def test_streams_of_different_batches_are_joined() -> None:
    """A source that was just opened beside one that runs."""
    card = load_card("activity")
    random = np.random.default_rng(0)
    shapes = [array.shape[1:] for array in initial_state(card)]
    running = [random.normal(size=(4, *shape)).astype(np.float32) for shape in shapes]
    got = joined([first_state(card), StreamState(running, 3)])
    for array, begun, start in zip(got, running, initial_state(card), strict=True):
        np.testing.assert_array_equal(array, np.concatenate((start, begun[3:4])))


@pytest.mark.skipif(cuda_runs(), reason="CUDA runs here")
def test_cuda_is_refused_where_it_does_not_run() -> None:
    """Asked for by name it is an error that says so; on auto the processor is named as it is."""
    with pytest.raises(ModelError, match="only the CPU runs here"):
        load_network("activity", "cuda")
    assert load_network("activity", "auto").provider == "CPU"


@pytest.mark.skipif(not cuda_runs(), reason="no GPU that onnxruntime can use")
@pytest.mark.parametrize("sources", [1, 64])
def test_cuda_says_what_the_processor_says(sources: int) -> None:
    """One source or a batch, call after call with the state of the last: 1e-2 of a probability.

    A GPU multiplies with 10 bits of fraction where it can (TF32), hence not 1e-4.
    """
    networks = [load_network("activity", provider) for provider in ("cpu", "cuda")]
    assert [network.provider for network in networks] == ["CPU", "CUDA"]
    card = networks[0].card
    random = np.random.default_rng(1)
    states = [initial_state(card, sources) for _ in networks]
    for _ in range(4):
        shape = (sources, 25 * card.stride, card.front_end.n_mels)
        features = (random.normal(size=shape) * 10 - 50).astype(np.float32)
        said = []
        for index, network in enumerate(networks):
            outputs, states[index] = network._session.run(features, states[index])
            said.append(outputs)
        for one, other in zip(*said, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-2)
