"""The bundled demo programme and its reference fit each other and the promises about them."""

from __future__ import annotations

import csv
import re
import shutil
import subprocess
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import signals
import soundfile
from numpy.typing import NDArray

from streamseg.messages import Label


@pytest.fixture(scope="module")
def programme(demo_path: Path) -> tuple[NDArray[np.float32], int]:
    """The decoded demo: (frames, channels) and its rate in Hz."""
    samples, rate_hz = soundfile.read(demo_path, dtype="float32", always_2d=True)
    return samples, rate_hz


@pytest.fixture(scope="module")
def reference(demo_path: Path) -> list[signals.Truth]:
    """The rows of demo.csv."""
    with open(demo_path.with_suffix(".csv"), newline="", encoding="utf-8") as file:
        return [
            signals.Truth(float(row["start_s"]), float(row["end_s"]), cast(Label, row["label"]))
            for row in csv.DictReader(file)
        ]


def test_demo_is_ninety_seconds_of_stereo_in_less_than_a_megabyte(
    demo_path: Path, programme: tuple[NDArray[np.float32], int]
) -> None:
    """The wheel carries the demo, so it is short, small and of broadcast rate."""
    samples, rate_hz = programme
    assert (rate_hz, samples.shape[1]) == (48_000, 2)
    assert samples.shape[0] / rate_hz == pytest.approx(90.0, abs=0.1)
    assert demo_path.stat().st_size < 1_000_000


def test_demo_does_not_clip(programme: tuple[NDArray[np.float32], int]) -> None:
    """The highest sample stays 3 dB under full scale."""
    assert np.abs(programme[0]).max() < 10 ** (-3 / 20)


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg, the judge, is not installed")
def test_demo_has_broadcast_loudness(demo_path: Path) -> None:
    """FFmpeg's meter reads -23 LUFS within the half unit that EBU R 128 allows."""
    command = ["ffmpeg", "-hide_banner", "-nostats", "-i", str(demo_path)]
    command += ["-af", "ebur128", "-f", "null", "-"]
    judged = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    found = re.search(r"Integrated loudness:\s+I:\s+(-[\d.]+) LUFS", judged)
    assert found, judged
    assert float(found[1]) == pytest.approx(-23.0, abs=0.5)


def test_reference_rows_are_sorted_and_inside_the_programme(
    reference: list[signals.Truth], programme: tuple[NDArray[np.float32], int]
) -> None:
    """Every row has a positive length between the first and the last sample."""
    end_s = programme[0].shape[0] / programme[1]
    assert [row.start_s for row in reference] == sorted(row.start_s for row in reference)
    assert all(0 <= row.start_s < row.end_s <= end_s for row in reference)


def test_reference_names_every_label_and_both_kinds_of_mixture(
    reference: list[signals.Truth],
) -> None:
    """The demo shows each class alone, a voice over music, a voice over noise, and dead air."""
    together = {
        frozenset(row.label for row in reference if row.start_s <= moment < row.end_s)
        for moment in np.arange(0, 90, 0.1)
    }
    assert {frozenset(pair) for pair in (("speech", "music"), ("speech", "noise"))} <= together
    alone = {frozenset([label]) for label in ("music", "speech", "noise", "silence")}
    assert alone <= together


def test_sound_is_where_the_reference_says(
    reference: list[signals.Truth], programme: tuple[NDArray[np.float32], int]
) -> None:
    """Dead air decodes to less than a 16-bit step; everything else stands well over it."""
    samples, rate_hz = programme
    for row in reference:
        inside = slice(int((row.start_s + 0.05) * rate_hz), int((row.end_s - 0.05) * rate_hz))
        level_dbfs = signals.level_of(samples[inside, 0])
        if row.label == "silence":
            assert level_dbfs < -90, row
        else:
            assert level_dbfs > -40, row
