"""``python -m streamseg.evaluation lookahead``: what hearing further ahead or back is worth.

- *Ahead*: both outputs of a network, read at the age they were trained for, and sooner: at age a
  an output is taken for the moment a before the newest sound, whatever moment it was trained for.
- *Back*: the confirmed output when the network has heard only the last so many seconds (its state
  is that of a fresh stream before them).

All over the programmes, by the rules of ``programmes``. Window and stride add 0.08 s to every age.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from rich.table import Table

from streamseg.evaluation.analyser import CLASSES, Heard, analyser_of
from streamseg.evaluation.programmes import ProgrammeScore, score_programme
from streamseg.evaluation.tables import Record
from streamseg.evaluation.truth import Programme
from streamseg.messages import Estimate, Float32Array
from streamseg.models import Job, Network
from streamseg.models.session import Session, initial_state
from streamseg.resources import models_dir
from streamseg.training import fronts
from streamseg.training.data import RATE_HZ, decode

AGES_S = {"provisional": (0.0, 0.1, 0.2, 0.3, 0.4), "confirmed": (0.4, 0.6, 0.8, 1.0, 1.2, 1.4)}
PASTS_S = (1.0, 2.0, 4.0, 8.0)
_EVERY_S = 0.48  # a whole number of strides; the past is that much longer at most


class Early(Network):
    """A network taken at its first word: the provisional output stands for the confirmed one."""

    def run(self, jobs: Sequence[Job]) -> list[Estimate]:
        """As ``Network.run``."""
        return [replace(one, confirmed=one.provisional) for one in super().run(jobs)]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    what: str
    ahead_s: float
    past_s: float
    """Infinity: all of it."""
    score: ProgrammeScore


def evaluate(programmes: Iterable[Programme], model: str) -> list[Row]:
    """All rows, scores added up over the programmes."""
    found: dict[tuple[str, float, float], ProgrammeScore] = {}
    for programme in programmes:
        for key, heard in _answers(programme.audio, model):
            score = score_programme(programme, replace(heard, segments=()))
            found[key] = found[key] + score if key in found else score
    return [Row(*key, score) for key, score in found.items()]


def _answers(audio: Path, model: str) -> Iterable[tuple[tuple[str, float, float], Heard]]:
    for name, kind in (("provisional", Early), ("confirmed", Network)):
        network = _network(kind, model)
        trained_s = _lookahead_s(network, name)
        heard = analyser_of(network)(audio)
        for age_s in AGES_S[name]:
            if age_s <= trained_s + 1e-6:
                # Read at age a, the answer for a moment t is the one meant for t + a - trained.
                moved = replace(heard, time_s=heard.time_s + (trained_s - age_s))
                yield (name, age_s, float("inf")), moved
        if name == "confirmed":
            on_air = heard.prob.max(1, initial=0.0) > 0
            decibels = fronts.features(network.card.front_end, decode(audio), RATE_HZ)
            for past_s in PASTS_S:
                prob = forgetful(network, model, decibels, past_s)[: len(heard.time_s)]
                gated = prob * on_air[: len(prob), None]
                kept = replace(heard, time_s=heard.time_s[: len(prob)], prob=gated)
                yield (name, trained_s, past_s), kept


def _network(kind: type[Network], model: str) -> Network:
    from streamseg.models import load_card

    card = load_card(model)
    return kind(card, Session(models_dir() / f"{model}.onnx", card, "auto"))


def _lookahead_s(network: Network, role: str) -> float:
    output = next(one for one in network.card.outputs if one.role == role)
    return round(output.lookahead_frames * network.card.front_end.hop_s, 6)


def forgetful(network: Network, model: str, decibels: Float32Array, past_s: float) -> Float32Array:
    """The confirmed output when each answer has heard ``past_s`` to ``past_s`` + 0.48 s before it.

    Shape: ``decibels`` (frames, bands); the result (frames / stride, classes) on the network's
    grid. Costs ``past_s`` / 0.48 passes.
    """
    card = network.card
    session = Session(models_dir() / f"{model}.onnx", card, "auto")
    which = [one.role for one in card.outputs].index("confirmed")
    ahead, stride = card.outputs[which].lookahead_frames, card.stride
    every = round(_EVERY_S / card.front_end.hop_s) // stride * stride
    past = round(past_s / card.front_end.hop_s) // stride * stride
    count = len(decibels) // every
    floor = np.full((past, decibels.shape[1]), card.front_end.floor_db, np.float32)
    after = np.full((ahead, decibels.shape[1]), card.front_end.floor_db, np.float32)
    padded = np.concatenate((floor, decibels[: count * every], after))
    pieces = []
    for first in range(0, count, 64):
        starts = np.arange(first, min(first + 64, count)) * every
        windows = np.stack([padded[at : at + past + every + ahead] for at in starts])
        outputs, _ = session.run(windows, initial_state(card, len(windows)))
        pieces.append(outputs[which][:, -(every // stride) :].reshape(-1, len(CLASSES)))
    return np.concatenate(pieces)


def lookahead_table(rows: Sequence[Row]) -> Table:
    """Both macro-F1 by output, age and past."""
    table = Table(title="Look-ahead and past", box=None, pad_edge=False)
    for heading in ("output", "age", "past", "one class", *CLASSES, "multi-label"):
        table.add_column(heading, justify="left" if heading == "output" else "right")
    for row in rows:
        past = "all" if np.isinf(row.past_s) else f"{row.past_s:.0f} s"
        one = row.score.one_class.f1
        shown = [np.nanmean(one), *one, np.nanmean(row.score.multi_label.f1)]
        table.add_row(row.what, f"{row.ahead_s:.2f} s", past, *(f"{value:.3f}" for value in shown))
    return table


def lookahead_record(rows: Sequence[Row]) -> Record:
    """The same."""
    return {
        "rows": [
            {
                "output": row.what,
                "age_s": row.ahead_s,
                "past_s": None if np.isinf(row.past_s) else row.past_s,
                "one_class_f1": round(float(np.nanmean(row.score.one_class.f1)), 4),
                "multi_label_f1": round(float(np.nanmean(row.score.multi_label.f1)), 4),
            }
            for row in rows
        ]
    }
