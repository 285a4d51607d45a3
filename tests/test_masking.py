"""Facts about sound under a mask: reconstruction, placement of gains, splits, and no clicks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from splits import SEEDS, blocks

from streamseg import masking
from streamseg.masking import Keeper, UnitGrid, class_gains, keep_classes
from streamseg.messages import Mask

CLASSES = ("music", "speech", "noise")
UNIT_S = 2048 / 44_100
FREQ_HZ = (np.arange(12) * 16 + 7.5) * 44_100 / 512
RATES = [8_000, 11_025, 16_000, 44_100, 48_000, 96_000, 192_000]


def mask(prob, sample=0):
    """A mask of the real one's units."""
    return Mask("a", CLASSES, prob.astype(np.float32), FREQ_HZ, sample, UNIT_S, True)


def only(name, units=30):
    """Everything belongs to one class."""
    prob = np.zeros((3, 12, units))
    prob[CLASSES.index(name)] = 1
    return prob


def tone(freq_hz, seconds, rate_hz=44_100):
    """A sine of half of full scale."""
    time_s = np.arange(round(seconds * rate_hz)) / rate_hz
    return (0.5 * np.sin(2 * np.pi * freq_hz * time_s)).astype(np.float32)


def level_db(samples):
    """Mean square in decibels."""
    return 10 * np.log10(np.mean(np.square(samples, dtype=np.float64)) + 1e-20)


@pytest.mark.parametrize("rate_hz", RATES)
def test_a_mask_of_ones_gives_the_sound_back(rate_hz, rng):
    """At every rate, in both channels, to the rounding of float32 (2e-7 at this level)."""
    sound = rng.normal(0, 0.1, (2 * rate_hz + 17, 2)).astype(np.float32)
    kept = keep_classes(sound, rate_hz, mask(only("music")), ["music"])
    np.testing.assert_allclose(kept, sound, atol=5e-7)


@pytest.mark.parametrize("rate_hz", RATES)
def test_what_belongs_to_another_class_is_gone(rate_hz, rng):
    """Nothing at all is left where the kept class has no probability."""
    sound = rng.normal(0, 0.1, rate_hz).astype(np.float32)
    kept = keep_classes(sound, rate_hz, mask(only("noise")), ["music", "speech"])
    assert kept.shape == sound.shape
    assert np.abs(kept).max() < 1e-7


def test_each_channel_keeps_its_own_sound(rng):
    """The same gains go onto every channel: a channel alone comes out as it does beside others."""
    sound = rng.normal(0, 0.1, (44_100, 3)).astype(np.float32)
    prob = rng.random((3, 12, 22))
    together = keep_classes(sound, 44_100, mask(prob), ["speech"])
    for channel in range(3):
        alone = keep_classes(sound[:, channel], 44_100, mask(prob), ["speech"])
        np.testing.assert_allclose(together[:, channel], alone, atol=1e-6)


@settings(max_examples=25)
@given(seed=SEEDS, rate_hz=st.sampled_from([8_000, 44_100, 48_000]), late=st.booleans())
def test_any_split_of_sound_and_gains_gives_the_same_sound(seed, rate_hz, late):
    """Tolerance 1e-6: more or fewer transforms in a call may take another path in the FFT."""
    rng = np.random.default_rng(1)
    sound = rng.normal(0, 0.1, (rate_hz + 5, 2)).astype(np.float32)
    gains = rng.random((12, 22)).astype(np.float32)
    grid = UnitGrid(FREQ_HZ, 0.02, UNIT_S)
    whole = Keeper(rate_hz, 2, grid)
    expected = np.concatenate((whole.push_gains(gains), whole.push(sound), whole.flush()))
    split, parts = Keeper(rate_hz, 2, grid), []
    pieces = [(split.push, piece) for piece in blocks(sound, seed)]
    cuts = np.sort(np.random.default_rng(seed).integers(0, 23, 5))
    given_gains = [(split.push_gains, piece) for piece in np.split(gains, cuts, axis=1)]
    if late:
        order = pieces + given_gains
    else:
        order = [x for pair in zip(pieces, given_gains, strict=False) for x in pair]
        order += pieces[len(given_gains) :] + given_gains[len(pieces) :]
    parts = [push(piece) for push, piece in order]
    got = np.concatenate([*parts, split.flush()])
    assert got.shape == sound.shape
    np.testing.assert_allclose(got, expected, atol=1e-6)


