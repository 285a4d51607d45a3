"""Sounds held out of training, kind by kind."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

pytest.importorskip("torch", reason="banks are made by the extra 'train'")

from streamseg.errors import NoSuchInputError
from streamseg.evaluation import __main__ as command
from streamseg.evaluation import held_out, singing
from streamseg.evaluation.analyser import CLASSES, Heard
from streamseg.messages import Float32Array
from streamseg.training.data import CELL, RATE_HZ, Sound, write_bank

LOW_HZ, HIGH_HZ = 300.0, 3000.0


def tone(hz: float, seconds: float) -> Float32Array:
    """Half of it sounds, half is silent."""
    samples = np.zeros(int(seconds * RATE_HZ), np.float32)
    count = len(samples) // 2
    samples[:count] = 0.3 * np.sin(2 * np.pi * hz * np.arange(count) / RATE_HZ)
    return samples


@pytest.fixture
def banks(tmp_path: Path) -> Path:
    """Music is low, noise is high; one clip of music is to train on, one has a voice."""
    music = [
        Sound(tone(HIGH_HZ, 10.0), "a", "made", "rock", "fit"),
        Sound(tone(LOW_HZ, 10.0), "b", "made", "rock", "validation"),
        Sound(tone(LOW_HZ, 40.0), "c", "made", "pop:live", "validation", vocals=True),
    ]
    write_bank(tmp_path, "music", music)
    write_bank(tmp_path, "noise", [Sound(tone(HIGH_HZ, 10.0), "d", "made", "hiss", "validation")])
    return tmp_path


def hear(samples: Float32Array) -> Heard:
    """Music where most of a cell's power lies low, noise where it lies high."""
    cells = samples[: len(samples) // CELL * CELL].reshape(-1, CELL)
    power = np.abs(np.fft.rfft(cells)) ** 2
    hz = np.fft.rfftfreq(CELL, 1 / RATE_HZ)
    low, high = power[:, hz < 1000].sum(1), power[:, hz >= 1000].sum(1)
    prob = np.zeros((len(cells), len(CLASSES)), np.float32)
    prob[:, CLASSES.index("music")] = low > high
    prob[:, CLASSES.index("noise")] = high > low
    time_s = (np.arange(len(cells)) + 0.5) * 0.02
    return Heard(time_s, prob, np.full(len(cells), -20.0, np.float32), (), RATE_HZ)


def test_held_out_sounds_alone_are_asked_where_they_sound(banks: Path) -> None:
    """What is trained on is not asked; pauses are not; 30 s of a long clip are."""
    found = singing.evaluate(held_out.materials(banks), hear)
    assert {"music: rock", "music: pop", "noise: hiss"} <= set(found)
    music, noise = CLASSES.index("music"), CLASSES.index("noise")
    assert found["music: rock"].best[music] == found["music: rock"].frames
    assert found["noise: hiss"].best[noise] == found["noise: hiss"].frames
    assert found["music: rock"].frames == pytest.approx(250, abs=50)
    assert found["music: pop"].frames == pytest.approx(1000, abs=50)


def test_a_held_out_voice_is_asked_in_five_ways(banks: Path) -> None:
    """The ways of ``singing``, in order; the draws are seeded."""
    found = singing.evaluate(held_out.materials(banks), hear)
    ways = [kind for kind in found if kind.startswith("clips of songs: ")]
    assert [way.partition(": ")[2] for way in ways] == [
        "solo",
        "solo across a room",
        "choir",
        "solo 10 dB over noise",
        "solo 0 dB over noise",
    ]
    again = singing.evaluate(held_out.materials(banks), hear)
    assert all(np.array_equal(found[kind].best, again[kind].best) for kind in found)


def test_a_cache_without_sounds_is_one_clear_error(tmp_path: Path) -> None:
    """The command says what it expected and where the cache comes from."""
    result = CliRunner().invoke(command.main, ["held-out", str(tmp_path)])
    assert isinstance(result.exception, NoSuchInputError)
    assert "--cache of python -m streamseg.training" in str(result.exception)


def test_banks_that_are_missing_are_left_out(tmp_path: Path) -> None:
    """An empty cache has no sounds."""
    assert list(held_out.materials(tmp_path)) == []
