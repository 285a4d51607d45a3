"""Nothing on the tape changes its place: sound, holes and events come out in order."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamseg.capture.base import Lost, Restored
from streamseg.capture.decoded import Conform, Decoded
from streamseg.capture.tape import TapeReader, TapeWriter, tape
from streamseg.messages import Block, Loss

RATE_HZ = 1000


def ends(capacity: int, block: int = 100) -> tuple[TapeWriter, TapeReader]:
    """A tape for so many frames, in blocks of at most ``block``."""
    return tape(capacity / RATE_HZ, Conform(1, 1, RATE_HZ), block / RATE_HZ)


def ramp(start: int, count: int) -> Decoded:
    """Frames that carry their own true position."""
    frames = np.arange(start, start + count, dtype=np.float32).reshape(-1, 1)
    return Decoded(frames, RATE_HZ)


def test_hole_is_reported_where_it_is() -> None:
    """Refused sound becomes one loss between the sound before and after it."""
    writer, reader = ends(4)
    assert writer.push(ramp(0, 3))
    assert not writer.push(ramp(3, 2))
    assert not writer.push(ramp(5, 2))
    first = reader.read()
    assert isinstance(first, Block)
    assert first.samples.tolist() == [0, 1, 2]
    assert reader.read() is None
    assert writer.push(ramp(7, 2))
    assert reader.read() == Loss(7, 4, "ring")
    after = reader.read()
    assert isinstance(after, Block)
    assert (after.sample, after.samples.tolist()) == (7, [7, 8])


def test_events_keep_their_place_between_sound() -> None:
    """Lost and restored come after all that was heard before, and the counter skips the gap."""
    writer, reader = ends(100)
    writer.push(ramp(0, 5))
    writer.lost("gone")
    writer.restored(0.05)
    writer.push(ramp(55, 1))
    first = reader.read()
    assert isinstance(first, Block)
    assert first.samples.size == 5
    assert reader.read() == Lost(5, "gone")
    assert reader.read() == Restored(55, 0.05)
    last = reader.read()
    assert isinstance(last, Block)
    assert last.sample == 55


def test_hole_before_a_drop_is_not_forgotten() -> None:
    """Sound refused right before the source is lost is still reported as a loss."""
    writer, reader = ends(2)
    writer.push(ramp(0, 2))
    writer.push(ramp(2, 2))
    writer.lost("gone")
    assert isinstance(reader.read(), Block)
    assert reader.read() == Loss(4, 2, "ring")
    assert reader.read() == Lost(4, "gone")


def test_blocks_stay_below_the_limit() -> None:
    """However long a piece is, a block has at most the limit."""
    writer, reader = ends(100, block=7)
    writer.push(ramp(0, 20))
    sizes = []
    while isinstance(block := reader.read(), Block):
        sizes.append(block.samples.size)
    assert sizes == [7, 7, 6]


def test_what_has_gathered_becomes_one_block() -> None:
    """Who reads late gets less often more, up to the limit, and no piece is cut for it."""
    writer, reader = ends(100, block=30)
    for start in range(0, 80, 10):
        writer.push(ramp(start, 10))
    sizes = []
    while isinstance(block := reader.read(), Block):
        assert block.samples[0] == block.sample
        sizes.append(block.samples.size)
    assert sizes == [30, 30, 20]
    assert writer.push(ramp(80, 100))  # all of the room is there again


def test_blocks_do_not_reach_over_what_happened() -> None:
    """Pieces before and after an event, or of another format, stay apart."""
    writer, reader = ends(1000, block=100)
    writer.push(ramp(0, 10))
    writer.lost("gone")
    writer.restored(0.0)
    writer.push(ramp(10, 10))
    writer.push(Decoded(np.ones((5, 2), np.float32), RATE_HZ))
    found = []
    while (delivery := reader.read()) is not None:
        found.append(delivery.samples.size if isinstance(delivery, Block) else type(delivery))
    assert found == [10, Lost, Restored, 10, 5]


def test_another_rate_is_resampled_and_its_tail_comes_before_the_drop() -> None:
    """What the resampler still held belongs to what was heard before."""
    writer, reader = ends(2000, block=2000)
    writer.push(ramp(0, 500))
    writer.push(Decoded(np.ones((250, 1), np.float32), RATE_HZ // 2))
    writer.lost("gone")
    heard = 0
    while isinstance(found := reader.read(), Block):
        heard += found.samples.size
    assert heard == pytest.approx(1000, abs=2)
    assert found == Lost(heard, "gone")


@given(
    st.integers(1, 12),
    st.lists(st.tuples(st.sampled_from(["push", "read", "skip"]), st.integers(1, 8)), max_size=80),
)
def test_counter_always_tells_the_true_position(
    capacity: int, steps: list[tuple[str, int]]
) -> None:
    """Whatever is refused or skipped, a sample that is delivered carries its true position."""
    writer, reader = ends(capacity, block=5)
    position = 0

    def check() -> None:
        delivery = reader.read()
        if isinstance(delivery, Block):
            expected = np.arange(delivery.sample, delivery.sample + delivery.samples.size)
            np.testing.assert_array_equal(delivery.samples, expected)

    for what, count in steps:
        if what == "push":
            writer.push(ramp(position, count))
            position += count
        elif what == "skip":
            writer.lost("gap")
            writer.restored(count / RATE_HZ)
            position += count
        else:
            check()
    for _ in range(300):
        check()
    writer.push(ramp(position, 1))
    check()
    check()
    assert reader.sample == position + 1


def test_two_threads_lose_nothing_between_them() -> None:
    """Fifty thousand samples through a tape of three hundred: each arrives, or is in a loss."""
    writer, reader = ends(300)
    total, piece = 50_000, 50

    def write() -> None:
        for start in range(0, total, piece):
            writer.push(ramp(start, piece))
        writer.lost("the end")

    thread = threading.Thread(target=write)
    thread.start()
    heard = lost = 0
    while not isinstance(found := reader.read(), Lost):
        if isinstance(found, Block):
            assert found.samples[0] == found.sample == heard + lost
            heard += found.samples.size
        elif isinstance(found, Loss):
            lost += found.frames
    thread.join()
    assert heard + lost == total
    assert heard > 0
