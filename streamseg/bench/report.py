"""Everything that ``streamseg bench`` measures, in the order in which it is measured.

Runs the figures of one core and the peak memory of every network in processes of their own, then
the live monitor in this one.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

from pydantic import TypeAdapter

from streamseg import __version__
from streamseg.bench.live import live
from streamseg.bench.records import SCHEMA, Limits, Machine, NetworkFigures, Report
from streamseg.errors import ConfigError, StreamsegError
from streamseg.models import CLIP_STEMS, GENRE_STEMS, MASK_STEMS, STEMS, load_card
from streamseg.resources import demo_dir
from streamseg.settings import Settings

Effort = Literal["tiny", "quick", "full"]

LIVE_S: dict[Effort, float] = {
    "tiny": 6.0,
    "quick": 10.0,
    "full": 85.0,  # nearly all of the demo programme
}

_SCANNED = """
import os, sys
from pathlib import Path
from streamseg.bench.process import held_mb
from streamseg.models import STEMS, load_any
path, network = Path(sys.argv[2]), load_any(sys.argv[1], "cpu")
if sys.argv[1] in STEMS:
    from streamseg.offline import analyse_file
    analyse_file(path, network)
else:
    from streamseg.capture.media import MediaSource
    from streamseg.mask_run import MaskRun
    from streamseg.settings import CaptureSettings
    for step in MaskRun(MediaSource(path, "mean", CaptureSettings()), network).steps():
        pass
print(held_mb(os.getpid()))
"""


def measure(
    stems: Sequence[str],
    *,
    effort: Effort,
    device: str | None = None,
    tell: Callable[[str], None] = lambda part: None,
) -> Report:
    """Measure these networks, and the monitor on an input device (None: on the demo programme).

    ``tell`` is called with the name of every part when it begins. Raises ConfigError for an unknown
    network or one that is none for live sound, SourceUnavailableError for a device that is not
    there, StreamsegError when a part could not be run.
    """
    for stem in stems:
        load_card(stem)
        if stem in GENRE_STEMS:
            raise ConfigError(
                f"expected a network that hears samples, got {stem}, which goes by the masks of "
                "another"
            )
        if stem in CLIP_STEMS:
            raise ConfigError(
                f"expected a network that keeps up with live sound, got {stem}; its cost is a line "
                "of `python -m streamseg.evaluation stems`"
            )
    found = _one_core(stems, effort, tell)
    networks = []
    for figures in TypeAdapter(list[NetworkFigures]).validate_python(found["networks"]):
        tell(f"memory of {figures.stem}")
        networks.append(replace(figures, peak_memory_mb=_peak_mb(figures.stem)))
    tell("live")
    main = [stem for stem in stems if stem in STEMS] or [Settings().model.name]
    masks = [stem for stem in stems if stem in MASK_STEMS] or list(MASK_STEMS)
    return Report(
        schema=SCHEMA,
        version=__version__,
        effort=effort,
        machine=TypeAdapter(Machine).validate_python(found["machine"]),
        limits=TypeAdapter(Limits).validate_python(found["limits"]),
        networks=tuple(networks),
        live=live(main[0], masks[0], LIVE_S[effort], device),
    )


def _one_core(
    stems: Sequence[str], effort: Effort, tell: Callable[[str], None]
) -> dict[str, object]:
    command = [sys.executable, "-m", "streamseg.bench.one_core", "--effort", effort]
    with subprocess.Popen(  # noqa: S603  # our own interpreter and module
        [*command, *stems],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        said: list[str] = []
        for line in process.stderr:  # its one object of output fits into a pipe
            said.append(line.rstrip())
            tell(said[-1])
        out = process.stdout.read()
    if process.returncode:
        raise StreamsegError(
            f"expected figures of one core, but the process that measures them ended with "
            f"{process.returncode}: {said[-1] if said else 'no word'}"
        )
    figures: dict[str, object] = json.loads(out)
    return figures


def _peak_mb(stem: str) -> float:
    program = [sys.executable, "-c", _SCANNED, stem, str(demo_dir() / "demo.opus")]
    done = subprocess.run(program, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise StreamsegError(
            f"expected {stem} to scan the demo programme, but it ended with {done.returncode}: "
            f"{done.stderr.strip().splitlines()[-1:]}"
        )
    return float(done.stdout)
