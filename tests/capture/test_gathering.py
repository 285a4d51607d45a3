"""Larger pieces hold the same sound, in the same order, with its errors behind it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamseg.capture.decoded import Decoded
from streamseg.capture.gathering import Gathering
from streamseg.errors import SourceUnavailableError

RATE_HZ = 1000


class Packets:
    """A decoder that gives what it was told to."""

    damaged_packets = 0

    def __init__(self, items: list[Decoded | Exception]) -> None:
        self.items = list(items)
        self.closed = False

    def read(self) -> Decoded | None:
        """The next."""
        if not self.items:
            return None
        item = self.items.pop(0)
        if isinstance(item, Exception):
            raise item
        return item

    def close(self) -> None:
        """Remember it."""
        self.closed = True


def packet(start: int, count: int, rate_hz: int = RATE_HZ, channels: int = 1) -> Decoded:
    """Frames with their positions and their time."""
    frames = np.arange(start, start + count, dtype=np.float32)[:, None].repeat(channels, axis=1)
    return Decoded(frames, rate_hz, start / RATE_HZ)


@given(st.lists(st.integers(1, 40), max_size=40), st.integers(0, 60))
def test_pieces_hold_all_sound_in_order(sizes: list[int], least: int) -> None:
    """Every piece but the last is long enough, and begins at the time of its first packet."""
    starts = np.cumsum([0, *sizes])
    packets = [packet(int(start), size) for start, size in zip(starts, sizes, strict=False)]
    gathering = Gathering(Packets(packets), least / RATE_HZ)
    pieces = list(iter(gathering.read, None))
    together = np.concatenate([piece.frames[:, 0] for piece in pieces] or [np.empty(0)])
    np.testing.assert_array_equal(together, np.arange(starts[-1]))
    assert all(len(piece.frames) >= least for piece in pieces[:-1])
    assert all(piece.at_s == piece.frames[0, 0] / RATE_HZ for piece in pieces)
    assert gathering.read() is None


def test_a_change_of_format_ends_a_piece() -> None:
    """Sound of another rate or other channels is never put behind."""
    packets = [packet(0, 3), packet(3, 2, rate_hz=500), packet(5, 2, channels=2), packet(7, 9)]
    gathering = Gathering(Packets(packets), 1.0)
    shapes = [(piece.rate_hz, piece.frames.shape) for piece in iter(gathering.read, None)]
    assert shapes == [(1000, (3, 1)), (500, (2, 1)), (1000, (2, 2)), (1000, (9, 1))]


def test_an_error_comes_after_the_sound_before_it() -> None:
    """What was decoded is heard; then the connection is broken, once."""
    decoder = Packets([packet(0, 3), packet(3, 3), SourceUnavailableError("broken"), packet(6, 1)])
    gathering = Gathering(decoder, 1.0)
    piece = gathering.read()
    assert piece is not None
    assert len(piece.frames) == 6
    with pytest.raises(SourceUnavailableError, match="broken"):
        gathering.read()
    after = gathering.read()
    assert after is not None
    assert len(after.frames) == 1
    gathering.close()
    assert decoder.closed
