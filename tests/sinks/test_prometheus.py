"""The figures, as a scrape gets them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from made_events import RATE_HZ, closed, lost, opened, raised, restored, stamp, started
from prometheus_client.parser import text_string_to_metric_families

from streamseg.messages import Estimate
from streamseg.sinks.board import Board
from streamseg.sinks.event_log import EventLog
from streamseg.sinks.events import Overload
from streamseg.sinks.fan_out import FanOut
from streamseg.sinks.http_server import Address, HttpServer
from streamseg.sinks.prometheus import metrics_routes


class Scraped:
    """A board behind a server."""

    def __init__(self, folder: Path) -> None:
        self.board = Board(["studio", 'a "b"\n\\'], "activity")
        self.log = EventLog(folder / "log.jsonl")
        routes = metrics_routes(self.board, self.log, FanOut(self.log))
        self.server = HttpServer(Address("127.0.0.1", 0), routes, "metrics.listen")
        self.server.start()

    def text(self) -> str:
        """One scrape."""
        return httpx.get(f"http://127.0.0.1:{self.server.port}/metrics").text

    def value(self, name: str, **labels: str) -> float | None:
        """A sample of a scrape, or None."""
        for family in text_string_to_metric_families(self.text()):
            for sample in family.samples:
                if sample.name == name and sample.labels == labels:
                    return float(sample.value)
        return None


@pytest.fixture
def scraped(tmp_path: Path) -> Iterator[Scraped]:
    """The server runs until the test is over."""
    made = Scraped(tmp_path)
    yield made
    made.server.stop()
    made.log.close()


def test_every_promised_name_is_there(scraped: Scraped) -> None:
    """Those that dashboards and alert rules are built on."""
    board = scraped.board
    board.apply(started())
    scores = np.array([[0.25, 0.5, 0.75]], np.float32)
    level = np.array([-20.0], np.float32)
    board.estimated(Estimate("studio", ("music", "speech", "noise"), scores, scores, level, 0, 0))
    board.heard("studio", 3 * RATE_HZ)
    board.measured("studio", 0, 2.5, {"momentary": -23.0, "integrated": float("-inf")})
    board.worked(100.0, 0.5)
    board.apply(opened(1, "speech"))
    board.apply(closed(0, 2.25, "music"))
    board.apply(Overload(stamp(2), 0.5, "ring"))
    studio = {"source": "studio"}
    value = scraped.value
    assert value("streamseg_probability", **studio, **{"class": "noise"}) == 0.75
    assert value("streamseg_segment_seconds_total", **studio, **{"class": "music"}) == 2.25
    assert value("streamseg_level_dbfs", **studio) == pytest.approx(-20)
    assert value("streamseg_loudness_lufs", **studio, window="momentary") == -23
    assert value("streamseg_loudness_lufs", **studio, window="integrated") == float("-inf")
    assert value("streamseg_dropped_samples_total", **studio) == RATE_HZ / 2
    assert value("streamseg_source_up", **studio) == 1
    assert value("streamseg_realtime_factor", model="activity") == 200
    assert value("streamseg_queue_seconds", **studio) == 0.5
    assert value("streamseg_on_air", **studio, **{"class": "speech"}) == 1
    assert value("streamseg_on_air", **studio, **{"class": "silence"}) == 0
    assert value("streamseg_events_total", event="overload") == 1


def test_a_lost_source_is_down(scraped: Scraped) -> None:
    """And up again when it is back, with its gap counted."""
    scraped.board.apply(started())
    scraped.board.apply(lost(5))
    assert scraped.value("streamseg_source_up", source="studio") == 0
    scraped.board.apply(restored(9, 4))
    assert scraped.value("streamseg_source_up", source="studio") == 1
    assert scraped.value("streamseg_gap_seconds_total", source="studio") == 4
    assert scraped.value("streamseg_source_gaps_total", source="studio") == 1


def test_a_broken_rule_is_a_sample_while_it_is_broken(scraped: Scraped) -> None:
    """With its severity."""
    scraped.board.apply(started())
    scraped.board.apply(raised(5))
    labels = {"source": "studio", "rule": "dead_air", "severity": "alarm"}
    assert scraped.value("streamseg_alarm", **labels) == 1


def test_names_of_sources_are_escaped(scraped: Scraped) -> None:
    """Quotes, line ends and backslashes come back as they were."""
    assert scraped.value("streamseg_source_up", source='a "b"\n\\') == 0


def test_nothing_else_of_the_process_is_told(scraped: Scraped) -> None:
    """Our own registry: our names, and memory and CPU time of the process."""
    families = {family.name for family in text_string_to_metric_families(scraped.text())}
    assert all(name.startswith(("streamseg_", "process_")) for name in families)
