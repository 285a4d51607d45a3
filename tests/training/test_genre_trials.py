"""The protocol: trials, their table, and the command."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from streamseg.training import genre_trials
from streamseg.training.genre_data import Songs
from streamseg.training.stem_genre import MODELS, Recipe

SMALL = Recipe(filters=(2, 2), epochs=1)


@pytest.fixture(scope="module")
def songs() -> Songs:
    """Twelve songs of noise."""
    random = np.random.default_rng(0)
    pictures = random.normal(-40, 10, (12, 6, 128, 458)).astype(np.float16)
    return Songs(pictures, np.arange(12) % 6, np.full(12, 120.0), ("noise",) * 12)


def test_trials_go_on_where_they_stopped(songs: Songs, tmp_path: Path) -> None:
    """What the table holds is not done again, and the result is that of an unbroken run."""
    broken, whole = tmp_path / "broken.csv", tmp_path / "whole.csv"
    told: list[genre_trials.Trial] = []
    run = genre_trials.run
    run(songs, "exact", 1, 0, broken, told.append, ("full",), SMALL)
    run(songs, "exact", 2, 0, broken, told.append, ("full",), SMALL)
    run(songs, "exact", 2, 0, whole, lambda _: None, ("full",), SMALL)
    assert [(one.trial, one.model) for one in told] == [(0, "full"), (1, "full")]
    assert broken.read_text() == whole.read_text()


def test_a_table_of_trials_comes_back_as_it_was_written(songs: Songs, tmp_path: Path) -> None:
    """Every figure survives the file."""
    path = tmp_path / "trials.csv"
    done = genre_trials.run(songs, "exact", 1, 3, path, lambda _: None, ("no_vox",), SMALL)
    assert genre_trials.read_trials(path) == done
    assert genre_trials.read_trials(tmp_path / "none.csv") == []


def test_the_table_sets_ours_beside_theirs() -> None:
    """Means over the trials, the paper's figures, and the gain over the baseline."""
    trials = [
        genre_trials.Trial(t, model, "exact", 66, 6, 1.0, 0.5, f1 + 0.01 * (t % 3), 0.4, 0.4)
        for model, f1 in (("no_vox", 0.4), ("stems", 0.5))
        for t in range(6)
    ]
    table = genre_trials.table(trials, "exact", 66, 6)
    cells = [list(column.cells) for column in table.columns]
    assert cells[0] == [MODELS["no_vox"].label, MODELS["stems"].label]
    assert cells[2] == ["0.410", "0.510"]
    assert cells[7] == ["0.371", "0.435"]
    assert cells[8] == ["", "+0.100"]


def test_the_number_of_songs_must_fit_the_genres() -> None:
    """A number that six does not divide is a usage error that says so."""
    result = CliRunner().invoke(genre_trials.main, ["--songs", "65"])
    assert result.exit_code == 2
    assert "multiple of the 6 genres" in result.output


def test_quick_mode_runs_the_whole_protocol(tmp_path: Path) -> None:
    """``--quick`` makes songs and runs two trials of each model, without a corpus."""
    result = CliRunner().invoke(
        genre_trials.main, ["--quick", "--workers", "1", "--cache", str(tmp_path)]
    )
    assert result.exit_code == 0, result.output
    trials = genre_trials.read_trials(tmp_path / "songs0_no_corpus" / "trials_exact_12.csv")
    assert {(one.trial, one.model) for one in trials} == {
        (trial, model) for trial in range(2) for model in MODELS
    }
    assert "3 spec, DW-2DConv" in result.output
