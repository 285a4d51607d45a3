"""What is measured of a source while it runs, and what that says about the picture. No Qt."""

from __future__ import annotations

from dataclasses import dataclass

from streamseg.view.latency import ArrivalClock, Latencies
from streamseg.view.programme import Programme
from streamseg.view.records import Health


@dataclass(slots=True)
class Timing:
    """What the feed of the current source measures; the state's lock guards it."""

    clock: ArrivalClock
    last_arrival_s: float
    speed: float | None = None
    network_speed: float | None = None
    undrawn_s: float = 0.0
    masks_dropped_s: float = 0.0
    stems_dropped_s: float = 0.0
    tapped: int = 0
    """Position after the newest sample that arrived."""


def health_of(programme: Programme, timing: Timing, latencies: Latencies, now_s: float) -> Health:
    """At ``now_s`` on the monotonic clock."""
    newest = programme.frames.newest
    behind_s = None if newest is None else timing.clock.age_s(newest, now_s)
    waiting_s = (timing.tapped - (newest or 0)) / programme.rate_hz
    explained_s = programme.source.lookahead_s + 2 * programme.source.block_s
    return Health(
        latency=latencies.percentiles(),
        decided_behind_s=behind_s if programme.condition == "live" else None,
        queue_s=max(0.0, waiting_s - explained_s),
        speed=timing.speed,
        network_speed=timing.network_speed,
        dropped_s=programme.dropped_s,
        undrawn_s=timing.undrawn_s,
        masks_dropped_s=timing.masks_dropped_s,
        stems_dropped_s=timing.stems_dropped_s,
        silent_for_s=max(0.0, now_s - timing.last_arrival_s),
    )
