"""The corpus as training reads it."""

import csv
from pathlib import Path

import numpy as np
import pytest
import soundfile

from streamseg.training.data import Bank, Sound, decode, read_manifest, write_bank

COLUMNS = [
    "path",
    "split",
    "class",
    "group",
    "source_repo",
    "licence",
    "attribution",
    "detail",
    "vocals",
    "start_s",
    "duration_s",
]


Row = tuple[str, ...]


def manifest(folder: Path, rows: list[Row]) -> Path:
    """A corpus folder with a manifest of these rows."""
    with (folder / "manifest.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(rows)
    return folder


def row(split: str, label: str, group: str, repo: str, vocals: str = "", start: str = "0") -> Row:
    """One line of a manifest."""
    return ("a.opus", split, label, group, repo, "CC0", "", "", vocals, start, "5")


def test_the_eval_split_is_never_read(tmp_path: Path) -> None:
    """Rows of the eval split do not become clips."""
    rows = [row("train", "music", "a/b", "a/b"), row("eval", "music", "c/d", "c/d")]
    assert [clip.repo for clip in read_manifest(manifest(tmp_path, rows))] == ["a/b"]


def test_a_speaker_is_on_one_side_only(tmp_path: Path) -> None:
    """All clips of a speaker are in the same part, and some speakers are held out."""
    rows = [row("train", "speech", f"big/repo:{i % 40}", "big/repo") for i in range(120)]
    clips = read_manifest(manifest(tmp_path, rows))
    parts: dict[str, set[str]] = {}
    for clip in clips:
        parts.setdefault(clip.group, set()).add(clip.part)
    assert all(len(part) == 1 for part in parts.values())
    assert {"fit", "validation"} == set.union(*parts.values())


def test_songs_with_vocals_are_held_out_whole(tmp_path: Path) -> None:
    """Excerpts follow each other by start; where the start goes back a new song begins."""
    starts = ["1", "30", "2", "40", "3", "50", "1", "20"]
    rows = [row("train", "music", "s/s", "s/s", "yes", start) for start in starts]
    parts = [clip.part for clip in read_manifest(manifest(tmp_path, rows))]
    assert parts == ["fit"] * 4 + ["validation"] * 2 + ["fit"] * 2


def test_no_manifest_is_an_error_that_says_so(tmp_path: Path) -> None:
    """A folder without a corpus is named."""
    with pytest.raises(FileNotFoundError, match="give the corpus folder with --corpus"):
        read_manifest(tmp_path)


def test_a_bank_gives_back_what_was_put_in(tmp_path: Path) -> None:
    """Sounds come back scaled to a peak of 0.9, to 16 bits."""
    random = np.random.default_rng(0)
    samples = random.normal(0, 0.05, 44100).astype(np.float32)
    write_bank(tmp_path, "music", [Sound(samples, "g", "r", "d", "fit")])
    bank = Bank(tmp_path, "music")
    entry = bank.entries[0]
    expected = samples[: entry.length] * (0.9 / np.abs(samples).max())
    np.testing.assert_allclose(bank.samples(entry), expected, atol=1.5 / 32768)
    assert len(bank.cells(entry)) == entry.length // 882


def test_decoding_mixes_channels_and_resamples(tmp_path: Path) -> None:
    """A stereo file at 22.05 kHz comes out mono at 44.1 kHz with its tone at its pitch."""
    time_s = np.arange(22050) / 22050
    tone = 0.5 * np.sin(2 * np.pi * 440 * time_s)
    soundfile.write(tmp_path / "a.wav", np.stack((tone, tone), 1), 22050)
    mono = decode(tmp_path / "a.wav")
    assert mono.shape == (44100,)
    assert np.abs(np.fft.rfft(mono)).argmax() == 440
