"""Drum grooves as strings of sixteen steps.

``X`` sounds always, ``x`` in half of the pieces, ``o`` in a quarter, ``g`` softly in most, ``-``
softly in a third, ``.`` hardly ever. A pattern is drawn once for two bars and repeats.
"""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Pattern = dict[str, NDArray[np.float64]]
"""Loudness of each of 32 steps by drum, 0 where it is silent."""

_CHANCE = {"X": 1.0, "x": 0.5, "o": 0.25, "g": 0.75, "-": 0.35, ".": 0.015}
_FOUR = ("X...X...X...X...", "X...X...X...X..o", "X...X...X.o.X...")
_BACKBEAT = ("....X.......X...", "....X.......X..-", "")
_OFF_HATS = ("..X...X...X...X.", "..X...X...X...X-", "")
_SIXTEENTHS = ("g-g-g-g-g-g-g-g-", "gggggggggggggggg", "g.gxg.gxg.gxg.gx", "")
_EIGHTHS = ("X.g.X.g.X.g.X.g.", "X.X.X.X.X.X.X.X.", "g-X-g-X-g-X-g-X-")
_CLICKS = ("...-..-...-..-..", "o..o..o..o..o.o.", "..-o.-..o-..-.o.", "")

GROOVES: dict[str, dict[str, tuple[str, ...]]] = {
    "house": {
        "kick": _FOUR, "clap": _BACKBEAT, "snare": ("", "", "....x.......x..-"),
        "open": _OFF_HATS, "hat": _SIXTEENTHS, "perc": _CLICKS, "perc2": _CLICKS,
        "ride": ("", "", "..g...g...g...g."),
    },
    "techno": {
        "kick": _FOUR, "clap": ("", "", "....X.......X...", "....o.......x..."),
        "open": ("..X...X...X...X.", ""), "hat": _SIXTEENTHS,
        "ride": ("", "X.X.X.X.X.X.X.X.", "..X...X...X...X."),
        "perc": ("o-.o-.o-.o-.o-.o", *_CLICKS), "perc2": ("x..x..x..x..x...", *_CLICKS),
    },
    "trance": {
        "kick": _FOUR, "clap": ("....X.......X...", "....X.......X...", ""),
        "snare": ("", "....X.......X..."), "open": _OFF_HATS, "hat": _SIXTEENTHS,
        "ride": ("", "X.X.X.X.X.X.X.X."), "perc": ("", "", *_CLICKS),
    },
    "two_step": {
        "kick": ("X.........X.....", "X.....o...X.....", "X.o.......X..o..", "X..o......Xo...."),
        "snare": ("....X.......X...", "....X..-.-..X..-", "....X.-..-..X.-."),
        "hat": (*_EIGHTHS, *_SIXTEENTHS), "open": ("", "..o.......o.....", "......o........."),
        "ride": ("", "", "X.X.X.X.X.X.X.X."), "perc": ("", *_CLICKS),
    },
    "amen": {
        "kick": ("X.X.......XX....", "X.X.......X..-..", "X.x...-...Xx...."),
        "snare": ("....X..g.g..X..g", "....X..g.-....X.", "....X..g.g..x.X."),
        "hat": ("", "-.-.-.-.-.-.-.-."), "ride": ("X.X.X.X.X.X.X.X.", "", ""),
        "crash": ("", "", "o..............."), "perc": ("", "", *_CLICKS),
    },
    "funk": {
        "kick": ("X.....x...X.....", "X..x......Xo....", "X.X....o..X..o..", "X..o..x...X....."),
        "snare": ("....X..-.-..X...", "....X..-.g..X..-", "....X.-..-..X.-."),
        "hat": (*_EIGHTHS, "g-g-g-g-g-g-g-g-"),
        "open": ("", "......x.......x.", "..............x."),
        "perc": ("", *_CLICKS), "clap": ("", "", "....x.......x..."),
    },
    "half_time": {
        "kick": ("X.........o.....", "X.....x.........", "X..x......o...o.", "X...........-..o"),
        "snare": ("........X.......", "........X......-", "........X.-....."),
        "clap": ("", "........x......."), "perc": ("", "...-..-...-..-..", *_CLICKS),
        "hat": ("..-...-...-...-.", "g.-.g.-.g.-.g.-.", "X..X..X.X..X..X.", *_SIXTEENTHS),
        "open": ("", "......x.........", "............o..."),
    },
    "broken": {
        "kick": ("X..X..X...X.....", "X.....X..X......", "X..x..X..x..X...", "X......X..X....."),
        "clap": ("....X.......X...", "", "............X..."), "snare": ("", "....x.......x..-"),
        "hat": (*_SIXTEENTHS, *_EIGHTHS), "open": ("..x...x...x...x.", ""),
        "perc": ("o-.o-.o-.o-.o-.o", *_CLICKS), "perc2": _CLICKS, "ride": ("", ""),
    },
}  # fmt: skip
"""Alternatives for every drum of a groove; an empty one leaves the drum out."""


def _bar(random: Generator, template: str) -> NDArray[np.float64]:
    loud = np.zeros(16)
    for step, mark in enumerate(template):
        if random.random() < _CHANCE[mark]:
            soft = mark in "g-."
            loud[step] = random.uniform(0.15, 0.5) if soft else random.uniform(0.75, 1)
    return loud


def draw(random: Generator, groove: str) -> Pattern:
    """Two bars of a groove: the second is the first again, or drawn for itself."""
    pattern: Pattern = {}
    for drum, templates in GROOVES[groove].items():
        template = templates[random.integers(len(templates))]
        first = _bar(random, template)
        second = first if random.random() < 0.5 else _bar(random, template)
        pattern[drum] = np.concatenate((first, second))
    return pattern


def fill(random: Generator) -> Pattern:
    """The last half bar before a change, (8,) a drum: a roll, a gap or a run of drums."""
    manner = random.choice(["roll", "gap", "run"])
    if manner == "gap":
        return {}
    if manner == "roll":
        return {"snare": np.linspace(0.3, 1, 8)}
    return {
        drum: np.where(random.random(8) < 0.4, random.uniform(0.5, 1, 8), 0.0)
        for drum in ("snare", "kick", "perc", "perc2")
    }
