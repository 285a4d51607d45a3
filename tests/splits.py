"""Cut a signal into random blocks: the tool behind every "streaming equals offline" test."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from hypothesis import strategies as st

SEEDS = st.integers(0, 2**32 - 1)
"""Draw one of these and hand it to ``blocks``: every seed is another split."""


def blocks(signal: np.ndarray, seed: int) -> Iterator[np.ndarray]:
    """Blocks of 0 to a few thousand samples; small and large ones mixed, empty ones too."""
    rng = np.random.default_rng(seed)
    start = 0
    while start < len(signal):
        size = int(rng.choice([0, 1, 7, 64, 512, 1024, 5000]) * rng.uniform(0.5, 1.5))
        yield signal[start : start + size]
        start += size


def push_all(push: Callable[[np.ndarray], np.ndarray], signal: np.ndarray, seed: int) -> np.ndarray:
    """What ``push`` returns for every block of a random split, put together."""
    return np.concatenate([push(block) for block in blocks(signal, seed)])
