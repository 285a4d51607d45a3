"""Facts about what the meters are told."""

import numpy as np
import pytest

from streamseg.view.measure import Measure, Meters
from streamseg.view.panels.meter_rows import extremes, rows, values

RATE_HZ = 48_000


def tone(seconds, amplitude, hz=1000.0):
    """(n,) float32."""
    time_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return (amplitude * np.sin(2 * np.pi * hz * time_s)).astype(np.float32)


def measured(*channels, **properties):
    """What is read after all of it, in blocks of 20 ms."""
    measure = Measure(RATE_HZ, **properties)
    for block in np.array_split(np.stack(channels), max(1, len(channels[0]) // 960), axis=1):
        measure.push(block)
    return measure.meters()


def test_left_and_right_are_measured_apart():
    """The level named is that of the louder one."""
    meters = measured(tone(2, 0.1), tone(2, 0.01))
    assert meters.channels_dbfs == pytest.approx((-20, -40), abs=0.1)
    assert meters.level_dbfs == pytest.approx(-20, abs=0.1)


def test_a_stereo_programme_is_as_loud_as_both_channels():
    """EBU Tech 3341, case 1: -23 dBFS in both reads -23 LUFS; one alone 3 LU less."""
    meters = measured(tone(5, 10 ** (-23 / 20)), tone(5, 10 ** (-23 / 20)))
    for lufs in (meters.momentary_lufs, meters.short_lufs, meters.integrated_lufs):
        assert lufs == pytest.approx(-23, abs=0.1)
    alone = measured(tone(5, 10 ** (-23 / 20)))
    assert alone.integrated_lufs == pytest.approx(-26, abs=0.1)
    twice = measured(tone(5, 10 ** (-23 / 20)), dual_mono=True)
    assert twice.integrated_lufs == pytest.approx(-23, abs=0.1)


@pytest.mark.parametrize(("right", "expected"), [(0.1, 1), (-0.1, -1)])
def test_phase_tells_mono_from_inverted(right, expected):
    """The same sound, and the same with one wire crossed."""
    assert measured(tone(2, 0.1), tone(2, right)).correlation == pytest.approx(expected, abs=0.01)


def test_unrelated_channels_have_no_phase_and_mono_has_none_at_all():
    """Nothing is said of a single channel."""
    rng = np.random.default_rng(0)
    left, right = rng.normal(0, 0.1, (2, 2 * RATE_HZ)).astype(np.float32)
    assert measured(left, right).correlation == pytest.approx(0, abs=0.05)
    assert measured(left).correlation is None
    assert measured(left).channels_dbfs == ()


def test_the_range_is_the_distance_of_loud_and_quiet_parts():
    """EBU Tech 3342, case 1: 20 s of -20 and 20 s of -30 dBFS."""
    meters = measured(*2 * [np.concatenate((tone(20, 0.1), tone(20, 0.1 / 10**0.5)))])
    assert meters.range_lu == pytest.approx(10, abs=1)


def test_the_highest_stay_until_they_are_reset():
    """Momentary and short-term loudness."""
    measure = Measure(RATE_HZ)
    for block in (tone(4, 0.5), tone(4, 0.05)):
        measure.push(block[None])
    meters = measure.meters()
    assert meters.highest_momentary_lufs == pytest.approx(meters.momentary_lufs + 20, abs=0.1)
    assert meters.highest_short_lufs > meters.short_lufs + 15
    measure.reset_maxima()
    measure.push(tone(4, 0.05)[None])
    meters = measure.meters()
    assert meters.highest_momentary_lufs == pytest.approx(meters.momentary_lufs, abs=0.1)


def test_another_number_of_channels_begins_anew():
    """A source that changes from mono to stereo does not end the meters."""
    measure = Measure(RATE_HZ)
    measure.push(tone(1, 0.1)[None])
    measure.push(np.stack((tone(1, 0.1), tone(1, 0.1))))
    assert len(measure.meters().channels_dbfs) == 2


def test_a_hole_forgets_what_is_measured_over_time():
    """No window reaches across it; the highest peak stays."""
    measure = Measure(RATE_HZ)
    measure.push(tone(4, 0.5)[None])
    measure.restart()
    meters = measure.meters()
    assert meters.short_lufs is None
    assert meters.highest_peak_db == pytest.approx(-6, abs=0.1)


def test_the_scales_are_those_of_an_ebu_mode_meter():
    """+9 from -18 to +9 LU, +18 from -36 to +18 LU."""
    for scale, low, high in (("+9", -18, 9), ("+18", -36, 18)):
        loudness = [row for row in rows(scale, "LU") if row.relative]
        assert [row.name for row in loudness] == ["M", "S", "I"]
        assert {(row.low, row.high) for row in loudness} == {(low, high)}


def test_loudness_is_read_in_lufs_or_relative_to_the_target():
    """-19.5 LUFS are +3.5 LU over -23, and +4.5 over -24."""
    meters = Meters(momentary_lufs=-19.5, integrated_lufs=-26.0, range_lu=4.0)
    texts = [value.text for value in values(meters, rows("+9", "LUFS"))]
    assert texts[2:5] == ["−19.5", "–", "−26.0"]
    texts = [value.text for value in values(meters, rows("+9", "LU"))]
    assert texts[2:5] == ["+3.5", "–", "−3.0"]
    assert values(meters, rows("+9", "LU"), -24.0)[2].text == "+4.5"
    assert values(meters, rows("+9", "LU"))[2].bars == (3.5,)
    assert extremes(meters, "LU") == "LRA 4.0 LU"
