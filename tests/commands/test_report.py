"""The report: text, CSV, one HTML page that opens anywhere, and the formats of scan."""

from __future__ import annotations

import csv
import html.parser
import io
import re
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from made_events import BEGIN, cleared, closed, lost, opened, raised, restored, started, stopped

from streamseg.commands.report import parse_time
from streamseg.errors import UsageError
from streamseg.sinks.lines import to_line

NASTY = "<script>alert(1)</script>"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Ten minutes of a studio, with an alarm and a gap."""
    path = tmp_path / "air.jsonl"
    events = [
        started(),
        opened(0),
        closed(0, 240),
        opened(200, "speech"),
        closed(200, 320, "speech"),
        raised(330),
        cleared(330, 390),
        lost(400),
        restored(460, 60),
        opened(470, "noise"),
        closed(470, 500, "noise"),
        stopped(600),
    ]
    path.write_bytes(b"".join(map(to_line, events)))
    return path


def test_text_says_the_hours(run, log: Path) -> None:
    """A row a day, a total, the alarms."""
    code, out, err = run("report", log)
    assert (code, err) == (0, "")
    total = next(line for line in out.splitlines() if "total" in line)
    cells = [cell.strip() for cell in total.strip("│ ").split("│")]
    # Heard: ten minutes less one of a gap; a dash where nothing was dropped.
    assert cells[:8] == ["total", "0:09", "0:04", "0:02", "0:00", "0:00", "1", "1"]
    assert "alarm dead air: 1 times" in out


def test_csv_has_seconds(run, log: Path, tmp_path: Path) -> None:
    """One row a day and source; days are those of the log's own offset."""
    assert run("report", log, "--format", "csv", "-o", tmp_path / "out.csv")[0] == 0
    rows = list(csv.DictReader(io.StringIO((tmp_path / "out.csv").read_text())))
    assert {row["source"] for row in rows} == {"studio"}
    sums = {
        key: sum(float(row[key]) for row in rows) for key in rows[0] if key not in ("day", "source")
    }
    assert sums == {
        "heard_s": 540,
        "music_s": 240,
        "speech_s": 120,
        "noise_s": 30,
        "silence_s": 0,
        "alarms": 1,
        "gaps": 1,
        "gap_s": 60,
        "dropped_s": 0,
    }


class Page(html.parser.HTMLParser):
    """Which elements and addresses a page has, and whether its tags are balanced."""

    VOID = frozenset({"meta", "link", "br", "line", "rect", "path", "hr"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.tags: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Keep."""
        self.tags.append(tag)
        self.addresses += [v or "" for k, v in attributes if k in ("href", "src", "xlink:href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Keep."""
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """The innermost open one."""
        if tag not in self.VOID:
            assert self.open.pop() == tag


def test_the_page_stands_alone(run, log: Path, tmp_path: Path) -> None:
    """No script, nothing from elsewhere, and names of sources stay text."""
    log.write_bytes(
        log.read_bytes() + to_line(started(601, NASTY)) + to_line(closed(601, 602, "music", NASTY))
    )
    assert run("report", log, "--format", "html", "-o", tmp_path / "out.html")[0] == 0
    text = (tmp_path / "out.html").read_text("utf-8")
    page = Page(text)
    assert page.open == []
    assert page.addresses == ["data:,"]
    assert not {"script", "img", "iframe", "object"} & set(page.tags)
    assert not re.search(r"https?://|url\((?!#)|@import", text)
    assert "&lt;script&gt;alert(1)" in text
    assert "dead air" in text


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_drawn_in_a_browser(run, log: Path, tmp_path: Path, scheme: str) -> None:
    """From a file, offline, in both colour schemes and on a phone, without a complaint."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    executable = shutil.which("chromium")
    if executable is None:
        pytest.skip("needs a browser: apt-get install chromium")
    out = tmp_path / "out.html"
    assert run("report", log, "--format", "html", "-o", out)[0] == 0
    complaints: list[str] = []
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        context = browser.new_context(
            color_scheme=scheme, viewport={"width": 360, "height": 740}, offline=True
        )
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(out.as_uri())
        assert page.locator(".strip .fill-music").first.bounding_box()["width"] > 0
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        browser.close()
    assert complaints == []


@pytest.mark.parametrize(
    ("format_name", "expected"),
    [
        ("csv", "0.000,240.000,music,0.9000"),
        ("audacity", "200.000\t320.000\tspeech"),
        ("rttm", "SPEAKER studio 1 200.000 120.000 <NA> <NA> speech 0.9000 <NA>"),
        ("textgrid", 'text = "noise"'),
        ("jsonl", '"start_s": 200.0, "end_s": 320.0'),
    ],
)
def test_segments_come_in_every_format_of_scan(
    run, log: Path, format_name: str, expected: str
) -> None:
    """Time 0 is the first segment's start."""
    code, out, _ = run("report", log, "--segments", format_name)
    assert code == 0
    assert expected in out


def test_a_span_cuts_the_segments(run, log: Path) -> None:
    """And its beginning is time 0."""
    begin = (BEGIN + timedelta(seconds=100)).isoformat()
    end = (BEGIN + timedelta(seconds=220)).isoformat()
    code, out, _ = run("report", log, "--segments", "csv", "--from", begin, "--to", end)
    assert code == 0
    assert out.splitlines()[1:] == ["0.000,120.000,music,0.9000", "100.000,120.000,speech,0.9000"]


def test_formats_of_one_source_ask_for_it(run, log: Path) -> None:
    """Where the log has several."""
    log.write_bytes(log.read_bytes() + to_line(closed(601, 602, "music", "other")))
    code, _, err = run("report", log, "--segments", "rttm")
    assert code == 2
    assert "got other, studio: choose one with --source" in err
    code, out, _ = run("report", log, "--segments", "csv", "--source", "other")
    assert (code, len(out.splitlines())) == (0, 2)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["missing.jsonl"], 66, "expected an event log, got missing.jsonl"),
        (["LOG", "--source", "nobody"], 66, "of the source 'nobody', got none"),
        (
            ["LOG", "--segments", "csv", "--from", "2001-01-01", "--to", "2001-01-02"],
            66,
            "got none",
        ),
        (["LOG", "--from", "yesterday"], 2, "expected a time as in 2026-11-20"),
        (["LOG", "-o", "no/such/folder/out.txt"], 74, "out.txt"),
    ],
)
def test_errors_name_what_was_expected(
    run, log: Path, arguments: list[str], code: int, message: str
) -> None:
    """With the exit codes of every verb."""
    got, _, err = run("report", *(log if part == "LOG" else part for part in arguments))
    assert got == code
    assert message in err
    assert len(err.strip().splitlines()) <= 2


def test_a_day_as_an_end_is_the_whole_day() -> None:
    """A time is that very time; an offset in the text counts."""
    assert parse_time("2026-11-20", end=True) - parse_time("2026-11-20") == timedelta(days=1)
    assert parse_time("2026-11-20T06:00", end=True) == parse_time("2026-11-20 06:00")
    assert parse_time("2026-11-20T06:00+02:00").isoformat() == (
        parse_time("2026-11-20T04:00+00:00").isoformat()
    )
    with pytest.raises(UsageError, match="expected a time"):
        parse_time("tomorrow")
