"""The texts of status bar and banner: nothing is said that was not measured. No Qt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from streamseg.view.events_text import duration
from streamseg.view.records import Snapshot
from streamseg.view.viewport import Viewport

QUEUE_LIMIT_S = 1.0  # waiting sound from which the picture of the decisions is called late
_ORDER = ("speech", "music", "noise", "silence")
RECENT_S = 10.0  # how long dropped sound is shouted about; the event list keeps it


@dataclass(frozen=True, slots=True)
class Field:
    """One field of the status bar."""

    text: str
    tip: str
    bad: bool = False
    rank: int = 0
    """The higher, the sooner it goes where there is no room."""


@dataclass(frozen=True, slots=True)
class Banner:
    """What stands above the picture when it is not live and healthy."""

    text: str
    kind: Literal["info", "warn", "alarm"]
    rule: str = ""
    """The alarm that this banner speaks of."""
    action: Literal["", "live", "retry", "again", "open"] = ""


def title(snapshot: Snapshot) -> str:
    """What the window is called in a task bar: alarms, state, source."""
    waiting = snapshot.unacknowledged
    alarms = f"⚠ {waiting} · " if waiting else ""
    if snapshot.source is None:
        return f"{alarms}streamseg"
    on_air = snapshot.open_labels if snapshot.condition == "live" else ()
    state = " + ".join(label.upper() for label in sorted(on_air, key=_ORDER.index))
    state = state or snapshot.condition
    name = snapshot.source.name.rsplit("/", 1)[-1] or snapshot.source.name
    return f"{alarms}{state} · {name} · streamseg"


def fields(snapshot: Snapshot, frames_per_s: float | None) -> list[Field]:
    """The status bar from left to right."""
    return [*_of_source(snapshot), *_of_speed(snapshot, frames_per_s)]


def _of_source(snapshot: Snapshot) -> list[Field]:
    words = {
        "idle": "no source",
        "opening": f"opening {snapshot.reason} …",
        "live": "live",
        "starved": "silent line",
        "lost": "lost",
        "ended": "ended",
        "failed": "failed",
    }
    bad = snapshot.condition in ("starved", "lost", "failed")
    made = [Field(f"● {words[snapshot.condition]}", "Condition of the source.", bad)]
    if snapshot.source is not None:
        name = snapshot.source.name
        short = name if len(name) <= 40 else "…" + name[-39:]
        made.append(Field(short, f"Source: {name}", rank=2))
    if snapshot.format is not None:
        form = snapshot.format
        channels = {1: "mono", 2: "stereo"}.get(form.channels, f"{form.channels} ch")
        text = f"{form.rate_hz / 1000:g} kHz {channels} {form.encoding}"
        made.append(Field(text, f"Negotiated format. {form.description}", rank=8))
    if snapshot.source is not None:
        source = snapshot.source
        made.append(
            Field(
                f"{source.model} on {source.provider}",
                "Network, and the execution provider that really runs it "
                f"(look-ahead {source.lookahead_s:.2f} s).",
                rank=6,
            )
        )
        health = snapshot.health
        if source.mask:
            made.append(_of_masks("masks", source.mask, health.masks_dropped_s, 7))
        if source.stems:
            made.append(_of_masks("stems", source.stems, health.stems_dropped_s, 8))
    return made


def _of_masks(what: str, network: str, dropped_s: float, rank: int) -> Field:
    left_out = f", {dropped_s:.1f} s left out" if dropped_s >= 0.05 else ""
    return Field(
        f"{what} {network}{left_out}",
        f"Network that draws the {what}, and what really runs it. Where the machine does not keep "
        "up, stems are left out first, then the masks of the classes, before anything else.",
        rank=rank,
    )


def _of_speed(snapshot: Snapshot, frames_per_s: float | None) -> list[Field]:
    health = snapshot.health
    made = []
    if health.latency is not None and snapshot.condition == "live":
        made.append(
            Field(
                f"picture {1000 * health.latency.p50_s:.0f}/{1000 * health.latency.p95_s:.0f} ms",
                "Age of the newest sample in the picture when it was drawn: median and 95th "
                "percentile of the last 600 pictures, from its arrival in this program.",
                rank=4,
            )
        )
    if health.decided_behind_s is not None:
        made.append(
            Field(
                f"decided −{health.decided_behind_s:.1f} s",
                "Age of the newest confirmed probability: look-ahead of the network, its block, "
                "and what waits.",
                rank=5,
            )
        )
    if health.network_speed is not None:
        made.append(
            Field(
                f"network {health.network_speed:.0f}× real time",
                "Seconds of sound per second of computing in the network."
                + (f" Analysed: {health.speed:.2f} s per second." if health.speed else ""),
                health.network_speed < 1,
                rank=9,
            )
        )
    if snapshot.source is not None:
        made.append(
            Field(
                f"dropped {health.dropped_s:.2f} s"
                + (f" (+{health.undrawn_s:.2f} not drawn)" if health.undrawn_s else ""),
                "Sound that nobody heard, by the event log.",
                health.dropped_s > 0,
                rank=1,
            )
        )
        made.append(
            Field(
                f"queue {health.queue_s:.1f} s",
                "Sound that waits for the network beyond look-ahead and block.",
                health.queue_s > QUEUE_LIMIT_S,
                rank=3,
            )
        )
    if frames_per_s is not None:
        made.append(Field(f"{frames_per_s:.0f} fps", "Pictures drawn in the last second.", rank=10))
    return made


def banner(snapshot: Snapshot, view: Viewport, recent_drop: bool) -> Banner | None:
    """The most urgent thing, or None when the picture is live and healthy."""
    trouble = _of_condition(snapshot)
    if trouble is not None:
        return trouble
    health = snapshot.health
    if recent_drop:
        return Banner(
            "OVERLOADED: sound was dropped. Close other programs, or choose a smaller network "
            "(Ctrl+M).",
            "alarm",
            "overload",
        )
    if snapshot.condition == "live" and health.queue_s > QUEUE_LIMIT_S:
        return Banner(
            f"LATE: {health.queue_s:.1f} s of sound wait for the network. Close other programs, "
            "or choose a smaller network (Ctrl+M).",
            "warn",
        )
    if not view.live:
        state = "the sound goes on" if snapshot.condition == "live" else "the source has ended"
        return Banner(
            f"FROZEN, {duration(view.behind_s)} behind; {state}. Space or End: live again.",
            "info",
            action="live",
        )
    if snapshot.condition == "ended":
        return Banner(
            f"NOT LIVE: {snapshot.reason}. R: play again, O: open another.", "info", action="again"
        )
    if snapshot.audio_problem is not None and snapshot.source is not None:
        return Banner(
            f"The sound is not kept ({snapshot.audio_problem}): regions cannot be played or "
            "exported. Make room on the disk.",
            "warn",
        )
    return None


def _of_condition(snapshot: Snapshot) -> Banner | None:
    match snapshot.condition:
        case "idle":
            text = "No source. O: open a file, U: open a URL, D: choose a device."
            return Banner(text, "info", action="open")
        case "failed":
            return Banner(
                f"{snapshot.reason}. R: try again, O: open another.", "alarm", action="retry"
            )
        case "lost":
            silent = duration(snapshot.health.silent_for_s)
            return Banner(
                f"SOURCE LOST for {silent}: {snapshot.reason}. It is being opened again; check "
                "the cable, the server or the network.",
                "alarm",
                "source_lost",
            )
        case "starved":
            silent = duration(snapshot.health.silent_for_s)
            return Banner(
                f"NO SOUND ARRIVES for {silent}. Check the device or its audio server.", "alarm"
            )
        case _:
            return None
