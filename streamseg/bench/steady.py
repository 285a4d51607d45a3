"""What front end and network allocate for a block once they run: every line that does, and growth.

``tracemalloc`` knows how much memory Python and numpy hold. Between two lines of streamseg its peak
is set back, so what a line takes shows even if it gives it back at once. Tracing makes the program
some ten times slower: nothing is timed here.
"""

from __future__ import annotations

import sys
import tracemalloc
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import streamseg
from streamseg.bench.engine import runner
from streamseg.bench.measure import RATE_HZ, demo
from streamseg.bench.records import Place, Steady
from streamseg.settings import Settings
from streamseg.stages import SourceFront

WARM_S = 6.0  # every window is full, every delay line too
GROWTH_BLOCKS = 100  # what waits for a whole step of the network comes and goes meanwhile
SMALLEST = 512  # bytes: numbers and records of a few fields come from Python's own pools

_HOME = str(Path(streamseg.__file__).parent)
_BENCH = str(Path(__file__).parent)


class Lines:
    """Counts what each line of streamseg allocates while ``watch`` runs something."""

    def __init__(self) -> None:
        self.times: dict[str, int] = defaultdict(int)
        self.bytes: dict[str, int] = defaultdict(int)
        self._place = ""

    def watch(self, work: Callable[[], object]) -> None:
        """Run it on this thread; ``tracemalloc`` must be tracing."""
        before = sys.gettrace()
        self._place = ""
        tracemalloc.reset_peak()
        self._held = tracemalloc.get_traced_memory()[0]
        sys.settrace(self._trace)
        try:
            work()
        finally:
            sys.settrace(before)

    def _trace(self, frame: FrameType, event: str, argument: Any) -> Any:
        if not _ours(frame):
            return None  # what a library does is its caller's
        self._count()
        following = frame.f_back if event == "return" else frame
        self._place = _place(following) if following is not None and _ours(following) else ""
        tracemalloc.reset_peak()
        self._held = tracemalloc.get_traced_memory()[0]
        return self._trace

    def _count(self) -> None:
        taken = tracemalloc.get_traced_memory()[1] - self._held
        if self._place and taken >= SMALLEST:
            self.times[self._place] += 1
            self.bytes[self._place] += taken


def _ours(frame: FrameType) -> bool:
    name = frame.f_code.co_filename
    return name.startswith(_HOME) and not name.startswith(_BENCH)


def _place(frame: FrameType) -> str:
    path = Path(frame.f_code.co_filename).relative_to(_HOME)
    return f"{path.as_posix()}:{frame.f_lineno} {frame.f_code.co_name}"


def steady(stem: str, blocks: int) -> Steady:
    """Blocks of ``model.block_s`` (or one answer, where that is longer) through one network."""
    engine = runner(stem, 1)
    block_s = max(Settings().model.block_s, engine.card.hop_s)
    size = round(block_s * RATE_HZ)
    front = SourceFront("0", engine.card, engine.grid, block_s)
    warm = max(4, round(WARM_S / block_s))
    sound = demo((warm + GROWTH_BLOCKS + blocks) * block_s)[:, 0].copy()
    at = 0

    def block() -> None:
        nonlocal at
        for one in front.push(sound[at : at + size]):
            engine.run([(0, one)])
        at += size

    lines = Lines()
    tracing = tracemalloc.is_tracing()
    tracemalloc.start()
    try:
        for _ in range(warm):
            block()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(GROWTH_BLOCKS):
            block()
        growth = (tracemalloc.get_traced_memory()[0] - before) / GROWTH_BLOCKS
        for _ in range(blocks):
            lines.watch(block)
    finally:
        if not tracing:
            tracemalloc.stop()
    places = [
        Place(where, times / blocks, lines.bytes[where] / blocks)
        for where, times in lines.times.items()
    ]
    places.sort(key=lambda place: place.bytes, reverse=True)
    count = sum(place.times for place in places)
    return Steady(
        block_s=block_s,
        blocks=blocks,
        allocations_per_block=count,
        allocations_per_s=count / block_s,
        bytes_per_block=sum(place.bytes for place in places),
        growth_bytes_per_block=growth,
        places=tuple(places),
    )
