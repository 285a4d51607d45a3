"""``python -m streamseg.evaluation held-out CACHE``: what held-out sounds are taken for, by kind.

Sounds held out of training, one by one: every clip and made piece of the banks in CACHE, and voices
alone, across a room, as a choir and over noise, as ``singing`` asks about those of split eval. This
is what to look at before and after a training; no eval sound is read. Needs the extra ``train``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.random import Generator

from streamseg.evaluation.singing import Material, at_level, of_a_voice
from streamseg.messages import Float32Array
from streamseg.training.banks import open_banks
from streamseg.training.data import RATE_HZ, SOUNDING, Bank, Entry

CLIPS = ("music", "noise", "electronic", "dance", "bands", "ambient")
_CLIP_S = 30.0


def _any(_: Entry) -> bool:
    return True


def _solo(entry: Entry) -> bool:
    return entry.detail == "solo"


def _with_vocals(entry: Entry) -> bool:
    return entry.vocals


# Bank, which of its sounds, and how many of so many seconds.
_VOICES: dict[str, tuple[str, Callable[[Entry], bool], int, float]] = {
    "vocal stems": ("vocals", _any, 2, 40.0),
    "clips of songs": ("music", _with_vocals, 6, 12.0),
    "sung by grains": ("grains_held_out", _solo, 8, 12.0),
    "sung by WORLD": ("sung_held_out", _solo, 5, 12.0),
    "held vowels": ("held", _any, 8, 12.0),
}


def materials(banks: Path, seed: int = 0) -> Iterator[Material]:
    """All sounds by kind, seeded; banks that a cache lacks are left out."""
    found = open_banks(banks)
    for kind in CLIPS:
        if kind in found:
            yield from _clips(found[kind])
    if "noise" in found:
        yield from _voices(found, seed)


def _clips(bank: Bank) -> Iterator[Material]:
    for entry in _held(bank):
        count = int(_CLIP_S * RATE_HZ)
        name = f"{bank.kind}: {entry.detail.partition(':')[0]}"
        sounding = bank.cells(entry)[: int(_CLIP_S * 50)] == SOUNDING
        yield Material(name, at_level(bank.samples(entry)[:count]), sounding)


def _voices(found: dict[str, Bank], seed: int) -> Iterator[Material]:
    noises = _held(found["noise"])

    def noise(random: Generator) -> Float32Array:
        return found["noise"].samples(noises[int(random.integers(len(noises)))])

    for name, (kind, keep, count, seconds) in _VOICES.items():
        if kind not in found:
            continue
        entries = [entry for entry in _held(found[kind]) if keep(entry)]
        order = np.random.default_rng(7).permutation(len(entries))[:count]
        for place, index in enumerate(order):
            voice = found[kind].samples(entries[index])[: int(seconds * RATE_HZ)]
            random = np.random.default_rng([seed, place])
            for made in of_a_voice(random, voice, noise):
                yield replace(made, kind=f"{name}: {made.kind}")


def _held(bank: Bank) -> list[Entry]:
    return [entry for entry in bank.entries if entry.part == "validation"]