def test_sound_without_gains_waits_and_nothing_more():
    """What comes out ends less than a frame before the middle of the newest unit."""
    keeper = Keeper(44_100, 1, UnitGrid(FREQ_HZ, UNIT_S / 2, UNIT_S))
    assert not len(keeper.push(np.zeros((44_100, 1), np.float32)))
    out = len(keeper.push_gains(np.ones((12, 10), np.float32)))
    newest = 9.5 * UNIT_S * 44_100
    assert newest - 512 < out <= newest


def test_the_memory_of_gains_and_sound_is_bounded(rng):
    """After a minute in step, less than a second of either is inside."""
    keeper = Keeper(44_100, 1, UnitGrid(FREQ_HZ, UNIT_S / 2, UNIT_S))
    for _ in range(300):
        keeper.push(np.zeros((2048 * 4, 1), np.float32))
        keeper.push_gains(np.ones((12, 4), np.float32))
    assert keeper._sound.shape[1] < 44_100
    assert len(keeper._gains) < 20


@pytest.mark.parametrize("rate_hz", [44_100, 48_000])
def test_a_gain_works_at_the_frequency_of_its_unit(rate_hz):
    """A tone in the middle of a unit takes that unit's gain, to 0.5 dB.

    A window spreads it over three bins, of which the outer ones lie a little down the slope.
    """
    prob = np.zeros((3, 12, 25))
    prob[2] = 1
    prob[:, 4] = np.array([1, 0, 0])[:, None]
    inside = keep_classes(tone(FREQ_HZ[4], 1, rate_hz), rate_hz, mask(prob), ["music"])
    outside = keep_classes(tone(FREQ_HZ[6], 1, rate_hz), rate_hz, mask(prob), ["music"])
    assert level_db(inside[9_000:-9_000]) == pytest.approx(level_db(tone(1_000, 1)), abs=0.5)
    assert level_db(outside[9_000:-9_000]) < -60


def test_sound_above_the_map_takes_its_highest_unit():
    """At 20 kHz there is no unit: what is decided at 16 kHz goes for it too."""
    prob = np.zeros((3, 12, 25))
    prob[2] = 1
    prob[:, 11] = np.array([1, 0, 0])[:, None]
    high = tone(20_000, 1)
    kept = keep_classes(high, 44_100, mask(prob), ["music"])
    assert level_db(kept[9_000:-9_000]) == pytest.approx(level_db(high), abs=0.1)


def test_a_gain_works_at_the_time_of_its_unit():
    """Half a second in, where the mask begins half a second before the sound."""
    prob = only("noise", 40)
    prob[:, :, 20:] = only("music", 20)
    kept = keep_classes(tone(3_000, 2), 44_100, mask(prob, 100_000), ["music"], sample=122_050)
    change = round(20 * UNIT_S * 44_100) - 22_050
    assert level_db(kept[: change - 1_500]) < -80
    assert level_db(kept[change + 1_500 :]) == pytest.approx(level_db(tone(3_000, 1)), abs=0.1)
    # In the middle between the two units the gain is a half: 6 dB.
    middle = kept[change - 100 : change + 100]
    assert level_db(middle) == pytest.approx(level_db(tone(3_000, 1)) - 6, abs=1.0)


def splatter_db(samples, freq_hz, width_hz=400):
    """Power further than ``width_hz`` from a tone, against all of it."""
    power = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) ** 2
    bins_hz = np.fft.rfftfreq(len(samples), 1 / 44_100)
    away = np.abs(bins_hz - freq_hz) > width_hz
    return 10 * np.log10(power[away].sum() / power.sum())


