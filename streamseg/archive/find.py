"""From what the user named to the files to scan: files, folders, and lists of them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

from streamseg.errors import NoSuchInputError

_AUDIO = (
    "aac ac3 aif aifc aiff amr ape au bwf caf dts eac3 flac gsm m4a m4b mka mp2 mp3 oga ogg opus"
)
_MORE_AUDIO = "rf64 snd spx tta w64 wav wave wma wv"
_VIDEO = "3gp avi flv m2ts mkv mov mp4 mpeg mpg mxf ogv ts webm wmv"
SOUND_SUFFIXES = frozenset(
    f".{name}" for names in (_AUDIO, _MORE_AUDIO, _VIDEO) for name in names.split()
)
"""What is taken from a folder; a file that is named itself may be called anything."""


@dataclass(frozen=True, slots=True)
class Found:
    """One file to scan."""

    file: str
    """As the user named it, or under the folder that the user named."""
    place: PurePath
    """Where its results belong under a folder of results: its path there, without the suffix."""
    from_folder: bool


def find(names: Iterable[str]) -> list[Found]:
    """Every file once per name; folders are read to the bottom, in the order of their names.

    Raises NoSuchInputError for a folder that cannot be read or holds no sound file. What is no
    folder is taken as it is: whether it is a sound file shows when it is opened.
    """
    found: list[Found] = []
    for name in names:
        if name != "-" and os.path.isdir(name):
            found += _in_folder(name)
        else:
            stem = "stdin" if name == "-" else Path(name).stem
            found.append(Found(name, PurePath(stem), from_folder=False))
    return found


def read_list(place: str) -> list[str]:
    """One name a line, empty lines left out; ``-`` is standard input. Raises NoSuchInputError."""
    try:
        # Names are bytes to the system: what is not UTF-8 must come through unchanged.
        data = sys.stdin.buffer.read() if place == "-" else Path(place).read_bytes()
    except OSError as error:
        raise NoSuchInputError(
            f"expected a list of files in {place}, got: {error.strerror}; one name a line"
        ) from None
    return [os.fsdecode(line.rstrip(b"\r")) for line in data.split(b"\n") if line.strip()]


def _in_folder(folder: str) -> list[Found]:
    files = list(_walk(folder))
    if not files:
        raise NoSuchInputError(
            f"expected sound files in the folder {folder}, got none that is called like one; "
            "name the files themselves (folder/*)"
        )
    places = [PurePath(os.path.relpath(file, folder)).with_suffix("") for file in files]
    return [Found(file, place, True) for file, place in zip(files, places, strict=True)]


def _walk(folder: str) -> Iterator[str]:
    def stop(error: OSError) -> None:
        raise NoSuchInputError(
            f"expected a folder that can be read, got {error.filename}: {error.strerror}; "
            "correct its rights, or name the files themselves"
        ) from None

    for path, folders, files in os.walk(folder, onerror=stop):
        # What is hidden is no recording: macOS leaves a ._take.wav beside every take.wav.
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith(".") and PurePath(name).suffix.lower() in SOUND_SUFFIXES:
                yield os.path.join(path, name)
