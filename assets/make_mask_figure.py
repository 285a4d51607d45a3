"""Draw ``docs/window_mask.png``: music under a bus that is 10 dB louder, and whose is what.

After figure 3 of the paper. Run it after a new network: ``python assets/make_mask_figure.py
CORPUS``. Neither sound was trained on: the music is of the split ``eval``, the bus of a repository
that is held out inside ``train``. Needs matplotlib (development dependency).
"""

from __future__ import annotations

from pathlib import Path

import click
import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.image import AxesImage

from streamseg.evaluation.mask_ear import MaskEar
from streamseg.frontend.features import log_bands
from streamseg.messages import Float32Array, Mask
from streamseg.training.data import RATE_HZ, decode

OUT = Path(__file__).resolve().parent.parent / "docs" / "window_mask.png"
MUSIC = "eval/music/FreezingMoon+AncientBeast/5d41989ec6.opus"
BUS = "train/noise/OpenTTD+OpenSFX/04cce68053.opus"  # "Truck/old bus start, pull away"
SECONDS = 4.0
RATIO_DB = -10.0


def excerpt(path: Path, level: float) -> Float32Array:
    """The first four seconds at this root mean square."""
    samples = decode(path)[: int(SECONDS * RATE_HZ)]
    return np.asarray(samples * level / np.sqrt(np.mean(samples**2)), np.float32)


def draw(axes: Axes, decibels: Float32Array, title: str) -> AxesImage:
    """A spectrogram, (frames, bins)."""
    frame_s = 128 / RATE_HZ
    image = axes.imshow(
        decibels.T,
        origin="lower",
        aspect="auto",
        cmap="magma",
        vmin=-60,
        vmax=20,
        extent=(0, len(decibels) * frame_s, 0, decibels.shape[1] * RATE_HZ / 512 / 1000),
    )
    axes.set_title(title, fontsize=10)
    axes.set_facecolor("#d8d8d8")
    return image


def draw_map(axes: Axes, mask: Mask, label: str) -> AxesImage:
    """The probability of one class in every unit."""
    prob = mask.prob[mask.classes.index(label)]
    seconds = prob.shape[1] * mask.unit_s
    top_khz = prob.shape[0] * 16 * RATE_HZ / 512 / 1000
    image = axes.imshow(
        prob,
        origin="lower",
        aspect="auto",
        cmap="viridis",
        vmin=0,
        vmax=1,
        extent=(0, seconds, 0, top_khz),
    )
    axes.set_title(f"probability of {label}", fontsize=10)
    return image


def segmented(decibels: Float32Array, mask: Mask) -> Float32Array:
    """The spectrogram with nothing where another class has the larger probability than music."""
    music = mask.prob.argmax(axis=0) == mask.classes.index("music")
    pixels = np.repeat(np.repeat(music.T, 16, axis=0), 16, axis=1)
    return np.where(pixels, decibels[: len(pixels)], np.float32(np.nan))


@click.command()
@click.argument("corpus", type=click.Path(path_type=Path, exists=True))
def main(corpus: Path) -> None:
    """Mix, hear, draw."""
    noise = excerpt(corpus / BUS, 0.08)
    music = excerpt(corpus / MUSIC, 0.08 * 10 ** (RATIO_DB / 20))[: len(noise)]
    ear = MaskEar()
    front = ear.card.front_end
    mixture = music + noise
    mask = ear.hear(mixture).mask
    pictures = [log_bands(front).push(sound) for sound in (music, noise, mixture)]
    figure, axes = plt.subplots(
        3, 2, figsize=(11, 8), sharex=True, sharey=True, layout="constrained"
    )
    draw(axes[0, 0], pictures[0], "music alone")
    draw(axes[1, 0], pictures[1], "bus alone")
    level = draw(axes[2, 0], pictures[2], "both, the music 10 dB under the bus")
    draw_map(axes[0, 1], mask, "music")
    chance = draw_map(axes[1, 1], mask, "noise")
    draw(axes[2, 1], segmented(pictures[2], mask), "both, where music is the likeliest")
    for row in axes:
        row[0].set_ylabel("kHz")
    for column in axes[2]:
        column.set_xlabel("s")
    figure.colorbar(level, ax=axes[:, 0], label="dB", shrink=0.5)
    figure.colorbar(chance, ax=axes[:, 1], label="probability", shrink=0.5)
    OUT.parent.mkdir(exist_ok=True)
    figure.savefig(OUT, dpi=110)


if __name__ == "__main__":
    main()
