"""What ``explain`` says: every sentence from numbers that a log and its trace hold."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from fake_source import RATE_HZ, FakeSource, cut
from tiny_network import write

from streamseg.cli import cli
from streamseg.commands import explain
from streamseg.commands.explain_log import parse_moment
from streamseg.errors import NoSuchInputError, UsageError
from streamseg.messages import Score, Second, Segment, Verdict
from streamseg.models import load_network
from streamseg.pipeline import Monitor
from streamseg.settings import DecisionSettings, Settings
from streamseg.settings_alarms import AlarmSettings
from streamseg.sinks import events
from streamseg.sinks.event_log import EventLog
from streamseg.sinks.events import Clock, Stamp
from streamseg.sinks.lines import to_line
from streamseg.sinks.trace_file import TraceFile, trace_path

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HZ = 1000
CLOCK = Clock(NOON, 0.0, HZ)


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Sentences are in local time; here that is UTC."""
    if not hasattr(time, "tzset"):
        pytest.skip("the local zone cannot be set on this system")
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def stamp(at_s: float, source: str = "studio") -> Stamp:
    """So many seconds after noon."""
    return CLOCK.stamp(source, round(at_s * HZ))


def started(at_s: float = 0.0, source: str = "studio") -> events.Event:
    """A run begins."""
    return events.Started(stamp(at_s, source), "activity", "CPU", "a test", "0.1")


def segment(label: Any, start_s: float, end_s: float | None) -> list[events.Event]:
    """Opened, and closed unless it stays open."""
    said: list[events.Event] = [events.SegmentOpen(stamp(start_s), label)]
    if end_s is not None:
        closed = Segment(label, round(start_s * HZ), round(end_s * HZ), 0.81, 0.93, -20.0)
        said.append(events.SegmentClose.of(closed, "studio", CLOCK, -21.0))
    return said


def second(number: int, **changes: Any) -> Second:
    """One second of soft music."""
    values: dict[str, Any] = {
        "source": "studio",
        "sample": number * HZ,
        "time": NOON + timedelta(seconds=number),
        "length_s": 1.0,
        "scores": (Score("music", 0.7, 0.8, 0.9, 1.0), Score("speech", 0.1, 0.2, 0.35, 0.0)),
        "lowest_dbfs": -30.0,
        "highest_dbfs": -20.0,
        "momentary_lufs": -20.0,
        "short_lufs": -20.0,
        "integrated_lufs": -20.0,
        "range_lu": 1.0,
        "true_peak_dbtp": -6.0,
        "verdicts": (),
        "on_air": (),
    }
    return Second(**{**values, **changes})


def log_of(
    folder: Path,
    said: Sequence[events.Event],
    seconds: Sequence[Second] = (),
    **settings: Any,
) -> Path:
    """A log with its trace."""
    log = folder / "air.jsonl"
    log.write_bytes(b"".join(to_line(event) for event in said))
    if seconds:
        trace = TraceFile(trace_path(log), 10, lambda source: Settings(**settings))
        for each in seconds:
            trace.write(each)
        trace.close()
    return log


def answer(log: Path, begin: str | None = "+0", end: str | None = "+60", **asked: Any) -> str:
    """All lines but the first, which names the span."""
    return "\n".join(list(explain.run(log, begin, end, **asked))[1:]).strip()


def test_a_score_that_stayed_low_opened_no_segment(tmp_path: Path) -> None:
    """The sentence of the house: between these, under that, so nothing opened."""
    log = log_of(tmp_path, [started()], [second(n) for n in range(60)])
    assert answer(log, label="speech").splitlines()[1] == (
        "no speech from 12:00:00 to 12:01:00 (1 min): its score stayed between 0.10 and 0.35 "
        "(mean 0.20), under on = 0.6, so no segment opened."
    )


def test_a_score_that_was_high_too_shortly_is_told_with_its_time(tmp_path: Path) -> None:
    """0.4 s at or above ``on`` where 0.8 s are asked."""
    high = (Score("speech", 0.2, 0.5, 0.72, 0.4),)
    seconds = [second(n, **({"scores": high} if n == 7 else {})) for n in range(60)]
    found = answer(log_of(tmp_path, [started()], seconds), label="speech")
    assert "reached 0.72 at 12:00:07 and was at or above on = 0.6 for 0.40 s" in found
    assert "min_on_s = 0.80 s together" in found


