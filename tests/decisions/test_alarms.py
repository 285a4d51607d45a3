"""The rules about the sound itself, on sounds: what is raised, from where to where, what not."""

from __future__ import annotations

import functools
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
import signals
import splits
from hypothesis import given, settings

from streamseg.decisions.alarm_measures import onset
from streamseg.decisions.alarms import AlarmChange, Alarms
from streamseg.frontend.loudness import gated_lufs
from streamseg.frontend.steps import StepMeter
from streamseg.messages import RuleBroken, RuleHolds
from streamseg.settings_alarms import RULES, AlarmSettings

RATE_HZ = 8_000
STEP = RATE_HZ // 10


def noon(sample: int) -> datetime:
    """No rule here asks for the time of day."""
    return datetime(2026, 1, 1, 12, tzinfo=UTC)


def only(*rules: str, **changes: Any) -> AlarmSettings:
    """Settings with these rules alone."""
    return AlarmSettings(off=tuple(rule for rule in RULES if rule not in rules), **changes)


def heard(
    frames: np.ndarray, chosen: AlarmSettings, seed: int | None = None, origin: int = 0
) -> list[AlarmChange]:
    """All that is said about (n,) or (n, channels) from beginning to end."""
    meter = StepMeter(RATE_HZ, chosen.dead_air_dbfs, chosen.dual_mono)
    alarms = Alarms(RATE_HZ, chosen, gated_lufs, noon)
    alarms.begin(origin)
    changes: list[AlarmChange] = []
    first = 0
    for block in [frames] if seed is None else splits.blocks(frames, seed):
        mono = block if block.ndim == 1 else block.mean(axis=1)
        steps = meter.push(mono, None if block.ndim == 1 else block)
        changes += alarms.measured(steps, origin, first)
        first += len(steps)
    return changes + alarms.finish(origin + len(frames))


def brief(changes: list[AlarmChange]) -> list[tuple[str, str, float]]:
    """Rule, severity or how it ended, and where, in seconds."""
    return [
        (change.rule, change.severity, change.start / RATE_HZ)
        if isinstance(change, RuleBroken)
        else (change.rule, "stopped" if change.stopped else "over", change.end / RATE_HZ)
        for change in changes
    ]


@functools.cache
def tune(seed: int) -> np.ndarray:
    """Made once: it takes longer than all that is done with it."""
    return signals.music(50, RATE_HZ, seed)


def music(seconds: float, level_dbfs: float = -20.0, seed: int = 0) -> np.ndarray:
    """The beginning of a tune."""
    return signals.at_level(tune(seed)[: round(seconds * RATE_HZ)], level_dbfs)


def silence(seconds: float) -> np.ndarray:
    """Digital zeros."""
    return signals.silence(seconds, RATE_HZ)


