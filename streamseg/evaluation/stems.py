"""``python -m streamseg.evaluation stems``: how well music is taken apart into four stems.

Test pieces are those of ``training.band_data``'s share "test": MIDI files, singers and recorded
stems that no trainer reads. Of each piece the middle 10 s are taken, of recorded ones the first and
the last. Scored is the SDR of BSS Eval version 3 by ``mir_eval`` (Vincent et al. 2006: a filter of
512 taps is forgiven), for every stem that sounds: not more than 40 dB under the loudest of its
excerpt. A table holds medians.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import mir_eval
import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from streamseg.evaluation.separation import RATE_HZ, STEMS, Excerpt, Way, apart
from streamseg.evaluation.tables import Record
from streamseg.messages import Float32Array
from streamseg.training import band_data

EXCERPT_S = 10.0
QUIET_DB = 40.0
SHARDS = 2  # of 16 test pieces
SEED = 7


@dataclass(slots=True)
class WayScore:
    """What one way reached, excerpt by excerpt; NaN where a stem is silent."""

    sdr_db: list[NDArray[np.float64]] = field(default_factory=list)
    real: list[bool] = field(default_factory=list)
    processor_s: float = 0.0
    audio_s: float = 0.0

    def medians_db(self, real: bool | None = None) -> NDArray[np.float64]:
        """Median of each stem, (4,), over all excerpts, or the recorded or the made ones."""
        rows = np.array(self.sdr_db).reshape(-1, len(STEMS))
        if real is not None:
            rows = rows[np.array(self.real, bool) == real]
        return np.array(
            [np.median(c[np.isfinite(c)]) if np.isfinite(c).any() else np.nan for c in rows.T]
        )

    @property
    def times_real_time(self) -> float:
        """Sound a second of processor time."""
        return self.audio_s / self.processor_s if self.processor_s else np.inf


def sdr_db(truth: Float32Array, estimate: Float32Array) -> float:
    """SDR of one stem, (n,) each. An estimate that is silent has -60 dB; truth must not be."""
    if not np.any(estimate):
        return -60.0
    with warnings.catch_warnings():
        # mir_eval 0.8 announces that its separation module will move to museval.
        warnings.simplefilter("ignore", FutureWarning)
        found = mir_eval.separation.bss_eval_sources(
            truth[None].astype(np.float64), estimate[None].astype(np.float64), False
        )[0]
    return float(np.clip(found[0], -60, 60))


def sounding(stems: Float32Array) -> NDArray[np.bool_]:
    """Which of (4, n) stems sound, (4,)."""
    power = np.einsum("sn,sn->s", stems, stems, dtype=np.float64)
    return np.asarray(power > power.max() * 10 ** (-QUIET_DB / 10), np.bool_)


def render_test(corpus: Path, cache: Path, shards: int = SHARDS) -> Path:
    """Render the singers and pieces of the share "test" unless they are there; their folder."""
    bank = cache / "banks"
    band_data.write_test_voices(corpus, bank, SEED)
    folder = cache / "stem_test"
    band_data.render(bank, corpus, folder, "test", SEED, shards, 1, lambda _: None)
    return folder


def held_out_excerpts(corpus: Path, cache: Path, shards: int = SHARDS) -> Iterator[Excerpt]:
    """Excerpts of the test pieces, rendered first unless they are there."""
    folder = render_test(corpus, cache, shards)
    count = int(EXCERPT_S * RATE_HZ)
    for real in (False, True):
        for shard in band_data.read_pieces(folder, real):
            for piece in shard:
                last = piece.shape[1] - count
                for start in (0, last) if real else (last // 2,):
                    part = piece[:, start : start + count].astype(np.float32) / np.float32(32768)
                    if sounding(part).sum() > 1:  # a stem alone is not apart from anything
                        yield Excerpt(part, real)


def evaluate(excerpts: Iterable[Excerpt], ways: Mapping[str, Way]) -> dict[str, WayScore]:
    """Every way on every excerpt."""
    scores = {name: WayScore() for name in ways}
    for excerpt in excerpts:
        sounds = sounding(excerpt.stems)
        for name, way in ways.items():
            parted = apart(way, excerpt)
            scores[name].sdr_db.append(
                np.array(
                    [
                        sdr_db(truth, estimate) if there else np.nan
                        for truth, estimate, there in zip(
                            excerpt.stems, parted.stems, sounds, strict=True
                        )
                    ]
                )
            )
            scores[name].real.append(excerpt.real)
            scores[name].processor_s += parted.seconds
            scores[name].audio_s += excerpt.stems.shape[1] / RATE_HZ
    return scores


def stems_table(
    scores: Mapping[str, WayScore], lookahead_s: Mapping[str, float], real: bool | None = None
) -> Table:
    """Median SDR in decibels; ``lookahead_s`` of the ways that could run live."""
    title = {None: "all test pieces", False: "rendered pieces", True: "recorded pieces"}[real]
    table = Table(title=f"Median SDR in dB, {title}", box=None, pad_edge=False)
    table.add_column("")
    for heading in (*STEMS, "mean", "look-ahead", "times real time"):
        table.add_column(heading, justify="right")
    for name, score in scores.items():
        medians = score.medians_db(real)
        known = medians[np.isfinite(medians)]
        mean = float(known.mean()) if known.size else float("nan")
        cells = [_shown(value) for value in (*medians, mean)]
        late = f"{lookahead_s[name]:.2f} s" if name in lookahead_s else "-"
        table.add_row(name, *cells, late, f"{score.times_real_time:.0f}")
    return table


def stems_record(scores: Mapping[str, WayScore]) -> Record:
    """The medians, together and by kind of piece."""
    kinds: dict[str, bool | None] = {"all": None, "rendered": False, "recorded": True}
    return {
        "excerpts": len(next(iter(scores.values())).sdr_db),
        "median_sdr_db": {
            name: {
                kind: {
                    stem: None if np.isnan(value) else round(float(value), 3)
                    for stem, value in zip(STEMS, score.medians_db(real), strict=True)
                }
                for kind, real in kinds.items()
            }
            for name, score in scores.items()
        },
    }


def _shown(value: float) -> str:
    return f"{value:.2f}" if np.isfinite(value) else "-"
