"""The sounds of the test suite are what they say they are."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import signals
from scipy import signal

from streamseg.messages import Float32Array

MAKERS: dict[str, Callable[[float, int, int], Float32Array]] = {
    "speech": signals.speech,
    "music": signals.music,
    "white": lambda *args: signals.noise("white", *args),
    "pink": lambda *args: signals.noise("pink", *args),
    "brown": lambda *args: signals.noise("brown", *args),
    "hiss": lambda *args: signals.noise("hiss", *args),
    "rain": lambda *args: signals.noise("rain", *args),
}


def slope_db_per_octave(samples: Float32Array, rate_hz: int) -> float:
    """Slope of the power spectrum between 100 Hz and 0.4 of the rate, a straight-line fit."""
    frequency_hz, power = signal.welch(samples, rate_hz, nperseg=4096)
    inside = (frequency_hz > 100) & (frequency_hz < 0.4 * rate_hz)
    fit = np.polyfit(np.log2(frequency_hz[inside]), 10 * np.log10(power[inside]), 1)
    return float(fit[0])


def flatness(samples: Float32Array, rate_hz: int) -> float:
    """Median spectral flatness (geometric over arithmetic mean) of 4096-sample frames."""
    _, _, power = signal.spectrogram(samples, rate_hz, nperseg=4096)
    power = power[(power.shape[0] // 100) : power.shape[0] // 4] + 1e-20
    return float(np.median(np.exp(np.log(power).mean(axis=0)) / power.mean(axis=0)))


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("rate_hz", [8000, 22_050, 48_000])
def test_sounds_have_the_length_and_type_asked_for(name: str, rate_hz: int) -> None:
    """Every maker returns round(seconds * rate_hz) finite mono float32 samples."""
    samples = MAKERS[name](1.2345, rate_hz, 0)
    assert samples.shape == (round(1.2345 * rate_hz),)
    assert samples.dtype == np.float32
    assert np.isfinite(samples).all()


@pytest.mark.parametrize("name", MAKERS)
def test_same_seed_gives_the_same_samples_and_another_seed_others(name: str) -> None:
    """A sound is a function of its arguments, and the seed is one of them."""
    first, again, other = (MAKERS[name](2.0, 16_000, seed) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("name", MAKERS)
def test_default_levels_leave_headroom(name: str) -> None:
    """At its default level no sound reaches full scale, so none is clipped on its way."""
    samples = MAKERS[name](5.0, 44_100, 1)
    assert -27 < signals.level_of(samples) < -19
    assert np.abs(samples).max() < 1.0


def test_level_follows_aes17() -> None:
    """A sine of amplitude 1 reads 0 dBFS, and silence minus infinity."""
    tone = signals.sine(1.0, 48_000, 1000, level_dbfs=0)
    assert signals.level_of(tone) == pytest.approx(0, abs=1e-5)  # float32 rounds the samples
    assert signals.level_of(signals.silence(1.0, 48_000)) == -np.inf


@pytest.mark.parametrize(("kind", "slope"), [("white", 0), ("pink", -3.01), ("brown", -6.02)])
def test_coloured_noise_falls_as_its_colour_says(kind: signals.NoiseKind, slope: float) -> None:
    """The spectra of white, pink and brown noise fall by 0, 3 and 6 dB an octave."""
    samples = signals.noise(kind, 20.0, 44_100)
    assert slope_db_per_octave(samples, 44_100) == pytest.approx(slope, abs=0.3)


def test_sine_has_its_energy_at_its_frequency() -> None:
    """The largest bin of a one-second spectrum is the tone's own, by 80 dB."""
    spectrum = np.abs(np.fft.rfft(signals.sine(1.0, 16_000, 440.0)))
    assert spectrum.argmax() == 440
    assert np.delete(spectrum, 440).max() < spectrum[440] / 1e4


def test_impulses_stand_where_they_were_asked_for() -> None:
    """Every half second one sample is not zero."""
    samples = signals.impulses(2.0, 8000, every_s=0.5)
    assert np.flatnonzero(samples).tolist() == [0, 4000, 8000, 12_000]


def test_music_has_pitch_and_noise_has_none() -> None:
    """Music's spectrum is made of lines; rain's and hiss's are nearly flat by comparison."""
    music = flatness(signals.music(6.0, 44_100, 3), 44_100)
    noises = [flatness(signals.noise(kind, 6.0, 44_100), 44_100) for kind in ("rain", "hiss")]
    assert music < 0.2 < min(noises)


def test_speech_moves_at_the_pace_of_syllables() -> None:
    """Speech's envelope has more of its power between 2 and 8 Hz than rain's has."""

    def syllables(samples: Float32Array) -> float:
        envelope = np.abs(samples[: samples.size // 160 * 160]).reshape(-1, 160).mean(axis=1)
        frequency_hz, power = signal.welch(envelope / envelope.mean(), 100, nperseg=400)
        return float(power[(frequency_hz >= 2) & (frequency_hz <= 8)].sum())

    speech = syllables(signals.speech(10.0, 16_000, 2))
    assert speech > 10 * syllables(signals.noise("rain", 10.0, 16_000))


def test_speech_is_skipped_with_a_reason_without_espeak(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where espeak-ng is missing a test says so and how to get it, instead of failing."""
    monkeypatch.setattr("shutil.which", lambda name: None)
    signals._spoken.cache_clear()
    with pytest.raises(pytest.skip.Exception, match="apt-get install espeak-ng"):
        signals.speech(1.0, 16_000)


def test_programme_truth_is_exact() -> None:
    """Scenes follow each other on samples; a label that goes on stays one row."""
    made = signals.programme(
        [
            signals.Scene("music", 2.0),
            signals.Scene("speech+music", 3.0),
            signals.Scene("silence", 1.5),
            signals.Scene("noise", 2.5),
        ],
        rate_hz=16_000,
    )
    assert made.truth == (
        signals.Truth(0.0, 5.0, "music"),
        signals.Truth(2.0, 5.0, "speech"),
        signals.Truth(5.0, 6.5, "silence"),
        signals.Truth(6.5, 9.0, "noise"),
    )
    assert made.samples.shape == (9 * 16_000,)
    assert not made.samples[5 * 16_000 : 104_000].any()
    assert made.labels_at(2.5) == {"music", "speech"}
    assert made.labels_at(9.0) == set()


def test_programme_levels_are_relative_to_the_first_label() -> None:
    """The label in front sounds at the level asked for, the one behind 10 dB under it."""
    front = signals.programme([signals.Scene("noise", 4.0)], 16_000, level_dbfs=-18).samples
    both = signals.programme([signals.Scene("noise+music", 4.0)], 16_000, level_dbfs=-18).samples
    assert signals.level_of(front) == pytest.approx(-18, abs=0.1)
    assert signals.level_of(both - front) == pytest.approx(-28, abs=0.1)


def test_programme_refuses_an_unknown_label() -> None:
    """A misspelt label is an error, not a silent scene."""
    with pytest.raises(KeyError, match="musik"):
        signals.programme([signals.Scene("musik", 1.0)], 16_000)
