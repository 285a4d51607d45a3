"""Facts about the frequency units of stem masks."""

import numpy as np

from streamseg.frontend import units


def test_units_cover_every_bin_once():
    """1024 bins, 512 units, in order, single bins below."""
    assert (units.BINS, units.UNITS) == (1024, 512)
    one_each = units.sums(np.ones(units.BINS, np.float32))
    np.testing.assert_array_equal(one_each[:256], 1)
    np.testing.assert_array_equal(one_each[256:384], 2)
    np.testing.assert_array_equal(one_each[384:], 4)


def test_spreading_gives_each_bin_the_value_of_its_unit():
    """Sums of what was spread are the values times the sizes."""
    values = np.random.default_rng(0).random((3, units.UNITS)).astype(np.float32)
    spread = units.spread(values)
    assert spread.shape == (3, units.BINS)
    sizes = units.sums(np.ones(units.BINS, np.float32))
    np.testing.assert_allclose(units.sums(spread), values * sizes, rtol=1e-6)


def test_middles_rise_and_lie_between_the_bins_of_their_unit():
    """The middle of a unit of four bins lies half a bin beside its second one."""
    middles = units.middles_hz(22_050, 2048)
    bin_hz = 22_050 / 2048
    assert np.all(np.diff(middles) > 0)
    assert middles[10] == 10 * bin_hz
    assert middles[-1] == (1020 + 1.5) * bin_hz
