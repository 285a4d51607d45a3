"""Alarms that the truth deserves against those that come."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from streamseg.evaluation import __main__ as command
from streamseg.evaluation.alarms import Alarm, on_air, raised, score_alarms
from streamseg.evaluation.analyser import Heard
from streamseg.evaluation.truth import Truth
from streamseg.messages import Label, Segment

RATE_HZ = 100
END = 120 * RATE_HZ
# Music with a speaker, then 60 s of noise alone, then the speaker over music.
TRUTH = (
    Truth(0, 20, "music", 99),
    Truth(0, 20, "speech", 99),
    Truth(20, 80, "noise", 99),
    Truth(80, 120, "speech", 0),
    Truth(80, 120, "music", 0),
)


def heard(*spans: tuple[Label, float, float]) -> list[Segment]:
    """Segments that were decided, from seconds."""
    return [
        Segment(label, round(start_s * RATE_HZ), round(end_s * RATE_HZ), 1.0, 1.0, -20.0)
        for label, start_s, end_s in spans
    ]


def test_the_truth_raises_what_lies_in_it() -> None:
    """A minute of noise: no music, no speech, noise alone, each from its beginning to its end."""
    found = raised(on_air(TRUTH, RATE_HZ, hidden=True), RATE_HZ, END)
    assert sorted((alarm.rule, alarm.start_s, alarm.end_s) for alarm in found) == [
        ("no_music", 20, 80),
        ("no_speech", 20, 80),
        ("noise_only", 20, 80),
    ]


def test_layers_that_touch_are_one() -> None:
    """Two layers of a label end to end, and one inside the other."""
    truth = (Truth(0, 5, "music", 99), Truth(5, 9, "music", 0), Truth(6, 7, "music", 0))
    (segment,) = on_air(truth, RATE_HZ, hidden=True)
    assert (segment.label, segment.start, segment.end) == ("music", 0, 900)


def test_found_late_and_wrong_are_counted() -> None:
    """Speech is heard two seconds too long, the rest as it is: one error of two seconds."""
    segments = heard(
        ("music", 0, 20),
        ("speech", 0, 22),
        ("noise", 20, 80),
        ("speech", 80, 120),
        ("music", 80, 120),
    )
    scores = score_alarms(TRUTH, segments, RATE_HZ, END)
    assert {rule: (s.deserved, s.wrong) for rule, s in scores.items()} == {
        "no_speech": (1, 0),
        "no_music": (1, 0),
        "noise_only": (1, 0),
    }
    assert scores["no_speech"].errors_s == (2.0,)
    assert scores["no_music"].errors_s == (0.0,)


def test_music_that_is_not_heard_is_a_wrong_alarm() -> None:
    """Nobody hears the first music: no alarm of the truth reaches there."""
    quiet = (Truth(0, 120, "music", 99),)
    scores = score_alarms(quiet, heard(("music", 60, 120)), RATE_HZ, END)
    assert scores["no_music"].deserved == 0
    assert scores["no_music"].wrong == 1


def test_a_layer_far_under_another_decides_nothing() -> None:
    """Music 20 dB under a speaker: an alarm is neither deserved nor wrong."""
    truth = (Truth(0, 120, "speech", 99), Truth(0, 120, "music", -20))
    missed = score_alarms(truth, heard(("speech", 0, 120)), RATE_HZ, END)["no_music"]
    found = score_alarms(truth, heard(("speech", 0, 120), ("music", 0, 120)), RATE_HZ, END)
    assert (missed.deserved, missed.wrong) == (0, 0)
    assert (found["no_music"].deserved, found["no_music"].wrong) == (0, 0)


def test_alarms_of_different_rules_do_not_meet() -> None:
    """Nor do those that only touch."""
    alarm = Alarm("no_music", 1, 2)
    assert alarm.meets(Alarm("no_music", 1.5, 3))
    assert not alarm.meets(Alarm("no_music", 2, 3))
    assert not alarm.meets(Alarm("no_speech", 1, 2))


def test_the_command_prints_and_writes_its_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One programme of two minutes whose analyser hears music for speech in the second half."""
    (tmp_path / "index.csv").write_text("name,condition,duration_s\na,clean,120\n")
    (tmp_path / "a.opus").write_bytes(b"")
    (tmp_path / "a.csv").write_text("start_s,end_s,label\n0,60,music\n60,120,speech\n")
    nothing = Heard(
        np.zeros(0),
        np.zeros((0, 3), np.float32),
        np.zeros(0, np.float32),
        tuple(heard(("music", 0, 120))),
        RATE_HZ,
    )
    monkeypatch.setattr(command, "network_analyser", lambda model: lambda path: nothing)
    out = tmp_path / "figures.json"
    result = CliRunner().invoke(command.main, ["alarms", str(tmp_path), "--json", str(out)])
    assert result.exit_code == 0, result.output
    found = json.loads(out.read_text())["alarms"]
    # 60 s without speech are deserved and found (it never ends); 60 s without music are missed.
    assert found["no_speech"] == {"deserved": 1, "found": 1, "wrong": 0, "median_error_s": 0.0}
    assert found["no_music"] == {"deserved": 1, "found": 0, "wrong": 0, "median_error_s": None}
