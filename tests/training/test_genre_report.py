"""The report on the shipped genre network."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from streamseg.models import load_genre_network
from streamseg.training import genre_report
from streamseg.training.genre_data import FRAMES
from streamseg.training.genre_pieces import Pictures
from streamseg.training.genre_verdict import verdict


def test_tables_say_what_was_found() -> None:
    """Shares of each genre's windows, and how often an answer of some probability was right."""
    prob = np.array([[0.7, 0.3], [0.4, 0.6], [0.2, 0.8], [0.1, 0.9]])
    found = verdict(prob, np.array([0, 0, 1, 1]))
    assert genre_report.confusion_table(found, ["slow", "fast"])[2:] == [
        "| slow | 50 | 50 |",
        "| fast | 0 | 100 |",
    ]
    assert "| found | 4 | 0.750 | 0.733 |" in genre_report.scores_table({"found": found})[2]
    assert "| 0.6 to 0.7 | 1 | 0.60 | 0.00 |" in genre_report.sure_table(found)


def test_stems_that_are_found_exactly_have_no_distance() -> None:
    """And 6 dB of one stem are 6 dB."""
    exact = np.random.default_rng(1).normal(-20, 3, (2, FRAMES, 3, 128)).astype(np.float16)
    found = exact.copy()
    found[:, :, 1] -= np.float16(6)
    distance = genre_report.distance_db(Pictures(exact, found, np.arange(2)))
    assert distance["bass"] == 0
    assert distance["drums"] == pytest.approx(6, abs=0.05)


def test_ways_are_judged_on_two_windows_a_piece() -> None:
    """Equal pictures get equal figures; the first and the last window lie in the whole."""
    random = np.random.default_rng(1)
    exact = random.normal(-20, 8, (6, FRAMES + 30, 3, 128)).astype(np.float16)
    pieces = Pictures(exact, exact, np.arange(6))
    found = genre_report.verdicts(load_genre_network("stem_genre", "cpu"), pieces)
    np.testing.assert_array_equal(found["exact"].confusion, found["found"].confusion)
    halves = found["found, first window"], found["found, last window"]
    assert [one.windows for one in (found["found"], *halves)] == [12, 6, 6]
    whole = halves[0].confusion + halves[1].confusion
    np.testing.assert_array_equal(found["found"].confusion, whole)


def test_every_genre_must_be_there(tmp_path: Path) -> None:
    """A number of pieces that is no multiple of six is a usage error."""
    result = CliRunner().invoke(genre_report.main, ["--pieces", "5", "--cache", str(tmp_path)])
    assert result.exit_code == 2
    assert "multiple of the 6 genres, got 5" in result.output
