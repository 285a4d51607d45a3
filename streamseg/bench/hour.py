"""Where the processor time of an hour goes, part by part, as a monitor runs them.

Each part is fed with what the part before it gives out of the demo programme (stereo, 48 kHz,
Opus), in pieces as long as a live source's, so that what a call costs by itself is in the figure.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from streamseg.bench.engine import runner
from streamseg.bench.measure import RATE_HZ, demo, least_s
from streamseg.bench.records import Hour
from streamseg.frontend.features import log_bands, running_norm
from streamseg.frontend.level import Level
from streamseg.frontend.resample import Resampler
from streamseg.frontend.spec import FrontEndSpec
from streamseg.frontend.steps import StepMeter
from streamseg.frontend.stft import Stft
from streamseg.listener import Begin, Listener
from streamseg.messages import Float32Array, Second, Spectra, StreamFormat
from streamseg.models import STEMS, Network, load_any, load_network
from streamseg.settings import Settings
from streamseg.sinks.event_log import EventLog
from streamseg.sinks.events import Clock, Event
from streamseg.sinks.trace_file import TraceFile
from streamseg.stages import SourceFront

HOUR_S = 3600.0


def hour(stem: str, seconds: float, times: int) -> Hour:
    """``seconds`` of the demo programme, the quickest of ``times`` runs, as an hour's share."""
    card = load_any(stem, "cpu").card
    block_s = max(Settings().model.block_s, card.hop_s)
    stereo = demo(seconds)
    size = round(block_s * RATE_HZ)
    blocks = [stereo[at : at + size] for at in range(0, len(stereo) - size + 1, size)]
    per_hour = HOUR_S / (len(blocks) * block_s)
    front = _front(card.front_end, blocks, times)
    if stem not in STEMS:
        behind = (_masks(stem, blocks, block_s, times), 0.0, 0.0)
    else:
        network = load_network(stem, "cpu")
        runs = [_behind(network, blocks, block_s) for _ in range(times + 1)]
        behind = tuple(np.min(runs, axis=0).tolist())
    decode = least_s(lambda: demo(seconds), times)
    return Hour(decode * HOUR_S / seconds, *(part * per_hour for part in (*front, *behind)))


def _front(
    spec: FrontEndSpec, blocks: list[Float32Array], times: int
) -> tuple[float, float, float, float]:
    """Seconds of resampling, transform, bands and measures."""
    mixes = [np.ascontiguousarray(block.mean(axis=1)) for block in blocks]
    resampled: list[Float32Array] = []

    def resample() -> None:
        resampled.clear()
        resampler = Resampler(RATE_HZ, spec.rate_hz)
        resampled.extend(resampler.push(mix) for mix in mixes)

    def transform() -> None:
        stft = Stft(spec.n_fft, spec.hop)
        for part in resampled:
            stft.push(part)

    def bands() -> None:
        filters, norm = log_bands(spec), running_norm(spec)
        for part in resampled:
            frames = filters.push(part)
            if norm is not None:
                norm.push(frames)

    def measures() -> None:
        level = Level(RATE_HZ, spec.frame_s, spec.hop_s)
        meter = StepMeter(RATE_HZ, Settings().alarms.dead_air_dbfs)
        for mix, block in zip(mixes, blocks, strict=True):
            level.push(mix)
            meter.push(mix, block)

    resample_s = least_s(resample, times)
    stft_s = least_s(transform, times)
    bands_s = least_s(bands, times)  # the transform is in it
    return resample_s, stft_s, max(0.0, bands_s - stft_s), least_s(measures, times)


def _masks(stem: str, blocks: list[Float32Array], block_s: float, times: int) -> float:
    """Seconds of a mask network with its map."""
    engine = runner(stem, 1)
    pieces = list(_pieces(SourceFront("0", engine.card, engine.grid, block_s), blocks))
    return least_s(lambda: [engine.run([(0, one)]) for one in pieces], times)


def _pieces(front: SourceFront, blocks: list[Float32Array]) -> Iterable[Spectra]:
    for block in blocks:
        yield from front.push(block.mean(axis=1), block)


def _behind(
    network: Network, blocks: list[Float32Array], block_s: float
) -> tuple[float, float, float]:
    """Seconds of the network, of what its listener decides, and of log and trace."""
    settings, clock = Settings(), time.process_time
    grid = network.grid(RATE_HZ)
    front = SourceFront("bench", network.card, grid, block_s, settings.alarms)
    pieces = list(_pieces(front, blocks))
    events: list[Event] = []
    seconds: list[Second] = []
    begin = Begin(
        "bench",
        StreamFormat(RATE_HZ, 2, "float32", "the demo programme"),
        Clock(datetime.now(UTC), time.monotonic(), RATE_HZ),
    )
    listener = Listener(begin, network, settings, events.append, seconds.append)
    network_s = decisions_s = 0.0
    for one in pieces:
        began = clock()
        job = listener.job(one)
        ready = clock()
        (estimate,) = network.run([job])
        said = clock()
        listener.decide(estimate)
        network_s += said - ready
        decisions_s += (ready - began) + (clock() - said)
    return network_s, decisions_s, _written(settings, events, seconds)


def _written(settings: Settings, events: list[Event], seconds: list[Second]) -> float:
    with tempfile.TemporaryDirectory() as name:
        log = EventLog(Path(name) / "air.jsonl", settings.log)
        trace = TraceFile(Path(name) / "trace", settings.log.trace_mb, lambda source: settings)
        began = time.process_time()
        for event in events:
            log.write(event)
        for second in seconds:
            trace.write(second)
        trace.flush()
        spent_s = time.process_time() - began
        log.close()
        trace.close()
    return spent_s
