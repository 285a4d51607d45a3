"""Nothing on the tape changes its place: frames, holes and events come out in order."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streamseg.capture.base import Lost, Restored
from streamseg.capture.tape import tape
from streamseg.messages import Block, Loss


def mono(frames: np.ndarray) -> np.ndarray:
    """The only channel."""
    return frames.reshape(-1)


def ramp(start: int, count: int) -> np.ndarray:
    """Frames that carry their own true position."""
    return np.arange(start, start + count, dtype=np.float32).reshape(-1, 1)


def test_hole_is_reported_where_it_is() -> None:
    """Refused frames become one loss between the frames before and after them."""
    writer, reader = tape(4, 1, mono, 100)
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


def test_events_keep_their_place_between_frames() -> None:
    """Lost and restored come after all that was heard before, and the counter skips the gap."""
    writer, reader = tape(100, 1, mono, 100)
    writer.push(ramp(0, 5))
    writer.lost("gone")
    writer.restored(0.5, 50)
    writer.push(ramp(55, 1))
    first = reader.read()
    assert isinstance(first, Block)
    assert first.samples.size == 5
    assert reader.read() == Lost(5, "gone")
    assert reader.read() == Restored(55, 0.5)
    last = reader.read()
    assert isinstance(last, Block)
    assert last.sample == 55


def test_hole_before_a_drop_is_not_forgotten() -> None:
    """Frames refused right before the source is lost are still reported as a loss."""
    writer, reader = tape(2, 1, mono, 100)
    writer.push(ramp(0, 2))
    writer.push(ramp(2, 2))
    writer.lost("gone")
    assert isinstance(reader.read(), Block)
    assert reader.read() == Loss(4, 2, "ring")
    assert reader.read() == Lost(4, "gone")


def test_blocks_stay_below_the_limit() -> None:
    """However much lies on the tape, one read takes at most the limit."""
    writer, reader = tape(100, 1, mono, 7)
    writer.push(ramp(0, 20))
    sizes = []
    while isinstance(block := reader.read(), Block):
        sizes.append(block.samples.size)
    assert sizes == [7, 7, 6]


@given(
    st.integers(1, 12),
    st.lists(st.tuples(st.sampled_from(["push", "read", "skip"]), st.integers(1, 8)), max_size=80),
)
def test_counter_always_tells_the_true_position(
    capacity: int, steps: list[tuple[str, int]]
) -> None:
    """Whatever is refused or skipped, a sample that is delivered carries its true position."""
    writer, reader = tape(capacity, 1, mono, 5)
    position = 0

    def check() -> None:
        delivery = reader.read()
        if isinstance(delivery, Block):
            count = delivery.samples.size
            np.testing.assert_array_equal(
                delivery.samples, ramp(delivery.sample, count).reshape(-1)
            )

    for what, count in steps:
        if what == "push":
            writer.push(ramp(position, count))
            position += count
        elif what == "skip":
            writer.lost("gap")
            writer.restored(count / 10, count)
            position += count
        else:
            check()
    for _ in range(300):
        check()
    writer.push(ramp(position, 1))
    check()
    check()
    assert reader.sample == position + 1
