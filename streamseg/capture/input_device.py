"""What an input device is called, and how a user's words choose one. Pure; any thread."""

from __future__ import annotations

import re
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


_CARD_NUMBER = re.compile(r"\(hw:\d+,\d+\)")
"""ALSA's address of a sound card: it changes when cards are plugged in another order."""


def find_again(
    devices: list[InputDevice], known: InputDevice, text: str | int | None
) -> InputDevice:
    """The device that was open before, among those that are there now, whatever their numbers.

    By its whole name, then by its name without the number of the card; then by what the user asked
    for, unless that was a number: another device may have that now. Raises SourceUnavailableError.
    """

    def bare(device: InputDevice) -> tuple[str, str]:
        return _CARD_NUMBER.sub("", device.name), device.host_api

    same = [device for device in devices if device.label == known.label]
    if not same:
        same = [device for device in devices if bare(device) == bare(known)]
        same = same if len(same) == 1 else []
    if same:
        # Twins are told apart by their place.
        return min(same, key=lambda device: abs(device.index - known.index))
    if str(text or "").strip().isdigit():
        return choose_device(devices, known.label)
    return choose_device(devices, text)


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
