"""Facts about the journal of a scan: what a kill costs, and whom it refuses."""

import json
import sys

import pytest

from streamseg.archive.journal import Entry, Journal, Row, Stamp, entry_of
from streamseg.errors import CannotWriteError, UsageError
from streamseg.messages import Segment
from streamseg.sinks.formats import Report

SCAN = {"model": "activity", "channel": "mean"}
ROW = Row(0.0, 1.5, "music", 0.9, 0.95, -20.0)


def entry(file="/a.wav", time=1, **changes):
    """An entry of a file that was scanned."""
    values = {"rate_hz": 8000, "duration_s": 1.5, "rows": (ROW,), **changes}
    return Entry(file, Stamp(100, time), **values)


@pytest.fixture
def path(tmp_path):
    """Where the journal lies."""
    return tmp_path / "out.csv.journal"


def filled(path, *entries):
    """A journal with these entries, closed."""
    journal = Journal(path, SCAN)
    for item in entries:
        journal.add(item)
    journal.close()


def test_what_was_written_is_read_again(path):
    """Entries come back whole, by the names of their files, whatever order they came in."""
    entries = [entry("/b.wav"), entry("/a.wav", rows=()), entry("/\udce9.wav", warning="damaged")]
    filled(path, *entries)
    journal = Journal(path, SCAN)
    assert list(journal.entries()) == sorted(entries, key=lambda item: item.file)
    assert len(journal) == 3
    journal.close()


def test_a_file_is_done_while_it_is_the_same(path):
    """Another size or time is another recording; what failed, or never came, is not done."""
    filled(path, entry("/a.wav"), entry("/bad.wav", error="no sound"))
    journal = Journal(path, SCAN)
    assert journal.done("/a.wav", Stamp(100, 1))
    assert not journal.done("/a.wav", Stamp(100, 2))
    assert not journal.done("/a.wav", Stamp(101, 1))
    assert not journal.done("/bad.wav", Stamp(100, 1))
    assert not journal.done("/new.wav", Stamp(100, 1))
    journal.close()


def test_the_last_line_about_a_file_counts(path):
    """A file that failed and then did not, and one that changed, have one entry."""
    filled(path, entry(error="no sound", rows=()), entry(), entry(time=2, duration_s=9.0))
    journal = Journal(path, SCAN)
    assert [item.duration_s for item in journal.entries()] == [9.0]
    journal.close()


def test_a_kill_at_any_byte_costs_the_last_file_at_most(path, tmp_path):
    """Cut anywhere, the journal opens, has what was whole, and takes more."""
    filled(path, entry("/a.wav"), entry("/b.wav"))
    data = path.read_bytes()
    whole = [0, *(number + 1 for number, byte in enumerate(data) if byte == ord("\n"))]
    for cut in range(len(data) + 1):
        path.write_bytes(data[:cut])
        journal = Journal(path, SCAN)
        before = max(0, sum(end <= cut for end in whole) - 2)  # without the first line
        assert len(journal) == before
        journal.add(entry("/c.wav"))
        expected = [*["/a.wav", "/b.wav"][:before], "/c.wav"]
        assert [item.file for item in journal.entries()] == expected
        journal.close()


def test_a_damaged_line_is_a_file_to_scan_again(path):
    """The others stay."""
    filled(path, entry("/a.wav"), entry("/b.wav"))
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(
        lines[0] + lines[1][:20] + b"\0\0" + lines[1][22:].replace(b"[", b"!") + lines[2]
    )
    journal = Journal(path, SCAN)
    assert [item.file for item in journal.entries()] == ["/b.wav"]
    journal.close()


def test_other_settings_are_refused_by_name(path):
    """One data set is of one network and one set of decisions."""
    filled(path, entry())
    with pytest.raises(UsageError, match="got another channel, model"):
        Journal(path, {"model": "frame_conv", "channel": "1"})
    assert b"/a.wav" in path.read_bytes()


@pytest.mark.parametrize("data", [b"a,b\n1,2\n", b'{"event":"started"}\n', b"no line end"])
def test_what_is_no_journal_is_left_alone(path, data):
    """A name that is taken by something else."""
    path.write_bytes(data)
    with pytest.raises(CannotWriteError, match="got something else"):
        Journal(path, SCAN)
    assert path.read_bytes() == data


def test_a_later_schema_is_refused(path):
    """It may mean something else by the same words."""
    path.write_text(json.dumps({"schema": 2, "scan": SCAN}) + "\n")
    with pytest.raises(UsageError, match="expected a journal of schema 1, got 2"):
        Journal(path, SCAN)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no lock of this kind")
def test_two_scans_never_write_one_journal(path):
    """The second one is told; the first one goes on."""
    first = Journal(path, SCAN)
    with pytest.raises(CannotWriteError, match="expected to be the only scan"):
        Journal(path, SCAN)
    first.add(entry())
    first.close()
    Journal(path, SCAN).close()


def test_an_entry_is_rounded_as_the_other_outputs_are():
    """Milliseconds, four decimals of a score, a tenth of a dB; sorted by start."""
    segments = (
        Segment("speech", 1000, 2000, 0.98765, 0.999999, -20.06),
        Segment("music", 0, 1001, 0.5, 0.5, -10.0),
    )
    made = entry_of("/a.wav", Stamp(1, 1), Report("a.wav", 3000, 2 / 3, segments), "")
    assert made.rows[0] == Row(0.0, 0.334, "music", 0.5, 0.5, -10.0)
    assert made.rows[1] == Row(0.333, 0.667, "speech", 0.9877, 1.0, -20.1)
    assert made.duration_s == 0.667
