"""Draw ``docs/timeline.png``: the demo programme as streamseg hears it, beside its reference.

Run it after a new network or demo programme: ``python assets/make_timeline.py``. Needs matplotlib
(development dependency).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from streamseg.commands.demo import read_reference
from streamseg.commands.timeline import LABELS, Span
from streamseg.frontend.stft import Stft
from streamseg.models import load_network
from streamseg.offline import FrameTable, analyse_file
from streamseg.settings import Settings

OUT = Path(__file__).resolve().parent.parent / "docs" / "timeline.png"
DEMO = Path(__file__).resolve().parent / "demo.opus"
COLOURS = {"music": "#0072B2", "speech": "#E69F00", "noise": "#999999", "silence": "#dddddd"}
HATCHES = {"music": "", "speech": "//", "noise": "..", "silence": ""}


def main() -> None:
    """Analyse the demo programme and save the picture."""
    settings = Settings()
    table = analyse_file(DEMO, load_network(settings.model.name, "cpu"), settings)
    figure, axes = plt.subplots(
        3, 1, figsize=(12, 6), sharex=True, height_ratios=[3, 2, 2], layout="constrained"
    )
    _spectrogram(axes[0], table)
    _probabilities(axes[1], table, settings)
    _lanes(axes[2], table)
    figure.suptitle(f"The demo programme, heard by streamseg ({settings.model.name})")
    OUT.parent.mkdir(exist_ok=True)
    figure.savefig(OUT, dpi=110)


def _spectrogram(axes: Axes, table: FrameTable) -> None:
    import soundfile

    samples, rate_hz = soundfile.read(DEMO, dtype="float32", always_2d=True)
    spectrum = Stft(2048, rate_hz // 20).push(samples.mean(axis=1))
    level_db = 20 * np.log10(np.abs(spectrum.T) / 512 + 1e-5)
    axes.imshow(
        level_db,
        origin="lower",
        aspect="auto",
        cmap="magma",
        vmin=-95,
        vmax=-15,
        extent=(0, table.duration_s, 0, rate_hz / 2000),
    )
    axes.set(ylabel="kHz", ylim=(0, 12))


def _probabilities(axes: Axes, table: FrameTable, settings: Settings) -> None:
    for index, label in enumerate(("music", "speech", "noise")):
        axes.plot(table.time_s, table.prob[:, index], color=COLOURS[label], label=label, lw=1.6)
    axes.axhline(settings.decisions.on, color="#888888", ls="--", lw=0.8)
    axes.axhline(settings.decisions.off, color="#888888", ls=":", lw=0.8)
    axes.set(ylabel="probability", ylim=(-0.03, 1.03))
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=3, frameon=False)


def _lanes(axes: Axes, table: FrameTable) -> None:
    heard = [Span(s.start / table.rate_hz, s.end / table.rate_hz, s.label) for s in table.segments]
    reference = read_reference(DEMO.with_suffix(".csv"))
    for row, label in enumerate(reversed(LABELS)):
        _bars(axes, (s for s in heard if s.label == label), row, 0.02, label, 1.0)
        _bars(axes, (s for s in reference if s.label == label), row, -0.38, label, 0.35)
    axes.set(
        xlabel="seconds: what was heard (strong) above the reference (pale)",
        yticks=range(len(LABELS)),
        yticklabels=reversed(LABELS),
        ylim=(-0.5, len(LABELS) - 0.5),
        xlim=(0, table.duration_s),
    )


def _bars(
    axes: Axes, spans: Iterable[Span], row: int, below: float, label: str, alpha: float
) -> None:
    axes.broken_barh(
        [(span.start_s, span.end_s - span.start_s) for span in spans],
        (row + below, 0.36),
        color=COLOURS[label],
        hatch=HATCHES[label],
        edgecolor="white",
        alpha=alpha,
        lw=0,
    )


if __name__ == "__main__":
    main()