def stereo(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Two channels side by side."""
    return np.stack((left, right), axis=1).astype(np.float32)


# Dead air


def test_dead_air_is_dated_to_the_sample() -> None:
    """The sound stops inside a step and comes back inside another: both edges are exact."""
    tone = signals.sine(5.0 + 123 / RATE_HZ, RATE_HZ, 500.0)
    back = signals.sine(8.0, RATE_HZ, 500.0)
    gap = 12 * RATE_HZ + 77
    changes = heard(np.concatenate((tone, np.zeros(gap, np.float32), back)), only("dead_air"))
    broken, holds = changes
    assert isinstance(broken, RuleBroken)
    assert isinstance(holds, RuleHolds)
    # A sine is below the threshold of -40 dBFS for a sample or two at its crossings of nought.
    assert broken.start == pytest.approx(tone.size, abs=2)
    assert holds.end == pytest.approx(tone.size + gap, abs=2)
    assert (broken.severity, broken.threshold, broken.unit) == ("warn", -40.0, "dBFS")
    assert 10.0 <= broken.held_s < 10.1


def test_dead_air_grows_from_a_warning_to_an_alarm() -> None:
    """After 10 and 30 s, with the same beginning; the recovery of 5 s clears both at once."""
    changes = heard(np.concatenate((music(3), silence(32), music(8))), only("dead_air"))
    assert [kind for _, kind, _ in brief(changes)] == ["warn", "alarm", "over"]
    assert brief(changes)[0][2] == brief(changes)[1][2] == pytest.approx(3.0, abs=0.2)
    assert brief(changes)[2][2] == pytest.approx(35.0, abs=0.01)


def test_nine_seconds_are_no_dead_air() -> None:
    """Nor are many of them, one after the other."""
    parts = [music(3), silence(9), music(3), silence(9), music(3)]
    assert heard(np.concatenate(parts), only("dead_air")) == []


def test_sound_for_less_than_the_recovery_does_not_clear() -> None:
    """Four seconds of sound in a dead air leave it raised."""
    parts = [silence(12), music(4), silence(10)]
    changes = heard(np.concatenate(parts), only("dead_air"))
    assert brief(changes) == [("dead_air", "warn", 0.0), ("dead_air", "stopped", 26.0)]


def test_clicks_are_no_programme() -> None:
    """A relay that clicks every second neither hides a dead air nor clears it."""
    clicks = silence(40)
    clicks[::RATE_HZ] = 0.8
    clicks[1::RATE_HZ] = -0.8
    changes = heard(clicks, only("dead_air"))
    assert [kind for _, kind, _ in brief(changes)] == ["warn", "alarm", "stopped"]


def test_speech_with_its_pauses_clears_a_dead_air() -> None:
    """A slow speaker is silent for a second between sentences, and yet a programme."""
    words = signals.speech(12.0, RATE_HZ).reshape(4, -1)
    slow = np.concatenate([part for sentence in words for part in (sentence, silence(1.2))])
    changes = heard(np.concatenate((silence(15), slow)), only("dead_air"))
    assert [kind for _, kind, _ in brief(changes)] == ["warn", "over"]
    assert brief(changes)[1][2] == pytest.approx(15.0, abs=0.1)


def test_an_offset_does_not_hide_a_dead_air() -> None:
    """DC of 10 % of full scale is a level of -17 dBFS and no sound."""
    changes = heard(np.full(12 * RATE_HZ, 0.1, np.float32), only("dead_air"))
    assert [kind for _, kind, _ in brief(changes)] == ["warn", "stopped"]


def test_a_level_between_the_limits_raises_nothing_and_clears_nothing() -> None:
    """Hysteresis of 2 dB: -39 dBFS is good before the alarm and not good enough after it."""
    between = signals.noise("pink", 12.0, RATE_HZ, level_dbfs=-39.0)
    low = signals.noise("pink", 12.0, RATE_HZ, level_dbfs=-60.0)
    loud = signals.noise("pink", 8.0, RATE_HZ, level_dbfs=-30.0)
    changes = heard(np.concatenate((between, low, between, loud)), only("dead_air"))
    assert [kind for _, kind, _ in brief(changes)] == ["warn", "over"]
    assert brief(changes)[1][2] > 34.0  # within 2 s, what is loud enough now and then counts too


# Peaks, clipping, offset


def test_a_true_peak_is_raised_where_it_stands() -> None:
    """Two samples of 0.8 with 1.02 between them: the sample peak is fine, the signal is not."""
    sound = silence(8)
    sound[10_000:10_002] = 0.8
    broken, holds = heard(sound, only("true_peak"))
    assert isinstance(broken, RuleBroken)
    assert broken.start in (10_000, 10_001)
    assert broken.value == pytest.approx(20 * np.log10(1.02), abs=0.1)
    assert isinstance(holds, RuleHolds)
    assert holds.end == 13 * STEP


def test_peaks_that_go_on_coming_are_counted() -> None:
    """One every 8 s: three are said, the rest is counted, and the end says how many."""
    sound = silence(100)
    sound[:: 8 * RATE_HZ] = 0.95
    changes = heard(sound, only("true_peak"))
    raised = [change for change in changes if isinstance(change, RuleBroken)]
    assert [change.flapping for change in raised] == [False, False, True]
    last = changes[-1]
    assert isinstance(last, RuleHolds)
    assert last.occurrences == 13 - 2
    assert last.stopped


def test_clipped_music_is_an_alarm_from_its_first_flat_top() -> None:
    """Unclipped for 3 s, then 10 dB too much; the same without clipping is fine."""
    clean = music(3, -20)
    hot = music(6, 0.0).clip(-1, 1)
    (broken, *_rest) = heard(np.concatenate((clean, hot, music(12, -20))), only("clipping"))
    assert isinstance(broken, RuleBroken)
    flat = np.abs(hot) == 1
    first = np.flatnonzero(flat[:-2] & flat[1:-1] & flat[2:])[0]
    assert broken.start == clean.size + first
    assert broken.severity == "alarm"
    assert heard(clean, only("clipping")) == []


def test_a_flat_top_now_and_then_is_not_worth_an_alarm() -> None:
    """One every two seconds is three in five seconds."""
    sound = music(20)
    for at in range(0, sound.size, 2 * RATE_HZ):
        sound[at : at + 4] = 1.0
    assert heard(sound, only("clipping")) == []


def test_an_offset_is_found_under_music_and_dated() -> None:
    """3 % from 20 s on: raised 10 s after the mean of 5 s shows it, dated to within half a
    second."""
    sound = music(50)
    sound[20 * RATE_HZ : 40 * RATE_HZ] += 0.03
    broken, holds = heard(sound, only("dc"))
    assert isinstance(broken, RuleBroken)
    assert broken.start / RATE_HZ == pytest.approx(20.0, abs=0.5)
    assert broken.value == pytest.approx(3.0, abs=0.2)
    assert isinstance(holds, RuleHolds)
    assert holds.end / RATE_HZ == pytest.approx(40.0, abs=0.5)


def test_the_lowest_notes_are_no_offset() -> None:
    """27.5 Hz, the lowest key of a piano, at -6 dBFS."""
    assert heard(signals.sine(30.0, RATE_HZ, 27.5, -6.0), only("dc")) == []


# Two channels


def test_a_lost_channel_is_an_alarm() -> None:
    """The right one falls silent at 10 s and comes back at 30 s."""
    left, right = music(45), music(45, seed=1)
    right[10 * RATE_HZ : 30 * RATE_HZ] *= 0.001
    changes = heard(stereo(left, right), only("channel_lost"))
    assert [kind for _, kind, _ in brief(changes)] == ["alarm", "over"]
    assert [at for *_, at in brief(changes)] == pytest.approx([10.0, 30.0], abs=0.2)


def test_a_pause_is_no_lost_channel() -> None:
    """While both are silent nothing is known, and a channel that is lost stays lost."""
    left = np.concatenate((music(10), silence(10), music(10)))
    assert heard(stereo(left, left), only("channel_lost")) == []
    changes = heard(stereo(left, 0 * left), only("channel_lost"))
    assert [kind for _, kind, _ in brief(changes)] == ["alarm", "stopped"]


def test_an_inverted_channel_is_an_alarm() -> None:
    """The right one is turned at 10 s and back at 30 s; dated to a step or two."""
    left = music(50)
    sign = np.ones(left.size, np.float32)
    sign[10 * RATE_HZ : 30 * RATE_HZ] = -1
    changes = heard(stereo(left, sign * left), only("phase_inverted"))
    assert [kind for _, kind, _ in brief(changes)] == ["alarm", "over"]
    assert [at for *_, at in brief(changes)] == pytest.approx([10.0, 30.0], abs=0.25)
    assert isinstance(changes[0], RuleBroken)
    assert changes[0].value == pytest.approx(-1.0, abs=0.01)


def test_wide_stereo_is_not_inverted() -> None:
    """Channels that have nothing in common have no phase to be wrong."""
    frames = stereo(music(30), music(30, seed=3))
    assert heard(frames, only("phase_inverted", "channel_lost")) == []


def test_one_channel_has_no_partner_to_lose() -> None:
    """Of a mono source these rules say nothing."""
    assert heard(music(30), only("phase_inverted", "channel_lost")) == []


# Loudness


def test_loudness_is_judged_over_the_window_and_against_the_target() -> None:
    """At -23 LUFS nothing; then 12 LU more until it shows in the window; then as before."""
    quiet = signals.sine(40.0, RATE_HZ, 1000.0, -20.0)  # one channel: -23.0 LUFS
    loud = signals.sine(40.0, RATE_HZ, 1000.0, -8.0)
    chosen = only("loudness_high", "loudness_low", loudness_window_s=20)
    changes = heard(np.concatenate((quiet, loud, quiet, quiet)), chosen)
    assert [(rule, kind) for rule, kind, _ in brief(changes)] == [
        ("loudness_high", "warn"),
        ("loudness_high", "over"),
    ]
    begin, end = (at for *_, at in brief(changes))
    assert 40 < begin < 50
    assert 80 < end < 100
    assert changes[0].threshold == -18.0
    assert changes[0].value == pytest.approx(-12.0, abs=1.0)


def test_a_quiet_programme_is_too_quiet_and_a_silent_one_is_not() -> None:
    """Silence has no loudness: that is dead air's."""
    chosen = only("loudness_high", "loudness_low", loudness_window_s=20)
    assert heard(silence(60), chosen) == []
    changes = heard(signals.sine(60.0, RATE_HZ, 1000.0, -40.0), chosen)
    assert [(rule, kind) for rule, kind, _ in brief(changes)] == [
        ("loudness_low", "warn"),
        ("loudness_low", "stopped"),
    ]
    assert brief(changes)[0][2] == pytest.approx(19.0, abs=0.1)


def test_one_channel_counts_as_two_loudspeakers_where_that_is_wanted() -> None:
    """-30 LUFS in one channel are too quiet by 2 LU, in two they are fine."""
    tone = signals.sine(40.0, RATE_HZ, 1000.0, -27.0)
    chosen = only("loudness_low", loudness_window_s=20)
    assert len(heard(tone, chosen)) == 2
    assert heard(tone, chosen.model_copy(update={"dual_mono": True})) == []


# All of them


@functools.cache
def good_programme() -> np.ndarray:
    """A stereo minute of music, speech and music at the right loudness, wide and narrow."""
    parts = [music(25, -22), signals.speech(25.0, RATE_HZ, level_dbfs=-23), music(25, -22, seed=2)]
    left = np.concatenate(parts)
    right = np.concatenate((music(25, -22, seed=5), parts[1], 0.7 * parts[2])).astype(np.float32)
    return stereo(left, right)


def test_a_good_programme_raises_nothing() -> None:
    """With every rule at its default."""
    assert heard(good_programme(), AlarmSettings()) == []


@functools.cache
def broken_programme() -> np.ndarray:
    """Something of everything in two minutes."""
    frames = good_programme()
    frames = np.concatenate((frames, frames[: 45 * RATE_HZ]))
    frames[10 * RATE_HZ : 22 * RATE_HZ] = 0
    frames[30 * RATE_HZ : 50 * RATE_HZ, 1] *= -1
    frames[52 * RATE_HZ : 70 * RATE_HZ, 0] = 0
    frames[75 * RATE_HZ : 95 * RATE_HZ] += 0.05
    frames[100 * RATE_HZ :] *= 16
    return frames.clip(-1, 1).astype(np.float32)


@settings(max_examples=3)
@given(seed=splits.SEEDS)
def test_any_split_gives_the_same_alarms(seed: int) -> None:
    """The same records, to the sample and to the last digit of every value."""
    frames, chosen = broken_programme(), AlarmSettings(loudness_window_s=10, loudness_s=3)
    whole = heard(frames, chosen)
    assert {change.rule for change in whole} >= {
        "dead_air",
        "phase_inverted",
        "channel_lost",
        "dc",
        "clipping",
        "true_peak",
        "loudness_high",
    }
    assert heard(frames, chosen, seed) == whole


def test_positions_count_from_the_beginning_of_the_stretch() -> None:
    """Behind a hole the same sound is broken in the same places, so much later."""
    frames, chosen = broken_programme(), AlarmSettings()
    early, late = heard(frames, chosen), heard(frames, chosen, origin=1_000_003)
    assert [change.start + 1_000_003 for change in early] == [change.start for change in late]


def test_rules_that_are_off_say_nothing() -> None:
    """By name, or by a limit of nought."""
    frames = broken_programme()
    assert heard(frames, only()) == []
    nought = AlarmSettings(clip_runs=0, dc_percent=0, channel_lost_db=0, loudness_tolerance_lu=0)
    rules = {change.rule for change in heard(frames, nought)}
    assert rules == {"dead_air", "true_peak", "phase_inverted"}


def test_every_change_says_in_words_what_it_is() -> None:
    """A person who reads the text alone knows the value and the limit."""
    texts = {
        change.rule: change.text
        for change in heard(broken_programme(), AlarmSettings(loudness_window_s=10, loudness_s=3))
        if isinstance(change, RuleBroken) and not change.flapping
    }
    assert texts["dead_air"] == ("dead air: no louder than -120.0 dBFS, under -40.0 dBFS for 10 s")
    assert texts["phase_inverted"].startswith("phase inverted: correlation of the channels -")
    assert texts["true_peak"].endswith(" dBTP, above -1.0 dBTP")


def test_the_place_of_a_change_is_found_among_noise() -> None:
    """Negative as a whole before the fourth value, positive from there on."""
    assert onset([-1, -3, 1, -2, 2, 2, -1, 5]) == 4
    assert onset([1, 2, 3]) == 0
    assert onset([-1, 0, 0, 2]) == 3  # a silence says nothing: it changed behind it
    assert onset([-1, -1, -1]) == 2
