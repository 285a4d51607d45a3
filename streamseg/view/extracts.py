"""Pieces of a programme's histories as they are asked for. No Qt; the state's lock is held."""

from __future__ import annotations

import numpy as np

from streamseg.messages import Mask
from streamseg.view.layers import LayerSet
from streamseg.view.programme import Programme
from streamseg.view.records import Reading

_NEAR_S = 0.5  # from a boundary within which it is read


def reading_of(programme: Programme, sample: int, layers: LayerSet) -> Reading:
    """What there is at a position."""
    column = sample // programme.hop
    data, present = programme.columns.read(column, column + 1)
    reach = round(programme.grid.hop_s * programme.rate_hz / 2) + 1
    near = programme.frames.read(sample - reach, sample + reach)
    mask = programme.masks[layers].read(np.array([column]))
    if mask is not None and not mask.present[0]:
        mask = None
    soon, sure = (
        (tuple(near.provisional[0].tolist()), tuple(near.confirmed[0].tolist()))
        if len(near.sample)
        else ((), ())
    )
    reach = round(_NEAR_S * programme.rate_hz)
    curve = programme.curve.read(sample - reach, sample + reach)
    change = None
    if len(curve.sample):
        change = float(curve.level_dbfs[np.abs(curve.sample - sample).argmin()])
    turn = min(programme.turns, key=lambda turn: abs(turn.sample - sample), default=None)
    if turn is not None and abs(turn.sample - sample) > reach:
        turn = None
    spectrum = data[0] if present[0] else None
    return Reading(sample, spectrum, soon, sure, mask, change, turn)


def mask_of(programme: Programme, start: int, stop: int) -> Mask | None:
    """The mask of a stretch on the grid of the columns; None where there is none at all.

    Columns without a mask are zero in every class.
    """
    hop = programme.hop
    columns = np.arange(start // hop, -(-stop // hop))
    found = programme.masks["classes"].read(columns)
    if found is None or not found.present.any():
        return None
    prob = found.prob.astype(np.float32) / 255
    prob[~found.present] = 0
    return Mask(
        source=programme.source.name,
        classes=found.classes,
        prob=np.ascontiguousarray(prob.transpose(1, 2, 0)),
        freq_hz=found.freq_hz,
        sample=int(columns[0]) * hop,
        unit_s=hop / programme.rate_hz,
        final=bool(found.final[found.present].all()),
    )
