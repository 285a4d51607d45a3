"""Each format, read back by a parser that knows nothing of its writer."""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamseg.errors import CannotWriteError, UsageError
from streamseg.messages import Segment
from streamseg.sinks.formats import FORMATS, SUFFIXES, FrameWriter, Report, parse_formats, save

REPORT = Report(
    source="/data/night show 1.opus",
    rate_hz=8000,
    duration_s=12.0,
    segments=(
        Segment("speech", 20000, 60001, 0.81239, 0.99, -20.06),
        Segment("music", 0, 96000, 0.7, 0.95, -18.0),
        Segment("speech", 4000, 12000, 0.9, 0.95, -21.0),
    ),
)


def text_of(format_name: str, report: Report = REPORT) -> str:
    """What the writer of a format writes."""
    out = io.StringIO()
    FORMATS[format_name](out, report)
    return out.getvalue()


def read_textgrid(text: str) -> dict[str, list[tuple[float, float, str]]]:
    """A small reader of Praat's long text format: tiers by name."""
    assert text.startswith('File type = "ooTextFile"\nObject class = "TextGrid"\n')
    _, *items = re.split(r"item \[\d+\]:", text)
    assert f"size = {len(items)}\n" in text
    tiers = {}
    for item in items:
        name = re.search(r'name = "(.*)"', item)
        assert name is not None
        intervals = [
            (float(low), float(high), label)
            for low, high, label in re.findall(
                r'intervals \[\d+\]:\s+xmin = (\S+)\s+xmax = (\S+)\s+text = "(.*)"', item
            )
        ]
        assert f"intervals: size = {len(intervals)}\n" in item
        tiers[name[1]] = intervals
    return tiers


def test_csv_has_the_promised_columns_and_order() -> None:
    """A header, then rows by start; rows of different labels overlap."""
    assert text_of("csv") == (
        "start_s,end_s,label,score\n"
        "0.000,12.000,music,0.7000\n"
        "0.500,1.500,speech,0.9000\n"
        "2.500,7.500,speech,0.8124\n"
    )


def test_csv_reads_back() -> None:
    """Python's own reader finds the segments."""
    rows = list(csv.DictReader(io.StringIO(text_of("csv"))))
    assert [(float(row["start_s"]), float(row["end_s"])) for row in rows] == [
        (0.0, 12.0),
        (0.5, 1.5),
        (2.5, 7.5),
    ]


def test_jsonl_reads_back() -> None:
    """One object a segment, with everything that is known of it."""
    records = [json.loads(line) for line in text_of("jsonl").splitlines()]
    assert records[2] == {
        "source": "/data/night show 1.opus",
        "label": "speech",
        "start_s": 2.5,
        "end_s": 7.5,
        "duration_s": 5.0,
        "score_mean": 0.8124,
        "score_peak": 0.99,
        "level_dbfs": -20.1,
    }
    assert [record["label"] for record in records] == ["music", "speech", "speech"]


def test_audacity_labels_are_separated_by_tabs() -> None:
    """Start, end and label in every line."""
    lines = [line.split("\t") for line in text_of("audacity").splitlines()]
    assert lines == [
        ["0.000", "12.000", "music"],
        ["0.500", "1.500", "speech"],
        ["2.500", "7.500", "speech"],
    ]


def test_rttm_has_ten_fields() -> None:
    """Also when the file's name has spaces; duration stands in the fifth field, not the end."""
    lines = [line.split() for line in text_of("rttm").splitlines()]
    assert all(len(line) == 10 for line in lines)
    assert [line for line in lines if line[0] == "SPKR-INFO"] == [
        ["SPKR-INFO", "night_show_1", "1", *["<NA>"] * 3, "unknown", label, "<NA>", "<NA>"]
        for label in ("music", "speech")
    ]
    assert lines[-1] == [
        "SPEAKER", "night_show_1", "1", "2.500", "5.000", "<NA>", "<NA>", "speech", "0.8124", "<NA>"
    ]  # fmt: skip


def test_textgrid_fills_the_gaps() -> None:
    """Each label has a tier from 0 to the end, with empty intervals where it does not sound."""
    tiers = read_textgrid(text_of("textgrid"))
    assert list(tiers) == ["music", "speech", "noise", "silence"]
    assert tiers["music"] == [(0.0, 12.0, "music")]
    assert tiers["speech"] == [
        (0.0, 0.5, ""),
        (0.5, 1.5, "speech"),
        (1.5, 2.5, ""),
        (2.5, 7.5, "speech"),
        (7.5, 12.0, ""),
    ]
    assert tiers["noise"] == [(0.0, 12.0, "")]


