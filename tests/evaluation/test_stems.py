"""Facts about the scores of stems."""

import numpy as np
import pytest
from signals import music, noise

pytest.importorskip("mir_eval", reason="scores need the extra 'evaluate'")
pytest.importorskip("soundfile", reason="scores need the extra 'evaluate'")

from streamseg.evaluation import separation, stems
from streamseg.evaluation.separation import RATE_HZ, Excerpt


def two_stems(seconds: float = 2.0) -> Excerpt:
    """A song as "other" and rain as "drums" as loud; bass and vocals silent."""
    parts = np.zeros((4, int(seconds * RATE_HZ)), np.float32)
    parts[0] = noise("rain", seconds, RATE_HZ) * 0.1
    parts[2] = music(seconds, RATE_HZ)
    parts[0] *= np.std(parts[2]) / np.std(parts[0])
    return Excerpt(parts, real=True)


def test_sdr_of_noise_at_a_known_level_is_that_level():
    """White noise 20 dB under a white signal: within 0.3 dB, as the filter fits a little."""
    random = np.random.default_rng(0)
    truth, wrong = random.normal(0, 1, (2, 5 * RATE_HZ)).astype(np.float32)
    assert stems.sdr_db(truth, truth + 0.1 * wrong) == pytest.approx(20, abs=0.3)
    assert stems.sdr_db(truth, np.zeros_like(truth)) == -60


def test_silent_stems_are_not_scored():
    """Their figures are NaN, and a median is over the excerpts where a stem sounds."""
    one = two_stems()
    assert stems.sounding(one.stems).tolist() == [True, False, True, False]
    scores = stems.evaluate([one], {"nothing": separation.unprocessed})
    medians = scores["nothing"].medians_db()
    assert np.isfinite(medians).tolist() == [True, False, True, False]
    assert np.isnan(scores["nothing"].medians_db(real=False)).all()


def test_the_oracle_leads_and_the_tables_say_so():
    """By more than 4 dB before the mixture; the record holds medians by kind of excerpt."""
    ways = {"nothing": separation.unprocessed, "oracle": separation.oracle}
    scores = stems.evaluate([two_stems()], ways)
    gain = np.nanmean(scores["oracle"].medians_db() - scores["nothing"].medians_db())
    assert gain > 4
    record = stems.stems_record(scores)
    assert record["excerpts"] == 1
    assert record["median_sdr_db"]["oracle"]["recorded"]["vocals"] is None
    assert stems.stems_table(scores, {"oracle": 0.25}).row_count == 2
