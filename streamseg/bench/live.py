"""The whole monitor at the speed of the sound: its share of a core, and how late its answers are.

An input device, or the demo programme decoded and paced as a live source would be (blocks of
40 ms), goes through ``pipeline.Monitor`` with both networks, the alarms, the event log and the
trace on disk. Every answer is timed when it leaves the network's thread, every block when it enters
the analysis.
"""

from __future__ import annotations

import os
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from streamseg.bench.process import held_mb, spent_s
from streamseg.bench.records import Latency, Live, Spread
from streamseg.capture.base import Source
from streamseg.capture.choose import SourceOptions, any_source
from streamseg.capture.media import MediaSource
from streamseg.messages import Block, Estimate, Mask
from streamseg.models import MaskNetwork, ModelCard, Network, load_mask_network, load_network
from streamseg.pipeline import Monitor
from streamseg.resources import demo_dir
from streamseg.settings import Settings
from streamseg.sinks.event_log import EventLog
from streamseg.sinks.events import Event
from streamseg.sinks.trace_file import TraceFile
from streamseg.stages import SourceFront

START_S = 2.0  # threads, caches and windows: not counted in the share of the core


@dataclass(frozen=True, slots=True)
class Said:
    """An estimate or a mask, and the moment at which it was there."""

    at_s: float
    record: Estimate | Mask


class Watch:
    """Notes blocks on the way in and answers on the way out; each list has one writer."""

    def __init__(self) -> None:
        self.blocks: list[tuple[float, int]] = []  # moment, samples so far
        self.estimates: list[Said] = []
        self.masks: list[Said] = []
        self.rate_hz = 0  # as the first event says

    def tap(self, source: str, block: Block) -> None:
        """Analysis thread."""
        self.blocks.append((time.perf_counter(), block.sample + len(block.samples)))

    def watch(self, estimate: Estimate) -> None:
        """Thread of the network."""
        self.estimates.append(Said(time.perf_counter(), estimate))

    def mask(self, mask: Mask) -> None:
        """Thread of the masks."""
        if mask.final:
            self.masks.append(Said(time.perf_counter(), mask))

    def made_s(self, rate_hz: int) -> float:
        """The moment of sample 0, by the block that came soonest after it was made."""
        return min(moment - end / rate_hz for moment, end in self.blocks)


def live(model: str, mask: str, seconds: float, device: str | None = None) -> Live:
    """Monitor an input device, or the demo programme, for so long.

    The programme ends after a minute and a half. Raises what the device raises when it is opened.
    """
    settings = Settings()
    source: Source
    if device is None:
        programme = demo_dir() / "demo.opus"
        source = MediaSource(programme, "mean", settings.capture, realtime=True)
    else:
        source = any_source(device, SourceOptions(), settings.capture)
    network, masks = load_network(model), load_mask_network(mask)
    watch = Watch()
    with tempfile.TemporaryDirectory() as name:
        log = EventLog(Path(name) / "air.jsonl", settings.log)
        trace = TraceFile(Path(name) / "trace", settings.log.trace_mb, lambda source: settings)

        def sink(event: Event) -> None:
            watch.rate_hz = event.stamp.rate_hz
            log.write(event)

        engine = Monitor(
            [source],
            network,
            settings,
            sink,
            watch.watch,
            watch.tap,
            mask_network=masks,
            masks=watch.mask,
            trace=trace.write,
        )
        engine.start()
        try:
            threading.Event().wait(START_S)
            wall_s, cpu_s = time.perf_counter(), spent_s()
            engine.wait(seconds)
            cpu_s = spent_s() - cpu_s
            wall_s = time.perf_counter() - wall_s
        finally:
            engine.stop()
            log.close()
            trace.close()
    for failure in engine.failures:
        raise failure.error
    return Live(
        source=source.name if device is not None else "the demo programme",
        model=model,
        mask=mask,
        seconds=wall_s,
        block_s=settings.model.block_s,
        cpu_percent_of_core=100 * cpu_s / wall_s,
        memory_mb=held_mb(os.getpid()),
        latencies=_latencies(watch, network, masks, settings.model.block_s),
    )


def _latencies(
    watch: Watch, network: Network, masks: MaskNetwork, block_s: float
) -> tuple[Latency, ...]:
    rate_hz = watch.rate_hz
    made_s = watch.made_s(rate_hz)
    grid = network.grid(rate_hz)
    complete = _completing(network.card, network, watch, rate_hz, block_s)
    first: dict[str, tuple[list[float], list[float]]] = {
        "provisional": ([], []),
        "confirmed": ([], []),
    }
    told = {"provisional": 0, "confirmed": 0}
    for said, (completed_s, _) in zip(watch.estimates, complete, strict=False):
        estimate = said.record
        assert isinstance(estimate, Estimate)
        known = estimate.first_frame + len(estimate.level_dbfs)
        for answer, ahead in (("provisional", len(estimate.early)), ("confirmed", 0)):
            for frame in range(told[answer], known + ahead):
                heard_s = made_s + grid.centre(estimate.origin, frame) / rate_hz
                first[answer][0].append(said.at_s - heard_s)
                first[answer][1].append(said.at_s - completed_s)
            told[answer] = max(told[answer], known + ahead)
    mask = _of_masks(watch, masks, made_s, rate_hz, block_s)
    return tuple(_latency(answer, *lists) for answer, lists in (*first.items(), ("mask", mask)))


def _of_masks(
    watch: Watch, masks: MaskNetwork, made_s: float, rate_hz: int, block_s: float
) -> tuple[list[float], list[float]]:
    total: list[float] = []
    computing: list[float] = []
    complete = iter(_completing(masks.card, masks, watch, rate_hz, block_s))
    completed = next(complete, None)
    for said in watch.masks:
        mask = said.record
        assert isinstance(mask, Mask)
        # The unit is final with the windows that end with a later one: that piece completed it.
        units = mask.prob.shape[2]
        last = (mask.sample + units * mask.unit_s * rate_hz) / rate_hz
        last += masks.card.lookahead_s("confirmed")
        while completed is not None and completed[1] < last - mask.unit_s / 2:
            completed = next(complete, None)
        if completed is None:
            break
        for unit in range(units):
            heard_s = made_s + mask.sample / rate_hz + (unit + 0.5) * mask.unit_s
            total.append(said.at_s - heard_s)
            computing.append(said.at_s - completed[0])
    return total, computing


def _completing(
    card: ModelCard, network: Network | MaskNetwork, watch: Watch, rate_hz: int, block_s: float
) -> list[tuple[float, float]]:
    """For every piece in order: when the block came that completed it, and the sound it ends with.

    Found by pushing silence of the same blocks through the same front end.
    """
    front = SourceFront("bench", card, network.grid(rate_hz), block_s)
    found = []
    before = 0
    for moment, end in watch.blocks:
        for one in front.push(np.zeros(end - before, np.float32)):
            frames = one.first_frame + len(one.power)
            found.append((moment, frames * card.front_end.hop_s))
        before = end
    return found


def _latency(answer: str, total: list[float], computing: list[float]) -> Latency:
    every, spent = np.array(total or [0.0]), np.array(computing or [0.0])
    return Latency(answer, len(total), _spread(every), _spread(every - spent), _spread(spent))


def _spread(latencies_s: NDArray[np.float64]) -> Spread:
    return Spread(*(np.percentile(latencies_s, (50, 95, 99)) * 1e3).tolist())
