"""Facts about what the window writes: exports and the settings file. Every file is read back."""

import csv
import tomllib
import wave
from dataclasses import replace

import numpy as np
import pytest

from streamseg.errors import CannotWriteError, ConfigError, UsageError
from streamseg.settings import load
from streamseg.view.export import Region, file_stem, save_frames, save_labels, save_wav
from streamseg.view.region_sound import pieces
from streamseg.view.settings_file import write_settings

RATE_HZ = 16_000
NOISE = np.random.default_rng(0).normal(0, 0.1, 10 * RATE_HZ).astype(np.float32)


@pytest.fixture
def heard(station):
    """Ten seconds with probabilities and segments."""
    station.hear(NOISE)
    station.think(music=0.8, speech=0.1, seconds=9)
    station.open_segment("music", 1.0)
    station.close_segment("music", 1.0, 4.0)
    station.open_segment("speech", 3.0)
    station.settle()
    return station


def test_a_region_as_wav_is_the_sound_of_the_region(heard, tmp_path):
    """16 bits at the rate of the source, to the sample."""
    region = Region.of(heard.state.snapshot(), 2.0, 5.5)
    path = tmp_path / "region.wav"
    save_wav(path, pieces(heard.state, region, RATE_HZ), RATE_HZ)
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getframerate()) == (2, RATE_HZ)
        got = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2) / 32767
    for channel in got.T:
        np.testing.assert_allclose(channel, NOISE[2 * RATE_HZ : 88_000], atol=1 / 32767)


def test_a_region_as_frames_has_the_columns_of_scan(heard, tmp_path):
    """Times count from the beginning of the region, so that they fit its WAV."""
    path = tmp_path / "region.csv"
    frames = heard.state.frames(2 * RATE_HZ, 3 * RATE_HZ)
    save_frames(path, frames, heard.state.snapshot(), Region(2 * RATE_HZ, 3 * RATE_HZ))
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["time_s", "music", "speech", "noise", "level_dbfs"]
    assert len(rows) == 50
    assert float(rows[0]["time_s"]) == pytest.approx(0, abs=0.02)
    assert {row["music"] for row in rows} == {"0.8000"}


def test_a_region_as_labels_is_cut_at_its_ends(heard, tmp_path):
    """An open segment ends where its probabilities do."""
    path = tmp_path / "region.txt"
    save_labels(path, heard.state.snapshot(), Region(2 * RATE_HZ, 12 * RATE_HZ))
    rows = [line.split("\t") for line in path.read_text().splitlines()]
    assert [(row[0], row[2]) for row in rows] == [("0.000", "music"), ("1.000", "speech")]
    assert float(rows[0][1]) == 2
    assert float(rows[1][1]) == pytest.approx(7, abs=0.03)


def test_a_region_ends_where_nothing_more_was_heard(heard):
    """A selection beyond the newest sample is cut."""
    region = Region.of(heard.state.snapshot(), 5, 100)
    assert region.start == 5 * RATE_HZ
    assert 9.9 * RATE_HZ < region.stop <= 10 * RATE_HZ


def test_a_folder_that_is_not_there_is_told(tmp_path):
    """With what to do."""
    with pytest.raises(CannotWriteError, match="choose another file"):
        save_wav(tmp_path / "no" / "region.wav", [NOISE[:, None]], RATE_HZ)


def test_a_file_that_was_not_finished_is_not_left_behind(tmp_path):
    """Neither under its name nor under another."""

    def breaks():
        yield NOISE[:, None]
        raise UsageError("no mask")

    with pytest.raises(UsageError, match="no mask"):
        save_wav(tmp_path / "region.wav", breaks(), RATE_HZ)
    assert list(tmp_path.iterdir()) == []


def test_the_proposed_name_tells_source_and_moment(heard):
    """A live source by the time of day; nothing in it that a file system refuses."""
    snapshot = heard.state.snapshot()
    local = snapshot.begin.astimezone()
    assert file_stem(snapshot, 0.0) == f"studio-{local:%Y-%m-%dT%H-%M-%S}"
    named = replace(snapshot, source=replace(snapshot.source, name="http://a.b/radio one?x=1"))
    assert file_stem(replace(named, finite=True), 3725.0) == "radio-one-x-1-01-02-05"


def test_changed_settings_are_written_and_the_rest_stays(tmp_path):
    """Comments too; the command line reads what the dialog wrote."""
    path = tmp_path / "streamseg.toml"
    path.write_text("# mine\n[decisions]\non = 0.7  # strict\nsmooth_s = 1\n")
    write_settings(path, {"decisions.off": "0.3", "capture.channel": "2", "decisions.on": "0.65"})
    text = path.read_text()
    assert "# mine" in text
    assert "# strict" in text
    settings = load(path, environment={}).settings
    assert (settings.decisions.on, settings.decisions.off) == (0.65, 0.3)
    assert settings.capture.channel == "2"
    assert settings.decisions.smooth_s == 1


def test_an_emptied_field_goes_back_to_its_default(tmp_path):
    """The key leaves the file."""
    path = tmp_path / "streamseg.toml"
    write_settings(path, {"decisions.on": "0.8"})
    write_settings(path, {"decisions.on": None})
    assert tomllib.loads(path.read_text()) == {"decisions": {}}


def test_checks_and_lists_are_written_as_what_they_are(tmp_path):
    """Not as text."""
    path = tmp_path / "streamseg.toml"
    entry = "mon-fri 06:00-09:00 needs speech 10 min"
    write_settings(path, {"alarms.dual_mono": True, "alarms.schedule": [entry]})
    assert tomllib.loads(path.read_text()) == {"alarms": {"dual_mono": True, "schedule": [entry]}}


def test_a_refused_value_leaves_the_file_alone(tmp_path):
    """Checked before anything is written, with key and range."""
    path = tmp_path / "streamseg.toml"
    write_settings(path, {"decisions.on": "0.8"})
    before = path.read_text()
    with pytest.raises(ConfigError, match=r"decisions\.off.*must not exceed"):
        write_settings(path, {"decisions.off": "0.9"})
    with pytest.raises(ConfigError, match=r"capture\.ring_s"):
        write_settings(path, {"capture.ring_s": "wide"})
    assert path.read_text() == before
