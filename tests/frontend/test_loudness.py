"""Loudness against the standard's own numbers, EBU's test signals, and FFmpeg."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import scipy.io.wavfile
import signals
import splits
from hypothesis import given, settings

from streamseg.frontend.loudness import (
    KWeightedPower,
    LoudnessHistory,
    ProgrammeLoudness,
    gated_lufs,
    k_weighting,
)

ONE_CHANNEL_LU = -3.01
"""EBU Tech 3341 plays the same tone in two channels; the same in one reads half the power."""

RATES_HZ = [8000, 11025, 22050, 44100, 48000, 96000, 192000]


def tone(level_dbfs: float, seconds: float, rate_hz: int = 48000) -> np.ndarray:
    """A sine of 1 kHz with this peak level."""
    return signals.sine(seconds, rate_hz, 1000.0, level_dbfs)


def programme_lufs(samples: np.ndarray, rate_hz: int = 48000) -> float | None:
    """Integrated loudness by the histogram."""
    loudness = ProgrammeLoudness()
    loudness.push(KWeightedPower(rate_hz).push(samples))
    return loudness.lufs


def test_coefficients_at_48_khz_are_those_that_the_standard_prints() -> None:
    """ITU-R BS.1770-4, annex 1, tables 1 and 2."""
    shelf, high_pass = k_weighting(48000)
    printed = [1.53512485958697, -2.69169618940638, 1.19839281085285]
    assert shelf[:3] == pytest.approx(printed, abs=1e-9)
    assert shelf[3:] == pytest.approx([1.0, -1.69065929318241, 0.73248077421585], abs=1e-9)
    assert high_pass[:3].tolist() == [1.0, -2.0, 1.0]
    assert high_pass[3:] == pytest.approx([1.0, -1.99004745483398, 0.99007225036621], abs=1e-9)


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_a_full_scale_tone_in_one_channel_reads_3_lu_below_zero(rate_hz: int) -> None:
    """BS.1770-4: 0 dBFS at 997 Hz in one front channel is -3.01 LKFS; here at any rate."""
    measured = programme_lufs(signals.sine(5.0, rate_hz, 997.0, 0.0), rate_hz)
    assert measured == pytest.approx(-3.01, abs=0.05)


def test_too_low_a_rate_is_refused() -> None:
    """At 2 kHz half of the weighting curve does not exist."""
    with pytest.raises(ValueError, match="at least 4000 Hz, got 2000: resample first"):
        KWeightedPower(2000)


@pytest.mark.parametrize(
    ("steps", "expected_lufs"),
    [
        pytest.param([(-23, 20)], -23.0, id="case 1"),
        pytest.param([(-33, 20)], -33.0, id="case 2"),
        pytest.param([(-36, 10), (-23, 60), (-36, 10)], -23.0, id="case 3: relative gate"),
        pytest.param(
            [(-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)],
            -23.0,
            id="case 4: absolute gate",
        ),
        pytest.param([(-26, 20), (-20, 20.1), (-26, 20)], -23.0, id="case 5: both inside the gate"),
    ],
)
def test_ebu_tech_3341(steps: list[tuple[float, float]], expected_lufs: float) -> None:
    """The stepped tones of EBU Tech 3341, table 1, within its tolerance of 0.1 LU.

    Case 4 has its gates shifted by the missing channel, which moves no step across them.
    """
    samples = np.concatenate([tone(level_dbfs, seconds) for level_dbfs, seconds in steps])
    expected = expected_lufs + ONE_CHANNEL_LU
    assert programme_lufs(samples) == pytest.approx(expected, abs=0.1)
    assert gated_lufs(KWeightedPower(48000).push(samples)) == pytest.approx(expected, abs=0.1)


def test_silence_and_very_short_sounds_have_no_loudness() -> None:
    """Below the absolute gate, or under 400 ms, there is nothing to measure."""
    assert programme_lufs(signals.silence(2.0, 48000)) is None
    assert programme_lufs(tone(-80.0, 2.0)) is None
    assert programme_lufs(tone(-23.0, 0.39)) is None
    assert programme_lufs(tone(-23.0, 0.4)) is not None


@settings(max_examples=25)
@given(seed=splits.SEEDS)
def test_any_split_gives_the_same_powers(seed: int) -> None:
    """1102.5 samples a step at 11025 Hz; only the order of additions differs (1e-12)."""
    samples = signals.noise("pink", 2.0, 11025)
    whole = KWeightedPower(11025).push(samples)
    assert len(whole) == 20
    split = splits.push_all(KWeightedPower(11025).push, samples, seed)
    np.testing.assert_allclose(split, whole, rtol=1e-12)


def test_reset_forgets_the_signal() -> None:
    """After a reset the same samples give the same powers, bit for bit."""
    samples = signals.noise("pink", 1.0, 48000)
    power = KWeightedPower(48000)
    first = power.push(samples)
    power.push(samples[:1234])
    power.reset()
    assert np.array_equal(power.push(samples), first)


def test_the_histogram_agrees_with_the_exact_gate(rng: np.random.Generator) -> None:
    """Over levels spread across both gates the 0.1 LU bins cost less than 0.05 LU."""
    powers = 10 ** rng.uniform(-9, -1, 5000)
    loudness = ProgrammeLoudness()
    for part in np.array_split(powers, 37):
        loudness.push(part)
    assert loudness.lufs == pytest.approx(gated_lufs(powers), abs=0.05)


def test_no_block_reaches_across_a_hole() -> None:
    """Two halves of 300 ms with a hole between them hold no block of 400 ms."""
    loudness = ProgrammeLoudness()
    for _ in range(2):
        loudness.push(np.full(3, 0.01))
        loudness.interrupt()
    assert loudness.lufs is None
    loudness.push(np.full(4, 0.01))
    assert loudness.lufs == pytest.approx(-20.69, abs=0.01)


def test_the_history_measures_the_stretch_that_is_asked_for() -> None:
    """Of a quiet and a loud part, each gets its own loudness, at the source's positions."""
    history = LoudnessHistory(48000, reach_s=60.0)
    weighted = KWeightedPower(48000)
    history.reset(origin=1_000_000)
    for block in np.array_split(np.concatenate((tone(-40.0, 5.0), tone(-20.0, 5.0))), 99):
        history.push(weighted.push(block))
    middle = 1_000_000 + 5 * 48000
    assert history.lufs(1_000_000, middle) == pytest.approx(-40 + ONE_CHANNEL_LU, abs=0.05)
    assert history.lufs(middle, middle + 5 * 48000) == pytest.approx(-23.01, abs=0.05)
    assert history.lufs(middle, middle + 4800 * 3) is None


