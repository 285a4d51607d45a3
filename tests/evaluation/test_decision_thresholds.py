"""Segments decided again from what was heard, and their figures."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the programmes are composed by the extra 'train'")
pytest.importorskip("soundfile", reason="the programmes are composed by the extra 'train'")

from streamseg.evaluation.analyser import Heard
from streamseg.evaluation.decision_thresholds import Answered, composed, decided, scores
from streamseg.evaluation.truth import Truth
from streamseg.messages import Float32Array
from streamseg.models import load_network
from streamseg.offline import analyse_file
from streamseg.settings import DecisionSettings
from streamseg.training.banks import quick_banks

DEMO = Path(__file__).parents[2] / "assets" / "demo.opus"


def test_segments_decided_again_are_those_of_the_file() -> None:
    """With the settings in force, from the probabilities alone."""
    table = analyse_file(DEMO, load_network("activity", "cpu"))
    heard = Heard(table.time_s, table.prob, table.level_dbfs, (), table.rate_hz)
    again = decided(heard, DecisionSettings())
    assert [(one.label, one.start) for one in again] == [
        (one.label, one.start) for one in table.segments
    ]
    ends = [one.end / table.rate_hz for one in again]
    assert ends == pytest.approx([one.end / table.rate_hz for one in table.segments], abs=0.05)


def wavering() -> Answered:
    """Twelve seconds of music whose probability falls to 0.35 in the middle, in twenty."""
    time_s = np.arange(500) * 0.04 + 0.02
    prob = np.zeros((500, 3), np.float32)
    prob[(time_s > 4) & (time_s < 16), 0] = 0.9
    prob[(time_s > 8) & (time_s < 11), 0] = 0.35
    level = np.full(500, -20.0, np.float32)
    heard = Heard(time_s, prob, level, (), 48000)
    return Answered((Truth(4.0, 16.0, "music", 99.0),), heard)


def test_a_lower_threshold_holds_a_wavering_sound_together() -> None:
    """Below ``off`` it is two, with an onset too many and a hole; above it is one and whole."""
    torn = scores([wavering()], DecisionSettings(off=0.4))
    whole = scores([wavering()], DecisionSettings(off=0.3))
    assert whole == pytest.approx((1.0, 1.0))
    assert torn[0] == pytest.approx(2 / 3)
    assert 0.8 < torn[1] < 0.95


def test_a_programme_is_heard_as_it_is_composed(tmp_path: Path) -> None:
    """As long, and with its truth."""
    quick_banks(tmp_path, seed=3)
    seen: list[int] = []

    def hear(samples: Float32Array) -> Heard:
        seen.append(len(samples))
        return wavering().heard

    answered = next(composed(tmp_path, None, hear))
    assert seen == [120 * 44100]
    assert {one.label for one in answered.truth} <= {"music", "speech", "noise"}
    assert max(one.end_s for one in answered.truth) <= 120.0
