"""A region as files: WAV, CSV of the frames, Audacity labels. No Qt (the picture is Qt's).

Times in the CSV and the labels count from the beginning of the region, so that they fit the WAV.
"""

from __future__ import annotations

import re
import wave
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np

from streamseg.messages import Float32Array, Segment
from streamseg.sinks.formats import FrameWriter, Report, cannot_write, save
from streamseg.view.history import Frames
from streamseg.view.records import Snapshot


@dataclass(frozen=True, slots=True)
class Region:
    """Samples ``start`` to ``stop`` of the source."""

    start: int
    stop: int

    @classmethod
    def of(cls, snapshot: Snapshot, start_s: float, stop_s: float) -> Region:
        """From seconds, limited to what is kept."""
        start = max(snapshot.first, round(start_s * snapshot.rate_hz))
        return cls(start, max(start, min(snapshot.heard, round(stop_s * snapshot.rate_hz))))


def file_stem(snapshot: Snapshot, start_s: float) -> str:
    """A name for a region: its source and its moment, without what file systems refuse."""
    name = Path(snapshot.source.name).stem if snapshot.source else "region"
    plain = re.sub(r"[^\w.-]+", "-", name).strip("-.")[-40:] or "region"
    if snapshot.begin is not None and not snapshot.finite:
        moment = snapshot.begin + timedelta(seconds=start_s)
        return f"{plain}-{moment.astimezone():%Y-%m-%dT%H-%M-%S}"
    whole = int(max(0.0, start_s))
    return f"{plain}-{whole // 3600:02d}-{whole // 60 % 60:02d}-{whole % 60:02d}"


def save_wav(path: Path, pieces: Iterable[Float32Array], rate_hz: int) -> None:
    """16 bits, as many channels as the pieces have; they follow one another.

    Shape of a piece: (n, channels) float32, full scale 1.0. Nothing is left behind of a file that
    was not finished. Raises CannotWriteError.
    """
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file, wave.open(file, "wb") as out:
            out.setsampwidth(2)
            out.setframerate(rate_hz)
            out.setnchannels(1)
            for index, piece in enumerate(pieces):
                if index == 0:
                    out.setnchannels(piece.shape[1])
                whole = np.rint(np.clip(piece, -1, 1) * 32767).astype("<i2")
                out.writeframes(whole.tobytes())
        part.replace(path)
    except OSError as error:
        raise cannot_write(path, error) from None
    finally:
        part.unlink(missing_ok=True)


def save_frames(path: Path, frames: Frames, snapshot: Snapshot, region: Region) -> None:
    """Confirmed probabilities in the columns of ``scan --frames``. Raises CannotWriteError."""
    assert snapshot.source is not None
    try:
        with path.open("w", encoding="utf-8", newline="") as out:
            writer = FrameWriter(out, snapshot.source.classes)
            time_s = (frames.sample - region.start) / snapshot.rate_hz
            writer.write(time_s, frames.confirmed, frames.level_dbfs)
    except OSError as error:
        raise cannot_write(path, error) from None


def save_labels(path: Path, snapshot: Snapshot, region: Region) -> None:
    """Segments as a label track of Audacity, cut at the region. Raises CannotWriteError."""
    segments = []
    for span in snapshot.spans:
        start = max(region.start, span.start)
        end = min(region.stop, snapshot.confirmed if span.end is None else span.end)
        if start < end:
            segments.append(
                Segment(
                    span.label,
                    start - region.start,
                    end - region.start,
                    span.score_mean or 0.0,
                    span.score_mean or 0.0,
                    span.level_dbfs or 0.0,
                )
            )
    duration_s = (region.stop - region.start) / snapshot.rate_hz
    name = snapshot.source.name if snapshot.source else ""
    save(path, "audacity", Report(name, snapshot.rate_hz, duration_s, tuple(segments)))
