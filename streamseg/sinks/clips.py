"""Sound around alarms: some seconds before and after, as WAV files that anybody can play.

``heard`` is called on the analysis thread of a source with every block and only copies it into
that source's ring of fixed size (16 bits, up to two channels: 13 MB of a stereo source at 48 kHz
with the default settings). ``handle`` runs on the lane of this output (see ``fan_out``) and notes
which stretch is wanted; ``tick`` writes it as soon as the sound after the alarm has come. A clip
that was wanted too late begins where the ring begins.

Full: at most ``WANTED`` clips wait at a time, further alarms get none; after a clip the same rule
of the same source gets none for ``rest_s``; the oldest files are deleted beyond age and total size.
Names of sources come from the network or from users and become file names only after everything
but letters, digits, ``.``, ``-`` and ``_`` was replaced.
"""

from __future__ import annotations

import re
import sys
import threading
import time
import wave
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from streamseg.errors import CannotWriteError
from streamseg.messages import Block
from streamseg.settings_outputs import ClipSettings
from streamseg.sinks.events import AlarmRaised, Event, Started, Stopped

WANTED = 32
SLACK_S = 40.0  # an alarm is decided this long after its stamp: dead air takes 30 s
PATIENCE_S = 30.0  # beyond the end of the clip, for a source that stopped delivering
CHANNELS = 2
EARLY_BLOCKS = 500  # five seconds of device blocks; the first event takes a fraction of one
_MB = 1_000_000
_PRUNE_EVERY_S = 60.0
_STAMP = "%Y-%m-%dT%H-%M-%S"


