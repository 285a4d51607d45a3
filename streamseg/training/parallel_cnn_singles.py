"""Programmes of single sounds: a word, a note, a knock, with silence around each.

What archives call a clip is often that, and a window of three seconds then holds little but
silence. The plain programmes fill their segments; here every sound is one of 0.2 to 1 s cut out of
a layer (``held_out.one_sound``), in a third of the programmes a layer of 1 to 6 s. A third of them
is of each class, and much of the speech is syllables with the tones of languages that the corpus
lacks (``syllables``).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.random import Generator

from streamseg.training import augment, fronts, mixing, render, synthetic
from streamseg.training.banks import open_banks
from streamseg.training.data import CELL, RATE_HZ, SOUNDING
from streamseg.training.held_out import one_sound
from streamseg.training.layers import CLASSES, Layers, rooms_of
from streamseg.training.mixing import IGNORE, Programme

_FRAMES = round(render.SECONDS / fronts.PARALLEL_CNN.hop_s)
_LAYER_S = 2.0  # of which one sound is cut
_MANNERS: dict[str, dict[str, float]] = {
    "music": {
        "clip": 0.4,
        "midi": 0.12,
        "invented": 0.12,
        "scored": 0.08,
        "electronic": 0.1,
        "stems": 0.06,
        "held": 0.06,
        "solo": 0.06,
    },
    "speech": {"syllables": 0.45, "clip": 0.4, "foreign": 0.05, "respoken": 0.1},
    "noise": {"clip": 0.75, "synthetic": 0.25},
}
_SUNG = ("held", "solo")
"""Only in longer sounds: a second of a voice does not say whether it speaks or sings."""


def compose(layers: Layers, random: Generator, length_s: float) -> Programme:
    """One sound after the other, brief ones or, in a third of the programmes, longer ones.

    Half of the programmes hold one class only. In two of three the pauses are longer than a second,
    in half of them something faint is heard.
    """
    cells = int(length_s * RATE_HZ) // CELL
    samples = np.zeros(cells * CELL, np.float32)
    truth = np.zeros((cells, len(CLASSES)), np.uint8)
    own = str(random.choice(CLASSES)) if random.random() < 0.5 else ""
    gaps = (60, 160) if random.random() < 0.67 else (10, 60)
    brief = random.random() < 0.67
    at = int(random.integers(0, 75))
    while at < cells:
        label = own or str(random.choice(CLASSES))
        seconds = _LAYER_S if brief else float(np.exp(random.uniform(0, np.log(6))))
        layer = layers.layer(random, label, seconds, _manner(layers, random, label, brief))
        sound, marks = layer.samples, layer.cells
        if brief:
            sound, marks = one_sound(random, sound, marks)
        count = min(len(marks), cells - at)
        gain = np.float32(10 ** (float(random.normal(0, 4)) / 20))
        samples[at * CELL : (at + count) * CELL] = sound[: count * CELL] * gain
        column = truth[at : at + count, CLASSES.index(label)]
        column[marks[:count] > 0] = IGNORE
        column[marks[:count] == SOUNDING] = 1
        at += count + int(random.integers(*gaps))
    if random.random() < 0.5:
        under = np.float32(0.1 * 10 ** (float(random.uniform(-60, -25)) / 20))
        place = synthetic.coloured(random, len(samples), float(random.uniform(0, 2)))
        samples += place * under / np.float32(augment.rms(place))
    return Programme(samples, truth)


def _manner(layers: Layers, random: Generator, label: str, brief: bool) -> str:
    """By chance, of those that the banks hold."""
    shares = {
        name: share
        for name, share in _MANNERS[label].items()
        if layers.holds(label, name) and not (brief and name in _SUNG)
    }
    weights = np.array(list(shares.values()))
    return list(shares)[int(random.choice(len(shares), p=weights / weights.sum()))]


def render_shard(banks: Path, corpus: Path | None, folder: Path, seed: int, index: int) -> None:
    """Write a shard of such programmes for ``parallel_cnn``, unless it is there."""
    path = render.shard_path(folder, index)
    if path.exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng([seed, index, 23])
    rooms = rooms_of(corpus)
    layers = Layers(open_banks(banks), "fit", rooms)
    features, truths = [], []
    for _ in range(render.PER_SHARD):
        programme = compose(layers, random, render.SECONDS + 0.1)
        heard, rings_s = augment.degrade(random, programme.samples, rooms)
        truth = mixing.ring_on(programme.truth, rings_s) if rings_s else programme.truth
        raw = fronts.features(fronts.PARALLEL_CNN, heard)[:_FRAMES]
        features.append(raw.astype(np.float16))
        truths.append(truth[: render.CELLS])
    temporary = path.with_suffix(".part")
    with temporary.open("wb") as file:
        np.savez(file, truth=np.stack(truths), parallel_cnn=np.stack(features))
    temporary.rename(path)
