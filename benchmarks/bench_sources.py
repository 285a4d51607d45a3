"""Many sources in one process: ``python benchmarks/bench_sources.py --sources 50 --minutes 10``.

Every source is the demo programme, over and over, from another place on, decoded by FFmpeg and
paced as a live stream by the very reader that live URLs have: a thread that decodes at the speed of
real time into a ring, and drops what nobody takes in time. Everything behind it is what
``streamseg log`` runs: one analysis thread and one network for all, decisions, alarms, the event
log in a file. Two cores may be used.

One process shares an interpreter, of which fifty sources take a good half: for more there is
``--processes``, as a station would run one ``streamseg log`` for each half of its channels.

Printed at the end, and by a single process every minute with ``-v``: sound that was dropped, how
late it was, the share of the two cores, memory. Exit code 1 when anything was dropped.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import click

from streamseg.capture.decoded import Conform, Decoded
from streamseg.capture.media import MediaSource, PyavDecoder
from streamseg.capture.reopening import ReopeningReader
from streamseg.messages import Block, Estimate, StreamFormat
from streamseg.models import load_network
from streamseg.pipeline import Monitor
from streamseg.resources import demo_dir
from streamseg.settings import CaptureSettings, Settings, load
from streamseg.sinks.event_log import EventLog
from streamseg.sinks.events import Event, Overload

CORES = 2
PIECE_S = 0.09
"""Sound in a packet of the network, of a stream of 128 kbit/s."""


@dataclass(frozen=True, slots=True)
class Result:
    """Of one run."""

    sources: int
    model: str
    minutes: float
    dropped_s: float
    dropped_at_start_s: float
    """Before it was measured: while all sources were opened at the same moment."""
    overloads: dict[str, int]
    behind_s: float
    """The longest that the estimates of any source lagged behind its sound."""
    late_s: float
    """The longest that the sound of any source lagged behind real time: for want of a core, the
    decoder did not even get to it. A live stream would wait in the socket, for a while."""
    cpu_share: float
    """Of the two cores."""
    others_share: float
    """What other programs used of the machine meanwhile: they compete for the same cores."""
    memory_mb: float
    events: int
    heard_s: float


class LiveDecoder:
    """Decodes a file over and over, no faster than it sounds; see ``decoded.Decoder``."""

    damaged_packets = 0

    def __init__(self, path: Path, skip_s: float, settings: CaptureSettings) -> None:
        self._path, self._settings = path, settings
        self._decoder = PyavDecoder(str(path), settings)
        self.rate_hz, self.channels = self._decoder.rate_hz, self._decoder.channels
        left = round(skip_s * self.rate_hz)
        while left > 0:
            left -= len(self._next().frames)
        self._began_s = time.monotonic()
        self._delivered = self._arrived = 0

    def _next(self) -> Decoded:
        while (decoded := self._decoder.read()) is None:
            self._decoder.close()
            self._decoder = PyavDecoder(str(self._path), self._settings)
        return decoded

    def read(self) -> Decoded:
        """Sleeps until the packet of the network would have come that completes the frames."""
        decoded = self._next()
        self._delivered += len(decoded.frames)
        if self._delivered > self._arrived:
            self._arrived += round(PIECE_S * self.rate_hz)
            wait_s = self._began_s + self._arrived / self.rate_hz - time.monotonic()
            if wait_s > 0:
                time.sleep(wait_s)
        return decoded

    def close(self) -> None:
        """As the decoder."""
        self._decoder.close()


class LiveFile(MediaSource):
    """A file as a live source that drops what is not taken in time."""

    def __init__(self, path: Path, number: int, settings: CaptureSettings) -> None:
        super().__init__(path, "mean", settings, name=f"station {number}")
        self._number = number

    def open(self) -> StreamFormat:
        """Begin at another place of the programme than the others."""
        decoder = LiveDecoder(Path(self._place), 7.3 * self._number % 10, self._settings)
        self._conform = Conform("mean", decoder.channels, decoder.rate_hz)
        self.live = True
        self._reader = ReopeningReader(lambda: decoder, self._conform, self._settings, self.name)
        self._reader.start(decoder)
        return StreamFormat(decoder.rate_hz, decoder.channels, "opus", "the demo programme")


class Watch:
    """What happens while it runs."""

    def __init__(self, log: EventLog) -> None:
        self.dropped_s = 0.0
        self.overloads: Counter[str] = Counter()
        self.events = 0
        self.heard: dict[str, float] = {}
        self.said: dict[str, float] = {}
        self.behind_s = self.late_s = 0.0
        self.began: dict[str, float] = {}
        self._log = log

    def sink(self, event: Event) -> None:
        """Sink thread."""
        self._log.write(event)
        self.events += 1
        if isinstance(event, Overload):
            self.dropped_s += event.dropped_s
            self.overloads[event.queue] += 1

    def tap(self, source: str, block: Block) -> None:
        """Thread of the source."""
        now_s = time.monotonic()
        heard_s = self.heard[source] = (block.sample + block.samples.size) / self.rate_hz
        began_s = self.began.setdefault(source, now_s - heard_s)
        self.late_s = max(self.late_s, now_s - began_s - heard_s)

    rate_hz = 48_000

    def estimated(self, estimate: Estimate, hop_s: float) -> None:
        """Thread of the network."""
        frames = estimate.first_frame + len(estimate.confirmed)
        self.said[estimate.source] = estimate.origin / self.rate_hz + frames * hop_s
        behind_s = self.heard.get(estimate.source, 0.0) - self.said[estimate.source]
        self.behind_s = max(self.behind_s, behind_s)


def other_work_s() -> float:
    """Seconds of all cores that anybody has used since the machine was started."""
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    idle = int(fields[3]) + int(fields[4])
    return (sum(map(int, fields[:8])) - idle) / os.sysconf("SC_CLK_TCK")


def own_work_s() -> float:
    """Seconds of all cores that this process has used."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def peak_mb() -> float:
    """The most memory that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def run(sources: int, minutes: float, model: str, verbose: bool) -> Result:
    """Monitor for so long."""
    settings: Settings = load(environment={}, flags={"model.name": model}).settings
    network = load_network(model, "cpu")
    stations = [
        LiveFile(demo_dir() / "demo.opus", number, settings.capture) for number in range(sources)
    ]
    with tempfile.TemporaryDirectory() as folder:
        log = EventLog(Path(folder, "log.jsonl"))
        watch = Watch(log)
        hop_s = network.grid(Watch.rate_hz).hop_s

        def estimated(estimate: Estimate) -> None:
            watch.estimated(estimate, hop_s)

        engine = Monitor(stations, network, settings, watch.sink, estimated, watch.tap)
        engine.start()
        while len(watch.said) < sources:  # everybody opens at the same time: not measured
            time.sleep(0.1)
        time.sleep(5)
        watch.began.clear()
        watch.behind_s = watch.late_s = 0.0
        start_s, watch.dropped_s = watch.dropped_s, 0.0
        watch.overloads.clear()
        began_s, own_s, all_s = time.monotonic(), own_work_s(), other_work_s()
        while (passed_s := time.monotonic() - began_s) < 60 * minutes:
            time.sleep(min(60.0, 60 * minutes - passed_s))
            if verbose:
                passed_s = time.monotonic() - began_s
                share = (own_work_s() - own_s) / passed_s / CORES
                print(
                    f"{passed_s / 60:5.1f} min: {watch.dropped_s:.2f} s dropped, up to "
                    f"{watch.behind_s:.2f} s behind, {watch.late_s:.2f} s late, "
                    f"{share:.0%} of {CORES} cores, {peak_mb():.0f} MB",
                    flush=True,
                )
        passed_s = time.monotonic() - began_s
        own_s, all_s = own_work_s() - own_s, other_work_s() - all_s
        behind_s, late_s, dropped_s = watch.behind_s, watch.late_s, watch.dropped_s
        overloads = dict(watch.overloads)
        engine.stop()
        log.close()
    return Result(
        sources=sources,
        model=model,
        minutes=round(passed_s / 60, 1),
        dropped_s=round(dropped_s, 3),
        dropped_at_start_s=round(start_s, 3),
        overloads=overloads,
        behind_s=round(behind_s, 2),
        late_s=round(late_s, 2),
        cpu_share=round(own_s / passed_s / CORES, 3),
        others_share=round((all_s - own_s) / passed_s / (os.cpu_count() or 1), 3),
        memory_mb=round(peak_mb()),
        events=watch.events,
        heard_s=round(sum(watch.heard.values())),
    )


def apart(sources: int, minutes: float, model: str, processes: int) -> list[Result]:
    """The same in some processes at once, each with so many sources."""
    options = ["--sources", str(sources), "--minutes", str(minutes), "-m", model, "--json"]
    command = [sys.executable, __file__, *options]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(processes)]
    return [Result(**json.loads(one.communicate()[0])) for one in running]


def together(results: list[Result]) -> Result:
    """Sums, and of ages and lengths the worst; what one process used is no other program's."""
    worst = {
        "minutes": min(one.minutes for one in results),
        "behind_s": max(one.behind_s for one in results),
        "late_s": max(one.late_s for one in results),
        "overloads": dict(sum((Counter(one.overloads) for one in results), Counter())),
    }
    sums = ("sources", "dropped_s", "dropped_at_start_s", "memory_mb", "events", "heard_s")
    total = {name: round(sum(getattr(one, name) for one in results), 3) for name in sums}
    used = sum(one.cpu_share for one in results)
    # Each counts the others' work among that of other programs.
    others = max(0.0, results[0].others_share - (used - results[0].cpu_share))
    shares = {"cpu_share": round(used, 3), "others_share": round(others, 3)}
    return replace(results[0], **worst, **total, **shares)


@click.command()
@click.option("--sources", default=50, show_default=True)
@click.option("--minutes", default=10.0, show_default=True)
@click.option("-m", "--model", default="activity", show_default=True)
@click.option("--processes", default=1, show_default=True, help="That share the sources evenly.")
@click.option("--json", "as_json", is_flag=True)
@click.option("-v", "--verbose", is_flag=True)
def main(
    sources: int, minutes: float, model: str, processes: int, as_json: bool, verbose: bool
) -> None:
    """Run it."""
    if sources % processes:
        raise click.BadParameter("expected a number of sources that the processes share evenly")
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    if processes == 1:
        result = run(sources, minutes, model, verbose)
    else:
        result = together(apart(sources // processes, minutes, model, processes))
    if as_json:
        click.echo(json.dumps(asdict(result)))
    else:
        for name, value in asdict(result).items():
            click.echo(f"{name:14} {value}")
    sys.exit(1 if result.dropped_s or result.dropped_at_start_s else 0)


if __name__ == "__main__":
    main()
