"""``streamseg bench``: how fast the networks run here, as tables or as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from streamseg.bench.records import Batch, Hour, Live, NetworkFigures, Report
from streamseg.bench.report import measure
from streamseg.models import BAND_STEMS, MASK_STEMS, STEMS

PLACES = 12  # lines that allocate most; JSON has all


def run(
    console: Console,
    screen: Console,
    stems: Sequence[str],
    device: str | None = None,
    *,
    full: bool,
    as_json: bool,
) -> None:
    """Measure these networks (none: all) and print; ``screen`` is told how far it has come.

    Raises ConfigError for an unknown network.
    """
    wanted = list(stems) or [*STEMS, *MASK_STEMS, *BAND_STEMS]
    with screen.status("measuring") as status:
        report = measure(
            wanted,
            effort="full" if full else "quick",
            device=device,
            tell=lambda part: status.update(f"measuring: {part}"),
        )
    if as_json:
        print(json.dumps(asdict(report), indent=1))
        return
    _print(console, report)


def _print(console: Console, report: Report) -> None:
    machine, limits = report.machine, report.limits
    console.print(
        f"{machine.processor}, {machine.cores} cores; Python {machine.python}, numpy "
        f"{machine.numpy}, onnxruntime {machine.onnxruntime}; load {machine.load}"
    )
    console.print(_speed(report.networks))
    console.print(_batches(report.networks))
    console.print(_hours(report.networks))
    console.print(
        f"A float32 product of 1024 x 1024 matrices: {limits.matmul_gmacs:.1f} billion "
        f"multiply-adds a second. Features of a file: scipy {limits.scipy_features_ms:.2f} ms per "
        f"second of sound, the stream {limits.streaming_features_ms:.2f} ms "
        f"({limits.streaming_over_scipy:.2f} of it)."
    )
    _print_live(console, report.live)
    console.print(_steady(report.networks))
    console.print("Sample to picture: python benchmarks/bench_window.py")


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, box=None, pad_edge=False, title_justify="left")
    table.add_column(columns[0])
    for heading in columns[1:]:
        table.add_column(heading, justify="right")
    return table


def _speed(networks: Sequence[NetworkFigures]) -> Table:
    table = _table(
        "\nTimes real time on one core, front end to decisions",
        "network",
        "one source",
        "live pieces",
        "G multiply-adds/s",
        "times the limit",
        "sliding window / stream",
        "peak memory",
    )
    for one in networks:
        table.add_row(
            one.stem,
            f"{one.single_times_real_time:.0f}",
            f"{one.live_times_real_time:.0f}",
            f"{one.network_gmacs:.1f}",
            f"{one.times_limit:.2f}",
            f"{one.naive_over_streaming:.1f}",
            f"{one.peak_memory_mb:.0f} MB",
        )
    return table


def _batches(networks: Sequence[NetworkFigures]) -> Table:
    sizes = sorted({one.sources for figures in networks for one in figures.batches})
    columns = [f"{size} sources" for size in sizes]
    table = _table(
        "\nSource-seconds per second and core, side by side (the network alone)",
        "network, piece",
        *columns,
    )
    for figures in networks:
        for piece_s in sorted({one.piece_s for one in figures.batches}):
            row = {one.sources: one for one in figures.batches if one.piece_s == piece_s}
            table.add_row(
                f"{figures.stem}, {piece_s:.2g} s",
                *(_rates(row[size]) if size in row else "" for size in sizes),
            )
    return table


def _rates(batch: Batch) -> str:
    return f"{batch.times_real_time:.0f} ({batch.network_times_real_time:.0f})"


def _hours(networks: Sequence[NetworkFigures]) -> Table:
    parts = [part for part in Hour.__dataclass_fields__]
    table = _table(
        "\nProcessor seconds for an hour of sound in live pieces", "network", *parts, "all"
    )
    for one in networks:
        values = asdict(one.hour)
        table.add_row(one.stem, *(f"{values[part]:.1f}" for part in parts), f"{one.hour.total:.1f}")
    return table


def _print_live(console: Console, live: Live) -> None:
    console.print(
        f"\nOne live source, {live.source}, with {live.model} and {live.mask}, log and trace: "
        f"{live.cpu_percent_of_core:.1f} % of a core, {live.memory_mb:.0f} MB"
    )
    table = _table(
        f"From sample to answer in ms (p50, p95, p99), pieces of {live.block_s:g} s",
        "answer",
        "all",
        "method",
        "computing",
        "answers",
    )
    for one in live.latencies:
        spreads = (one.total, one.algorithmic, one.computing)
        table.add_row(
            one.answer,
            *(f"{s.p50_ms:.1f} {s.p95_ms:.1f} {s.p99_ms:.1f}" for s in spreads),
            str(one.count),
        )
    console.print(table)


def _steady(networks: Sequence[NetworkFigures]) -> Table:
    table = _table(
        "\nSteady state of front end and network: allocations of 512 bytes and more",
        "network",
        "a block",
        "a second",
        "KB a block",
        "growth, bytes a block",
    )
    for one in networks:
        steady = one.steady
        table.add_row(
            f"{one.stem}, {steady.block_s:.2g} s",
            f"{steady.allocations_per_block:.1f}",
            f"{steady.allocations_per_s:.0f}",
            f"{steady.bytes_per_block / 1e3:.0f}",
            f"{steady.growth_bytes_per_block:.0f}",
        )
        for place in steady.places[:PLACES]:
            table.add_row(
                f"  {place.where}", f"{place.times:.1f}", "", f"{place.bytes / 1e3:.1f}", ""
            )
    return table
