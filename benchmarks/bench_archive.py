"""An archive of 1,000 ten-second files, scanned by two workers, and one of them killed.

``python benchmarks/bench_archive.py`` makes the files (FLAC, 44.1 kHz mono: tones, noise and
silence) and scans them four times into a CSV data set: by two processes undisturbed; with one of
the two killed in the middle; with the whole scan killed in the middle and begun again; and, where
Dask is installed, by two workers of a Dask cluster with one killed. Printed for each: seconds,
times real time, how many files have a result, how many were scanned twice, and whether the data
set is the undisturbed one byte for byte. The exit code is 1 if one of them is not.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

import click
import numpy as np
import soundfile

RATE_HZ = 44_100
SECONDS = 10
PROGRAM = [sys.executable, "-m", "streamseg", "scan"]


@dataclass(frozen=True, slots=True)
class Result:
    """One scan of the archive."""

    how: str
    wall_s: float
    times_real_time: float
    results: int
    twice: int
    same: bool


def make(folder: Path, files: int) -> None:
    """Every file another one, in folders of a hundred."""
    frames = SECONDS * RATE_HZ
    noise = np.random.default_rng(1).normal(0, 0.05, 2 * frames).astype(np.float32)
    time_s = np.arange(2 * frames) / RATE_HZ
    tones = sum(np.sin(2 * np.pi * 110 * step * time_s) / step for step in (1, 2, 3, 5)) * 0.05
    kinds = (tones.astype(np.float32), noise, np.zeros_like(noise))
    for number in range(files):
        sound = kinds[number % 3][number * 37 % frames :][:frames].copy()
        sound[: (number % 7) * RATE_HZ] = 0
        path = folder / f"{number // 100:03d}" / f"{number:05d}.flac"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, sound, RATE_HZ)


def done(out: Path) -> list[str]:
    """The file of every whole line of the journal."""
    journal = Path(f"{out}.journal")
    lines = journal.read_bytes().split(b"\n")[1:-1] if journal.exists() else []
    return [json.loads(line)["file"] for line in lines]


def until(condition: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    """Wait for it; the process that it is about must not end before."""
    while not condition():
        if process.poll() is not None:
            raise SystemExit(f"a process ended with {process.returncode} too early")
        time.sleep(0.1)


def undisturbed(archive: Path, out: Path) -> None:
    """Two processes."""
    subprocess.run([*PROGRAM, str(archive), "-o", str(out), "-j", "2", "-q"], check=True)


def worker_killed(archive: Path, out: Path, half: int) -> None:
    """Two processes; one is killed when half is done."""
    with subprocess.Popen([*PROGRAM, str(archive), "-o", str(out), "-j", "2", "-q"]) as scan:
        until(lambda: len(done(out)) >= half, scan)
        children = Path(f"/proc/{scan.pid}/task/{scan.pid}/children").read_text().split()
        os.kill(int(children[-1]), signal.SIGKILL)
    if scan.returncode:
        raise SystemExit(f"scan failed with {scan.returncode}")


def scan_killed(archive: Path, out: Path, half: int) -> None:
    """The scan itself is killed when half is done, and begun again."""
    with subprocess.Popen([*PROGRAM, str(archive), "-o", str(out), "-j", "2", "-q"]) as scan:
        until(lambda: len(done(out)) >= half, scan)
        scan.kill()
    undisturbed(archive, out)


def cluster_worker_killed(archive: Path, out: Path, half: int) -> None:
    """A scheduler and two workers of Dask; one worker is killed when half is done."""
    with cluster(out.parent) as (address, workers):
        command = [*PROGRAM, str(archive), "-o", str(out), "--dask", address, "-q"]
        with subprocess.Popen(command) as scan:
            until(lambda: len(done(out)) >= half, scan)
            workers[0].kill()
        if scan.returncode:
            raise SystemExit(f"scan failed with {scan.returncode}")


@contextmanager
def cluster(folder: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """Real processes on this machine: their address, and the workers."""
    file = folder / "scheduler.json"
    dask = [sys.executable, "-m", "dask"]
    place = ["--scheduler-file", str(file), "--no-dashboard"]
    one = ["--nthreads", "1", "--no-nanny", "--local-directory", str(folder)]
    started: list[subprocess.Popen[bytes]] = []

    def start(*flags: str) -> None:
        command = [*dask, *flags, *place]
        started.append(subprocess.Popen(command, stderr=subprocess.DEVNULL))

    try:
        start("scheduler", "--host", "127.0.0.1", "--port", "0")
        until(file.exists, started[0])
        start("worker", *one)
        start("worker", *one)
        yield json.loads(file.read_text())["address"], started[1:]
    finally:
        for process in started:
            process.kill()
            process.wait()


@click.command()
@click.option("--files", default=1000, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
def main(files: int, as_json: bool) -> None:
    """Scan the archive in all ways."""
    with tempfile.TemporaryDirectory() as name:
        archive = Path(name) / "archive"
        make(archive, files)
        ways: list[tuple[str, Callable[[Path], None]]] = [
            ("two processes", lambda out: undisturbed(archive, out)),
            ("one of them killed", lambda out: worker_killed(archive, out, files // 2)),
            ("scan killed, again", lambda out: scan_killed(archive, out, files // 2)),
        ]
        if find_spec("distributed"):
            ways.append(
                ("Dask, one killed", lambda out: cluster_worker_killed(archive, out, files // 2))
            )
        results: list[Result] = []
        table = b""
        for number, (how, scan) in enumerate(ways):
            out = Path(name) / f"{number}" / "all.csv"
            out.parent.mkdir()
            began_s = time.perf_counter()
            scan(out)
            wall_s = time.perf_counter() - began_s
            table = table or out.read_bytes()
            scanned = done(out)
            rate = files * SECONDS / wall_s
            twice = len(scanned) - len(set(scanned))
            same = out.read_bytes() == table
            results.append(Result(how, wall_s, rate, len(set(scanned)), twice, same))
            if not as_json:
                click.echo(
                    f"{how:20s} {wall_s:7.1f} s {rate:7.0f} x real time  "
                    f"{len(set(scanned))} results, {twice} twice, "
                    f"{'the same' if same else 'ANOTHER'} data set"
                )
    if as_json:
        click.echo(json.dumps([asdict(result) for result in results], indent=2))
    if any(result.results != files or result.twice or not result.same for result in results):
        sys.exit(1)


if __name__ == "__main__":
    main()
