"""The files that ``scan`` writes: segments in five formats, and frame-level probabilities.

Every writer takes whole lists (a scan knows its segments only at the end) except ``FrameWriter``,
which streams. Seconds have three decimals, probabilities four, dB one; lines end with LF; UTF-8.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from streamseg.errors import CannotWriteError, UsageError
from streamseg.messages import Float32Array, Label, Segment

LABELS: tuple[Label, ...] = ("music", "speech", "noise", "silence")
FRAME_CLASSES = ("music", "speech", "noise")


@dataclass(frozen=True, slots=True)
class Report:
    """All segments of one file."""

    source: str
    """The file as the user named it."""
    rate_hz: int
    duration_s: float
    segments: tuple[Segment, ...]

    def rows(self) -> list[Row]:
        """The segments in seconds, by start, then by end and label."""
        rows = [
            Row(segment.start / self.rate_hz, segment.end / self.rate_hz, segment)
            for segment in self.segments
        ]
        return sorted(rows, key=lambda row: (row.start_s, row.end_s, row.segment.label))


@dataclass(frozen=True, slots=True)
class Row:
    """A segment on the file's own time."""

    start_s: float
    end_s: float
    segment: Segment


def write_csv(out: TextIO, report: Report) -> None:
    """``start_s,end_s,label,score`` with a header; the score is the mean over the segment."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["start_s", "end_s", "label", "score"])
    for row in report.rows():
        score = f"{row.segment.score_mean:.4f}"
        writer.writerow([f"{row.start_s:.3f}", f"{row.end_s:.3f}", row.segment.label, score])


def write_jsonl(out: TextIO, report: Report) -> None:
    """One JSON object a segment."""
    for row in report.rows():
        segment = row.segment
        record = {
            "source": report.source,
            "label": segment.label,
            "start_s": round(row.start_s, 3),
            "end_s": round(row.end_s, 3),
            "duration_s": round(row.end_s - row.start_s, 3),
            "score_mean": round(segment.score_mean, 4),
            "score_peak": round(segment.score_peak, 4),
            "level_dbfs": round(segment.level_dbfs, 1),
        }
        out.write(json.dumps(record, allow_nan=False) + "\n")


def write_audacity(out: TextIO, report: Report) -> None:
    """A label track of Audacity (File, Import, Labels): start, end and label between tabs."""
    for row in report.rows():
        out.write(f"{row.start_s:.3f}\t{row.end_s:.3f}\t{row.segment.label}\n")


def write_rttm(out: TextIO, report: Report) -> None:
    """NIST's Rich Transcription Time Marked, ten fields a line.

    The label stands in the name field, as if each class were a speaker: first one ``SPKR-INFO``
    line a label that occurs (subtype ``unknown``), then one ``SPEAKER`` line a segment with its
    mean score in the confidence field. The file field is the stem of the file's name with ``_``
    for white space, because fields are separated by that; the channel is 1.
    """
    name = "_".join(PurePath(report.source).stem.split()) or "-"
    rows = report.rows()
    for label in LABELS:
        if any(row.segment.label == label for row in rows):
            out.write(f"SPKR-INFO {name} 1 <NA> <NA> <NA> unknown {label} <NA> <NA>\n")
    for row in rows:
        start_ms, end_ms = round(row.start_s * 1000), round(row.end_s * 1000)
        times = f"{start_ms / 1000:.3f} {(end_ms - start_ms) / 1000:.3f}"
        score = f"{row.segment.score_mean:.4f}"
        out.write(f"SPEAKER {name} 1 {times} <NA> <NA> {row.segment.label} {score} <NA>\n")


def write_textgrid(out: TextIO, report: Report) -> None:
    """Praat's TextGrid (long text format): four interval tiers, one a label, always the same.

    A tier fills the whole file: where its label does not sound, an interval without text.
    """
    total_ms = round(report.duration_s * 1000)
    out.write('File type = "ooTextFile"\nObject class = "TextGrid"\n\n')
    out.write(f"xmin = 0.000\nxmax = {total_ms / 1000:.3f}\n")
    out.write(f"tiers? <exists>\nsize = {len(LABELS)}\nitem []:\n")
    rows = report.rows()
    for number, label in enumerate(LABELS, start=1):
        spans = [
            (round(row.start_s * 1000), min(total_ms, round(row.end_s * 1000)))
            for row in rows
            if row.segment.label == label
        ]
        intervals = _filled(spans, label, total_ms)
        out.write(f'    item [{number}]:\n        class = "IntervalTier"\n')
        out.write(f'        name = "{label}"\n')
        out.write(f"        xmin = 0.000\n        xmax = {total_ms / 1000:.3f}\n")
        out.write(f"        intervals: size = {len(intervals)}\n")
        for index, (start_ms, end_ms, text) in enumerate(intervals, start=1):
            out.write(f"        intervals [{index}]:\n")
            out.write(f"            xmin = {start_ms / 1000:.3f}\n")
            out.write(f"            xmax = {end_ms / 1000:.3f}\n")
            out.write(f'            text = "{text}"\n')


def _filled(
    spans: Iterable[tuple[int, int]], label: str, total_ms: int
) -> list[tuple[int, int, str]]:
    """Intervals without a hole from 0 to the end; in milliseconds, so that edges really meet."""
    intervals: list[tuple[int, int, str]] = []
    position = 0
    for start_ms, end_ms in spans:
        if end_ms <= start_ms:  # Praat knows no interval of length zero
            continue
        if start_ms > position:
            intervals.append((position, start_ms, ""))
        intervals.append((start_ms, end_ms, label))
        position = end_ms
    if position < total_ms or not intervals:
        intervals.append((position, total_ms, ""))
    return intervals


Writer = Callable[[TextIO, Report], None]

FORMATS: dict[str, Writer] = {
    "csv": write_csv,
    "jsonl": write_jsonl,
    "audacity": write_audacity,
    "rttm": write_rttm,
    "textgrid": write_textgrid,
}

SUFFIXES = {
    "csv": ".csv",
    "jsonl": ".jsonl",
    "audacity": ".txt",
    "rttm": ".rttm",
    "textgrid": ".TextGrid",
}
"""What files of each format are usually called."""


def parse_formats(text: str) -> list[str]:
    """``csv,rttm`` to its names, each once. Raises UsageError for an unknown one."""
    names = list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    unknown = [name for name in names if name not in FORMATS]
    if unknown or not names:
        raise UsageError(
            f"expected formats out of {', '.join(FORMATS)}, got {text!r}; separate them by commas"
        )
    return names


def save(path: Path, format_name: str, report: Report) -> None:
    """Write a report to a file. Raises CannotWriteError."""
    try:
        with path.open("w", encoding="utf-8", newline="") as out:
            FORMATS[format_name](out, report)
    except OSError as error:
        raise cannot_write(path, error) from None


def cannot_write(path: Path, error: OSError) -> CannotWriteError:
    """The error of an output file that the system refused."""
    return CannotWriteError(
        f"expected to write {path}: {error.strerror}; choose another file or make room"
    )


class FrameWriter:
    """Frame-level probabilities as CSV, written as they come: ``scan --frames``.

    The columns are ``time_s,music,speech,noise,level_dbfs`` whatever the network knows: the cells
    of a class that it does not know are empty.
    """

    def __init__(self, out: TextIO, classes: Sequence[str]) -> None:
        self._out = out
        self._columns = [classes.index(name) if name in classes else None for name in FRAME_CLASSES]
        out.write(",".join(["time_s", *FRAME_CLASSES, "level_dbfs"]) + "\n")

    def write(
        self, time_s: NDArray[np.float64], prob: Float32Array, level_dbfs: Float32Array
    ) -> None:
        """Shape: (n,), (n, classes) and (n,): the middle of each frame, and what was found."""
        for moment, scores, level in zip(
            time_s.tolist(), prob.tolist(), level_dbfs.tolist(), strict=True
        ):
            cells = ["" if column is None else f"{scores[column]:.4f}" for column in self._columns]
            self._out.write(f"{moment:.3f},{','.join(cells)},{level:.1f}\n")
