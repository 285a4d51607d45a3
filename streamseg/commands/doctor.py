"""``streamseg doctor``: one line for all that the main job needs, and for what it may use."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.text import Text

from streamseg.errors import StreamsegError
from streamseg.resources import demo_dir
from streamseg.settings import Settings

LEAST_FREE_BYTES = 100_000_000


@dataclass(frozen=True, slots=True)
class Check:
    """One line: what is looked at, and whether the main job needs it."""

    name: str
    needed: bool
    look: Callable[[], str]
    """Returns what was found; raises with what is missing and what to do."""


def run(console: Console, load: Callable[[], Any]) -> bool:
    """Print a line per check; True if everything that is needed works."""
    healthy = True
    for check in _checks(load):
        try:
            found, mark, style = check.look(), "ok", "green"
        except Exception as error:  # whatever is broken here is the finding, not a failure of ours
            found = str(error) if isinstance(error, StreamsegError) else _plain(error)
            mark, style = ("FAILED", "bold red") if check.needed else ("absent", "yellow")
            healthy = healthy and not check.needed
        console.print(Text.assemble((f"{mark:7}", style), f"{check.name:16}", found))
    return healthy


def _plain(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _checks(load: Callable[[], Any]) -> list[Check]:
    return [
        Check("python", True, lambda: sys.version.split()[0]),
        Check("settings", True, lambda: _settings(load)),
        Check("networks", True, _networks),
        Check("decoding", True, _decoding),
        Check("main job", True, _main_job),
        Check("disk", True, _disk),
        Check("audio input", False, _portaudio),
        Check("CUDA", False, _cuda),
        Check("window", False, _window),
    ]


def _settings(load: Callable[[], Any]) -> str:
    origins = set(load().origin.values()) - {"default"}
    return "values from " + (", ".join(sorted(origins)) or "the defaults")


def _networks() -> str:
    from streamseg.models import ALL_STEMS, load_any

    return ", ".join(f"{stem} ({load_any(stem, 'cpu').provider})" for stem in ALL_STEMS)


def _decoding() -> str:
    from streamseg.capture.choose import SourceOptions, file_source
    from streamseg.messages import Block

    source = file_source(str(demo_dir() / "demo.opus"), SourceOptions(), Settings().capture)
    try:
        stream_format = source.open()
        assert isinstance(source.read(1.0), Block)
    finally:
        source.close()
    return f"{stream_format.encoding} at {stream_format.rate_hz} Hz, by FFmpeg through PyAV"


def _main_job() -> str:
    from streamseg.models import load_network
    from streamseg.offline import analyse_file

    settings = Settings()
    network = load_network(settings.model.name, "cpu")
    table = analyse_file(demo_dir() / "demo.opus", network, settings)
    labels = sorted({segment.label for segment in table.segments})
    if labels != ["music", "noise", "silence", "speech"]:
        raise RuntimeError(
            f"expected music, noise, silence and speech in the demo programme, heard {labels}"
        )
    return f"{len(table.segments)} segments in {table.duration_s:.0f} s of the demo programme"


def _disk() -> str:
    free = shutil.disk_usage(".").free
    if free < LEAST_FREE_BYTES:
        raise RuntimeError(f"expected 100 MB free here for logs, got {free // 1_000_000} MB")
    return f"{free / 1e9:.1f} GB free here"


def _portaudio() -> str:
    from streamseg.capture.device import list_devices

    devices = list_devices()
    if not devices:
        raise RuntimeError("PortAudio works, but sees no input device; files and URLs work")
    return f"{len(devices)} input devices; `streamseg devices` lists them"


def _cuda() -> str:
    from streamseg.models import load_network

    return f"runs ({load_network('frame_conv', 'cuda').provider})"


def _window() -> str:
    from importlib.metadata import version

    from PyQt6 import QtWidgets

    return f"Qt imports ({QtWidgets.__name__.split('.')[0]} {version('PyQt6')})"
