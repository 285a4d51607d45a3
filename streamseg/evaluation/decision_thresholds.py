"""``python -m streamseg.evaluation.decision_thresholds CACHE --corpus DIR``: ``on`` and ``off``.

Onsets of the decided segments (F, as ``programmes`` scores events) and what the segments cover of
each class (F over moments), over ``decisions.on`` and ``decisions.off``, on programmes composed of
sounds held out of training, under every condition of validation. No eval sound is read. Needs the
extra ``train``, whose banks lie in CACHE; DIR holds the rooms.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from streamseg.decisions.segments import Closed, Decider
from streamseg.errors import StreamsegError
from streamseg.evaluation import programmes
from streamseg.evaluation.analyser import CLASSES, Heard, network_analyser
from streamseg.evaluation.made import Hear, hearing
from streamseg.evaluation.metrics import Counts
from streamseg.evaluation.truth import Truth, banks_folder
from streamseg.messages import Estimate, FrameGrid, Segment
from streamseg.settings import DecisionSettings
from streamseg.training import validation
from streamseg.training.conditions import CONDITIONS

ON = (0.5, 0.6, 0.7)
OFF = (0.15, 0.2, 0.25, 0.3, 0.4)
_SEEDS = (8101, 8102)
_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Answered:
    """A programme and what was heard in it."""

    truth: tuple[Truth, ...]
    heard: Heard


def composed(banks: Path, corpus: Path | None, hear: Hear) -> Iterator[Answered]:
    """Two programmes of two minutes under each condition."""
    for name in (*CONDITIONS, *validation.OWN):
        for seed in _SEEDS:
            made = validation.programme(banks, corpus, seed, name, _SECONDS)
            truth = tuple(Truth(s.start_s, s.end_s, s.label, s.level_db) for s in made.segments)
            yield Answered(truth, hear(made.samples))


def decided(heard: Heard, settings: DecisionSettings) -> tuple[Segment, ...]:
    """The segments of a file under other settings, from its probabilities."""
    if len(heard.time_s) < 2:
        return ()
    hop_s = float(heard.time_s[1] - heard.time_s[0])
    grid = FrameGrid(heard.rate_hz, hop_s, float(heard.time_s[0]))
    decider = Decider(CLASSES, grid, settings)
    estimate = Estimate("", CLASSES, heard.prob, heard.prob, heard.level_dbfs, 0, 0)
    end = round((float(heard.time_s[-1]) + hop_s / 2) * heard.rate_hz)
    decisions = decider.push(estimate) + decider.flush(end)
    return tuple(one.segment for one in decisions if isinstance(one, Closed))


def covered(truth: tuple[Truth, ...], heard: Heard, segments: Sequence[Segment]) -> Counts:
    """Moments of each class inside segments of its name; not near edges, nor of hidden layers."""
    asked = programmes.moments(truth, float(heard.time_s[-1]))
    inside: NDArray[np.bool_] = np.zeros_like(asked.sounds)
    for segment in segments:
        if segment.label in CLASSES:
            start_s, end_s = segment.start / heard.rate_hz, segment.end / heard.rate_hz
            within = (asked.time_s >= start_s) & (asked.time_s < end_s)
            inside[within, CLASSES.index(segment.label)] = True
    return Counts.of(inside, asked.sounds, asked.clear[:, None] & ~asked.hidden)


def scores(answered: Sequence[Answered], settings: DecisionSettings) -> tuple[float, float]:
    """Macro-F1 of the onsets, and of what is covered, over all programmes."""
    onsets, moments = [], []
    for one in answered:
        segments = decided(one.heard, settings)
        onsets.append(programmes.score_events(one.truth, one.heard.rate_hz, segments))
        moments.append(covered(one.truth, one.heard, segments))
    return _macro_f1(onsets), _macro_f1(moments)


def _macro_f1(counts: Sequence[Counts]) -> float:
    total = counts[0]
    for other in counts[1:]:
        total = total + other
    return float(np.nanmean(total.f1))


@click.command()
@click.argument("cache", type=click.Path(path_type=Path, exists=True))
@click.option("--corpus", envvar="STREAMSEG_CORPUS", type=click.Path(path_type=Path))
@click.option("-m", "--model", default="activity", show_default=True)
def main(cache: Path, corpus: Path | None, model: str) -> None:
    """Print F over thresholds; CACHE is that of the training command."""
    answered = list(composed(banks_folder(cache), corpus, hearing(network_analyser(model))))
    out = Table(title="F of onsets; of moments covered", box=None, pad_edge=False)
    for heading in ("on", *(f"off {off:g}" for off in OFF)):
        out.add_column(heading, justify="right")
    for on in ON:
        found = [scores(answered, DecisionSettings(on=on, off=off)) for off in OFF]
        out.add_row(f"{on:g}", *(f"{onsets:.3f}; {moments:.3f}" for onsets, moments in found))
    Console(width=100).print(out)


if __name__ == "__main__":
    try:
        main()
    except StreamsegError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
