"""Speed and memory of ``streamseg scan`` on one core: ``python benchmarks/bench_scan.py``.

The bundled programme is repeated to ten minutes and to an hour (FLAC, 44.1 kHz stereo). Each is
scanned in a process of its own that may use one core only. Printed: how many times faster than
real time, with and without the start of the program, and the most memory that it held. An hour
must not need more memory than ten minutes.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import numpy as np
import soundfile
import soxr

from streamseg.models import STEMS
from streamseg.resources import demo_dir

RATE_HZ = 44_100


@dataclass(frozen=True, slots=True)
class Result:
    """One scan."""

    model: str
    minutes: int
    wall_s: float
    times_real_time: float
    peak_mb: float


def make(folder: Path, minutes: int) -> Path:
    """The demo programme over and over."""
    samples, rate_hz = soundfile.read(demo_dir() / "demo.opus", dtype="float32", always_2d=True)
    piece = soxr.resample(samples, rate_hz, RATE_HZ)
    path = folder / f"{minutes}min.flac"
    with soundfile.SoundFile(path, "w", RATE_HZ, 2, "PCM_16") as file:
        left = minutes * 60 * RATE_HZ
        while left > 0:
            file.write(piece[:left])
            left -= len(piece)
    return path


def on_one_core() -> None:
    """Runs in the child before the program starts."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def scan(path: Path, model: str, minutes: int) -> Result:
    """Scan one file in a child and look at what it used."""
    began = time.perf_counter()
    child = subprocess.Popen(
        [sys.executable, "-m", "streamseg", "scan", str(path), "-m", model],
        stdout=subprocess.DEVNULL,
        preexec_fn=on_one_core,
    )
    _, status, usage = os.wait4(child.pid, 0)
    wall_s = time.perf_counter() - began
    if status:
        raise SystemExit(f"scan failed with status {status}")
    return Result(model, minutes, wall_s, minutes * 60 / wall_s, _megabytes(usage))


def _megabytes(usage: resource.struct_rusage) -> float:
    return usage.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


@click.command()
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="write figures")
@click.option("--minutes", multiple=True, type=int, default=(10, 60), show_default=True)
def main(json_path: Path | None, minutes: tuple[int, ...]) -> None:
    """Measure every network on every length."""
    results = []
    with tempfile.TemporaryDirectory() as folder:
        files = {length: make(Path(folder), length) for length in minutes}
        for model in STEMS:
            for length, path in files.items():
                results.append(scan(path, model, length))
                print(
                    f"{model:12} {length:3} min  {results[-1].wall_s:6.1f} s  "
                    f"{results[-1].times_real_time:6.0f} x real time  "
                    f"{results[-1].peak_mb:5.0f} MB",
                    flush=True,
                )
    growth = max(r.peak_mb for r in results) / min(r.peak_mb for r in results)
    print(f"most memory over least: {growth:.2f}; load {np.round(os.getloadavg(), 1)}")
    if json_path:
        json_path.write_text(json.dumps([asdict(result) for result in results], indent=1))


if __name__ == "__main__":
    main()
