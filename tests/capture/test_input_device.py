"""A device is found by what users type, and found again whatever its number is by then."""

from __future__ import annotations

import dataclasses

import pytest

from streamseg.capture.input_device import InputDevice, choose_device, find_again
from streamseg.errors import SourceUnavailableError

DEVICES = [
    InputDevice(0, "Built-in Mic", "ALSA", 2, 48_000, False),
    InputDevice(3, "USB Mic", "ALSA", 1, 44_100, True),
    InputDevice(4, "USB Mic Pro", "ALSA", 1, 44_100, False),
    InputDevice(7, "Built-in Mic", "JACK", 2, 48_000, False),
    InputDevice(9, "Line 3", "JACK", 2, 48_000, False),
]


@pytest.mark.parametrize(
    ("text", "index"),
    [
        (None, 3),
        ("4", 4),
        (4, 4),
        ("USB Mic", 3),
        ("usb mic", 3),
        ("pro", 4),
        ("Built-in Mic, JACK", 7),
        ("mic, jack", 7),
        ("3", 3),
        ("line", 9),
    ],
)
def test_device_is_found_by_what_users_type(text: str | int | None, index: int) -> None:
    """An index goes before an exact name, an exact name before a part, in any case."""
    assert choose_device(DEVICES, text).index == index


@pytest.mark.parametrize(
    ("text", "got", "listed"),
    [
        ("Built-in Mic", "2 that match", ["0: Built-in Mic, ALSA", "7: Built-in Mic, JACK"]),
        ("usb", "2 that match", ["3: USB Mic, ALSA", "4: USB Mic Pro, ALSA"]),
        ("violin", "none that matches", ["9: Line 3, JACK"]),
        ("", "none that matches", ["9: Line 3, JACK"]),
        ("12", "none that matches", ["0: Built-in Mic, ALSA"]),
    ],
)
def test_unclear_device_lists_the_candidates(text: str, got: str, listed: list[str]) -> None:
    """More than one match lists those, none lists all, each with its number."""
    with pytest.raises(SourceUnavailableError, match=got) as caught:
        choose_device(DEVICES, text)
    assert all(candidate in str(caught.value) for candidate in listed)


def test_no_device_and_no_default_say_so() -> None:
    """A machine without inputs, or without a default one, is told apart."""
    with pytest.raises(SourceUnavailableError, match="got none; connect one"):
        choose_device([], None)
    with pytest.raises(SourceUnavailableError, match="default input device, got none"):
        choose_device(DEVICES[:1], None)


def card(index: int, name: str, api: str = "ALSA", default: bool = False) -> InputDevice:
    """A device."""
    return InputDevice(index, name, api, 2, 48_000, default)


USB = card(2, "USB Audio: - (hw:1,0)")


@pytest.mark.parametrize(
    ("now", "index"),
    [
        # Another number, the same name.
        ([card(0, "HDMI"), card(7, "USB Audio: - (hw:1,0)")], 7),
        # Another card number too, while another card has the old number.
        ([card(2, "HDMI: - (hw:1,0)"), card(5, "USB Audio: - (hw:3,0)")], 5),
        # The same name under another interface is another device.
        ([card(2, "USB Audio: - (hw:1,0)", "JACK"), card(6, "USB Audio: - (hw:1,0)")], 6),
        # Of twins, the one that kept its card number.
        ([card(4, "USB Audio: - (hw:2,0)"), card(5, "USB Audio: - (hw:1,0)")], 5),
        # Of twins with the same name, the nearest place.
        ([card(1, USB.name), card(9, USB.name)], 1),
    ],
)
def test_a_device_is_found_again_by_name(now: list[InputDevice], index: int) -> None:
    """Numbers change when cards are plugged in another order; names do not."""
    assert find_again(now, USB, "2").index == index


def test_a_renamed_device_is_found_by_what_the_user_asked_for() -> None:
    """A part of the name that still fits finds it."""
    now = [card(0, "HDMI"), card(1, "USB Audio Rev. 2: - (hw:1,0)")]
    assert find_again(now, USB, "usb audio").index == 1


def test_the_default_is_what_is_the_default_now() -> None:
    """Who asked for the default gets the same device again, or else the new default."""
    other = card(3, "Line", default=True)
    assert find_again([other, dataclasses.replace(USB, index=9)], USB, None).index == 9
    assert find_again([other], USB, None) == other


@pytest.mark.parametrize("text", ["2", 2, "usb audio"])
def test_no_other_device_is_taken_in_its_place(text: str | int) -> None:
    """The number may lead elsewhere now: that is no reason to listen to something else."""
    now = [card(0, "HDMI"), card(2, "Line")]
    with pytest.raises(SourceUnavailableError, match="none that matches"):
        find_again(now, USB, text)


def test_twins_without_a_sign_are_not_guessed() -> None:
    """Two cards that fit alike, and neither at the old place by name: better wait than guess."""
    now = [card(4, "USB Audio: - (hw:2,0)"), card(5, "USB Audio: - (hw:3,0)")]
    with pytest.raises(SourceUnavailableError, match="2 that match"):
        find_again(now, USB, "usb audio")
