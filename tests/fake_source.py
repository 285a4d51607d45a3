"""A source that delivers what a test tells it to."""

from __future__ import annotations

import numpy as np

from streamseg.capture.base import Delivery
from streamseg.messages import Block, StreamFormat

RATE_HZ = 16_000


class FakeSource:
    """Delivers ``script`` one by one: records, or errors to raise."""

    def __init__(
        self, script: list[Delivery | Exception], name: str = "fake", live: bool = False
    ) -> None:
        self.name, self.live, self.bad_samples = name, live, 0
        self.script = list(script)
        self.closed = 0

    @property
    def exhausted(self) -> bool:
        """Nothing left of the script."""
        return not self.script

    def open(self) -> StreamFormat:
        """Always works."""
        return StreamFormat(RATE_HZ, 1, "float32", "a test")

    def read(self, timeout_s: float) -> Delivery | None:
        """The next of the script, at once."""
        item = self.script.pop(0)
        if isinstance(item, Exception):
            raise item
        return item

    def close(self) -> None:
        """Counts."""
        self.closed += 1


def cut(samples: np.ndarray, size: int = 1600, first: int = 0) -> list[Delivery]:
    """Blocks of ``size`` samples with their positions, the first at ``first``."""
    return [
        Block(samples[start : start + size].astype(np.float32), first + start)
        for start in range(0, len(samples), size)
    ]
