"""The facts that the ring promises, each by its name."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamseg.ring import ring_buffer


def column(*values: float) -> np.ndarray:
    """Frames of one channel."""
    return np.array(values, np.float32).reshape(-1, 1)


@pytest.fixture
def eager_threads() -> Iterator[None]:
    """The interpreter changes threads 500 times as often as it normally does."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def test_new_ring_is_empty_and_all_free() -> None:
    """A new ring holds nothing, has room for its capacity, and has refused nothing."""
    producer, consumer = ring_buffer(3)
    assert producer.free_frames == 3
    assert consumer.available_frames == 0
    assert consumer.pop(10).shape == (0, 1)
    assert producer.refused_frames == consumer.refused_frames == 0


def test_full_to_the_last_frame() -> None:
    """Exactly the capacity fits, and not one frame more."""
    producer, consumer = ring_buffer(3)
    assert producer.push(column(1, 2, 3))
    assert producer.free_frames == 0
    assert not producer.push(column(4))
    assert consumer.pop(9).ravel().tolist() == [1, 2, 3]


def test_refused_block_leaves_no_trace_but_its_count() -> None:
    """A block that does not fit is refused whole, counted, and what was there stays as it was."""
    producer, consumer = ring_buffer(4)
    producer.push(column(1, 2, 3))
    assert not producer.push(column(8, 9))
    assert producer.refused_frames == consumer.refused_frames == 2
    assert producer.push(column(4))
    assert consumer.pop(4).ravel().tolist() == [1, 2, 3, 4]


def test_block_larger_than_the_ring_is_refused() -> None:
    """A block that could never fit is refused like any other, without wrapping over itself."""
    producer, consumer = ring_buffer(2)
    assert not producer.push(column(1, 2, 3))
    assert (producer.refused_frames, consumer.available_frames) == (3, 0)


def test_wraps_around_inside_a_block() -> None:
    """A block across the end of the storage comes out in one piece."""
    producer, consumer = ring_buffer(4)
    producer.push(column(1, 2, 3))
    consumer.pop(2)
    assert producer.push(column(4, 5, 6))
    assert consumer.pop(4).ravel().tolist() == [3, 4, 5, 6]


def test_popped_frames_belong_to_the_reader() -> None:
    """Later pushes never change what was popped before."""
    producer, consumer = ring_buffer(2)
    producer.push(column(1, 2))
    mine = consumer.pop(2)
    producer.push(column(3, 4))
    assert mine.ravel().tolist() == [1, 2]


def test_channels_stay_side_by_side() -> None:
    """A frame of several channels stays one frame."""
    producer, consumer = ring_buffer(3, channels=2)
    frames = np.arange(6, dtype=np.float32).reshape(3, 2)
    producer.push(frames)
    np.testing.assert_array_equal(consumer.pop(3), frames)


@pytest.mark.parametrize(("capacity", "channels"), [(0, 1), (1, 0), (-1, 2)])
def test_ring_without_room_cannot_be_made(capacity: int, channels: int) -> None:
    """A ring needs at least one frame and one channel."""
    with pytest.raises(ValueError, match="at least 1"):
        ring_buffer(capacity, channels)


@pytest.mark.usefixtures("eager_threads")
def test_hundred_thousand_frames_through_a_capacity_of_three() -> None:
    """Two threads pass 100 000 frames through a ring of three: all arrive, once, in order."""
    total = 100_000
    producer, consumer = ring_buffer(3)
    values = np.arange(total, dtype=np.float32).reshape(-1, 1)  # exact in float32 up to 2**24
    pushes = [0]

    def write() -> None:
        position = 0
        while position < total:
            # Wait for room by looking, so that nothing is refused on the way.
            count = min(producer.free_frames, total - position)
            if count:
                assert producer.push(values[position : position + count])
                position += count
                pushes[0] += 1
            else:
                time.sleep(0)

    thread = threading.Thread(target=write)
    thread.start()
    received: list[np.ndarray] = []
    count = 0
    while count < total:
        frames = consumer.pop(3)
        if frames.size:
            received.append(frames)
            count += frames.shape[0]
        else:
            time.sleep(0)
    thread.join()
    np.testing.assert_array_equal(np.concatenate(received), values)
    assert producer.refused_frames == 0
    assert pushes[0] >= total / 3  # it did go through in small pieces


@pytest.mark.usefixtures("eager_threads")
def test_refused_count_is_exact_between_two_threads() -> None:
    """However the threads interleave, what arrived and what was refused add up to what was sent."""
    total = 20_000
    producer, consumer = ring_buffer(3)
    accepted: list[float] = []

    def write() -> None:
        for number in range(total):
            if producer.push(column(number)):
                accepted.append(number)

    thread = threading.Thread(target=write)
    thread.start()
    received: list[float] = []
    while thread.is_alive() or consumer.available_frames:
        received.extend(consumer.pop(3).ravel().tolist())
        time.sleep(0)
    assert received == accepted
    assert len(received) + producer.refused_frames == total


@given(
    capacity=st.integers(1, 8),
    steps=st.lists(st.tuples(st.booleans(), st.integers(0, 10)), max_size=60),
)
def test_behaves_like_a_list_with_a_limit(capacity: int, steps: list[tuple[bool, int]]) -> None:
    """Any sequence of pushes and pops gives what a plain list with a limit would give."""
    producer, consumer = ring_buffer(capacity)
    model: list[float] = []
    refused = 0
    number = 0
    for is_push, count in steps:
        if is_push:
            block = column(*range(number, number + count))
            number += count
            fits = len(model) + count <= capacity
            assert producer.push(block) is fits
            if fits:
                model.extend(block.ravel().tolist())
            else:
                refused += count
        else:
            taken, model = model[:count], model[count:]
            assert consumer.pop(count).ravel().tolist() == taken
        assert consumer.available_frames == len(model)
        assert producer.free_frames == capacity - len(model)
        assert consumer.refused_frames == refused
