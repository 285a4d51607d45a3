"""Held-out clips as streams of their own."""

from pathlib import Path

import numpy as np
import pytest

from streamseg.training import fronts, held_out
from streamseg.training.data import Bank, Sound, write_bank
from streamseg.training.mixing import IGNORE
from streamseg.training.synthetic import plain_tune
from streamseg.training.validation import Case


def test_every_validation_clip_becomes_a_case_of_its_class(banks: Path, tmp_path: Path) -> None:
    """And none of the training part; features reach three seconds beyond the sound."""
    held_out.write_clips(banks, tmp_path, 0, ("parallel_cnn",))
    cases = held_out.read_clips(tmp_path)
    for label in ("music", "speech", "noise"):
        entries = [e for e in Bank(banks, label).entries if e.part == "validation"]
        own = [case for case in cases if case.name == label]
        assert len(own) == len(entries) > 0
        assert [len(case.truth) for case in own] == [entry.length // 882 for entry in entries]
    case = cases[0]
    spec = fronts.PARALLEL_CNN
    sound_s, features_s = len(case.truth) * 0.02, len(case.features["parallel_cnn"]) * spec.hop_s
    assert features_s == pytest.approx(sound_s + 3, abs=0.15)
    assert case.features["parallel_cnn"][-30:].max() == spec.floor_db


def test_clips_that_are_there_are_not_made_again(banks: Path, tmp_path: Path) -> None:
    """The file of an earlier run stays."""
    (tmp_path / "clips.npz").write_bytes(b"kept")
    held_out.write_clips(banks, tmp_path, 0, ("parallel_cnn",))
    assert (tmp_path / "clips.npz").read_bytes() == b"kept"


def test_the_mean_over_the_sound_decides() -> None:
    """Pauses (nobody is asked) do not vote; noise is no choice of the pair."""
    truth = np.full((10, 3), IGNORE, np.uint8)
    truth[:4] = [0, 1, 0]
    prob = np.zeros((10, 3), np.float32)
    prob[:4] = [0.1, 0.3, 0.6]
    prob[4:] = [1.0, 0.0, 0.0]
    found = held_out.clip_accuracy([Case("speech", {}, truth)], [prob])
    assert found.three == {"speech": 0.0}
    assert found.pair == {"speech": 1.0}


def test_a_brief_clip_is_one_sound_with_silence_around(banks: Path, tmp_path: Path) -> None:
    """0.2 to 1 s of it, and what is asked of it lies inside."""
    held_out.write_clips(banks, tmp_path, 0, ("parallel_cnn",), kind="brief")
    cases = held_out.read_clips(tmp_path, "brief")
    around = 10  # cells
    for case in cases:
        asked = np.flatnonzero((case.truth == 1).any(axis=1))
        assert (len(case.truth) - 2 * around) * 0.02 + 0.02 >= 0.2
        assert len(case.truth) <= 50 + 2 * around
        assert len(asked) > 0
        assert asked[0] >= around
        assert asked[-1] < len(case.truth) - around
        assert case.features["parallel_cnn"][0].max() == fronts.PARALLEL_CNN.floor_db


def test_syllables_are_whole_and_notes_are_single(tmp_path: Path) -> None:
    """Every held-out syllable with silence around it; a note is one short sound of its piece."""
    for kind in ("syllables", "midi"):
        sounds = [
            Sound(plain_tune(np.random.default_rng(index), 3.0), "g", "r", kind, part)
            for index, part in enumerate(("fit", "validation", "validation"))
        ]
        write_bank(tmp_path / "banks", kind, sounds)
    held_out.write_clips(tmp_path / "banks", tmp_path, 0, ("parallel_cnn",), "syllables")
    cases = held_out.read_clips(tmp_path, "syllables")
    assert [case.name for case in cases] == ["speech", "speech", "music", "music"]
    assert all(150 + 10 <= len(case.truth) < 150 + 50 for case in cases[:2])
    assert all(len(case.truth) <= 50 + 20 for case in cases[2:])
    assert all((case.truth[:5] == IGNORE).all() for case in cases)
