"""Facts about the sound of a region, whole and with one class kept."""

import numpy as np
import pytest

from streamseg.errors import UsageError
from streamseg.messages import Block, Mask
from streamseg.view.export import Region
from streamseg.view.region_sound import measure, pieces

RATE_HZ = 16_000
CLASSES = ("music", "speech", "noise")
TIME_S = np.arange(30 * RATE_HZ) / RATE_HZ
LOW = (0.2 * np.sin(2 * np.pi * 500 * TIME_S)).astype(np.float32)
HIGH = (0.2 * np.sin(2 * np.pi * 6000 * TIME_S)).astype(np.float32)
MIDDLE = slice(RATE_HZ, -RATE_HZ)  # away from the ends of a region


@pytest.fixture
def heard(station):
    """Music below 4 kHz and speech above, half a minute, with its mask."""
    station.hear(LOW + HIGH, block=16_000)
    station.settle()
    prob = np.zeros((3, 4, 300), np.float32)
    prob[0, :2] = 1
    prob[1, 2:] = 1
    freq_hz = np.array([1000.0, 3000, 5000, 7000])
    station.state.show_mask(Mask("studio", CLASSES, prob, freq_hz, 0, 0.1, True))
    return station


def sound(station, start_s, stop_s, keep=""):
    """The left channel of a region."""
    region = Region(round(start_s * RATE_HZ), round(stop_s * RATE_HZ))
    return np.concatenate(list(pieces(station.state, region, RATE_HZ, keep)))[:, 0]


def share(found, tone):
    """How much of a tone there is, 1 is all."""
    return float(np.dot(found, tone) / np.dot(tone, tone))


def test_a_region_comes_in_pieces_and_is_whole(heard):
    """Longer than a piece, and not a multiple of one."""
    found = sound(heard, 1.0, 26.5)
    expected = (LOW + HIGH)[RATE_HZ : round(26.5 * RATE_HZ)]
    np.testing.assert_allclose(found, expected, atol=1 / 32767)


@pytest.mark.parametrize(("keep", "low", "high"), [("music", 1, 0), ("speech", 0, 1)])
def test_one_class_kept_is_that_class(heard, keep, low, high):
    """The other one is gone, across the borders of pieces too."""
    found = sound(heard, 2.0, 25.0, keep)[MIDDLE]
    here = slice(3 * RATE_HZ, 24 * RATE_HZ)
    assert len(found) == len(LOW[here])
    assert share(found, LOW[here]) == pytest.approx(low, abs=0.02)
    assert share(found, HIGH[here]) == pytest.approx(high, abs=0.02)
    rest = found - low * LOW[here] - high * HIGH[here]
    assert np.abs(rest).max() < 0.02


def test_both_channels_are_kept(station):
    """The mask of the mix is laid over each."""
    both = np.stack((LOW + HIGH, LOW - HIGH), axis=1)[: 6 * RATE_HZ]
    station.feed.tap("studio", Block(both.mean(axis=1), 0, both))
    station.settle()
    prob = np.zeros((3, 4, 60), np.float32)
    prob[0, :2] = prob[1, 2:] = 1
    freq_hz = np.array([1000.0, 3000, 5000, 7000])
    station.state.show_mask(Mask("studio", CLASSES, prob, freq_hz, 0, 0.1, True))
    region = Region(0, 6 * RATE_HZ)
    found = np.concatenate(list(pieces(station.state, region, RATE_HZ, "speech")))[MIDDLE]
    here = slice(RATE_HZ, 5 * RATE_HZ)
    assert [share(channel, HIGH[here]) for channel in found.T] == pytest.approx([1, -1], abs=0.02)


def test_where_there_was_no_mask_the_nearest_one_goes_on(station):
    """At the start of a stream the first windows are still to come."""
    station.hear(LOW[: 8 * RATE_HZ] + HIGH[: 8 * RATE_HZ], block=16_000)
    station.settle()
    prob = np.zeros((3, 4, 10), np.float32)
    prob[0, :2] = prob[1, 2:] = 1
    freq_hz = np.array([1000.0, 3000, 5000, 7000])
    station.state.show_mask(Mask("studio", CLASSES, prob, freq_hz, 3 * RATE_HZ, 0.1, True))
    found = sound(station, 0.0, 8.0, "music")[MIDDLE]
    assert share(found, LOW[RATE_HZ : 7 * RATE_HZ]) == pytest.approx(1, abs=0.02)
    assert share(found, HIGH[RATE_HZ : 7 * RATE_HZ]) == pytest.approx(0, abs=0.02)


def test_without_a_mask_no_class_can_be_kept(station):
    """The error says how to get one."""
    station.hear(LOW[:RATE_HZ])
    station.settle()
    with pytest.raises(UsageError, match=r"model\.mask"):
        pieces(station.state, Region(0, RATE_HZ), RATE_HZ, "speech")


def test_a_mask_that_says_nothing_keeps_nothing(heard):
    """All classes zero: the same error, and no crash."""
    prob, freq_hz = np.zeros((3, 4, 300), np.float32), np.array([1000.0, 3000, 5000, 7000])
    heard.state.show_mask(Mask("studio", CLASSES, prob, freq_hz, 0, 0.1, True))
    with pytest.raises(UsageError, match="expected a mask of music"):
        pieces(heard.state, Region(0, RATE_HZ), RATE_HZ, "music")


def test_a_region_is_measured_like_a_programme():
    """A tone of -20 dBFS in both channels: R 128 adds them."""
    tone = (0.1 * np.sin(2 * np.pi * 1000 * TIME_S)).astype(np.float32)
    facts = measure(iter(np.array_split(np.stack((tone, tone), axis=1), 7)), RATE_HZ)
    assert facts.level_dbfs == pytest.approx(-20, abs=0.05)
    assert facts.peak_dbfs == pytest.approx(-20, abs=0.05)
    assert facts.lufs == pytest.approx(-20, abs=0.1)


def test_silence_has_no_level():
    """Nothing is made up."""
    facts = measure(iter([np.zeros((RATE_HZ, 1), np.float32)]), RATE_HZ)
    assert (facts.level_dbfs, facts.peak_dbfs, facts.lufs) == (None, None, None)
