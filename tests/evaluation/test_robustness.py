"""The robustness matrix."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("soundfile", reason="evaluation of made sounds needs the extra 'evaluate'")

import soundfile

from streamseg.evaluation import robustness
from streamseg.evaluation.analyser import Heard
from streamseg.evaluation.made import hearing
from streamseg.evaluation.truth import Clip
from streamseg.messages import Float32Array
from streamseg.training.conditions import CONDITIONS
from streamseg.training.data import RATE_HZ


def tone(seconds: float = 1.0) -> np.ndarray:
    """A chord with treble."""
    time_s = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    return sum(0.1 * np.sin(2 * np.pi * hz * time_s) for hz in (440, 2500, 6000, 11000)).astype("f")


def always(prob: tuple[float, float, float]):
    """A system that says one thing of everything."""

    def hear(samples: Float32Array) -> Heard:
        count = len(samples) // 1764
        return Heard(
            (np.arange(count) + 0.5) * 0.04,
            np.tile(np.array(prob, np.float32), (count, 1)),
            np.full(count, -20.0, np.float32),
            (),
            RATE_HZ,
        )

    return hear


@pytest.mark.parametrize("condition", list(CONDITIONS))
def test_a_degraded_clip_keeps_its_length_and_level(condition: str) -> None:
    """The level is that of all others, but for the quiet condition; draws depend on the seed."""
    heard = robustness.degraded(tone(), condition, 3)
    again = robustness.degraded(tone(), condition, 3)
    np.testing.assert_array_equal(heard, again)
    assert heard.shape == (RATE_HZ,)
    level_db = 20 * np.log10(np.sqrt(np.mean(heard.astype(np.float64) ** 2)))
    assert level_db == pytest.approx(-50.0 if condition == "quiet_25db" else -25.0, abs=0.1)


def test_a_low_pass_takes_the_treble() -> None:
    """Conditions do what their names say: 11 kHz lies 20 dB lower under a low-pass at 8 kHz."""
    power = np.abs(np.fft.rfft(robustness.degraded(tone(), "low_pass_8k", 0))) ** 2
    assert power[11000] < 1e-2 * power[2500]


def test_frames_are_counted_by_true_and_found_class(tmp_path: Path) -> None:
    """A system that hears music everywhere has all of the music right and none of the speech."""
    for name in ("a", "b"):
        soundfile.write(tmp_path / f"{name}.wav", tone(), RATE_HZ)
    clips = [Clip(tmp_path / "a.wav", "music"), Clip(tmp_path / "b.wav", "speech")]
    found = robustness.evaluate(clips, always((0.9, 0.1, 0.2)))
    assert list(found) == list(CONDITIONS)
    for confusion in found.values():
        assert confusion.frames.tolist() == [[25, 0, 0, 0], [25, 0, 0, 0], [0, 0, 0, 0]]
        assert robustness.recall(confusion).tolist() == [1.0, 0.0, 0.0]
    record = robustness.robustness_record(found)
    assert record["conditions"]["clean"]["recall"] == {"music": 1.0, "speech": 0.0, "noise": 0.0}
    assert robustness.robustness_table(found).row_count == len(CONDITIONS)


def test_made_sounds_are_heard_through_a_file() -> None:
    """The system gets a file with the samples, cut off at full scale."""
    got = []

    def analyse(path: Path) -> Heard:
        got.append(soundfile.read(path, dtype="float32"))
        return always((0, 0, 0))(got[-1][0])

    hearing(analyse)(np.array([0.25, -2.0, 0.5] * 2000, np.float32))
    samples, rate_hz = got[0]
    assert rate_hz == RATE_HZ
    assert samples[:3].tolist() == [0.25, -1.0, 0.5]
