"""Zeros, and nothing but zeros, for long enough."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streamseg.capture.digital_silence import ZerosBegan, ZerosEnded, ZeroWatch
from streamseg.messages import Block


def watch(samples: np.ndarray, sizes: list[int], limit: int) -> list[ZerosBegan | ZerosEnded]:
    """Push samples in blocks of these sizes, over and over."""
    zeros = ZeroWatch(limit)
    found: list[ZerosBegan | ZerosEnded] = []
    position = turn = 0
    while position < len(samples):
        size = sizes[turn % len(sizes)]
        turn += 1
        found += zeros.push(Block(samples[position : position + size].astype(np.float32), position))
        position += size
    return found


def test_beginning_and_end_are_right_to_the_sample() -> None:
    """The beginning is the first zero, however late it is said; the end the first other sample."""
    samples = np.ones(100)
    samples[30:71] = 0
    began, ended = watch(samples, [7], 20)
    assert isinstance(began, ZerosBegan)
    assert began.sample == 30
    assert 20 <= began.frames < 27
    assert ended == ZerosEnded(71, 41)


def test_one_sample_interrupts() -> None:
    """The smallest number that is not zero is sound."""
    samples = np.zeros(100)
    samples[50] = 1e-30
    assert [type(each) for each in watch(samples, [10], 60)] == []


def test_a_limit_of_nothing_never_says_anything() -> None:
    """Files are not watched."""
    assert watch(np.zeros(1000), [10], 0) == []


@given(
    st.lists(st.tuples(st.booleans(), st.integers(1, 40)), max_size=12),
    st.lists(st.integers(1, 30), min_size=1, max_size=4),
)
def test_any_split_says_the_same(runs: list[tuple[bool, int]], sizes: list[int]) -> None:
    """Ends, and beginnings but for the moment when they are noticed, do not depend on blocks."""
    parts = [np.full(length, float(sounding)) for sounding, length in runs]
    samples = np.concatenate([*parts, np.ones(1)])
    limit = 15
    found = watch(samples, sizes, limit)
    expected = []
    since = None
    for position, value in enumerate(samples):
        if value == 0 and since is None:
            since = position
        if value != 0:
            if since is not None and position - since >= limit:
                expected.append((since, position))
            since = None
    # A run that is just long enough may end in the block in which it would have been noticed.
    ends = {
        (each.sample - each.frames, each.sample) for each in found if isinstance(each, ZerosEnded)
    }
    surely = {run for run in expected if run[1] - run[0] >= limit + max(sizes)}
    assert surely <= ends <= set(expected)
    begins = [each.sample for each in found if isinstance(each, ZerosBegan)]
    assert begins == sorted(begin for begin, _ in ends)
