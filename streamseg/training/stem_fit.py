"""How the stem networks are trained: losses, schedules, and what decides on validation."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from streamseg.training.band import STEMS
from streamseg.training.fit import Check, Plan
from streamseg.training.stem_data import CASE_FRAMES, Cases
from streamseg.training.stem_unet_small import LOOKAHEAD, StemUnetSmall
from streamseg.training.streaming import Network

SHARDS = 141  # of 16 pieces: 15 hours beside the corpus' stems
CASE_SHARDS = 2
SQUARED, CONVERGENCE = 0.7, 0.3  # the paper's shares of its two losses
_SHARES = (0.7, 1.6, 1.2, 0.8)  # of drums, bass, other, vocals: the hardest weigh most
_LEAST = 1e-3
LOUDNESS_EXPONENT = 0.75
"""Of power in the loss: 1 is the error in the sound itself, where only the loudest bins count."""


def plan_of(seed: int, quick: bool) -> Plan:
    """The schedule, or a few steps. The shipped weights had three curves: docs/training.md."""
    if quick:
        return Plan(
            steps=20,
            batch=2,
            crop_s=2.0,
            optimizer="muon",
            averaging=0.9,
            check_every=10,
            seed=seed,
        )
    half = bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return Plan(
        steps=14_000,
        batch=3,  # small: in short runs more steps beat larger ones
        crop_s=6.0,
        rate=4e-3,
        optimizer="muon",
        averaging=0.997,
        check_every=1000,
        seed=seed,
        half=half,
    )


def loss(network: Network, features: Tensor, truth: Tensor) -> Tensor:
    """0.7 squared error + 0.3 convergence, of gains weighted by what is heard there.

    The squared error counts against all that is heard. The convergence is that of each sounding
    stem against that stem, as a logarithm: a decibel counts as much for a faint stem as for a loud
    one, down to ``_LEAST`` of all that is heard; ``_SHARES`` says how much.
    """
    assert isinstance(network, StemUnetSmall)
    logits = network.logits(features, network.start(len(features)))
    masks = torch.sigmoid(logits.float())[:, :, LOOKAHEAD:]
    asked = truth[:, : truth.shape[1] - LOOKAHEAD].permute(0, 3, 1, 2)
    gains, heard = asked[:, :4], asked[:, 4:].clamp(min=1e-9) ** LOUDNESS_EXPONENT
    wrong = (heard * (masks - gains) ** 2).sum(dim=(2, 3))
    whole = heard.sum(dim=(2, 3))
    stem = (heard * gains**2).sum(dim=(2, 3))
    share = (stem > _LEAST * whole) * wrong.new_tensor(_SHARES)
    convergence = 0.5 * torch.log((wrong + _LEAST * whole) / (stem + _LEAST * whole))
    mean = (convergence * share).sum() / share.sum().clamp(min=1)
    return SQUARED * (wrong / whole).sum(dim=1).mean() + CONVERGENCE * mean


def masks_of(network: Network, features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Masks of whole excerpts, (n, frames, 512, 4), look-ahead taken out.

    Shape: ``features`` is (n, frames, 1024). Behind the end silence follows.
    """
    count, lookahead = features.shape[1], network.outputs[0][1]
    silent = lookahead + -(count + lookahead) % network.call_frames
    floor = np.full((len(features), silent, features.shape[2]), -80.0, np.float32)
    padded = torch.from_numpy(np.concatenate((features, floor), axis=1))
    with torch.no_grad():
        masks = network(padded.to(network.device), *network.start(len(features)))[0]
    said: NDArray[np.float32] = masks[:, lookahead : lookahead + count].float().cpu().numpy()
    return said


def medians(cases: Cases, masks: list[NDArray[np.float32]]) -> NDArray[np.float64]:
    """Median ratio in decibels of each stem where it sounds, (4,)."""
    ratios = np.array([cases.sdr_db(index, mask) for index, mask in enumerate(masks)])
    with np.errstate(invalid="ignore"):
        return np.array([np.median(column[np.isfinite(column)]) for column in ratios.T])


def checker(cases: Cases) -> Check:
    """Validation for ``fit``: median ratio of each stem; the score is the mean gain over none."""
    nothing = medians(cases, [np.ones((CASE_FRAMES, 512, 4), np.float32)] * len(cases.excerpts))
    known = np.isfinite(nothing)

    def check(network: Network) -> dict[str, float]:
        network.eval()
        masks = [masks_of(network, one.features[None])[0] for one in cases.excerpts]
        found = medians(cases, masks)
        figures = dict(zip(STEMS, np.nan_to_num(found).tolist(), strict=True))
        return {**figures, "score": float((found - nothing)[known].mean())}

    return check


def figures_of(network: Network, cases: Cases) -> dict[str, Any]:
    """Validation figures for the card."""
    found = checker(cases)(network)
    return {
        "command": f"python -m streamseg.training {network.stem} --corpus CORPUS (at its end)",
        "data": "validation pieces: scores, singers and a song held out of training; 10 s each",
        "median_sdr_db": {stem: round(found[stem], 2) for stem in STEMS},
        "mean_gain_over_mixture_db": round(found["score"], 2),
    }