def test_what_was_too_quiet_counted_as_nothing(tmp_path: Path) -> None:
    """However high the network's score was."""
    seconds = [second(n, lowest_dbfs=-90.0, highest_dbfs=-84.5) for n in range(60)]
    found = answer(log_of(tmp_path, [started()], seconds), label="music")
    assert "stayed under silence_dbfs = -70.0 dBFS (highest -84.5 dBFS)" in found


def test_segments_and_the_gaps_between_them_fill_the_span(tmp_path: Path) -> None:
    """In order, to the last second, an open one too."""
    said = [started(), *segment("music", 5, 20), *segment("music", 40, None)]
    found = answer(log_of(tmp_path, said, [second(n) for n in range(60)]), label="music")
    lines = found.splitlines()[1:]
    assert [line.split(":")[0][:24] for line in lines] == [
        "no music from 12",
        "music was on air from 12",
        "no music from 12",
        "music is on air since 12",
    ]
    assert "from 12:00:05 to 12:00:20 (15 s): mean score 0.81, highest 0.93" in lines[1]


def test_the_thresholds_are_those_that_were_in_force(tmp_path: Path) -> None:
    """Not those of whoever asks."""
    chosen = DecisionSettings(on=0.9, off=0.2)
    log = log_of(tmp_path, [started()], [second(n) for n in range(60)], decisions=chosen)
    assert "under on = 0.9" in answer(log, label="speech")


def test_silence_is_explained_by_the_level(tmp_path: Path) -> None:
    """It has no score."""
    log = log_of(tmp_path, [started()], [second(n) for n in range(60)])
    found = answer(log, label="silence")
    assert "the level never fell below -30.0 dBFS, over silence_dbfs = -70.0 dBFS" in found


def test_boundaries_are_told_with_their_strength(tmp_path: Path) -> None:
    """Those inside the span, in order; nothing where only one label is asked for."""
    said = [events.Boundary(stamp(at_s), strength) for at_s, strength in ((7, 0.4), (31.5, 1.25))]
    log = log_of(tmp_path, [started(), *said, events.Boundary(stamp(70), 0.9)])
    assert (
        "boundaries: something else began at 12:00:07 (0.40), 12:00:31.5 (1.25) (strength: "
    ) in answer(log)
    assert "boundaries: none was logged." in answer(log, "+8", "+31")
    assert "boundaries" not in answer(log, label="music")


def test_of_many_boundaries_the_strongest_are_told(tmp_path: Path) -> None:
    """Twenty of fifty, in order of time, and how many more there were."""
    said = [events.Boundary(stamp(at_s), at_s / 50) for at_s in range(50)]
    found = answer(log_of(tmp_path, [started(), *said]))
    assert "began at 12:00:30 (0.60), " in found
    assert "12:00:49 (0.98), and 30 weaker ones" in found


def test_an_alarm_that_was_raised_is_told_with_its_reason(tmp_path: Path) -> None:
    """Since when, when decided, why, and when it was cleared."""
    said = [
        started(),
        events.AlarmRaised(
            stamp(12), "dead_air", "warn", -60.0, -40.0, "dBFS", 10.0, False, "dead air: quiet"
        ),
        events.AlarmCleared(
            stamp(30), "dead_air", "warn", -55.0, -40.0, "dBFS", CLOCK.time(12_000), 18.0, 1,
            "recovered", "over",
        ),
    ]  # fmt: skip
    assert answer(log_of(tmp_path, said), rule="dead_air").endswith(
        "dead_air was raised (warn) since 12:00:12, decided at 12:00:22: dead air: quiet; "
        "it was cleared at 12:00:30."
    )


def quiet_seconds(first: int, last: int) -> list[Second]:
    """A minute with a dead air from one second to another."""
    good, bad = Verdict("dead_air", -15.0, 0, 10), Verdict("dead_air", -62.5, 10, 10)
    return [second(n, verdicts=(bad if first <= n < last else good,)) for n in range(60)]


def test_a_condition_that_was_too_short_is_told_with_what_it_takes(tmp_path: Path) -> None:
    """Eight quiet seconds of ten."""
    log = log_of(tmp_path, [started()], quiet_seconds(20, 28))
    assert answer(log, rule="dead_air") == (
        "dead_air was not raised: the level was under -40.0 dBFS for 8 s at most, "
        "from 12:00:20 to 12:00:28 (8 s) (no louder than -62.5 dBFS), and it takes 10 s."
    )


