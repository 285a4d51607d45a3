"""The decision trace: it comes back as it was written, stays small, and never harms the monitor."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from streamseg.messages import Score, Second, Verdict
from streamseg.settings import Settings
from streamseg.settings_alarms import AlarmSettings
from streamseg.settings_outputs import LogSettings
from streamseg.sinks.trace_file import TraceFile, older, read_trace, trace_of, trace_path

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def second(number: int, **changes: Any) -> Second:
    """One of a source that speaks."""
    values: dict[str, Any] = {
        "source": "studio",
        "sample": 48_000 * number,
        "time": NOON + timedelta(seconds=number),
        "length_s": 1.0,
        "scores": (Score("music", 0.1, 0.15, 0.2, 0.0), Score("speech", 0.7, 0.8, 0.9, 1.0)),
        "lowest_dbfs": -40.5,
        "highest_dbfs": -12.0,
        "momentary_lufs": -20.0,
        "short_lufs": None,
        "integrated_lufs": -23.0,
        "range_lu": 4.5,
        "true_peak_dbtp": -6.1,
        "verdicts": (Verdict("dead_air", -12.0, 0, 10), Verdict("no_speech", None, 1, 1)),
        "on_air": ("speech",),
    }
    return Second(**{**values, **changes})


def trace(path: Path, limit_mb: float = 1.0, **changes: Any) -> TraceFile:
    """With the default settings of every source."""
    return TraceFile(path, limit_mb, lambda source: Settings(), **changes)


def test_what_was_written_is_read(tmp_path: Path) -> None:
    """Settings first, then the seconds, short ones too."""
    path = tmp_path / "a.jsonl.trace"
    seconds = [second(0), second(1), second(2, length_s=0.25, scores=())]
    file = trace(path)
    for each in seconds:
        file.write(each)
    file.close()
    settings, *rest = read_trace(path)
    assert settings == ("studio", Settings())
    assert rest == seconds


def test_the_settings_of_each_source_are_its_own(tmp_path: Path) -> None:
    """The rules that judged a source are those that explain it."""
    path = tmp_path / "a.trace"
    strict = Settings(alarms=AlarmSettings(dead_air_warn_s=2, off=("dc",)))
    file = TraceFile(path, 1.0, lambda source: strict if source == "b" else Settings())
    file.write(second(0))
    file.write(second(0, source="b"))
    file.close()
    found = dict(record for record in read_trace(path) if isinstance(record, tuple))
    assert found == {"studio": Settings(), "b": strict}


def test_it_never_outgrows_its_limit_and_keeps_the_newest(tmp_path: Path) -> None:
    """Half of 20 kB in each of two files, each with the settings that explain it."""
    path = tmp_path / "a.trace"
    file = trace(path, limit_mb=0.02)
    for number in range(500):
        file.write(second(number))
        file.flush()
    file.close()
    sizes = [part.stat().st_size for part in (path, older(path))]
    assert sum(sizes) < 22_000
    records = list(read_trace(path))
    numbers = [record.sample // 48_000 for record in records if isinstance(record, Second)]
    assert numbers == list(range(numbers[0], 500))
    assert sum(isinstance(record, tuple) for record in records) == 2


def test_lines_are_gathered_for_some_seconds(tmp_path: Path) -> None:
    """One write a second and source would wear out a memory card."""
    path = tmp_path / "a.trace"
    now_s = 0.0
    file = trace(path, clock_s=lambda: now_s)
    file.write(second(0))
    assert not path.exists()
    now_s = 5.0
    file.write(second(1))
    assert len(list(read_trace(path))) == 3
    file.close()


def test_a_torn_line_costs_itself_alone(tmp_path: Path) -> None:
    """A kill in the middle of a line; the next run appends behind it."""
    path = tmp_path / "a.trace"
    for number in range(2):
        file = trace(path)
        file.write(second(number))
        file.close()
        path.write_bytes(path.read_bytes() + b'{"t":"2026-03-01T12:0')
    found = [record for record in read_trace(path) if isinstance(record, Second)]
    assert found == [second(0), second(1)]


@pytest.mark.parametrize(
    "line", [b"", b"null", b"[1]", b'{"t":1}', b"\xff\xfe", b'{"s":"a","settings":{"alarms":7}}']
)
def test_lines_of_another_kind_are_passed_over(tmp_path: Path, line: bytes) -> None:
    """Whatever stands in the file, reading does not break."""
    path = tmp_path / "a.trace"
    path.write_bytes(line + b"\n")
    assert list(read_trace(path)) == []


def test_a_disk_that_takes_nothing_is_said_once(tmp_path: Path) -> None:
    """The monitor goes on; when there is room again, so does the trace."""
    folder = tmp_path / "away"
    said: list[str] = []
    file = trace(folder / "a.trace", warn=said.append)
    for number in range(3):
        file.write(second(number))
        file.flush()
    assert len(said) == 1
    assert "cannot write (No such file or directory)" in said[0]
    assert file.lost == 4  # with the line of the settings
    folder.mkdir()
    file.write(second(3))
    file.close()
    assert second(3) in list(read_trace(folder / "a.trace"))


def test_no_trace_is_an_error_of_its_own(tmp_path: Path) -> None:
    """``explain`` tells that from an empty one."""
    with pytest.raises(FileNotFoundError):
        next(read_trace(tmp_path / "none"))


def test_the_trace_lies_beside_the_log() -> None:
    """Under the log's whole name, so no rotated log is taken for one."""
    assert trace_path(Path("x/air.jsonl")) == Path("x/air.jsonl.trace")


def test_only_a_log_in_a_file_has_a_trace(tmp_path: Path) -> None:
    """Not standard output, not a device, and not where nobody wants one."""
    log = str(tmp_path / "air.jsonl")
    assert trace_of(Settings()) is None
    assert trace_of(Settings(log=LogSettings(file="/dev/null"))) is None
    assert trace_of(Settings(log=LogSettings(file=log, trace_mb=0))) is None
    assert trace_of(Settings(log=LogSettings(file=log))) is not None
