"""Facts about pieces whose stems are known."""

import csv
from pathlib import Path

import numpy as np
import pytest

from streamseg.training import band, band_data, melodies
from streamseg.training.band import STEMS, Band, Sheet
from streamseg.training.data import fraction_of
from streamseg.training.melodies import Played, midi_file
from streamseg.training.scores import DRUMS, Score

PLAYED = [Played(0.5 * i, 0.5 * i + 0.4, 60 + i % 5, 90) for i in range(100)]
LOW = [Played(1.0 * i, 1.0 * i + 0.9, 40, 90) for i in range(50)]


def test_drums_and_bass_are_told_by_channel_and_program():
    """Channel 10 is drums, a bass program is bass, effects are nobody's."""
    score = Score({(DRUMS, 0): PLAYED, (1, 33): LOW, (2, 0): PLAYED, (3, 122): PLAYED})
    roles = band.roles(score)
    assert {stem: list(parts) for stem, parts in roles.items()} == {
        "drums": [(DRUMS, 0)],
        "bass": [(1, 33)],
        "other": [(2, 0)],
    }


def test_without_a_bass_program_the_lowest_part_is_bass_if_it_lies_low():
    """Four voices of a chorale: the lowest one is played as bass; two high parts leave it out."""
    assert list(band.roles(Score({(0, 0): PLAYED, (1, 0): LOW}))["bass"]) == [(1, 0)]
    assert "bass" not in band.roles(Score({(0, 0): PLAYED, (1, 0): PLAYED}))


def test_stems_of_an_excerpt_stay_in_step(tmp_path):
    """The same notes as drums and as other begin at the same moments in both files."""
    from streamseg.training.scores import read_score

    score = Score({(DRUMS, 0): PLAYED, (2, 0): PLAYED})
    files = band.arranged(np.random.default_rng(3), score, 10.0)
    begins = {}
    for stem, data in files.items():
        path = tmp_path / f"{stem}.mid"
        path.write_bytes(data)
        (notes,) = read_score(path).parts.values()
        begins[stem] = sorted(note.start_s for note in notes)
        assert max(note.end_s for note in notes) <= 10.0 + 0.01
    assert begins["drums"] == pytest.approx(begins["other"])
    assert len(begins["drums"]) >= 10


def test_a_piece_has_four_stems_of_24_s_and_its_sum_never_clips(banks: Path):
    """Drum machines and synthesisers by rule, and a voice from a bank of generated sounds."""
    made = band_data.open_band(banks, None, "fit")
    random = np.random.default_rng(0)
    pieces = [made.piece(random) for _ in range(4)]
    for piece in pieces:
        assert piece.stems.shape == (len(STEMS), band.COUNT)
        assert np.abs(piece.stems.sum(axis=0)).max() <= 0.7 + 1e-6
        assert piece.origins[0] == "generated"
        assert band.loudness(piece.stems.sum(axis=0)) > 1e-3
    assert any(piece.stems[STEMS.index("vocals")].any() for piece in pieces)


@pytest.mark.skipif(not melodies.available(), reason="needs FluidSynth and fluid-soundfont-gm")
def test_a_score_is_played_stem_by_stem(tmp_path):
    """What FluidSynth plays of a score with drums and bass: all three stems sound, no voice."""
    path = tmp_path / "score.mid"
    path.write_bytes(midi_file([(DRUMS, 0, PLAYED), (1, 33, LOW), (2, 0, PLAYED)]))
    piece = Band((Sheet("a", path),), ())._score(np.random.default_rng(1))
    stems = band.mixed(np.random.default_rng(2), piece[0])
    sounding = [bool(stem.any()) for stem in stems]
    assert sounding == [True, True, True, False]
    assert piece[1] == ["a:score.mid"]


def test_the_level_of_a_stem_is_that_of_where_it_sounds():
    """A second of tone in a minute of silence is as loud as the tone alone, to half a frame."""
    tone = np.sin(np.arange(band.STEM_RATE_HZ) * 0.1).astype(np.float32)
    padded = np.concatenate((tone, np.zeros(59 * band.STEM_RATE_HZ, np.float32)))
    assert band.loudness(padded) == pytest.approx(band.loudness(tone), rel=0.03)
    assert band.loudness(np.zeros(44_100, np.float32)) < 1e-6


def test_shards_come_from_their_number_alone_and_go_on_where_they_stopped(
    banks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The second render gives the same samples; what is there is not made again."""
    monkeypatch.setattr(band_data, "PER_SHARD", 2)
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        band_data.render_shard(banks, None, tmp_path / folder, "fit", 5, 3)
    one, two = (band_data.read_pieces(tmp_path / folder)[0] for folder in ("a", "b"))
    np.testing.assert_array_equal(one, two)
    assert len(band_data.read_origins(tmp_path / "a")) == 2
    written = (tmp_path / "a" / "pieces003.npy").stat().st_mtime_ns
    band_data.render_shard(banks, None, tmp_path / "a", "fit", 5, 3)
    assert (tmp_path / "a" / "pieces003.npy").stat().st_mtime_ns == written


def test_no_piece_is_no_stock(tmp_path: Path):
    """The error says where pieces were expected."""
    with pytest.raises(FileNotFoundError, match="expected rendered pieces in"):
        band_data.read_pieces(tmp_path)


def write_manifest(corpus: Path, paths: list[tuple[str, str]]) -> None:
    """A MIDI manifest with these paths and repositories."""
    (corpus / "midi").mkdir(parents=True)
    with (corpus / "midi" / "manifest.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "source_repo"])
        writer.writerows(paths)


def test_the_shares_of_midi_files_are_disjoint_and_whole(tmp_path: Path):
    """Every file is in exactly one share, all of the test repository in "test"."""
    paths = [(f"midi/a/{index}.mid", "some/songs") for index in range(60)]
    paths += [(f"midi/b/{index}.mid", band_data.TEST_REPO) for index in range(9)]
    write_manifest(tmp_path, paths)
    shares = {
        share: {
            str(sheet.path.relative_to(tmp_path)) for sheet in band_data.midi_of(tmp_path, share)
        }
        for share in ("fit", "validation", "test")
    }
    assert sum(len(found) for found in shares.values()) == len(paths)
    assert set.union(*shares.values()) == {path for path, _ in paths}
    assert shares["test"] == {path for path, repo in paths if repo == band_data.TEST_REPO}
    assert shares["validation"] == {
        path for path, repo in paths if repo == "some/songs" and fraction_of(path) < 0.12
    }
