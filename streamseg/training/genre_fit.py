"""How ``stem_genre`` is trained: its crops, loss and schedule, and what decides on validation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from streamseg.training.fit import Check, Plan
from streamseg.training.genre_data import FRAMES
from streamseg.training.genre_network import StemGenre
from streamseg.training.genre_pieces import PICTURE, Pictures
from streamseg.training.genre_verdict import verdict
from streamseg.training.streaming import Network

L1 = 1e-5
EXACT_SHARE = 0.25
"""Of the crops whose stems are the exact ones: cleaner than what the network will be given."""
SWAPPED_SHARE = 0.3
"""Of the stems that come from another piece of the genre: there are few pieces."""
_FASTER = 0.07  # or slower, at most
_HIGHER = 2  # mel bands, or lower, at most
_TILT_DB = 3.0  # of the knots of an equaliser, standard deviation
_BALANCE_DB = 2.0  # of a stem's level
_KNOTS = 6


def plan_of(seed: int, quick: bool) -> Plan:
    """The schedule, or a few steps."""
    if quick:
        return Plan(steps=20, batch=4, averaging=0.9, check_every=10, seed=seed)
    return Plan(
        steps=400,
        batch=8,
        rate=2e-3,
        weight_decay=1e-3,
        averaging=0.9,  # of few steps: the statistics of the normalisation lag as well
        check_every=40,
        seed=seed,
    )


def disturbed(pictures: Tensor, random: torch.Generator) -> Tensor:
    """Another equaliser, the same for all stems, and other levels of the stems.

    Shape: (batch, 3, 128, 458) decibels in and out, limited below as they were.
    """
    count, stems, bands, _ = pictures.shape
    knots = torch.randn(count, 1, _KNOTS, generator=random) * _TILT_DB
    curve = nn.functional.interpolate(knots, bands, mode="linear", align_corners=True)
    balance = torch.randn(count, stems, 1, 1, generator=random) * _BALANCE_DB
    return (pictures + curve[..., None] + balance).clamp(min=PICTURE.floor_db)


@dataclass(frozen=True, slots=True)
class Crops:
    """Windows of pieces that begin anywhere, with exact or found stems."""

    pictures: Pictures
    exact_share: float = EXACT_SHARE
    swapped_share: float = SWAPPED_SHARE
    disturb: bool = True
    """Also at another pace and height, with another equaliser and levels."""

    def batches(self, plan: Plan, first: int, last: int) -> Iterator[tuple[Tensor, Tensor]]:
        """(batch, 3, 128, 458) decibels and (batch,) genres, the same for the same seed and step.

        Every piece is heard once an epoch.
        """
        count = len(self.pictures.genres)
        for step in range(first, last):
            per_epoch = max(1, count // plan.batch)
            order = np.random.default_rng([plan.seed, 5, step // per_epoch]).permutation(count)
            at = step % per_epoch * plan.batch
            rows = order[at : at + plan.batch]
            draw = np.random.default_rng([plan.seed, 6, step])
            windows = torch.stack([self._window(int(row), draw) for row in rows])
            if self.disturb:
                random = torch.Generator().manual_seed(plan.seed * 1_000_003 + step)
                windows = disturbed(windows, random)
            yield windows, torch.from_numpy(self.pictures.genres[rows])

    def _window(self, row: int, draw: np.random.Generator) -> Tensor:
        """Shape: (3, 128, 458) decibels, float32."""
        exact = draw.random() < self.exact_share
        pictures = self.pictures.exact if exact else self.pictures.found
        pace = draw.uniform(1 - _FASTER, 1 + _FASTER) if self.disturb else 1.0
        frames = min(round(FRAMES * pace), pictures.shape[1])
        at = int(draw.integers(0, pictures.shape[1] - frames + 1))
        window = pictures[row, at : at + frames].astype(np.float32)
        alike = np.flatnonzero(self.pictures.genres == self.pictures.genres[row])
        for stem in np.flatnonzero(draw.random(window.shape[1]) < self.swapped_share):
            window[:, stem] = pictures[draw.choice(alike), at : at + frames, stem]
        heard = torch.from_numpy(window).permute(1, 2, 0)
        if not self.disturb:
            return heard
        heard = nn.functional.interpolate(heard, FRAMES, mode="linear", align_corners=True)
        return _higher(heard, int(draw.integers(-_HIGHER, _HIGHER + 1)))


def _higher(window: Tensor, bands: int) -> Tensor:
    """So many mel bands up or down, the border band repeated; (3, 128, frames)."""
    places = (torch.arange(window.shape[1]) - bands).clamp(0, window.shape[1] - 1)
    return window[:, places]


def as_input(windows: NDArray[np.floating]) -> Tensor:
    """(n, frames, stems, bands) to what the network takes, (n, stems, bands, frames) float32."""
    return torch.from_numpy(
        np.ascontiguousarray(windows.astype(np.float32, copy=False).transpose(0, 2, 3, 1))
    )


def loss(network: Network, pictures: Tensor, genres: Tensor) -> Tensor:
    """Cross-entropy and an L1 penalty; the L2 penalty is the optimiser's decay of weights."""
    assert isinstance(network, StemGenre)
    return nn.functional.cross_entropy(network.scores(pictures), genres) + L1 * network.absolute()


