"""``streamseg mask``: a file's map of classes, and what remains of it when some are kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from streamseg.capture.base import Source
from streamseg.capture.choose import SourceOptions, file_source
from streamseg.commands import console
from streamseg.errors import UsageError
from streamseg.mask_run import MaskRun
from streamseg.messages import Float32Array
from streamseg.models import (
    BAND_STEMS,
    CLIP_STEMS,
    MASK_STEMS,
    MaskNetwork,
    StemNetwork,
    load_mask_network,
    load_stem_network,
)
from streamseg.settings import Settings
from streamseg.sinks.formats import cannot_write
from streamseg.sinks.wav_file import WavWriter, wav_file


@dataclass(frozen=True, slots=True)
class Outputs:
    """What is wanted, as the flags say it."""

    keep: tuple[str, ...]
    sound: Path | None
    map: Path | None
    floor_db: float | None


def run(
    file: str, outputs: Outputs, options: SourceOptions, settings: Settings, quiet: bool = False
) -> None:
    """Read the file once, and write what is wanted.

    Raises UsageError for flags that do not fit each other or the network, and what opening,
    reading and writing raise.
    """
    stem = settings.model.mask or next(iter(MASK_STEMS))
    load = load_stem_network if stem in BAND_STEMS | CLIP_STEMS else load_mask_network
    network = load(stem, settings.model.provider)
    _check(file, outputs, network)
    source = file_source(file, options, settings.capture)
    try:
        mask_run = MaskRun(source, network, outputs.keep, outputs.floor_db)
        if source.live:
            raise UsageError(f"expected a file, got the live stream {source.name}; record it first")
        units = _write(mask_run, source, outputs, quiet)
    finally:
        source.close()
    if outputs.map is not None:
        save_map(outputs.map, mask_run, network.card.classes, units)


def save_map(
    path: Path, mask_run: MaskRun, classes: tuple[str, ...], units: list[Float32Array]
) -> None:
    """The keys that ``interface.md`` names, in a NumPy archive. Raises CannotWriteError.

    Shape: each of ``units`` is (classes, frequency units, time units).
    """
    grid = mask_run.grid
    prob = np.concatenate(units, axis=2)
    time_s = grid.first_s + np.arange(prob.shape[2]) * grid.unit_s
    part = path.with_name(path.name + ".part")
    try:
        # An open file: numpy would add .npz to a name without it.
        with part.open("wb") as out:
            np.savez_compressed(
                out, prob=prob, time_s=time_s, freq_hz=grid.freq_hz, classes=np.array(classes)
            )
        part.replace(path)
    except OSError as error:
        raise cannot_write(path, error) from None
    finally:
        part.unlink(missing_ok=True)


def _check(file: str, outputs: Outputs, network: MaskNetwork | StemNetwork) -> None:
    classes = network.card.classes
    if outputs.sound is None and outputs.keep:
        raise UsageError("expected -o OUT.wav for what --keep leaves, got none")
    if outputs.sound is None and outputs.map is None:
        raise UsageError("expected something to write, got neither -o OUT.wav nor --map OUT.npz")
    if outputs.sound is not None and not outputs.keep:
        raise UsageError(f"expected --keep with one of {', '.join(classes)} for -o, got none")
    for name in outputs.keep:
        if name not in classes:
            raise UsageError(
                f"expected --keep with one of {', '.join(classes)}, got {name!r}; "
                "-m chooses another network"
            )
    for path in (outputs.sound, outputs.map):
        if path is not None and path.resolve() == Path(file).resolve():
            raise UsageError(f"expected an output beside the input, got {path} for both")


def _write(mask_run: MaskRun, source: Source, outputs: Outputs, quiet: bool) -> list[Float32Array]:
    """Everything in one pass; the units of the map, 11 MB an hour, if they are wanted."""
    units: list[Float32Array] = []
    with ExitStack() as stack:
        progress = stack.enter_context(_progress(quiet))
        bar = progress.add_task(Path(source.name).name, total=None)
        out: WavWriter | None = None
        for step in mask_run.steps():
            if outputs.map is not None:
                units.append(step.prob)
            if outputs.sound is not None:
                if out is None:
                    # The first block knows how many channels there are to be kept.
                    rate_hz, channels = mask_run.format.rate_hz, step.kept.shape[1]
                    out = stack.enter_context(wav_file(outputs.sound, rate_hz, channels))
                out.write(step.kept)
            total_s = getattr(source, "duration_s", None)
            progress.update(bar, completed=step.position_s, total=total_s)
    return units


@contextmanager
def _progress(quiet: bool) -> Iterator[Progress]:
    screen = console(stderr=True)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TimeRemainingColumn(),
        console=screen,
        transient=True,
        disable=quiet or not screen.is_terminal,
    ) as progress:
        yield progress