def file_name_of(source: str) -> str:
    """A source's name as a part of a file name: no path ever comes out of it."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", source).strip("._")[-80:] or "source"


class SoundRing:
    """The newest ``capacity`` frames of a source, in 16 bits, by sample counter.

    One thread writes, another reads; a lock is held while frames are copied, which takes
    microseconds. A hole in the sound (a gap of the source) is silence.
    """

    def __init__(self, capacity: int, channels: int) -> None:
        self._frames = np.zeros((capacity, channels), np.int16)
        self._turn = threading.Lock()
        self.begin = self.end = 0
        """Samples [begin, end) are held. Invariant: end - begin <= capacity."""

    @property
    def channels(self) -> int:
        """Of what is held."""
        return int(self._frames.shape[1])

    def push(self, frames: NDArray[np.float32], sample: int) -> None:
        """Shape: (n, channels), full scale 1.0; louder is clipped."""
        capacity = len(self._frames)
        kept = frames[-capacity:]
        first = sample + len(frames) - len(kept)
        pcm = np.clip(np.rint(kept * 32767.0), -32768, 32767).astype(np.int16)
        with self._turn:
            if first - self.end >= capacity or self.end == self.begin:
                self.begin = self.end = first  # nothing of the past is left
            self._put(self.end, np.zeros((first - self.end, self.channels), np.int16))
            self._put(first, pcm)
            self.end = first + len(pcm)
            self.begin = max(self.begin, self.end - capacity)

    def _put(self, sample: int, pcm: NDArray[np.int16]) -> None:
        start = sample % len(self._frames)
        head = min(len(pcm), len(self._frames) - start)
        self._frames[start : start + head] = pcm[:head]
        self._frames[: len(pcm) - head] = pcm[head:]

    def copy(self, begin: int, end: int) -> NDArray[np.int16]:
        """Shape: (n, channels): what is held of samples ``begin`` to ``end``."""
        with self._turn:
            begin, end = max(begin, self.begin), min(end, self.end)
            if end <= begin:
                return np.empty((0, self.channels), np.int16)
            return self._frames[np.arange(begin, end) % len(self._frames)]


def _frames(block: Block) -> NDArray[np.float32]:
    """Shape: (n, channels)."""
    return block.samples[:, None] if block.channels is None else block.channels


@dataclass(frozen=True, slots=True)
class _Wanted:
    event: AlarmRaised
    begin: int
    end: int
    give_up_s: float
    """Monotonic time: write what there is, the source delivers no more."""


class ClipRecorder:
    """Writes ``<time>-<source>-<rule>.wav``; an output of the fan-out.

    Raises CannotWriteError if the folder cannot be made.
    """

    name = "clips"
    capacity = 1000

    def __init__(
        self,
        settings: ClipSettings,
        warn: Callable[[str], None] = lambda text: print(text, file=sys.stderr, flush=True),
    ) -> None:
        self._settings = settings
        self._folder = Path(settings.folder)
        self._warn = warn
        self._rings: dict[str, SoundRing] = {}
        self._rates: dict[str, int] = {}
        self._early: dict[str, list[Block]] = {}  # of sources whose rate is not known yet
        self._wanted: list[_Wanted] = []
        self._rest_until: dict[tuple[str, str], float] = {}
        self._prune_at_s = 0.0
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CannotWriteError(
                f"expected to make the folder {self._folder} for clips: {error.strerror}; "
                "choose another one with clips.folder"
            ) from None

    def heard(self, source: str, block: Block) -> None:
        """Keep a block. Analysis thread of its source."""
        ring = self._rings.get(source)
        if ring is not None:
            ring.push(_frames(block)[:, : ring.channels], block.sample)
            return
        early = self._early.setdefault(source, [])
        if len(early) < EARLY_BLOCKS:
            early.append(block)
        if (rate_hz := self._rates.get(source)) is None:  # its first event is still under way
            return
        kept_s = self._settings.before_s + self._settings.after_s + SLACK_S
        ring = SoundRing(round(kept_s * rate_hz), min(CHANNELS, _frames(block).shape[1]))
        for kept in self._early.pop(source):
            ring.push(_frames(kept)[:, : ring.channels], kept.sample)
        self._rings[source] = ring

    # Lane of this output

    def handle(self, event: Event) -> None:
        """Note what is wanted."""
        if isinstance(event, Started):
            self._rates[event.stamp.source] = event.stamp.rate_hz
        if isinstance(event, Stopped):
            self._write_all(lambda wanted: wanted.event.stamp.source == event.stamp.source)
        if not isinstance(event, AlarmRaised):
            return
        stamp = event.stamp
        ring = self._rings.get(stamp.source)
        key = (stamp.source, event.rule)
        now_s = time.monotonic()
        if ring is None or len(self._wanted) >= WANTED or now_s < self._rest_until.get(key, 0.0):
            return
        self._rest_until[key] = now_s + self._settings.rest_s
        before = round(self._settings.before_s * stamp.rate_hz)
        after = round(self._settings.after_s * stamp.rate_hz)
        decided = max(stamp.sample, ring.end)
        give_up_s = now_s + self._settings.after_s + PATIENCE_S
        self._wanted.append(
            _Wanted(event, max(0, stamp.sample - before), decided + after, give_up_s)
        )

    def tick(self) -> None:
        """Write the clips whose sound has come."""
        now_s = time.monotonic()
        self._write_all(
            lambda wanted: (
                self._rings[wanted.event.stamp.source].end >= wanted.end
                or now_s >= wanted.give_up_s
            )
        )
        if now_s >= self._prune_at_s:
            self._prune_at_s = now_s + _PRUNE_EVERY_S
            self.prune(datetime.now().timestamp())

    def abandon(self) -> None:
        """Nothing here waits."""

    def close(self) -> None:
        """Write what is wanted as far as it has come."""
        self._write_all(lambda wanted: True)

    def _write_all(self, due: Callable[[_Wanted], bool]) -> None:
        for wanted in [wanted for wanted in self._wanted if due(wanted)]:
            self._wanted.remove(wanted)
            self._write(wanted)

    def _write(self, wanted: _Wanted) -> None:
        stamp = wanted.event.stamp
        pcm = self._rings[stamp.source].copy(wanted.begin, wanted.end)
        if not len(pcm):
            return
        parts = [stamp.time.strftime(_STAMP), file_name_of(stamp.source), wanted.event.rule]
        path = self._folder / f"{'-'.join(parts)}.wav"
        fresh = path.with_suffix(".part")  # a clip is whole or not there
        try:
            with fresh.open("wb") as out, wave.open(out) as file:
                file.setnchannels(pcm.shape[1])
                file.setsampwidth(2)
                file.setframerate(stamp.rate_hz)
                file.writeframes(pcm.astype("<i2").tobytes())
            fresh.replace(path)
        except OSError as error:
            fresh.unlink(missing_ok=True)
            self._warn(f"clips: cannot write {path}: {error.strerror}")

    def prune(self, now_s: float) -> None:
        """Delete clips beyond age and total size, the oldest first. ``now_s``: since the epoch."""
        files = []
        for path in self._folder.glob("*.wav"):
            status = path.stat()
            files.append((status.st_mtime, status.st_size, path))
        files.sort()
        total = sum(size for _, size, _ in files)
        for modified, size, path in files:
            too_old = 0 < self._settings.keep_days * 86_400 < now_s - modified
            if too_old or total > self._settings.keep_mb * _MB:
                path.unlink(missing_ok=True)
                total -= size
