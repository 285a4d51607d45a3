"""What the window may ask of the rest of the program. No Qt.

The command that opens the window hands these in: the view itself knows no device, decoder or
network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from streamseg.messages import Float32Array
from streamseg.settings import Settings


@dataclass(frozen=True, slots=True)
class DeviceChoice:
    """An input device to choose from."""

    name: str
    """What ``Engine.open`` takes."""
    detail: str
    """Host API, channels, rate: one line for people."""
    is_default: bool


class Engine(Protocol):
    """Opens and closes sources. Every call but ``devices`` returns at once."""

    @property
    def source(self) -> str | None:
        """What was opened last, as the user wrote it; None is the default input device."""
        ...

    @property
    def settings(self) -> Settings:
        """Those in force."""
        ...

    @property
    def origin(self) -> dict[str, str]:
        """Where the value of each setting came from, by dotted key."""
        ...

    @property
    def config_path(self) -> Path:
        """The TOML file that the settings dialog writes."""
        ...

    @property
    def models(self) -> dict[str, str]:
        """Stems of the networks and what each is."""
        ...

    def open(self, source: str | None) -> None:
        """Close what is open, and monitor this."""
        ...

    def use_model(self, stem: str) -> None:
        """Go on with another network; the source is opened again."""
        ...

    def reload(self) -> None:
        """Read the settings again and open the source again. Raises ConfigError."""
        ...

    def devices(self) -> list[DeviceChoice]:
        """The input devices of this very moment. May take seconds: never on the GUI thread.

        Raises SourceUnavailableError.
        """
        ...

    def acknowledged(self, rules: Sequence[str]) -> None:
        """Somebody has seen the alarms of these rules of the source that is open: log it."""
        ...

    def reset_maxima(self) -> None:
        """Begin integrated loudness and highest peak anew."""
        ...

    def close(self) -> None:
        """Stop for good; the log is complete afterwards. May take seconds."""
        ...


class Player(Protocol):
    """Plays a stretch of sound. ``play`` returns at once."""

    def play(self, samples: Float32Array, rate_hz: int) -> None:
        """Begin, in place of what was played before.

        Shape: (n, channels) float32. Raises SourceUnavailableError.
        """
        ...

    def stop(self) -> None:
        """Be quiet."""
        ...

    @property
    def played_s(self) -> float | None:
        """Seconds that have been played; None when nothing is played."""
        ...