def judged(
    network: StemGenre, pictures: NDArray[np.float16], genres: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Scores before the softmax, and genres, of two windows of each piece: its first and its last.

    Shape: (2 * pieces, 6) and (2 * pieces,). In its first window the stem network was still cold.
    """
    network.eval()
    scores = []
    for windows in (pictures[:, :FRAMES], pictures[:, -FRAMES:]):
        with torch.no_grad():
            for at in range(0, len(windows), 32):
                given = as_input(windows[at : at + 32]).to(network.device)
                scores.append(network.scores(given).cpu().double().numpy())
    return np.concatenate(scores), np.concatenate((genres, genres))


def softmax(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Over the last axis."""
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def cross_entropy(scores: NDArray[np.float64], genres: NDArray[np.int64]) -> float:
    """Mean over the windows, in nats."""
    prob = softmax(scores)[np.arange(len(genres)), genres]
    return float(-np.log(np.maximum(prob, 1e-12)).mean())


def checker(cases: Pictures) -> Check:
    """Validation by found stems: the least cross-entropy decides, accuracy is told."""

    def check(network: Network) -> dict[str, float]:
        assert isinstance(network, StemGenre)
        figures: dict[str, float] = {}
        for name, pictures in (("found", cases.found), ("exact", cases.exact)):
            scores, genres = judged(network, pictures, cases.genres)
            figures[f"loss_{name}"] = cross_entropy(scores, genres)
            figures[f"accuracy_{name}"] = float((scores.argmax(axis=1) == genres).mean())
        return {"score": 1 / (1 + figures["loss_found"]), **figures}

    return check


def calibrate(network: StemGenre, cases: Pictures) -> float:
    """Sharpen or soften the answers to the least cross-entropy on validation; the factor."""
    scores, genres = judged(network, cases.found, cases.genres)
    factors = np.geomspace(0.2, 3, 120)
    best = float(min(factors, key=lambda factor: cross_entropy(factor * scores, genres)))
    network.sharpen(best)
    return best


def figures_of(network: StemGenre, cases: Pictures) -> dict[str, Any]:
    """Validation figures for the card."""
    figures: dict[str, Any] = {
        "command": "python -m streamseg.training stem_genre (printed at its end)",
        "data": "generated pieces of six kinds of dance music with seeds and voices held out of "
        "training, two windows each; chance is 0.167. No recorded music was judged.",
    }
    for name, pictures in (("found_stems", cases.found), ("exact_stems", cases.exact)):
        scores, genres = judged(network, pictures, cases.genres)
        found = verdict(softmax(scores), genres)
        figures[name] = {
            "windows": found.windows,
            "accuracy": round(found.accuracy, 4),
            "macro_f1": round(found.macro_f1, 4),
            "expected_calibration_error": round(found.calibration_error, 4),
        }
    return figures