def test_a_condition_that_reaches_into_the_span_is_told_from_its_beginning(tmp_path: Path) -> None:
    """Asked about its last second, the answer has all eight."""
    log = log_of(tmp_path, [started()], quiet_seconds(20, 28))
    assert "for 8 s at most, from 12:00:20" in answer(log, "+27", "+40", rule="dead_air")


def test_a_condition_that_never_was_is_told_with_how_near_it_came(tmp_path: Path) -> None:
    """The quietest second, and the highest peak."""
    log = log_of(tmp_path, [started()], quiet_seconds(0, 0))
    assert answer(log, rule="dead_air") == (
        "dead_air was not raised: even its quietest second, 12:00:00, reached -15.0 dBFS, "
        "over -40.0 dBFS."
    )
    peaks = [second(n, verdicts=(Verdict("true_peak", -9.0 + n / 20, 0, 10),)) for n in range(60)]
    log = log_of(tmp_path, [started()], peaks)
    assert "the highest true peak was -6.0 dBTP, at 12:00:59, not above -1.0 dBTP" in answer(
        log, rule="true_peak"
    )


def test_an_absence_is_told_in_minutes(tmp_path: Path) -> None:
    """Forty seconds without speech of the ten minutes that it takes."""
    seconds = [
        second(n, verdicts=(Verdict("no_speech", None, int(n >= 20), 1),)) for n in range(60)
    ]
    alarms = AlarmSettings(no_speech_min=10)
    log = log_of(tmp_path, [started()], seconds, alarms=alarms)
    assert answer(log, rule="no_speech") == (
        "no_speech was not raised: no speech lasted for 40 s at most, from 12:00:20 to 12:01:00 "
        "(40 s), and it takes 10 min."
    )


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ("no_speech", "no_speech is off: alarms.no_speech_min is 0."),
        ("schedule_missing_speech", "is off: alarms.schedule has no entry."),
        ("dc", "dc is off: alarms.off names it."),
        ("phase_inverted", "there was one channel only, or one was too quiet to tell."),
        ("loudness_high", "no window was full and loud enough to be measured."),
    ],
)
def test_a_rule_that_could_not_be_raised_says_why(tmp_path: Path, rule: str, why: str) -> None:
    """Off, or nothing to judge."""
    alarms = AlarmSettings(off=("dc",))
    log = log_of(tmp_path, [started()], [second(n) for n in range(60)], alarms=alarms)
    assert answer(log, rule=rule).endswith(why)


def test_without_a_trace_it_says_so(tmp_path: Path) -> None:
    """And still tells what the log has."""
    log = log_of(tmp_path, [started(), *segment("speech", 5, 20)])
    found = answer(log, label="speech")
    assert "There is no trace of this source" in found
    assert "speech was on air from 12:00:05 to 12:00:20" in found


def test_the_time_without_the_source_is_told(tmp_path: Path) -> None:
    """What nobody heard is no silence."""
    said = [
        started(),
        events.SourceLost(stamp(10), "unplugged"),
        events.SourceRestored(stamp(25), 15.0),
    ]
    log = log_of(tmp_path, said, [second(n) for n in range(60) if not 10 <= n < 25])
    found = answer(log, rule="dead_air")
    assert "The source was away from 12:00:10 to 12:00:25 (15 s): unplugged." in found
    assert "The trace has 45 s of these 1 min." in found


def test_a_run_that_was_killed_leaves_nothing_open(tmp_path: Path) -> None:
    """Its open segment ends with its last event, not with the next run."""
    said = [started(), *segment("music", 5, None), *segment("speech", 8, 30), started(40)]
    log = log_of(tmp_path, said, [second(n) for n in range(60)])
    assert "music was on air from 12:00:05 to 12:00:30" in answer(log, label="music")