@given(
    edges=st.lists(st.integers(0, 100_000), max_size=12, unique=True).map(sorted),
    spare=st.integers(0, 50),
)
def test_textgrid_tiers_have_no_hole(edges: list[int], spare: int) -> None:
    """Whatever the segments, down to one sample: intervals touch, none is empty, ends fit."""
    pairs = list(zip(edges[::2], edges[1::2], strict=False))
    total = (edges[-1] if edges else 0) + spare + 50  # at least 1 ms
    segments = tuple(Segment("noise", start, end, 0.5, 0.5, -20.0) for start, end in pairs)
    report = Report("x", 44100, total / 44100, segments)
    for intervals in read_textgrid(text_of("textgrid", report)).values():
        assert intervals[0][0] == 0.0
        assert intervals[-1][1] == pytest.approx(total / 44100, abs=0.0006)
        for left, right in itertools.pairwise(intervals):
            assert left[1] == right[0]
        assert all(low < high for low, high, _ in intervals)


@pytest.mark.parametrize("format_name", FORMATS)
def test_a_file_without_segments_is_valid(format_name: str) -> None:
    """No segment gives a header at most."""
    text = text_of(format_name, Report("empty.wav", 8000, 1.0, ()))
    expected = {"csv": "start_s,end_s,label,score\n", "jsonl": "", "audacity": "", "rttm": ""}
    if format_name == "textgrid":
        assert read_textgrid(text)["music"] == [(0.0, 1.0, "")]
    else:
        assert text == expected[format_name]


@pytest.mark.parametrize("format_name", FORMATS)
def test_save_writes_what_the_writer_writes(tmp_path: Path, format_name: str) -> None:
    """Every format has a usual suffix and the same bytes in a file on every system."""
    path = tmp_path / f"report{SUFFIXES[format_name]}"
    save(path, format_name, REPORT)
    assert path.read_bytes().decode("utf-8") == text_of(format_name)


def test_an_output_that_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    """A missing folder: exit code 74."""
    with pytest.raises(CannotWriteError, match="No such file or directory; choose another") as got:
        save(tmp_path / "missing" / "x.csv", "csv", REPORT)
    assert got.value.exit_code == 74


def test_formats_are_parsed() -> None:
    """A list with commas, spaces and repetitions."""
    assert parse_formats("csv, rttm,csv") == ["csv", "rttm"]


@pytest.mark.parametrize("text", ["", "csv,mp3", ","])
def test_unknown_formats_are_refused(text: str) -> None:
    """The error names those that exist."""
    with pytest.raises(UsageError, match="out of csv, jsonl, audacity, rttm, textgrid, got"):
        parse_formats(text)


def test_frames_are_written_as_they_come() -> None:
    """One row a frame under the promised header, in two calls."""
    out = io.StringIO()
    writer = FrameWriter(out, ("music", "speech", "noise"))
    prob = np.array([[0.1, 0.25, 1.0], [0.33333, 0.0, 0.5]], np.float32)
    level_dbfs = np.array([-20.04, -120.0], np.float32)
    writer.write(np.array([0.02]), prob[:1], level_dbfs[:1])
    assert out.getvalue().endswith("\n0.020,0.1000,0.2500,1.0000,-20.0\n")
    writer.write(np.array([0.06]), prob[1:], level_dbfs[1:])
    assert out.getvalue() == (
        "time_s,music,speech,noise,level_dbfs\n"
        "0.020,0.1000,0.2500,1.0000,-20.0\n"
        "0.060,0.3333,0.0000,0.5000,-120.0\n"
    )


def test_frame_columns_do_not_depend_on_the_network() -> None:
    """A network with other classes in another order fills the columns that it knows."""
    out = io.StringIO()
    writer = FrameWriter(out, ("noise", "music"))
    writer.write(np.array([1.0]), np.array([[0.2, 0.8]], np.float32), np.array([-6.0], np.float32))
    assert out.getvalue().splitlines()[1] == "1.000,0.8000,,0.2000,-6.0"
