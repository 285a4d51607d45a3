"""What singing is taken for."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("soundfile", reason="evaluation of made sounds needs the extra 'evaluate'")

import soundfile

from streamseg.evaluation import singing
from streamseg.evaluation.analyser import Heard
from streamseg.messages import Float32Array
from streamseg.training.data import RATE_HZ


@pytest.fixture
def tiny_corpus(tmp_path: Path) -> Path:
    """Two music clips, one noise clip, and one voice that sings from 1 to 3 of 4 s."""
    random = np.random.default_rng(0)
    rows = ["path,split,class,vocals"]
    for name, label, vocals in (("i", "music", "no"), ("v", "music", "yes"), ("n", "noise", "")):
        soundfile.write(tmp_path / f"{name}.wav", random.normal(0, 0.1, RATE_HZ), RATE_HZ)
        rows.append(f"{name}.wav,eval,{label},{vocals}")
    rows.append("gone.wav,train,music,yes")
    (tmp_path / "manifest.csv").write_text("\n".join(rows))
    voice = np.zeros(4 * RATE_HZ)
    voice[RATE_HZ : 3 * RATE_HZ] = 0.3 * np.sin(np.arange(2 * RATE_HZ) * 0.06)
    stems = tmp_path / "stems" / "song-01"
    stems.mkdir(parents=True)
    soundfile.write(stems / "voice.wav", voice, RATE_HZ)
    (stems.parent / "manifest.csv").write_text(
        "path,split,stem,rms_dbfs\n"
        "stems/song-01/voice.wav,eval,vocals,-20\nstems/song-01/no.wav,eval,drums,-20\n"
    )
    return tmp_path


def test_every_kind_is_made_from_the_eval_split(tiny_corpus: Path) -> None:
    """Clips by voices, and of each voice five materials at one level; train is left alone."""
    made = list(singing.materials(tiny_corpus))
    assert [material.kind for material in made] == [
        "instrumental",
        "music with voices",
        "01: solo",
        "01: solo across a room",
        "01: choir",
        "01: solo 10 dB over noise",
        "01: solo 0 dB over noise",
    ]
    for material in made:
        assert np.sqrt(np.mean(material.samples**2)) == pytest.approx(0.06, rel=1e-3)


def test_only_where_the_voice_sounds_is_asked(tiny_corpus: Path) -> None:
    """A system that is right in the two seconds of singing alone is right throughout."""
    solo = next(m for m in singing.materials(tiny_corpus) if m.kind == "01: solo")
    time_s = (np.arange(100) + 0.5) * 0.04
    prob = np.zeros((100, 3), np.float32)
    sung = (time_s > 1) & (time_s < 3)
    prob[sung] = (0.9, 0.6, 0.1)
    prob[~sung] = (0.0, 0.9, 0.0)
    heard = Heard(time_s, prob, np.full(100, -20.0, np.float32), (), RATE_HZ)
    taken = singing.taken_for(solo, heard)
    assert taken.frames == pytest.approx(50, abs=1)
    assert taken.best.tolist() == [taken.frames, 0, 0, 0]
    assert taken.claimed.tolist() == [taken.frames, taken.frames, 0]


def test_a_system_that_hears_nothing_claims_nothing(tiny_corpus: Path) -> None:
    """Frames without any class are counted as such, for every kind."""

    def deaf(samples: Float32Array) -> Heard:
        count = len(samples) // 1764
        nothing = np.zeros((count, 3), np.float32)
        levels = np.full(count, -20.0, np.float32)
        return Heard((np.arange(count) + 0.5) * 0.04, nothing, levels, (), RATE_HZ)

    found = singing.evaluate(singing.materials(tiny_corpus), deaf)
    assert len(found) == 7
    for taken in found.values():
        assert taken.frames > 20
        assert taken.best.tolist() == [0, 0, 0, taken.frames]
    assert singing.singing_record(found)["kinds"]["01: choir"]["claimed"]["speech"] == 0
    assert singing.taken_table(found, "").row_count == 7


def test_a_choir_is_wider_than_its_voice() -> None:
    """Eight voices out of tune fill more of the spectrum than one."""
    time_s = np.arange(3 * RATE_HZ) / RATE_HZ
    voice = (0.2 * np.sin(2 * np.pi * 300 * time_s)).astype(np.float32)
    sung = singing.choir(np.random.default_rng(1), voice)
    power = np.abs(np.fft.rfft(sung * np.hanning(len(sung)))) ** 2
    close = power[3 * 295 : 3 * 305].sum() / power.sum()
    assert sung.shape == voice.shape
    assert close < 0.8
