"""Schedule, graph and card of the three networks."""

from pathlib import Path

import numpy as np
import pytest
import torch

from streamseg.models.card import TrainingRecord, read_card
from streamseg.models.session import Session, initial_state
from streamseg.training import export, parallel_cnn_job
from streamseg.training import parallel_cnn_recipe as recipe
from streamseg.training.fit import Material
from streamseg.training.fronts import PARALLEL_CNN
from streamseg.training.parallel_cnn import WINDOW, ParallelCnn

STEMS = list(parallel_cnn_job.NETWORKS)
RECORD = TrainingRecord(command="none", seed=0, hours_of_audio=0.0, data=())


def made(stem: str) -> ParallelCnn:
    """A network with random weights."""
    torch.manual_seed(1)
    return parallel_cnn_job.NETWORKS[stem]().eval()


@pytest.mark.parametrize("stem", STEMS)
def test_the_exported_graph_answers_as_windows_alone_do(stem: str, tmp_path: Path) -> None:
    """onnxruntime, a batch of three and two calls, against every window by itself (1e-5)."""
    network = made(stem)
    card = export.export(network, recipe.describe(network, RECORD, {}), tmp_path)
    assert read_card(tmp_path / f"{stem}.json") == card
    session = Session(tmp_path / f"{stem}.onnx", card, "cpu")
    frames = card.stride * 12
    features = np.random.default_rng(2).normal(-45, 14, (3, frames, 40)).astype(np.float32)
    half = card.stride * 5
    (first,), state = session.run(features[:, :half], initial_state(card, 3))
    (second,), _ = session.run(features[:, half:], state)
    got = np.concatenate((first, second), axis=1)
    assert got.shape == (3, 12, 3)
    inside = [j for j in range(12) if network.begins + j * card.stride >= 0]
    inside = [j for j in inside if network.begins + j * card.stride + WINDOW <= frames]
    assert len(inside) >= 6
    begins = [network.begins + j * card.stride for j in inside]
    windows = np.stack([features[:, at : at + WINDOW] for at in begins], axis=1)
    with torch.no_grad():
        want = network.alone(torch.from_numpy(windows).flatten(0, 1)).view(3, len(inside), 3)
    np.testing.assert_allclose(got[:, inside], want, atol=1e-5)


@pytest.mark.parametrize("stem", STEMS)
def test_the_card_names_what_differs_from_the_paper(stem: str) -> None:
    """Classes, decibels, gain, window step and optimiser; model 2 its two sizes of the input."""
    words = " ".join(recipe.describe(made(stem), RECORD, {}).deviations)
    for said in ("Three classes", "decibels", "loudest frame", "pooled step", "AdamW"):
        assert said in words
    assert ("67 x 68" in words) == (stem == "parallel_cnn_2")


@pytest.mark.parametrize("stem", STEMS)
def test_a_batch_holds_forty_answers(stem: str) -> None:
    """Eight crops; what lies before a crop's first answer is not asked for."""
    kind = parallel_cnn_job.NETWORKS[stem]
    for plan in parallel_cnn_job.plans_of(kind, 0, quick=False):
        frames = round(plan.crop_s / PARALLEL_CNN.hop_s)
        assert frames % kind.stride == 0
        answers = frames // kind.stride - kind.outputs[0][1] // kind.stride
        assert plan.batch * answers == 40


def test_the_first_shards_lie_in_front() -> None:
    """The first stage takes them by their number of programmes, so their numbers are the lowest."""
    first = parallel_cnn_job.FIRST
    assert sorted(parallel_cnn_job.SHARDS)[: len(first)] == list(first)


@pytest.mark.parametrize("stem", STEMS)
def test_no_two_stages_see_the_same_batches(stem: str) -> None:
    """Each has a seed of its own, and quick mode is one short stage."""
    kind = parallel_cnn_job.NETWORKS[stem]
    plans = parallel_cnn_job.plans_of(kind, 5, quick=False)
    assert len({plan.seed for plan in plans}) == len(plans) == 4
    assert [plan.steps for plan in parallel_cnn_job.plans_of(kind, 5, quick=True)] == [30]


def test_single_sounds_follow_the_other_programmes() -> None:
    """Both kinds are drawn from alike; the order keeps the first stage's in front."""
    many = Material(np.zeros((3, 4, 40), np.float16), np.zeros((3, 5, 3), np.uint8), PARALLEL_CNN)
    few = Material(np.ones((2, 4, 40), np.float16), np.ones((2, 5, 3), np.uint8), PARALLEL_CNN)
    both = parallel_cnn_job.with_singles(many, few)
    assert both.features[:, 0, 0].tolist() == [0, 0, 0, 1, 1]
    assert both.truth[:, 0, 0].tolist() == [0, 0, 0, 1, 1]