def test_the_history_uses_whole_steps_inside_the_stretch_alone() -> None:
    """A loud sample range that begins between two steps does not leak into the one before it."""
    history = LoudnessHistory(1000 * 48, reach_s=10.0)
    signal = np.concatenate((tone(-60.0, 2.05), tone(-10.0, 2.0)))
    history.push(KWeightedPower(48000).push(signal))
    edge = round(2.05 * 48000)
    assert history.lufs(edge - 48000, edge) == pytest.approx(-63.01, abs=0.1)


def test_the_history_says_when_it_does_not_know_any_more() -> None:
    """A stretch that began before the reach has no loudness; a recent one still has."""
    history = LoudnessHistory(8000, reach_s=5.0)
    weighted = KWeightedPower(8000)
    for _ in range(20):
        history.push(weighted.push(tone(-20.0, 1.0, 8000)))
    assert history.lufs(0, 20 * 8000) is None
    assert history.lufs(15 * 8000, 20 * 8000) == pytest.approx(-23.01, abs=0.1)


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="no ffmpeg on the PATH to compare with")
@pytest.mark.parametrize("rate_hz", [44100, 48000])
def test_ffmpeg_agrees(tmp_path: Path, rate_hz: int) -> None:
    """The ebur128 filter of FFmpeg reads the same mono sound within its printed 0.1 LU."""
    parts = [
        signals.music(8.0, rate_hz, level_dbfs=-20.0),
        signals.noise("brown", 5.0, rate_hz, level_dbfs=-35.0),
        signals.noise("hiss", 5.0, rate_hz, level_dbfs=-25.0),
        signals.silence(3.0, rate_hz),
    ]
    samples = np.concatenate(parts)
    path = tmp_path / "mixed.wav"
    scipy.io.wavfile.write(path, rate_hz, samples)
    command = ["ffmpeg", "-nostdin", "-hide_banner", "-i", str(path), "-af", "ebur128"]
    report = subprocess.run(
        [*command, "-f", "null", "-"], check=True, capture_output=True, text=True
    ).stderr
    theirs = float(re.findall(r"I:\s+(-?[\d.]+) LUFS", report)[-1])
    assert programme_lufs(samples, rate_hz) == pytest.approx(theirs, abs=0.1)
