"""What an answer is trained on."""

import pytest
import torch

from streamseg.training import parallel_cnn_recipe as recipe
from streamseg.training.fronts import PARALLEL_CNN
from streamseg.training.mixing import IGNORE
from streamseg.training.parallel_cnn import ParallelCnn1

FLOOR_DB = PARALLEL_CNN.floor_db


def truth(*runs: tuple[int, list[int]]) -> torch.Tensor:
    """(1, frames, 3) of so many frames each."""
    rows = [row for count, row in runs for _ in range(count)]
    return torch.tensor(rows, dtype=torch.uint8)[None]


def test_a_step_is_shared_by_what_sounds_in_it() -> None:
    """15 frames of music, 5 of speech: three quarters and one; all of it sounds."""
    target, weight = recipe.shares(truth((15, [1, 0, 0]), (5, [0, 1, 0])), 20)
    torch.testing.assert_close(target, torch.tensor([[[0.75, 0.25, 0.0]]]))
    assert weight.item() == 1.0


def test_classes_that_sound_together_share_the_mass() -> None:
    """Music under speech: a half each."""
    target, _ = recipe.shares(truth((20, [1, 1, 0])), 20)
    torch.testing.assert_close(target, torch.tensor([[[0.5, 0.5, 0.0]]]))


def test_silence_and_doubt_weigh_nothing() -> None:
    """Five sounding frames of twenty: a quarter of the weight, all of the share."""
    step = truth((5, [0, 0, 1]), (10, [0, 0, 0]), (5, [IGNORE, 0, 1]))
    target, weight = recipe.shares(step, 20)
    torch.testing.assert_close(target, torch.tensor([[[0.0, 0.0, 1.0]]]))
    assert weight.item() == pytest.approx(0.25)


def test_the_loss_asks_an_answer_about_the_middle_of_its_window() -> None:
    """With all of it music but one step of speech, only the answer of that step has speech."""
    network = ParallelCnn1().eval()
    late = network.outputs[0][1] // network.stride
    steps = torch.zeros(1, 8, 3)
    steps[:, :, 0] = 50.0
    steps[:, 3 + late] = torch.tensor([0.0, 50.0, 0.0])

    def sure(features: torch.Tensor, *states: torch.Tensor) -> tuple[torch.Tensor, list]:
        return steps, []

    network.scores = sure  # type: ignore[method-assign]
    music, speech = [1, 0, 0], [0, 1, 0]
    heard = truth((60, music), (20, speech), (80, music))
    features = torch.zeros(1, 160, 40)
    right = recipe.loss(network, features, heard)
    shifted = recipe.loss(network, features, torch.roll(heard, 20, 1))
    assert right < shifted / 5


def test_disturbed_crops_end_in_digital_silence_that_nobody_is_asked_about(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is cut away is at the floor and has no class; half a second stays; silence stays."""
    monkeypatch.setattr(recipe, "BRIEF", 0.0)
    torch.manual_seed(1)
    features = torch.full((400, 120, 40), -40.0)
    features[:, 50:60] = FLOOR_DB
    result, marks = recipe.disturbed(features, truth((120, [1, 0, 0])).repeat(400, 1, 1))
    silent = (result <= FLOOR_DB).all(dim=2)
    assert bool((silent[:, 50:60]).all())
    assert torch.equal(marks.sum(dim=2) > 0, ~_cut(marks))
    assert bool(silent[_cut(marks)].all())
    begins = _cut(marks)[:, 0].float().mean().item()
    ends = _cut(marks)[:, -1].float().mean().item()
    assert 0.25 < begins < 0.45
    assert 0.25 < ends < 0.45
    assert int((~_cut(marks)).sum(dim=1).min()) >= 14


def test_some_crops_keep_one_brief_sound() -> None:
    """0.2 to 1 s of it as it was; around it silence or what is quiet in the crop, nobody asked."""
    random = torch.Generator().manual_seed(3)
    features = torch.full((400, 120, 40), -40.0)
    features[:, 50:60] = -70.0
    heard = truth((120, [1, 0, 0])).repeat(400, 1, 1)
    result, marks = recipe.some_brief(features, heard, random)
    brief = _cut(marks).any(dim=1)
    assert 0.18 < brief.float().mean().item() < 0.32
    assert torch.equal(result[~_cut(marks)], features[~_cut(marks)])
    kept = (~_cut(marks[brief])).sum(dim=1)
    assert (int(kept.min()), int(kept.max())) == (5, 29)
    around = result[brief][_cut(marks[brief])]
    assert float(around.max()) <= -70.0
    assert 0.3 < (around == FLOOR_DB).float().mean().item() < 0.7


def _cut(marks: torch.Tensor) -> torch.Tensor:
    """Frames without a class."""
    return (marks == 0).all(dim=2)


def test_disturbance_is_that_of_the_seed() -> None:
    """A resumed run draws what an uninterrupted one draws."""
    features, heard = torch.full((8, 120, 40), -40.0), truth((120, [1, 0, 0])).repeat(8, 1, 1)
    torch.manual_seed(5)
    first, _ = recipe.disturbed(features, heard)
    torch.manual_seed(5)
    torch.testing.assert_close(recipe.disturbed(features, heard)[0], first)
