"""The quick mode: the whole path, from generated sounds to a card."""

import typing
from pathlib import Path

import pytest
from click.testing import CliRunner

from streamseg.models.card import read_card
from streamseg.training import __main__ as command
from streamseg.training import band_data, mask_data, render


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The generated sounds, made by whoever comes first."""
    return tmp_path_factory.mktemp("cache")


@pytest.mark.parametrize(
    "stem",
    [
        "frame_conv",
        "parallel_cnn_1",
        "parallel_cnn_2",
        "parallel_cnn_3",
        "window_mask",
        "stem_unet_small",
        "stem_genre",
    ],
)
def test_quick_mode_writes_a_valid_graph_and_card(
    stem: str, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``--quick`` ends with files that the program accepts, without any corpus."""
    monkeypatch.setattr(render, "PER_SHARD", 8)
    monkeypatch.setattr(mask_data, "PER_SHARD", 8)
    monkeypatch.setattr(band_data, "PER_SHARD", 2)
    folders = ["--cache", str(cache), "--runs", str(tmp_path), "--models", str(tmp_path / "models")]
    result = CliRunner().invoke(command.main, [stem, "--quick", "--workers", "1", *folders])
    assert result.exit_code == 0, result.output
    card = read_card(tmp_path / "models" / f"{stem}.json")
    assert card.training.command == f"python -m streamseg.training {stem} --quick --seed 0"
    assert "parity" in card.figures


def test_without_corpus_the_command_says_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    """No corpus and no --quick is a usage error with both ways out."""
    monkeypatch.delenv("STREAMSEG_CORPUS", raising=False)
    result = CliRunner().invoke(command.main, ["activity"])
    assert result.exit_code == 2
    assert "--corpus DIR" in result.output


def test_every_stage_has_a_seed_of_its_own() -> None:
    """No two stages of frame_conv see the same batches, and none hears what it is not made for."""
    stages = command.stages_of("frame_conv", 0, quick=False)
    assert len({stage.plan.seed for stage in stages}) == len(stages)
    foci = {render.focus_of(number) for stage in stages for number in stage.shards}
    assert foci == {"plain", "pauses", "singing"}


def test_activity_hears_every_kind_of_programme() -> None:
    """In three cycles of other batches, each first in short crops and then in long ones."""
    stages = command.stages_of("activity", 0, quick=False)
    assert len({stage.plan.seed for stage in stages}) == len(stages) == 3
    for stage in stages:
        foci = {render.focus_of(number) for number in stage.shards}
        assert foci == set(typing.get_args(render.Focus))
        plan = stage.plan
        assert plan.crop_at(0) < plan.crop_at(plan.steps - 1)
        assert plan.crop_at(plan.late_from - 1) == plan.crop_s
        assert plan.crop_at(plan.late_from) == plan.late_crop_s