def test_nothing_clicks_at_the_borders_of_units():
    """A tone that every other unit takes away stays a tone: no power 400 Hz from it or further."""
    prob = np.zeros((3, 12, 45))
    prob[0, :, ::2], prob[2, :, 1::2] = 1, 1
    sound = tone(3_000, 2)
    kept = keep_classes(sound, 44_100, mask(prob), ["music"])
    assert level_db(kept) < level_db(sound) - 3  # the gains did switch
    assert splatter_db(kept, 3_000) < -70
    # The same gains switched hard at the borders do click: the measure can tell.
    unit = np.minimum(np.arange(len(sound)) // 2048, 44)
    assert splatter_db(sound * (unit % 2 == 0), 3_000) > -40


def test_gains_are_shares_of_the_sharpened_probabilities(monkeypatch):
    """With an exponent of 2, 0.8 against 0.2 is 0.64 of 0.68; all classes keep everything."""
    monkeypatch.setattr(masking, "SHARPNESS", 2.0)
    prob = np.array([0.8, 0.2, 0.0]).reshape(3, 1, 1).astype(np.float32)
    assert class_gains(prob, CLASSES, ["music"]).item() == pytest.approx(0.64 / 0.68)
    assert class_gains(prob, CLASSES, CLASSES).item() == pytest.approx(1)
    assert class_gains(prob, CLASSES, ["noise"], floor_db=-20).item() == pytest.approx(0.1)


def test_a_time_unit_that_nobody_drew_takes_the_nearest():
    """A hole in the mask is no hole in the sound."""
    prob = only("music", 20)
    prob[:, :, 5:9] = 0
    prob[:, :, 12:] = only("noise", 8)
    sound = tone(2_000, 20 * UNIT_S)
    kept = keep_classes(sound, 44_100, mask(prob), ["music"])
    until = round(11 * UNIT_S * 44_100)
    np.testing.assert_allclose(kept[:until], sound[:until], atol=1e-6)


def test_impossible_wishes_are_refused():
    """The errors name what there is."""
    sound = tone(1_000, 1)
    with pytest.raises(
        ValueError, match=r"expected classes of music, speech, noise, got \['bass'\]"
    ):
        keep_classes(sound, 44_100, mask(only("music")), ["bass"])
    with pytest.raises(ValueError, match="expected a mask with probabilities"):
        keep_classes(sound, 44_100, mask(np.zeros((3, 12, 4))), ["music"])
    with pytest.raises(ValueError, match="expected gains before the end of the sound"):
        Keeper(44_100, 1, UnitGrid(FREQ_HZ, 0, UNIT_S)).flush()


def test_gains_of_stems_add_up_to_one_at_most():
    """Overlapping classes are gains themselves: several are summed, then sharpened by the mean of
    their exponents, weighted by the gains.
    """
    prob = np.array([0.3, 0.5, 0.4], np.float32)[:, None, None]
    names = ("drums", "bass", "other")
    own = masking.STEM_SHARPNESS
    both = (0.3 * own["drums"] + 0.5 * own["bass"]) / 0.8
    for keep, gain, exponent in (
        (["bass"], 0.5, own["bass"]),
        (["other"], 0.4, own["other"]),
        (["bass", "drums"], 0.8, both),
        (names, 1.0, 1.0),
    ):
        kept = class_gains(prob, names, keep, overlapping=True).item()
        assert kept == pytest.approx(gain**exponent)


def test_a_stem_that_is_not_there_is_silent():
    """A gain of nothing stays nothing, without a division by it."""
    kept = class_gains(
        np.zeros((2, 3, 4), np.float32), ("bass", "drums"), ["bass"], overlapping=True
    )
    assert kept.shape == (3, 4)
    assert 0 <= kept.max() < 1e-5
