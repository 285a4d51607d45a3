"""``python -m streamseg.evaluation masks``: how well ``window_mask`` draws, on mixed eval clips.

*AUC of music against noise* (the paper's figure 2), clean and at five ratios. The ratio is that of
the four seconds of an excerpt. Positives are what the network says of music in windows of the
mixture, negatives what it says in windows of the same noise alone. Left out are windows that hold
nothing of what they stand for: in which the music (of a positive) or the noise (of a negative) lies
more than ``DEPTH_DB`` under the loudest window of its excerpt. The same for the units of the
averaged map. Beside it: by the ratio *inside* each window, within 2.5 dB, whatever the excerpt's.

*Macro AUC*: each class alone against the two others alone.

*SI-SDR improvement* (Le Roux et al., ICASSP 2019) of the sound that ``masking.keep_classes`` keeps,
over the mixture, at 0 dB.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from streamseg.evaluation.analyser import CLASSES
from streamseg.evaluation.excerpts import ExcerptSet
from streamseg.evaluation.mask_ear import Drawn, MaskEar
from streamseg.evaluation.metrics import BoolArray
from streamseg.evaluation.roc import auc
from streamseg.evaluation.tables import Record
from streamseg.masking import keep_classes
from streamseg.messages import Float32Array
from streamseg.training.data import RATE_HZ

RATIOS_DB = (20, 10, 0, -10, -20)
DEPTH_DB = 50.0
_INSIDE_DB = 2.5
# What is kept, out of which mixture.
TASKS = (("music", "noise"), ("speech", "noise"), ("speech", "music"))
MUSIC, NOISE = CLASSES.index("music"), CLASSES.index("noise")
CLEAN = "clean"


Which = Literal["windows", "lowest", "units"]


@dataclass(slots=True)
class Scores:
    """Probabilities of music, collected: key, then a list of arrays to be put side by side."""

    windows: dict[str, list[Float32Array]] = field(default_factory=lambda: defaultdict(list))
    lowest: dict[str, list[Float32Array]] = field(default_factory=lambda: defaultdict(list))
    """Only windows of the lowest position, 0 to 5.5 kHz."""
    units: dict[str, list[Float32Array]] = field(default_factory=lambda: defaultdict(list))

    def auc(self, which: Which, positive: str, negative: str = "noise") -> float:
        """NaN where nothing was collected."""
        table: dict[str, list[Float32Array]] = getattr(self, which)
        if positive not in table or negative not in table:
            return float("nan")
        return auc(np.concatenate(table[positive]), np.concatenate(table[negative]))


@dataclass(slots=True)
class MaskScore:
    """Everything that was measured; keys of ``scores`` are ``clean``, ``0``, ``-10``, ..., and
    ``inside 0`` and so on; ``noise`` is what music got in noise alone.
    """

    scores: Scores = field(default_factory=Scores)
    places: Scores = field(default_factory=Scores)
    """Only sets whose noise is of ``excerpts.PLACES``."""
    alone: Scores = field(default_factory=Scores)
    """Keys ``asked/heard``: what class ``asked`` got where ``heard`` sounds alone."""
    improvement_db: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    sets: int = 0
    sets_of_places: int = 0


def si_sdr_db(estimate: Float32Array, truth: Float32Array) -> float:
    """Scale-invariant ratio of signal to distortion (Le Roux et al. 2019, equation 4).

    Within +-60 dB; an estimate that is silent has -60.
    """
    estimate, truth = (np.asarray(x, np.float64) - np.mean(x) for x in (estimate, truth))
    target = truth * (estimate @ truth) / (truth @ truth)
    rest = estimate - target
    found, lost = float(target @ target), float(rest @ rest)
    ratio = found / lost if lost else np.inf * found
    return float(10 * np.log10(np.clip(np.nan_to_num(ratio, nan=0.0), 1e-6, 1e6)))


def evaluate(sets: Iterable[ExcerptSet], ear: MaskEar) -> MaskScore:
    """Over all sets. Raises what ``excerpt_sets`` raises."""
    score = MaskScore()
    for one in sets:
        _add(score, one, ear)
    return score


def _add(score: MaskScore, one: ExcerptSet, ear: MaskEar) -> None:
    power = {name: ear.unit_power(one.gained(name)) for name in CLASSES}
    drawn = {name: ear.hear(one.gained(name)) for name in CLASSES}
    tables = [score.scores, score.places] if one.place else [score.scores]
    score.sets += 1
    score.sets_of_places += one.place
    for asked, label in enumerate(CLASSES):
        for heard in CLASSES:
            _collect([score.alone], f"{label}/{heard}", drawn[heard], ear, power[heard], asked)
    _collect(tables, "noise", drawn["noise"], ear, power["noise"], MUSIC)
    _collect(tables, CLEAN, drawn["music"], ear, power["music"], MUSIC)
    ratio_db = 10 * np.log10(
        np.maximum(ear.window_power(power["music"]), 1e-12)
        / np.maximum(ear.window_power(power["noise"]), 1e-12)
    )
    for gain_db in RATIOS_DB:
        mixture = ear.hear(one.mixed({"music": gain_db, "noise": 0.0}))
        _collect(tables, str(gain_db), mixture, ear, power["music"], MUSIC)
        _collect_inside(tables, mixture, ear, power["music"], ratio_db + gain_db)
    for kept, other in TASKS:
        mixed = one.mixed({kept: 0.0, other: 0.0})
        rest = keep_classes(mixed, RATE_HZ, ear.hear(mixed).mask, [kept])
        truth = one.gained(kept)
        gained_db = si_sdr_db(rest, truth) - si_sdr_db(mixed, truth)
        score.improvement_db[f"{kept} in {other}"].append(gained_db)


def present(power: Float32Array) -> BoolArray:
    """Which windows or units hold something, see the module."""
    return np.asarray(power > power.max() * 10 ** (-DEPTH_DB / 10), np.bool_)


def _collect(
    tables: Sequence[Scores], key: str, drawn: Drawn, ear: MaskEar, power: Float32Array, asked: int
) -> None:
    """What class ``asked`` got where the sound with this ``power`` is present."""
    inside = present(ear.window_power(power))
    units = drawn.mask.prob[asked].T
    for table in tables:
        table.windows[key].append(drawn.windows[..., asked][inside])
        table.lowest[key].append(drawn.windows[:, 0, asked][inside[:, 0]])
        table.units[key].append(units[present(power)[: len(units)]])


def _collect_inside(
    tables: Sequence[Scores],
    drawn: Drawn,
    ear: MaskEar,
    power: Float32Array,
    ratio_db: NDArray[np.floating],
) -> None:
    """By the ratio inside each window."""
    held = present(ear.window_power(power))
    for wanted_db in RATIOS_DB:
        near = held & (np.abs(ratio_db - wanted_db) < _INSIDE_DB)
        for table in tables:
            table.windows[f"inside {wanted_db}"].append(drawn.windows[..., MUSIC][near])


# Tables -------------------------------------------------------------------------------------------


def macro_auc(score: MaskScore, which: Which) -> float:
    """Mean over the classes of one alone against the two others alone."""
    values = []
    for label in CLASSES:
        table: dict[str, list[Float32Array]] = getattr(score.alone, which)
        others = [name for name in CLASSES if name != label]
        rest = [part for name in others for part in table[f"{label}/{name}"]]
        values.append(auc(np.concatenate(table[f"{label}/{label}"]), np.concatenate(rest)))
    return float(np.mean(values))


def _rows(score: MaskScore) -> dict[str, dict[str, float]]:
    keys = [CLEAN, *map(str, RATIOS_DB)]
    return {
        "single windows": {key: score.scores.auc("windows", key) for key in keys},
        "averaged map": {key: score.scores.auc("units", key) for key in keys},
        "single windows, 0 to 5.5 kHz": {key: score.scores.auc("lowest", key) for key in keys},
        "single windows, ratio inside each": {
            key: score.scores.auc("windows", f"inside {key}") for key in keys
        },
        "single windows, noise of places": {key: score.places.auc("windows", key) for key in keys},
        "averaged map, noise of places": {key: score.places.auc("units", key) for key in keys},
    }


def mask_tables(score: MaskScore) -> list[Table]:
    """For people."""
    curve = Table(title="AUC of music against noise", box=None, pad_edge=False)
    curve.add_column("")
    for key in (CLEAN, *RATIOS_DB):
        curve.add_column(key if isinstance(key, str) else f"{key:+d} dB", justify="right")
    for name, values in _rows(score).items():
        curve.add_row(name, *(_shown(value) for value in values.values()))
    macro = Table(title="Macro AUC, each class alone", box=None, pad_edge=False)
    for heading in ("single windows", "averaged map", "sets", "of these noise of places"):
        macro.add_column(heading, justify="right")
    counts = (str(score.sets), str(score.sets_of_places))
    macro.add_row(_shown(macro_auc(score, "windows")), _shown(macro_auc(score, "units")), *counts)
    kept = Table(title="SI-SDR improvement at 0 dB", box=None, pad_edge=False)
    for heading in ("kept", "mean", "median", "worst tenth", "best tenth"):
        kept.add_column(heading, justify="left" if heading == "kept" else "right")
    for name, gained_db in score.improvement_db.items():
        tenths = np.percentile(gained_db, (50, 10, 90))
        kept.add_row(name, *(f"{value:.1f} dB" for value in (np.mean(gained_db), *tenths)))
    return [curve, macro, kept]


def mask_record(score: MaskScore) -> Record:
    """For programs."""
    return {
        "auc_music_against_noise": {
            name: {key: _number(value) for key, value in values.items()}
            for name, values in _rows(score).items()
        },
        "macro_auc": {
            "windows": _number(macro_auc(score, "windows")),
            "units": _number(macro_auc(score, "units")),
        },
        "si_sdr_improvement_db": {
            name: {
                "mean": round(float(np.mean(values)), 2),
                "median": round(float(np.median(values)), 2),
            }
            for name, values in score.improvement_db.items()
        },
        "sets": score.sets,
        "sets_with_noise_of_places": score.sets_of_places,
    }


def _number(value: float) -> float | None:
    return round(value, 4) if np.isfinite(value) else None


def _shown(value: float) -> str:
    return f"{value:.3f}" if np.isfinite(value) else "-"
