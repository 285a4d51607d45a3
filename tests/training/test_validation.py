"""The score that training stops on."""

from pathlib import Path

import numpy as np
import pytest

from streamseg.training import fronts
from streamseg.training.mixing import IGNORE
from streamseg.training.validation import (
    OWN,
    expected_calibration_error,
    f1,
    on_cells,
    programme_case,
    score,
)


def one_hot(classes: list[int]) -> np.ndarray:
    """Truth with one class a cell; -1 is silence."""
    truth = np.zeros((len(classes), 3), np.uint8)
    for row, which in enumerate(classes):
        if which >= 0:
            truth[row, which] = 1
    return truth


def test_a_perfect_answer_scores_one() -> None:
    """Truth given back as probabilities scores 1 everywhere, without alarms."""
    truth = one_hot([0, 0, 1, 2, -1, -1])
    result = score([truth], [truth.astype(np.float32)])
    assert (result.single, result.multi, result.silence) == (1.0, 1.0, 0.0)


def test_known_confusion_has_its_known_f1() -> None:
    """One of two music cells called speech: F1 2/3 for both, by hand."""
    truth = one_hot([0, 0, 1, 2])
    said = one_hot([0, 1, 1, 2]).astype(np.float32)
    result = score([truth], [said])
    assert result.single_by_class == pytest.approx((2 / 3, 2 / 3, 1.0))
    assert result.multi_by_class == pytest.approx((2 / 3, 2 / 3, 1.0))


def test_ignored_cells_do_not_count() -> None:
    """A wrong answer where nobody is asked changes nothing."""
    truth = one_hot([0, 1, 2, 0])
    said = truth.astype(np.float32)
    truth[3] = IGNORE
    said[3] = [0, 1, 0]
    assert score([truth], [said]).single == 1.0


def test_f1_of_nothing_is_one() -> None:
    """Saying nothing where there is nothing is right."""
    nothing = np.zeros(4, bool)
    assert f1(nothing, nothing) == 1.0


@pytest.mark.parametrize("stem", ["activity", "frame_conv"])
def test_answers_land_on_the_cells_they_describe(stem: str) -> None:
    """A network that repeats its input's time, late by its look-ahead, is read back on time."""
    spec = fronts.FRONTS[stem]
    stride, lookahead = (2, 20) if stem == "activity" else (1, 13)
    count = 400
    middle_s = (np.arange(count) * stride + (stride - 1) / 2) * spec.hop_s
    middle_s += spec.n_fft / 2 / spec.rate_hz
    late = np.concatenate((np.zeros(lookahead // stride), middle_s)).astype(np.float32)
    cells = on_cells(np.repeat(late[:, None], 3, 1), spec, stride, lookahead, 700)
    expected_s = np.arange(700) * 0.02 + 0.01
    # The nearest output is at most half an output step away (and the first is the first).
    assert np.abs(cells[5:, 0] - expected_s[5:]).max() <= spec.hop_s * stride / 2 + 1e-3


def test_calibration_error_of_an_honest_and_of_a_bold_forecast() -> None:
    """0.7 said and 70 % true is no error; 0.95 said and 70 % true is 0.25."""
    truth = np.arange(1000) % 10 < 7
    assert expected_calibration_error(np.full(1000, 0.7, np.float32), truth) < 1e-6
    bold = expected_calibration_error(np.full(1000, 0.95, np.float32), truth)
    assert bold == pytest.approx(0.25, abs=1e-6)


@pytest.mark.parametrize("name", OWN)
def test_every_condition_makes_a_programme_with_pauses_and_sounds(banks: Path, name: str) -> None:
    """Features and truth of the length asked for, the same again for the same seed."""
    case = programme_case(banks, None, 3, name, 12.0, ("activity",))
    assert case.truth.shape == (600, 3)
    assert case.features["activity"].shape == (597, 80)  # the last whole window
    assert (case.truth == 1).any()
    again = programme_case(banks, None, 3, name, 12.0, ("activity",))
    np.testing.assert_array_equal(case.features["activity"], again.features["activity"])


def test_hum_is_heard_in_the_pauses_of_its_condition(banks: Path) -> None:
    """Loud hum leaves no quiet cell where nothing sounds; far hum leaves a lower floor."""
    floors_db = []
    for name in ("hum_6db", "hum_20db"):
        case = programme_case(banks, None, 6, name, 40.0, ("activity",))
        quiet = (case.truth == 0).all(axis=1)[: len(case.features["activity"])]
        assert quiet.any()
        floors_db.append(float(case.features["activity"][quiet].max(axis=1).mean()))
    assert floors_db[0] > floors_db[1] > -60
