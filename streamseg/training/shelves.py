"""In which manners a class is made, how often, and the shelves its sounds are drawn from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from streamseg.training.data import RATE_HZ, Bank, Entry, Part

CLASSES = ("music", "speech", "noise")
Taste = Literal["plain", "singing", "broad", "voices", "varied", "unaccompanied", "ambient"]
"""What layers are drawn from: see ``SHARES``."""

# How often a class is made in which manner; what a bank set lacks is left out.
_MANNERS: dict[str, dict[str, float]] = {
    "music": {
        "clip": 0.46,
        "midi": 0.11,
        "invented": 0.12,
        "solo": 0.12,
        "choir": 0.09,
        "vocals": 0.05,
        "tune": 0.05,
    },
    "speech": {"clip": 0.82, "foreign": 0.05, "respoken": 0.07, "dialogue": 0.06},
    "noise": {"clip": 0.64, "synthetic": 0.23, "babble": 0.13},
}
# Layers that dwell on singing, with what a microphone adds to a lone voice.
_SUNG_MUSIC = {
    "clip": 0.28,
    "midi": 0.06,
    "invented": 0.08,
    "solo": 0.16,
    "choir": 0.1,
    "vocals": 0.06,
    "held": 0.26,
}
# Layers that dwell on what the clips are narrow in: other music, voices across a room, test tones.
_BROAD: dict[str, dict[str, float]] = {
    "music": {
        "clip": 0.3,
        "scored": 0.17,
        "electronic": 0.17,
        "stems": 0.05,
        "midi": 0.04,
        "invented": 0.04,
        "solo": 0.08,
        "choir": 0.07,
        "vocals": 0.03,
        "held": 0.05,
    },
    "speech": {"clip": 0.55, "far": 0.24, "foreign": 0.05, "respoken": 0.1, "dialogue": 0.06},
    "noise": {"clip": 0.6, "synthetic": 0.18, "tone": 0.08, "babble": 0.14},
}
# Layers that dwell on voices, half of the made ones from grains instead of the vocoder.
_VOICES: dict[str, dict[str, float]] = {
    "music": {
        "clip": 0.28,
        "midi": 0.04,
        "invented": 0.04,
        "scored": 0.06,
        "electronic": 0.06,
        "solo": 0.07,
        "choir": 0.05,
        "vocals": 0.07,
        "held": 0.09,
        "grain_solo": 0.16,
        "grain_choir": 0.08,
    },
    "speech": {
        "clip": 0.56,
        "far": 0.14,
        "foreign": 0.05,
        "respoken": 0.07,
        "grain_speech": 0.12,
        "dialogue": 0.06,
    },
    "noise": {"clip": 0.64, "synthetic": 0.18, "tone": 0.02, "babble": 0.16},
}
# Layers that dwell on bands, dance music, and people who sing together, indoors and out.
_VARIED: dict[str, dict[str, float]] = {
    "music": {
        "clip": 0.25,
        "band": 0.13,
        "dance": 0.12,
        "electronic": 0.09,
        "scored": 0.04,
        "midi": 0.02,
        "invented": 0.02,
        "gathering": 0.12,
        "solo": 0.04,
        "choir": 0.02,
        "grain_solo": 0.08,
        "grain_choir": 0.03,
        "vocals": 0.03,
        "held": 0.02,
    },
    "speech": {
        "clip": 0.6,
        "far": 0.12,
        "foreign": 0.05,
        "respoken": 0.06,
        "grain_speech": 0.11,
        "dialogue": 0.06,
    },
    "noise": {"clip": 0.66, "synthetic": 0.17, "tone": 0.03, "babble": 0.14},
}
# Layers that dwell on recorded voices without accompaniment, of which the corpus has some twenty
# minutes: among all other clips they were hardly heard.
_UNACCOMPANIED: dict[str, dict[str, float]] = {
    "music": {
        "clip": 0.22,
        "cappella": 0.2,
        "ensemble": 0.14,
        "vocals": 0.09,
        "grain_solo": 0.07,
        "grain_choir": 0.04,
        "gathering": 0.06,
        "held": 0.05,
        "solo": 0.04,
        "electronic": 0.05,
        "band": 0.04,
    },
    "speech": {
        "clip": 0.52,
        "far": 0.2,
        "foreign": 0.05,
        "respoken": 0.06,
        "grain_speech": 0.1,
        "dialogue": 0.07,
    },
    "noise": {"clip": 0.7, "synthetic": 0.14, "tone": 0.02, "babble": 0.14},
}
# Layers that dwell on music that is texture rather than tune, and on noises beside it.
_AMBIENT: dict[str, dict[str, float]] = {
    "music": {
        "clip": 0.26,
        "ambient": 0.34,
        "electronic": 0.08,
        "dance": 0.08,
        "band": 0.05,
        "stems": 0.04,
        "scored": 0.03,
        "gathering": 0.02,
        "cappella": 0.03,
        "ensemble": 0.02,
        "vocals": 0.03,
        "grain_solo": 0.02,
    },
    "speech": {
        "clip": 0.62,
        "far": 0.12,
        "foreign": 0.05,
        "respoken": 0.06,
        "grain_speech": 0.09,
        "dialogue": 0.06,
    },
    "noise": {"clip": 0.7, "synthetic": 0.17, "tone": 0.03, "babble": 0.1},
}
SHARES: dict[Taste, dict[str, dict[str, float]]] = {
    "plain": _MANNERS,
    "singing": {**_MANNERS, "music": _SUNG_MUSIC},
    "broad": _BROAD,
    "voices": _VOICES,
    "varied": _VARIED,
    "unaccompanied": _UNACCOMPANIED,
    "ambient": _AMBIENT,
}
WIDE: tuple[Taste, ...] = ("broad", "voices", "varied", "unaccompanied", "ambient")
"""Tastes in which voices are also heard across a room, and pauses hum."""
OUTDOORS: tuple[Taste, ...] = ("varied", "unaccompanied", "ambient")
"""Tastes in which sounds are also heard outdoors, shaded, and through recorders and hum."""
TASTES: tuple[Taste, ...] = tuple(SHARES)
MADE = {"tune", "synthetic", "tone"}
BORROWED = {
    "dialogue": ("speech", "clip"),
    "far": ("speech", "clip"),
    "babble": ("speech", "clip"),
    "ensemble": ("music", "cappella"),
}


@dataclass(slots=True)
class Shelf:
    """The sounds of one manner, drawn first by source and kind, then by group."""

    bank: Bank
    groups: list[list[Entry]] = field(default_factory=list)
    weights: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))

    @classmethod
    def of(cls, bank: Bank, part: Part, keep: Callable[[Entry], bool]) -> Shelf | None:
        """The sounds of one part of a bank that ``keep`` keeps; None where there are none."""
        groups: dict[tuple[str, str], list[Entry]] = {}
        for entry in bank.entries:
            if entry.part == part and keep(entry):
                kind = entry.detail.split(":")[0] if bank.kind == "noise" else entry.detail
                key = (entry.repo, entry.group if bank.kind == "speech" else kind)
                groups.setdefault(key, []).append(entry)
        if not groups:
            return None
        # The square root keeps one large source from being half of everything.
        seconds = [sum(entry.length for entry in group) / RATE_HZ for group in groups.values()]
        repos = [repo for repo, _ in groups]
        per_repo = {
            repo: sum(s for s, r in zip(seconds, repos, strict=True) if r == repo) for repo in repos
        }
        weights = np.array([s / np.sqrt(per_repo[r]) for s, r in zip(seconds, repos, strict=True)])
        return cls(bank, list(groups.values()), weights / weights.sum())

    def draw(self, random: Generator) -> list[Entry]:
        """One group, by its weight."""
        return self.groups[random.choice(len(self.groups), p=self.weights)]
