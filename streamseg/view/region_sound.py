"""The sound of a region, as it was or with one class kept by the mask, piece by piece. No Qt.

Runs on a thread of whoever asks, never on that of the window. Memory is bounded by ``PIECE_S``,
however long the region is.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from streamseg.errors import UsageError
from streamseg.frontend.loudness import LOWEST_RATE_HZ, KWeightedPower
from streamseg.frontend.loudness_stats import ProgrammeLoudness
from streamseg.masking import OVERLAP, Keeper, UnitGrid, class_gains, filled, heard_gains
from streamseg.messages import Float32Array, Mask
from streamseg.view.audio_spool import AudioSpool
from streamseg.view.engine import Player
from streamseg.view.export import Region
from streamseg.view.layers import STEMS
from streamseg.view.state import ViewState
from streamseg.view.stem_spool import StemGrid, StemSpool

PIECE_S = 10.0


def pieces(
    state: ViewState, region: Region, rate_hz: int, keep: str = ""
) -> Iterator[Float32Array]:
    """The sound of a region, (n, channels) float32 at a time.

    Sound and mask are those of the source that is open now, whatever is opened meanwhile.
    ``keep``: only this class or stem remains; empty: as it was. Raises UsageError where there is
    no mask.
    """
    sound = _as_it_was(state.spool, region, rate_hz)
    if not keep:
        return sound
    if keep in STEMS:
        spool = state.stems
        grid = None if spool is None else spool.grid(region.start, region.stop)
        if spool is None or grid is None or keep not in spool.classes:
            why = "" if spool is None or not spool.problem else f" ({spool.problem})"
            raise UsageError(
                f"expected a mask of {keep} here, got none{why}; set model.stems to a network of "
                "stems, and choose sound that was heard since"
            )
        return _stem(sound, spool, grid, region, rate_hz, keep)
    mask = state.mask(region.start, region.stop)
    if mask is None or keep not in mask.classes or not mask.prob.any():
        raise UsageError(
            f"expected a mask of {keep} here, got none; set model.mask to a network that draws "
            "masks, and choose sound that was heard since"
        )
    return _kept(sound, mask, region, rate_hz, keep)


def _as_it_was(spool: AudioSpool | None, region: Region, rate_hz: int) -> Iterator[Float32Array]:
    step = round(PIECE_S * rate_hz)
    for start in range(region.start, region.stop, step):
        stop = min(region.stop, start + step)
        yield np.zeros((stop - start, 1), np.float32) if spool is None else spool.read(start, stop)


def _kept(
    sound: Iterator[Float32Array], mask: Mask, region: Region, rate_hz: int, keep: str
) -> Iterator[Float32Array]:
    first_s = (mask.sample - region.start) / rate_hz + mask.unit_s / 2
    keeper: Keeper | None = None
    for piece in sound:
        if keeper is None:
            grid = UnitGrid(mask.freq_hz, first_s, mask.unit_s)
            keeper = Keeper(rate_hz, piece.shape[1], grid)
            keeper.push_gains(class_gains(filled(mask.prob), mask.classes, (keep,)))
        yield keeper.push(piece)
    if keeper is not None:
        yield keeper.flush()


def _stem(
    sound: Iterator[Float32Array],
    spool: StemSpool,
    grid: StemGrid,
    region: Region,
    rate_hz: int,
    stem: str,
) -> Iterator[Float32Array]:
    """As ``streamseg mask --keep`` does it: the same gains, on frames of the network's length."""
    unit_s = grid.step / rate_hz
    units = UnitGrid(grid.freq_hz, (grid.first - region.start) / rate_hz, unit_s)
    keeper: Keeper | None = None
    unit, at = 0, region.start
    for piece in sound:
        if keeper is None:
            # The network's frames overlap as those of the keeper: four begin in one.
            keeper = Keeper(rate_hz, piece.shape[1], units, OVERLAP * unit_s)
        at += len(piece)
        until = max(unit + 1, math.ceil((at - grid.first) / grid.step) + 1)
        middle = grid.first + np.arange(unit, until, dtype=np.float64) * grid.step
        kept = keeper.push_gains(heard_gains(spool.gains(stem, middle)[None], (stem,)))
        unit = until
        yield np.concatenate((kept, keeper.push(piece)))
    if keeper is not None:
        yield keeper.flush()


class Wish:
    """To hear something; whoever made it may give it up, from another thread too."""

    def __init__(self) -> None:
        self._given_up = threading.Event()

    def give_up(self) -> None:
        """It is no longer wanted."""
        self._given_up.set()

    @property
    def holds(self) -> bool:
        """Whether it is still wanted."""
        return not self._given_up.is_set()


def play(wish: Wish, player: Player, sound: Iterator[Float32Array], rate_hz: int) -> None:
    """Gather the pieces and play them, if that is still wanted then.

    Raises SourceUnavailableError.
    """
    parts = []
    for piece in sound:
        if not wish.holds:
            return
        parts.append(piece)
    player.play(np.concatenate(parts), rate_hz)
    if not wish.holds:
        player.stop()


@dataclass(frozen=True, slots=True)
class Facts:
    """What is measured of a region. None: too short, or silent."""

    level_dbfs: float | None
    """Mean power of all channels; a full-scale sine is 0."""
    peak_dbfs: float | None
    """Highest sample."""
    lufs: float | None
    """Integrated, gated, of all channels (BS.1770)."""


def measure(sound: Iterator[Float32Array], rate_hz: int) -> Facts:
    """Level, peak and loudness of (n, channels) pieces."""
    total, count, highest = 0.0, 0, 0.0
    programme = ProgrammeLoudness()
    weighting: list[KWeightedPower] = []
    for piece in sound:
        total += float(np.square(piece, dtype=np.float64).sum())
        count += piece.size
        highest = max(highest, float(np.abs(piece).max(initial=0.0)))
        if not weighting and rate_hz >= LOWEST_RATE_HZ:
            weighting = [KWeightedPower(rate_hz) for _ in range(piece.shape[1])]
        steps = [one.push(piece[:, index]) for index, one in enumerate(weighting)]
        if steps:
            programme.push(np.sum(steps, axis=0))
    return Facts(
        level_dbfs=10 * math.log10(2 * total / count) if total > 0 else None,
        peak_dbfs=20 * math.log10(highest) if highest > 0 else None,
        lufs=programme.lufs,
    )
