"""Figures for Prometheus, made from the board at the moment of a scrape.

A scrape runs on the thread of the HTTP server and costs well under a millisecond a source. The
registry is our own: nothing else of this process appears, but its memory and CPU time.
"""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from streamseg import __version__
from streamseg.sinks.board import LABELS, Board, SourceState
from streamseg.sinks.event_log import EventLog
from streamseg.sinks.fan_out import FanOut


class BoardCollector(Collector):
    """Turns the board into metrics."""

    def __init__(self, board: Board, log: EventLog, fan_out: FanOut) -> None:
        self._board = board
        self._log = log
        self._fan_out = fan_out

    def collect(self) -> Iterator[Metric]:
        """Everything; called by the registry."""
        yield from self._sources()
        yield from self._program()

    def _sources(self) -> list[Metric]:
        of_class = ["source", "class"]
        probability = _gauge("probability", "Newest probability of a class", of_class)
        on_air = _gauge("on_air", "1 while a segment of the class is open", of_class)
        seconds = _counter("segment_seconds", "Sound of a class so far", of_class)
        level = _gauge("level_dbfs", "Mean level of the newest sound", ["source"])
        loudness = _gauge("loudness_lufs", "Loudness by BS.1770", ["source", "window"])
        dropped = _counter("dropped_samples", "Samples that nobody heard", ["source"])
        up = _gauge("source_up", "1 while the source delivers", ["source"])
        gaps = _counter("source_gaps", "How often the source was lost and came back", ["source"])
        gap_s = _counter("gap_seconds", "How long it was away, together", ["source"])
        queue = _gauge("queue_seconds", "Sound that waits for the network", ["source"])
        drift = _gauge("clock_drift_ppm", "How much too fast its clock is", ["source"])
        alarm = _gauge("alarm", "1 while a rule is broken", ["source", "rule", "severity"])

        def look(state: SourceState) -> None:
            name = state.name
            for label, value in state.probability.items():
                probability.add_metric([name, label], value)
            if state.classes:
                for label in (*state.classes, "silence"):
                    on_air.add_metric([name, label], label in state.open)
                level.add_metric([name], state.level_dbfs)
            for label in LABELS:
                seconds.add_metric([name, label], state.segment_s(label))
            for window, lufs in state.lufs.items():
                loudness.add_metric([name, window], lufs)
            dropped.add_metric([name], state.dropped_samples)
            up.add_metric([name], state.condition == "up")
            gaps.add_metric([name], state.gaps)
            gap_s.add_metric([name], state.gap_s)
            queue.add_metric([name], state.queue_s)
            if state.drift_ppm is not None:
                drift.add_metric([name], state.drift_ppm)
            for raised in state.raised.values():
                alarm.add_metric([name, raised.rule, raised.severity], 1)

        self._board.read(look)
        all_of_them: list[Metric] = [probability, on_air, seconds, level, loudness, dropped]
        return [*all_of_them, up, gaps, gap_s, queue, drift, alarm]

    def _program(self) -> list[Metric]:
        factor = _gauge("realtime_factor", "Sound computed in a second of computing", ["model"])
        factor.add_metric([self._board.model], self._board.realtime_factor)
        events = _counter("events", "Events by kind", ["event"])
        for name, count in self._board.events().items():
            events.add_metric([name], count)
        waiting = _gauge("output_waiting_events", "Events in a queue", ["output"])
        lost = _counter("output_dropped_events", "Events that an output never got", ["output"])
        waiting.add_metric(["log"], self._log.waiting)
        lost.add_metric(["log"], self._log.lost)
        for lane in self._fan_out.lanes:
            waiting.add_metric([lane.name], lane.waiting)
            lost.add_metric([lane.name], lane.dropped)
        info = _gauge("build_info", "Always 1", ["version"])
        info.add_metric([__version__], 1)
        return [factor, events, waiting, lost, info]


def _gauge(name: str, what: str, labels: list[str]) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"streamseg_{name}", what, labels=labels)


def _counter(name: str, what: str, labels: list[str]) -> CounterMetricFamily:
    return CounterMetricFamily(f"streamseg_{name}", what, labels=labels)


def metrics_routes(board: Board, log: EventLog, fan_out: FanOut) -> list[Route]:
    """``/metrics``, and a word at ``/``."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(BoardCollector(board, log, fan_out))
    ProcessCollector(registry=registry)

    async def metrics(request: Request) -> Response:
        return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def root(request: Request) -> Response:
        return PlainTextResponse("streamseg: figures for Prometheus are at /metrics\n")

    return [Route("/metrics", metrics), Route("/", root)]
