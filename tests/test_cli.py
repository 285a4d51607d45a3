"""Facts about the command line: exit codes, one clear error each, outputs."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import soundfile
from signals import Scene, at_level, music, programme

from streamseg import __version__
from streamseg.resources import demo_dir

WAIT_S = 60

pytestmark = pytest.mark.usefixtures("no_user_settings")


@pytest.fixture(scope="module")
def wav(tmp_path_factory):
    """Two seconds of music."""
    path = tmp_path_factory.mktemp("sound") / "music.wav"
    soundfile.write(path, music(2.0, 44_100, seed=1), 44_100)
    return path


def test_version_is_the_packages(run):
    """``--version`` says what was installed."""
    code, out, _ = run("--version")
    assert (code, out.strip()) == (0, f"streamseg, version {__version__}")


# What goes in


def one_line(err):
    """An error is one or two lines, not a traceback."""
    assert 1 <= len(err.strip().splitlines()) <= 2, err
    assert "Traceback" not in err
    return err


@pytest.mark.parametrize("verb", ["scan", "log"])
def test_a_file_that_is_not_there_is_66(run, verb):
    """No such input."""
    code, _, err = run(verb, "nowhere/missing.wav")
    assert code == 66
    assert "missing.wav" in one_line(err)


def test_a_file_that_is_not_audio_is_66(run, tmp_path):
    """Text is not sound."""
    path = tmp_path / "notes.wav"
    path.write_text("This is not audio. " * 100)
    code, _, err = run("scan", path)
    assert code == 66
    assert "expected audio" in one_line(err)


def test_an_empty_file_is_66(run, tmp_path):
    """Zero bytes, and a header without sound."""
    (tmp_path / "empty.wav").touch()
    assert run("scan", tmp_path / "empty.wav")[0] == 66
    soundfile.write(tmp_path / "header.wav", np.zeros(0), 44_100)
    code, _, err = run("scan", tmp_path / "header.wav")
    assert code == 66
    one_line(err)


def test_one_sample_is_a_file(run, tmp_path):
    """The shortest sound there is gets one frame and no error."""
    soundfile.write(tmp_path / "one.wav", np.ones(1) * 0.1, 44_100)
    code, out, _ = run("scan", tmp_path / "one.wav", "--frames", tmp_path / "f.csv")
    assert code == 0
    assert out.startswith("start_s,end_s,label,score")
    assert len((tmp_path / "f.csv").read_text().splitlines()) == 2


def test_a_truncated_mp3_is_scanned_as_far_as_it_goes(run, tmp_path):
    """Half of a file is half of the sound, not an error."""
    samples = music(8.0, 44_100, seed=2)
    soundfile.write(tmp_path / "whole.mp3", samples, 44_100)
    data = (tmp_path / "whole.mp3").read_bytes()
    (tmp_path / "half.mp3").write_bytes(data[: len(data) // 2])
    code, _, _ = run("scan", tmp_path / "half.mp3", "--frames", tmp_path / "f.csv")
    assert code == 0
    last = (tmp_path / "f.csv").read_text().splitlines()[-1]
    assert float(last.split(",")[0]) == pytest.approx(4.0, abs=0.3)


def test_nan_and_infinity_are_counted_and_taken_as_silence(run, tmp_path):
    """They never reach a result."""
    samples = at_level(music(4.0, 44_100, seed=3), -20)
    samples[1000:2000] = np.nan
    samples[3000] = np.inf
    soundfile.write(tmp_path / "bad.wav", samples, 44_100, subtype="FLOAT")
    code, _, err = run("scan", tmp_path / "bad.wav", "--frames", tmp_path / "f.csv")
    assert code == 0
    assert "1001 samples were NaN or infinite" in err
    rows = np.genfromtxt(tmp_path / "f.csv", delimiter=",", skip_header=1)
    assert np.isfinite(rows).all()


@pytest.mark.parametrize(("rate", "channels"), [(8_000, 1), (192_000, 1), (48_000, 8)])
def test_every_rate_and_channel_count_is_heard(run, tmp_path, rate, channels):
    """The frames lie on the same times whatever the format."""
    samples = music(3.0, rate, seed=4)
    soundfile.write(tmp_path / "a.wav", np.stack([samples] * channels, axis=1), rate)
    code, _, _ = run("scan", tmp_path / "a.wav", "--frames", tmp_path / "f.csv")
    assert code == 0
    time_s = np.genfromtxt(tmp_path / "f.csv", delimiter=",", skip_header=1)[:, 0]
    assert time_s[-1] == pytest.approx(3.0, abs=0.05)


def test_a_channel_that_is_not_there_is_a_usage_error(run, wav):
    """The message says how many there are."""
    code, _, err = run("scan", wav, "--channel", "2")
    assert code == 2
    assert "from 1 to 1, got 2" in one_line(err)


def test_an_unknown_device_is_69(run):
    """Also where there is no device at all, or no PortAudio."""
    code, _, err = run("log", "no such microphone")
    assert code == 69
    one_line(err)


def test_without_portaudio_devices_are_69_and_files_still_work(tmp_path, wav):
    """The message names the package; the rest of the program does not need it."""
    hide = tmp_path / "sitecustomize.py"
    hide.write_text(
        "import sys\n"
        "class Hide:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'sounddevice':\n"
        "            raise OSError('PortAudio library not found')\n"
        "sys.meta_path.insert(0, Hide())\n"
    )
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    program = [sys.executable, "-m", "streamseg"]
    result = subprocess.run([*program, "devices"], env=environment, capture_output=True, text=True)
    assert result.returncode == 69
    assert "libportaudio2" in one_line(result.stderr)
    result = subprocess.run([*program, "scan", str(wav)], env=environment, capture_output=True)
    assert result.returncode == 0


def test_an_unknown_setting_is_78(run, tmp_path, wav):
    """The message names file and key."""
    (tmp_path / "s.toml").write_text("[decisions]\nonn = 0.5\n")
    code, _, err = run("scan", wav, "--config", tmp_path / "s.toml")
    assert code == 78
    assert "decisions.onn" in one_line(err)


def test_an_unknown_model_is_78(run, wav):
    """The message lists the models."""
    code, _, err = run("scan", wav, "-m", "oracle")
    assert code == 78
    assert "activity" in one_line(err)


def test_a_damaged_network_is_78(run, wav, tmp_path, monkeypatch):
    """A flipped byte is found by its hash, before anything is judged with it."""
    from streamseg.resources import models_dir

    for path in models_dir().iterdir():
        data = bytearray(path.read_bytes())
        if path.suffix == ".onnx":
            data[len(data) // 2] ^= 1
        (tmp_path / path.name).write_bytes(data)
    monkeypatch.setattr("streamseg.models.models_dir", lambda: tmp_path)
    code, _, err = run("scan", wav)
    assert code == 78
    assert "sha256" in one_line(err)
    assert run("models", "--verify")[0] == 78


# What comes out


def test_a_log_that_cannot_be_written_is_74(run, wav, tmp_path):
    """Before anything is heard."""
    code, _, err = run("log", wav, "-o", tmp_path / "no" / "folder" / "log.jsonl")
    assert code == 74
    assert "log.jsonl" in one_line(err)


def test_an_output_that_cannot_be_written_is_74(run, wav, tmp_path):
    """For segments and for frames."""
    target = tmp_path / "no" / "folder" / "x.csv"
    assert run("scan", wav, "-o", target)[0] == 74
    assert run("scan", wav, "--frames", target)[0] == 74


def test_an_unknown_format_is_a_usage_error(run, wav):
    """The message lists the formats."""
    code, _, err = run("scan", wav, "--format", "xml")
    assert code == 2
    assert "csv, jsonl, audacity, rttm, textgrid" in one_line(err)


def test_several_files_need_a_folder(run, wav):
    """Their rows have no column for the file."""
    code, _, err = run("scan", wav, wav)
    assert code == 2
    assert "-o FOLDER" in one_line(err)


def test_two_results_never_share_a_place(run, wav, tmp_path):
    """Files of one name from two folders are not silently overwritten."""
    code, _, err = run("scan", wav, wav, "-o", tmp_path / "out")
    assert code == 2
    assert "two results would go to" in one_line(err)


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_bad_file_does_not_stop_the_others(run, wav, tmp_path, jobs):
    """The good ones are written, the bad one is named, the exit code says that one failed."""
    bad = tmp_path / "bad.wav"
    bad.write_text("no sound")
    out = tmp_path / "out"
    code, _, err = run("scan", bad, wav, demo_dir() / "demo.opus", "-o", out, "-j", jobs)
    assert code == 66
    assert "bad.wav" in err
    assert sorted(path.name for path in out.iterdir()) == ["demo.csv", "music.csv"]


def test_all_formats_at_once(run, wav, tmp_path):
    """One file each, named by its format."""
    formats = "csv,jsonl,audacity,rttm,textgrid"
    assert run("scan", wav, "--format", formats, "-o", tmp_path / "out")[0] == 0
    names = sorted(path.suffix for path in (tmp_path / "out").iterdir())
    assert names == [".TextGrid", ".csv", ".jsonl", ".rttm", ".txt"]


def test_raw_pcm_on_standard_input_is_the_file(tmp_path):
    """The same samples through a pipe give the same frames."""
    samples = (at_level(music(3.0, 16_000, seed=5), -20) * 32767).astype("<i2")
    soundfile.write(tmp_path / "a.wav", samples, 16_000, subtype="PCM_16")
    program = [sys.executable, "-m", "streamseg", "scan"]
    piped = [*program, "-", "-r", "16000", "--frames", str(tmp_path / "pipe.csv")]
    subprocess.run(piped, input=samples.tobytes(), check=True, capture_output=True)
    filed = [*program, str(tmp_path / "a.wav"), "--frames", str(tmp_path / "file.csv")]
    subprocess.run(filed, check=True, capture_output=True)
    assert (tmp_path / "pipe.csv").read_text() == (tmp_path / "file.csv").read_text()


def test_raw_pcm_needs_its_rate(run):
    """There is no header to read it from."""
    code, _, err = run("scan", "-")
    assert code == 2
    assert "-r RATE" in one_line(err)


# What is heard


def test_log_and_scan_say_the_same(run, tmp_path):
    """The live engine on threads and the offline one on none find the same segments."""
    scenes = [Scene("speech", 6), Scene("silence", 3), Scene("music", 8), Scene("noise", 6)]
    made = programme(scenes, 44_100, seed=6)
    soundfile.write(tmp_path / "p.wav", made.samples, 44_100)
    code, out, _ = run("scan", tmp_path / "p.wav")
    assert code == 0
    scanned = [
        (row["label"], float(row["start_s"]), float(row["end_s"]))
        for row in csv.DictReader(io.StringIO(out))
    ]
    code, out, _ = run("log", tmp_path / "p.wav")
    assert code == 0
    events = [json.loads(line) for line in out.splitlines()]
    logged = [
        (event["label"], event["sample"] / 44_100 - event["duration_s"], event["sample"] / 44_100)
        for event in events
        if event["event"] == "segment_close"
    ]
    assert len(logged) == len(scanned) >= 3
    for one, other in zip(sorted(scanned), sorted(logged), strict=True):
        assert one[0] == other[0]
        assert one[1:] == pytest.approx(other[1:], abs=0.002)


def test_every_event_has_the_keys_of_the_schema(run):
    """And a segment closes where and as it was opened."""
    code, out, _ = run("log", demo_dir() / "demo.opus")
    assert code == 0
    events = [json.loads(line) for line in out.splitlines()]
    for event in events:
        assert list(event)[:6] == ["schema", "event", "source", "time", "sample", "rate_hz"]
    kinds = [event["event"] for event in events]
    assert kinds[0] == "started"
    assert kinds[-1] == "stopped"
    opened = {(e["label"], e["time"]) for e in events if e["event"] == "segment_open"}
    closed = {(e["label"], e["start"]) for e in events if e["event"] == "segment_close"}
    assert opened == closed
    assert len(closed) >= 8


def test_demo_prints_both_time_lines_and_ends_well(run, tmp_path):
    """Exit 0, a lane a label for the reference and for what was heard, and the log."""
    code, out, _ = run("demo", "-o", tmp_path / "demo.jsonl")
    assert code == 0
    lanes = [line for line in out.splitlines() if line[8:17] in ("reference", "heard    ")]
    assert len(lanes) == 8
    assert (tmp_path / "demo.jsonl").read_text().count("segment_close") >= 8


def test_doctor_is_well_here(run):
    """The main job runs wherever the tests run."""
    code, out, _ = run("doctor")
    assert code == 0, out
    assert "FAILED" not in out


# Stopping


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_closes_what_is_open(tmp_path, number):
    """Exit 130 with a complete log."""
    log = tmp_path / "log.jsonl"
    program = [sys.executable, "-m", "streamseg", "log", "--realtime", "-o", str(log)]
    process = subprocess.Popen([*program, str(demo_dir() / "demo.opus")])
    try:
        deadline = time.monotonic() + WAIT_S
        while "segment_open" not in (log.read_text() if log.exists() else ""):
            assert time.monotonic() < deadline, "no segment within a minute"
            time.sleep(0.1)
        process.send_signal(number)
        process.send_signal(number)  # impatience changes nothing
        assert process.wait(WAIT_S) == 130
    finally:
        process.kill()
    events = [json.loads(line) for line in log.read_text().splitlines()]
    assert events[-1]["event"] == "stopped"
    opened = [event["event"] for event in events].count("segment_open")
    assert [event["event"] for event in events].count("segment_close") == opened
