"""What ``streamseg bench`` says holds together; how fast anything is, is not asserted."""

import json
from dataclasses import asdict

import pytest
from pydantic import TypeAdapter

from streamseg.bench.records import Report
from streamseg.bench.report import measure
from streamseg.commands import bench, console
from streamseg.errors import ConfigError
from streamseg.models import BAND_STEMS, MASK_STEMS, STEMS, load_card

MEASURED = ["activity", "window_mask"]


@pytest.fixture(scope="module")
def report() -> Report:
    """One network of each kind, as little of each as possible."""
    return measure(MEASURED, effort="tiny")


def test_json_and_back_is_the_same_report(report: Report) -> None:
    """Every key is a field, every field has its key, and no figure is infinite or missing."""
    text = json.dumps(asdict(report), allow_nan=False)
    assert TypeAdapter(Report).validate_json(text) == report
    assert json.loads(text)["schema"] == 1


def test_every_network_that_was_asked_for_is_measured(report: Report) -> None:
    """None is left out, and every batch of every one is there."""
    assert [figures.stem for figures in report.networks] == MEASURED
    for figures in report.networks:
        assert [batch.sources for batch in figures.batches] == [8, 32, 128]
        assert figures.macs_per_audio_s == load_card(figures.stem).macs_per_audio_s


def test_figures_are_of_one_kind(report: Report) -> None:
    """Every share is a share of its whole, and nothing that was measured is nothing."""
    for figures in report.networks:
        for batch in figures.batches:
            assert batch.network_times_real_time > 0
            assert batch.times_real_time > 0
        assert figures.peak_memory_mb > 20
        assert figures.naive_over_streaming > 0
        assert figures.hour.network > 0
        assert figures.hour.decode > 0
        parts = asdict(figures.hour).values()
        assert all(part >= 0 for part in parts)
        assert figures.hour.total == pytest.approx(sum(parts))
        gmacs = report.limits.matmul_gmacs / figures.times_limit
        assert figures.network_gmacs == pytest.approx(gmacs)


def test_latency_is_what_the_cards_say_and_a_little_more(report: Report) -> None:
    """The method's part is at least the look-ahead, and at most two pieces and blocks more."""
    card = load_card(report.live.model)
    found = {latency.answer: latency for latency in report.live.latencies}
    assert set(found) == {"provisional", "confirmed", "mask"}
    for latency in found.values():
        assert latency.count > 10
        for spread in (latency.total, latency.computing):
            assert spread.p50_ms <= spread.p95_ms <= spread.p99_ms
        assert latency.computing.p50_ms > 0
    for answer in ("provisional", "confirmed"):
        least_ms = 1e3 * card.lookahead_s(answer)
        assert least_ms < found[answer].algorithmic.p50_ms < least_ms + 500
    assert 0 < report.live.cpu_percent_of_core < 200


def test_every_allocation_is_listed_and_their_number_bounded(report: Report) -> None:
    """The places add up to the block, and name lines of front end, stages or network."""
    for figures in report.networks:
        steady = figures.steady
        assert steady.allocations_per_block == pytest.approx(sum(p.times for p in steady.places))
        assert steady.bytes_per_block == pytest.approx(sum(p.bytes for p in steady.places))
        rooms = {place.where.split("/")[0].split(":")[0] for place in steady.places}
        assert {"frontend", "models"} <= rooms <= {"frontend", "models", "stages.py", "messages.py"}


def test_an_unknown_network_is_refused_before_anything_is_measured() -> None:
    """A typing error costs no minute."""
    with pytest.raises(ConfigError, match="got 'nothing'"):
        measure(["nothing"], effort="quick", tell=lambda part: pytest.fail("it measures"))


@pytest.mark.parametrize(("stem", "why"), [("stem_genre", "masks"), ("stem_unet", "keeps up")])
def test_networks_that_hear_no_live_sound_are_refused(stem: str, why: str) -> None:
    """One goes by the masks of another, one is slower than what it hears."""
    with pytest.raises(ConfigError, match=f"{why}.*got {stem}|got {stem}.*{why}"):
        measure([stem], effort="quick", tell=lambda part: pytest.fail("it measures"))


def test_without_a_choice_all_networks_for_live_sound_are_measured(
    report: Report, monkeypatch
) -> None:
    """Those that say something of samples, faster than these come."""
    asked: list[str] = []
    monkeypatch.setattr(bench, "measure", lambda stems, **rest: asked.extend(stems) or report)
    bench.run(console(), console(stderr=True), [], full=False, as_json=True)
    assert asked == [*STEMS, *MASK_STEMS, *BAND_STEMS]


def test_tables_and_json_say_the_same(report: Report, monkeypatch, capsys) -> None:
    """Both come from one report; JSON is one object on standard output."""
    monkeypatch.setattr(bench, "measure", lambda stems, **rest: report)
    bench.run(console(), console(stderr=True), [], full=False, as_json=True)
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(asdict(report)))
    bench.run(console(), console(stderr=True), [], full=False, as_json=False)
    out = capsys.readouterr().out
    for figures in report.networks:
        assert f"{figures.single_times_real_time:.0f}" in out
    for words in ("confirmed", "% of a core", "Processor seconds", "bench_window.py"):
        assert words in out
