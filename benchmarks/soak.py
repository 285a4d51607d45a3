"""A day of programme through ``streamseg log`` at the highest speed: ``python benchmarks/soak.py``.

The program itself runs in a process of its own, as it does on a box: raw samples on standard input,
the event log with rotation and retention, the decision trace, clips of alarms, metrics and status
page. What it is fed is the bundled programme over and over, with a minute of silence and a clipped
piece in every round, so that segments, alarms, and clips never stop coming.

Every quarter of an hour of the programme its memory, threads, open files and the bytes of its
folder are noted. At the end: the slope of its memory after the warm-up (least squares), whether
everything stayed bounded, and whether the log is right to the sample: it must have heard every
sample that was sent, and every round must have the same segments at the same places.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import click
import numpy as np
import soundfile
import soxr

from streamseg.resources import demo_dir

RATE_HZ = 16_000
FRAME_BYTES = 2  # 16 bits, mono: a day of it goes through in minutes
SILENCE_S = 60
WARM_UP_H = 2.0
LEAST_H = 0.25
SLOPE_MB_PER_H = 0.2
"""Five megabytes a day would be a leak; measured is far less."""
CONFIG = """
[log]
rotate_mb = 0.5
keep_mb = 2
trace_mb = 2
[clips]
keep_mb = 4
rest_s = 60
"""
FOLDER_MB = 2 + 0.6 + 2 + 4 + 2
"""What these settings allow: rotated logs, the one that is written, trace, clips, and one clip more
than is kept while it is being written."""


@dataclass(frozen=True, slots=True)
class Look:
    """At the running program."""

    programme_h: float
    memory_mb: float
    threads: int
    files: int
    folder_mb: float


@dataclass(slots=True)
class Result:
    """Of one soak."""

    programme_h: float
    wall_s: float
    times_real_time: float
    memory_mb: list[float]
    """First look after the warm-up, highest, last."""
    slope_mb_per_h: float
    threads: list[int]
    """Lowest and highest."""
    files: list[int]
    folder_mb: float
    """The highest."""
    rotated: int
    """Log files that were begun."""
    events: int
    rounds: int
    sample_error: int
    """Samples sent, less the samples that the log says were heard."""
    drift_samples: int
    """By which any segment of any round lies elsewhere than in the rounds before."""
    strange_rounds: int
    """Rounds that have other segments than most."""
    faults: list[str] = field(default_factory=list)


def one_round() -> bytes:
    """The demo, a minute of silence, and ten seconds of the demo clipped; raw samples."""
    samples, rate_hz = soundfile.read(demo_dir() / "demo.opus", dtype="float32", always_2d=True)
    mono = soxr.resample(samples.mean(axis=1), rate_hz, RATE_HZ)
    silence = np.zeros(SILENCE_S * RATE_HZ, np.float32)
    clipped = 20 * mono[: 10 * RATE_HZ]
    parts = np.concatenate((mono, silence, clipped)).clip(-1, 1)
    return (parts * 32767).round().astype("<i2").tobytes()


def free_port() -> int:
    """One that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Feeder(threading.Thread):
    """Writes samples as fast as they are taken."""

    def __init__(self, process: subprocess.Popen[bytes], piece: bytes, frames: int) -> None:
        super().__init__(daemon=True)
        self._process, self._piece, self._frames = process, memoryview(piece), frames
        self.sent = 0

    def run(self) -> None:
        """Until all frames were sent, or nobody reads any more."""
        pipe = self._process.stdin
        assert pipe is not None
        at = 0
        try:
            while self.sent < self._frames:
                wanted = min(1 << 18, (self._frames - self.sent) * FRAME_BYTES)
                part = self._piece[at : at + wanted]
                pipe.write(part)
                self.sent += len(part) // FRAME_BYTES
                at = (at + len(part)) % len(self._piece)
            pipe.close()
        except BrokenPipeError:
            pass


