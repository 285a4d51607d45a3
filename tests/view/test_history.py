"""Facts about the bounded memories of the window."""

import numpy as np
import pytest

from streamseg.messages import Mask
from streamseg.view.history import ColumnRing, FrameRing, Frames, MaskRing

CLASSES = ("music", "speech", "noise")


def columns(first, count):
    """Column c holds c modulo 251 in every bin."""
    return np.repeat(np.arange(first, first + count)[:, None] % 251, 4, axis=1).astype(np.uint8)


def test_a_column_is_read_back_where_it_was_written():
    """After the ring has turned many times too, and in pieces of any size."""
    ring = ColumnRing(512, 4)
    position = 0
    for size in (1, 7, 300, 64, 511, 3, 900, 2):
        ring.write(position, columns(position, size))
        position += size
    data, present = ring.read(position - 512, position)
    assert present.all()
    np.testing.assert_array_equal(data, columns(position - 512, 512))


def test_columns_that_were_left_out_are_not_present():
    """A hole stays a hole, and what lay there a turn ago is gone."""
    ring = ColumnRing(512, 4)
    ring.write(0, columns(0, 512))
    ring.write(600, columns(600, 10))
    data, present = ring.read(500, 610)
    assert present.tolist() == [True] * 12 + [False] * 88 + [True] * 10
    assert data[-1, 0] == 609 % 251


def test_what_was_overwritten_is_not_present():
    """Older than the capacity is not kept, at any level."""
    ring = ColumnRing(512, 4)
    ring.write(0, columns(0, 600))
    assert ring.first == 88
    assert not ring.read(0, 88)[1].any()
    assert not ring.read(0, 10, level=1)[1].any()


@pytest.mark.parametrize("size", [1, 5, 64, 200])
def test_a_coarse_column_is_the_maximum_of_its_eight(size):
    """Whatever the pieces they came in."""
    rng = np.random.default_rng(1)
    data = rng.integers(0, 255, (1400, 4)).astype(np.uint8)
    ring = ColumnRing(512, 4)
    for start in range(0, 1400, size):
        ring.write(start, data[start : start + size])
    coarse, present = ring.read(120, 170, level=1)
    assert present.all()
    np.testing.assert_array_equal(coarse, data[960:1360].reshape(50, 8, 4).max(axis=1))
    np.testing.assert_array_equal(
        ring.read(16, 21, level=2)[0], data[1024:1344].reshape(5, 64, 4).max(axis=1)
    )


def frames(first, count):
    """Frame k lies at sample 10 k, with probability k of a thousand."""
    index = np.arange(first, first + count)
    confirmed = np.repeat(index[:, None] / 1000, 3, axis=1).astype(np.float32)
    return Frames(index * 10, confirmed / 2, confirmed, -index.astype(np.float32))


def test_frames_are_found_by_their_position():
    """Before, while and after the ring turns."""
    ring = FrameRing(100, 3)
    for start in range(0, 330, 30):
        ring.write(frames(start, 30))
        newest = start + 29
        low = max(0, newest - 80)
        got = ring.read(low * 10, newest * 10 + 1)
        assert got.sample.tolist() == list(range(low * 10, newest * 10 + 1, 10))
        np.testing.assert_allclose(got.confirmed[:, 1], got.sample / 10_000, rtol=1e-6)
        np.testing.assert_allclose(got.provisional, got.confirmed / 2)
        np.testing.assert_allclose(got.level_dbfs, -got.sample / 10)


def test_too_many_frames_are_averaged_in_fixed_groups():
    """The mean of a constant is the constant, and groups do not move with the window."""
    ring = FrameRing(1000, 3)
    ring.write(frames(0, 900))
    one = ring.read(1000, 5000, most=50)
    two = ring.read(1010, 5000, most=50)
    assert len(one.sample) <= 51
    np.testing.assert_allclose(one.confirmed[1:-1], two.confirmed[1:-1])


def test_frames_from_the_past_are_refused():
    """Positions only rise."""
    ring = FrameRing(100, 3)
    ring.write(frames(0, 10))
    ring.write(frames(5, 10))
    assert ring.read(0, 10_000).sample.tolist() == [10 * k for k in range(15)]


def mask(value, sample, units=10, unit_s=0.1, final=True, bands=8):
    """A mask with one value everywhere."""
    prob = np.full((3, bands, units), value, np.float32)
    return Mask("studio", CLASSES, prob, np.linspace(100, 4000, bands), sample, unit_s, final)


def test_a_mask_lies_on_the_columns_whose_middle_it_covers():
    """Columns of 160 samples, units of 1600 at 16 kHz: ten columns a unit."""
    ring = MaskRing(1000)
    assert ring.read(np.arange(5)) is None
    assert ring.write(mask(1.0, 16_000), 160, 16_000) == (100, 200)
    got = ring.read(np.arange(98, 203))
    assert got.present.tolist() == [False] * 2 + [True] * 100 + [False] * 3
    assert (got.prob[2:102] == 255).all()


def test_a_final_unit_replaces_a_provisional_one_and_never_the_other_way():
    """What is sure stays."""
    ring = MaskRing(1000)
    ring.write(mask(0.2, 0, final=False), 160, 16_000)
    ring.write(mask(0.8, 0, units=5), 160, 16_000)
    ring.write(mask(0.4, 0, final=False), 160, 16_000)
    got = ring.read(np.arange(100))
    assert got.final.tolist() == [True] * 50 + [False] * 50
    assert got.prob[:50].min() == 204
    assert got.prob[50:].max() == 102


def test_a_mask_with_very_many_units_is_averaged():
    """Memory has a bound whatever a network gives."""
    ring = MaskRing(100)
    ring.write(mask(0.6, 0, bands=1000), 160, 16_000)
    got = ring.read(np.arange(3))
    assert got.prob.shape == (3, 3, 125)
    assert set(np.unique(got.prob).tolist()) == {153}
