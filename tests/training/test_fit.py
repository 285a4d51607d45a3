"""The training loop: seeded, resumable."""

from pathlib import Path

import numpy as np
import pytest
import torch

from streamseg.training import fronts, recipes, render
from streamseg.training.fit import Material, Plan, Run, batches, blend
from streamseg.training.frame_conv import FrameConv
from streamseg.training.streaming import Network

PLAN = Plan(steps=6, batch=2, crop_s=4.0, check_every=3, averaging=0.9, seed=5)


def material() -> Material:
    """Four programmes of random features and labels."""
    random = np.random.default_rng(0)
    features = random.normal(0, 1, (4, 600, 40)).astype(np.float16)
    truth = random.integers(0, 3, (4, 1200, 3)).astype(np.uint8)
    return Material(features, truth, fronts.FRAME_CONV)


def fitted(folder: Path, break_at_check: int = 99) -> Network:
    """Train to the end of the plan, or until a validation is interrupted."""
    torch.manual_seed(0)
    run = Run(FrameConv(), PLAN, folder)
    checks = iter(range(100))

    def check(_: Network) -> dict[str, float]:
        count = next(checks)
        if count == break_at_check:
            raise KeyboardInterrupt
        return {"score": float(count)}

    run.train(material(), recipes.frame_conv_loss, check)
    return run.network


def test_an_interrupted_run_ends_where_an_uninterrupted_one_does(tmp_path: Path) -> None:
    """Stopping after a checkpoint and going on changes no weight."""
    whole = fitted(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        fitted(tmp_path / "parts", break_at_check=1)
    parts = fitted(tmp_path / "parts")
    for name, value in whole.state_dict().items():
        torch.testing.assert_close(value, parts.state_dict()[name], rtol=1e-5, atol=1e-6)
    assert len((tmp_path / "parts" / "log.csv").read_text().splitlines()) == 3


def test_a_batch_depends_on_seed_and_step_alone() -> None:
    """The third batch is the same whether or not the first two were drawn."""
    all_of_them = list(batches(material(), PLAN, 0, 3))
    third = next(batches(material(), PLAN, 2, 3))
    torch.testing.assert_close(all_of_them[2][0], third[0])
    torch.testing.assert_close(all_of_them[2][1], third[1])


def test_best_weights_are_kept(tmp_path: Path) -> None:
    """The weights of the best validation come back, not those of the last."""
    run = Run(FrameConv(), PLAN, tmp_path)
    scores = iter([0.9, 0.1])
    kept = []

    def check(network: Network) -> dict[str, float]:
        kept.append({name: value.clone() for name, value in network.state_dict().items()})
        return {"score": next(scores)}

    run.train(material(), recipes.frame_conv_loss, check)
    best = run.load_best().state_dict()
    assert all(torch.equal(best[name], value) for name, value in kept[0].items())
    assert not all(torch.equal(best[name], value) for name, value in kept[1].items())


def test_no_shards_is_an_error_that_says_so(tmp_path: Path) -> None:
    """Training without rendered data names the folder."""
    with pytest.raises(FileNotFoundError, match="expected rendered shards"):
        Material.read(tmp_path, "activity", fronts.ACTIVITY)


def test_a_stage_reads_the_shards_of_its_numbers(tmp_path: Path) -> None:
    """Of three shards, those asked for; without numbers all."""
    for number in range(3):
        features = np.full((1, 600, 80), number, np.float16)
        with render.shard_path(tmp_path, number).open("wb") as file:
            np.savez(file, truth=np.zeros((1, 1200, 3), np.uint8), activity=features)
    some = Material.read(tmp_path, "activity", fronts.ACTIVITY, range(1, 3))
    assert some.features[:, 0, 0].tolist() == [1.0, 2.0]
    assert len(Material.read(tmp_path, "activity", fronts.ACTIVITY).features) == 3


def test_blending_lies_between_two_networks() -> None:
    """A share of 1 changes nothing, 0 gives the beginning back, a quarter is a quarter."""
    torch.manual_seed(0)
    began = FrameConv().state_dict()
    after = FrameConv()
    name = next(name for name, value in began.items() if value.is_floating_point())
    first, last = began[name].clone(), after.state_dict()[name].clone()
    torch.testing.assert_close(blend(began, after, 1.0).state_dict()[name], last)
    torch.testing.assert_close(
        blend(began, after, 0.25).state_dict()[name], 0.75 * first + 0.25 * last
    )
    torch.testing.assert_close(blend(began, after, 0.0).state_dict()[name], first)
