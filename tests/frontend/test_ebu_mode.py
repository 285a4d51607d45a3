"""The test signals of EBU Tech 3341 and 3342 (2016), made by formula, and FFmpeg beside us.

All cases that are formulas: 1 to 6 and 9 to 23 of 3341, 1 to 4 of 3342; the others are recordings.
Tolerances are EBU's: 0.1 LU, 1 LU for the range, +0.2/-0.4 dB for the true peak.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import scipy.io.wavfile
import scipy.signal
import signals

from streamseg.frontend.loudness import SHORT_STEPS, channel_weights, lufs
from streamseg.frontend.loudness_stats import LoudnessRange, ProgrammeLoudness
from streamseg.frontend.steps import StepMeter
from streamseg.messages import Steps

RATE_HZ = 48_000
Segments = Sequence[tuple[float, float | None]]
"""Seconds and level; None is silence."""


def tones(segments: Segments) -> np.ndarray:
    """A 1 kHz sine in both channels, its level as listed."""
    parts = []
    at = 0
    for seconds, level_dbfs in segments:
        time = np.arange(at, at + round(seconds * RATE_HZ)) / RATE_HZ
        gain = 0.0 if level_dbfs is None else 10 ** (level_dbfs / 20)
        parts.append(gain * np.sin(2 * np.pi * 1000 * time))
        at += time.size
    mono = np.concatenate(parts).astype(np.float32)
    return np.stack((mono, mono), axis=1)


def measured(frames: np.ndarray) -> Steps:
    """In blocks of 1000, as they may come."""
    meter = StepMeter(RATE_HZ, -40.0)
    blocks = [frames[at : at + 1000] for at in range(0, len(frames), 1000)]
    return np.concatenate([meter.push(block.mean(axis=1), block) for block in blocks])


def integrated(steps: Steps) -> float | None:
    """As the meters and the log have it."""
    loudness = ProgrammeLoudness()
    loudness.push(steps["k_power"])
    return loudness.lufs


def short_lufs(steps: Steps) -> np.ndarray:
    """Short-term loudness at the end of every step from 3 s on."""
    window = np.full(SHORT_STEPS, 1 / SHORT_STEPS)
    power = np.convolve(steps["k_power"], window, mode="valid")
    return 10 * np.log10(np.maximum(power, 1e-12)) - 0.691


STEPPED: dict[str, Segments] = {
    "1": [(20, -23)],
    "2": [(20, -33)],
    "3": [(10, -36), (60, -23), (10, -36)],
    "4": [(10, -72), (10, -36), (60, -23), (10, -36), (10, -72)],
    "5": [(20, -26), (20.1, -20), (20, -26)],
}


@pytest.mark.parametrize("case", STEPPED)
def test_3341_integrated(case: str) -> None:
    """Cases 1 to 5: gates at -70 LUFS and 10 LU under the mean."""
    expected = -33.0 if case == "2" else -23.0
    assert integrated(measured(tones(STEPPED[case]))) == pytest.approx(expected, abs=0.1)


def test_3341_5_channels() -> None:
    """Case 6: L, R, C, Ls, Rs with their weights; with a silent LFE the same."""
    time = np.arange(20 * RATE_HZ) / RATE_HZ
    levels = [-28, -28, -24, -30, -30]
    tone = np.sin(2 * np.pi * 1000 * time)
    five = np.stack([tone * 10 ** (level / 20) for level in levels], axis=1).astype(np.float32)
    assert integrated(measured(five)) == pytest.approx(-23.0, abs=0.1)
    six = np.insert(five, 3, 0.25, axis=1)
    assert integrated(measured(six)) == pytest.approx(-23.0, abs=0.1)
    assert channel_weights(5).sum() == channel_weights(6).sum()


def test_3341_short_term_is_steady() -> None:
    """Case 9: -20 dBFS for 1.34 s and -30 dBFS for 1.66 s in turn are -23 from 3 s on."""
    found = short_lufs(measured(tones([(1.34, -20), (1.66, -30)] * 5)))
    assert found == pytest.approx(-23.0, abs=0.1)


@pytest.mark.parametrize("level_dbfs", [-23, None], ids=["case 10", "case 11"])
def test_3341_highest_short_term(level_dbfs: float | None) -> None:
    """Cases 10 and 11: 3 s of tone that begin 0.15 s later each time, at -23, or -38 to -19."""
    for number in range(20):
        level = -38 + number if level_dbfs is None else level_dbfs
        segments = [(0.15 * number, None), (3.0, level), (1.0, None)]
        assert short_lufs(measured(tones(segments))).max() == pytest.approx(level, abs=0.1)


def test_3341_momentary_is_steady() -> None:
    """Case 12: -20 dBFS for 0.18 s and -30 dBFS for 0.22 s in turn are -23 from 1 s on."""
    found = measured(tones([(0.18, -20), (0.22, -30)] * 25))["k_momentary"][10:]
    assert [lufs(power) for power in found] == pytest.approx([-23.0] * len(found), abs=0.1)


@pytest.mark.parametrize("level_dbfs", [-23, None], ids=["case 13", "case 14"])
def test_3341_highest_momentary(level_dbfs: float | None) -> None:
    """Cases 13 and 14: 0.4 s of tone that begin 0.02 s later each time, at -23, or -38 to -19."""
    for number in range(20):
        level = -38 + number if level_dbfs is None else level_dbfs
        steps = measured(tones([(0.02 * number, None), (0.4, level), (1.0, None)]))
        assert lufs(float(np.nanmax(steps["k_momentary"]))) == pytest.approx(level, abs=0.1)


def faded(mono: np.ndarray) -> np.ndarray:
    """Both channels, 10 ms in and out."""
    ramp = np.clip(np.arange(mono.size) / (0.01 * RATE_HZ), 0, 1)
    mono = (mono * ramp * ramp[::-1]).astype(np.float32)
    return np.stack((mono, mono), axis=1)


def peak_dbtp(frames: np.ndarray) -> float:
    """Highest true peak of all steps."""
    return float(20 * np.log10(measured(frames)["true_peak"].max()))


@pytest.mark.parametrize(
    ("divisor", "degrees", "amplitude", "expected_dbtp"),
    [
        pytest.param(4, 0.0, 0.5, -6.0, id="case 15"),
        pytest.param(4, 45.0, 0.5, -6.0, id="case 16"),
        pytest.param(6, 60.0, 0.5, -6.0, id="case 17"),
        pytest.param(8, 67.5, 0.5, -6.0, id="case 18"),
        pytest.param(4, 45.0, 1.41, 3.0, id="case 19"),
    ],
)
def test_3341_true_peak_of_tones(
    divisor: int, degrees: float, amplitude: float, expected_dbtp: float
) -> None:
    """A sine at a fraction of the rate, in the phase at which no sample hits its top."""
    angle = 2 * np.pi * np.arange(5 * RATE_HZ) / divisor + np.deg2rad(degrees)
    excess = peak_dbtp(faded(amplitude * np.sin(angle))) - expected_dbtp
    assert -0.4 <= excess <= 0.2


@pytest.mark.parametrize("offset", range(4), ids=lambda offset: f"case {20 + offset}")
def test_3341_true_peak_of_a_burst(offset: int) -> None:
    """A period of fs/4 at full scale within fs/6 at half of it, made at 4 fs, every fourth kept."""
    fast = 4 * RATE_HZ
    sixth = 0.5 * np.sin(2 * np.pi * np.arange(fast // 24 * 12) / 24)
    burst = np.sin(2 * np.pi * np.arange(16) / 16)
    made = np.concatenate((sixth, burst, sixth))
    low_pass = scipy.signal.firwin(481, 20_000, fs=fast)
    made = np.convolve(made, low_pass, mode="same")
    truth_db = 20 * np.log10(np.abs(made).max())
    excess = peak_dbtp(faded(made[offset::4])) - truth_db
    assert -0.4 <= excess <= 0.2


@pytest.mark.parametrize(
    ("segments", "expected_lu"),
    [
        pytest.param([(20, -20), (20, -30)], 10, id="case 1"),
        pytest.param([(20, -20), (20, -15)], 5, id="case 2"),
        pytest.param([(20, -40), (20, -20)], 20, id="case 3"),
        pytest.param([(20, -50), (20, -35), (20, -20), (20, -35), (20, -50)], 15, id="case 4"),
    ],
)
def test_3342_range(segments: Segments, expected_lu: float) -> None:
    """Tech 3342, table 1: steps of level, and what is 20 LU under the mean does not count."""
    spread = LoudnessRange()
    spread.push(measured(tones(segments))["k_power"])
    assert spread.lu == pytest.approx(expected_lu, abs=1.0)


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="no ffmpeg on the PATH to compare with")
@pytest.mark.parametrize("rate_hz", [44_100, 48_000])
@pytest.mark.parametrize("channels", [1, 2])
def test_ffmpeg_agrees(tmp_path: Path, rate_hz: int, channels: int) -> None:
    """The ebur128 filter reads the same: I to 0.1 LU, range to 0.3 LU, true peak to 0.1 dB."""
    parts = [
        signals.music(12.0, rate_hz, level_dbfs=-14.0),
        signals.noise("brown", 6.0, rate_hz, level_dbfs=-35.0),
        signals.noise("hiss", 6.0, rate_hz, level_dbfs=-25.0),
        signals.silence(3.0, rate_hz),
    ]
    left = np.concatenate(parts)
    right = np.concatenate((parts[2], parts[0], parts[1], parts[3]))
    frames = left[:, None] if channels == 1 else np.stack((left, right), axis=1)
    path = tmp_path / "mixed.wav"
    scipy.io.wavfile.write(path, rate_hz, frames)
    command = ["ffmpeg", "-nostdin", "-hide_banner", "-i", str(path), "-af", "ebur128=peak=true"]
    report = subprocess.run(
        [*command, "-f", "null", "-"], check=True, capture_output=True, text=True
    ).stderr
    summary = report[report.rindex("Summary") :]
    theirs = [
        float(re.findall(rf"{name}:\s+(-?[\d.]+) (?:LUFS|LU|dBFS)", summary)[0])
        for name in ("I", "LRA", "Peak")
    ]
    meter = StepMeter(rate_hz, -40.0)
    steps = meter.push(frames.mean(axis=1), None if channels == 1 else frames)
    spread = LoudnessRange()
    spread.push(steps["k_power"])
    assert integrated(steps) == pytest.approx(theirs[0], abs=0.1)
    assert spread.lu == pytest.approx(theirs[1], abs=0.3)
    assert float(20 * np.log10(steps["true_peak"].max())) == pytest.approx(theirs[2], abs=0.1)
