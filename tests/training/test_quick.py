"""The quick mode: the whole path, from generated sounds to a card."""

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


@pytest.mark.parametrize("stem", ["activity", "frame_conv"])
def test_every_stage_has_a_seed_and_shards_of_its_own(stem: str) -> None:
    """No two stages see the same batches; only activity hears the wide shards, at its end."""
    stages = command.stages_of(stem, 0, quick=False)
    assert len({stage.plan.seed for stage in stages}) == len(stages)
    wide = [any(render.focus_of(n) in ("broad", "voices") for n in s.shards) for s in stages]
    assert wide == [False] * (len(stages) - 1) + [stem == "activity"]


def test_the_fourth_stage_comes_behind_those_that_ship() -> None:
    """With a seed of its own, on varied shards beside plain ones."""
    shipped = command.stages_of("activity", 0, quick=False)
    *before, last = command.stages_of("activity", 0, quick=False, fourth="varied")
    assert tuple(before) == shipped
    assert last.plan.seed not in {stage.plan.seed for stage in shipped}
    foci = [render.focus_of(number) for number in last.shards]
    assert foci.count("varied") == 52
    assert foci.count("plain") == 69


def test_a_stage_of_hum_comes_behind_those_that_ship() -> None:
    """With a seed of its own; of what it hears the varied shards alone are new."""
    shipped = command.stages_of("activity", 0, quick=False)
    *before, last = command.stages_of("activity", 0, quick=False, fourth="hum")
    assert tuple(before) == shipped
    assert last.hum
    assert not any(stage.hum for stage in shipped)
    assert last.plan.seed not in {stage.plan.seed for stage in shipped}
    heard = {number for stage in shipped for number in stage.shards}
    assert {render.focus_of(number) for number in set(last.shards) - heard} == {"varied"}


def test_the_fourth_stage_is_one_of_activity() -> None:
    """A usage error that says so."""
    result = CliRunner().invoke(command.main, ["frame_conv", "--fourth", "hum", "--corpus", "."])
    assert result.exit_code == 2
    assert "expected --fourth with activity" in result.output
