"""Every line of the published table, by hand."""

from __future__ import annotations

import dataclasses

import pytest

from streamseg.decisions.hysteresis import Began, Ended, Hysteresis, Limits

LIMITS = Limits(on=0.6, off=0.4, min_on=3, min_off=3, heartbeat=100, backdate=4)
LETTER = {"#": 0.9, "+": 0.5, ".": 0.1}


def run(pattern: str, *, flush: bool = True, **limits: int) -> list[Began | Ended]:
    """One frame a character: ``#`` above on, ``+`` between the thresholds, ``.`` below off."""
    machine = Hysteresis(dataclasses.replace(LIMITS, **limits))
    said = [event for mark in pattern for event in machine.step(LETTER[mark], 0.01)]
    return said + list(machine.flush() if flush else ())


def spans(pattern: str, **limits: int) -> list[tuple[int, int]]:
    """Start and end of the stretches."""
    return [(e.start, e.end) for e in run(pattern, **limits) if isinstance(e, Ended)]


def test_a_sound_opens_and_closes_where_it_was() -> None:
    """Three frames on, three frames off: the stretch is exactly the frames above."""
    assert spans("..###...") == [(2, 5)]


def test_a_sound_is_announced_when_it_is_long_enough() -> None:
    """Began comes with the third frame and names the first."""
    machine = Hysteresis(LIMITS)
    said = [machine.step(LETTER[mark], 0.01) for mark in "..####"]
    assert said == [(), (), (), (), (Began(2),), ()]


def test_a_short_sound_is_not_reported() -> None:
    """Two frames are less than the minimum of three."""
    assert run("..##....") == []


def test_a_short_break_is_bridged() -> None:
    """Two frames below off are less than the minimum break of three."""
    assert spans("###..###...") == [(0, 8)]


def test_a_long_break_separates() -> None:
    """Three frames below off end the stretch."""
    assert spans("###...###...") == [(0, 3), (6, 9)]


def test_breaks_are_bridged_before_short_sounds_are_dropped() -> None:
    """Two short sounds with a short break between them are one sound that is long enough."""
    assert spans("##.##...") == [(0, 5)]


def test_a_dip_that_lasts_drops_the_sound() -> None:
    """A short sound followed by a full break is forgotten, and the next one stands alone."""
    assert spans("##...###...") == [(5, 8)]


def test_between_the_thresholds_nothing_changes() -> None:
    """A score between off and on neither opens nor closes."""
    assert spans("++++....") == []
    assert spans("###++++...") == [(0, 7)]


def test_the_onset_is_dated_back_to_where_the_score_rose() -> None:
    """The stretch begins with the first frame that was not below off any more."""
    assert spans("..++###...") == [(2, 7)]


def test_dating_back_is_limited() -> None:
    """At most four frames before the crossing belong to the sound."""
    assert spans("..++++++###...") == [(4, 11)]


def test_an_onset_never_comes_closer_than_a_break_to_the_stretch_before() -> None:
    """The score lingers after the end: the next onset is dated back to end + min_off only."""
    assert spans("###.++###...") == [(0, 3), (6, 9)]
    assert spans("###.+++###...") == [(0, 3), (6, 10)]


def test_a_return_must_reach_on() -> None:
    """After a fall, a score between the thresholds does not count as the sound's return."""
    assert spans("###.++.....") == [(0, 3)]


def test_the_heartbeat_cuts_without_a_hole() -> None:
    """Eight frames with a heartbeat of three are pieces that touch, each announced."""
    said = run("########...", heartbeat=3)
    assert said[0] == Began(0)
    assert [(e.start, e.end) for e in said if isinstance(e, Ended)] == [(0, 3), (3, 6), (6, 8)]
    assert [e.start for e in said if isinstance(e, Began)] == [0, 3, 6]


def test_the_heartbeat_never_leaves_an_empty_piece() -> None:
    """A sound that ends exactly at its heartbeat gives one stretch."""
    assert spans("###...", heartbeat=3) == [(0, 3)]


def test_an_open_stretch_ends_with_the_stream() -> None:
    """At the end of the stream the stretch lasts to the last frame, or to where it fell."""
    assert spans("..####") == [(2, 6)]
    assert spans("..####.") == [(2, 6)]


def test_a_short_sound_at_the_end_is_dropped() -> None:
    """Two frames before the end are too short, as anywhere else."""
    assert run("...##") == []


def test_a_sound_cut_at_both_ends_is_reported() -> None:
    """When the whole stream is shorter than min_on, it counts if it sounds from end to end."""
    assert run("##")[0] == Began(0)
    assert spans("##") == [(0, 2)]
    assert spans("##.") == []


def test_flush_leads_back_to_the_first_state() -> None:
    """After a flush the machine behaves as a new one."""
    machine = Hysteresis(LIMITS)
    for mark in "..####.":
        machine.step(LETTER[mark], 0.01)
    machine.flush()
    said = [event for mark in "###..." for event in machine.step(LETTER[mark], 0.01)]
    assert [(e.start, e.end) for e in said if isinstance(e, Ended)] == [(0, 3)]


def test_states_have_the_names_of_the_table() -> None:
    """A walk through all five states."""
    machine = Hysteresis(LIMITS)
    seen = []
    for mark in ".#.###.#...":
        machine.step(LETTER[mark], 0.01)
        seen.append(machine.state)
    assert seen == [
        "idle", "rising", "dipped", "on", "on", "on", "falling", "on", "falling", "falling", "idle",
    ]  # fmt: skip


def test_score_and_level_are_those_of_the_stretch() -> None:
    """Means include the back-dated frames and the bridged break, and nothing after the end."""
    machine = Hysteresis(dataclasses.replace(LIMITS, min_off=2))
    frames = [(0.5, 1.0), (0.8, 0.1), (0.2, 0.1), (1.0, 0.1), (0.1, 9.0), (0.1, 9.0)]
    said = [event for score, power in frames for event in machine.step(score, power)]
    assert said[0] == Began(0)
    ended = said[1]
    assert isinstance(ended, Ended)
    assert ended.score_mean == pytest.approx((0.5 + 0.8 + 0.2 + 1.0) / 4)
    assert ended.score_peak == 1.0
    assert ended.level_dbfs == pytest.approx(-4.8812, abs=1e-3)  # 10 log10(1.3 / 4)


def test_digital_silence_has_a_finite_level() -> None:
    """Power zero reads -120 dB."""
    machine = Hysteresis(LIMITS)
    said = [event for _ in range(3) for event in machine.step(0.9, 0.0)] + list(machine.flush())
    assert isinstance(said[-1], Ended)
    assert said[-1].level_dbfs == -120.0