def test_sources_are_told_apart(tmp_path: Path) -> None:
    """One paragraph each, or the one that was asked for."""
    log = log_of(tmp_path, [started(), started(source="hall")])
    assert {
        line.split(",")[0] for line in explain.run(log, "+0", "+5", "dc") if ", from" in line
    } == {
        "studio",
        "hall",
    }
    assert next(iter(explain.run(log, "+0", "+5", "dc", source="hall"))).startswith("hall, from")
    with pytest.raises(UsageError, match="expected a source of the log, studio, hall, got 'x'"):
        list(explain.run(log, "+0", "+5", source="x"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("+90", NOON + timedelta(seconds=90)),
        ("12:30", NOON + timedelta(minutes=30)),
        ("12:00:07.5", NOON + timedelta(seconds=7.5)),
        ("23:59", datetime(2026, 2, 28, 23, 59, tzinfo=UTC)),
        ("2026-03-01T13:00:00+01:00", NOON),
        ("2026-03-01 12:15", NOON + timedelta(minutes=15)),
    ],
)
def test_moments_are_read_as_people_write_them(text: str, expected: datetime) -> None:
    """A clock without a date is the last one of the log; one after it goes on from there."""
    assert parse_moment(text, NOON, NOON + timedelta(hours=2)) == expected


def test_the_end_follows_the_beginning() -> None:
    """From 23:50 to 00:10 goes over midnight."""
    begin = datetime(2026, 2, 28, 23, 50, tzinfo=UTC)
    end = parse_moment("00:10", NOON, NOON, begin)
    assert end == begin + timedelta(minutes=20)


@pytest.mark.parametrize("text", ["noon", "25:00", "12:61", "+x", ""])
def test_other_moments_are_refused(text: str) -> None:
    """With how to write one."""
    with pytest.raises(UsageError, match=r"expected a time, got .*write it as 14:05:00"):
        parse_moment(text, NOON, NOON)


def test_wrong_questions_are_refused(tmp_path: Path) -> None:
    """Unknown names, an empty span, a log or a trace that is not there, a file that is no log."""
    log = log_of(tmp_path, [started()])
    with pytest.raises(UsageError, match="expected a rule of dead_air, "):
        list(explain.run(log, None, None, rule="deadair"))
    with pytest.raises(UsageError, match="expected a label of music, speech, noise, silence, got"):
        list(explain.run(log, None, None, label="song"))
    with pytest.raises(UsageError, match="expected --to after --from"):
        list(explain.run(log, "+10", "+5"))
    with pytest.raises(
        NoSuchInputError, match=r"expected an event log at .*none.jsonl, found none"
    ):
        list(explain.run(tmp_path / "none.jsonl", None, None))
    with pytest.raises(NoSuchInputError, match="expected a decision trace at"):
        list(explain.run(log, None, None, trace=tmp_path / "none"))
    other = tmp_path / "other.txt"
    other.write_text("hello\n")
    with pytest.raises(NoSuchInputError, match=r"expected events in .*other.txt, found none"):
        list(explain.run(other, None, None))


def test_torn_lines_of_a_log_are_passed_over(tmp_path: Path) -> None:
    """A log may be read while it is written."""
    log = log_of(tmp_path, [started(), *segment("speech", 5, 20)])
    log.write_bytes(log.read_bytes() + b'{"schema":1,"event":"segm')
    assert "speech was on air from 12:00:05" in answer(log, label="speech")


def test_a_real_run_explains_itself(tmp_path: Path) -> None:
    """The engine writes log and trace of a silence of 8 s and one of 12 s; the verb tells both."""
    network = load_network("frame_conv", "cpu", write(tmp_path))
    hiss = np.random.default_rng(0).normal(0, 0.05, 10 * RATE_HZ).astype(np.float32)
    quiet = np.zeros(12 * RATE_HZ, np.float32)
    sound = np.concatenate((hiss, quiet[: 8 * RATE_HZ], hiss, quiet, hiss))
    path = tmp_path / "air.jsonl"
    log = EventLog(path)
    trace = TraceFile(trace_path(path), 10, lambda source: Settings())
    engine = Monitor([FakeSource(cut(sound))], network, Settings(), log.write, trace=trace.write)
    engine.start()
    assert engine.wait(60)
    engine.stop()
    trace.close()
    log.close()

    def ask(*arguments: str) -> str:
        result = CliRunner().invoke(cli, ["explain", str(path), *arguments])
        assert result.exit_code == 0
        return result.output

    assert "for 8 s at most" in ask("--rule", "dead_air", "--from", "+0", "--to", "+25")
    assert "dead_air was raised (warn)" in ask("--rule", "dead_air", "--from", "+20", "--to", "+45")
    everything = ask()
    assert all(f"{label}: " in everything for label in ("music", "speech", "noise", "silence"))
    assert "Off: no_speech, no_music," in everything
