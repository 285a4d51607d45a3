"""Facts about the tables of a scan."""

import csv

import pytest

from streamseg.archive import data_set
from streamseg.archive.journal import Entry, Row, Stamp
from streamseg.errors import CannotWriteError, UsageError

ENTRIES = [
    Entry(
        "/a.wav",
        Stamp(100, 1),
        8000,
        3.0,
        rows=(Row(0.0, 1.5, "music", 0.9, 0.95, -20.0), Row(1.5, 3.0, "silence", 1.0, 1.0, -80.0)),
    ),
    Entry("/bad.wav", Stamp(5, 1), error='expected sound, got "none"'),
    Entry("/d\udce9.wav", Stamp(7, 1), 44100, 0.25, warning="damaged"),
]


def read(path):
    """The rows of a CSV."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_csv_has_a_row_a_segment_and_a_row_a_file(tmp_path):
    """Files that failed or hold nothing stand in the table of files only."""
    out = tmp_path / "all.csv"
    data_set.write(out, ENTRIES, {})
    assert out.read_text().splitlines()[:2] == [
        "file,start_s,end_s,label,score,score_peak,level_dbfs",
        "/a.wav,0.000,1.500,music,0.9000,0.9500,-20.0",
    ]
    assert [row["label"] for row in read(out)] == ["music", "silence"]
    files = read(tmp_path / "all.files.csv")
    assert [row["segments"] for row in files] == ["2", "0", "0"]
    assert files[1]["error"] == 'expected sound, got "none"'
    assert files[2]["file"] == "/d\\udce9.wav"
    assert files[2]["warning"] == "damaged"


def test_parquet_says_the_same_as_csv(tmp_path, monkeypatch):
    """Also over several row groups; the metadata says what it was made with."""
    parquet = pytest.importorskip("pyarrow.parquet", reason="the extra `archive` is not installed")
    monkeypatch.setattr(data_set, "_CHUNK", 1)
    data_set.write(tmp_path / "all.csv", ENTRIES, {})
    data_set.write(tmp_path / "all.parquet", ENTRIES, {"model": "activity"})
    for name in ("all", "all.files"):
        table = parquet.read_table(tmp_path / f"{name}.parquet")
        rows = read(tmp_path / f"{name}.csv")
        assert table.num_rows == len(rows) > 1
        assert table.column_names == list(rows[0])
        for one, other in zip(table.to_pylist(), rows, strict=True):
            for column, cell in one.items():
                text = other[column]
                assert cell == (text if isinstance(cell, str) else pytest.approx(float(text)))
        assert table.schema.metadata[b"streamseg.model"] == b"activity"


@pytest.mark.parametrize("suffix", data_set.SUFFIXES)
def test_half_a_table_is_never_seen(tmp_path, suffix):
    """When the writing breaks off, the tables of before are there, and nothing else."""
    if suffix == ".parquet":
        pytest.importorskip("pyarrow", reason="the extra `archive` is not installed")
    out = tmp_path / f"all{suffix}"
    data_set.write(out, ENTRIES, {})
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def broken():
        yield ENTRIES[0]
        raise OSError(5, "Input/output error")

    with pytest.raises(CannotWriteError, match="Input/output error"):
        data_set.write(out, broken(), {})
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_without_pyarrow_the_remedy_is_named(tmp_path, monkeypatch):
    """Before an hour of scanning, not after it; CSV needs nothing."""
    monkeypatch.setattr(data_set, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"streamseg\[archive\]"):
        data_set.check(tmp_path / "all.parquet")
    data_set.check(tmp_path / "all.csv")
