"""Colours, letters and hatches. No Qt: colours are ``#rrggbb``.

Classes wear Okabe and Ito's colours, which every kind of colour vision tells apart, and never
colour alone: each has a letter and a hatch too. Stems wear those of them that no class has.
"""

from __future__ import annotations

from dataclasses import dataclass

LABELS = ("music", "speech", "noise", "silence")
LETTERS = {
    "music": "M", "speech": "S", "noise": "N", "silence": "–",
    "drums": "D", "bass": "B", "other": "O", "vocals": "V",
}  # fmt: skip
HATCHES = {
    "music": "plain", "speech": "diagonal", "noise": "dots", "silence": "plain",
    "drums": "upright", "bass": "level", "other": "plain", "vocals": "diagonal",
}  # fmt: skip
MASK_RGB = {
    "music": (86, 180, 233), "speech": (230, 159, 0), "noise": (190, 190, 190),
    "drums": (213, 94, 0), "bass": (0, 158, 115), "other": (240, 228, 66),
    "vocals": (204, 121, 167),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Theme:
    """One look of the window."""

    name: str
    window: str
    panel: str
    """Behind curves and lanes."""
    plot: str
    """Behind the spectrogram, where nothing was heard."""
    text: str
    faint: str
    line: str
    accent: str
    warn: str
    alarm: str
    good: str
    on_alarm: str
    """Text on a field of the colour of an alarm or a warning."""
    classes: dict[str, str]
    on_class: dict[str, str]
    """Text on a field of the class's colour."""


DARK = Theme(
    name="dark",
    window="#1b1d21",
    panel="#121316",
    plot="#24272d",
    text="#e6e6e6",
    faint="#9aa0a8",
    line="#34373d",
    accent="#f0f0f0",
    warn="#f0c419",
    alarm="#ff6b4a",
    good="#4cc38a",
    on_alarm="#000000",
    classes={"music": "#56B4E9", "speech": "#E69F00", "noise": "#999999", "silence": "#4a4f57"},
    on_class={"music": "#00121f", "speech": "#1f1200", "noise": "#111111", "silence": "#e6e6e6"},
)
LIGHT = Theme(
    name="light",
    window="#f2f2f0",
    panel="#ffffff",
    plot="#dcdcd9",
    text="#1a1a1a",
    faint="#5c6066",
    line="#cfcfcc",
    accent="#000000",
    warn="#8a5a00",
    alarm="#b3261e",
    good="#12734a",
    on_alarm="#ffffff",
    classes={"music": "#0072B2", "speech": "#E69F00", "noise": "#999999", "silence": "#d5d5d2"},
    on_class={"music": "#ffffff", "speech": "#1f1200", "noise": "#111111", "silence": "#1a1a1a"},
)
THEMES = {"dark": DARK, "light": LIGHT}
