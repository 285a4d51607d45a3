"""Facts about ``streamseg mask``: files in, sound and map out, one clear error each."""

import io
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from signals import at_level, noise, sine
from tiny_mask_network import write_level

from streamseg.cli import main

RATE_HZ = 48_000
UNIT_S = 2048 / 44_100


@pytest.fixture(autouse=True)
def small_network(monkeypatch, tmp_path):
    """A network that calls loud windows music, and no settings of whoever runs the tests."""
    models = tmp_path / "models"
    models.mkdir()
    monkeypatch.setattr("streamseg.models.models_dir", lambda: write_level(models))
    monkeypatch.setattr("streamseg.settings.default_config_path", lambda: tmp_path / "none.toml")


@pytest.fixture
def run(capfd):
    """Run the command line in this process; returns exit code and standard error."""

    def call(*arguments):
        code = 0
        try:
            main(["mask", *(str(argument) for argument in arguments)])
        except SystemExit as stop:
            code = stop.code or 0
        return code, capfd.readouterr().err

    return call


@pytest.fixture
def stereo(tmp_path):
    """Three seconds: a low tone on the left, fainter high hiss on the right."""
    tone = sine(3.0, RATE_HZ, 300, -12)
    hiss = at_level(np.diff(noise("white", 3.0, RATE_HZ, seed=1), prepend=0), -45)
    path = tmp_path / "in.wav"
    soundfile.write(path, np.column_stack((tone, hiss)), RATE_HZ, subtype="FLOAT")
    return path


def test_what_is_kept_keeps_rate_channels_and_length(run, stereo, tmp_path):
    """The tone stays on the left as it was; the hiss on the right loses what is not music."""
    code, err = run(stereo, "--keep", "music", "-o", tmp_path / "out.wav")
    assert (code, err) == (0, "")
    before, _ = soundfile.read(stereo)
    after, rate_hz = soundfile.read(tmp_path / "out.wav")
    assert (rate_hz, after.shape) == (RATE_HZ, before.shape)
    # Its sharp beginning and end are no low tone, so the first and last frame lose something.
    np.testing.assert_allclose(after[600:-600, 0], before[600:-600, 0], atol=1e-3)
    assert np.std(after[:, 1]) < 0.3 * np.std(before[:, 1])


def test_several_classes_may_be_kept(run, stereo, tmp_path):
    """Music and noise together are everything that this network hears."""
    run(stereo, "--keep", "music", "--keep", "noise", "-o", tmp_path / "out.wav")
    before, _ = soundfile.read(stereo)
    after, _ = soundfile.read(tmp_path / "out.wav")
    np.testing.assert_allclose(after, before, atol=1e-4)


def test_the_floor_is_what_remains_of_the_rest(run, stereo, tmp_path):
    """Hiss that goes is turned down by 6 dB and no more."""
    run(stereo, "--keep", "speech", "-o", tmp_path / "out.wav", "--soft-floor-db", "-6")
    before, _ = soundfile.read(stereo)
    after, _ = soundfile.read(tmp_path / "out.wav")
    assert np.std(after) == pytest.approx(np.std(before) * 10 ** (-6 / 20), rel=0.01)


def test_the_map_has_the_keys_that_programs_rely_on(run, stereo, tmp_path):
    """``prob``, ``time_s``, ``freq_hz`` and ``classes``, in the shapes of the interface."""
    code, err = run(stereo, "--map", tmp_path / "map.npz")
    assert (code, err) == (0, "")
    with np.load(tmp_path / "map.npz") as found:
        assert sorted(found) == ["classes", "freq_hz", "prob", "time_s"]
        assert found["classes"].tolist() == ["music", "speech", "noise"]
        prob, time_s, freq_hz = found["prob"], found["time_s"], found["freq_hz"]
    assert prob.dtype == np.float32
    assert prob.shape == (3, freq_hz.size, time_s.size) == (3, 12, 65)
    assert time_s[0] == pytest.approx((256 + 7.5 * 128) / 44_100)
    assert np.diff(time_s) == pytest.approx(UNIT_S)
    assert np.diff(freq_hz) == pytest.approx(16 * 44_100 / 512)
    np.testing.assert_allclose(prob.sum(axis=0), 1, atol=1e-5)
    assert prob[0, 0].min() > 0.9, "the tone is where it sounds"
    assert prob[0, 11].max() < 0.1


def test_sound_and_map_come_of_one_reading(run, stereo, tmp_path):
    """Both may be wanted at once, and the map's name need not end with .npz."""
    code, _ = run(stereo, "--keep", "music", "-o", tmp_path / "a.wav", "--map", tmp_path / "b.map")
    assert code == 0
    assert {"a.wav", "b.map"} <= {file.name for file in tmp_path.iterdir()}
    assert not list(tmp_path.glob("*.part"))


def test_raw_pcm_comes_through_a_pipe(run, stereo, tmp_path, monkeypatch):
    """``-`` with its rate and channels, as ``scan`` takes it."""
    samples, _ = soundfile.read(stereo, dtype="int16")
    pipe = SimpleNamespace(buffer=io.BytesIO(samples.astype("<i2").tobytes()))
    monkeypatch.setattr("sys.stdin", pipe)
    out = tmp_path / "out.wav"
    code, err = run("-", "-r", RATE_HZ, "-c", 2, "--keep", "noise", "-o", out)
    assert (code, err) == (0, "")
    assert soundfile.info(out).frames == len(samples)
    assert soundfile.info(out).channels == 2


@pytest.mark.parametrize(
    ("flags", "code", "message"),
    [
        ([], 2, "expected something to write, got neither -o OUT.wav nor --map OUT.npz"),
        (["--keep", "drums", "-o", "x.wav"], 2, "got 'drums'; -m chooses another network"),
        (["-o", "x.wav"], 2, "expected --keep with one of music, speech, noise for -o, got none"),
        (["--keep", "music"], 2, "expected -o OUT.wav for what --keep leaves, got none"),
        (["--keep", "bass", "-o", "x.wav"], 2, "one of music, speech, noise, got 'bass'"),
        (["--keep", "music", "-o", "in.wav"], 2, "expected an output beside the input"),
        (["--map", "no/where.npz"], 74, "expected to write no/where.npz: No such file"),
        (["--map", "x.npz", "-m", "activity"], 78, "expected a mask model of window_mask"),
    ],
)
def test_wishes_that_make_no_sense_get_one_error(run, stereo, monkeypatch, flags, code, message):
    """The exit code and the words say what is wrong, and nothing is written."""
    monkeypatch.chdir(stereo.parent)
    before = {file.name for file in stereo.parent.iterdir()}
    got, err = run("in.wav", *flags)
    assert got == code
    assert message in err
    assert len(err.splitlines()) <= 2
    assert {file.name for file in stereo.parent.iterdir()} == before


def test_a_file_that_is_not_there_is_said(run, tmp_path):
    """Exit 66."""
    code, err = run(tmp_path / "none.wav", "--map", tmp_path / "x.npz")
    assert code == 66
    assert "none.wav" in err


def test_the_verb_needs_no_window_and_no_training_library():
    """A server has neither."""
    program = "import sys, streamseg.commands.mask; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"PyQt6", "torch", "sounddevice", "soundfile"} & set(loaded)