class Follower:
    """Reads all events, in whatever file they are, before retention takes them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[int, int] = defaultdict(int)  # bytes, by inode
        self.events: list[dict[str, Any]] = []

    @property
    def files(self) -> int:
        """Log files seen so far."""
        return len(self._read)

    def look(self) -> None:
        """Take the whole lines that are new; rotated files come before the one that is written."""
        for path in sorted(self._folder.glob("*.jsonl"), key=lambda path: path.stat().st_mtime):
            with path.open("rb") as file:
                inode = os.fstat(file.fileno()).st_ino
                file.seek(self._read[inode])
                lines = file.read()
            whole = lines[: lines.rfind(b"\n") + 1]
            self._read[inode] += len(whole)
            self.events += [json.loads(line) for line in whole.splitlines()]


def look(process: subprocess.Popen[bytes], folder: Path, frames: int) -> Look:
    """What it uses now."""
    status = dict(
        line.split(":", 1) for line in Path(f"/proc/{process.pid}/status").read_text().splitlines()
    )
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    return Look(
        frames / RATE_HZ / 3600,
        int(status["VmRSS"].split()[0]) / 1024,
        int(status["Threads"]),
        len(list(Path(f"/proc/{process.pid}/fd").iterdir())),
        sum(sizes) / 1e6,
    )


def places(events: list[dict[str, Any]], round_frames: int) -> tuple[int, int, int]:
    """Rounds, the largest move of a segment between two of them, and rounds unlike the most.

    The first and the last round have other neighbours than all others.
    """
    rounds: dict[int, list[tuple[str, int]]] = defaultdict(list)
    for event in events:
        if event["event"] == "segment_open":
            number, place = divmod(event["sample"], round_frames)
            rounds[number].append((event["label"], place))
    inner = [sorted(rounds[number]) for number in sorted(rounds)[2:-1]]
    if not inner:
        return len(rounds), 0, 0
    shapes = [tuple(label for label, _ in each) for each in inner]
    usual = max(set(shapes), key=shapes.count)
    alike = [each for each, shape in zip(inner, shapes, strict=True) if shape == usual]
    table = np.array([[place for _, place in each] for each in alike])
    moved = int((table.max(axis=0) - table.min(axis=0)).max()) if table.size else 0
    return len(rounds), moved, len(inner) - len(alike)


def soak(hours: float, verbose: bool) -> Result:
    """Run it."""
    piece, looks = one_round(), []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "soak.toml").write_text(CONFIG)
        command = [sys.executable, "-m", "streamseg", "log", "-", "-r", str(RATE_HZ), "-c", "1"]
        command += ["-o", str(folder / "air.jsonl"), "--clips", str(folder / "clips")]
        command += ["--config", str(folder / "soak.toml"), "--quiet"]
        command += ["--metrics", f"127.0.0.1:{free_port()}"]
        command += ["--status", f"127.0.0.1:{free_port()}"]
        began_s = time.monotonic()
        process = subprocess.Popen(command, stdin=subprocess.PIPE)
        feeder = Feeder(process, piece, round(hours * 3600 * RATE_HZ))
        follower = Follower(folder)
        feeder.start()
        try:
            while process.poll() is None:
                time.sleep(0.5)
                follower.look()
                due_h = looks[-1].programme_h + min(0.25, hours / 20) if looks else 0.0
                if feeder.is_alive() and feeder.sent / RATE_HZ / 3600 >= due_h:
                    looks.append(look(process, folder, feeder.sent))
                    if verbose:
                        print(looks[-1], flush=True)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
                process.wait(60)
        feeder.join(10)
        wall_s = time.monotonic() - began_s
        follower.look()
    return summed(looks, follower, feeder.sent, len(piece) // FRAME_BYTES, wall_s)


def summed(
    looks: list[Look], follower: Follower, sent: int, round_frames: int, wall_s: float
) -> Result:
    """All that was seen, and what is wrong with it."""
    hours = sent / RATE_HZ / 3600
    warm = [each for each in looks if each.programme_h >= min(WARM_UP_H, hours / 3)]
    at_h = [each.programme_h for each in warm]
    memory = [each.memory_mb for each in warm]
    slope = float(np.polyfit(at_h, memory, 1)[0])
    heard = [event["sample"] for event in follower.events if event["event"] == "stopped"]
    rounds, moved, strange = places(follower.events, round_frames)
    result = Result(
        programme_h=round(hours, 3),
        wall_s=round(wall_s, 1),
        times_real_time=round(sent / RATE_HZ / wall_s, 1),
        memory_mb=[round(memory[0], 1), round(max(memory), 1), round(memory[-1], 1)],
        slope_mb_per_h=round(slope, 4),
        threads=[min(each.threads for each in warm), max(each.threads for each in warm)],
        files=[min(each.files for each in warm), max(each.files for each in warm)],
        folder_mb=round(max(each.folder_mb for each in looks), 2),
        rotated=follower.files,
        events=len(follower.events),
        rounds=rounds,
        sample_error=sent - (heard[-1] if heard else 0),
        drift_samples=moved,
        strange_rounds=strange,
    )
    # In less than a day the slope is the noise of a few looks.
    if hours >= 24 and slope > SLOPE_MB_PER_H:
        result.faults.append(f"memory grows by {slope:.3f} MB per hour of programme")
    if result.sample_error:
        result.faults.append(f"the log is {result.sample_error} samples from what was sent")
    if moved > RATE_HZ // 10:
        result.faults.append(f"segments moved by {moved} samples")
    if result.folder_mb > FOLDER_MB:
        result.faults.append(f"the folder grew to {result.folder_mb} MB, allowed: {FOLDER_MB}")
    for name, (least, most) in (("threads", result.threads), ("files", result.files)):
        if most - least > 4:
            result.faults.append(f"between {least} and {most} {name}")
    return result


@click.command()
@click.option("--hours", default=24.0, show_default=True, help="Of programme.")
@click.option("--json", "as_json", is_flag=True)
@click.option("-v", "--verbose", is_flag=True)
def main(hours: float, as_json: bool, verbose: bool) -> None:
    """Run it; exit code 1 when anything is wrong."""
    if hours < LEAST_H:
        raise click.UsageError(f"expected at least {LEAST_H} hours, got {hours}")
    result = soak(hours, verbose)
    if as_json:
        click.echo(json.dumps(asdict(result)))
    else:
        for name, value in asdict(result).items():
            click.echo(f"{name:16} {value}")
    sys.exit(1 if result.faults else 0)


if __name__ == "__main__":
    main()
