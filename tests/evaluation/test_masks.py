"""Facts about the evaluation of masks, on made sounds and a network that hears nothing but level.

That network (``tiny_mask_network.write_level``) calls a window music the more surely the louder its
loudest pixel is: tones reach higher than noise of the same level.
"""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from tiny_mask_network import write_level

from streamseg.errors import NoSuchInputError
from streamseg.evaluation import masks
from streamseg.evaluation.excerpts import LEVEL, SECONDS, ExcerptSet, excerpt_sets
from streamseg.evaluation.mask_ear import MaskEar

soundfile = pytest.importorskip("soundfile", reason="reading clips needs the extra 'train'")

RATE_HZ = 44_100


def chord(seconds: float) -> np.ndarray:
    """Three tones, one in every fourth frequency unit: each window of the map holds one."""
    time_s = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    hz = (np.array([3, 7, 11]) * 16 + 8) * RATE_HZ / 512
    return np.sin(2 * np.pi * hz[:, None] * time_s).sum(axis=0)


def hiss(seconds: float, seed: int) -> np.ndarray:
    """White noise."""
    return np.random.default_rng(seed).standard_normal(int(seconds * RATE_HZ))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six clips: long tones as music, short noises as noise and as speech."""
    folder = tmp_path_factory.mktemp("corpus")
    rows = []
    for index in range(2):
        for label, sound in (
            ("music", chord(6.0 + index)),
            ("speech", hiss(1.5, index)),
            ("noise", hiss(2.5, 10 + index)),
        ):
            name = f"{label}{index}.wav"
            soundfile.write(folder / name, 0.2 * sound / np.abs(sound).max(), RATE_HZ)
            kind = "street_traffic:city" if index else "animal_nature:crow"
            rows.append({"path": name, "split": "eval", "class": label, "detail": kind})
    with (folder / "manifest.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["path", "split", "class", "detail"])
        writer.writeheader()
        writer.writerows(rows)
    return folder


@pytest.fixture(scope="module")
def ear(tmp_path_factory: pytest.TempPathFactory) -> MaskEar:
    """The network that hears level."""
    return MaskEar(folder=write_level(tmp_path_factory.mktemp("models")))


@pytest.fixture(scope="module")
def score(corpus: Path, ear: MaskEar) -> masks.MaskScore:
    """Everything measured on four sets."""
    return masks.evaluate(excerpt_sets(corpus, 4), ear)


def test_excerpts_have_one_length_and_one_level(corpus: Path) -> None:
    """Short clips are filled up from others; every class of every set lies at -26 dBFS."""
    sets = list(excerpt_sets(corpus, 4))
    assert [one.parts.shape for one in sets] == [(3, int(SECONDS * RATE_HZ))] * 4
    levels = [np.sqrt((one.parts**2).mean(axis=1)) for one in sets]
    np.testing.assert_allclose(levels, LEVEL, rtol=1e-4)
    assert sorted(one.place for one in sets) == [False, False, True, True]


def test_the_same_seed_gives_the_same_excerpts(corpus: Path) -> None:
    """Two runs compare networks, not draws; another seed is another draw."""
    first, again = (next(excerpt_sets(corpus, 1, seed=3)).parts for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(next(excerpt_sets(corpus, 1, seed=4)).parts - first).max() > 0.01


def test_a_folder_without_a_class_says_which(tmp_path: Path) -> None:
    """A manifest without speech in the split is an error that names the class."""
    (tmp_path / "manifest.csv").write_text("path,split,class,detail\na.wav,eval,music,x\n")
    with pytest.raises(NoSuchInputError, match="expected speech clips of split 'eval'"):
        list(excerpt_sets(tmp_path, 1))
    with pytest.raises(NoSuchInputError, match="name the folder"):
        list(excerpt_sets(tmp_path / "absent", 1))


def test_the_ratio_is_that_of_the_excerpt(corpus: Path) -> None:
    """A gain of -10 dB puts music 10 dB under the noise, and leaves the noise as it is."""
    one = next(excerpt_sets(corpus, 1))
    rest = one.mixed({"music": -10.0, "noise": 0.0}) - one.gained("noise")
    ratio_db = 10 * np.log10((rest**2).mean() / (one.gained("noise") ** 2).mean())
    assert ratio_db == pytest.approx(-10, abs=0.01)


def test_windows_and_units_lie_where_their_sound_is(ear: MaskEar) -> None:
    """A loud second half: windows inside it are music, those before it are not."""
    loud = chord(2.0) * (np.arange(2 * RATE_HZ) > RATE_HZ) * 0.02 + 1e-4 * hiss(2.0, 1)
    drawn = ear.hear(loud.astype(np.float32))
    steps = len(drawn.windows)
    assert drawn.windows.shape == (steps, 9, 3)
    assert drawn.mask.prob.shape == (3, 12, steps + 15)
    begins_s = np.arange(steps) * 16 * 128 / RATE_HZ
    music = drawn.windows[:, 4, 0] > 0.5  # a pixel above 0 dB
    ends_s = begins_s + (255 * 128 + 512) / RATE_HZ
    assert not music[ends_s < 0.99].any()
    assert music[ends_s > 1.02].all()
    power = ear.unit_power(loud.astype(np.float32))
    assert power.shape == (steps + 15, 12)
    unit_s = np.arange(len(power)) * 16 * 128 / RATE_HZ
    assert power[unit_s > 1.0][:, [3, 7, 11]].min() > 1e3 * power[unit_s < 0.9].max()
    whole = ear.window_power(power)
    assert whole.shape == (steps, 9)
    np.testing.assert_allclose(whole[3, 2], power[3:19, 2:6].mean(), rtol=1e-5)


def test_the_area_falls_with_the_ratio(score: masks.MaskScore) -> None:
    """Tones over noise are told surely, tones under it are not: level alone cannot tell them."""
    scores = score.scores
    assert scores.auc("windows", masks.CLEAN) == 1.0
    assert scores.auc("units", masks.CLEAN) == 1.0
    assert scores.auc("windows", "0") > 0.99
    assert 0.4 < scores.auc("windows", "-20") < 0.7
    assert score.sets == 4
    assert score.sets_of_places == 2


def test_the_ratio_inside_a_window_is_counted_by_itself(score: masks.MaskScore) -> None:
    """Tones and noise fill all windows alike: by either reading the windows are the same."""
    inside, whole = (np.concatenate(score.scores.windows[key]).size for key in ("inside 0", "0"))
    assert 0.5 * whole < inside <= whole


def test_silent_windows_are_left_out(ear: MaskEar) -> None:
    """A positive counts only where its music sounds."""
    music = (chord(4.0) * (np.arange(4 * RATE_HZ) < RATE_HZ) * 0.02).astype(np.float32)
    noise = (0.05 * hiss(4.0, 3)).astype(np.float32)
    found = masks.evaluate([ExcerptSet(np.stack([music, noise, noise]), place=False)], ear)
    asked = np.concatenate(found.scores.windows[masks.CLEAN]).size / 9
    steps_s = 16 * 128 / RATE_HZ
    assert asked == pytest.approx(1.0 / steps_s, abs=2)  # windows that begin in the first second


def test_si_sdr_is_that_of_its_definition() -> None:
    """A tenth of the power in an orthogonal disturbance is 10 dB, at any gain."""
    time_s = np.arange(4410) / 4410
    tone, other = np.sin(2 * np.pi * 5 * time_s), np.sin(2 * np.pi * 7 * time_s)
    assert masks.si_sdr_db(tone + np.sqrt(0.1) * other, tone) == pytest.approx(10, abs=0.01)
    assert masks.si_sdr_db(0.3 * (tone + np.sqrt(0.1) * other), tone) == pytest.approx(10, abs=0.01)


def test_the_command_prints_and_writes_every_figure(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ear: MaskEar
) -> None:
    """``masks`` is one command from the corpus to tables and JSON."""
    from streamseg.evaluation import __main__ as command
    from streamseg.evaluation import mask_ear

    monkeypatch.setattr(mask_ear, "MaskEar", lambda: ear)
    out = tmp_path / "masks.json"
    result = CliRunner().invoke(
        command.main, ["masks", str(corpus), "--sets", "2", "--json", str(out)]
    )
    assert result.exit_code == 0, result.output
    assert "AUC of music against noise" in result.output
    record = json.loads(out.read_text())
    assert record["auc_music_against_noise"]["single windows"]["clean"] == 1.0
    assert set(record["si_sdr_improvement_db"]) == {
        "music in noise", "speech in noise", "speech in music"
    }  # fmt: skip
    assert record["sets"] == 2
