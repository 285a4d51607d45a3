"""What an input device is called, and how a user's words choose one. Pure; any thread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from streamseg.errors import SourceUnavailableError


@dataclass(frozen=True, slots=True)
class InputDevice:
    """Something that can be listened to."""

    index: int
    name: str
    host_api: str
    channels: int
    rate_hz: int
    is_default: bool

    @property
    def label(self) -> str:
        """One line for people; also accepted where a name is."""
        return f"{self.name}, {self.host_api}"


def choose_device(devices: list[InputDevice], text: str | int | None) -> InputDevice:
    """``find_device`` among given devices."""
    if not devices:
        raise SourceUnavailableError(
            "expected an input device, got none; connect one or start the audio server, "
            "then look at `streamseg devices`"
        )
    if text is None:
        found = [device for device in devices if device.is_default]
        wanted = "a default input device"
    else:
        key = str(text).strip().casefold()
        wanted = f"an input device {str(text)!r}"
        tests: list[Callable[[InputDevice], bool]] = [
            lambda device: str(device.index) == key,
            lambda device: key in (device.name.casefold(), device.label.casefold()),
            lambda device: bool(key) and key in device.label.casefold(),
        ]
        matches = ([device for device in devices if test(device)] for test in tests)
        found = next((some for some in matches if some), [])
    if len(found) == 1:
        return found[0]
    candidates = "; ".join(f"{device.index}: {device.label}" for device in found or devices)
    got = f"{len(found)} that match" if found else "none that matches"
    raise SourceUnavailableError(
        f"expected {wanted}, got {got}; choose one by number: {candidates}"
    )
