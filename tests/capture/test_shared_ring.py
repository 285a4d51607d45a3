"""Blocks through shared memory: whole, in order, with holes where they are."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streamseg.capture.shared_ring import BlockReader, BlockWriter, Memory, Shape


def pair(frames: int, channels: int = 1, blocks: int = 8) -> tuple[BlockWriter, BlockReader]:
    """Both ends in one process."""
    shape = Shape(frames, channels, blocks)
    memory = Memory()
    mapped = memory.sized(shape.bytes)
    memory.close()
    memory.close()
    reader = BlockReader(mapped, shape)
    reader.finish()  # both ends are on one processor
    return BlockWriter(mapped, shape), reader


def ramp(start: int, count: int, channels: int = 1) -> np.ndarray:
    """Frames that carry their own position."""
    column = np.arange(start, start + count, dtype=np.float32)
    return column[:, None].repeat(channels, axis=1)


@given(
    st.integers(1, 12),
    st.integers(1, 5),
    st.lists(st.tuples(st.booleans(), st.integers(1, 8)), max_size=80),
)
def test_every_block_arrives_whole_at_its_position_or_not_at_all(
    frames: int, blocks: int, steps: list[tuple[bool, int]]
) -> None:
    """Whatever the sizes: what is read carries its true position, and what is missing is a hole."""
    writer, reader = pair(frames, channels=2, blocks=blocks)
    made = heard = 0
    refused = taken = 0
    for write, count in steps:
        if write:
            refused += 0 if writer.push(ramp(made, count, 2), float(made), False) else count
            made += count
        elif (block := reader.next()) is not None:
            assert block.position >= heard
            assert block.at_s == block.position
            np.testing.assert_array_equal(
                reader.pop(block.frames), ramp(block.position, block.frames, 2)
            )
            heard = block.position + block.frames
            taken += block.frames
    while (block := reader.next()) is not None:
        reader.pop(block.frames)
        taken += block.frames
    assert taken + refused == made == reader.total


def test_several_blocks_may_be_taken_at_once() -> None:
    """What was announced can be popped together, also around the end of the ring."""
    writer, reader = pair(8)
    for start in (0, 3):
        writer.push(ramp(start, 3), 0.0, False)
    assert [reader.next(), reader.next()] != [None, None]
    assert reader.pop(6)[:, 0].tolist() == [0, 1, 2, 3, 4, 5]
    writer.push(ramp(6, 5), 0.0, False)
    reader.next()
    assert reader.pop(5)[:, 0].tolist() == [6, 7, 8, 9, 10]


def test_a_flag_on_a_refused_block_is_not_lost() -> None:
    """An overflow that the back end reported with a block that did not fit comes with the next."""
    writer, reader = pair(4)
    writer.push(ramp(0, 4), 0.0, False)
    assert not writer.push(ramp(4, 2), 0.0, True)
    assert reader.next() is not None
    reader.pop(4)
    writer.push(ramp(6, 2), 0.0, False)
    block = reader.next()
    assert block is not None
    assert (block.position, block.overflow) == (6, True)


def test_the_beat_goes_on_when_the_ring_is_full() -> None:
    """A full ring is no dead device: the time of the newest callback is seen all the same."""
    writer, reader = pair(4)
    for at_s in (1.0, 2.0, 3.0):
        writer.push(ramp(0, 3), at_s, False)
    assert reader.beat_s == 3.0
    assert reader.total == 9


def test_where_stores_may_be_reordered_only_older_blocks_are_taken() -> None:
    """Elsewhere than on x86 a block is taken one look after it was published."""
    writer, reader = pair(8)
    reader._ordered = False
    writer.push(ramp(0, 2), 0.0, False)
    assert reader.next() is None
    assert reader.next() is not None
    writer.push(ramp(2, 2), 0.0, False)
    assert reader.next() is None
    reader.finish()
    assert reader.next() is not None


WRITER = """
import sys, time
import numpy as np
from streamseg.capture.shared_ring import BlockWriter, Shape, attach
shape = Shape(*map(int, sys.argv[2:5]))
writer = BlockWriter(attach(int(sys.argv[1]), "", shape.bytes), shape)
position = 0
while position < 100_000:
    count = 1 + position % 97
    block = np.arange(position, position + count, dtype=np.float32).reshape(-1, 1)
    if writer.push(block, 0.0, False):
        position += count
    else:
        writer._total -= count  # try again: this test wants every sample to arrive
        time.sleep(0.0005)
print("done", flush=True)
sys.stdin.read()
"""


def test_a_hundred_thousand_samples_come_from_another_process() -> None:
    """Through a ring of three hundred: every one, in order, while it is written."""
    shape = Shape(300, 1, 16)
    memory = Memory()
    reader = BlockReader(memory.sized(shape.bytes), shape)
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(memory.descriptor), *map(str, shape)],
        pass_fds=(memory.descriptor,),
        stdin=subprocess.PIPE,
    )
    try:
        position = 0
        while position < 100_000:
            if (block := reader.next()) is not None:
                samples = reader.pop(block.frames)[:, 0]
                assert samples[0] == position
                assert (np.diff(samples) == 1).all()
                position += block.frames
            else:
                assert writer.poll() is None
    finally:
        writer.kill()
        writer.communicate()
        memory.close()
