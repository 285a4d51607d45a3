"""Front end and network reach a steady state: nothing grows, and what a block takes is bounded."""

import tracemalloc

import numpy as np
import pytest

from streamseg.bench.steady import Lines, steady
from streamseg.frontend.level import power_to_dbfs
from streamseg.models import BAND_STEMS, MASK_STEMS, STEMS


@pytest.mark.parametrize("stem", [*STEMS, *MASK_STEMS, *BAND_STEMS])
def test_a_block_allocates_a_bounded_amount_and_leaves_nothing(stem: str) -> None:
    """Some dozen arrays, some megabytes given back, not a kilobyte kept."""
    found = steady(stem, 3)
    assert found.growth_bytes_per_block < 1000
    assert found.allocations_per_block <= 60 * max(1.0, found.block_s / 0.2)
    assert found.bytes_per_block < 9e6 * found.block_s
    assert all(place.bytes >= 512 * place.times for place in found.places)


def test_a_line_that_allocates_is_named() -> None:
    """By its file, number and function, with what it took."""
    power = np.ones(10_000, np.float32)
    lines = Lines()
    tracemalloc.start()
    try:
        lines.watch(lambda: power_to_dbfs(power))
    finally:
        tracemalloc.stop()
    assert lines.times
    assert all(where.startswith("frontend/level.py:") for where in lines.times)
    assert all(where.endswith(" power_to_dbfs") for where in lines.times)
    assert sum(lines.bytes.values()) >= 3 * power.nbytes  # one copy of twice the width, and more
