"""``python -m streamseg.bench.one_core``: the figures of one core, in a process that has only one.

Reads what is wanted as arguments, writes one JSON object on standard output and a line of progress
on standard error for every part. ``report`` is its only caller.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from streamseg.bench.measure import on_one_core

if TYPE_CHECKING:
    from streamseg.bench.records import Batch, Limits, Machine, NetworkFigures
    from streamseg.messages import Float32Array

BATCHES = (8, 32, 128)
LEAST_PIECES = 4  # of a batch: two are not counted
LONG_S = 5.0  # masks are never drawn in pieces as long as this
MOST_S = 200.0  # sound in one call: long pieces of many sources only fill the memory


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured."""

    single_s: float
    hour_s: float
    batch_s: float
    """Source-seconds of a batch, but some pieces at least."""
    times: int
    steady_blocks: int
    pieces_s: tuple[float, ...]
    """Of batches, besides ``model.block_s``."""


EFFORTS = {
    "tiny": Effort(4.0, 2.0, 1.0, 0, 2, ()),  # what comes of it are no figures, only numbers
    "quick": Effort(40.0, 20.0, 100.0, 1, 10, (1.0, 10.0)),
    "full": Effort(120.0, 60.0, 500.0, 3, 50, (1.0, 10.0)),
}


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("stems", nargs="+")
    parser.add_argument("--effort", choices=EFFORTS, default="quick")
    options = parser.parse_args()
    on_one_core()
    # Only now: numpy starts as many threads as it may when it is loaded.
    from streamseg.bench.measure import demo

    effort = EFFORTS[options.effort]
    _told("limits of this machine")
    longest_s = max((effort.single_s, *(LEAST_PIECES * piece_s for piece_s in effort.pieces_s)))
    samples = demo(longest_s).mean(axis=1)
    machine, against = _machine(), _limits(samples, effort)
    networks = []
    for stem in options.stems:
        _told(stem)
        networks.append(asdict(_network(stem, samples, against.matmul_gmacs, effort)))
    found = {"machine": asdict(machine), "limits": asdict(against), "networks": networks}
    json.dump(found, sys.stdout)


def _told(part: str) -> None:
    print(part, file=sys.stderr, flush=True)


def _machine() -> Machine:
    import numpy as np

    from streamseg.bench.records import Machine
    from streamseg.models.session import RUNTIME

    load = round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None
    return Machine(
        processor=_processor(),
        cores=os.cpu_count() or 1,
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        numpy=np.__version__,
        onnxruntime=RUNTIME,
        load=load,
    )


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _limits(samples: Float32Array, effort: Effort) -> Limits:
    from streamseg.bench import limits
    from streamseg.models import load_card
    from streamseg.settings import Settings

    front = load_card(Settings().model.name).front_end
    return limits.measure(front, samples, effort.times + 2)


def _network(
    stem: str, samples: Float32Array, matmul_gmacs: float, effort: Effort
) -> NetworkFigures:
    from streamseg.bench import engine, limits
    from streamseg.bench.hour import hour
    from streamseg.bench.measure import RATE_HZ
    from streamseg.bench.records import NetworkFigures
    from streamseg.bench.steady import steady
    from streamseg.models import STEMS, load_any
    from streamseg.offline import PIECE_S
    from streamseg.settings import Settings

    loaded = load_any(stem, "cpu")
    card, block_s = loaded.card, Settings().model.block_s
    alone = samples[: round(effort.single_s * RATE_HZ)]
    single = engine.best(stem, 1, alone, min(PIECE_S, effort.single_s / 4), effort.times)
    live = engine.best(stem, 1, alone, block_s, effort.times)
    batches = [
        _batch(stem, sources, samples, piece_s, effort)
        for piece_s in (block_s, *effort.pieces_s)
        if stem in STEMS or piece_s < LONG_S
        for sources in BATCHES
        if sources * piece_s <= MOST_S
    ]
    fastest = max(
        [single.audio_s / single.network_s, *(one.network_times_real_time for one in batches)]
    )
    gmacs = fastest * card.macs_per_audio_s / 1e9
    return NetworkFigures(
        stem=stem,
        provider=loaded.provider,
        single_times_real_time=single.times_real_time,
        live_times_real_time=live.times_real_time,
        batches=tuple(batches),
        hour=hour(stem, effort.hour_s, max(1, effort.times)),
        macs_per_audio_s=card.macs_per_audio_s,
        network_gmacs=gmacs,
        times_limit=matmul_gmacs / gmacs,
        naive_over_streaming=limits.naive_over_streaming(card, max(1, effort.times)),
        peak_memory_mb=0.0,  # of a process of its own; ``report`` knows
        steady=steady(stem, effort.steady_blocks),
    )


def _batch(stem: str, sources: int, samples: Float32Array, piece_s: float, effort: Effort) -> Batch:
    from streamseg.bench import engine
    from streamseg.bench.measure import RATE_HZ
    from streamseg.bench.records import Batch
    from streamseg.models import load_card

    piece_s = max(piece_s, load_card(stem).hop_s)
    seconds = max(effort.batch_s / sources, LEAST_PIECES * piece_s)
    part = samples[: round(seconds * RATE_HZ)]
    spent = engine.best(stem, sources, part, piece_s, effort.times)
    return Batch(sources, piece_s, spent.times_real_time, spent.audio_s / spent.network_s)


if __name__ == "__main__":
    main()
