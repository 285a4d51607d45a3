"""Reading the truth, and the errors when it is not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from streamseg.errors import NoSuchInputError
from streamseg.evaluation.truth import (
    Clip,
    Truth,
    corpus_folder,
    read_clips,
    read_programmes,
    read_truth,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One programme."""
    (tmp_path / "index.csv").write_text("name,condition,duration_s,segments\np,hum,9.5,2\n")
    (tmp_path / "p.csv").write_text(
        "start_s,end_s,label,level_db\n0.5,2,speech,3.5\n2,4,silence,99\n"
    )
    (tmp_path / "p.opus").write_bytes(b"")
    return tmp_path


def test_programmes_are_read(folder: Path) -> None:
    """Name, condition, length, sound and layers."""
    (programme,) = read_programmes(folder)
    assert (programme.name, programme.condition, programme.duration_s) == ("p", "hum", 9.5)
    assert programme.audio == folder / "p.opus"
    assert programme.truth == (Truth(0.5, 2, "speech", 3.5), Truth(2, 4, "silence", 99))


def test_a_truth_without_levels_is_read(tmp_path: Path) -> None:
    """Every layer sounds alone then."""
    path = tmp_path / "t.csv"
    path.write_text("start_s,end_s,label\n0,1,music\n")
    assert list(read_truth(path)) == [Truth(0, 1, "music", 99)]


def test_clips_of_one_split_are_read(tmp_path: Path) -> None:
    """Other splits are not touched."""
    (tmp_path / "manifest.csv").write_text(
        "path,split,class\na.opus,eval,music\nb.opus,train,noise\n"
    )
    assert read_clips(tmp_path) == [Clip(tmp_path / "a.opus", "music")]
    with pytest.raises(NoSuchInputError, match="expected clips of split 'other'"):
        read_clips(tmp_path, "other")


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("index.csv", None, r"expected a table at .*index\.csv: No such file"),
        ("index.csv", "name,duration_s\n", "missing condition; correct its first line"),
        ("index.csv", "name,condition,duration_s\n", "expected programmes in .*, found none"),
        ("index.csv", "name,condition,duration_s\nq,hum,1\n", "expected the sound of q in"),
        ("index.csv", "name,condition,duration_s\np,hum,long\n", "expected a number .* got 'long'"),
        ("p.csv", "start_s,end_s,label\n0,1,jazz\n", "expected a label of music, .* got 'jazz'"),
        ("p.csv", None, r"expected a table at .*p\.csv"),
    ],
)
def test_what_is_missing_or_wrong_is_named(
    folder: Path, name: str, content: str | None, complaint: str
) -> None:
    """One clear error with exit code 66."""
    if content is None:
        (folder / name).unlink()
    else:
        (folder / name).write_text(content)
    with pytest.raises(NoSuchInputError, match=complaint):
        read_programmes(folder)


def test_the_corpus_is_an_argument_or_a_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The argument wins; without both the error names the variable."""
    (tmp_path / "programmes").mkdir()
    monkeypatch.setenv("STREAMSEG_CORPUS", str(tmp_path))
    assert corpus_folder(None, "programmes") == tmp_path / "programmes"
    assert corpus_folder(tmp_path, "programmes") == tmp_path
    with pytest.raises(NoSuchInputError, match="no such folder"):
        corpus_folder(tmp_path / "none")
    monkeypatch.delenv("STREAMSEG_CORPUS")
    with pytest.raises(NoSuchInputError, match="as argument or in STREAMSEG_CORPUS, got neither"):
        corpus_folder(None)
